import type { BucketSink, BucketSource } from "../stats/counted.ts";
import { Histogram } from "../stats/histogram.ts";

/**
 * Counts how many latencies do not exceed each of some bounds, in milliseconds.
 *
 * A bucket of a histogram counts for a bound that lies in it. So nothing that is within a bound is
 * missing there, and what is above it by less than 0.1 % may be counted for it too.
 *
 * ```ts
 * import { BoundCounts } from "./bound_counts.ts";
 * import { Histogram } from "../stats/histogram.ts";
 * import assert from "node:assert/strict";
 *
 * const histogram = new Histogram();
 * for (const ms of [10, 50, 60, 1000]) histogram.record(ms);
 * assert.deepEqual(new BoundCounts([50, 100]).of(histogram), [2, 3]);
 * ```
 */
export class BoundCounts implements BucketSink {
  /** For each bound, the bucket that it lies in. */
  readonly #last: readonly number[];
  #counts: number[] = [];
  #at = 0;

  /** @param bounds rising. */
  constructor(bounds: readonly number[]) {
    this.#last = bounds.map(bucketOf);
  }

  /** For each bound, how many do not exceed it. */
  of(source: BucketSource): number[] {
    const counts = this.#counts = this.#last.map(() => 0);
    this.#at = 0;
    source.addTo(this);
    for (let i = 1; i < counts.length; i++) counts[i] = counts[i]! + counts[i - 1]!;
    return counts;
  }

  /** Is called by what is counted. */
  addBucket(index: number, count: number): void {
    const last = this.#last;
    // Buckets come rising, so that this seldom moves.
    let at = this.#at;
    while (at > 0 && index <= last[at - 1]!) at--;
    while (at < last.length && index > last[at]!) at++;
    this.#at = at;
    if (at < last.length) this.#counts[at] = this.#counts[at]! + count;
  }
}

function bucketOf(bound: number): number {
  const histogram = new Histogram();
  histogram.record(bound);
  const [[index] = [0]] = histogram.buckets();
  return index;
}
