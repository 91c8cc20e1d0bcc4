/**
 * The final report as text for a terminal.
 *
 * @module
 */

import { sanitizeTerminal } from "../core/text.ts";
import { LATE_START_MS, MANY_DROPPED } from "../stats/iteration_stats.ts";
import {
  type IterationSummary,
  type LatencyFigure,
  type LatencySummary,
  type NetworkSummary,
  type PhaseTotals,
  type RequestRow,
  type RequestTotals,
  type Snapshot,
  statusRows,
  type ThresholdRow,
  type WorkerRow,
} from "../stats/snapshot.ts";
import { statusKey } from "../stats/request_stats.ts";
import { type Phase, PHASES } from "../stats/stats_delta.ts";
import { observedText } from "../stats/thresholds.ts";
import { lowerBoundsOf, serviceTimeLowerBounds } from "../stats/unanswered.ts";
import { latencyTable } from "./latency_bars.ts";
import {
  formatAge,
  formatAmount,
  formatBytes,
  formatCount,
  formatElapsed,
  formatExact,
  formatLatency,
  formatRate,
  formatShare,
} from "./quantity.ts";
import {
  latencyCells,
  leftOutNote,
  noteLines,
  number,
  numbers,
  tableLines,
} from "./report_tables.ts";
import { renderLine, shorten, type Span, span, wrap, wrappedText, wrapSpans } from "./terminal.ts";
import {
  checkSection,
  classSection,
  groupSection,
  metricSections,
  tracedSection,
} from "./test_sections.ts";
import { type TableColumn, type TableSize, textTable } from "./text_table.ts";
import { breakingPointFact, thresholdMark, verdict, verdictMark } from "./verdict.ts";
import { cpuGauge } from "./worker_counts.ts";

/** How to write the report. */
export interface ReportOptions {
  /** The exit code that the process is about to return; `null` if the run is still going. */
  readonly exitCode: number | null;
  /** The width; less than 20 counts as 20. */
  readonly columns: number;
  readonly color: boolean;
  /** Whether to draw the distribution of latencies; default no. */
  readonly bars?: boolean;
}

/**
 * The report of a run. It ends with a newline, and no line is too long.
 *
 * The verdict and the thresholds come first, and the verdict once more as the last line: the start of a
 * report is where people look for it, and its end is what a terminal or the log of a CI job shows. Only
 * the last one is at the start of a line, where scripts find it.
 */
export function finalReport(snapshot: Snapshot, options: ReportOptions): string {
  const size = { columns: Math.max(MIN_COLUMNS, options.columns), color: options.color };
  const sections = [
    heading(snapshot, size),
    headline(snapshot, options.exitCode, size),
    breakingPointSection(snapshot, size),
    thresholdSection(snapshot.thresholds, size, snapshot.startedAt !== null),
    requestSection(snapshot, size),
    percentileSection(snapshot, size),
    failedLatencySection(snapshot, size),
    classSection(snapshot.statistics, size),
    groupSection(snapshot.statistics, size),
    checkSection(snapshot.statistics, size),
    ...metricSections(snapshot.statistics, size),
    options.bars ? latencySection(snapshot, size) : [],
    statusSection(snapshot, size),
    tracedSection(snapshot.statistics, size),
    failureSection(snapshot, size),
    errorSection(snapshot, size),
    unfinishedSection(snapshot, size),
    userErrorSection(snapshot, size),
    iterationSection(snapshot, size),
    phaseSection(snapshot, size),
    workerSection(snapshot, size),
    warningSection(snapshot, size),
    verdictSection(snapshot, options.exitCode, size),
  ];
  const text = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `\n${text.join("\n\n")}\n`;
}

/** Narrower lines are wrapped by the terminal. */
const MIN_COLUMNS = 20;

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

function heading(snapshot: Snapshot, size: TableSize): string[] {
  const { runId, name, labels, mode, workers, durationSeconds, pausedSeconds, users } = snapshot;
  const { totals } = snapshot.statistics;
  const where = mode === "local" ? mode : `${mode}, ${formatAmount(workers.length, "worker")}`;
  const paused = pausedSeconds === 0 ? "" : `, paused for ${formatElapsed(pausedSeconds)}`;
  const again = totals.retries === 0 ? "" : `, ${formatAmount(totals.retries, "retry", "retries")}`;
  return [
    `Run ${name === null ? "" : `${name}, `}${runId}, ${where}`,
    ...labelTexts(labels),
    `${formatElapsed(durationSeconds)}${paused}, up to ${formatAmount(users.peak, "user")}, ` +
    `received ${formatBytes(totals.bytesReceived)}, sent ${formatBytes(totals.bytesSent)}${again}`,
  ].flatMap((text) => noteLines(text, size));
}

function labelTexts(labels: Snapshot["labels"]): string[] {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? [] : [pairs.join(", ")];
}

function headline(
  snapshot: Snapshot,
  exitCode: ReportOptions["exitCode"],
  size: TableSize,
): string[] {
  const { word, facts } = verdict(snapshot, exitCode);
  return wrappedText(verdictMark(word), `${word.text}: ${facts}`, size);
}

function requestSection(snapshot: Snapshot, size: TableSize): string[] {
  const { requests, totals } = snapshot.statistics;
  const title = [span("Requests", "strong"), span(latencyTitle(totals), "quiet")];
  if (requests.length === 0) {
    return [
      renderLine(title, size.columns, size.color),
      ...wrap("No request has ended.", size.columns),
    ];
  }
  const withUnfinished = totals.unfinished.count > 0;
  const columns = [
    ...LABELS,
    ...numbers("Reqs", "Fails"),
    number("Fail%", 1),
    ...(withUnfinished ? numbers("Unfin") : []),
    number("Avg", 5),
    number("Min", 6),
    number("Max", 4),
    number("Med", 3),
    number("Req/s", 2),
  ];
  const cells = (row: RequestTotals): Span[] => requestCells(row, withUnfinished);
  const last = [...labels("", "Aggregated", "strong"), ...cells(totals)];
  return tableWithTotals(title, columns, rowsWithTags(requests, cells), last, size);
}

/** A row for each name, with a row for each of its sets of tags below it. */
function rowsWithTags(
  requests: readonly RequestRow[],
  cells: (totals: RequestTotals) => Span[],
): Span[][] {
  return requests.flatMap((row) => [
    [...labels(row.method, row.name), ...cells(row)],
    ...row.tags.map((tag) => [...labels("", `  ${tag.tags}`), ...cells(tag)]),
  ]);
}

function requestCells(totals: RequestTotals, withUnfinished: boolean): Span[] {
  const { unfinished } = totals;
  const tone = totals.failures > 0 ? "bad" : "plain";
  return [
    span(formatCount(totals.requests)),
    span(formatCount(totals.failures), tone),
    span(formatShare(totals.errorRate), tone),
    ...(withUnfinished
      ? [span(formatCount(unfinished.count), unfinished.count > 0 ? "bad" : "plain")]
      : []),
    ...latencyCells(totals.latencyMs, ["mean", "min", "max", "p50"], lowerBoundsOf(totals)),
    span(formatRate(totals.rate)),
  ];
}

function percentileSection(snapshot: Snapshot, size: TableSize): string[] {
  const { requests, totals } = snapshot.statistics;
  if (requests.length === 0) return [];
  const title = [span("Percentiles", "strong"), span(latencyTitle(totals), "quiet")];
  const columns = [...LABELS, ...PERCENTILE_COLUMNS];
  const cells = (row: RequestTotals): Span[] => percentileCells(row.latencyMs, lowerBoundsOf(row));
  const last = [...labels("", "Aggregated", "strong"), ...cells(totals)];
  return [
    ...tableWithTotals(title, columns, rowsWithTags(requests, cells), last, size),
    ...(totals.lowerBounds ? noteLines(LOWER_BOUND_NOTE, size) : []),
  ];
}

/** Of which requests a table has the latencies. */
function latencyTitle({ failures }: RequestTotals): string {
  return failures === 0 ? ", latency in ms" : ", latency of successes in ms";
}

/** The meaning of the mark of lower bounds. */
const LOWER_BOUND_NOTE =
  "≥ is a lower bound: requests without an answer count with the time they had waited.";

/** The latencies of the failed requests of each name, and of all names. Empty if there are none. */
function failedLatencySection({ statistics }: Snapshot, size: TableSize): string[] {
  const { requests, totals } = statistics;
  const failed = requests.filter(({ failures }) => failures > 0);
  if (failed.length === 0) return [];
  const cells = ({ failures, failureLatencyMs }: RequestTotals): Span[] => [
    span(formatCount(failures), "bad"),
    ...latencyCells(failureLatencyMs, ["min", "p50", "p95", "max"], []),
  ];
  const columns = [
    ...LABELS,
    ...[...numbers("Fails"), number("Min", 3), number("50%", 1), number("95%", 2)],
    ...numbers("Max"),
  ];
  const rows = failed.map((row) => [...labels(row.method, row.name), ...cells(row)]);
  const title = [span("Failed requests", "strong"), span(", latency in ms", "quiet")];
  if (failed.length > 1) {
    const last = [...labels("", "Aggregated", "strong"), ...cells(totals)];
    return tableWithTotals(title, columns, rows, last, size);
  }
  const table = textTable(columns, rows, size);
  return [renderLine(title, size.columns, size.color), ...tableLines(table, size)];
}

/** Columns of percentiles in milliseconds. */
const PERCENTILE_COLUMNS: readonly TableColumn[] = [
  ...[number("50%", 2), number("75%", 5), number("90%", 4), ...numbers("95%", "99%")],
  ...[number("99.9%", 6), number("99.99%", 7), number("Max", 3)],
];

/** A cell for each of {@link PERCENTILE_COLUMNS}. */
function percentileCells(
  latency: LatencySummary,
  lowerBounds: readonly LatencyFigure[] = [],
): Span[] {
  return latencyCells(latency, PERCENTILE_FIGURES, lowerBounds);
}

const PERCENTILE_FIGURES = ["p50", "p75", "p90", "p95", "p99", "p999", "p9999", "max"] as const;

function latencySection({ statistics: { totals } }: Snapshot, size: TableSize): string[] {
  const table = latencyTable(totals, size, LATENCY_LINES);
  if (table.length === 0) return [];
  const which = totals.failures > 0
    ? ", successful requests"
    : totals.lowerBounds
    ? ", answered requests"
    : ", all requests";
  const title = [span("Latency", "strong"), span(which, "quiet")];
  return [renderLine(title, size.columns, size.color), ...table];
}

/**
 * Where the time of all requests went: a row for each phase that took place, and their connections. Empty if
 * there is nothing to say but that the time passed until the first byte arrived.
 */
export function phaseSection({ statistics }: Snapshot, size: TableSize): string[] {
  const { totals, network } = statistics;
  const { opened, times, figures } = totals.phases;
  if (opened === 0 && !(times.download.max > 0) && network === null) return [];
  const rows = PHASES.filter((phase) => times[phase].count > 0).map((phase) => [
    span(PHASE_TITLES[phase]),
    span(formatCount(times[phase].count)),
    ...latencyCells(figures[phase], ["mean", "p50", "p90", "p95", "p99", "max"], []),
  ]);
  if (rows.length === 0) return [];
  const table = textTable(PHASE_COLUMNS, rows, size);
  const title = [span("Where the time went", "strong"), span(", in ms", "quiet")];
  const connections = connectionsText(totals.phases);
  return [
    renderLine(title, size.columns, size.color),
    ...tableLines(table, size),
    ...(connections === null ? [] : noteLines(`${connections}.`, size)),
    ...(network === null ? [] : noteLines(`${networkText(network)}.`, size)),
  ];
}

function networkText({ samples, retransmitting, roundTripMs }: NetworkSummary): string {
  return `Network: round trip ${formatLatency(roundTripMs.p50)} ms median; ` +
    `${formatCount(retransmitting)} of ${formatAmount(samples, "sampled connection")} ` +
    "resent data";
}

const PHASE_COLUMNS: readonly TableColumn[] = [
  { title: "Phase", align: "left" },
  ...[...numbers("Count"), number("Avg", 5), number("50%", 1), number("90%", 4)],
  ...[...numbers("95%"), number("99%", 3), number("Max", 2)],
];

/** What phases are called in reports. */
const PHASE_TITLES: Readonly<Record<Phase, string>> = {
  dns: "DNS lookup",
  connect: "Connect",
  tls: "TLS handshake",
  ttfb: "First byte",
  download: "Download",
};

/** How many connections were opened and reused; `null` if no connection was seen. */
function connectionsText({ opened, reused }: PhaseTotals): string | null {
  if (opened === 0 && reused === 0) return null;
  return `${formatAmount(opened, "connection")} opened; ` +
    `${formatAmount(reused, "request")} on a connection that was open already`;
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
    ...leftOutNote(table, size),
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
    [span("Service time"), ...percentileCells(serviceTimeMs, serviceTimeLowerBounds(iterations))],
    ...(isOpen ? [startDelayRow(startDelayMs)] : []),
  ];
  const table = textTable([{ title: "", align: "left" }, ...PERCENTILE_COLUMNS], rows, size);
  return [
    renderLine(
      [span("Iterations", "strong"), span(", times in ms", "quiet")],
      size.columns,
      size.color,
    ),
    ...wrapSpans(counts(iterations, isOpen), size),
    ...tableLines(table, size),
    ...(iterations.interrupted > 0 ? noteLines(INTERRUPTED_NOTE, size) : []),
    ...(isOpen ? noteLines(ITERATION_NOTE, size) : []),
  ];
}

/** The meaning of latencies and service times in the open model. */
export const ITERATION_NOTE =
  "The latency of the first request of an iteration counts from the moment at which the iteration " +
  "was due, so it includes the start delay. The service time counts from the actual start of the " +
  "iteration to its end.";

const INTERRUPTED_NOTE =
  "≥ is a lower bound: interrupted iterations count with the time they had taken.";

function counts(
  { scheduled, started, completed, interrupted, dropped }: IterationSummary,
  isOpen: boolean,
): Span[] {
  const share = scheduled === 0 ? 0 : dropped / scheduled;
  const lost = dropped === 0 ? span("none dropped") : span(
    `${formatExact(dropped)} dropped (${formatShare(share)})`,
    share > MANY_DROPPED ? "bad" : "warning",
  );
  const facts = [
    ...(isOpen ? [span(`${formatExact(scheduled)} scheduled`)] : []),
    span(`${formatExact(started)} started`),
    span(`${formatExact(completed)} completed`),
    ...(interrupted === 0 ? [] : [span(`${formatExact(interrupted)} interrupted`, "bad")]),
    ...(isOpen ? [lost] : []),
  ];
  return facts.flatMap((fact, index) => index === facts.length - 1 ? [fact] : [fact, span(", ")]);
}

function startDelayRow(times: LatencySummary): Span[] {
  const isLate = (times.p99 ?? 0) > LATE_START_MS;
  const cells = percentileCells(times);
  return [
    span("Start delay"),
    ...(isLate ? cells.map(({ text }) => span(text, "warning")) : cells),
  ];
}

function failureSection(snapshot: Snapshot, size: TableSize): string[] {
  const { failures } = snapshot.statistics;
  if (failures.length === 0) return [];
  const columns: TableColumn[] = [
    ...numbers("Count"),
    ...LABELS,
    { title: "Error", align: "left", elastic: true, wraps: true },
  ];
  const rows = failures.map(({ method, name, error, count }) => [
    span(formatCount(count), "bad"),
    ...labels(method, name),
    span(error),
  ]);
  const table = textTable(columns, rows, size);
  const title = renderLine([span("Failures", "strong")], size.columns, size.color);
  return [title, ...tableLines(table, size)];
}

/** The requests of all names by HTTP status. Empty if no request has a status. */
export function statusSection({ statistics }: Snapshot, size: TableSize): string[] {
  const statuses = statusRows(statistics.requests);
  if (statuses.every(({ code }) => code === 0)) return [];
  const [first] = statuses;
  const isUniform = statuses.length === 1 && first!.failed === 0;
  const about = isUniform ? [span(`, all ${statusKey(first!.code)}`, "quiet")] : [];
  const title = renderLine([span("Statuses", "strong"), ...about], size.columns, size.color);
  if (isUniform) return [title];
  const rows = statuses.map(({ code, requests, failed }) => {
    const tone = failed > 0 ? "bad" : "plain";
    return [
      span(code === 0 ? NO_STATUS : statusKey(code)),
      span(formatCount(requests)),
      span(formatShare(requests / Math.max(1, statistics.totals.requests))),
      span(formatCount(failed), tone),
    ];
  });
  const table = textTable(STATUS_COLUMNS, rows, size);
  const isNoted = statuses.some(({ code }) => code === 0);
  const hasGrpc = statistics.requests.some(({ method }) => method === "GRPC");
  const note = hasGrpc ? NO_STATUS_NOTE_GRPC : NO_STATUS_NOTE;
  return [title, ...tableLines(table, size), ...(isNoted || hasGrpc ? noteLines(note, size) : [])];
}

const STATUS_COLUMNS: readonly TableColumn[] = [
  { title: "Status", align: "left" },
  ...numbers("Reqs", "Share", "Fails"),
];

const NO_STATUS = "none";
const NO_STATUS_NOTE = "none: without a response, or without HTTP.";
const NO_STATUS_NOTE_GRPC =
  "none: without a response, without HTTP, or with the status OK of gRPC, whose other codes are 1 to 16.";

/** The errors of all names together, if there is one that several names have. */
function errorSection({ statistics }: Snapshot, size: TableSize): string[] {
  const counts = new Map<string, number>();
  for (const { error, count } of statistics.failures) {
    counts.set(error, (counts.get(error) ?? 0) + count);
  }
  if (counts.size === statistics.failures.length) return [];
  const rows = [...counts].sort(([, a], [, b]) => b - a)
    .map(([error, count]) => [span(formatCount(count), "bad"), span(error)]);
  const columns: TableColumn[] = [
    ...numbers("Count"),
    { title: "Error", align: "left", elastic: true, wraps: true },
  ];
  const title = [span("Failures by error", "strong"), span(", all names together", "quiet")];
  return [
    renderLine(title, size.columns, size.color),
    ...tableLines(textTable(columns, rows, size), size),
  ];
}

/** The requests that were cut off with their users: those of each name, and their highest age. */
function unfinishedSection(snapshot: Snapshot, size: TableSize): string[] {
  const rows = snapshot.statistics.requests
    .filter(({ unfinished }) => unfinished.count > 0)
    .toSorted((a, b) => b.unfinished.count - a.unfinished.count)
    .map(({ method, name, unfinished: { count, oldestMs } }) => [
      span(formatCount(count), "bad"),
      ...labels(method, name),
      span(formatAge(oldestMs ?? 0)),
    ]);
  if (rows.length === 0) return [];
  const columns: TableColumn[] = [...numbers("Count"), ...LABELS, ...numbers("Waited up to")];
  const table = textTable(columns, rows, size);
  const title = [span("Unfinished", "strong"), span(", cut off without an answer", "quiet")];
  return [renderLine(title, size.columns, size.color), ...tableLines(table, size)];
}

function userErrorSection(snapshot: Snapshot, size: TableSize): string[] {
  const { userErrors } = snapshot.statistics;
  if (userErrors.length === 0) return [];
  const columns: TableColumn[] = [
    ...numbers("Count"),
    { title: "User", align: "left", elastic: true },
    { title: "Error", align: "left", elastic: true, wraps: true },
    { title: "Place", align: "left", elastic: true },
  ];
  const rows = userErrors.map(({ user, error, place, count }) => [
    span(formatCount(count), "bad"),
    span(user),
    span(error),
    span(place ?? ""),
  ]);
  const table = textTable(columns, rows, size);
  const title = renderLine([span("User errors", "strong")], size.columns, size.color);
  return [title, ...tableLines(table, size)];
}

/**
 * A table of the workers: those with incomplete counts first, then the busiest. After twenty, a line
 * sums up the others. Empty in a local run.
 */
export function workerSection({ mode, workers }: Snapshot, size: TableSize): string[] {
  if (mode === "local") return [];
  const title = span("Workers", "strong");
  if (workers.length === 0) {
    return [
      renderLine([title], size.columns, size.color),
      ...wrap("No worker took part.", size.columns),
    ];
  }
  const sorted = workers.toSorted(byWeight);
  const table = textTable(WORKER_COLUMNS, sorted.slice(0, MAX_ROWS).map(workerCells), size);
  const about = span(", users and CPU at their peak", "quiet");
  return [
    renderLine([title, about], size.columns, size.color),
    ...tableLines(table, size),
    ...rest(sorted.slice(MAX_ROWS), size),
  ];
}

const MAX_ROWS = 20;

const WORKER_COLUMNS: readonly TableColumn[] = [
  { title: "Worker", align: "left", elastic: true },
  { title: "Host", align: "left", elastic: true, leaveOut: 4 },
  ...[number("Users", 2), number("Reqs", 1), number("CPU", 3)],
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
  return wrapSpans([
    span(`and ${formatCount(workers.length)} more, with ${formatAmount(requests, "request")}`),
    span(incomplete === 0 ? "" : `, ${formatCount(incomplete)} of them incomplete`, "bad"),
  ], size);
}

/**
 * A table of all thresholds, in the order of the options.
 *
 * @param isJudged whether the run has started, so that its thresholds are judged.
 */
export function thresholdSection(
  thresholds: readonly ThresholdRow[],
  size: TableSize,
  isJudged: boolean,
): string[] {
  if (thresholds.length === 0) return [];
  const rows = thresholds.map((row) => thresholdCells(row, isJudged));
  const table = textTable(THRESHOLD_COLUMNS, rows, size);
  const title = renderLine([span("Thresholds", "strong")], size.columns, size.color);
  return [title, ...tableLines(table, size)];
}

const THRESHOLD_COLUMNS: readonly TableColumn[] = [
  { title: "Threshold", align: "left", elastic: true },
  { title: "Observed", align: "right" },
  { title: "Result", align: "left" },
];

function thresholdCells(row: ThresholdRow, isJudged: boolean): Span[] {
  const { expression, passed } = row;
  const { text: mark } = thresholdMark(row);
  const result = passed === false
    ? span(`${mark} crossed`, "bad")
    : isJudged && passed !== null
    ? span(`${mark} passed`, "good")
    : span(`${mark} not judged`, "quiet");
  return [span(expression), span(observedText(row)), result];
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

function verdictSection(
  snapshot: Snapshot,
  exitCode: ReportOptions["exitCode"],
  size: TableSize,
): string[] {
  const { word, facts } = verdict(snapshot, exitCode);
  return wrappedText(span(`${word.text} `, word.tone), facts, size);
}
