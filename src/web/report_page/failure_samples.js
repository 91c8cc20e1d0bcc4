// @ts-check
/// <reference lib="dom" />
/**
 * Examples of failed requests, each of which opens to show what was sent and what came back.
 *
 * @module
 */

import { element } from "../page/dom.js";

/** @typedef {import("../../report/summary.ts").SummaryFailureSample} FailureSample */

/**
 * A card with the examples, or nothing if there are none.
 *
 * @param {readonly FailureSample[]} samples
 * @returns {HTMLElement | null}
 */
export function failureSamples(samples) {
  if (samples.length === 0) return null;
  return element("section", { class: "card part", "aria-labelledby": "failure-samples-title" }, [
    element("h2", { id: "failure-samples-title", text: "Examples of failures" }),
    ...samples.map(sampleElement),
  ]);
}

/** @param {FailureSample} sample */
function sampleElement(sample) {
  const { method, name, error, url, at, node, userClass, user, iteration, traceId } = sample;
  const facts = [
    ...(node === "local" ? [] : [node]),
    `${userClass}, user ${user}, iteration ${iteration}`,
    at,
    ...(traceId === null ? [] : [`trace ${traceId}`]),
  ];
  return element("details", { class: "failure-sample" }, [
    element("summary", {}, [
      element("span", { class: "bad", text: error }),
      ` ${method} ${name}`,
    ]),
    element("p", { class: "quiet", text: facts.join(" · ") }),
    element("p", { class: "failure-url", text: url }),
    element("h3", { text: "Sent" }),
    element("pre", { tabindex: 0, text: sample.sent }),
    element("h3", { text: "Received" }),
    sample.received === ""
      ? element("p", { class: "quiet", text: "No response." })
      : element("pre", { tabindex: 0, text: sample.received }),
  ]);
}
