/**
 * How long groups of steps took: counts by name, and the rows that reports show. Groups are in no total.
 *
 * @module
 */

import { Latencies } from "./latencies.ts";
import type { GroupRow } from "./snapshot.ts";
import type { GroupCounts, KeyedGroup } from "./stats_delta.ts";
import { summaryWithWaits, unfinishedSummary } from "./unanswered.ts";

/** A group that has ended. All times are milliseconds. */
export interface EndedGroup {
  /** As `GroupRow.name`. */
  readonly name: string;
  readonly durationMs: number;
  /** The part of it in which at least one request was under way. */
  readonly requestsMs: number;
  readonly failed: boolean;
}

/** The groups of one name. */
export class GroupStats implements GroupCounts {
  readonly durations = new Latencies();
  readonly requestTimes = new Latencies();
  readonly failureDurations = new Latencies();
  readonly unfinished = new Latencies();

  /** Counts a group that has ended. */
  add({ durationMs, requestsMs, failed }: EndedGroup): void {
    if (failed) {
      this.failureDurations.add(durationMs);
      return;
    }
    this.durations.add(durationMs);
    this.requestTimes.add(requestsMs);
  }

  /** Adds other groups. */
  merge(other: GroupCounts): void {
    this.durations.merge(other.durations);
    this.requestTimes.merge(other.requestTimes);
    this.failureDurations.merge(other.failureDurations);
    this.unfinished.merge(other.unfinished);
  }

  /** The row of a report. */
  row(name: string): GroupRow {
    const { durations, failureDurations, unfinished } = this;
    const failures = failureDurations.count;
    const count = durations.count + failures;
    return {
      name,
      count,
      failures,
      errorRate: count === 0 ? 0 : failures / count,
      durationMs: summaryWithWaits(durations, unfinished),
      lowerBounds: unfinished.count > 0,
      failureDurationMs: failureDurations.summary(),
      requestsMs: this.requestTimes.summary(),
      unfinished: unfinishedSummary({ ages: unfinished, retries: 0 }),
      histogram: durations.histogram,
      sum: durations.sum,
    };
  }
}

/** Groups by name. The caller limits the number of names. */
export class GroupTable implements Iterable<KeyedGroup> {
  readonly #groups = new Map<string, GroupStats>();

  /** The number of names. */
  get size(): number {
    return this.#groups.size;
  }

  /** The groups of a name, which are created if needed. */
  at(name: string): GroupStats {
    let stats = this.#groups.get(name);
    if (stats === undefined) this.#groups.set(name, stats = new GroupStats());
    return stats;
  }

  /** Every name with its groups. */
  [Symbol.iterator](): IterableIterator<readonly [name: string, stats: GroupStats]> {
    return this.#groups[Symbol.iterator]();
  }
}
