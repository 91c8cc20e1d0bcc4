/**
 * Families of metrics as plain values, and how their points are made.
 *
 * @module
 */

import { Histogram } from "../stats/histogram.ts";
import type { LatencySummary } from "../stats/snapshot.ts";
import type { BucketSink, BucketSource } from "../stats/stats_delta.ts";

/** The labels that distinguish the points of a family. */
export type Labels = Readonly<Record<string, string>>;

/** One number. */
export interface ValuePoint {
  readonly labels: Labels;
  readonly value: number;
}

/** Values sorted into buckets. The object stays the same as long as no value is added. */
export interface HistogramPoint {
  readonly labels: Labels;
  /** For each bound of the family, the number of values up to and including it. */
  readonly cumulative: readonly number[];
  readonly count: number;
  /** In the unit of the family. */
  readonly sum: number;
}

/** Values of which some percentiles are known. */
export interface SummaryPoint {
  readonly labels: Labels;
  /** Pairs of a share, 0 to 1 and rising, and the quantile at it; empty if there are no values. */
  readonly quantiles: readonly (readonly [share: number, value: number])[];
  readonly count: number;
  /** In the unit of the family. */
  readonly sum: number;
}

/** What all metrics of one name have in common. */
interface FamilyDescription {
  readonly name: string;
  /** A sentence. */
  readonly help: string;
  /** In UCUM: `ms`, `s`, `By`; empty for a plain number. */
  readonly unit: string;
}

/** All metrics of one name. */
export type MetricFamily =
  & FamilyDescription
  & (
    /** A counter only grows until it is reset; `untyped` is a gauge with a name reserved for counts. */
    | { readonly type: "counter" | "gauge" | "untyped"; readonly points: readonly ValuePoint[] }
    | {
      readonly type: "histogram";
      /** Upper bounds of the buckets, rising, without the infinite one. */
      readonly bounds: readonly number[];
      readonly points: readonly HistogramPoint[];
    }
    | { readonly type: "summary"; readonly points: readonly SummaryPoint[] }
  );

/** A family of gauges. */
export function gauge(
  name: string,
  help: string,
  points: readonly ValuePoint[],
  unit = "",
): MetricFamily {
  return { type: "gauge", name, help, unit, points };
}

/** A family of counters, whose name ends with `_total`. */
export function counter(
  name: string,
  help: string,
  points: readonly ValuePoint[],
  unit = "",
): MetricFamily {
  return { type: "counter", name, help, unit, points };
}

/** One point, or none if there is no value. */
export function optional(value: number | null, labels: Record<string, string> = {}): ValuePoint[] {
  return value === null ? [] : [{ labels, value }];
}

/** The figures of some times in milliseconds, in seconds. */
export function summaryOf(
  { p50, p95, p99, p999, mean }: LatencySummary,
  count: number,
): SummaryPoint {
  const known = [[0.5, p50], [0.95, p95], [0.99, p99], [0.999, p999]] as const;
  return {
    labels: {},
    quantiles: known.flatMap(([share, ms]) => ms === null ? [] : [[share, ms / 1000] as const]),
    count,
    sum: (mean ?? 0) * count / 1000,
  };
}

/**
 * Counts the latencies up to each of some bounds, in milliseconds.
 *
 * The bucket of a histogram that contains a bound is counted for that bound as a whole. So no value
 * up to a bound is missing, but values less than 0.1 % above it may be included.
 */
export class BoundCounts implements BucketSink {
  /** For each bound, the index of the bucket that contains it. */
  readonly #last: readonly number[];
  #counts: number[] = [];
  #at = 0;

  /** @param bounds rising. */
  constructor(bounds: readonly number[]) {
    this.#last = bounds.map(bucketOf);
  }

  /** For each bound, the number of values up to and including it. */
  of(source: BucketSource): number[] {
    const counts = this.#counts = this.#last.map(() => 0);
    this.#at = 0;
    source.addTo(this);
    for (let i = 1; i < counts.length; i++) counts[i] = counts[i]! + counts[i - 1]!;
    return counts;
  }

  /** Called by the source for each of its buckets. */
  addBucket(index: number, count: number): void {
    const last = this.#last;
    // Buckets arrive in rising order, so this seldom moves.
    let at = this.#at;
    while (at > 0 && index <= last[at - 1]!) at--;
    while (at < last.length && index > last[at]!) at++;
    this.#at = at;
    if (at < last.length) this.#counts[at] = this.#counts[at]! + count;
  }
}

/**
 * Points of histograms. A histogram is counted again only if it has grown, and its point keeps its labels.
 */
export class HistogramPoints {
  readonly #boundCounts: BoundCounts;
  readonly #known = new WeakMap<BucketSource, HistogramPoint>();

  /** @param bounds upper bounds of the buckets in milliseconds, rising. */
  constructor(bounds: readonly number[]) {
    this.#boundCounts = new BoundCounts(bounds);
  }

  /**
   * The point of a histogram.
   *
   * @param sum of its values, in the unit of the family.
   * @param labels is called once for each histogram.
   */
  of(histogram: BucketSource, sum: number, labels: () => Labels): HistogramPoint {
    const known = this.#known.get(histogram);
    if (known !== undefined && known.count === histogram.count) return known;
    const point: HistogramPoint = {
      labels: known?.labels ?? labels(),
      cumulative: this.#boundCounts.of(histogram),
      count: histogram.count,
      sum,
    };
    this.#known.set(histogram, point);
    return point;
  }
}

/** Sets of labels, each the same object every time, so that a writer can cache its text. */
export class LabelSets {
  readonly #known = new Map<string, Labels>();

  /** The set with these labels. */
  of(labels: Labels): Labels {
    const key = JSON.stringify(labels);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, labels);
    return labels;
  }
}

function bucketOf(bound: number): number {
  const histogram = new Histogram();
  histogram.record(bound);
  const [[index] = [0]] = histogram.buckets();
  return index;
}
