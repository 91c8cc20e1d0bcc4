/**
 * The final report as text for a terminal.
 *
 * @module
 */

import { sanitizeTerminal } from "../core/text.ts";
import { LATE_START_MS, MANY_DROPPED } from "../stats/iteration_stats.ts";
import type {
  IterationSummary,
  LatencySummary,
  RequestTotals,
  Snapshot,
  ThresholdRow,
  WorkerRow,
} from "../stats/snapshot.ts";
import { observedText } from "../stats/thresholds.ts";
import { latencyTable } from "./latency_bars.ts";
import {
  formatAmount,
  formatBytes,
  formatCount,
  formatElapsed,
  formatExact,
  formatLatency,
  formatRate,
  formatShare,
} from "./quantity.ts";
import { renderLine, shorten, type Span, span, wrap, wrappedText } from "./terminal.ts";
import { type TableColumn, type TableSize, textTable } from "./text_table.ts";
import { breakingPointFact, thresholdMark, verdict } from "./verdict.ts";
import { cpuGauge } from "./worker_counts.ts";

/** How to write the report. */
export interface ReportOptions {
  /** The exit code that the process is about to return. */
  readonly exitCode: number;
  /** The width; less than 80 counts as 80. */
  readonly columns: number;
  readonly color: boolean;
  /** Whether to draw the distribution of latencies; default no. */
  readonly bars?: boolean;
}

/** The report of a run that has ended. It ends with a newline, and no line is too long. */
export function finalReport(snapshot: Snapshot, options: ReportOptions): string {
  const size = { columns: Math.max(MIN_COLUMNS, options.columns), color: options.color };
  const sections = [
    heading(snapshot, size),
    requestSection(snapshot, size),
    percentileSection(snapshot, size),
    options.bars ? latencySection(snapshot, size) : [],
    iterationSection(snapshot, size),
    failureSection(snapshot, size),
    userErrorSection(snapshot, size),
    workerSection(snapshot, size),
    thresholdSection(snapshot.thresholds, size),
    breakingPointSection(snapshot, size),
    warningSection(snapshot, size),
    verdictSection(snapshot, options.exitCode, size),
  ];
  const text = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `\n${text.join("\n\n")}\n`;
}

/** A narrower report would have no room for names. */
const MIN_COLUMNS = 80;

/** No HTTP method is longer. */
const METHOD_COLUMNS = 8;

/** Titles, and ten steps. */
const LATENCY_LINES = 11;

const LABELS: readonly TableColumn[] = [
  { title: "Type", align: "left" },
  { title: "Name", align: "left", elastic: true },
];

function labels(method: string, name: string, tone: Span["tone"] = "plain"): Span[] {
  return [span(shorten(sanitizeTerminal(method), METHOD_COLUMNS), tone), span(name, tone)];
}

function numbers(...titles: readonly string[]): TableColumn[] {
  return titles.map((title) => ({ title, align: "right" }));
}

function heading(snapshot: Snapshot, size: TableSize): string[] {
  const { runId, mode, workers, durationSeconds, users, statistics: { totals } } = snapshot;
  const where = mode === "local" ? mode : `${mode}, ${formatAmount(workers.length, "worker")}`;
  const again = totals.retries === 0 ? "" : `, ${formatAmount(totals.retries, "retry", "retries")}`;
  return [
    `Run ${runId}, ${where}`,
    `${formatElapsed(durationSeconds)}, up to ${formatAmount(users.peak, "user")}, ` +
    `received ${formatBytes(totals.bytesReceived)}, sent ${formatBytes(totals.bytesSent)}${again}`,
  ].map((text) => renderLine([span(text, "quiet")], size.columns, size.color));
}

function requestSection(snapshot: Snapshot, size: TableSize): string[] {
  const { requests, totals } = snapshot.statistics;
  const title = [span("Requests", "strong"), span(", latency in ms", "quiet")];
  if (requests.length === 0) {
    return [renderLine(title, size.columns, size.color), "No request has ended."];
  }
  const columns = [
    ...LABELS,
    ...numbers("Reqs", "Fails", "Fail%", "Avg", "Min", "Max", "Med", "Req/s"),
  ];
  const rows = requests.map((row) => [...labels(row.method, row.name), ...requestCells(row)]);
  const last = [...labels("", "Aggregated", "strong"), ...requestCells(totals)];
  return tableWithTotals(title, columns, rows, last, size);
}

function requestCells(totals: RequestTotals): Span[] {
  const { latencyMs } = totals;
  const tone = totals.failures > 0 ? "bad" : "plain";
  return [
    span(formatCount(totals.requests)),
    span(formatCount(totals.failures), tone),
    span(formatShare(totals.errorRate), tone),
    ...[latencyMs.mean, latencyMs.min, latencyMs.max, latencyMs.p50].map(latencyCell),
    span(formatRate(totals.rate)),
  ];
}

function percentileSection(snapshot: Snapshot, size: TableSize): string[] {
  const { requests, totals } = snapshot.statistics;
  if (requests.length === 0) return [];
  const title = [span("Percentiles", "strong"), span(", latency in ms", "quiet")];
  const columns = [...LABELS, ...PERCENTILE_COLUMNS];
  const rows = requests.map((row) => [
    ...labels(row.method, row.name),
    ...percentileCells(row.latencyMs),
  ]);
  const last = [...labels("", "Aggregated", "strong"), ...percentileCells(totals.latencyMs)];
  return tableWithTotals(title, columns, rows, last, size);
}

/** Columns of percentiles in milliseconds. */
const PERCENTILE_COLUMNS: readonly TableColumn[] = [
  { title: "50%", align: "right" },
  { title: "75%", align: "right" },
  { title: "90%", align: "right" },
  { title: "95%", align: "right" },
  { title: "99%", align: "right" },
  { title: "99.9%", align: "right" },
  { title: "99.99%", align: "right" },
  { title: "Max", align: "right" },
];

/** A cell for each of {@link PERCENTILE_COLUMNS}. */
function percentileCells(latency: LatencySummary): Span[] {
  const { p50, p75, p90, p95, p99, p999, p9999, max } = latency;
  return [p50, p75, p90, p95, p99, p999, p9999, max].map((ms) => span(formatLatency(ms)));
}

function latencySection({ statistics: { totals } }: Snapshot, size: TableSize): string[] {
  const table = latencyTable(totals, size, LATENCY_LINES);
  if (table.length === 0) return [];
  const title = [span("Latency", "strong"), span(", all requests", "quiet")];
  return [renderLine(title, size.columns, size.color), ...table];
}

function latencyCell(ms: number | null): Span {
  return span(formatLatency(ms));
}

function tableWithTotals(
  title: readonly Span[],
  columns: readonly TableColumn[],
  rows: readonly (readonly Span[])[],
  last: readonly Span[],
  size: TableSize,
): string[] {
  const table = textTable(columns, [...rows, last], size);
  return [
    renderLine(title, size.columns, size.color),
    table.header,
    table.rule,
    ...table.rows.slice(0, -1),
    table.rule,
    ...table.rows.slice(-1),
  ];
}

/**
 * The counts of iterations and their service times, and in the open model their start delays, with an
 * explanation of what latencies mean there. Empty if iterations are not counted.
 */
export function iterationSection({ arrivalRate, statistics }: Snapshot, size: TableSize): string[] {
  const { iterations } = statistics;
  if (iterations === null) return [];
  const isOpen = arrivalRate !== null;
  const { serviceTimeMs, startDelayMs } = iterations;
  const rows = [
    row("Service time", serviceTimeMs),
    ...(isOpen ? [row("Start delay", startDelayMs, (startDelayMs.p99 ?? 0) > LATE_START_MS)] : []),
  ];
  const table = textTable([{ title: "", align: "left" }, ...PERCENTILE_COLUMNS], rows, size);
  return [
    renderLine(
      [span("Iterations", "strong"), span(", times in ms", "quiet")],
      size.columns,
      size.color,
    ),
    renderLine(counts(iterations, isOpen), size.columns, size.color),
    table.header,
    table.rule,
    ...table.rows,
    ...(isOpen ? wrap(ITERATION_NOTE, size.columns) : [])
      .map((line) => renderLine([span(line, "quiet")], size.columns, size.color)),
  ];
}

/** The meaning of latencies and service times in the open model. */
export const ITERATION_NOTE =
  "The latency of the first request of an iteration counts from the moment at which the iteration " +
  "was due, so it includes the start delay. The service time counts from the actual start of the " +
  "iteration to its end.";

function counts(
  { scheduled, started, completed, dropped }: IterationSummary,
  isOpen: boolean,
): Span[] {
  const done = `${formatExact(started)} started, ${formatExact(completed)} completed`;
  if (!isOpen) return [span(done)];
  const share = scheduled === 0 ? 0 : dropped / scheduled;
  const lost = dropped === 0 ? "none dropped" : `${formatExact(dropped)} dropped`;
  return [
    span(`${formatExact(scheduled)} scheduled, ${done}, `),
    span(
      dropped === 0 ? lost : `${lost} (${formatShare(share)})`,
      dropped === 0 ? "plain" : share > MANY_DROPPED ? "bad" : "warning",
    ),
  ];
}

function row(title: string, times: LatencySummary, isBad = false): Span[] {
  const cells = percentileCells(times);
  return [
    span(title),
    ...(isBad ? cells.map(({ text }) => span(text, "warning")) : cells),
  ];
}

function failureSection(snapshot: Snapshot, size: TableSize): string[] {
  const { failures } = snapshot.statistics;
  if (failures.length === 0) return [];
  const columns: TableColumn[] = [
    ...numbers("Count"),
    ...LABELS,
    { title: "Error", align: "left", elastic: true },
  ];
  const rows = failures.map(({ method, name, error, count }) => [
    span(formatCount(count), "bad"),
    ...labels(method, name),
    span(error),
  ]);
  const table = textTable(columns, rows, size);
  const title = renderLine([span("Failures", "strong")], size.columns, size.color);
  return [title, table.header, table.rule, ...table.rows];
}

function userErrorSection(snapshot: Snapshot, size: TableSize): string[] {
  const { userErrors } = snapshot.statistics;
  if (userErrors.length === 0) return [];
  const columns: TableColumn[] = [
    ...numbers("Count"),
    { title: "User", align: "left", elastic: true },
    { title: "Error", align: "left", elastic: true },
  ];
  const rows = userErrors.map(({ user, error, count }) => [
    span(formatCount(count), "bad"),
    span(user),
    span(error),
  ]);
  const table = textTable(columns, rows, size);
  const title = renderLine([span("User errors", "strong")], size.columns, size.color);
  return [title, table.header, table.rule, ...table.rows];
}

/**
 * A table of the workers: those with incomplete counts first, then the busiest. After twenty, a line
 * sums up the others. Empty in a local run.
 */
export function workerSection({ mode, workers }: Snapshot, size: TableSize): string[] {
  if (mode === "local") return [];
  const title = span("Workers", "strong");
  if (workers.length === 0) {
    return [renderLine([title], size.columns, size.color), "No worker took part."];
  }
  const sorted = workers.toSorted(byWeight);
  const table = textTable(WORKER_COLUMNS, sorted.slice(0, MAX_ROWS).map(workerCells), size);
  const about = span(", users and CPU at their peak", "quiet");
  return [
    renderLine([title, about], size.columns, size.color),
    table.header,
    table.rule,
    ...table.rows,
    ...rest(sorted.slice(MAX_ROWS), size),
  ];
}

const MAX_ROWS = 20;

const WORKER_COLUMNS: readonly TableColumn[] = [
  { title: "Worker", align: "left", elastic: true },
  { title: "Host", align: "left", elastic: true },
  { title: "Users", align: "right" },
  { title: "Reqs", align: "right" },
  { title: "CPU", align: "right" },
  { title: "State", align: "left" },
];

function workerCells(
  { id, host, state, peakUsers, requests, cpuPeak, complete }: WorkerRow,
): Span[] {
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

/** A table of all thresholds, in the order of the options. */
export function thresholdSection(rows: readonly ThresholdRow[], size: TableSize): string[] {
  if (rows.length === 0) return [];
  const table = textTable(THRESHOLD_COLUMNS, rows.map(thresholdCells), size);
  const title = renderLine([span("Thresholds", "strong")], size.columns, size.color);
  return [title, table.header, table.rule, ...table.rows];
}

const THRESHOLD_COLUMNS: readonly TableColumn[] = [
  { title: "Threshold", align: "left", elastic: true },
  { title: "Observed", align: "right" },
  { title: "Result", align: "left" },
];

function thresholdCells(row: ThresholdRow): Span[] {
  const tone = row.passed ? "good" : "bad";
  return [
    span(row.expression),
    span(observedText(row)),
    span(`${thresholdMark(row).text} ${row.passed ? "passed" : "crossed"}`, tone),
  ];
}

function breakingPointSection({ breakingPoint }: Snapshot, size: TableSize): string[] {
  if (breakingPoint === null) return [];
  const text = wrap(
    sanitizeTerminal(`Breaking point: ${breakingPointFact(breakingPoint)}.`),
    size.columns,
  );
  return text.map((line) => renderLine([span(line, "strong")], size.columns, size.color));
}

function warningSection(snapshot: Snapshot, size: TableSize): string[] {
  return snapshot.warnings.flatMap((warning) => wrappedText(span("!", "warning"), warning, size));
}

function verdictSection(snapshot: Snapshot, exitCode: number, size: TableSize): string[] {
  const { word, facts } = verdict(snapshot, exitCode);
  return wrappedText(span(`${word.text} `, word.tone), facts, size);
}
