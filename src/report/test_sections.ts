/**
 * The sections of the final report about what a test file says and measures itself: classes, groups, checks
 * and metrics; and about requests that have a trace. Each is empty if the run has none.
 *
 * @module
 */

import type {
  CheckRow,
  ClassRow,
  GroupRow,
  LatencyFigure,
  MetricRow,
  Statistics,
  TracedRequestRow,
  TrendRow,
} from "../stats/snapshot.ts";
import { groupLowerBounds, lowerBoundsOf } from "../stats/unanswered.ts";
import {
  formatCount,
  formatExact,
  formatLatency,
  formatNumber,
  formatRate,
  formatShare,
} from "./quantity.ts";
import { latencyCells, noteLines, number, numbers, titledTable } from "./report_tables.ts";
import { type Span, span } from "./terminal.ts";
import type { TableColumn, TableSize } from "./text_table.ts";

/** A table of the user classes. Empty if there is only one: the totals are the same. */
export function classSection({ classes, totals }: Statistics, size: TableSize): string[] {
  if (classes.length < 2) return [];
  const withUnfinished = classes.some((row) => row.totals.unfinished.count > 0);
  const withDropped = classes.some(({ iterations }) => (iterations?.dropped ?? 0) > 0);
  const columns = [
    { title: "Class", align: "left", elastic: true } as const,
    number("Users", 3),
    number("Iters", 4),
    ...(withDropped ? numbers("Dropped") : []),
    ...numbers("Reqs", "Fails"),
    number("Fail%", 5),
    ...(withUnfinished ? numbers("Unfin") : []),
    number("Avg", 8),
    number("50%", 6),
    ...numbers("95%"),
    number("99%", 2),
    number("Max", 7),
    number("Req/s", 1),
  ];
  const about = totals.failures === 0 ? ", latency in ms" : ", latency of successes in ms";
  const rows = classes.map((row) => classCells(row, withDropped, withUnfinished));
  return [
    ...titledTable(["Classes", about], columns, rows, size),
    ...noteLines("Users: the most at once.", size),
  ];
}

function classCells(
  { name, peakUsers, completed, iterations, totals }: ClassRow,
  withDropped: boolean,
  withUnfinished: boolean,
): Span[] {
  const tone = totals.failures > 0 ? "bad" : "plain";
  const dropped = iterations?.dropped ?? 0;
  const unfinished = totals.unfinished.count;
  return [
    span(name),
    span(formatCount(peakUsers)),
    span(formatCount(completed)),
    ...(withDropped ? [span(formatCount(dropped), dropped > 0 ? "warning" : "plain")] : []),
    span(formatCount(totals.requests)),
    span(formatCount(totals.failures), tone),
    span(formatShare(totals.errorRate), tone),
    ...(withUnfinished ? [span(formatCount(unfinished), unfinished > 0 ? "bad" : "plain")] : []),
    ...latencyCells(totals.latencyMs, ["mean", "p50", "p95", "p99", "max"], lowerBoundsOf(totals)),
    span(formatRate(totals.rate)),
  ];
}

/** A table of the groups with their durations. */
export function groupSection({ groups }: Statistics, size: TableSize): string[] {
  if (groups.length === 0) return [];
  const withUnfinished = groups.some(({ unfinished }) => unfinished.count > 0);
  const columns = [
    { title: "Group", align: "left", elastic: true } as const,
    ...numbers("Count", "Fails"),
    number("Fail%", 3),
    ...(withUnfinished ? numbers("Unfin") : []),
    number("Avg", 4),
    number("In reqs", 5),
    number("50%", 2),
    number("90%", 6),
    ...numbers("95%"),
    number("99%", 1),
    number("Max", 7),
  ];
  const anyFailed = groups.some(({ failures }) => failures > 0);
  const about = anyFailed ? ", duration of successes in ms" : ", duration in ms";
  const rows = groups.map((row) => groupCells(row, withUnfinished));
  const isBounded = groups.some(({ lowerBounds }) => lowerBounds);
  return [
    ...titledTable(["Groups", about], columns, rows, size),
    ...noteLines(isBounded ? `${IN_REQUESTS_NOTE} ${BOUND_NOTE}` : IN_REQUESTS_NOTE, size),
  ];
}

const IN_REQUESTS_NOTE = "In reqs: the mean time that a group spent in requests.";

const BOUND_NOTE =
  "≥ is a lower bound: groups that were cut off count with the time they had taken.";

function groupCells(row: GroupRow, withUnfinished: boolean): Span[] {
  const tone = row.failures > 0 ? "bad" : "plain";
  const unfinished = row.unfinished.count;
  const bounds = groupLowerBounds(row);
  const durations = (...figures: readonly LatencyFigure[]): Span[] =>
    latencyCells(row.durationMs, figures, bounds);
  return [
    span(row.name),
    span(formatCount(row.count)),
    span(formatCount(row.failures), tone),
    span(formatShare(row.errorRate), tone),
    ...(withUnfinished ? [span(formatCount(unfinished), unfinished > 0 ? "bad" : "plain")] : []),
    ...durations("mean"),
    ...latencyCells(row.requestsMs, ["mean"], []),
    ...durations("p50", "p90", "p95", "p99", "max"),
  ];
}

/** A table of the checks. A failed one is marked, but it is not a failure. */
export function checkSection({ checks }: Statistics, size: TableSize): string[] {
  if (checks.length === 0) return [];
  const columns: TableColumn[] = [
    { title: "Check", align: "left", elastic: true },
    ...numbers("Passed%"),
    number("Passed", 1),
    ...numbers("Failed"),
  ];
  return titledTable(["Checks", ""], columns, checks.map(checkCells), size);
}

function checkCells({ name, passed, failed, rate }: CheckRow): Span[] {
  const tone = failed > 0 ? "warning" : "plain";
  return [
    span(name),
    span(formatShare(rate), tone),
    span(formatCount(passed)),
    span(formatCount(failed), tone),
  ];
}

/** The rows of {@link tracedSection}; other reports have all of them. */
const TRACED_ROWS = 30;

/** A table of the slowest requests that have a trace. */
export function tracedSection({ traced }: Statistics, size: TableSize): string[] {
  if (traced.length === 0) return [];
  const columns: TableColumn[] = [
    { title: "Type", align: "left" },
    { title: "Name", align: "left", elastic: true },
    ...numbers("Latency"),
    ...numbers("Status"),
    { title: "Trace", align: "left" },
    { title: "Started (UTC)", align: "left", leaveOut: 1 },
  ];
  const slowest = new Set(
    traced.toSorted((a, b) => b.latencyMs - a.latencyMs).slice(0, TRACED_ROWS),
  );
  const rows = traced.filter((row) => slowest.has(row));
  return titledTable(
    ["Slowest requests with a trace", ", latency in ms"],
    columns,
    rows.map(tracedCells),
    size,
  );
}

function tracedCells(
  { method, name, latencyMs, status, traceId, startedAt }: TracedRequestRow,
): Span[] {
  return [
    span(method),
    span(name),
    span(formatLatency(latencyMs)),
    span(status === 0 ? "-" : String(status)),
    span(traceId),
    span(new Date(startedAt).toISOString().slice(11, 23)),
  ];
}

/** A table of counters, gauges and rates, and one of trends. */
export function metricSections({ metrics }: Statistics, size: TableSize): string[][] {
  const trends = metrics.filter((row) => row.type === "trend");
  const values = metrics.filter((row) => row.type !== "trend");
  return [
    values.length === 0 ? [] : titledTable(
      ["Metrics", ""],
      [
        { title: "Metric", align: "left", elastic: true },
        { title: "Type", align: "left", leaveOut: 2 },
        ...numbers("Value"),
        { title: "Details", align: "left", leaveOut: 1 },
      ],
      values.map((row) => [span(row.name), span(row.type), ...valueCells(row)]),
      size,
    ),
    trends.length === 0
      ? []
      : titledTable(["Trends", ""], TREND_COLUMNS, trends.map(trendCells), size),
  ];
}

/** The value of a metric, and what it is made of. */
function valueCells(row: Exclude<MetricRow, TrendRow>): Span[] {
  switch (row.type) {
    case "counter":
      return [span(formatNumber(row.value)), span(`${formatNumber(row.perSecond)}/s`, "quiet")];
    case "gauge": {
      const range = `from ${formatNumber(row.min)} to ${formatNumber(row.max)}`;
      return [span(formatNumber(row.value)), span(range, "quiet")];
    }
    case "rate": {
      const of = `${formatExact(row.hits)} of ${formatExact(row.total)}`;
      return [span(formatShare(row.rate)), span(of, "quiet")];
    }
  }
}

const TREND_COLUMNS: readonly TableColumn[] = [
  { title: "Trend", align: "left", elastic: true },
  { title: "Unit", align: "left", leaveOut: 2 },
  number("Count", 3),
  ...numbers("Avg"),
  number("Min", 5),
  number("50%", 1),
  number("90%", 6),
  ...numbers("95%"),
  number("99%", 4),
  number("Max", 7),
];

function trendCells({ name, unit, count, figures }: TrendRow): Span[] {
  const shown = ["mean", "min", "p50", "p90", "p95", "p99", "max"] as const;
  return [
    span(name),
    span(unit),
    span(formatCount(count)),
    ...shown.map((figure) => span(formatNumber(figures[figure]))),
  ];
}
