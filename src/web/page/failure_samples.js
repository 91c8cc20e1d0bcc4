// @ts-check
/// <reference lib="dom" />
/**
 * Examples of failed requests, below the row of their failure: what was sent, and what came back.
 *
 * @module
 */

import { element, place } from "./dom.js";

/** @typedef {import("../../report/summary.ts").SummaryFailureSample} FailureSample */
/** @typedef {Pick<FailureSample, "method" | "name" | "error">} FailureKey */

/** The examples of a run by their failures. */
export class FailureSamples {
  /** @type {readonly FailureSample[]} */
  #all = [];
  /** @type {Map<string, FailureSample[]>} */
  #byFailure = new Map();
  /** What is on the page. @type {Map<string, HTMLElement>} */
  #lists = new Map();

  /**
   * @param {readonly FailureSample[]} samples Each is the same object as long as it is the same example.
   * @returns {void}
   */
  update(samples) {
    if (samples === this.#all) return;
    this.#all = samples;
    this.#byFailure = new Map();
    for (const sample of samples) {
      const key = failureKey(sample);
      this.#byFailure.set(key, [...this.#byFailure.get(key) ?? [], sample]);
    }
  }

  /**
   * @param {FailureKey} failure
   * @returns {boolean}
   */
  has(failure) {
    return this.#byFailure.has(failureKey(failure));
  }

  /**
   * The examples of a failure. Those that are on the page stay as they are, open or closed.
   *
   * @param {FailureKey} failure
   * @returns {HTMLElement}
   */
  listOf(failure) {
    const key = failureKey(failure);
    const list = this.#lists.get(key) ?? element("div", { class: "failure-samples" });
    this.#lists.set(key, list);
    const samples = this.#byFailure.get(key) ?? [];
    const known = new Map(
      [...list.children].map((child) => [child.getAttribute("data-key"), child]),
    );
    place(
      list,
      samples.map((sample, index) =>
        known.get(sampleKey(sample)) ?? sampleElement(sample, index === 0)
      ),
    );
    return list;
  }
}

/** @param {FailureKey} failure */
function failureKey({ method, name, error }) {
  return JSON.stringify([method, name, error]);
}

/** @param {FailureSample} sample */
function sampleKey({ at, node, user, iteration, url }) {
  return JSON.stringify([at, node, user, iteration, url]);
}

/**
 * @param {FailureSample} sample
 * @param {boolean} isOpen
 */
function sampleElement(sample, isOpen) {
  const { method, url, at, node, userClass, user, iteration, traceId, sent, received } = sample;
  const facts = [
    at.replace("T", " ").replace("Z", " UTC"),
    ...(node === "local" ? [] : [node]),
    `${userClass}, user ${user}, iteration ${iteration}`,
  ];
  return element("details", {
    class: "failure-sample",
    open: isOpen,
    "data-key": sampleKey(sample),
  }, [
    element("summary", { text: facts.join(" · ") }),
    element("p", { class: "failure-url" }, [`${method} ${url}`]),
    ...(traceId === null
      ? []
      : [element("p", { class: "quiet" }, ["Trace ", element("code", { text: traceId })])]),
    element("div", { class: "failure-texts" }, [
      textPart("Sent", sent, "Nothing."),
      textPart("Received", received, "No response."),
    ]),
  ]);
}

/**
 * @param {string} title
 * @param {string} text
 * @param {string} empty
 */
function textPart(title, text, empty) {
  return element("div", {}, [
    element("h3", { text: title }),
    text === ""
      ? element("p", { class: "quiet", text: empty })
      : element("pre", { tabindex: 0, role: "region", "aria-label": title, text }),
  ]);
}
