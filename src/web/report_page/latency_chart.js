// @ts-check
/// <reference lib="dom" />
/**
 * How the response times are spread: a table whose rows are the bars of a chart.
 *
 * @module
 */

import { element } from "../page/dom.js";
import { latencySteps } from "./latency_steps.js";

/** @typedef {import("../../report/latency_bars.ts").LatencyBar} LatencyBar */

/**
 * The chart, for the page.
 *
 * @param {readonly LatencyBar[]} bars
 * @returns {HTMLElement}
 */
export function latencyChart(bars) {
  const heads = ["Up to", "", "Requests", "Share", "Up to here"].map((text) =>
    text === "" ? element("td") : element("th", { scope: "col", class: "number", text })
  );
  const rows = latencySteps(bars).map(({ upTo, count, share, upToHere, length }) => {
    const bar = element("span", { class: "bar-mark" });
    bar.style.width = `${(length * 100).toFixed(2)}%`;
    return element("tr", {}, [
      element("th", { scope: "row", class: "number", text: upTo }),
      element("td", { class: "bar", "aria-hidden": "true" }, [bar]),
      ...[count, share, upToHere].map((text) => element("td", { class: "number", text })),
    ]);
  });
  return element("table", { class: "latency-chart", "aria-labelledby": "distribution-title" }, [
    element("thead", {}, [element("tr", {}, heads)]),
    element("tbody", {}, rows),
  ]);
}
