// @ts-check
/// <reference lib="dom" />
/**
 * A table that can be sorted and filtered. It puts a limited number of rows onto the page, and an
 * update touches only the cells that have changed.
 *
 * @module
 */

import { element, place, setAttribute, setText } from "./dom.js";
import { formatExact } from "./format.js";

/**
 * One column of a table.
 *
 * @template Row
 * @typedef {object} Column
 * @property {string} title
 * @property {"text" | "label" | "number"} kind A label is a short text that is not wrapped.
 * @property {(row: Row) => string} text The text of a cell.
 * @property {(row: Row) => string | number | null} [value] The value to sort by; by default, the text.
 * @property {(row: Row) => "good" | "bad" | "warning" | "quiet" | null} [tone]
 * @property {string} [hint] Explains the title.
 * @property {(row: Row) => string | null} [cellHint] Explains a cell.
 * @property {(row: Row) => boolean} [isUseful] The column is hidden unless this is true of a row.
 * @property {boolean} [isLead] In a stacked table, the column is one of the first.
 * @property {(row: Row) => number | null} [share] 0 to 1, drawn as a bar beside the text.
 * @property {(row: Row) => Node} [node] What a cell contains in place of its text. It is made once for each row.
 */

/**
 * The column that rows are sorted by. Null keeps the order in which they were passed.
 *
 * @typedef {{ readonly column: number | null, readonly descending: boolean }} RowOrder
 */

/**
 * @template Row
 * @typedef {object} TableSpec
 * @property {string} id The ID of its heading; unique on the page.
 * @property {string} title
 * @property {string} [note] Such as the unit of its numbers.
 * @property {readonly Column<Row>[]} columns The first contains the row headings.
 * @property {(row: Row) => string} keyOf
 * @property {(row: Row) => readonly Row[]} [partsOf] Rows that are shown below a row once it is opened. Their
 * keys are unique in the table.
 * @property {string} [partsHint] Explains the button that opens a row.
 * @property {Details<Row>} [details] What else is below a row once it is opened.
 * @property {string} empty The text shown if there are no rows.
 * @property {string} [filterLabel] The label of the filter; without it, the table has no filter.
 * @property {RowOrder} [order] The initial order.
 * @property {boolean} [hiddenWhenEmpty]
 * @property {number} [stackedBelow] In a narrower place, in pixels, each row takes several lines: its texts,
 * then its numbers.
 */

/**
 * What is below an opened row, besides other rows.
 *
 * @template Row
 * @typedef {object} Details
 * @property {(row: Row) => boolean} has Whether there is anything for a row.
 * @property {(row: Row) => HTMLElement} of The same element for the same row.
 */

/**
 * @typedef {object} ShownRow
 * @property {HTMLTableRowElement} line
 * @property {HTMLTableCellElement[]} cells
 * @property {HTMLButtonElement | null} opener In the first cell of a row that has parts.
 */

/** How many rows are shown at first, and how many more "Show more" adds. */
const PAGE_ROWS = 100;

/** A longer text is cut, and shown whole by a pointer. Names can have 2,000 characters. */
const MAX_TEXT = 300;

/**
 * A table with its heading.
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
  /** @type {ShownRow | null} */
  #totalLine = null;
  /** The keys of the rows whose parts are shown. */
  #opened = new Set();
  #body = element("tbody");
  #foot = element("tfoot");
  /** @type {HTMLTableCellElement[]} */
  #heads;
  #count = element("span", { class: "count" });
  #filter = element("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  #state = element("p", { class: "table-state quiet", role: "status" });
  #more = element("button", { type: "button", class: "small", text: "Show more" });
  #scroll;
  /** To be added to the page. */
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
    this.#stackBelow(spec.stackedBelow ?? 0);
    this.#draw();
  }

  /**
   * Shows rows.
   *
   * @param {readonly Row[]} rows
   * @param {Row | null} [total] A last row that is neither sorted nor filtered.
   * @returns {void}
   */
  update(rows, total = null) {
    this.#rows = rows;
    this.#total = total;
    this.#draw();
  }

  /** @param {number} width In pixels. */
  #stackBelow(width) {
    const { classList, style } = this.element;
    const numbers = this.#spec.columns.filter(({ kind }) => kind === "number").length;
    style.setProperty("--numbers", String(numbers));
    classList.toggle("stacked-one", numbers === 1);
    new ResizeObserver(() => {
      const { clientWidth } = this.element;
      if (clientWidth > 0) classList.toggle("stacked", clientWidth < width);
    }).observe(this.element);
  }

  /** Shows all rows with their parts, for printing. */
  showAll() {
    const { keyOf, partsOf, details } = this.#spec;
    this.#limit = Infinity;
    if (partsOf !== undefined || details !== undefined) {
      for (const row of this.#rows) this.#opened.add(keyOf(row));
    }
    this.#draw();
  }

  #draw() {
    const { columns, keyOf, partsOf, details, empty, hiddenWhenEmpty } = this.#spec;
    const words = wordsOf(this.#filter.value);
    const matching = visibleRows(this.#rows, columns, this.#order, words, partsOf);
    const visible = matching.slice(0, this.#limit);
    /** @type {Map<string, ShownRow>} */
    const shown = new Map();
    let hasParts = false;
    for (const row of visible) {
      const key = keyOf(row);
      const line = this.#shown.get(key) ?? this.#line();
      shown.set(key, line);
      const parts = partsOf?.(row) ?? [];
      const hasDetails = details?.has(row) ?? false;
      hasParts ||= parts.length > 0 || hasDetails;
      const shownParts = this.#opened.has(key)
        ? visibleRows(parts, columns, this.#order, [])
        : matchingParts(row, parts, columns, this.#order, words);
      const showsDetails = hasDetails && this.#opened.has(key);
      this.#setOpener(
        line,
        key,
        parts.length > 0 || hasDetails,
        shownParts.length > 0 || showsDetails,
      );
      this.#fill(line, row);
      for (const part of shownParts) {
        const partKey = keyOf(part);
        const partLine = this.#shown.get(partKey) ?? this.#line("sub");
        shown.set(partKey, partLine);
        this.#fill(partLine, part);
      }
      if (!showsDetails || details === undefined) continue;
      const detailsKey = `${key}\ndetails`;
      const detailsLine = this.#shown.get(detailsKey) ?? this.#detailsLine(details.of(row));
      // Fills it with what is new.
      details.of(row);
      shown.set(detailsKey, detailsLine);
    }
    this.#shown = shown;
    this.element.classList.toggle("has-parts", hasParts);
    place(this.#body, [...shown.values()].map(({ line }) => line));
    this.#drawTotal();
    this.#hideColumns();
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
    this.#totalLine ??= this.#line();
    this.#fill(this.#totalLine, this.#total);
    place(this.#foot, [this.#totalLine.line]);
  }

  #hideColumns() {
    const lines = [...this.#shown.values(), ...(this.#totalLine === null ? [] : [this.#totalLine])];
    this.#spec.columns.forEach(({ isUseful }, index) => {
      if (isUseful === undefined) return;
      const hidden = !this.#rows.some(isUseful);
      for (const cell of [this.#heads[index], ...lines.map(({ cells }) => cells[index])]) {
        if (cell !== undefined) cell.hidden = hidden;
      }
    });
  }

  /**
   * @param {HTMLElement} content
   * @returns {ShownRow}
   */
  #detailsLine(content) {
    const box = element("div", { class: "details" }, [content]);
    const cell = element("td", { class: "details-cell", colspan: this.#spec.columns.length }, [
      box,
    ]);
    return { line: element("tr", { class: "details-row" }, [cell]), cells: [], opener: null };
  }

  /**
   * @param {string} [kind] The class of the line.
   * @returns {ShownRow}
   */
  #line(kind) {
    const cells = this.#spec.columns.map((_, index) =>
      index === 0 ? element("th", { scope: "row" }) : element("td")
    );
    return { line: element("tr", { class: kind }, cells), cells, opener: null };
  }

  /**
   * Adds or removes the button that opens a row.
   *
   * @param {ShownRow} shown
   * @param {string} key
   * @param {boolean} hasParts
   * @param {boolean} isOpen
   */
  #setOpener(shown, key, hasParts, isOpen) {
    if (!hasParts) {
      shown.opener?.remove();
      shown.opener = null;
      return;
    }
    if (shown.opener === null) {
      const opener = element("button", {
        type: "button",
        class: "opener",
        title: this.#spec.partsHint,
      });
      opener.addEventListener("click", () => {
        if (!this.#opened.delete(key)) this.#opened.add(key);
        this.#draw();
      });
      shown.cells[0]?.replaceChildren(opener);
      shown.opener = opener;
    }
    setAttribute(shown.opener, "aria-expanded", String(isOpen));
  }

  /**
   * @param {ShownRow} shown
   * @param {Row} row
   */
  #fill({ cells, opener }, row) {
    const { columns } = this.#spec;
    columns.forEach((column, index) => {
      const cell = cells[index];
      if (cell === undefined) return;
      if (column.node !== undefined) {
        if (!cell.hasChildNodes()) cell.append(column.node(row));
        setAttribute(cell, "class", cellClass(column, row));
        return;
      }
      const text = column.text(row);
      const isLong = text.length > MAX_TEXT;
      setText(
        index === 0 ? opener ?? cell : cell,
        isLong ? `${text.slice(0, MAX_TEXT - 1).toWellFormed()}…` : text,
      );
      if (column.share !== undefined) showShare(cell, column.share(row));
      if (column.kind === "text") setAttribute(cell, "title", isLong ? text : null);
      if (column.cellHint !== undefined) setAttribute(cell, "title", column.cellHint(row));
      setAttribute(cell, "class", cellClass(column, row));
      if (column.kind !== "label" || index === 0) return;
      // In a stacked row, a label precedes the text that follows it, or else the row's heading.
      const labeled = columns[index + 1]?.kind === "text" ? cells[index + 1] : cells[0];
      if (labeled !== undefined) setAttribute(labeled, "data-label", column.text(row) || null);
    });
  }

  /**
   * @param {Column<Row>} column
   * @param {number} index
   */
  #head(column, index) {
    const { title, kind, hint } = column;
    const button = element("button", { type: "button", title: hint, text: title });
    button.addEventListener("click", () => {
      const { column, descending } = this.#order;
      // Numbers are sorted in descending order first, since the highest matter most.
      const initially = kind === "number";
      this.#order = { column: index, descending: column === index ? !descending : initially };
      this.#draw();
    });
    return element("th", { scope: "col", class: classOf(column) }, [button]);
  }

  /** @param {number} index */
  #sortOf(index) {
    if (this.#order.column !== index) return null;
    return this.#order.descending ? "descending" : "ascending";
  }
}

/**
 * @template Row
 * @param {Column<Row>} column
 * @returns {string}
 */
function classOf({ kind, isLead = false }) {
  return isLead ? `${kind} lead` : kind;
}

/**
 * The class of a cell.
 *
 * @template Row
 * @param {Column<Row>} column
 * @param {Row} row
 * @returns {string}
 */
function cellClass(column, row) {
  const tone = column.tone?.(row) ?? null;
  const hasBar = (column.share?.(row) ?? null) !== null;
  return [classOf(column), ...(tone === null ? [] : [tone]), ...(hasBar ? ["share"] : [])].join(
    " ",
  );
}

/**
 * @param {number} visible
 * @param {number} matching
 * @param {number} all
 * @returns {string}
 */
function stateText(visible, matching, all) {
  if (matching === 0) return `None of ${formatExact(all)} match.`;
  if (visible < matching) return `Showing ${formatExact(visible)} of ${formatExact(matching)}.`;
  return matching < all ? `${formatExact(matching)} of ${formatExact(all)} match.` : "";
}

/**
 * Sets the length of a cell's bar. Only shares of exactly 0 and 1 are drawn as nothing and as the whole.
 *
 * @param {HTMLElement} cell
 * @param {number | null} share
 */
function showShare(cell, share) {
  const drawn = share === null || share === 0 || share === 1
    ? share
    : Math.min(0.98, Math.max(0.02, share));
  const length = drawn === null ? "" : `${(drawn * 100).toFixed(1)}%`;
  if (cell.style.getPropertyValue("--share") !== length) {
    cell.style.setProperty("--share", length);
  }
}

/**
 * The words of a filter.
 *
 * @param {string} filter
 * @returns {readonly string[]}
 */
export function wordsOf(filter) {
  return filter.toLowerCase().split(/\s+/).filter((word) => word !== "");
}

/**
 * The rows whose text columns contain all words of a filter, sorted. Rows without a value are last in
 * both directions, and the sort is stable. A row is also found by the words of its parts.
 *
 * @template Row
 * @param {readonly Row[]} rows
 * @param {readonly Column<Row>[]} columns
 * @param {RowOrder} order
 * @param {readonly string[]} words
 * @param {(row: Row) => readonly Row[]} [partsOf]
 * @returns {readonly Row[]}
 */
export function visibleRows(rows, columns, order, words, partsOf = () => []) {
  const matching = words.length === 0
    ? rows
    : rows.filter((row) =>
      [row, ...partsOf(row)].some((part) => hasWords([row, part], columns, words))
    );
  const column = order.column === null ? undefined : columns[order.column];
  if (column === undefined) return matching;
  const value = column.value ?? column.text;
  return [...matching].sort((a, b) => compare(value(a), value(b), order.descending));
}

/**
 * The parts for which a filter shows a row that does not have its words itself, sorted as the rows are.
 *
 * @template Row
 * @param {Row} row
 * @param {readonly Row[]} parts
 * @param {readonly Column<Row>[]} columns
 * @param {RowOrder} order
 * @param {readonly string[]} words
 * @returns {readonly Row[]}
 */
export function matchingParts(row, parts, columns, order, words) {
  if (parts.length === 0 || hasWords([row], columns, words)) return [];
  const matching = parts.filter((part) => hasWords([row, part], columns, words));
  return visibleRows(matching, columns, order, []);
}

/**
 * @template Row
 * @param {readonly Row[]} rows
 * @param {readonly Column<Row>[]} columns
 * @param {readonly string[]} words
 * @returns {boolean}
 */
function hasWords(rows, columns, words) {
  if (words.length === 0) return true;
  const text = rows.flatMap((row) =>
    columns.filter(({ kind }) => kind !== "number").map((column) => column.text(row))
  ).join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

/**
 * @param {string | number | null} a
 * @param {string | number | null} b
 * @param {boolean} descending
 * @returns {number}
 */
function compare(a, b, descending) {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const order = typeof a === "number" && typeof b === "number"
    ? a - b
    : String(a).localeCompare(String(b), "en", { numeric: true });
  return descending ? -order : order;
}
