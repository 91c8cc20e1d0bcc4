/**
 * The recent figures of a run: those of its last seconds, and the rate at which iterations start.
 *
 * @module
 */

import {
  isPaused,
  loadSeconds,
  type PausedRun,
  type RunPause,
  unpausedSeconds,
} from "../stats/run_pauses.ts";
import type { Snapshot, TimelineSecond } from "../stats/snapshot.ts";

/** The last seconds of a run; figures are `null` if no request ended in them. */
export interface RecentSeconds {
  /** Requests per second. */
  readonly rate: number | null;
  /** The highest value of this percentile in any of the seconds, in milliseconds. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/**
 * The figures of the last `count` seconds of a run, or of all if there are fewer. Seconds of a pause that is over
 * are left out.
 *
 * The percentiles of seconds cannot be merged into one of all of them. The highest is shown, because
 * it is an upper bound: if 95 % of latencies were below it in every second, they were in total.
 */
export function recentSeconds(
  all: readonly TimelineSecond[],
  count: number,
  pauses: readonly RunPause[] = [],
): RecentSeconds {
  // The seconds of an earlier pause say nothing about the target.
  const timeline = isPaused({ pauses }) ? all : unpausedSeconds(all, pauses);
  const seconds = latest(timeline, count);
  const requests = recentSeries(timeline, count, (second) => second.requests);
  const sum = requests.reduce((total, count) => total + count, 0);
  return {
    rate: requests.length === 0 ? null : sum / requests.length,
    p50: highest(seconds.map(({ p50 }) => p50)),
    p95: highest(seconds.map(({ p95 }) => p95)),
    p99: highest(seconds.map(({ p99 }) => p99)),
  };
}

/** A value of each of the last `count` seconds of a timeline, the oldest first. */
export function recentSeries(
  timeline: readonly TimelineSecond[],
  count: number,
  value: (second: TimelineSecond) => number,
): number[] {
  const seconds = latest(timeline, count);
  const [oldest] = seconds;
  const newest = seconds.at(-1);
  if (oldest === undefined || newest === undefined) return [];
  // A second that no node has reported had no requests.
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

/**
 * The rate at which iterations have started recently. A snapshot only has their total number, so this
 * keeps the totals of the last two seconds.
 */
export class RecentIterations {
  #moments: Moment[] = [];

  /** Iterations per second over the last two seconds; `null` before there are two snapshots. */
  get startRate(): number | null {
    const [first] = this.#moments;
    const last = this.#moments.at(-1);
    if (first === undefined || last === undefined || last.seconds <= first.seconds) return null;
    return (last.started - first.started) / (last.seconds - first.seconds);
  }

  /** Adds a snapshot, which must be later than the previous one. */
  add({ statistics: { iterations }, ...run }: IterationMoment): void {
    const now = { seconds: loadSeconds(run), started: iterations?.started ?? 0 };
    const before = this.#moments.at(-1);
    // Both the counts and the time of a run can be reset.
    const isReset = before !== undefined &&
      (now.started < before.started || now.seconds < before.seconds);
    if (isReset) this.#moments = [];
    this.#moments = [
      ...this.#moments.filter(({ seconds }) => seconds >= now.seconds - WINDOW_S),
      now,
    ];
  }
}

/** The part of a snapshot that {@link RecentIterations} reads. */
export interface IterationMoment extends PausedRun {
  readonly statistics: {
    readonly iterations: Pick<NonNullable<Snapshot["statistics"]["iterations"]>, "started"> | null;
  };
}

interface Moment {
  readonly seconds: number;
  readonly started: number;
}

/** A little more than two seconds, because snapshots may be slightly late. */
const WINDOW_S = 2.5;
