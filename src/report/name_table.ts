import type { RequestRow } from "../stats/snapshot.ts";
import { formatCount, formatLatency, formatRate, formatShare } from "./quantity.ts";
import { renderLine, type Span, span } from "./styled_line.ts";
import { type TableColumn, type TableSize, textTable } from "./text_table.ts";

/**
 * The names with the most requests as a small table for the live panel, in at most `most` lines: the
 * titles, names, and how many more there are. The wider it may be, the more it says of each.
 */
export function nameTable(rows: readonly RequestRow[], size: TableSize, most: number): string[] {
  const names = most - TITLE_LINES;
  if (rows.length === 0 || names < 1) return [];
  const top = rows.toSorted((a, b) => b.requests - a.requests)
    .slice(0, rows.length > names ? names - 1 : names);
  const facts = FACTS.filter(({ from }) => from <= size.columns);
  const columns: TableColumn[] = [
    { title: "Name", align: "left", elastic: true },
    ...facts.map(({ title }): TableColumn => ({ title, align: "right" })),
  ];
  const cells = top.map((row) => [
    span(`${row.method} ${row.name}`),
    ...facts.map(({ cell }) => cell(row)),
  ]);
  const table = textTable(columns, cells, size);
  const hidden = rows.length - top.length;
  if (hidden === 0) return [table.header, ...table.rows];
  const rest = span(`and ${formatCount(hidden)} more`, "quiet");
  return [table.header, ...table.rows, renderLine([rest], size.columns, size.color)];
}

const TITLE_LINES = 1;

interface Fact {
  readonly title: string;
  /** The fewest columns of a table that has it. */
  readonly from: number;
  readonly cell: (row: RequestRow) => Span;
}

const FACTS: readonly Fact[] = [
  { title: "Reqs", from: 0, cell: ({ requests }) => span(formatCount(requests)) },
  { title: "Req/s", from: 50, cell: ({ rate }) => span(formatRate(rate)) },
  { title: "p50 ms", from: 80, cell: ({ latencyMs }) => span(formatLatency(latencyMs.p50)) },
  { title: "p95 ms", from: 0, cell: ({ latencyMs }) => span(formatLatency(latencyMs.p95)) },
  { title: "p99 ms", from: 80, cell: ({ latencyMs }) => span(formatLatency(latencyMs.p99)) },
  { title: "Max ms", from: 100, cell: ({ latencyMs }) => span(formatLatency(latencyMs.max)) },
  {
    title: "Fails",
    from: 0,
    cell: ({ failures }) => span(formatCount(failures), failures > 0 ? "bad" : "plain"),
  },
  {
    title: "Fail%",
    from: 100,
    cell: ({ errorRate }) => span(formatShare(errorRate), errorRate > 0 ? "bad" : "plain"),
  },
];
