/**
 * The tables of the live panel: workers and request names.
 *
 * @module
 */

import type { LatencyFigure, RequestRow, WorkerRow } from "../stats/snapshot.ts";
import { lowerBoundsOf } from "../stats/unanswered.ts";
import { formatBound, formatCount, formatLatency, formatRate, formatShare } from "./quantity.ts";
import { renderLine, type Span, span } from "./terminal.ts";
import { type TableColumn, type TableSize, textTable } from "./text_table.ts";
import { cpuGauge, isPresent, isStrained, lagGauge, STATE_TONES } from "./worker_counts.ts";

/**
 * A table of workers in at most `most` lines, those that need attention first; the last line says how
 * many are not shown. Empty without workers, or without room.
 */
export function workerTable(
  workers: readonly WorkerRow[],
  size: TableSize,
  most: number,
): string[] {
  const rows = most - TITLE_LINES;
  if (workers.length === 0 || rows < 1) return [];
  const shown = workers.toSorted(byNeed)
    .slice(0, workers.length > rows ? rows - 1 : rows);
  const table = textTable(WORKER_COLUMNS, shown.map(workerCells), size);
  const hidden = workers.length - shown.length;
  const rest = renderLine(
    [span(`and ${formatCount(hidden)} more`, "quiet")],
    size.columns,
    size.color,
  );
  return [table.header, ...table.rows, ...(hidden > 0 ? [rest] : [])];
}

const WORKER_COLUMNS: readonly TableColumn[] = [
  { title: "Worker", align: "left", elastic: true },
  { title: "Users", align: "right" },
  { title: "Req/s", align: "right" },
  { title: "CPU", align: "right" },
  { title: "Lag ms", align: "right" },
  { title: "State", align: "left" },
];

/** The last values of a worker that is gone are out of date. */
const UNKNOWN = span("-", "quiet");

function workerCells(worker: WorkerRow): Span[] {
  const { id, state, users, rate, cpu, lagMs } = worker;
  return [
    span(id),
    ...(isPresent(worker)
      ? [span(formatCount(users)), span(formatRate(rate)), cpuGauge(cpu), lagGauge(lagMs)]
      : [UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]),
    span(state, STATE_TONES[state]),
  ];
}

function byNeed(a: WorkerRow, b: WorkerRow): number {
  return urgencyRank(a) - urgencyRank(b) || tenthsOfCore(b) - tenthsOfCore(a);
}

/** 0 for workers that need attention most. */
function urgencyRank({ state, cpu, lagMs }: WorkerRow): number {
  if (state === "lost") return 0;
  if (state === "left") return 3;
  return isStrained(cpu, lagMs) ? 1 : 2;
}

/** Coarse, so that similarly busy workers do not change places every second. */
function tenthsOfCore({ cpu }: WorkerRow): number {
  return Math.round(cpu * 10);
}

/**
 * A table of the names with the most requests, in at most `most` lines; the last line says how many
 * are not shown. Wider tables have more columns.
 */
export function nameTable(rows: readonly RequestRow[], size: TableSize, most: number): string[] {
  const names = most - TITLE_LINES;
  if (rows.length === 0 || names < 1) return [];
  const top = rows.toSorted((a, b) => b.requests - a.requests)
    .slice(0, rows.length > names ? names - 1 : names);
  const facts = NAME_COLUMNS.filter(({ from, isUseful }) =>
    from <= size.columns && (isUseful === undefined || rows.some(isUseful))
  );
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

interface NameColumn {
  readonly title: string;
  /** The width of the table from which this column is shown. */
  readonly from: number;
  /** Whether the column is worth its place because of a row; by default, it always is. */
  readonly isUseful?: (row: RequestRow) => boolean;
  readonly cell: (row: RequestRow) => Span;
}

function latencyColumn(title: string, from: number, figure: LatencyFigure): NameColumn {
  return {
    title,
    from,
    cell: (row) =>
      span(
        formatBound(formatLatency(row.latencyMs[figure]), lowerBoundsOf(row).includes(figure)),
      ),
  };
}

const NAME_COLUMNS: readonly NameColumn[] = [
  { title: "Reqs", from: 0, cell: ({ requests }) => span(formatCount(requests)) },
  { title: "Req/s", from: 50, cell: ({ rate }) => span(formatRate(rate)) },
  latencyColumn("p50 ms", 80, "p50"),
  latencyColumn("p95 ms", 0, "p95"),
  latencyColumn("p99 ms", 80, "p99"),
  latencyColumn("Max ms", 100, "max"),
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
  {
    title: "In prog",
    from: 80,
    isUseful: ({ inProgress }) => inProgress.count > 0,
    cell: ({ inProgress }) => span(formatCount(inProgress.count)),
  },
  {
    title: "Unfin",
    from: 0,
    isUseful: ({ unfinished }) => unfinished.count > 0,
    cell: ({ unfinished: { count } }) => span(formatCount(count), count > 0 ? "bad" : "plain"),
  },
];
