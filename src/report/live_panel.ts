/**
 * A run at one moment, as a picture for a terminal.
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";
import type { LatencySummary, RequestRow, Snapshot, TimelineSecond } from "../stats/snapshot.ts";
import { attendance, awaited, isPresent } from "./attendance.ts";
import { cpuGauge, lagGauge, STATE_TONES } from "./gauges.ts";
import { formatCount, formatLatency, formatRate, formatShare } from "./quantity.ts";
import { recentRequests, type RecentSeconds, recentSeconds } from "./recent_seconds.ts";
import { sparkline } from "./sparkline.ts";
import { renderLine, type Span, span } from "./styled_line.ts";
import { type TableSize, textTable } from "./text_table.ts";
import { workerTable } from "./worker_table.ts";

/**
 * Draws a run: at most 22 lines, none wider than `columns`. It is made for 60 columns and more; where
 * there are fewer, the ends of lines are missing.
 */
export function render(snapshot: Snapshot, columns: number, color: boolean): string[] {
  const { mode, statistics, warnings, workers } = snapshot;
  const size = { columns, color };
  const lines = [
    progress(snapshot, columns),
    [],
    users(snapshot),
    rate(statistics.timeline, columns),
    requests(snapshot),
    latencies("latency", statistics.totals.latencyMs),
    latencies(`last ${RECENT_SECONDS} s`, recentSeconds(statistics.timeline, RECENT_SECONDS)),
    generators(snapshot),
  ];
  const head = [
    ...lines.map((line) => renderLine(line, columns, color)),
    ...(mode === "distributed" ? workerTable(workers, size) : []),
  ];
  const foot = warnings.slice(-LATEST_WARNINGS).map((warning) =>
    renderLine([span("! ", "warning"), span(warning)], columns, color)
  );
  // Names are what gives way: what they come to stands above them, and all of them in the report.
  const room = MOST_LINES - head.length - foot.length;
  return [...head, ...topNames(statistics.requests, room, size), ...foot];
}

const MOST_LINES = 22;
const RECENT_SECONDS = 5;
const TOP_NAMES = 8;

/** An empty line and the titles. */
const TABLE_HEAD_LINES = 2;
const LATEST_WARNINGS = 2;
const LABEL_COLUMNS = 10;

/** So that the sparkline does not move as the rate goes up and down. */
const RATE_COLUMNS = 10;

/** Wider bars and sparklines would say no more. */
const LONGEST_BAR = 60;

function label(text: string): Span {
  return span(text.padEnd(LABEL_COLUMNS), "quiet");
}

function progress(snapshot: Snapshot, columns: number): Span[] {
  const { state, elapsedSeconds, plannedSeconds } = snapshot;
  const head = span(state.padEnd(LABEL_COLUMNS), STATE_TONES[state]);
  const waiting = awaited(snapshot);
  if (waiting !== null) return [head, span(waiting, "strong")];
  const elapsed = formatDuration(elapsedSeconds);
  if (plannedSeconds === null) return [head, span(elapsed)];
  // Users that are stopping outlive the plan, and a bar has no more than its length.
  const share = plannedSeconds === 0 ? 1 : Math.min(1, elapsedSeconds / plannedSeconds);
  const times = ` ${elapsed} of ${formatDuration(plannedSeconds)}, ${Math.floor(share * 100)}%`;
  const length = Math.max(0, Math.min(LONGEST_BAR, columns - LABEL_COLUMNS - times.length));
  const done = Math.floor(share * length);
  return [
    head,
    span("█".repeat(done), STATE_TONES[state]),
    span("░".repeat(length - done), "quiet"),
    span(times),
  ];
}

function users({ users }: Snapshot): Span[] {
  const reached = users.current === users.target;
  return [
    label("users"),
    span(formatCount(users.current), "strong"),
    span(reached ? "" : ` of ${formatCount(users.target)}`),
  ];
}

function rate(timeline: readonly TimelineSecond[], columns: number): Span[] {
  const { rate } = recentSeconds(timeline, 1);
  if (rate === null) return [label("rate"), span("-")];
  const text = `${formatRate(rate)}/s`.padEnd(RATE_COLUMNS);
  const room = Math.max(0, Math.min(LONGEST_BAR, columns - LABEL_COLUMNS - RATE_COLUMNS));
  return [
    label("rate"),
    span(text, "strong"),
    span(sparkline(recentRequests(timeline, room)), "busy"),
  ];
}

function requests({ statistics: { totals, userErrors } }: Snapshot): Span[] {
  const thrown = userErrors.reduce((sum, { count }) => sum + count, 0);
  const failed = totals.failures > 0;
  return [
    label("requests"),
    span(formatCount(totals.requests), "strong"),
    span("   failures ", "quiet"),
    span(formatCount(totals.failures), failed ? "bad" : "plain"),
    span(failed ? ` (${formatShare(totals.errorRate)})` : "", "bad"),
    ...(thrown > 0 ? [span("   user errors ", "quiet"), span(formatCount(thrown), "bad")] : []),
  ];
}

function latencies(title: string, latency: LatencySummary | RecentSeconds): Span[] {
  const shown: [string, number | null][] = [
    ["p50", latency.p50],
    ["p95", latency.p95],
    ["p99", latency.p99],
    ...("max" in latency ? [["max", latency.max] satisfies [string, unknown]] : []),
  ];
  const values = shown.flatMap(([name, ms]) => [
    span(`${name} `, "quiet"),
    span(formatLatency(ms).padEnd(8)),
  ]);
  return [label(title), ...values, span("ms", "quiet")];
}

function generators({ mode, workers }: Snapshot): Span[] {
  if (workers.length === 0) return [label("workers"), span("none yet", "warning")];
  const present = workers.filter(isPresent);
  const count = span(`${attendance(workers)}   `, "strong");
  // How those were that are gone says nothing of now.
  if (present.length === 0) return [label("workers"), count];
  const cpu = Math.max(...present.map((worker) => worker.cpu));
  const lag = Math.max(...present.map((worker) => worker.lagMs));
  return [
    ...(mode === "local" ? [label("process")] : [label("workers"), count]),
    ...(present.length > 1 ? [span("busiest ", "quiet")] : []),
    span("cpu ", "quiet"),
    cpuGauge(cpu),
    span("   loop lag ", "quiet"),
    lagGauge(lag),
    span(" ms"),
  ];
}

/** The names with the most requests, in at most so many lines. */
function topNames(rows: readonly RequestRow[], room: number, size: TableSize): string[] {
  if (rows.length === 0) return [];
  const most = room - TABLE_HEAD_LINES;
  const shown = Math.min(TOP_NAMES, rows.length > most ? most - 1 : most);
  const top = rows.toSorted((a, b) => b.requests - a.requests).slice(0, shown);
  const table = textTable(
    [
      { title: "Name", align: "left", elastic: true },
      { title: "Reqs", align: "right" },
      { title: "Req/s", align: "right" },
      { title: "p95 ms", align: "right" },
      { title: "Fails", align: "right" },
    ],
    top.map((row) => [
      span(`${row.method} ${row.name}`),
      span(formatCount(row.requests)),
      span(formatRate(row.rate)),
      span(formatLatency(row.latencyMs.p95)),
      span(formatCount(row.failures), row.failures > 0 ? "bad" : "plain"),
    ]),
    size,
  );
  const hidden = rows.length - top.length;
  return [
    "",
    table.header,
    ...table.rows,
    ...(hidden > 0
      ? [renderLine([span(`and ${formatCount(hidden)} more`, "quiet")], size.columns, size.color)]
      : []),
  ];
}
