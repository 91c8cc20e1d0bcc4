/**
 * The lines of the live panel: load, traffic, thresholds, processes and errors of a run.
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";
import { sanitizeTerminal } from "../core/text.ts";
import { LATE_START_MS, MANY_DROPPED } from "../stats/iteration_stats.ts";
import { statusKey } from "../stats/request_stats.ts";
import {
  errorCounts,
  type IterationSummary,
  type LatencyFigure,
  type LatencySummary,
  loadModel,
  type MetricRow,
  type RequestTotals,
  type Snapshot,
  type Statistics,
  statusRows,
  type ThresholdRow,
  type TimelineSecond,
} from "../stats/snapshot.ts";
import { runEndFact } from "../stats/run_end.ts";
import { isPaused, loadSeconds } from "../stats/run_pauses.ts";
import { observedText } from "../stats/thresholds.ts";
import { groupLowerBounds, lowerBoundsOf, serviceTimeLowerBounds } from "../stats/unanswered.ts";
import {
  formatAge,
  formatAmount,
  formatBound,
  formatCount,
  formatLatency,
  formatNumber,
  formatRate,
  formatShare,
} from "./quantity.ts";
import { type RecentSeconds, recentSeconds, recentSeries } from "./recent.ts";
import { append, columnsOf, shorten, type Span, span, type Tone } from "./terminal.ts";
import { formatAskedRate, loadText, thresholdMark } from "./verdict.ts";
import {
  awaited,
  cpuGauge,
  isPresent,
  lagGauge,
  STATE_TONES,
  workerCounts,
} from "./worker_counts.ts";

/**
 * The first line: the state of the run, a progress bar, and the remaining time, or the elapsed time if
 * the run has no planned end. A master that waits for workers says so instead.
 */
export function progressBar(snapshot: Snapshot, columns: number): Span[] {
  const { state, plannedSeconds } = snapshot;
  const elapsedSeconds = loadSeconds(snapshot);
  const head = isPaused(snapshot) ? label("paused", "warning") : label(state, STATE_TONES[state]);
  const waiting = awaited(snapshot);
  if (waiting !== null) return [head, span(waiting, "strong")];
  const elapsed = formatDuration(elapsedSeconds);
  if (plannedSeconds === null) return [head, span(elapsed)];
  // Users may still be stopping after the planned end, but the bar ends at 100 %.
  const share = plannedSeconds === 0 ? 1 : Math.min(1, elapsedSeconds / plannedSeconds);
  const planned = formatDuration(plannedSeconds);
  // Reserves the widest text of the whole run, so that the length of the bar does not change.
  const longest = PERCENT_COLUMNS + 2 * longestDuration(plannedSeconds) +
    `  of ${planned},  left`.length;
  const length = Math.max(0, Math.min(MAX_BAR_COLUMNS, columns - head.text.length - longest));
  const done = Math.floor(share * length);
  const left = state === "stopping" || state === "stopped" || share === 1
    ? ""
    : `, ${formatDuration(Math.ceil(plannedSeconds - elapsedSeconds))} left`;
  return [
    head,
    span("█".repeat(done), STATE_TONES[state]),
    span("░".repeat(length - done), "quiet"),
    span(`${Math.floor(share * 100)}%  `.padStart(length > 0 ? PERCENT_COLUMNS : 0), "strong"),
    span(`${elapsed} of ${planned}${left}`),
  ];
}

/** A line about how code of the test has ended the run, if it has. */
export function runEndLines({ runEnd }: Snapshot): Span[][] {
  if (runEnd === null) return [];
  const tone = runEnd.kind === "fail" ? "bad" : "warning";
  return [[label("end", tone), span(sanitizeTerminal(runEndFact(runEnd)), tone)]];
}

/** A longer bar would not be more informative. */
const MAX_BAR_COLUMNS = 60;

/** A space, the number, the percent sign, and two spaces. */
const PERCENT_COLUMNS = 7;

/** The length of the longest text of all durations up to this one. */
function longestDuration(seconds: number): number {
  const hours = Math.floor(seconds / 3600);
  if (hours > 0) return `${hours}h59m59s`.length;
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes}m59s`.length : `${Math.floor(seconds)}s`.length;
}

/**
 * The lines about the load: users, iterations, and the current step of a search for the breaking
 * point.
 *
 * @param startRate iterations that started per second recently; `null` if that is not known yet.
 */
export function loadLines(
  snapshot: Snapshot,
  startRate: number | null,
  columns: number,
): Span[][] {
  const { arrivalRate, breakingPoint, statistics: { iterations } } = snapshot;
  return [
    loadModel(snapshot) === "open" ? busyLine(snapshot) : userLine(snapshot),
    ...(iterations === null && arrivalRate === null
      ? []
      : [iterationLine(snapshot, startRate, columns >= SHARE_COLUMNS)]),
    ...(breakingPoint === null ? [] : [stepLine(snapshot)]),
  ];
}

/** In the open model, the lines about service times and start delays of iterations. */
export function iterationTimeLines(
  { arrivalRate, statistics: { iterations } }: Snapshot,
): Span[][] {
  if (arrivalRate === null || iterations === null) return [];
  return [
    percentileLine("service", iterations.serviceTimeMs, {
      lowerBounds: serviceTimeLowerBounds(iterations),
    }),
    percentileLine("start delay", iterations.startDelayMs, {
      tone: (ms) => ms > LATE_START_MS ? "warning" : "plain",
    }),
  ];
}

/** On narrower terminals, the share of dropped iterations is left out; their color remains. */
const SHARE_COLUMNS = 72;

function userLine(snapshot: Snapshot): Span[] {
  const { users } = snapshot;
  const reached = users.current === users.target;
  // With arrivals, more users than there are may be needed.
  const of = loadModel(snapshot) === "mixed" ? " of at most " : " of ";
  return [
    label("users"),
    span(formatCount(users.current), "strong"),
    span(reached ? "" : `${of}${formatCount(users.target)}`),
  ];
}

function busyLine({ users, statistics: { iterations } }: Snapshot): Span[] {
  // Iterations of a lost worker started, but never end.
  const busy = Math.min(users.current, iterations === null ? 0 : running(iterations));
  const tone = busy > 0 && busy >= users.target ? "warning" : "strong";
  return [
    label("users"),
    span(formatCount(busy), tone),
    span(` of ${formatCount(users.target)} busy`),
  ];
}

function running({ started, completed, interrupted }: IterationSummary): number {
  return Math.max(0, started - completed - interrupted);
}

function iterationLine(
  { arrivalRate, statistics }: Snapshot,
  startRate: number | null,
  withShare: boolean,
): Span[] {
  const { scheduled = 0, started = 0, completed = 0, dropped = 0 } = statistics.iterations ?? {};
  if (arrivalRate === null) {
    return [label("iterations"), span(formatCount(completed), "strong"), span(" completed")];
  }
  const queued = Math.max(0, scheduled - started - dropped);
  const lost = scheduled === 0 ? 0 : dropped / scheduled;
  const share = dropped === 0 || !withShare ? "" : ` (${formatShare(lost)})`;
  return [
    label("iterations"),
    span(formatRate(startRate), "strong"),
    span(` of ${formatAskedRate(arrivalRate)}/s`),
    span("   queued ", "quiet"),
    span(formatCount(queued), queued > 0 ? "warning" : "plain"),
    span("   dropped ", "quiet"),
    span(
      `${formatCount(dropped)}${share}`,
      dropped === 0 ? "plain" : lost > MANY_DROPPED ? "bad" : "warning",
    ),
  ];
}

function stepLine({ users, arrivalRate, sharedLoad, breakingPoint }: Snapshot): Span[] {
  const { passed, broke, threshold } = breakingPoint!;
  const best = passed === null ? [] : [span("   passed ", "quiet"), span(loadText(passed), "good")];
  if (broke === null) {
    // With several loads, it is only known what all of them are together.
    const isOnly = sharedLoad?.users === users.target;
    const now = isOnly ? loadText({ users: users.target, arrivalRate }) : "rising";
    return [label("step"), span(now, "strong"), ...best];
  }
  const reason = threshold === null ? "" : `, ${threshold}`;
  return [label("step"), span(`broke at ${loadText(broke)}${reason}`, "bad"), ...best];
}

/**
 * The lines about requests: rate and 95th percentile by second on the same time axis, counts, and the
 * percentiles of the whole run and of its last five seconds. Seconds with failures are red.
 */
export function trafficLines(snapshot: Snapshot, columns: number): Span[][] {
  const { statistics, pauses } = snapshot;
  const { timeline, totals } = statistics;
  return [
    rateLine(timeline, columns),
    p95Line(timeline, columns),
    requestLine(statistics),
    inProgressLine(totals),
    percentileLine("whole run", totals.latencyMs, { lowerBounds: lowerBoundsOf(totals) }),
    percentileLine(`last ${RECENT_SECONDS} s`, recentSeconds(timeline, RECENT_SECONDS, pauses)),
    ...connectionLines(totals),
  ];
}

/** The latencies of failed requests, if there are any: the other lines have those of successes. */
export function failureTimeLines({ totals }: Statistics): Span[][] {
  return totals.failures === 0 ? [] : [percentileLine("failures", totals.failureLatencyMs)];
}

/** A line about the statuses of responses, the most frequent first, if there are several. */
export function statusLines({ requests }: Statistics, columns: number): Span[][] {
  const all = statusRows(requests).toSorted((a, b) => b.requests - a.requests);
  if (all.length < 2) return [];
  const items = all.map(({ code, requests, failed }) => [
    span(code === 0 ? "none " : `${statusKey(code)} `, "quiet"),
    span(formatCount(requests), failed > 0 ? "bad" : "plain"),
  ]);
  const [line = []] = flow(items, columns - LABEL_COLUMNS);
  return [[label("statuses"), ...line]];
}

/** A line about the connections that were opened, if any were. */
function connectionLines({ phases: { opened, reused, figures } }: RequestTotals): Span[][] {
  if (opened === 0) return [];
  const { connect, tls } = figures;
  const times = tls.p95 === null
    ? formatLatency(connect.p95)
    : `${formatLatency(connect.p95)}, TLS ${formatLatency(tls.p95)}`;
  return [[
    label("connections"),
    span(formatCount(opened), "strong"),
    span("   reused ", "quiet"),
    span(formatCount(reused)),
    span("   connect p95 ", "quiet"),
    span(times),
    span(" ms", "quiet"),
  ]];
}

/** How to show percentiles. */
interface PercentileStyle {
  readonly tone?: (ms: number) => Tone;
  /** The figures to mark as lower bounds. */
  readonly lowerBounds?: readonly LatencyFigure[];
}

/** A line of percentiles in milliseconds, with the maximum if it is known. */
export function percentileLine(
  title: string,
  latency: LatencySummary | RecentSeconds,
  { tone = () => "plain", lowerBounds = [] }: PercentileStyle = {},
): Span[] {
  const shown: { readonly name: LatencyFigure; readonly ms: number | null }[] = [
    { name: "p50", ms: latency.p50 },
    { name: "p95", ms: latency.p95 },
    { name: "p99", ms: latency.p99 },
    ...("max" in latency ? [{ name: "max" as const, ms: latency.max }] : []),
  ];
  const values = shown.flatMap(({ name, ms }) => [
    span(`${name} `, "quiet"),
    span(
      `${formatBound(formatLatency(ms), lowerBounds.includes(name))} `.padEnd(VALUE_COLUMNS),
      ms === null ? "plain" : tone(ms),
    ),
  ]);
  return [label(title), ...values, span("ms", "quiet")];
}

const RECENT_SECONDS = 5;

/** The longest latency has six characters. */
const VALUE_COLUMNS = 7;

/** Fixed, so that sparklines do not move when the figures before them change. */
const FIGURE_COLUMNS = 10;

/** Two minutes. A longer one would not be more informative. */
const MAX_SPARKLINE_COLUMNS = 120;

/** The rate of the last second, and those of the seconds before. */
function rateLine(timeline: readonly TimelineSecond[], columns: number): Span[] {
  const { rate } = recentSeconds(timeline, 1);
  if (rate === null) return [label("rate now"), span("-")];
  const room = sparklineRoom(columns);
  const failed = recentSeries(timeline, room, ({ failures }) => failures);
  const rates = recentSeries(timeline, room, ({ requests }) => requests);
  return [
    label("rate now"),
    span(`${formatRate(rate)}/s`.padEnd(FIGURE_COLUMNS), "strong"),
    ...inTones(sparkline(rates), (index) => failed[index]! > 0 ? "bad" : "busy"),
    ...scale(rates, columns, (highest) => `0–${formatRate(highest)}/s, ${rates.length} s`),
  ];
}

/** The 95th percentile of the last second, and those of the seconds before. */
function p95Line(timeline: readonly TimelineSecond[], columns: number): Span[] {
  const { rate, p95 } = recentSeconds(timeline, 1);
  if (rate === null) return [label("p95 now"), span("-")];
  const text = p95 === null ? "-" : `${formatLatency(p95)} ms`;
  const series = recentSeries(timeline, sparklineRoom(columns), (second) => second.p95 ?? 0);
  return [
    label("p95 now"),
    span(text.padEnd(FIGURE_COLUMNS), "strong"),
    span(sparkline(series), "busy"),
    ...scale(series, columns, (highest) => `0–${formatLatency(highest)} ms`),
  ];
}

function sparklineRoom(columns: number): number {
  const room = columns - LABEL_COLUMNS - FIGURE_COLUMNS;
  const withScale = room - SCALE_COLUMNS;
  return Math.max(0, Math.min(MAX_SPARKLINE_COLUMNS, isScaled(columns) ? withScale : room));
}

/** The values from the bottom to the top of a sparkline; nothing if there is no room. */
function scale(
  values: readonly number[],
  columns: number,
  text: (highest: number) => string,
): Span[] {
  return isScaled(columns) ? [span(` ${text(Math.max(...values))}`, "quiet")] : [];
}

/** A space, and a text such as `0–39,200/s, 120 s`. */
const SCALE_COLUMNS = 18;

function isScaled(columns: number): boolean {
  return columns >= 50;
}

/** The characters of a line, with adjacent ones of the same tone in one span. */
function inTones(text: string, toneOf: (index: number) => Tone): Span[] {
  const spans: Span[] = [];
  for (const [index, character] of Array.from(text).entries()) {
    append(spans, character, toneOf(index));
  }
  return spans;
}

/** The line about requests without an answer: those in progress, and those that were cut off. */
function inProgressLine({ inProgress, unfinished, latencyMs }: RequestTotals): Span[] {
  const isStuck = inProgress.oldestMs !== null && inProgress.oldestMs > STUCK_MS &&
    inProgress.oldestMs >= (latencyMs.max ?? 0);
  return [
    label("in progress"),
    span(formatCount(inProgress.count), "strong"),
    ...(inProgress.oldestMs === null ? [] : [
      span("   oldest ", "quiet"),
      span(formatAge(inProgress.oldestMs), isStuck ? "warning" : "plain"),
    ]),
    ...(unfinished.oldestMs === null ? [] : [
      span("   unfinished ", "quiet"),
      span(formatCount(unfinished.count), "bad"),
      span(` after ${formatAge(unfinished.oldestMs)}`, "bad"),
    ]),
  ];
}

/** A request that is older, and older than all others were, may never get an answer. */
const STUCK_MS = 1000;

function requestLine({ totals, userErrors }: Snapshot["statistics"]): Span[] {
  const { thrown, unsent } = errorCounts(userErrors);
  const failed = totals.failures > 0;
  return [
    label("requests"),
    span(formatCount(totals.requests), "strong"),
    span("   failures ", "quiet"),
    span(formatCount(totals.failures), failed ? "bad" : "plain"),
    span(failed ? ` (${formatShare(totals.errorRate)})` : "", "bad"),
    ...(thrown > 0 ? [span("   user errors ", "quiet"), span(formatCount(thrown), "bad")] : []),
    ...(unsent > 0 ? [span("   not sent ", "quiet"), span(formatCount(unsent), "bad")] : []),
  ];
}

/**
 * The thresholds with their observed values, several per line, in at most `most` lines. If there are
 * too many, crossed ones are shown first.
 */
export function thresholdLines(
  rows: readonly ThresholdRow[],
  columns: number,
  most: number,
): Span[][] {
  const crossedFirst = rows.toSorted((a, b) => Number(a.passed ?? true) - Number(b.passed ?? true));
  return fitting("thresholds", [rows.map(itemOf), crossedFirst.map(itemOf)], columns, most);
}

/**
 * Items below a label, several per line, in at most `most` lines. The end of the last line says how many are
 * not shown.
 *
 * @param items all of them in their usual order, and with the most important ones first for when there is too
 *   little room.
 */
function fitting(
  title: string,
  [usual, important]: readonly [usual: readonly Span[][], important: readonly Span[][]],
  columns: number,
  most: number,
): Span[][] {
  if (usual.length === 0 || most < 1) return [];
  const room = columns - LABEL_COLUMNS;
  const first = Math.min(usual.length, most * Math.ceil(columns / MIN_ITEM_COLUMNS));
  if (first === usual.length) {
    const all = flow(usual, room);
    if (all.length <= most) return labelled(title, all);
  }
  for (let shown = Math.min(first, usual.length - 1); shown > 0; shown--) {
    const rest = span(`and ${formatCount(usual.length - shown)} more`, "quiet");
    const lines = flow([...important.slice(0, shown), [rest]], room);
    if (lines.length <= most) return labelled(title, lines);
  }
  return labelled(title, flow(important.slice(0, first), room).slice(0, most));
}

/** No item is shorter, with the gap after it. */
const MIN_ITEM_COLUMNS = 4;

/** Longer expressions contain a name, whose two ends are enough to recognize it. */
const EXPRESSION_COLUMNS = 40;

const OBSERVED_COLUMNS = 9;
const GAP = "  ";

function itemOf(row: ThresholdRow): Span[] {
  const expression = shorten(sanitizeTerminal(row.expression), EXPRESSION_COLUMNS);
  const mark = thresholdMark(row);
  // Padded, so that the following text does not move when digits change.
  const observed = (row.observed === null ? "-" : observedText(row)).padEnd(OBSERVED_COLUMNS);
  return [mark, span(` ${expression} `), span(observed, row.passed === false ? "bad" : "strong")];
}

function flow(items: readonly (readonly Span[])[], room: number): Span[][] {
  const lines: Span[][] = [];
  let left = 0;
  for (const spans of items) {
    const width = spans.reduce((sum, { text }) => sum + columnsOf(text), 0);
    const line = lines.at(-1);
    if (line !== undefined && GAP.length + width <= left) {
      line.push(span(GAP), ...spans);
      left -= GAP.length + width;
    } else {
      lines.push([...spans]);
      left = room - width;
    }
  }
  return lines;
}

function labelled(title: string, lines: readonly Span[][]): Span[][] {
  return lines.map((line, index) => {
    const last = line.at(-1)!;
    const end = span(last.text.trimEnd(), last.tone);
    return [label(index === 0 ? title : ""), ...line.slice(0, -1), end];
  });
}

/**
 * What the test file says and measures itself, in at most `most` lines: checks, groups, metrics, and classes if
 * there are several. Each kind has one line, as long as there are some left, and two if all have.
 */
export function testLines(statistics: Statistics, columns: number, most: number): Span[][] {
  const { checks, groups, metrics, classes } = statistics;
  const kinds = [
    ...(checks.length > 0 ? [checkLines] : []),
    ...(groups.length > 0 ? [groupLines] : []),
    ...(metrics.length > 0 ? [metricLines] : []),
    ...(classes.length > 1 ? [classLines] : []),
  ];
  const each = most >= 2 * kinds.length ? 2 : 1;
  return kinds.slice(0, Math.max(0, most)).flatMap((linesOf) => linesOf(statistics, columns, each));
}

/** Longer names of checks and the like are shortened. */
const ITEM_NAME_COLUMNS = 28;

function itemName(name: string): string {
  return shorten(sanitizeTerminal(name), ITEM_NAME_COLUMNS);
}

function checkLines({ checks }: Statistics, columns: number, most: number): Span[][] {
  const items = checks.map(({ name, failed, rate }) => [
    failed > 0 ? span("✗", "warning") : span("✓", "good"),
    span(` ${itemName(name)} `),
    span(formatShare(rate), failed > 0 ? "warning" : "strong"),
  ]);
  const order = checks.map(({ rate }, at) => ({ rate, at })).sort((a, b) => a.rate - b.rate);
  return fitting("checks", [items, order.map(({ at }) => items[at]!)], columns, most);
}

function groupLines({ groups }: Statistics, columns: number, most: number): Span[][] {
  const items = groups.map((row) => [
    span(`${itemName(row.name)} `),
    span(
      formatBound(formatLatency(row.durationMs.p95), groupLowerBounds(row).includes("p95")),
      "strong",
    ),
    span(" ms", "quiet"),
    ...(row.failures > 0 ? [span(` ${formatCount(row.failures)} failed`, "bad")] : []),
  ]);
  const busiest = groups.map(({ count }, at) => ({ count, at })).sort((a, b) => b.count - a.count);
  return fitting("groups p95", [items, busiest.map(({ at }) => items[at]!)], columns, most);
}

function metricLines({ metrics }: Statistics, columns: number, most: number): Span[][] {
  const items = metrics.map((row) => [span(`${itemName(row.name)} `), ...metricValue(row)]);
  return fitting("metrics", [items, items], columns, most);
}

/** Most metrics have one value; a trend is shown by its 95th percentile. */
function metricValue(row: MetricRow): Span[] {
  if (row.type === "rate") return [span(formatShare(row.rate), "strong")];
  if (row.type !== "trend") return [span(formatNumber(row.value), "strong")];
  const unit = row.unit === "" ? "" : ` ${itemName(row.unit)}`;
  return [
    span("p95 ", "quiet"),
    span(formatNumber(row.figures.p95), "strong"),
    span(unit, "quiet"),
  ];
}

function classLines({ classes }: Statistics, columns: number, most: number): Span[][] {
  const items = classes.map(({ name, users, totals }) => [
    span(`${itemName(name)} `),
    span(formatAmount(users, "user"), "strong"),
    span(` ${formatRate(totals.rate)}/s`, "quiet"),
    ...(totals.failures > 0 ? [span(` ${formatCount(totals.failures)} failed`, "bad")] : []),
  ]);
  return fitting("classes", [items, items], columns, most);
}

/** The line about load-generating processes: the CPU usage and lag of the worst of them. */
export function generatorLine({ mode, workers }: Snapshot): Span[] {
  if (workers.length === 0) return [label("workers"), span("none yet", "warning")];
  const present = workers.filter(isPresent);
  const count = span(workerCounts(workers), "strong");
  // The last values of workers that are gone are out of date.
  if (present.length === 0) return [label("workers"), count];
  const cpu = Math.max(...present.map((worker) => worker.cpu));
  const lag = Math.max(...present.map((worker) => worker.lagMs));
  return [
    ...(mode === "local" ? [label("process")] : [label("workers"), count, span("   ")]),
    span(present.length > 1 ? "busiest cpu " : "cpu ", "quiet"),
    cpuGauge(cpu),
    span("   loop lag ", "quiet"),
    lagGauge(lag),
    span(" ms"),
  ];
}

/** The most frequent errors of requests and of the code of users, in at most `most` lines. */
export function errorLines({ failures, userErrors }: Statistics, most: number): Span[][] {
  const all = [
    ...failures.map(({ method, name, error, count }) => ({
      who: `${method} ${name}`,
      error,
      count,
    })),
    ...userErrors.map(({ user, error, place, count }) => ({
      who: place === null ? user : `${user}  ${place}`,
      error,
      count,
    })),
  ];
  const top = all.toSorted((a, b) => b.count - a.count).slice(0, Math.max(0, most));
  const counts = top.map(({ count }) => formatCount(count));
  const width = Math.max(...counts.map(({ length }) => length));
  return top.map(({ who, error }, index) => [
    label(index === 0 ? "errors" : ""),
    span(`${counts[index]!.padStart(width)} × ${error}`, "bad"),
    span(`  ${who}`, "quiet"),
  ]);
}

/** The characters of a sparkline, from 0 to the highest value. */
const LEVELS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/**
 * A line of bars, one character per value.
 *
 * @param values not negative.
 */
export function sparkline(values: readonly number[]): string {
  const largest = values.reduce((max, value) => Math.max(max, value), 0);
  // The lowest bar is reserved for 0, so that a low value differs from 0.
  return values
    .map((value) => value === 0 ? LEVELS[0] : LEVELS[Math.ceil(value / largest * 7)]!)
    .join("");
}

/** The width of labels, which aligns the text after them. */
const LABEL_COLUMNS = 12;

/** The label at the start of a line. */
function label(text: string, tone: Tone = "quiet"): Span {
  return span(text.padEnd(LABEL_COLUMNS), tone);
}
