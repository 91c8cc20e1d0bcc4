import { observedText } from "../stats/observed_text.ts";
import type { ThresholdRow } from "../stats/snapshot.ts";
import { renderLine, type Span, span } from "./styled_line.ts";
import { type TableColumn, type TableSize, textTable } from "./text_table.ts";
import { thresholdMark } from "./threshold_mark.ts";

/**
 * The part of the final report that tells what became of each threshold, in the order in which they
 * were asked for. Nothing where none was.
 */
export function thresholdSection(rows: readonly ThresholdRow[], size: TableSize): string[] {
  if (rows.length === 0) return [];
  const table = textTable(COLUMNS, rows.map(cells), size);
  const title = renderLine([span("Thresholds", "strong")], size.columns, size.color);
  return [title, table.header, table.rule, ...table.rows];
}

const COLUMNS: readonly TableColumn[] = [
  { title: "Threshold", align: "left", elastic: true },
  { title: "Observed", align: "right" },
  { title: "Result", align: "left" },
];

function cells(row: ThresholdRow): Span[] {
  const tone = row.passed ? "good" : "bad";
  return [
    span(row.expression),
    span(observedText(row)),
    span(`${thresholdMark(row).text} ${row.passed ? "passed" : "crossed"}`, tone),
  ];
}
