/**
 * Rows as CSV by RFC 4180, which a spreadsheet can open without running any of it.
 *
 * @module
 */

/** What a cell holds: null becomes `N/A`. */
export type CsvCell = string | number | null;

/**
 * The text of a CSV file: a line for each row, ended by CR and LF.
 *
 * Numbers stay numbers. In a text, an apostrophe is put before what a spreadsheet would take for a
 * formula, at the start and after whatever some of them end a cell with.
 *
 * ```ts
 * import { csvText } from "./csv_text.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(csvText([["Name", "Count"], ['say "hi"', -1], ["=1+1", null]]),
 *   'Name,Count\r\n"say ""hi""",-1\r\n\'=1+1,N/A\r\n');
 * ```
 */
export function csvText(rows: readonly (readonly CsvCell[])[]): string {
  return rows.map((row) => `${row.map(cellText).join(",")}\r\n`).join("");
}

/** What no number known is written as. */
const NONE = "N/A";

/**
 * A formula's first character, as ASCII or in full width, with what may stand before it: quotes and
 * spaces that a spreadsheet leaves out, at the start or where one that is set to semicolons or tabs
 * begins a cell.
 */
const FORMULA = /(^|[;\t\r\n])(["'\s]*)(?=[=+\-@＝＋－＠])/g;

/** A tab or a line break at the start is left out by some, and what follows then is the start. */
const BREAK = /^[\t\r\n]/;

function cellText(cell: CsvCell): string {
  if (cell === null) return NONE;
  return typeof cell === "number" ? String(cell) : quoted(defused(cell));
}

function defused(text: string): string {
  const safe = text.replace(FORMULA, "$1$2'");
  return BREAK.test(safe) ? `'${safe}` : safe;
}

function quoted(text: string): string {
  return /[",;\t-\r]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
