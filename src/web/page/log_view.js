// @ts-check
/// <reference lib="dom" />
/**
 * The last lines of the log.
 *
 * @module
 */

import { element } from "./dom.js";
import { byId } from "./page_parts.js";

/** @typedef {import("../live_view.ts").LogLine} LogLine */

/** How near to the end somebody must be, in pixels, to be taken along by new lines. */
const NEAR_END = 24;

/** Shows the log, and follows it unless somebody reads further up. */
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
    const follows = scrollHeight - scrollTop - clientHeight < NEAR_END;
    // New lines only ever come at the end: what is there already stays, and only its beginning goes.
    const known = new Set(this.#lines);
    const kept = new Set(lines);
    const gone = this.#lines.filter((line) => !kept.has(line)).length;
    for (let index = 0; index < gone; index += 1) this.#list.firstElementChild?.remove();
    this.#list.append(...lines.filter((line) => !known.has(line)).map(lineElement));
    byId("log-empty").hidden = lines.length > 0;
    this.#lines = lines;
    if (follows) this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }
}

/** @param {LogLine} line */
function lineElement({ at, level, text }) {
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
