import type { Counted, CountedSecond } from "./counted.ts";
import { Latencies } from "./latencies.ts";
import type { TimelineSecond } from "./snapshot.ts";

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
  add({ from, to, seconds, entries }: Counted): void {
    for (const one of seconds) {
      const second = this.#second(one.second);
      second.count(one);
      this.#peakUsers = Math.max(this.#peakUsers, second.peakUsers);
    }
    for (let number = from; number <= to; number++) {
      if (!this.#second(number).time(entries)) this.#lateSeconds++;
    }
    if (to > this.#newest) this.#settle(to);
  }

  /** All seconds that a node has told of, oldest first. */
  rows(): TimelineSecond[] {
    return [...this.#seconds.values()]
      .sort((a, b) => a.second - b.second)
      .map((second) => second.row());
  }

  #second(number: number): Second {
    const known = this.#seconds.get(number);
    if (known !== undefined) return known;
    const second = new Second(number);
    this.#seconds.set(number, second);
    this.#live.push(second);
    return second;
  }

  #settle(newest: number): void {
    this.#newest = newest;
    const isLive = ({ second }: Second): boolean => second > newest - LIVE_SECONDS;
    for (const second of this.#live) if (!isLive(second)) second.settle();
    this.#live = this.#live.filter(isLive);
  }
}

class Second {
  readonly second: number;
  peakUsers = 0;
  #users = 0;
  #requests = 0;
  #failures = 0;
  /** Null once the second is settled. */
  #latencies: Latencies | null = new Latencies();
  /** Null where something was added since it was made. */
  #row: TimelineSecond | null = null;
  #percentiles: Pick<TimelineSecond, "p50" | "p95" | "p99"> = { p50: null, p95: null, p99: null };

  constructor(second: number) {
    this.second = second;
  }

  count({ users, peakUsers, requests, failures }: CountedSecond): void {
    this.#row = null;
    this.#users += users;
    this.peakUsers += peakUsers;
    this.#requests += requests;
    this.#failures += failures;
  }

  /** Returns false where latencies came too late. */
  time(entries: Counted["entries"]): boolean {
    let some = false;
    for (const [, , entry] of entries) {
      some = true;
      this.#latencies?.merge(entry.latencies);
    }
    return this.#latencies !== null || !some;
  }

  settle(): void {
    this.row();
    this.#latencies = null;
  }

  row(): TimelineSecond {
    return this.#row ??= this.#makeRow();
  }

  #makeRow(): TimelineSecond {
    if (this.#latencies !== null) {
      const [p50 = null, p95 = null, p99 = null] = this.#latencies.percentiles([0.5, 0.95, 0.99]);
      this.#percentiles = { p50, p95, p99 };
    }
    return {
      second: this.second,
      users: this.#users,
      requests: this.#requests,
      failures: this.#failures,
      ...this.#percentiles,
    };
  }
}
