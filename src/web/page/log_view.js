// @ts-check
/// <reference lib="dom" />
/**
 * The last lines of the log.
 *
 * @module
 */

import { byId, element } from "./dom.js";

/** @typedef {import("../live_view.ts").LogLine} LogLine */

/** How close to its end, in pixels, the log must be scrolled to follow new lines. */
const FOLLOW_DISTANCE = 24;

/** Shows the log, and scrolls with new lines unless the user has scrolled up. */
export class LogView {
  /** @type {readonly LogLine[]} */
  #lines = [];
  #scroll = byId("log");
  #list = byId("log-lines");

  /**
   * @param {readonly LogLine[]} lines
   * @returns {void}
   */
  update(lines) {
    if (lines === this.#lines) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
    const follows = scrollHeight - scrollTop - clientHeight < FOLLOW_DISTANCE;
    // Lines are only removed at the start and added at the end.
    const known = new Set(this.#lines);
    const kept = new Set(lines);
    const removed = this.#lines.filter((line) => !kept.has(line)).length;
    for (let index = 0; index < removed; index += 1) this.#list.firstElementChild?.remove();
    this.#list.append(...lines.filter((line) => !known.has(line)).map(lineElement));
    byId("log-empty").hidden = lines.length > 0;
    this.#lines = lines;
    if (follows) this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }
}

/**
 * @param {LogLine} line
 * @returns {HTMLElement}
 */
export function lineElement({ at, level, text }) {
  return element("li", { class: `level-${level.toLowerCase().replace(/[^a-z]/g, "")}` }, [
    element("time", { datetime: at, title: at, text: clockTime(at) }),
    element("span", { class: "level", text: level }),
    element("span", { class: "log-text", text }),
  ]);
}

/** @param {string} at */
function clockTime(at) {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? at : time.toLocaleTimeString("en-GB");
}
