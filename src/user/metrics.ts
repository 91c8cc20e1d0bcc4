/**
 * The metrics that a test file makes itself.
 *
 * @module
 */

import { type Clock, systemClock } from "../core/clock.ts";
import { isVisible, shown } from "../core/text.ts";
import { currentUser } from "../core/user_lifetime.ts";
import {
  isMetricName,
  MAX_METRIC_NAME,
  MAX_METRIC_UNIT,
  MAX_METRICS,
  MetricTable,
  newMetricStats,
} from "../stats/metric_stats.ts";
import type { MetricType } from "../stats/snapshot.ts";

/** A metric that adds up what it is given, such as the number of logins. */
export interface CounterMetric {
  /** The name in reports. */
  readonly name: string;
  /**
   * Adds an amount, by default 1.
   *
   * @param amount a finite number of 0 or more.
   * @throws TypeError if it is not.
   */
  add(amount?: number): void;
}

/** A metric whose last value counts, such as the length of a queue. Reports also show the lowest and the highest. */
export interface GaugeMetric {
  /** The name in reports. */
  readonly name: string;
  /**
   * Sets the value.
   *
   * @param value a finite number.
   * @throws TypeError if it is not.
   */
  add(value: number): void;
}

/** A metric that counts how often something was true, such as the hits of a cache. */
export interface RateMetric {
  /** The name in reports. */
  readonly name: string;
  /**
   * Counts one case.
   *
   * @param isHit `true` or 1 if it was true, `false` or 0 if not.
   * @throws TypeError if it is something else.
   */
  add(isHit: boolean | number): void;
}

/** A metric that collects a distribution of values, such as the size of a cart. */
export interface TrendMetric {
  /** The name in reports. */
  readonly name: string;
  /**
   * Adds a value.
   *
   * @param value a finite number; it may be 0 or negative.
   * @throws TypeError if it is not finite.
   */
  add(value: number): void;
}

/** Options of a trend. */
export interface TrendOptions {
  /** What reports write behind a value, such as `MB`: at most 20 characters. Default: nothing. */
  readonly unit?: string;
}

/** A metric that a test file has made. */
export interface DeclaredMetric {
  readonly name: string;
  readonly type: MetricType;
  readonly unit: string;
  /** Whether it is one of aiotest's own, which the test file has not made. */
  readonly isBuiltIn?: boolean;
}

/** How to write each kind, for messages. */
const MAKERS: Readonly<Record<MetricType, string>> = {
  counter: "metrics.counter",
  gauge: "metrics.gauge",
  rate: "metrics.rate",
  trend: "metrics.trend",
};

/**
 * The metrics of a test file. Make them at the top of the file, so that they are the same on all nodes: at most
 * 200. The same name and kind again is the same metric.
 *
 * Names consist of letters, digits, `_` and `.`, at most 100 characters.
 */
export class Metrics {
  readonly #clock: Pick<Clock, "now">;
  readonly #declared = new Map<string, Metric>();
  #table = new MetricTable();
  #onAdd: ((name: string, value: unknown) => void) | null = null;

  /** @internal Test files use the object {@link metrics}. */
  constructor(clock: Pick<Clock, "now"> = systemClock) {
    this.#clock = clock;
  }

  /**
   * Makes a metric that adds up what it is given. All nodes together have one sum.
   *
   * @throws TypeError if the name is invalid, or that of a metric of another kind.
   * @throws RangeError if there are 200 metrics already.
   */
  counter(name: string): CounterMetric {
    return this.#declare(name, "counter");
  }

  /**
   * Makes a metric whose last value counts: the latest one of all nodes, by the time since the test started.
   *
   * @throws TypeError if the name is invalid, or that of a metric of another kind.
   * @throws RangeError if there are 200 metrics already.
   */
  gauge(name: string): GaugeMetric {
    return this.#declare(name, "gauge");
  }

  /**
   * Makes a metric that counts how often something was true.
   *
   * @throws TypeError if the name is invalid, or that of a metric of another kind.
   * @throws RangeError if there are 200 metrics already.
   */
  rate(name: string): RateMetric {
    return this.#declare(name, "rate");
  }

  /**
   * Makes a metric that collects a distribution of values. Percentiles are within 0.1 %.
   *
   * @throws TypeError if the name or the unit is invalid, or the name is that of a metric of another kind.
   * @throws RangeError if there are 200 metrics already.
   */
  trend(name: string, { unit = "" }: TrendOptions = {}): TrendMetric {
    if (
      typeof unit !== "string" || unit.length > MAX_METRIC_UNIT || !(unit === "" || isVisible(unit))
    ) {
      throw new TypeError(
        `metrics.trend(${shown(name)}): the unit is ${shown(unit)}, expected at most ` +
          `${MAX_METRIC_UNIT} visible characters`,
      );
    }
    return this.#declare(name, "trend", unit);
  }

  /** @internal Adds to a counter of aiotest itself, whichever code is running. */
  count(name: string, amount: number): void {
    const stats = this.#table.at(name, () => newMetricStats("counter"));
    if (stats.type === "counter") stats.add(amount);
  }

  /** @internal Adds to a trend of aiotest itself, whichever code is running. */
  collect(name: string, unit: string, value: number): void {
    const stats = this.#table.at(name, () => newMetricStats("trend", unit));
    if (stats.type === "trend") stats.add(value);
    this.#onAdd?.(name, Number(value.toFixed(3)));
  }

  /** @internal All metrics that were made so far. */
  get declared(): DeclaredMetric[] {
    return Array.from(this.#declared.values(), ({ name, type, unit }) => ({ name, type, unit }));
  }

  /** @internal Calls a function with each value that is added from now on. */
  observe(onAdd: (name: string, value: unknown) => void): void {
    this.#onAdd = onAdd;
  }

  /** @internal Whether nothing was added since the last {@link take}. */
  get isEmpty(): boolean {
    return this.#table.size === 0;
  }

  /** @internal Hands over what was added since the last call, so that it is counted once. */
  take(startedAt: number): MetricTable {
    const taken = this.#table;
    // Even an empty one is not handed over and kept: it would be counted once more when it has filled.
    this.#table = new MetricTable();
    for (const [, stats] of taken) {
      if (stats.type === "gauge") stats.atMs -= startedAt;
    }
    return taken;
  }

  #declare(name: string, type: MetricType, unit = ""): Metric {
    if (typeof name !== "string" || !isMetricName(name)) {
      throw new TypeError(
        `${MAKERS[type]}(${shown(name)}): expected a name of letters, digits, _ and . of at most ` +
          `${MAX_METRIC_NAME} characters`,
      );
    }
    const known = this.#declared.get(name);
    if (known !== undefined) {
      if (known.type === type) return known;
      throw new TypeError(`${MAKERS[type]}(${shown(name)}): ${name} is a ${known.type} already`);
    }
    if (this.#declared.size >= MAX_METRICS) {
      throw new RangeError(
        `${MAKERS[type]}(${
          shown(name)
        }): there are ${MAX_METRICS} metrics already, which is the most`,
      );
    }
    const metric = new Metric(name, type, unit, (value) => this.#add(metric, value));
    this.#declared.set(name, metric);
    // Reports show a counter to which nothing is added.
    if (type === "counter") this.#table.at(name, () => newMetricStats(type));
    return metric;
  }

  #add(metric: Metric, value: unknown): void {
    const { name, type, unit } = metric;
    const problem = problemOf(type, value);
    if (problem !== null) {
      throw new TypeError(`${type} ${name}: ${shown(value)}, expected ${problem}`);
    }
    // What a user does after its end is not counted.
    if (currentUser.getStore()?.ended) return;
    const stats = this.#table.at(name, () => newMetricStats(type, unit));
    if (stats.type === "rate") stats.add(Boolean(value));
    else if (stats.type === "gauge") stats.add(value as number, this.#clock.now());
    else stats.add(value as number);
    this.#onAdd?.(name, value);
  }
}

/** One metric of any kind. */
class Metric implements CounterMetric, GaugeMetric, RateMetric, TrendMetric {
  readonly name: string;
  readonly type: MetricType;
  readonly unit: string;
  readonly #add: (value: unknown) => void;

  constructor(name: string, type: MetricType, unit: string, add: (value: unknown) => void) {
    this.name = name;
    this.type = type;
    this.unit = unit;
    this.#add = add;
  }

  add(value: unknown = this.type === "counter" ? 1 : undefined): void {
    this.#add(value);
  }
}

/** What a metric expects instead of a value; `null` if it takes the value. */
function problemOf(type: MetricType, value: unknown): string | null {
  if (type === "rate") {
    const isCase = typeof value === "boolean" || value === 0 || value === 1;
    return isCase ? null : "true, false, 0 or 1";
  }
  if (!Number.isFinite(value)) {
    return type === "counter" ? "a finite number of 0 or more" : "a finite number";
  }
  return type === "counter" && (value as number) < 0 ? "a finite number of 0 or more" : null;
}

/**
 * The metrics of this test file.
 *
 * ```ts
 * import { FastHttpUser, metrics } from "aiotest";
 *
 * const orders = metrics.counter("orders");
 * const cartSize = metrics.trend("cart_size", { unit: "items" });
 * const cacheHits = metrics.rate("cache_hits");
 *
 * export const thresholds = ["orders.count>=1000", "cart_size.p95<20", "cache_hits.rate>90%"];
 *
 * export class BuyerTest extends FastHttpUser {
 *   async testBuy(): Promise<void> {
 *     const res = await this.session.get("/cart");
 *     cacheHits.add(res.headers.get("x-cache") === "HIT");
 *     cartSize.add((await res.json()).items.length);
 *     if ((await this.session.post("/order")).ok) orders.add();
 *   }
 * }
 * ```
 */
export const metrics: Metrics = new Metrics();
