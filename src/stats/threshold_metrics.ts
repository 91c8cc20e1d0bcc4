/**
 * The metrics that a threshold can use, by name.
 *
 * @module
 */

import { nameHere } from "./foreign_metrics.ts";
import { Histogram } from "./histogram.ts";
import { Latencies } from "./latencies.ts";
import {
  figureName,
  type GroupRow,
  type IterationSummary,
  LATENCY_FIGURES,
  type LatencyFigure,
  type RequestTotals,
  type Statistics,
  type TimelineSecond,
} from "./snapshot.ts";
import type { Phase } from "./stats_delta.ts";

/**
 * The values of a metric: milliseconds, a share of 0 to 1, a rate per second, a number of things, or any number.
 */
export type MetricKind = "time" | "share" | "rate" | "count" | "value";

interface MetricTraits {
  /** The canonical name, the same for all spellings. */
  readonly name: string;
  readonly kind: MetricKind;
  /** How the value can change during a run: only rise, only fall, or both. */
  readonly tendency: "rising" | "falling" | "either";
}

/** A metric of requests, of all names or of one. */
export interface RequestMetric extends MetricTraits {
  readonly of: "requests";
  /** Whether it is the number of requests, which can be 0. */
  readonly counts?: true;
  /** Whether it counts requests that were cut off without an answer, and not those that ended. */
  readonly ofUnfinished?: true;
  /** The part of a request that it measures; all of it if undefined. */
  readonly ofPhase?: Phase;
  /** Whether it measures the latencies of failed requests, and not of successful ones. */
  readonly ofFailures?: true;
  /** @param measure it has a sample: see {@link hasSample}. */
  observe(measure: RequestMeasure): number;
  /** The value during a run, if it would otherwise be too low because of reports still to arrive. */
  observeSoFar?(measure: RequestMeasure): number;
}

/** A metric of iterations. */
export interface IterationMetric extends MetricTraits {
  readonly of: "iterations";
  /** `null` without a sample. */
  observe(iterations: IterationSummary): number | null;
}

/** A metric of a group. */
export interface GroupMetric extends MetricTraits {
  readonly of: "groups";
  /**
   * `null` without a sample.
   *
   * @param alone whether times are those of successful groups alone, without those that were cut off.
   */
  observe(row: GroupRow, alone: boolean): number | null;
}

/** The share of checks that passed. */
export interface CheckMetric extends MetricTraits {
  readonly of: "checks";
}

/** A figure of a metric of the test file. */
export interface CustomMetric extends MetricTraits {
  readonly of: "metrics";
  /** The name of the metric. */
  readonly metric: string;
  readonly figure: string;
}

/** A metric of any kind. A new kind also needs a `MetricFamily`. */
export type ThresholdMetric =
  | RequestMetric
  | IterationMetric
  | GroupMetric
  | CheckMetric
  | CustomMetric;

/** What a threshold measures by its metric. */
export interface ThresholdTarget {
  /** The text in brackets, such as a name, or a method and a name, of requests; `null` without brackets. */
  readonly selector: string | null;
  /** The user class in braces; `null` for all classes. */
  readonly className: string | null;
  /** The tags in braces. Those of a request must include all of them. */
  readonly tags: readonly (readonly [key: string, value: string])[];
}

/** How a threshold compares the observed value with its bound. */
export type Operator = "<" | "<=" | ">" | ">=" | "==" | "!=";

/** A condition. */
export interface Threshold<Metric extends ThresholdMetric = ThresholdMetric>
  extends ThresholdTarget {
  /** The condition as it was written. */
  readonly expression: string;
  readonly metric: Metric;
  readonly operator: Operator;
  /** In the unit of the metric: milliseconds, a share of 0 to 1, a rate per second, or a number. */
  readonly bound: number;
}

/** How thresholds of one kind of metric are judged. */
export interface MetricFamily<Metric extends ThresholdMetric> {
  /**
   * Why a metric cannot measure this target, to follow the expression and a colon; `null` if it can.
   *
   * @param name the metric as it was written.
   */
  problemOf(metric: Metric, target: ThresholdTarget, name: string): string | null;
  /**
   * The observed value; `null` without a sample.
   *
   * @param isOver whether nothing more will be counted.
   */
  observe(threshold: Threshold<Metric>, statistics: Statistics, isOver: boolean): number | null;
  /** Whether a threshold holds after the run without a sample. */
  needsNoSample(threshold: Threshold<Metric>, statistics: Statistics): boolean;
  /** Why a threshold has no sample, as a sentence. */
  reason(threshold: Threshold<Metric>, statistics: Statistics): string;
}

/** Whether a value meets the condition of a threshold. */
export function holds(
  { operator, bound }: Pick<Threshold, "operator" | "bound">,
  observed: number,
): boolean {
  switch (operator) {
    case "<":
      return observed < bound;
    case "<=":
      return observed <= bound;
    case ">":
      return observed > bound;
    case ">=":
      return observed >= bound;
    case "==":
      return observed === bound;
    case "!=":
      return observed !== bound;
  }
}

/** Whether a threshold demands at least some value. */
export function isLowerBound({ operator }: Pick<Threshold, "operator">): boolean {
  return operator === ">" || operator === ">=";
}

/** Whether a threshold demands at most some value. */
export function isUpperBound({ operator }: Pick<Threshold, "operator">): boolean {
  return operator === "<" || operator === "<=";
}

/** The number of names that fit on a line. */
const NAMES_SHOWN = 10;

/** Some names, and how many more there are. */
export function someOf(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** A sentence that names all metrics. */
export const METRICS_HINT =
  "Metrics are p50, p95, p99.9 and any other percentile, min, mean, med, max, error_rate, failures, " +
  "rps, count, unfinished and unfinished_rate; for failed requests: failed_p95 and the like; for the parts of a request: ttfb_p95, connect_p99, " +
  "tls_mean, dns_max, download_med and the like; for iterations: dropped, dropped_rate, " +
  "start_delay_p99, service_p95 and the like; for groups: p95[group NAME] and the like; for checks: checks; " +
  "for metrics of the test file: their name, a full stop and a figure, such as cart_size.p95.";

/** The metric of a name, or what is wrong with the name. */
export function metricOf(name: string): ThresholdMetric | string {
  const lower = name.toLowerCase();
  const word = ALIASES.get(lower) ?? lower;
  const known = METRICS.get(word);
  if (known !== undefined) return known;
  const ofPhase = /^(dns|connect|tls|ttfb|download)_(.+)$/.exec(word);
  if (ofPhase !== null) {
    const [, phase = "", statistic = ""] = ofPhase;
    return phaseTimes(name, phase as Phase, statistic);
  }
  const ofFailures = /^failed_(.+)$/.exec(word);
  if (ofFailures !== null) return failureTimes(name, ofFailures[1]!);
  const ofIterations = /^(service|start_delay)_(.+)$/.exec(word);
  if (ofIterations !== null) {
    const [, times = "", statistic = ""] = ofIterations;
    return iterationTimes(name, times, statistic);
  }
  const percent = percentOf(word);
  if (percent === null) {
    const here = nameHere(name);
    if (here !== null) return `unknown metric ${name}; here it is ${here}`;
    return `unknown metric ${name}` +
      (name.includes("_") ? `; one that the test counts needs a figure, as in ${name}.p95` : "");
  }
  if (percent > 100) return noPercentile(name, word);
  const observe = (measure: RequestMeasure): number => measure.percentile(percent / 100);
  return requests(`p${percent}`, "time", "either", observe);
}

const METRICS: ReadonlyMap<string, ThresholdMetric> = new Map(
  ([
    requests("min", "time", "falling", ({ min }) => min),
    requests("mean", "time", "either", ({ mean }) => mean),
    requests("max", "time", "rising", ({ max }) => max),
    requests("error_rate", "share", "either", ({ errorRate }) => errorRate),
    requests("failures", "count", "rising", ({ failures }) => failures),
    { ...requests("count", "count", "rising", (measure) => measure.requests), counts: true },
    {
      ...requests("rps", "rate", "either", ({ rate }) => rate),
      observeSoFar: ({ rateSoFar }) => rateSoFar,
    },
    {
      ...requests("unfinished", "count", "rising", ({ unfinished }) => unfinished),
      ofUnfinished: true,
    },
    {
      ...requests("unfinished_rate", "share", "either", ({ unfinishedRate }) => unfinishedRate),
      ofUnfinished: true,
    },
    iterations(
      "dropped",
      "count",
      "rising",
      ({ dropped, scheduled }) => scheduled === 0 ? null : dropped,
    ),
    iterations(
      "dropped_rate",
      "share",
      "either",
      ({ dropped, scheduled }) => scheduled === 0 ? null : dropped / scheduled,
    ),
  ] satisfies ThresholdMetric[]).map((metric) => [metric.name, metric]),
);

/** Alternative names. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["avg", "mean"],
  ["med", "p50"],
  ["rate", "rps"],
  ["requests", "count"],
]);

function requests(
  name: string,
  kind: MetricKind,
  tendency: MetricTraits["tendency"],
  observe: RequestMetric["observe"],
): RequestMetric {
  return { of: "requests", name, kind, tendency, observe };
}

function iterations(
  name: string,
  kind: MetricKind,
  tendency: MetricTraits["tendency"],
  observe: IterationMetric["observe"],
): IterationMetric {
  return { of: "iterations", name, kind, tendency, observe };
}

/** The known figures of the times of iterations, by the part of the name after the underscore. */
const ITERATION_TIMES: ReadonlyMap<string, LatencyFigure> = new Map<string, LatencyFigure>([
  ...LATENCY_FIGURES.filter((figure) => figure !== "stddev")
    .map((figure) => [figureName(figure), figure] as const),
  ["avg", "mean"],
  ["med", "p50"],
]);

/** @param times `service` or `start_delay`. */
function iterationTimes(name: string, times: string, statistic: string): IterationMetric | string {
  const field = ITERATION_TIMES.get(statistic);
  if (field === undefined) {
    return `unknown metric ${name}; the times of iterations have min, mean, max and the percentiles ` +
      "p50, p75, p90, p95, p99, p99.9 and p99.99";
  }
  const tendency = field === "max" ? "rising" : field === "min" ? "falling" : "either";
  return iterations(
    `${times}_${field}`,
    "time",
    tendency,
    ({ serviceTimeMs, startDelayMs }) =>
      (times === "service" ? serviceTimeMs : startDelayMs)[field],
  );
}

/** The figures of the parts of requests besides percentiles. */
const PHASE_FIGURES: ReadonlyMap<string, "min" | "mean" | "max"> = new Map(
  (["min", "mean", "max"] as const).map((figure) => [figure, figure]),
);

/** The metric of a part of the requests. */
function phaseTimes(name: string, phase: Phase, statistic: string): RequestMetric | string {
  const metric = timesMetric(name, phase, statistic, (measure) => measure.phase(phase));
  return typeof metric === "string" ? metric : { ...metric, ofPhase: phase };
}

/** The metric of the latencies of failed requests. */
function failureTimes(name: string, statistic: string): RequestMetric | string {
  const metric = timesMetric(name, "failed", statistic, (measure) => measure.failed);
  return typeof metric === "string" ? metric : { ...metric, ofFailures: true };
}

function timesMetric(
  name: string,
  prefix: string,
  statistic: string,
  timesOf: (measure: RequestMeasure) => Latencies,
): RequestMetric | string {
  const word = ALIASES.get(statistic) ?? statistic;
  const percent = percentOf(word);
  const figure = percent === 0 ? "min" : percent === 100 ? "max" : PHASE_FIGURES.get(word) ?? null;
  if (figure === null && percent === null) {
    const what = prefix === "failed" ? "failed requests" : "parts of a request";
    return `unknown metric ${name}; ${what} have min, mean, max and percentiles such as ${prefix}_p95`;
  }
  if (percent !== null && percent > 100) return noPercentile(name, word);
  const tendency = figure === "max" ? "rising" : figure === "min" ? "falling" : "either";
  const canonical = figure ?? `p${percent}`;
  return requests(`${prefix}_${canonical}`, "time", tendency, (measure) => {
    const times = timesOf(measure);
    return figure === null ? times.percentile(percent! / 100)! : times[figure];
  });
}

function noPercentile(name: string, word: string): string {
  const meant = /^p99\d+$/.test(word) ? `, such as p99.${word.slice(3)}` : "";
  return `${name} is not a percentile; use p0 to p100${meant}`;
}

/** The number in `p95` or `p(95)`; `null` for other strings. */
export function percentOf(word: string): number | null {
  const match = /^p(\d+(?:\.\d+)?)$/.exec(word) ?? /^p\((\d+(?:\.\d+)?)\)$/.exec(word);
  return match === null ? null : Number(match[1]);
}

/** Whether there is anything that a metric could be observed of. */
export function hasSample(
  { kind, ofUnfinished, ofPhase, ofFailures }: RequestMetric,
  measure: RequestMeasure,
): boolean {
  if (ofFailures) return measure.failures > 0;
  if (ofPhase !== undefined) return measure.phase(ofPhase).count > 0;
  if (kind === "time") return measure.successes > 0 || measure.waits > 0;
  return measure.requests > 0 || ofUnfinished === true && measure.unfinished > 0;
}

/**
 * The figures of the requests that a threshold selects.
 *
 * Latencies are those of successful requests. A request without an answer has a latency of at least its age,
 * or of the time after which it failed. So each latency figure is the higher one of two: that of the
 * successes, and that of the successes and these times.
 */
export class RequestMeasure {
  readonly #parts: readonly RequestTotals[];
  /** Those with requests that have no answer. */
  readonly #waiting: readonly RequestTotals[];
  readonly #timeline: readonly TimelineSecond[];

  /**
   * @param parts the totals of each name; those without requests are ignored.
   * @param timeline the timeline of the run.
   * @param withWaits whether latencies include the times of requests without an answer.
   */
  constructor(
    parts: readonly RequestTotals[],
    timeline: readonly TimelineSecond[],
    withWaits = true,
  ) {
    this.#parts = parts.filter(({ requests, unfinished, waits }) =>
      requests > 0 || unfinished.count > 0 || waits.count > 0
    );
    this.#waiting = withWaits ? this.#parts.filter(({ waits }) => waits.count > 0) : [];
    this.#timeline = timeline;
  }

  get requests(): number {
    return this.#sum(({ requests }) => requests);
  }

  /** Requests that were cut off. */
  get unfinished(): number {
    return this.#sum(({ unfinished }) => unfinished.count);
  }

  /** Share of unfinished requests among all that ended or were cut off, 0 to 1; NaN if there are none. */
  get unfinishedRate(): number {
    return this.unfinished / (this.requests + this.unfinished);
  }

  /** The number of successful requests. */
  get successes(): number {
    return this.#sum(({ successes }) => successes.count);
  }

  /** Requests without an answer whose times are part of the latencies. */
  get waits(): number {
    return this.#waiting.reduce((sum, { waits }) => sum + waits.count, 0);
  }

  get failures(): number {
    return this.#sum(({ failures }) => failures);
  }

  /** Share of requests that failed, 0 to 1; NaN if there are none. */
  get errorRate(): number {
    return this.failures / this.requests;
  }

  /** Requests per second over the whole duration. */
  get rate(): number {
    return this.#sum(({ rate }) => rate);
  }

  /**
   * Requests per second over the seconds that have been reported. Reports arrive about a second late,
   * so during a run, {@link rate} is too low.
   */
  get rateSoFar(): number {
    const [first] = this.#timeline;
    const last = this.#timeline.at(-1);
    if (first === undefined || last === undefined) return this.rate;
    return Math.max(this.rate, this.requests / (last.second - first.second + 1));
  }

  /** In milliseconds, as {@link mean} and {@link max}: that of the successes, if there are any. */
  get min(): number {
    const shortest = Math.min(...this.#parts.map(({ latencyMs }) => latencyMs.min ?? Infinity));
    return shortest < Infinity ? shortest : this.#shortestWait;
  }

  get mean(): number {
    const sum = this.#sum(({ successes }) => successes.sum);
    const { successes, waits } = this;
    const alone = successes === 0 ? 0 : sum / successes;
    if (waits === 0) return alone;
    const sumOfWaits = this.#waiting.reduce((all, part) => all + part.waits.sum, 0);
    return Math.max(alone, (sum + sumOfWaits) / (successes + waits));
  }

  get max(): number {
    return Math.max(this.#longestSuccess, ...this.#waiting.map(({ waits }) => waits.max));
  }

  /**
   * The nearest-rank percentile in milliseconds: within 0.05 %, and never outside the measured range.
   *
   * @param q the share of latencies that do not exceed it, 0 to 1.
   */
  percentile(q: number): number {
    // These are known exactly, and buckets are not exact.
    if (q <= 0 || q >= 1) return q <= 0 ? this.min : this.max;
    const successes = this.#histogram();
    const middle = successes.percentile(q);
    const alone = middle === null ? 0 : Math.min(Math.max(middle, this.min), this.#longestSuccess);
    if (this.#waiting.length === 0) return alone;
    const all = new Histogram();
    all.merge(successes);
    for (const { waits } of this.#waiting) all.merge(waits.histogram);
    const lowest = Math.min(this.min, this.#shortestWait);
    return Math.max(alone, Math.min(Math.max(all.percentile(q)!, lowest), this.max));
  }

  /** The times of a part of the requests, as far as they had a response. */
  phase(phase: Phase): Latencies {
    const all = new Latencies();
    for (const { phases } of this.#parts) all.merge(phases.times[phase]);
    return all;
  }

  /** The latencies of failed requests. */
  get failed(): Latencies {
    const all = new Latencies();
    for (const { failures, failureLatencyMs: { min, mean, max, stddev }, ...part } of this.#parts) {
      if (failures === 0) continue;
      all.merge({
        count: failures,
        min: min!,
        max: max!,
        sum: mean! * failures,
        squaredDeviations: stddev! ** 2 * failures,
        histogram: part.failureHistogram,
      });
    }
    return all;
  }

  get #shortestWait(): number {
    return Math.min(...this.#waiting.map(({ waits }) => waits.min));
  }

  get #longestSuccess(): number {
    return Math.max(...this.#parts.map(({ successes }) => successes.max));
  }

  #histogram(): Histogram {
    const [first, ...others] = this.#parts;
    if (others.length === 0 && first?.histogram instanceof Histogram) return first.histogram;
    const all = new Histogram();
    for (const { histogram } of this.#parts) all.merge(histogram);
    return all;
  }

  #sum(value: (part: RequestTotals) => number): number {
    return this.#parts.reduce((sum, part) => sum + value(part), 0);
  }
}
