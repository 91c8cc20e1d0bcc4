/**
 * The final report as text: what happened to the requests, how long they took, what went wrong.
 *
 * @module
 */

import type { RequestTotals, Snapshot } from "../stats/snapshot.ts";
import { breakingPointText } from "./breaking_point_text.ts";
import { latencyTable } from "./latency_table.ts";
import { passSection } from "./pass_section.ts";
import { PERCENTILE_COLUMNS, percentileCells } from "./percentile_columns.ts";
import { prose } from "./prose.ts";
import {
  formatAmount,
  formatBytes,
  formatCount,
  formatElapsed,
  formatLatency,
  formatRate,
  formatShare,
} from "./quantity.ts";
import { renderLine, type Span, span } from "./styled_line.ts";
import { harmless, shorten, wrap } from "./terminal_text.ts";
import { type TableColumn, type TableSize, textTable } from "./text_table.ts";
import { thresholdSection } from "./threshold_section.ts";
import { verdict } from "./verdict.ts";
import { workerSection } from "./worker_section.ts";

/** How the report is to be written. */
export interface ReportOptions {
  /** What the process is about to exit with. */
  readonly exitCode: number;
  /** Columns of the line; fewer than 80 count as 80. */
  readonly columns: number;
  readonly color: boolean;
  /** Whether to draw how latencies are spread, for people that watch; default no. */
  readonly bars?: boolean;
}

/** The report of a run that has ended, with a newline at its end; no line is too long. */
export function finalReport(snapshot: Snapshot, options: ReportOptions): string {
  const size = { columns: Math.max(LEAST_COLUMNS, options.columns), color: options.color };
  const sections = [
    heading(snapshot, size),
    requestSection(snapshot, size),
    percentileSection(snapshot, size),
    options.bars ? latencySection(snapshot, size) : [],
    passSection(snapshot, size),
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

/** Less would leave no room for names. */
const LEAST_COLUMNS = 80;

/** Longer methods are none of HTTP's. */
const METHOD_COLUMNS = 8;

/** Titles, and ten steps. */
const LATENCY_LINES = 11;

const LABELS: readonly TableColumn[] = [
  { title: "Type", align: "left" },
  { title: "Name", align: "left", elastic: true },
];

function labels(method: string, name: string, tone: Span["tone"] = "plain"): Span[] {
  return [span(shorten(harmless(method), METHOD_COLUMNS), tone), span(name, tone)];
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

function breakingPointSection({ breakingPoint }: Snapshot, size: TableSize): string[] {
  if (breakingPoint === null) return [];
  const text = wrap(harmless(breakingPointText(breakingPoint)), size.columns);
  return text.map((line) => renderLine([span(line, "strong")], size.columns, size.color));
}

function warningSection(snapshot: Snapshot, size: TableSize): string[] {
  return snapshot.warnings.flatMap((warning) => prose(span("!", "warning"), warning, size));
}

function verdictSection(snapshot: Snapshot, exitCode: number, size: TableSize): string[] {
  const { word, facts } = verdict(snapshot, exitCode);
  return prose(span(`${word.text} `, word.tone), facts, size);
}
