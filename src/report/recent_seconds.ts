/**
 * How the target has behaved of late.
 *
 * @module
 */

import type { TimelineSecond } from "../stats/snapshot.ts";

/** The last seconds of a run taken together; null where there were none, or nothing ended in them. */
export interface RecentSeconds {
  /** Requests a second. */
  readonly rate: number | null;
  /** Milliseconds that this percentile did not exceed in any of the seconds. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/**
 * The last `count` seconds of a timeline, or as many as there are.
 *
 * Percentiles of seconds do not add up to the percentile of all of them. The highest is used, since
 * it is a bound that holds: where 95 % were at most as slow in each second, they were in all of them.
 *
 * ```ts
 * import { recentSeconds } from "./recent_seconds.ts";
 * import assert from "node:assert/strict";
 *
 * const timeline = [
 *   { second: 0, users: 1, requests: 10, failures: 0, p50: 3, p95: 9, p99: 9 },
 *   { second: 1, users: 1, requests: 20, failures: 0, p50: 4, p95: 8, p99: 9 },
 * ];
 * assert.deepEqual(recentSeconds(timeline, 5), { rate: 15, p50: 4, p95: 9, p99: 9 });
 * ```
 */
export function recentSeconds(timeline: readonly TimelineSecond[], count: number): RecentSeconds {
  const seconds = latest(timeline, count);
  const requests = recentSeries(timeline, count, (second) => second.requests);
  const sum = requests.reduce((total, ofOne) => total + ofOne, 0);
  return {
    rate: requests.length === 0 ? null : sum / requests.length,
    p50: highest(seconds.map(({ p50 }) => p50)),
    p95: highest(seconds.map(({ p95 }) => p95)),
    p99: highest(seconds.map(({ p99 }) => p99)),
  };
}

/** Something of each of the last `count` seconds of a timeline, the oldest first. */
export function recentSeries(
  timeline: readonly TimelineSecond[],
  count: number,
  value: (second: TimelineSecond) => number,
): number[] {
  const seconds = latest(timeline, count);
  const [oldest] = seconds;
  const newest = seconds.at(-1);
  if (oldest === undefined || newest === undefined) return [];
  // A second that no node has told of is one without requests.
  const series = new Array<number>(newest.second - oldest.second + 1).fill(0);
  for (const second of seconds) series[second.second - oldest.second] = value(second);
  return series;
}

function latest(timeline: readonly TimelineSecond[], count: number): readonly TimelineSecond[] {
  const newest = timeline.at(-1);
  if (newest === undefined) return [];
  return timeline.slice(-count).filter(({ second }) => second > newest.second - count);
}

function highest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
