/**
 * How the target has behaved of late.
 *
 * @module
 */

import type { Snapshot, TimelineSecond } from "../stats/snapshot.ts";

/** The last seconds of a run taken together; null where nothing is known of them. */
export interface RecentSeconds {
  /** Requests a second. */
  readonly rate: number | null;
  /** Milliseconds that this percentile did not exceed in any of the seconds. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/**
 * The last `count` whole seconds, or as many as there were.
 *
 * Percentiles of seconds do not add up to the percentile of all of them. The highest is used, since
 * it is a bound that holds: where 95 % were at most as slow in each second, they were in all of them.
 */
export function recentSeconds(snapshot: Snapshot, count: number): RecentSeconds {
  // A second that has not ended yet would look like a drop of the rate.
  const end = Math.floor(snapshot.durationSeconds);
  const start = Math.max(0, end - count);
  const seconds = secondsBetween(snapshot.statistics.timeline, start, end);
  const requests = seconds.reduce((sum, second) => sum + second.requests, 0);
  return {
    rate: end > start ? requests / (end - start) : null,
    p50: highest(seconds.map(({ p50 }) => p50)),
    p95: highest(seconds.map(({ p95 }) => p95)),
    p99: highest(seconds.map(({ p99 }) => p99)),
  };
}

/** Requests of each of the last `count` whole seconds, the oldest first. */
export function recentRequests(snapshot: Snapshot, count: number): number[] {
  const end = Math.floor(snapshot.durationSeconds);
  const start = Math.max(0, end - count);
  const requests = new Array<number>(end - start).fill(0);
  for (const second of secondsBetween(snapshot.statistics.timeline, start, end)) {
    requests[second.second - start] = second.requests;
  }
  return requests;
}

function secondsBetween(
  timeline: readonly TimelineSecond[],
  start: number,
  end: number,
): TimelineSecond[] {
  return timeline.filter(({ second }) => second >= start && second < end);
}

function highest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
