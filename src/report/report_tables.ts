/**
 * Parts of reports that several formats share.
 *
 * @module
 */

import type { LatencyFigure, LatencySummary, MetricRow } from "../stats/snapshot.ts";
import { formatBound, formatLatency, formatNumber, formatShare } from "./quantity.ts";
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

/** The figures of a metric on one line. */
export function metricText(row: MetricRow): string {
  switch (row.type) {
    case "counter":
      return `${formatNumber(row.value)} (${formatNumber(row.perSecond)}/s)`;
    case "gauge":
      return `${formatNumber(row.value)} (${formatNumber(row.min)} to ${formatNumber(row.max)})`;
    case "rate":
      return `${formatShare(row.rate)} (${row.hits} of ${row.total})`;
    case "trend": {
      const { p50, p95, max } = row.figures;
      const [median, high, most] = [p50, p95, max].map(formatNumber);
      const unit = row.unit === "" ? "" : ` ${row.unit}`;
      return `p50 ${median}, p95 ${high}, max ${most}${unit} (${row.count} values)`;
    }
  }
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
