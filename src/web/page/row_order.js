// @ts-check
/**
 * Which rows of a table are shown, and in which order. Pure.
 *
 * @module
 */

/**
 * One column of a table.
 *
 * @template Row
 * @typedef {object} Column
 * @property {string} title
 * @property {"text" | "label" | "number"} kind A label is a short text that is not broken.
 * @property {(row: Row) => string} text What its cell says.
 * @property {(row: Row) => string | number | null} [value] What it is sorted by; otherwise its text.
 * @property {(row: Row) => "good" | "bad" | "warning" | "quiet" | null} [tone]
 * @property {string} [hint] What its title means.
 */

/**
 * By which column rows are sorted; null: as they come.
 *
 * @typedef {{ readonly column: number | null, readonly descending: boolean }} RowOrder
 */

/**
 * The rows that match all words of a filter in some column of text, sorted. Rows without a value come
 * last whichever the direction, and equal ones stay as they came.
 *
 * @template Row
 * @param {readonly Row[]} rows
 * @param {readonly Column<Row>[]} columns
 * @param {RowOrder} order
 * @param {string} filter
 * @returns {readonly Row[]}
 */
export function chosenRows(rows, columns, order, filter) {
  const words = filter.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const matching = words.length === 0 ? rows : rows.filter((row) => hasWords(row, columns, words));
  const column = order.column === null ? undefined : columns[order.column];
  if (column === undefined) return matching;
  const value = column.value ?? column.text;
  return [...matching].sort((a, b) => compare(value(a), value(b), order.descending));
}

/**
 * @template Row
 * @param {Row} row
 * @param {readonly Column<Row>[]} columns
 * @param {readonly string[]} words
 * @returns {boolean}
 */
function hasWords(row, columns, words) {
  const text = columns
    .filter(({ kind }) => kind !== "number")
    .map((column) => column.text(row))
    .join("\n")
    .toLowerCase();
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
