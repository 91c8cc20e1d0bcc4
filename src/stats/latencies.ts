/**
 * Distributions of times.
 *
 * @module
 */

import { Histogram } from "./histogram.ts";
import { LATENCY_FIGURES, type LatencySummary } from "./snapshot.ts";
import type { LatencyCounts } from "./stats_delta.ts";

/**
 * A distribution of latencies in milliseconds.
 *
 * The fields are public so that they can be sent and restored. Only {@link add} and {@link merge}
 * change them.
 */
export class Latencies implements LatencyCounts {
  /** Infinity if there are none. */
  min = Infinity;
  /** -Infinity if there are none. */
  max = -Infinity;
  sum = 0;
  /**
   * Sum of the squared distances from the mean. A plain sum of squares would lose the spread of
   * values that are large and close together.
   */
  squaredDeviations = 0;
  readonly histogram: Histogram;

  constructor(histogram: Histogram = new Histogram()) {
    this.histogram = histogram;
  }

  get count(): number {
    return this.histogram.count;
  }

  /** NaN if there are none. Without rounding errors, which could put that of equal values next to them. */
  get mean(): number {
    return this.#clamp(this.sum / this.count);
  }

  /** Adds one latency, which must be finite and not negative. */
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

  /** Adds the latencies of another distribution. */
  merge(other: LatencyCounts): void {
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

  /** The same latencies, as `Histogram.fork` has them: after it, {@link add} must not be called. */
  fork(): Latencies {
    const fork = new Latencies(this.histogram.fork());
    fork.min = this.min;
    fork.max = this.max;
    fork.sum = this.sum;
    fork.squaredDeviations = this.squaredDeviations;
    return fork;
  }

  /**
   * These latencies without some of them. The lowest and the highest of the rest are as exact as a
   * percentile.
   */
  without(others: LatencyCounts): Latencies {
    const rest = new Latencies();
    rest.histogram.merge(this.histogram);
    if (others.count > 0) rest.histogram.subtract(others.histogram);
    if (rest.count === 0) return rest;
    const [lowest, highest] = rest.histogram.percentiles([0, 1]) as [number, number];
    const [least, most] = this.histogram.percentiles([0, 1]);
    rest.min = lowest === least ? this.min : this.#clamp(lowest);
    rest.max = highest === most ? this.max : this.#clamp(highest);
    rest.sum = Math.min(
      Math.max(this.sum - others.sum, rest.min * rest.count),
      rest.max * rest.count,
    );
    const distance = others.count === 0 ? 0 : others.sum / others.count - rest.sum / rest.count;
    const weight = rest.count * others.count / (rest.count + others.count);
    const deviations = this.squaredDeviations - others.squaredDeviations -
      distance * distance * weight;
    // No distribution between two values deviates more, so what rounding has left of it is cut off.
    const limit = rest.count * (rest.max - rest.min) ** 2 / 4;
    rest.squaredDeviations = Math.min(Math.max(deviations, 0), limit);
    return rest;
  }

  /**
   * The nearest-rank percentile: within 0.05 %, and never outside the measured range. `null` if
   * there are no latencies.
   *
   * @param q the share of latencies that do not exceed it, 0 to 1.
   */
  percentile(q: number): number | null {
    return this.percentiles([q])[0] ?? null;
  }

  /**
   * Several percentiles for little more than the price of one; empty if there are no latencies.
   *
   * @param shares as for {@link percentile}, in rising order.
   */
  percentiles(shares: readonly number[]): number[] {
    return this.histogram.percentiles(shares).map((middle) =>
      // Values below a microsecond, most of which are zeros.
      middle < FIRST_BUCKET_END ? this.min : this.#clamp(middle)
    );
  }

  /** The figures that reports show. */
  summary(): LatencySummary {
    return this.count === 0 ? NO_FIGURES : figuresOf(this, this.percentiles(FIGURE_SHARES));
  }

  #clamp(ms: number): number {
    return Math.min(Math.max(ms, this.min), this.max);
  }
}

const FIRST_BUCKET_END = Histogram.upperBound(0);

/** The figures of nothing. */
export const NO_FIGURES = Object.freeze(
  Object.fromEntries(LATENCY_FIGURES.map((figure) => [figure, null])),
) as LatencySummary;

/** The shares of the percentiles in {@link LATENCY_FIGURES}, in rising order. */
export const FIGURE_SHARES: readonly number[] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];

/**
 * The figures of a distribution that has values.
 *
 * @param percentiles those of {@link FIGURE_SHARES}.
 */
export function figuresOf(
  { count, min, mean, max, squaredDeviations }:
    & Pick<LatencyCounts, "count" | "min" | "max" | "squaredDeviations">
    & { readonly mean: number },
  percentiles: readonly number[],
): LatencySummary {
  const [p50 = null, p75 = null, p90 = null, p95 = null, p99 = null, p999 = null, p9999 = null] =
    percentiles;
  const stddev = Math.sqrt(squaredDeviations / count);
  return { min, mean, max, stddev, p50, p75, p90, p95, p99, p999, p9999 };
}
