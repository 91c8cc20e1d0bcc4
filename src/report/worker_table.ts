/**
 * How the workers of a run are doing, as a small table for the live panel.
 *
 * @module
 */

import type { WorkerRow } from "../stats/snapshot.ts";
import { isPresent } from "./attendance.ts";
import { cpuGauge, isStrained, lagGauge, STATE_TONES } from "./gauges.ts";
import { formatCount, formatRate } from "./quantity.ts";
import { renderLine, type Span, span } from "./styled_line.ts";
import { type TableColumn, type TableSize, textTable } from "./text_table.ts";

/**
 * A table of workers, those that need attention first, in at most `most` lines: the titles, workers,
 * and how many more there are. Nothing where there is none, or no room.
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
  const table = textTable(COLUMNS, shown.map(cells), size);
  const hidden = workers.length - shown.length;
  const rest = renderLine(
    [span(`and ${formatCount(hidden)} more`, "quiet")],
    size.columns,
    size.color,
  );
  return [table.header, ...table.rows, ...(hidden > 0 ? [rest] : [])];
}

const TITLE_LINES = 1;

const COLUMNS: readonly TableColumn[] = [
  { title: "Worker", align: "left", elastic: true },
  { title: "Users", align: "right" },
  { title: "Req/s", align: "right" },
  { title: "CPU", align: "right" },
  { title: "Lag ms", align: "right" },
  { title: "State", align: "left" },
];

/** What is known of a worker that is not there any more is how it was, not how it is. */
const UNKNOWN = span("-", "quiet");

function cells(worker: WorkerRow): Span[] {
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
  return calmness(a) - calmness(b) || tenthsOfCore(b) - tenthsOfCore(a);
}

/** 0 for what most needs a look. */
function calmness({ state, cpu, lagMs }: WorkerRow): number {
  if (state === "lost") return 0;
  if (state === "left") return 3;
  return isStrained(cpu, lagMs) ? 1 : 2;
}

/** Coarse, so that workers which are about as busy do not change places every second. */
function tenthsOfCore({ cpu }: WorkerRow): number {
  return Math.round(cpu * 10);
}
