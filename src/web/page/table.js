// @ts-check
/// <reference lib="dom" />
/**
 * A table of rows that change: sorted by any column, filtered by words, with no more rows on the page
 * than were asked for, and each update touches only the cells that differ.
 *
 * @module
 */

import { element, place, setAttribute, setText } from "./dom.js";
import { formatExact } from "./format.js";
import { chosenRows } from "./row_order.js";

/**
 * @template Row
 * @typedef {import("./row_order.js").Column<Row>} Column
 */
/** @typedef {import("./row_order.js").RowOrder} RowOrder */

/**
 * @template Row
 * @typedef {object} TableSpec
 * @property {string} id Of the heading that names it; unique on the page.
 * @property {string} title
 * @property {string} [note] What the numbers are in.
 * @property {readonly Column<Row>[]} columns The first is the heading of its row.
 * @property {(row: Row) => string} keyOf
 * @property {string} empty What stands there without any row.
 * @property {string} [filterLabel] Without one, there is no filter.
 * @property {RowOrder} [order] Null in it: as the rows come.
 * @property {boolean} [hiddenWhenEmpty] Whether it takes no room without a row.
 */

/**
 * @typedef {object} ShownRow
 * @property {HTMLTableRowElement} line
 * @property {HTMLTableCellElement[]} cells
 */

/** Rows that are on the page at first, and how many each press of the button adds. */
const PAGE_ROWS = 100;

/**
 * A table on the page, with its heading.
 *
 * @template Row
 */
export class DataTable {
  #spec;
  /** @type {RowOrder} */
  #order;
  #limit = PAGE_ROWS;
  /** @type {readonly Row[]} */
  #rows = [];
  /** @type {Row | null} */
  #total = null;
  /** @type {Map<string, ShownRow>} */
  #shown = new Map();
  #body = element("tbody");
  #foot = element("tfoot");
  /** @type {HTMLTableCellElement[]} */
  #heads;
  #count = element("span", { class: "count" });
  #filter = element("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  #state = element("p", { class: "table-state quiet", role: "status" });
  #more = element("button", { type: "button", class: "small", text: "Show more" });
  #scroll;
  /** What goes onto the page. */
  element;

  /** @param {TableSpec<Row>} spec */
  constructor(spec) {
    this.#spec = spec;
    this.#order = spec.order ?? { column: null, descending: false };
    this.#heads = spec.columns.map((column, index) => this.#head(column, index));
    const table = element("table", { "aria-labelledby": spec.id }, [
      element("caption", { class: "unseen", text: `${spec.title} (sortable by column)` }),
      element("thead", {}, [element("tr", {}, this.#heads)]),
      this.#body,
      this.#foot,
    ]);
    this.#scroll = element("div", {
      class: "table-scroll",
      role: "region",
      tabindex: 0,
      "aria-labelledby": spec.id,
    }, [table]);
    const note = spec.note === undefined
      ? ""
      : element("span", { class: "quiet note", text: spec.note });
    const title = element("h2", { id: spec.id }, [spec.title, " ", this.#count]);
    const head = element("div", { class: "table-head" }, [title, note]);
    if (spec.filterLabel !== undefined) {
      setAttribute(this.#filter, "aria-label", spec.filterLabel);
      setAttribute(this.#filter, "placeholder", spec.filterLabel);
      this.#filter.addEventListener("input", () => this.#draw());
      head.append(this.#filter);
    }
    this.#more.addEventListener("click", () => {
      this.#limit += PAGE_ROWS;
      this.#draw();
    });
    const foot = element("div", { class: "table-foot" }, [this.#state, this.#more]);
    this.element = element("section", { class: "card table-card", "aria-labelledby": spec.id }, [
      head,
      this.#scroll,
      foot,
    ]);
    this.#draw();
  }

  /**
   * Shows other rows.
   *
   * @param {readonly Row[]} rows
   * @param {Row | null} [total] A last line that is neither sorted nor filtered.
   * @returns {void}
   */
  update(rows, total = null) {
    this.#rows = rows;
    this.#total = total;
    this.#draw();
  }

  /** Puts all rows onto the page, as a print needs them. */
  showAll() {
    this.#limit = Infinity;
    this.#draw();
  }

  #draw() {
    const { columns, keyOf, empty, hiddenWhenEmpty } = this.#spec;
    const matching = chosenRows(this.#rows, columns, this.#order, this.#filter.value);
    const visible = matching.slice(0, this.#limit);
    /** @type {Map<string, ShownRow>} */
    const shown = new Map();
    for (const row of visible) {
      const key = keyOf(row);
      const line = this.#shown.get(key) ?? this.#line();
      this.#fill(line, row);
      shown.set(key, line);
    }
    this.#shown = shown;
    place(this.#body, [...shown.values()].map(({ line }) => line));
    this.#drawTotal();
    this.#heads.forEach((head, index) => setAttribute(head, "aria-sort", this.#sortOf(index)));
    const { length } = this.#rows;
    setText(this.#count, length === 0 ? "" : formatExact(length));
    this.#scroll.hidden = length === 0;
    this.#filter.hidden = length < 2;
    this.#more.hidden = visible.length === matching.length;
    setText(this.#state, length === 0 ? empty : stateText(visible.length, matching.length, length));
    this.#state.hidden = this.#state.textContent === "";
    this.element.hidden = hiddenWhenEmpty === true && length === 0;
  }

  #drawTotal() {
    if (this.#total === null) return this.#foot.replaceChildren();
    let shown = this.#totalLine;
    if (shown === null) {
      shown = this.#line();
      this.#totalLine = shown;
    }
    this.#fill(shown, this.#total);
    place(this.#foot, [shown.line]);
  }

  /** @type {ShownRow | null} */
  #totalLine = null;

  /** @returns {ShownRow} */
  #line() {
    const cells = this.#spec.columns.map(({ kind }, index) =>
      index === 0 ? element("th", { scope: "row", class: kind }) : element("td", { class: kind })
    );
    return { line: element("tr", {}, cells), cells };
  }

  /**
   * @param {ShownRow} shown
   * @param {Row} row
   */
  #fill({ cells }, row) {
    this.#spec.columns.forEach(({ kind, text, tone }, index) => {
      const cell = cells[index];
      if (cell === undefined) return;
      setText(cell, text(row));
      const mood = tone?.(row) ?? null;
      setAttribute(cell, "class", mood === null ? kind : `${kind} ${mood}`);
    });
  }

  /**
   * @param {Column<Row>} column
   * @param {number} index
   */
  #head({ title, kind, hint }, index) {
    const button = element("button", { type: "button", title: hint, text: title });
    button.addEventListener("click", () => {
      const { column, descending } = this.#order;
      // Who sorts by a number mostly looks for the highest.
      const first = kind === "number";
      this.#order = { column: index, descending: column === index ? !descending : first };
      this.#draw();
    });
    return element("th", { scope: "col", class: kind }, [button]);
  }

  /** @param {number} index */
  #sortOf(index) {
    if (this.#order.column !== index) return null;
    return this.#order.descending ? "descending" : "ascending";
  }
}

/**
 * @param {number} visible
 * @param {number} matching
 * @param {number} all
 * @returns {string}
 */
function stateText(visible, matching, all) {
  if (matching === 0) return `None of ${formatExact(all)} matches.`;
  if (visible < matching) return `The first ${formatExact(visible)} of ${formatExact(matching)}.`;
  return matching < all ? `${formatExact(matching)} of ${formatExact(all)} match.` : "";
}
