/**
 * The run by second: users, requests and percentiles.
 *
 * @module
 */

import { Latencies } from "./latencies.ts";
import type { SecondIterations, TimelineSecond } from "./snapshot.ts";
import {
  isPart,
  type IterationCounts,
  type LatencyCounts,
  type SecondCounts,
  type StatsDelta,
} from "./stats_delta.ts";

/**
 * The number of latest seconds that keep their latencies. Percentiles can only be merged as
 * histograms, and the histograms of all seconds of a long run would fill the memory. So a second
 * keeps its histogram as long as counts of it may still arrive. A worker that has lost its master
 * tries to reconnect for one minute by default, and then delivers what it has counted since; this is
 * twice that time.
 */
const LIVE_SECONDS = 120;

/**
 * The run by second, all nodes together.
 *
 * Counts and users are exact, however late they arrive. The percentiles of a second cover everything
 * that arrived before {@link LIVE_SECONDS} later seconds had started.
 */
export class Timeline {
  readonly #seconds = new Map<number, SecondTotals>();
  #live: SecondTotals[] = [];
  #newest = -1;
  #peakUsers = 0;
  #lateSeconds = 0;

  /**
   * The most users at once. The peaks of all nodes within a second are assumed to be at the same
   * moment, so users that move from one node to another may be counted twice in that second.
   */
  get peakUsers(): number {
    return this.#peakUsers;
  }

  /** The number of seconds that arrived too late for the percentiles. */
  get lateSeconds(): number {
    return this.#lateSeconds;
  }

  /**
   * Adds counts of a node. The percentiles are those of successful requests. In merged seconds, it is
   * unknown which latency belongs to which second, so each second gets the percentiles of all of them, and
   * an equal share of the iterations.
   */
  add({ from, to, seconds, entries, iterations }: StatsDelta): void {
    // A second that is older than that is settled at once and needs no histogram.
    const oldest = Math.max(this.#newest, to) - LIVE_SECONDS;
    for (const counts of seconds) {
      const { second: number } = counts;
      const second = this.#seconds.get(number) ?? this.#begin(number, number > oldest);
      second.count(counts);
      this.#peakUsers = Math.max(this.#peakUsers, second.peakUsers);
    }
    this.#time(from, to, entries);
    if (iterations !== null) this.#iterate(from, to, iterations);
    if (to > this.#newest) this.#settle(to);
  }

  /** All seconds that a node has reported, oldest first. */
  rows(): TimelineSecond[] {
    return [...this.#seconds.values()]
      .sort((a, b) => a.second - b.second)
      .map((second) => second.row());
  }

  #begin(number: number, isLive: boolean): SecondTotals {
    const second = new SecondTotals(number, isLive);
    this.#seconds.set(number, second);
    if (isLive) this.#live.push(second);
    return second;
  }

  #time(from: number, to: number, entries: StatsDelta["entries"]): void {
    let parts: LatencyCounts[] = [];
    for (const [, , , { latencies }, , tags] of entries) {
      if (latencies.count > 0 && !isPart(tags)) parts.push(latencies);
    }
    if (parts.length === 0) return;
    // Almost always there is only one second, for which merging first would cost more than the rest.
    if (from < to) parts = [merged(parts)];
    let percentiles: Percentiles | null = null;
    const percentilesOfAll = (): Percentiles => percentiles ??= percentilesOf(merged(parts));
    for (let number = from; number <= to; number++) {
      const isInTime = this.#seconds.get(number)?.time(parts, percentilesOfAll);
      if (isInTime === false) this.#lateSeconds++;
    }
  }

  #iterate(from: number, to: number, counts: IterationCounts): void {
    const { startDelay } = counts;
    const length = to - from + 1;
    for (let number = from; number <= to; number++) {
      const share = (count: number): number => {
        const until = (seconds: number): number => Math.floor(count * seconds / length);
        return until(number - from + 1) - until(number - from);
      };
      const [scheduled, started, dropped] = [counts.scheduled, counts.started, counts.dropped]
        .map(share) as [number, number, number];
      this.#seconds.get(number)?.iterate({ scheduled, started, dropped }, startDelay);
    }
  }

  #settle(newest: number): void {
    this.#newest = newest;
    const isLive = ({ second }: SecondTotals): boolean => second > newest - LIVE_SECONDS;
    for (const second of this.#live) if (!isLive(second)) second.settle();
    this.#live = this.#live.filter(isLive);
  }
}

type Percentiles = Pick<TimelineSecond, "p50" | "p95" | "p99">;

function percentilesOf(latencies: Latencies): Percentiles {
  const [p50 = null, p95 = null, p99 = null] = latencies.percentiles([0.5, 0.95, 0.99]);
  return { p50, p95, p99 };
}

function merged(parts: readonly LatencyCounts[]): Latencies {
  const latencies = new Latencies();
  for (const part of parts) latencies.merge(part);
  return latencies;
}

/** The sums of all nodes in one second. {@link TimelineSecond} is their result. */
class SecondTotals {
  readonly second: number;
  peakUsers = 0;
  #users = 0;
  #requests = 0;
  #failures = 0;
  #maxLagMs = 0;
  /** `null` once the second is settled. */
  #latencies: Latencies | null;
  /** The last result of {@link row}; `null` if something was added since. */
  #row: TimelineSecond | null = null;
  /** `null` as long as there are no latencies. */
  #percentiles: Percentiles | null = null;
  #isLate = false;
  /** `null` as long as there are none. */
  #iterations: Mutable<SecondIterations> | null = null;
  /** As {@link #latencies}; `null` as long as there are none, too. */
  #startDelays: Latencies | null = null;

  constructor(second: number, isLive: boolean) {
    this.second = second;
    this.#latencies = isLive ? new Latencies() : null;
  }

  count({ users, peakUsers, requests, failures, maxLagMs }: SecondCounts): void {
    this.#row = null;
    this.#users += users;
    this.peakUsers += peakUsers;
    this.#requests += requests;
    this.#failures += failures;
    this.#maxLagMs = Math.max(this.#maxLagMs, maxLagMs);
  }

  /**
   * Adds latencies of this second. Returns `false` the first time that they are too late.
   *
   * @param percentiles the percentiles of these latencies.
   */
  time(parts: readonly LatencyCounts[], percentiles: () => Percentiles): boolean {
    this.#row = null;
    if (this.#latencies !== null) { for (const part of parts) this.#latencies.merge(part); }
    else if (this.#percentiles === null) this.#percentiles = percentiles();
    else if (!this.#isLate) {
      this.#isLate = true;
      return false;
    }
    return true;
  }

  /** Adds iterations, with the start delays of those that started. */
  iterate(counts: Omit<SecondIterations, "startDelayP95">, startDelay: LatencyCounts): void {
    this.#row = null;
    const sums = this.#iterations ??= { scheduled: 0, started: 0, dropped: 0, startDelayP95: null };
    sums.scheduled += counts.scheduled;
    sums.started += counts.started;
    sums.dropped += counts.dropped;
    if (startDelay.count === 0) return;
    if (this.#latencies !== null) (this.#startDelays ??= new Latencies()).merge(startDelay);
    else if (sums.startDelayP95 === null) sums.startDelayP95 = delayOf(merged([startDelay]));
  }

  settle(): void {
    this.row();
    this.#latencies = null;
    this.#startDelays = null;
  }

  row(): TimelineSecond {
    return this.#row ??= this.#makeRow();
  }

  #makeRow(): TimelineSecond {
    if (this.#latencies !== null && this.#latencies.count > 0) {
      this.#percentiles = percentilesOf(this.#latencies);
    }
    const iterations = this.#iterations;
    if (iterations !== null && this.#startDelays !== null) {
      iterations.startDelayP95 = delayOf(this.#startDelays);
    }
    return {
      second: this.second,
      users: this.#users,
      requests: this.#requests,
      failures: this.#failures,
      maxLagMs: this.#maxLagMs,
      ...(this.#percentiles ?? { p50: null, p95: null, p99: null }),
      ...(iterations === null ? {} : { iterations: { ...iterations } }),
    };
  }
}

type Mutable<Type> = { -readonly [Field in keyof Type]: Type[Field] };

function delayOf(startDelays: Latencies): number | null {
  return startDelays.percentiles([0.95])[0] ?? null;
}
