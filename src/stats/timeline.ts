import { Latencies } from "./request_stats.ts";
import type { TimelineSecond } from "./snapshot.ts";
import type { LatencyCounts, SecondCounts, StatsDelta } from "./stats_delta.ts";

/**
 * How many of the latest seconds keep their latencies. Percentiles cannot be merged, only the
 * histograms that they come from, and those of a long run would fill the memory: so a second keeps
 * its histogram for as long as intervals of it may still come. A node that has lost its master looks
 * for it for a minute by default and brings all that it counted meanwhile; this is twice that.
 */
const LIVE_SECONDS = 120;

/**
 * The run second by second, all nodes together.
 *
 * Counts and users are exact however late an interval comes. The percentiles of a second are of all
 * that came until {@link LIVE_SECONDS} later seconds had begun.
 */
export class Timeline {
  readonly #seconds = new Map<number, Second>();
  #live: Second[] = [];
  #newest = -1;
  #peakUsers = 0;
  #lateSeconds = 0;

  /**
   * The most users at once. Of several nodes, each one's own peak within a second is taken to be at
   * the same moment, so users that move from one to another can be counted twice in that second.
   */
  get peakUsers(): number {
    return this.#peakUsers;
  }

  /** How many seconds of a node came too late for the percentiles. */
  get lateSeconds(): number {
    return this.#lateSeconds;
  }

  /**
   * Adds what one node counted. Where seconds were put together, nobody knows which latency belongs to
   * which of them: each gets the percentiles of all.
   */
  add({ from, to, seconds, entries }: StatsDelta): void {
    // Nobody needs the histogram of a second that is settled as soon as it is known.
    const oldest = Math.max(this.#newest, to) - LIVE_SECONDS;
    for (const one of seconds) {
      const second = this.#seconds.get(one.second) ?? this.#begin(one.second, one.second > oldest);
      second.count(one);
      this.#peakUsers = Math.max(this.#peakUsers, second.peakUsers);
    }
    this.#time(from, to, entries);
    if (to > this.#newest) this.#settle(to);
  }

  /** All seconds that a node has told of, oldest first. */
  rows(): TimelineSecond[] {
    return [...this.#seconds.values()]
      .sort((a, b) => a.second - b.second)
      .map((second) => second.row());
  }

  #begin(number: number, isLive: boolean): Second {
    const second = new Second(number, isLive);
    this.#seconds.set(number, second);
    if (isLive) this.#live.push(second);
    return second;
  }

  #time(from: number, to: number, entries: StatsDelta["entries"]): void {
    let parts = Array.from(entries, ([, , , { latencies }]): LatencyCounts => latencies)
      .filter(({ count }) => count > 0);
    if (parts.length === 0) return;
    // Nearly always it is one second; putting together what only one needs would cost more than all else.
    if (from < to) parts = [together(parts)];
    let percentiles: Percentiles | null = null;
    const percentilesOfAll = (): Percentiles => percentiles ??= percentilesOf(together(parts));
    for (let number = from; number <= to; number++) {
      const isInTime = this.#seconds.get(number)?.time(parts, percentilesOfAll);
      if (isInTime === false) this.#lateSeconds++;
    }
  }

  #settle(newest: number): void {
    this.#newest = newest;
    const isLive = ({ second }: Second): boolean => second > newest - LIVE_SECONDS;
    for (const second of this.#live) if (!isLive(second)) second.settle();
    this.#live = this.#live.filter(isLive);
  }
}

type Percentiles = Pick<TimelineSecond, "p50" | "p95" | "p99">;

function percentilesOf(latencies: Latencies): Percentiles {
  const [p50 = null, p95 = null, p99 = null] = latencies.percentiles([0.5, 0.95, 0.99]);
  return { p50, p95, p99 };
}

function together(parts: readonly LatencyCounts[]): Latencies {
  const latencies = new Latencies();
  for (const part of parts) latencies.merge(part);
  return latencies;
}

class Second {
  readonly second: number;
  peakUsers = 0;
  #users = 0;
  #requests = 0;
  #failures = 0;
  /** Null once the second is settled. */
  #latencies: Latencies | null;
  /** Null where something was added since it was made. */
  #row: TimelineSecond | null = null;
  /** Null as long as there is no latency. */
  #percentiles: Percentiles | null = null;
  #isLate = false;

  constructor(second: number, isLive: boolean) {
    this.second = second;
    this.#latencies = isLive ? new Latencies() : null;
  }

  count({ users, peakUsers, requests, failures }: SecondCounts): void {
    this.#row = null;
    this.#users += users;
    this.peakUsers += peakUsers;
    this.#requests += requests;
    this.#failures += failures;
  }

  /**
   * Adds latencies of this second. Returns false where they came too late, once.
   *
   * @param percentiles those of these latencies.
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

  settle(): void {
    this.row();
    this.#latencies = null;
  }

  row(): TimelineSecond {
    return this.#row ??= this.#makeRow();
  }

  #makeRow(): TimelineSecond {
    if (this.#latencies !== null && this.#latencies.count > 0) {
      this.#percentiles = percentilesOf(this.#latencies);
    }
    return {
      second: this.second,
      users: this.#users,
      requests: this.#requests,
      failures: this.#failures,
      ...(this.#percentiles ?? { p50: null, p95: null, p99: null }),
    };
  }
}
