/**
 * A run at one moment, as a picture for a terminal.
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";
import { BUSY_CPU, LATE_LOOP_MS } from "../stats/generator_limits.ts";
import type {
  LatencySummary,
  RequestRow,
  RunState,
  Snapshot,
  TimelineSecond,
} from "../stats/snapshot.ts";
import { formatCount, formatLatency, formatRate, formatShare } from "./quantity.ts";
import { recentRequests, type RecentSeconds, recentSeconds } from "./recent_seconds.ts";
import { sparkline } from "./sparkline.ts";
import { renderLine, type Span, span, type Tone } from "./styled_line.ts";
import { textTable } from "./text_table.ts";

/**
 * Draws a run: at most 22 lines, none wider than `columns`. It is made for 60 columns and more; where
 * there are fewer, the ends of lines are missing.
 */
export function render(snapshot: Snapshot, columns: number, color: boolean): string[] {
  const { statistics } = snapshot;
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
  return [
    ...lines.map((line) => renderLine(line, columns, color)),
    ...topNames(statistics.requests, columns, color),
    ...snapshot.warnings.slice(-LATEST_WARNINGS).map((warning) =>
      renderLine([span("! ", "warning"), span(warning)], columns, color)
    ),
  ];
}

const RECENT_SECONDS = 5;
const TOP_NAMES = 8;
const LATEST_WARNINGS = 2;
const LABEL_COLUMNS = 10;

/** So that the sparkline does not move as the rate goes up and down. */
const RATE_COLUMNS = 10;

/** Wider bars and sparklines would say no more. */
const LONGEST_BAR = 60;

const STATE_TONES: Readonly<Record<RunState, Tone>> = {
  ready: "quiet",
  spawning: "busy",
  running: "good",
  stopping: "warning",
  stopped: "quiet",
};

function label(text: string): Span {
  return span(text.padEnd(LABEL_COLUMNS), "quiet");
}

function progress(snapshot: Snapshot, columns: number): Span[] {
  const { state, elapsedSeconds, plannedSeconds } = snapshot;
  const head = span(state.padEnd(LABEL_COLUMNS), STATE_TONES[state]);
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

function generators({ workers }: Snapshot): Span[] {
  if (workers.length === 0) return [label("workers"), span("none yet", "warning")];
  const cpu = Math.max(...workers.map((worker) => worker.cpu));
  const lag = Math.max(...workers.map((worker) => worker.lagMs));
  const many = workers.length > 1;
  return [
    label(many ? "workers" : "process"),
    ...(many ? [span(`${workers.length}   `, "strong"), span("busiest ", "quiet")] : []),
    span("cpu ", "quiet"),
    span(`${Math.round(cpu * 100)}%`, cpu >= BUSY_CPU ? "warning" : "plain"),
    span("   loop lag ", "quiet"),
    span(`${formatLatency(lag)} ms`, lag >= LATE_LOOP_MS ? "warning" : "plain"),
  ];
}

function topNames(rows: readonly RequestRow[], columns: number, color: boolean): string[] {
  if (rows.length === 0) return [];
  const top = rows.toSorted((a, b) => b.requests - a.requests).slice(0, TOP_NAMES);
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
    { columns, color },
  );
  const hidden = rows.length - top.length;
  return [
    "",
    table.header,
    ...table.rows,
    ...(hidden > 0
      ? [renderLine([span(`and ${formatCount(hidden)} more`, "quiet")], columns, color)]
      : []),
  ];
}
