import type { CountedLatencies } from "./counted.ts";
import { Histogram } from "./histogram.ts";
import type { LatencySummary } from "./snapshot.ts";

/**
 * How a number of latencies are spread; all times are milliseconds.
 *
 * The fields are plain values so that they can be sent and put together again; elsewhere, only
 * {@link add} and {@link merge} write them.
 *
 * ```ts
 * import { Latencies } from "./latencies.ts";
 * import assert from "node:assert/strict";
 *
 * const latencies = new Latencies();
 * for (const ms of [10, 20, 60]) latencies.add(ms);
 * const { min, mean, max } = latencies.summary();
 * assert.deepEqual([min, mean, max], [10, 30, 60]);
 * ```
 */
export class Latencies implements CountedLatencies {
  /** Infinity as long as there is none. */
  min = Infinity;
  /** -Infinity as long as there is none. */
  max = -Infinity;
  sum = 0;
  /**
   * Sum of the squared distances from the mean. A plain sum of squares would lose the spread of
   * values that are large and close together.
   */
  squaredDeviations = 0;
  readonly histogram = new Histogram();

  /** How many there are. */
  get count(): number {
    return this.histogram.count;
  }

  /** Adds one, in milliseconds: finite, and 0 or more. */
  add(ms: number): void {
    const count = this.count;
    if (count > 0) {
      const distance = count * ms - this.sum;
      this.squaredDeviations += distance * distance / (count * (count + 1));
    }
    this.sum += ms;
    if (ms < this.min) this.min = ms;
    if (ms > this.max) this.max = ms;
    this.histogram.record(ms);
  }

  /** Adds all those of another one. */
  merge(other: CountedLatencies): void {
    if (other.count === 0) return;
    this.squaredDeviations += other.squaredDeviations;
    if (this.count > 0) {
      const distance = other.sum / other.count - this.sum / this.count;
      const weight = this.count * other.count / (this.count + other.count);
      this.squaredDeviations += distance * distance * weight;
    }
    this.sum += other.sum;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    this.histogram.merge(other.histogram);
  }

  /**
   * The nearest-rank percentile, within 0.05 % and never outside of what was measured; null where
   * there is none.
   *
   * @param q the share of all that do not exceed it, 0 to 1.
   */
  percentile(q: number): number | null {
    return this.percentiles([q])[0] ?? null;
  }

  /**
   * Several percentiles at little more than the price of one; an empty list where there is none.
   *
   * @param shares as {@link percentile} takes them, the smallest first.
   */
  percentiles(shares: readonly number[]): number[] {
    return this.histogram.percentiles(shares).map((middle) => this.#within(middle));
  }

  /** What reports show of them. */
  summary(): LatencySummary {
    const some = this.count > 0;
    const [p50 = null, p75 = null, p90 = null, p95 = null, p99 = null, p999 = null, p9999 = null] =
      this.percentiles([0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999]);
    return {
      min: some ? this.min : null,
      // Rounding must not put the mean of equal values beside them.
      mean: some ? this.#within(this.sum / this.count) : null,
      max: some ? this.max : null,
      stddev: some ? Math.sqrt(this.squaredDeviations / this.count) : null,
      p50,
      p75,
      p90,
      p95,
      p99,
      p999,
      p9999,
    };
  }

  #within(ms: number): number {
    return Math.min(Math.max(ms, this.min), this.max);
  }
}
