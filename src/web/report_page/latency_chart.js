// @ts-check
/// <reference lib="dom" />
/**
 * The distribution of response times: a table whose rows contain the bars of a chart.
 *
 * @module
 */

import { element } from "../page/dom.js";
import { formatExact, formatMilliseconds, formatShare } from "../page/format.js";

/** @typedef {import("../../report/latency_bars.ts").LatencyBar} LatencyBar */

/**
 * The chart, to be added to the page.
 *
 * @param {readonly LatencyBar[]} bars
 * @returns {HTMLElement}
 */
export function latencyChart(bars) {
  const heads = ["Up to", "", "Requests", "Share", "Cumulative"].map((text) =>
    text === "" ? element("td") : element("th", { scope: "col", class: "number", text })
  );
  const rows = latencyRows(bars).map(({ upTo, count, share, cumulative, length }) => {
    const bar = element("span", { class: "bar-mark" });
    bar.style.width = `${(length * 100).toFixed(2)}%`;
    return element("tr", {}, [
      element("th", { scope: "row", class: "number", text: upTo }),
      element("td", { class: "bar", "aria-hidden": "true" }, [bar]),
      ...[count, share, cumulative].map((text) => element("td", { class: "number", text })),
    ]);
  });
  return element("table", { class: "latency-chart", "aria-labelledby": "distribution-title" }, [
    element("thead", {}, [element("tr", {}, heads)]),
    element("tbody", {}, rows),
  ]);
}

/**
 * One row.
 *
 * @typedef {object} LatencyRow
 * @property {string} upTo
 * @property {string} count
 * @property {string} share
 * @property {string} cumulative Share of all requests that took no longer.
 * @property {number} length The bar's length relative to the longest, 0 to 1.
 */

/**
 * The rows of the chart.
 *
 * @param {readonly LatencyBar[]} bars
 * @returns {readonly LatencyRow[]}
 */
export function latencyRows(bars) {
  const total = bars.reduce((sum, { count }) => sum + count, 0);
  const highest = bars.reduce((high, { count }) => Math.max(high, count), 0);
  let soFar = 0;
  return bars.map(({ upToMs, count }) => {
    soFar += count;
    return {
      upTo: formatMilliseconds(upToMs),
      count: formatExact(count),
      share: formatShare(count / total),
      cumulative: formatShare(soFar / total),
      length: count / highest,
    };
  });
}
