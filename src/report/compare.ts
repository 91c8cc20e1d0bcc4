/**
 * Compares two runs: which figures differ, by how much, and with which confidence.
 *
 * @module
 */

import { ExitCode } from "../core/errors.ts";
import type { LatencyFigure, MetricType } from "../stats/snapshot.ts";
import {
  type ConfidenceInterval,
  type EntryOfRun,
  errorInterval,
  meanInterval,
  MIN_SECONDS,
  quantileInterval,
  rateInterval,
  RunFigures,
  type RunSeconds,
  shareInterval,
  type ShareOfRun,
} from "./compare_stats.ts";
import { formatAmount, formatElapsed } from "./quantity.ts";
import { secondsOfPauses, unpausedSeconds } from "../stats/run_pauses.ts";
import type { ComparedRequest, ComparedRun, ComparedTotals } from "./summary_reader.ts";

/** The figures of one name, or of all names. */
export interface ComparedFigures {
  readonly requests: { readonly a: number; readonly b: number };
  /** Requests that were cut off without an answer. */
  readonly unfinished: { readonly a: number; readonly b: number };
  readonly rate: Difference;
  readonly errorRate: Difference;
  /** Unfinished requests as a share of all that were sent. */
  readonly unfinishedRate: Difference;
  readonly mean: Difference;
  readonly p50: Difference;
  readonly p95: Difference;
  readonly p99: Difference;
  /** Latencies of failed requests. They are not judged. */
  readonly failureLatencies: TimeChanges;
  /** Times of parts of the requests. They explain a change of the latency, and are not judged. */
  readonly phases: Readonly<Record<ComparedPhase, TimeChanges>>;
  /** The latencies that are lower bounds, because of unfinished requests. */
  readonly lowerBounds: {
    readonly a: readonly LatencyFigure[];
    readonly b: readonly LatencyFigure[];
  };
}

/** A part of the requests that is compared. */
export type ComparedPhase = "connect" | "ttfb";

/** Two percentiles. */
export interface TimeChanges {
  readonly p50: TimeChange;
  readonly p95: TimeChange;
}

/** A time in milliseconds; `null` if there is none, or if an earlier version wrote the summary. */
export interface TimeChange {
  readonly a: number | null;
  readonly b: number | null;
  /** From a to b: 0.1 is 10 % more. `null` if it is unknown. */
  readonly change: number | null;
}

/** A figure with a finding. */
export type Figure = Exclude<
  keyof ComparedFigures,
  "requests" | "unfinished" | "failureLatencies" | "phases" | "lowerBounds"
>;

/** The figures of one method and name. */
export interface ComparedName extends ComparedFigures {
  readonly method: string;
  readonly name: string;
}

/** The figures of one user class, or of one group. */
export interface ComparedPart extends ComparedFigures {
  readonly name: string;
}

/** The share of one check that passed. It is not judged. */
export interface ComparedCheck {
  readonly name: string;
  readonly a: CheckCounts;
  readonly b: CheckCounts;
  /** The difference of the shares. */
  readonly change: number;
}

/** How often a check was made, and the share that passed; 1 if it never was. */
interface CheckCounts {
  readonly count: number;
  readonly rate: number;
}

/** One figure of a metric of the test file. It is not judged. */
export interface ComparedMetric {
  readonly name: string;
  readonly type: MetricType;
  /** Such as `value` or `p95`. */
  readonly figure: string;
  /** May be empty. */
  readonly unit: string;
  readonly a: number | null;
  readonly b: number | null;
  /** From a to b: 0.1 is 10 % more; for a rate, b minus a. `null` if it is unknown. */
  readonly change: number | null;
}

/** A method and name that only one of the runs has. */
export interface UnmatchedName {
  readonly method: string;
  readonly name: string;
}

/** The result of a comparison. */
export interface Comparison {
  /** How much worse a figure may be, as a share: 0.05. */
  readonly maxRegression: number;
  /** The probability with which all intervals together hold: 0.95. */
  readonly confidence: number;
  readonly totals: ComparedFigures;
  /** The names of both runs, in the order of the first run. */
  readonly requests: readonly ComparedName[];
  readonly onlyInA: readonly UnmatchedName[];
  readonly onlyInB: readonly UnmatchedName[];
  /** The user classes of both runs, if one of them has several. */
  readonly classes: readonly ComparedPart[];
  /** The groups of both runs: their durations in place of latencies. */
  readonly groups: readonly ComparedPart[];
  readonly checks: readonly ComparedCheck[];
  readonly metrics: readonly ComparedMetric[];
  /** The number of compared figures. If there is only one name, its figures are those of the totals. */
  readonly figures: number;
  /** The number of figures with the finding `regression`. */
  readonly regressions: number;
  /** The number of figures with the finding `unclear`. */
  readonly unclear: number;
  /** Reasons to doubt the comparison. */
  readonly warnings: readonly string[];
}

/** All figures, in the order of the report. */
export const FIGURES: readonly Figure[] = [
  "rate",
  "errorRate",
  "unfinishedRate",
  "mean",
  "p50",
  "p95",
  "p99",
];

/** The figures to judge. The share of unfinished requests is one if there are unfinished requests. */
export function judgedFigures({ a, b }: ComparedFigures["unfinished"]): readonly Figure[] {
  return a + b > 0 ? FIGURES : FIGURES.filter((figure) => figure !== "unfinishedRate");
}

/** The probability with which all intervals of a comparison hold together. */
const CONFIDENCE = 0.95;

/** With fewer requests of a name, its figures are unclear. */
const MIN_REQUESTS = 20;

const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

/**
 * Compares run `b` with run `a`, the baseline.
 *
 * Every difference has a confidence interval. Its width depends on the number of requests and on the
 * variation between seconds, which usually matters far more, because a disturbance of the target
 * affects all requests of a moment. If both runs vary in the same way over time, the n-th second of
 * one is compared with the n-th second of the other, so that changes of the load itself do not count
 * as noise. The more figures are compared, the wider the intervals are, so that all of them hold
 * together with 95 %. Half of the risk is assigned to the totals, and half to names, classes and groups.
 *
 * Systematic differences between the runs, such as a different machine, cannot be distinguished from changes
 * of the target.
 *
 * @param maxRegression how much worse a figure may be, as a share: 0.05.
 */
export function compareRuns(
  baseline: ComparedRun,
  run: ComparedRun,
  maxRegression: number,
): Comparison {
  const [a, b] = [withoutPauses(baseline), withoutPauses(run)];
  const figures = [new RunFigures(a, b), new RunFigures(b, a)] as const;
  const names = pairsOf(a.requests, b.requests, keyOf);
  const classes = classPairs(a, b);
  const groups = pairsOf(groupsOf(a), groupsOf(b), ({ name }) => name);
  const parts = names.length + classes.length + groups.length;
  const isOne = a.requests.length === 1 && b.requests.length === 1 && parts === 1;
  const judged = judgedFigures({ a: unfinishedOf(a.totals), b: unfinishedOf(b.totals) });
  // The risk of each end of an interval. The names, classes and groups share one half of it.
  const tail = (1 - CONFIDENCE) / 2 / judged.length / (isOne ? 1 : 2);
  const compare = (
    [before, after]: readonly [RunFigures, RunFigures],
    [one, other]: readonly [ComparedTotals, ComparedTotals],
    limit: number,
  ): ComparedFigures =>
    figuresOf(before.entry(one), after.entry(other), {
      tail: limit,
      maxRegression,
      isLongEnough: before.isLongEnough && after.isLongEnough,
    });
  const comparePart = (
    kind: "class" | "group",
    name: string,
    pair: readonly [ComparedTotals, ComparedTotals],
  ): ComparedPart => ({
    name,
    ...compare(figuresByHistory(kind, name, [a, b], pair) ?? figures, pair, tail / parts),
  });
  const totals = compare(figures, [a.totals, b.totals], tail);
  const requests = names.map(([one, other]) => ({
    method: one.method,
    name: one.name,
    ...(isOne ? totals : compare(figures, [one, other], tail / parts)),
  }));
  const comparedClasses = classes.map(([one, other]) =>
    comparePart("class", one.name, [one.totals, other.totals])
  );
  const comparedGroups = groups.map(([one, other]) =>
    comparePart("group", one.name, [one.totals, other.totals])
  );
  const findings = [
    ...(isOne ? [totals] : [totals, ...requests, ...comparedClasses])
      .flatMap((row) => judged.map((figure) => row[figure].finding)),
    ...comparedGroups.flatMap((row) =>
      judgedFigures(row.unfinished).map((figure) => row[figure].finding)
    ),
  ];
  const count = (wanted: Finding): number => findings.filter((one) => one === wanted).length;
  return {
    maxRegression,
    confidence: CONFIDENCE,
    totals,
    requests,
    onlyInA: loneOf(a.requests, b.requests),
    onlyInB: loneOf(b.requests, a.requests),
    classes: comparedClasses,
    groups: comparedGroups,
    checks: comparedChecks(a, b),
    metrics: comparedMetrics(a, b),
    figures: findings.length,
    regressions: count("regression"),
    unclear: count("unclear"),
    warnings: [...comparabilityProblems(a, b), ...lonePartsOf(a, b)],
  };
}

/** A class or a group with its counts, which are those of requests or of groups that ended. */
interface PartOfRun {
  readonly name: string;
  readonly totals: ComparedTotals;
}

/** The classes of both runs; none if both have only one, which are all requests. */
function classPairs(a: ComparedRun, b: ComparedRun): [PartOfRun, PartOfRun][] {
  const [ours, theirs] = [a.classes ?? [], b.classes ?? []];
  return Math.max(ours.length, theirs.length) < 2 ? [] : pairsOf(ours, theirs, ({ name }) => name);
}

/** The groups of a run, with durations as latencies. */
function groupsOf({ groups = [], durationSeconds }: ComparedRun): PartOfRun[] {
  return groups.map((group) => ({
    name: group.name,
    totals: {
      requests: group.count,
      failures: group.failures,
      unfinished: group.unfinished,
      errorRate: group.errorRate,
      rate: durationSeconds === 0 ? 0 : group.count / durationSeconds,
      latencyMs: group.durationMs,
      lowerBounds: group.lowerBounds,
      failureLatencyMs: group.failureDurationMs,
      phases: undefined,
      histogram: group.histogram,
    },
  }));
}

/**
 * The figures of a class or a group with seconds of its own, so that they vary as it does, and not as all requests
 * do. `null` if the history is not known of both runs, or in steps of different lengths.
 */
function figuresByHistory(
  kind: "class" | "group",
  name: string,
  [a, b]: readonly [ComparedRun, ComparedRun],
  [one, other]: readonly [ComparedTotals, ComparedTotals],
): readonly [RunFigures, RunFigures] | null {
  const [ours, theirs] = [historyOf(a, kind, name), historyOf(b, kind, name)];
  if (ours === null || theirs === null || ours.stepSeconds !== theirs.stepSeconds) return null;
  const [before, after] = [secondsOfHistory(a, ours, one), secondsOfHistory(b, theirs, other)];
  return [new RunFigures(before, after), new RunFigures(after, before)];
}

/**
 * A run whose seconds follow each other as if it had not been paused. Those that a pause touches are missing: in
 * them, the target got less load than in others.
 */
function withoutPauses(run: ComparedRun): ComparedRun {
  const { pauses = [], timeline, histories } = run;
  if (pauses.length === 0) return run;
  return {
    ...run,
    timeline: unpausedSeconds(timeline, pauses)
      .map((row) => ({ ...row, second: row.second - pausedBefore(row.second, 1, pauses) })),
    ...(histories === undefined
      ? {}
      : { histories: histories.map((history) => historyWithoutPauses(history, pauses)) }),
  };
}

type ComparedPauses = NonNullable<ComparedRun["pauses"]>;

/** How many steps of this length before a moment a pause touches. */
function pausedBefore(from: number, step: number, pauses: ComparedPauses): number {
  const touched = new Set<number>();
  for (const pause of pauses) {
    const until = Math.min(pause.to ?? from, from);
    for (let at = Math.floor(pause.from / step); at * step < until; at++) touched.add(at);
  }
  return touched.size;
}

function historyWithoutPauses(history: ComparedHistory, pauses: ComparedPauses): ComparedHistory {
  const { stepSeconds: step, seconds } = history;
  if (step < 1) return history;
  const kept = [...seconds.keys()].filter((index) =>
    secondsOfPauses(pauses, seconds[index]!, seconds[index]! + step) === 0
  );
  const column = <Value>(values: readonly Value[]): Value[] => kept.map((index) => values[index]!);
  return {
    ...history,
    seconds: column(seconds).map((from) => from - step * pausedBefore(from, step, pauses)),
    requests: column(history.requests),
    failures: column(history.failures),
    p50: column(history.p50),
    p95: column(history.p95),
    p99: column(history.p99),
  };
}

type ComparedHistory = NonNullable<ComparedRun["histories"]>[number];

function historyOf(
  { histories = [] }: ComparedRun,
  kind: "class" | "group",
  name: string,
): ComparedHistory | null {
  const found = histories.find((history) => history.kind === kind && history.name === name);
  // A file that was edited by hand may have columns of different lengths.
  const columns = found === undefined
    ? []
    : [found.requests, found.failures, found.p50, found.p95, found.p99];
  const isWhole = columns.every(({ length }) => length === found!.seconds.length);
  return found === undefined || !isWhole || found.stepSeconds < 1 ? null : found;
}

/** A step counts as a second. */
function secondsOfHistory(
  { schema, durationSeconds }: ComparedRun,
  { stepSeconds, seconds, requests, failures, p50, p95, p99 }: ComparedHistory,
  totals: ComparedTotals,
): RunSeconds {
  return {
    schema,
    durationSeconds: durationSeconds / stepSeconds,
    totals,
    timeline: seconds.map((second, at) => ({
      second: Math.floor(second / stepSeconds),
      requests: requests[at]!,
      failures: failures[at]!,
      p50: p50[at]!,
      p95: p95[at]!,
      p99: p99[at]!,
    })),
  };
}

function comparedChecks(a: ComparedRun, b: ComparedRun): ComparedCheck[] {
  return pairsOf(a.checks ?? [], b.checks ?? [], ({ name }) => name).map(([one, other]) => {
    const [ours, theirs] = [one, other].map(({ passed, failed }): CheckCounts => {
      const count = passed + failed;
      return { count, rate: count === 0 ? 1 : passed / count };
    }) as [CheckCounts, CheckCounts];
    return { name: one.name, a: ours, b: theirs, change: theirs.rate - ours.rate };
  });
}

type MetricOfRun = NonNullable<ComparedRun["metrics"]>[number];

/** The figures of each type of metric, with the fields that have them. */
const METRIC_FIGURES: Readonly<
  Record<MetricType, readonly (readonly [figure: string, of: (row: MetricOfRun) => unknown])[]>
> = {
  counter: [["value", ({ value }) => value], ["perSecond", ({ perSecond }) => perSecond]],
  gauge: [["value", ({ value }) => value]],
  rate: [["rate", ({ rate }) => rate]],
  trend: [
    ["mean", ({ figures }) => figures?.mean],
    ["p50", ({ figures }) => figures?.p50],
    ["p95", ({ figures }) => figures?.p95],
    ["p99", ({ figures }) => figures?.p99],
  ],
};

function comparedMetrics(a: ComparedRun, b: ComparedRun): ComparedMetric[] {
  const key = ({ type, name }: MetricOfRun): string => `${type} ${name}`;
  return pairsOf(a.metrics ?? [], b.metrics ?? [], key).flatMap(([one, other]) =>
    METRIC_FIGURES[one.type].map(([figure, of]) => {
      const [before, after] = [of(one), of(other)]
        .map((value) => typeof value === "number" ? value : null) as [number | null, number | null];
      return {
        name: one.name,
        type: one.type,
        figure,
        unit: one.unit ?? "",
        a: before,
        b: after,
        change: metricChange(before, after, one.type),
      };
    })
  );
}

function metricChange(a: number | null, b: number | null, type: MetricType): number | null {
  if (a === null || b === null) return null;
  if (type === "rate") return b - a;
  return a === 0 ? null : (b - a) / Math.abs(a);
}

/** Sentences about classes, groups, checks and metrics that only one of the runs has. */
function lonePartsOf(a: ComparedRun, b: ComparedRun): string[] {
  const kinds = ["classes", "groups", "checks", "metrics"] as const;
  return kinds.flatMap((kind) => {
    const [ours, theirs] = [a[kind], b[kind]];
    // Earlier versions did not write them.
    if (ours === undefined || theirs === undefined) return [];
    const sentence = (label: string, own: Named[], others: Named[]): string[] => {
      const names = own.filter(({ name }) => !others.some((other) => other.name === name));
      return names.length === 0
        ? []
        : [`Only ${label} has the ${kind} ${names.map(({ name }) => name).join(", ")}.`];
    };
    return [...sentence("A", [...ours], [...theirs]), ...sentence("B", [...theirs], [...ours])];
  });
}

interface Named {
  readonly name: string;
}

/** The exit code of a comparison: 3 if there is a regression, else 0. */
export function comparisonExitCode({ regressions }: Comparison): number {
  return regressions > 0 ? ExitCode.threshold : ExitCode.passed;
}

function keyOf({ method, name }: UnmatchedName): string {
  return JSON.stringify([method, name]);
}

/** The rows of both runs with the same key, in the order of the first. */
function pairsOf<Row>(
  ours: readonly Row[],
  theirs: readonly Row[],
  key: (row: Row) => string,
): [Row, Row][] {
  const byKey = new Map(theirs.map((row) => [key(row), row]));
  return ours.flatMap((row): [Row, Row][] => {
    const other = byKey.get(key(row));
    return other === undefined ? [] : [[row, other]];
  });
}

function loneOf(
  ours: readonly ComparedRequest[],
  theirs: readonly ComparedRequest[],
): UnmatchedName[] {
  const keys = new Set(theirs.map(keyOf));
  return ours.filter((row) => !keys.has(keyOf(row))).map(({ method, name }) => ({ method, name }));
}

interface Terms {
  readonly tail: number;
  readonly maxRegression: number;
  readonly isLongEnough: boolean;
}

function figuresOf(a: EntryOfRun, b: EntryOfRun, terms: Terms): ComparedFigures {
  const count = Math.min(a.totals.requests, b.totals.requests);
  const known = terms.isLongEnough && count >= MIN_REQUESTS;
  const latenciesKnown = known &&
    Math.min(a.distribution.count, b.distribution.count) >= MIN_REQUESTS;
  const { tail, maxRegression } = terms;
  const unfinished = { a: unfinishedOf(a.totals), b: unfinishedOf(b.totals) };
  const lowerBounds = { a: a.totals.lowerBounds ?? [], b: b.totals.lowerBounds ?? [] };
  const latency = (
    figure: "mean" | keyof typeof QUANTILES,
    intervalOf: () => ConfidenceInterval,
  ): Difference =>
    ratioDifference(a.totals.latencyMs[figure], b.totals.latencyMs[figure], {
      interval: latenciesKnown ? opened(intervalOf(), figure, lowerBounds) : null,
      maxRegression,
      better: "lower",
    });
  const quantile = (figure: keyof typeof QUANTILES): Difference =>
    latency(figure, () => quantileInterval(a, b, QUANTILES[figure], tail));
  return {
    requests: { a: a.totals.requests, b: b.totals.requests },
    unfinished,
    rate: ratioDifference(a.totals.rate, b.totals.rate, {
      interval: known ? rateInterval(a, b, tail) : null,
      maxRegression,
      better: "higher",
    }),
    errorRate: errorDifference(a.totals.errorRate, b.totals.errorRate, {
      interval: known ? errorInterval(a, b, tail) : null,
      maxRegression,
    }),
    unfinishedRate: unfinishedDifference(a.totals, b.totals, terms),
    mean: latency("mean", () => meanInterval(a, b, tail)),
    p50: quantile("p50"),
    p95: quantile("p95"),
    p99: quantile("p99"),
    failureLatencies: timeChanges(a.totals.failureLatencyMs, b.totals.failureLatencyMs),
    phases: {
      connect: timeChanges(a.totals.phases?.connectMs, b.totals.phases?.connectMs),
      ttfb: timeChanges(a.totals.phases?.ttfbMs, b.totals.phases?.ttfbMs),
    },
    lowerBounds,
  };
}

/** Percentiles in milliseconds, if there are any. */
type Percentiles = Readonly<Record<"p50" | "p95", number | null>> | null | undefined;

function timeChanges(a: Percentiles, b: Percentiles): TimeChanges {
  const change = (figure: "p50" | "p95"): TimeChange => {
    const [before = null, after = null] = [a?.[figure], b?.[figure]];
    const isKnown = before !== null && after !== null && before > 0;
    return { a: before, b: after, change: isKnown ? after / before - 1 : null };
  };
  return { p50: change("p50"), p95: change("p95") };
}

/** Summaries of earlier versions do not contain it. */
function unfinishedOf({ unfinished }: ComparedTotals): number {
  return unfinished?.count ?? 0;
}

function unfinishedDifference(
  a: ComparedTotals,
  b: ComparedTotals,
  { tail, maxRegression, isLongEnough }: Terms,
): Difference {
  const [ours, theirs] = [a, b].map((totals) => {
    const unfinished = unfinishedOf(totals);
    const count = totals.requests + unfinished;
    return { share: count === 0 ? 0 : unfinished / count, count };
  }) as [ShareOfRun, ShareOfRun];
  const known = isLongEnough && Math.min(ours.count, theirs.count) >= MIN_REQUESTS;
  return errorDifference(ours.share, theirs.share, {
    interval: known ? shareInterval(ours, theirs, tail) : null,
    maxRegression,
  });
}

/** The interval of a ratio of two latencies, of which one or both are lower bounds. */
function opened(
  { low, high }: ConfidenceInterval,
  figure: LatencyFigure,
  { a, b }: ComparedFigures["lowerBounds"],
): ConfidenceInterval {
  return { low: a.includes(figure) ? 0 : low, high: b.includes(figure) ? Infinity : high };
}

/**
 * The conclusion about a difference, from its confidence interval:
 * - `regression`: the whole interval is worse than allowed
 * - `worse`: the whole interval is worse, but not all of it is worse than allowed
 * - `better`: the whole interval is better
 * - `same`: the whole interval is within what is allowed
 * - `unclear`: there were too few requests or seconds, or they varied too much
 */
export type Finding = "regression" | "worse" | "better" | "same" | "unclear";

/** One figure of two runs. */
export interface Difference {
  /** Latency in milliseconds, requests per second, or error rate, 0 to 1; `null` if there is none. */
  readonly a: number | null;
  readonly b: number | null;
  /** From a to b: 0.1 is 10 % more; for error rates, b minus a. `null` if it is unknown. */
  readonly change: number | null;
  /** The confidence interval of the change; `null` if it is unknown. */
  readonly low: number | null;
  readonly high: number | null;
  readonly finding: Finding;
}

/** The criteria for a difference. */
interface Judgement {
  /** The confidence interval; `null` if it is unknown. */
  readonly interval: ConfidenceInterval | null;
  /** How much worse the figure may be, as a share. */
  readonly maxRegression: number;
}

/**
 * The difference of two figures, as a share of the first.
 *
 * @param judgement with the interval of the ratio of b to a.
 */
export function ratioDifference(
  a: number | null,
  b: number | null,
  { interval, maxRegression, better }: Judgement & { readonly better: "lower" | "higher" },
): Difference {
  if (a === null || b === null || a === 0) return unknown(a, b, null);
  const change = b / a - 1;
  if (interval === null) return unknown(a, b, change);
  // The figures come from exact latencies and the interval from buckets, so rounding may differ.
  const low = Math.min(interval.low - 1, change);
  const high = Math.max(interval.high - 1, change);
  const [least, most] = better === "lower" ? [low, high] : [-high, -low];
  const finding = findingOf(least, most, maxRegression);
  return { a, b, change, low, high: Number.isFinite(high) ? high : null, finding };
}

/**
 * The difference of two error rates, by subtraction.
 *
 * @param judgement with the interval of b minus a.
 */
export function errorDifference(
  a: number,
  b: number,
  { interval, maxRegression }: Judgement,
): Difference {
  if (interval === null) return unknown(a, b, b - a);
  const { low, high } = interval;
  // A share of no errors is none: if A has none, any significant error rate is a regression.
  const finding = a === 0 && b === 0 ? "same" : findingOf(low, high, maxRegression * a);
  return { a, b, change: b - a, low, high, finding };
}

function unknown(a: number | null, b: number | null, change: number | null): Difference {
  return { a, b, change, low: null, high: null, finding: "unclear" };
}

/** The finding for an interval of how much worse a figure is. */
function findingOf(least: number, most: number, allowed: number): Finding {
  if (least > allowed) return "regression";
  if (least > 0) return "worse";
  if (most < 0) return "better";
  return least >= -allowed && most <= allowed ? "same" : "unclear";
}

/** The share by which the durations of comparable runs may differ. */
const LIKE_DURATION = 0.1;

/** Reasons for which two runs are not comparable, a sentence each. */
export function comparabilityProblems(a: ComparedRun, b: ComparedRun): string[] {
  const problems: string[] = [];
  const [short, long] = [a, b].map((run) => run.durationSeconds).sort((one, two) => one - two);
  if (a.mode !== b.mode) problems.push(`A was ${a.mode}, and B was ${b.mode}.`);
  if (a.users.peak !== b.users.peak) {
    problems.push(
      `A had up to ${formatAmount(a.users.peak, "user")}, and B up to ${
        formatAmount(b.users.peak, "user")
      }.`,
    );
  }
  if (long! - short! > LIKE_DURATION * long!) {
    problems.push(
      `A took ${formatElapsed(a.durationSeconds)}, and B ${formatElapsed(b.durationSeconds)}.`,
    );
  }
  if (short! < MIN_SECONDS) {
    problems.push(
      `${
        formatElapsed(short!)
      } is too short to tell a difference from chance: at least ${MIN_SECONDS} seconds are needed, and 30 are better.`,
    );
  }
  for (const [label, run, other] of [["A", a, b], ["B", b, a]] as const) {
    if (run.schema === 1 && other.schema > 1 && run.totals.failures > 0) {
      problems.push(
        `${label} was written by an earlier version, which did not keep latencies apart: they include ${
          formatAmount(run.totals.failures, "failed request")
        }.`,
      );
    }
    if (run.state === "running") {
      problems.push(
        `${label} was still going when its summary was written, or was killed after it: what came later is missing.`,
      );
    } else if (!run.complete) problems.push(`The counts of ${label} are incomplete.`);
    const unfinished = unfinishedOf(run.totals);
    if (unfinished > 0) {
      const amount = formatAmount(unfinished, "unfinished request");
      problems.push(`${label} has ${amount}: latencies with ≥ are lower bounds.`);
    }
  }
  return problems;
}
