/**
 * The metrics about what a test file says and measures itself: classes, tags, groups, checks, and its own
 * metrics. They have series of their own, so sums over those of requests count nothing twice.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { Histogram } from "../stats/histogram.ts";
import { NameCap } from "../stats/request_stats.ts";
import type {
  ClassRow,
  GroupRow,
  LatencySummary,
  MetricRow,
  RequestRow,
  Statistics,
  TrendRow,
} from "../stats/snapshot.ts";
import type { BucketSource } from "../stats/stats_delta.ts";
import {
  counter,
  gauge,
  HistogramPoints,
  type Labels,
  LabelSets,
  type MetricFamily,
  optional,
  summaryOf,
  type ValuePoint,
} from "./metric_families.ts";

/** Groups take longer than requests: these bounds in milliseconds follow those of `--buckets`. */
const LONG_BOUNDS = [15_000, 30_000, 60_000, 120_000, 300_000];

/** Metrics of classes, tags, groups and checks, and those of the test file. */
export class TestMetrics {
  readonly #bounds: readonly number[];
  readonly #groupBounds: readonly number[];
  readonly #histograms: HistogramPoints;
  readonly #groupHistograms: HistogramPoints;
  readonly #labelSets = new LabelSets();
  readonly #tags = new NameCap();
  readonly #names = new CustomNames();

  /** @param buckets upper bounds of the buckets in milliseconds, rising. */
  constructor(buckets: readonly number[]) {
    const last = buckets.at(-1) ?? 0;
    this.#bounds = buckets;
    this.#groupBounds = [...buckets, ...LONG_BOUNDS.filter((bound) => bound > last)];
    this.#histograms = new HistogramPoints(this.#bounds);
    this.#groupHistograms = new HistogramPoints(this.#groupBounds);
  }

  /** All families, including those without points. Those of the test file's own metrics come last. */
  of({ classes, requests, groups, checks, metrics }: Statistics): MetricFamily[] {
    return [
      ...this.#classMetrics(classes),
      ...this.#tagMetrics(requests),
      ...this.#groupMetrics(groups),
      counter(
        "aiotest_checks_total",
        "Checks that passed and failed. A failed check is not a failed request.",
        checks.flatMap(({ name, passed, failed }) => [
          { labels: this.#labelSets.of({ check: name, result: "passed" }), value: passed },
          { labels: this.#labelSets.of({ check: name, result: "failed" }), value: failed },
        ]),
      ),
      ...metrics.map((row) => customFamily(row, this.#names.of(row))),
    ];
  }

  #classMetrics(classes: readonly ClassRow[]): MetricFamily[] {
    const byClass = (value: (row: ClassRow) => number | null): ValuePoint[] =>
      classes.flatMap((row) => optional(value(row), this.#labelSets.of({ class: row.name })));
    // If there is only one class, its requests by name are those of the run.
    const several = classes.length > 1 ? classes : [];
    return [
      gauge("aiotest_class_users", "Running users of a class.", byClass(({ users }) => users)),
      gauge(
        "aiotest_class_users_target",
        "Users that the own load of a class says; in the open model, the maximum.",
        byClass(({ load }) => load?.users ?? null),
      ),
      gauge(
        "aiotest_class_arrival_rate_target",
        "Iterations that should start per second by the own load of a class, in the open model.",
        byClass(({ load }) => load?.arrivalRate ?? null),
      ),
      counter(
        "aiotest_class_iterations_completed_total",
        "Iterations that the users of a class completed.",
        byClass(({ completed }) => completed),
      ),
      counter(
        "aiotest_class_iterations_dropped_total",
        "Iterations of a class that no user started; absent if they are not scheduled or limited.",
        byClass(({ iterations }) => iterations?.dropped ?? null),
      ),
      {
        type: "histogram",
        name: "aiotest_class_response_seconds",
        help: "Latencies of the requests of a class, apart for those that succeeded and failed.",
        unit: "s",
        bounds: this.#bounds.map(inSeconds),
        points: classes.flatMap(({ name, totals }) => [
          this.#histograms.of(
            totals.histogram,
            totals.successes.sum / 1000,
            () => ({ class: name, outcome: "success" }),
          ),
          ...(totals.failures === 0 ? [] : [
            this.#histograms.of(
              totals.failureHistogram,
              (totals.failureLatencyMs.mean ?? 0) * totals.failures / 1000,
              () => ({ class: name, outcome: "failure" }),
            ),
          ]),
        ]),
      },
      counter(
        "aiotest_class_requests_total",
        "Requests of a class by name, if there are several classes.",
        several.flatMap((row) =>
          row.requests.flatMap(({ name, method, requests, failures }) =>
            this.#outcomes({ class: row.name, name, method }, requests, failures)
          )
        ),
      ),
    ];
  }

  /** One value for those that succeeded, and one for those that failed. */
  #outcomes(labels: Labels, all: number, failures: number): ValuePoint[] {
    return [
      { labels: this.#labelSets.of({ ...labels, outcome: "success" }), value: all - failures },
      { labels: this.#labelSets.of({ ...labels, outcome: "failure" }), value: failures },
    ];
  }

  #tagMetrics(requests: readonly RequestRow[]): MetricFamily[] {
    const parts = requests.flatMap((row) => this.#tagParts(row));
    return [
      {
        type: "histogram",
        name: "aiotest_tagged_response_seconds",
        help: "Latencies of successful requests with tags.",
        unit: "s",
        bounds: this.#bounds.map(inSeconds),
        points: parts.map(({ labels, sum, histogram }) =>
          this.#histograms.of(histogram, sum / 1000, () => labels)
        ),
      },
      counter(
        "aiotest_tagged_requests_total",
        "Requests with tags.",
        parts.flatMap(({ labels, requests, failures }) =>
          this.#outcomes(labels, requests, failures)
        ),
      ),
    ];
  }

  /** The parts of a name by tags; those beyond the limit of all names together. */
  #tagParts({ name, method, tags }: RequestRow): TaggedPart[] {
    const parts = new Map<string, TaggedPart>();
    for (const row of tags) {
      const admitted = this.#tags.admit(JSON.stringify([method, name]), row.tags);
      const labels = this.#labelSets.of({ name, method, tags: admitted });
      const { requests, failures, histogram, successes: { sum } } = row;
      const known = parts.get(admitted);
      if (known === undefined) {
        parts.set(admitted, { labels, requests, failures, histogram, sum });
        continue;
      }
      const all = new Histogram();
      all.merge(known.histogram);
      all.merge(histogram);
      parts.set(admitted, {
        labels,
        requests: known.requests + requests,
        failures: known.failures + failures,
        histogram: all,
        sum: known.sum + sum,
      });
    }
    return [...parts.values()];
  }

  #groupMetrics(groups: readonly GroupRow[]): MetricFamily[] {
    const labels = ({ name }: GroupRow): Labels => this.#labelSets.of({ group: name });
    return [
      {
        type: "histogram",
        name: "aiotest_group_duration_seconds",
        help: "Durations of successful groups.",
        unit: "s",
        bounds: this.#groupBounds.map(inSeconds),
        points: groups.map((row) =>
          this.#groupHistograms.of(row.histogram, row.sum / 1000, () => labels(row))
        ),
      },
      {
        type: "summary",
        name: "aiotest_group_request_seconds",
        help: "The time that successful groups spent in requests, over the whole run.",
        unit: "s",
        points: groups.map((row) => ({
          ...summaryOf(row.requestsMs, row.count - row.failures),
          labels: labels(row),
        })),
      },
      counter(
        "aiotest_groups_total",
        "Groups that ended.",
        groups.flatMap(({ name, count, failures }) =>
          this.#outcomes({ group: name }, count, failures)
        ),
      ),
      counter(
        "aiotest_groups_unfinished_total",
        "Groups that were cut off with their users.",
        groups.map((row) => ({ labels: labels(row), value: row.unfinished.count })),
      ),
    ];
  }
}

/** The requests of one name with the same tags. */
interface TaggedPart {
  readonly labels: Labels;
  readonly requests: number;
  readonly failures: number;
  readonly histogram: BucketSource;
  /** In milliseconds. */
  readonly sum: number;
}

function inSeconds(ms: number): number {
  return ms / 1000;
}

/** The family of a metric of the test file. @param name with its prefix. */
function customFamily(row: MetricRow, name: string): MetricFamily {
  switch (row.type) {
    case "counter":
      return counter(`${name}_total`, `Counter ${row.name} of the test file.`, optional(row.value));
    case "rate": {
      const help = `How often rate ${row.name} of the test file was hit and missed.`;
      return counter(`${name}_total`, help, [
        { labels: HIT, value: row.hits },
        { labels: MISS, value: row.total - row.hits },
      ]);
    }
    case "gauge":
      // The checker of Prometheus keeps some endings for other types.
      return {
        type: /_(?:total|count|sum|bucket|info)$/.test(name) ? "untyped" : "gauge",
        name,
        help: `Gauge ${row.name} of the test file.`,
        unit: "",
        points: optional(row.value),
      };
    case "trend":
      return trendFamily(row, name);
  }
}

const HIT: Labels = { result: "hit" };
const MISS: Labels = { result: "miss" };

function trendFamily(
  { name: own, unit, figures, count, sum }: TrendRow,
  name: string,
): MetricFamily {
  return {
    type: "summary",
    name,
    help: `Trend ${own} of the test file${unit === "" ? "" : ` in ${unit}`}, over the whole run.`,
    unit: ucumUnit(unit),
    points: [{ labels: {}, quantiles: quantilesOf(figures), count, sum }],
  };
}

function quantilesOf({ p50, p95, p99, p999 }: LatencySummary): [share: number, value: number][] {
  const known = [[0.5, p50], [0.95, p95], [0.99, p99], [0.999, p999]] as const;
  return known.flatMap(([share, value]) => value === null ? [] : [[share, value]]);
}

/** Units that mean the same in UCUM. */
const UCUM: ReadonlySet<string> = new Set(["", "us", "ms", "s", "min", "h", "By", "%"]);

/** A unit of a test file in the notation of OpenTelemetry. */
function ucumUnit(unit: string): string {
  return UCUM.has(unit) ? unit : `{${unit.replaceAll(/[^!-z|~]/g, "_")}}`;
}

/** The names under which the metrics of a test file are exported, which no two of them share. */
class CustomNames {
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** The name without the ending of its type. The same each time. */
  of({ type, name }: MetricRow): string {
    const key = `${type} ${name}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const plain = `aiotest_custom_${name.replaceAll(/[^a-zA-Z0-9_]/g, "_")}`;
    // The ending of a counter's name is not repeated.
    const short = type === "counter" || type === "rate" ? plain.replace(/_total$/, "") : plain;
    const isTaken = seriesOf(type, short).some((series) => this.#taken.has(series));
    const digest = createHash("sha256").update(name).digest("hex").slice(0, DIGEST_DIGITS);
    const own = isTaken ? `${short}_${digest}` : short;
    for (const series of seriesOf(type, own)) this.#taken.add(series);
    this.#names.set(key, own);
    return own;
  }
}

const DIGEST_DIGITS = 8;

/** The names of all series of a metric. */
function seriesOf(type: MetricRow["type"], name: string): string[] {
  if (type === "gauge") return [name];
  return type === "trend" ? [name, `${name}_sum`, `${name}_count`] : [`${name}_total`];
}
