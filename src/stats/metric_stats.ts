/**
 * The metrics of test files: what was added to them, merged exactly, and the rows that reports show.
 *
 * @module
 */

import { FIGURE_SHARES, figuresOf, NO_FIGURES } from "./latencies.ts";
import { type LatencySummary, type MetricRow, type MetricType } from "./snapshot.ts";
import type {
  CounterCounts,
  GaugeCounts,
  KeyedMetric,
  MetricCounts,
  RateCounts,
  TrendCounts,
  TrendMoments,
} from "./stats_delta.ts";
import { ValueHistogram } from "./value_histogram.ts";

/** The most metrics of a test. */
export const MAX_METRICS = 200;

/** The longest name of a metric and the longest unit, in UTF-16 units. */
export const MAX_METRIC_NAME = 100;
export const MAX_METRIC_UNIT = 20;

/** Whether text can be the name of a metric. */
export function isMetricName(text: string): boolean {
  return text.length <= MAX_METRIC_NAME && /^[A-Za-z0-9_.]+$/.test(text);
}

/** The sum of what a counter was given. */
class CounterStats implements CounterCounts {
  readonly type = "counter";
  value = 0;

  /** Adds a finite number of 0 or more. */
  add(value: number): void {
    this.value = bounded(this.value + value);
  }

  /** Adds the values of the same metric elsewhere. */
  merge({ value }: CounterCounts): void {
    this.add(value);
  }
}

/** The values of a gauge. */
class GaugeStats implements GaugeCounts {
  readonly type = "gauge";
  value = 0;
  atMs = -Infinity;
  min = Infinity;
  max = -Infinity;

  /** Takes over a finite number. @param atMs see {@link GaugeCounts.atMs}. */
  add(value: number, atMs: number): void {
    this.value = value;
    this.atMs = atMs;
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
  }

  /** Takes over the values of the same metric elsewhere. */
  merge({ value, atMs, min, max }: GaugeCounts): void {
    // Of two nodes' values of the same moment, the higher one counts, so that the order does not matter.
    if (atMs > this.atMs || (atMs === this.atMs && value > this.value)) {
      this.value = value;
      this.atMs = atMs;
    }
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
  }
}

/** How often something was so. */
class RateStats implements RateCounts {
  readonly type = "rate";
  hits = 0;
  total = 0;

  /** Counts one case. */
  add(isHit: boolean): void {
    if (isHit) this.hits++;
    this.total++;
  }

  /** Adds the cases of the same metric elsewhere. */
  merge({ hits, total }: RateCounts): void {
    this.hits += hits;
    this.total += total;
  }
}

/** The distribution of the values of a trend. */
export class TrendStats implements TrendCounts {
  readonly type = "trend";
  readonly unit: string;
  readonly histogram = new ValueHistogram();
  count = 0;
  sum = 0;
  min = Infinity;
  max = -Infinity;
  squaredDeviations = 0;

  constructor(unit: string) {
    this.unit = unit;
  }

  /** `null` if there are no values. */
  get moments(): TrendMoments | null {
    return this.count === 0 ? null : this;
  }

  /** Adds a finite number. */
  add(value: number): void {
    this.#addMoments({ count: 1, sum: value, min: value, max: value, squaredDeviations: 0 });
    this.histogram.record(value);
  }

  /** Adds the values of the same metric elsewhere. */
  merge({ moments, histogram }: TrendCounts): void {
    if (moments !== null) this.#addMoments(moments);
    this.histogram.merge(histogram);
  }

  #addMoments({ count, sum, min, max, squaredDeviations }: TrendMoments): void {
    if (this.count > 0) {
      const distance = sum / count - this.sum / this.count;
      const weight = this.count * count / (this.count + count);
      this.squaredDeviations += distance * distance * weight;
    }
    this.squaredDeviations = bounded(this.squaredDeviations + squaredDeviations);
    this.count += count;
    this.sum = bounded(this.sum + sum);
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
  }

  /** The figures that reports show. */
  get figures(): LatencySummary {
    const { count, min, max, squaredDeviations } = this;
    // Moments and buckets of a report may arrive one after the other.
    if (count === 0 || this.histogram.count === 0) return NO_FIGURES;
    const clamp = (value: number): number => Math.min(Math.max(value, min), max);
    return figuresOf(
      { count, min, max, squaredDeviations, mean: clamp(this.sum / count) },
      this.histogram.percentiles(FIGURE_SHARES).map(clamp),
    );
  }
}

/** Sums of huge numbers stay finite. */
function bounded(value: number): number {
  return Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE);
}

/** The values of any metric. */
type MetricStats = CounterStats | GaugeStats | RateStats | TrendStats;

/** Creates the values of a metric, of which there are none yet. */
export function newMetricStats(type: MetricType, unit = ""): MetricStats {
  switch (type) {
    case "counter":
      return new CounterStats();
    case "gauge":
      return new GaugeStats();
    case "rate":
      return new RateStats();
    case "trend":
      return new TrendStats(unit);
  }
}

/** The metrics of a test by name. */
export class MetricTable implements Iterable<KeyedMetric> {
  readonly #metrics = new Map<string, MetricStats>();
  #refused = 0;

  /** The number of metrics. */
  get size(): number {
    return this.#metrics.size;
  }

  /** Whether values were not counted, because there are too many metrics, or one is of another kind elsewhere. */
  get hasRefused(): boolean {
    return this.#refused > 0;
  }

  /** Whether a trend has too many buckets to be precise. */
  get isCoarse(): boolean {
    return this.#metrics.values().some((one) => one.type === "trend" && one.histogram.isCoarse);
  }

  /** The values of a metric, which are created if there are none. */
  at(name: string, create: () => MetricStats): MetricStats {
    const known = this.#metrics.get(name);
    if (known !== undefined) return known;
    const created = create();
    this.#metrics.set(name, created);
    return created;
  }

  /** Adds values from elsewhere. */
  add(name: string, counts: MetricCounts): void {
    let stats = this.#metrics.get(name);
    if (stats === undefined && this.#metrics.size < MAX_METRICS) {
      stats = newMetricStats(counts.type, counts.type === "trend" ? counts.unit : "");
      this.#metrics.set(name, stats);
    }
    if (stats === undefined || !merge(stats, counts)) this.#refused++;
  }

  /**
   * A row for each metric.
   *
   * @param durationSeconds the duration for rates; if it is 0, they are 0.
   */
  rows(durationSeconds: number): MetricRow[] {
    return Array.from(this.#metrics, ([name, stats]) => rowOf(name, stats, durationSeconds));
  }

  /** Every name with its values. */
  [Symbol.iterator](): IterableIterator<readonly [name: string, stats: MetricStats]> {
    return this.#metrics[Symbol.iterator]();
  }
}

/** Returns whether the values are of the same kind. */
function merge(stats: MetricStats, counts: MetricCounts): boolean {
  if (stats.type === "counter" && counts.type === "counter") stats.merge(counts);
  else if (stats.type === "gauge" && counts.type === "gauge") stats.merge(counts);
  else if (stats.type === "rate" && counts.type === "rate") stats.merge(counts);
  else if (stats.type === "trend" && counts.type === "trend") stats.merge(counts);
  else return false;
  return true;
}

function rowOf(name: string, stats: MetricStats, durationSeconds: number): MetricRow {
  switch (stats.type) {
    case "counter": {
      const { type, value } = stats;
      return { name, type, value, perSecond: durationSeconds > 0 ? value / durationSeconds : 0 };
    }
    case "gauge": {
      const { type, value, min, max } = stats;
      return { name, type, value, min, max };
    }
    case "rate": {
      const { type, hits, total } = stats;
      return { name, type, rate: hits / total, hits, total };
    }
    case "trend": {
      const { type, unit, count, sum, figures } = stats;
      return { name, type, unit, count, sum, figures };
    }
  }
}
