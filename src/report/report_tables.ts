/**
 * Parts of the tables of the final report.
 *
 * @module
 */

import type { LatencyFigure, LatencySummary } from "../stats/snapshot.ts";
import { formatBound, formatLatency } from "./quantity.ts";
import { renderLine, type Span, span, wrap } from "./terminal.ts";
import { type TableColumn, type TableSize, type TextTable, textTable } from "./text_table.ts";

/** Columns of numbers. */
export function numbers(...titles: readonly string[]): TableColumn[] {
  return titles.map((title) => ({ title, align: "right" }));
}

/** A column of numbers that can be left out: see {@link TableColumn.leaveOut}. */
export function number(title: string, leaveOut: number): TableColumn {
  return { title, align: "right", leaveOut };
}

/** A cell for each of these figures. Those that are lower bounds are marked. */
export function latencyCells(
  latency: LatencySummary,
  figures: readonly LatencyFigure[],
  lowerBounds: readonly LatencyFigure[],
): Span[] {
  return figures.map((figure) =>
    span(formatBound(formatLatency(latency[figure]), lowerBounds.includes(figure)))
  );
}

/** A table below its title, without totals. */
export function titledTable(
  [title, about]: readonly [title: string, about: string],
  columns: readonly TableColumn[],
  rows: readonly (readonly Span[])[],
  size: TableSize,
): string[] {
  const spans = [span(title, "strong"), span(about, "quiet")];
  return [
    renderLine(spans, size.columns, size.color),
    ...tableLines(textTable(columns, rows, size), size),
  ];
}

/** The lines of a table without totals. */
export function tableLines(table: TextTable, size: TableSize): string[] {
  return [table.header, table.rule, ...table.rows, ...leftOutNote(table, size)];
}

/** A line that names the columns for which there was no room. */
export function leftOutNote({ leftOut }: TextTable, size: TableSize): string[] {
  if (leftOut.length === 0) return [];
  return noteLines(`Left out at this width: ${leftOut.join(", ")}.`, size);
}

/** An explanation below a table. */
export function noteLines(note: string, { columns, color }: TableSize): string[] {
  return wrap(note, columns).map((line) => renderLine([span(line, "quiet")], columns, color));
}
