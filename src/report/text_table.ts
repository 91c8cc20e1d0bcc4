/**
 * Tables as text that fits into a given width.
 *
 * @module
 */

import { sanitizeTerminal } from "../core/text.ts";
import {
  type Alignment,
  columnsOf,
  fit,
  renderLine,
  shorten,
  type Span,
  span,
  wrap,
} from "./terminal.ts";

/** One column of a table. */
export interface TableColumn {
  readonly title: string;
  readonly align: Alignment;
  /** Whether the column shrinks if the table would be too wide. */
  readonly elastic?: boolean;
  /** Whether cells of an elastic column continue on further lines; otherwise they are shortened. */
  readonly wraps?: boolean;
  /**
   * When to leave out the column if the table is too wide nevertheless: the column with the highest number
   * goes first. Without a number, it stays.
   */
  readonly leaveOut?: number;
}

/** The maximum width of a table, and whether it may have colors. */
export interface TableSize {
  readonly columns: number;
  readonly color: boolean;
}

/** The lines of a table. */
export interface TextTable {
  readonly header: string;
  readonly rows: readonly string[];
  /** As wide as the table. */
  readonly rule: string;
  /** The titles of the columns that were left out, in their order. */
  readonly leftOut: readonly string[];
}

/**
 * Lays out a table. Every column is as wide as its widest cell. If the table would be too wide, first
 * the gaps between columns and then the elastic columns shrink. If these would be hard to read, columns are
 * left out.
 */
export function textTable(
  all: readonly TableColumn[],
  allRows: readonly (readonly Span[])[],
  size: TableSize,
): TextTable {
  const spans = allRows.map((row) =>
    row.map(({ text, tone }) => span(sanitizeTerminal(text), tone))
  );
  const shown = fitting(all, naturalWidths(all, spans), size.columns);
  const columns = all.filter((_, index) => shown.has(index));
  const clean = spans.map((row) => row.filter((_, index) => shown.has(index)));
  const { widths, gap } = layout(columns, naturalWidths(columns, clean), size.columns);
  const linesOf = (cells: readonly Span[]): string[] => {
    const parts = cells.map(({ text }, index) =>
      columns[index]!.wraps ? wrapCell(text, widths[index]!) : [text]
    );
    const height = Math.max(...parts.map(({ length }) => length));
    return Array.from({ length: height }, (_, at) => {
      const onLine = parts.map((lines) => lines[at] ?? "");
      const last = at === 0 ? cells.length - 1 : onLine.findLastIndex((text) => text !== "");
      return line(onLine.slice(0, last + 1).map((text, index) => span(text, cells[index]!.tone)));
    });
  };
  const line = (cells: readonly Span[]): string => {
    const spans = cells.flatMap(({ text, tone }, index) => {
      const { align } = columns[index]!;
      // The last column needs no padding, because nothing follows it.
      const ends = index === cells.length - 1 && align === "left";
      const cell = fit(text, widths[index]!, align);
      const padded = span(ends ? cell.trimEnd() : cell, tone);
      return index === 0 ? [padded] : [span(gap), padded];
    });
    return renderLine(spans, size.columns, size.color);
  };
  const total = Math.min(sum(widths) + gap.length * (columns.length - 1), size.columns);
  return {
    header: line(columns.map(({ title }) => span(title, "quiet"))),
    rows: clean.flatMap(linesOf),
    rule: renderLine([span("─".repeat(total), "quiet")], total, size.color),
    leftOut: all.filter((_, index) => !shown.has(index)).map(({ title }) => title),
  };
}

/** How many lines a cell has at most, apart from what the ends of its lines lose. */
const MAX_LINES = 6;

function wrapCell(text: string, width: number): string[] {
  return wrap(shorten(text, width * MAX_LINES), width);
}

function naturalWidths(
  columns: readonly TableColumn[],
  rows: readonly (readonly Span[])[],
): number[] {
  return columns.map(({ title }, index) =>
    rows.reduce((width, row) => Math.max(width, columnsOf(row[index]!.text)), columnsOf(title))
  );
}

/** The width that elastic columns have at least, as long as there are columns to leave out. */
const LEGIBLE = 12;

/** The indexes of the columns for which there is room. */
function fitting(
  columns: readonly TableColumn[],
  natural: readonly number[],
  available: number,
): ReadonlySet<number> {
  const shown = new Set(columns.keys());
  const expendable = columns.map(({ leaveOut }, index) => ({ leaveOut, index }))
    .filter(({ leaveOut }) => leaveOut !== undefined)
    .sort((a, b) => b.leaveOut! - a.leaveOut!);
  const needed = (): number =>
    [...shown].reduce(
      (sum, index) =>
        sum + NARROW_GAP.length +
        (columns[index]!.elastic ? Math.min(natural[index]!, LEGIBLE) : natural[index]!),
      -NARROW_GAP.length,
    );
  for (const { index } of expendable) {
    if (needed() <= available) break;
    shown.delete(index);
  }
  return shown;
}

const WIDE_GAP = "  ";
const NARROW_GAP = " ";

/** If elastic columns would be narrower, the gaps shrink. */
const COMFORTABLE = 24;

function layout(
  columns: readonly TableColumn[],
  natural: readonly number[],
  available: number,
): { widths: number[]; gap: string } {
  const elastic = natural.filter((_, index) => columns[index]!.elastic);
  const rigid = sum(natural) - sum(elastic);
  const limitWith = (gap: string): number =>
    fairLimit(elastic, available - rigid - gap.length * (columns.length - 1));
  const gap = limitWith(WIDE_GAP) >= COMFORTABLE ? WIDE_GAP : NARROW_GAP;
  const limit = Math.max(1, limitWith(gap));
  const widths = natural.map((width, index) =>
    columns[index]!.elastic ? Math.min(width, limit) : width
  );
  return { widths, gap };
}

function sum(widths: readonly number[]): number {
  return widths.reduce((total, width) => total + width, 0);
}

/** The width to cut to, so that short columns keep theirs and long ones share the rest. */
function fairLimit(widths: readonly number[], available: number): number {
  let left = available;
  const ascending = widths.toSorted((a, b) => a - b);
  for (const [index, width] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index));
    if (width > share) return share;
    left -= width;
  }
  return Infinity;
}
