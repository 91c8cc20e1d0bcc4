/**
 * The part of the final report that tells of the workers.
 *
 * @module
 */

import type { Snapshot, WorkerRow } from "../stats/snapshot.ts";
import { cpuGauge } from "./gauges.ts";
import { formatAmount, formatCount } from "./quantity.ts";
import { renderLine, type Span, span } from "./styled_line.ts";
import { type TableColumn, type TableSize, textTable } from "./text_table.ts";

/**
 * A table of the workers, those whose counts are incomplete first, then the busiest; of more than
 * twenty, a line says what the others came to. Nothing for a run without workers of its own.
 */
export function workerSection({ mode, workers }: Snapshot, size: TableSize): string[] {
  if (mode === "local") return [];
  const title = span("Workers", "strong");
  if (workers.length === 0) {
    return [renderLine([title], size.columns, size.color), "No worker took part."];
  }
  const sorted = workers.toSorted(byWeight);
  const table = textTable(COLUMNS, sorted.slice(0, MOST_ROWS).map(cells), size);
  const about = span(", users and CPU at their peak", "quiet");
  return [
    renderLine([title, about], size.columns, size.color),
    table.header,
    table.rule,
    ...table.rows,
    ...rest(sorted.slice(MOST_ROWS), size),
  ];
}

const MOST_ROWS = 20;

const COLUMNS: readonly TableColumn[] = [
  { title: "Worker", align: "left", elastic: true },
  { title: "Host", align: "left", elastic: true },
  { title: "Users", align: "right" },
  { title: "Reqs", align: "right" },
  { title: "CPU", align: "right" },
  { title: "State", align: "left" },
];

function cells({ id, host, state, peakUsers, requests, cpuPeak, complete }: WorkerRow): Span[] {
  return [
    span(id),
    span(host),
    span(formatCount(peakUsers)),
    span(formatCount(requests)),
    cpuGauge(cpuPeak),
    complete ? span(state) : span(`${state}, incomplete`, "bad"),
  ];
}

function byWeight(a: WorkerRow, b: WorkerRow): number {
  return Number(a.complete) - Number(b.complete) || b.cpuPeak - a.cpuPeak;
}

function rest(workers: readonly WorkerRow[], size: TableSize): string[] {
  if (workers.length === 0) return [];
  const requests = workers.reduce((sum, worker) => sum + worker.requests, 0);
  const incomplete = workers.filter(({ complete }) => !complete).length;
  const line = [
    span(`and ${formatCount(workers.length)} more, with ${formatAmount(requests, "request")}`),
    span(incomplete === 0 ? "" : `, ${formatCount(incomplete)} of them incomplete`, "bad"),
  ];
  return [renderLine(line, size.columns, size.color)];
}
