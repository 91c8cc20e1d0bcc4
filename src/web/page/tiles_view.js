// @ts-check
/// <reference lib="dom" />
/**
 * The figures at a glance, on the page.
 *
 * @module
 */

import { element, place, setAttribute, setText } from "./dom.js";

/** @typedef {import("./tiles.js").Tile} Tile */

/**
 * @typedef {object} ShownTile
 * @property {HTMLElement} box
 * @property {HTMLElement} label
 * @property {HTMLElement} value
 * @property {HTMLElement} note
 */

/** Shows tiles in a list of theirs. */
export class TilesView {
  #list;
  /** @type {Map<string, ShownTile>} */
  #tiles = new Map();

  /** @param {HTMLElement} list a `dl` */
  constructor(list) {
    this.#list = list;
  }

  /**
   * @param {readonly Tile[]} tiles
   * @returns {void}
   */
  update(tiles) {
    place(this.#list, tiles.map((tile) => this.#show(tile)));
  }

  /** @param {Tile} tile */
  #show({ id, label, value, note, tone }) {
    const shown = this.#tiles.get(id) ?? this.#add(id);
    setText(shown.label, label);
    setText(shown.value, value);
    setText(shown.note, note);
    setAttribute(shown.value, "class", tone === null ? "tile-value" : `tile-value ${tone}`);
    return shown.box;
  }

  /** @param {string} id */
  #add(id) {
    const label = element("dt");
    const value = element("dd", { class: "tile-value" });
    const note = element("dd", { class: "tile-note quiet" });
    const box = element("div", { class: "tile card", id: `tile-${id}` }, [label, value, note]);
    const shown = { box, label, value, note };
    this.#tiles.set(id, shown);
    return shown;
  }
}
