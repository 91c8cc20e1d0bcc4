/**
 * The requests of a run in the live panel: how many, how fast, how slow, how many went wrong.
 *
 * @module
 */

import type { LatencySummary, Snapshot, TimelineSecond } from "../stats/snapshot.ts";
import { label, LABEL_COLUMNS } from "./panel_label.ts";
import { formatCount, formatLatency, formatRate, formatShare } from "./quantity.ts";
import { type RecentSeconds, recentSeconds, recentSeries } from "./recent_seconds.ts";
import { sparkline } from "./sparkline.ts";
import { type Span, span, type Tone } from "./styled_line.ts";

/**
 * Rate and 95th percentile second by second on one time axis, the counts, and the percentiles of the
 * whole run and of its last five seconds. Seconds with failures are red.
 */
export function trafficLines({ statistics }: Snapshot, columns: number): Span[][] {
  const { timeline, totals } = statistics;
  return [
    rateLine(timeline, columns),
    slownessLine(timeline, columns),
    requestLine(statistics),
    percentileLine("latency", totals.latencyMs),
    percentileLine(`last ${RECENT_SECONDS} s`, recentSeconds(timeline, RECENT_SECONDS)),
  ];
}

/** Percentiles in milliseconds in one line, the largest value where it is known. */
export function percentileLine(
  title: string,
  latency: LatencySummary | RecentSeconds,
  tone: (ms: number) => Tone = () => "plain",
): Span[] {
  const shown: [string, number | null][] = [
    ["p50", latency.p50],
    ["p95", latency.p95],
    ["p99", latency.p99],
    ...("max" in latency ? [["max", latency.max] satisfies [string, unknown]] : []),
  ];
  const values = shown.flatMap(([name, ms]) => [
    span(`${name} `, "quiet"),
    span(formatLatency(ms).padEnd(VALUE_COLUMNS), ms === null ? "plain" : tone(ms)),
  ]);
  return [label(title), ...values, span("ms", "quiet")];
}

const RECENT_SECONDS = 5;

/** The longest latency has six characters. */
const VALUE_COLUMNS = 7;

/** So that a sparkline does not move as the figure before it grows and shrinks. */
const FIGURE_COLUMNS = 10;

/** A longer one would say no more: two minutes. */
const LONGEST_SPARKLINE = 120;

function rateLine(timeline: readonly TimelineSecond[], columns: number): Span[] {
  const { rate } = recentSeconds(timeline, 1);
  if (rate === null) return [label("rate"), span("-")];
  const room = sparklineRoom(columns);
  const failed = recentSeries(timeline, room, ({ failures }) => failures);
  return [
    label("rate"),
    span(`${formatRate(rate)}/s`.padEnd(FIGURE_COLUMNS), "strong"),
    ...inTones(
      sparkline(recentSeries(timeline, room, ({ requests }) => requests)),
      (index) => failed[index]! > 0 ? "bad" : "busy",
    ),
  ];
}

function slownessLine(timeline: readonly TimelineSecond[], columns: number): Span[] {
  const { rate, p95 } = recentSeconds(timeline, 1);
  if (rate === null) return [label("p95"), span("-")];
  const text = p95 === null ? "-" : `${formatLatency(p95)} ms`;
  const series = recentSeries(timeline, sparklineRoom(columns), (second) => second.p95 ?? 0);
  return [
    label("p95"),
    span(text.padEnd(FIGURE_COLUMNS), "strong"),
    span(sparkline(series), "busy"),
  ];
}

function sparklineRoom(columns: number): number {
  return Math.max(0, Math.min(LONGEST_SPARKLINE, columns - LABEL_COLUMNS - FIGURE_COLUMNS));
}

/** A line of characters, those beside each other that have the same tone together. */
function inTones(text: string, toneOf: (index: number) => Tone): Span[] {
  const spans: Span[] = [];
  for (const [index, character] of Array.from(text).entries()) {
    const tone = toneOf(index);
    const last = spans.at(-1);
    if (last?.tone === tone) spans[spans.length - 1] = span(last.text + character, tone);
    else spans.push(span(character, tone));
  }
  return spans;
}

function requestLine({ totals, userErrors }: Snapshot["statistics"]): Span[] {
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
