/**
 * Tables of text that fit the width they are given.
 *
 * @module
 */

import { sanitizeTerminal } from "../core/text.ts";
import { type Alignment, columnsOf, fit, renderLine, type Span, span } from "./terminal.ts";

/** One column of a table. */
export interface TableColumn {
  readonly title: string;
  readonly align: Alignment;
  /** Whether it is the one that gives way where the table would be too wide. */
  readonly elastic?: boolean;
}

/** How wide a table may be, and whether it may have colours. */
export interface TableSize {
  readonly columns: number;
  readonly color: boolean;
}

/** A table, line by line. */
export interface TextTable {
  readonly header: string;
  readonly rows: readonly string[];
  /** As wide as the table. */
  readonly rule: string;
}

/**
 * Lays out a table. Every column is as wide as its widest cell; where that is too much, first the
 * gaps between columns and then the elastic columns shrink.
 */
export function textTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly Span[])[],
  size: TableSize,
): TextTable {
  const clean = rows.map((row) => row.map(({ text, tone }) => span(sanitizeTerminal(text), tone)));
  const { widths, gap } = layout(columns, clean, size.columns);
  const line = (cells: readonly Span[]): string => {
    const spans = cells.flatMap(({ text, tone }, index) => {
      const { align } = columns[index]!;
      // Nothing stands behind the last column, so nothing has to be lined up there.
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
    rows: clean.map(line),
    rule: renderLine([span("─".repeat(total), "quiet")], total, size.color),
  };
}

const WIDE_GAP = "  ";
const NARROW_GAP = " ";

/** What an elastic column should have before the gaps are narrowed for its sake. */
const COMFORTABLE = 24;

function layout(
  columns: readonly TableColumn[],
  rows: readonly (readonly Span[])[],
  available: number,
): { widths: number[]; gap: string } {
  const natural = columns.map(({ title }, index) =>
    rows.reduce((width, row) => Math.max(width, columnsOf(row[index]!.text)), columnsOf(title))
  );
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

/** The width to cut to, so that the short ones keep theirs and the long ones share what is left. */
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
