/**
 * Two runs side by side: what differs, by how much, and how sure that is.
 *
 * @module
 */

import { ExitCode } from "../core/exit_code.ts";
import { type Bounds, errorBounds, meanBounds, quantileBounds, rateBounds } from "./bounds.ts";
import type { ComparedRequest, ComparedRun, ComparedTotals } from "./compared_run.ts";
import { type Difference, errorDifference, type Finding, ratioDifference } from "./difference.ts";
import { unlikeness } from "./likeness.ts";
import { type EntryOfRun, RunFigures } from "./run_figures.ts";

/** All figures of one name, or of all of them. */
export interface ComparedFigures {
  readonly requests: { readonly a: number; readonly b: number };
  readonly rate: Difference;
  readonly errorRate: Difference;
  readonly mean: Difference;
  readonly p50: Difference;
  readonly p95: Difference;
  readonly p99: Difference;
}

/** The figures that have a finding. */
export type Figure = Exclude<keyof ComparedFigures, "requests">;

/** All figures of one method and name. */
export interface ComparedName extends ComparedFigures {
  readonly method: string;
  readonly name: string;
}

/** A method and name that only one of the runs has. */
export interface LoneName {
  readonly method: string;
  readonly name: string;
}

/** What the comparison of two runs came to. */
export interface Comparison {
  /** What a regression has to exceed, as a share: 0.05. */
  readonly maxRegression: number;
  /** How likely all intervals together are right: 0.95. */
  readonly confidence: number;
  readonly totals: ComparedFigures;
  /** The names that both runs have, in the order of the first run. */
  readonly requests: readonly ComparedName[];
  readonly onlyInA: readonly LoneName[];
  readonly onlyInB: readonly LoneName[];
  /** How many figures were compared; those of an only name are those of the totals. */
  readonly figures: number;
  /** How many of them have got worse by more than is allowed, and of how many it cannot be told. */
  readonly regressions: number;
  readonly unclear: number;
  /** What makes the comparison doubtful. */
  readonly warnings: readonly string[];
}

/** All figures, in the order in which they are shown. */
export const FIGURES: readonly Figure[] = ["rate", "errorRate", "mean", "p50", "p95", "p99"];

/** All intervals of a comparison hold together with this probability. */
const CONFIDENCE = 0.95;

/** Fewer requests of a name say nothing. */
const FEWEST_REQUESTS = 20;

const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

/**
 * Compares run `b` with run `a`, which is the one to be as good as.
 *
 * Every difference has an interval. Two things make it wide: how few requests there were, and how much
 * the seconds of the runs differ, which is usually far more, since whatever disturbs a target disturbs
 * all requests of a moment. Where both runs rise and fall together, the n-th second of one is set against
 * the n-th of the other, so what the load itself does over time is no noise. As more is compared, each
 * interval is made wider, so that all of them hold together with 95 %: half of the risk goes to the
 * totals, and half to the names.
 *
 * What differs between two runs as a whole, such as another machine, nobody can tell from what the
 * target does.
 *
 * ```ts ignore
 * const before = await readSummaryFile(host, "before.json");
 * const after = await readSummaryFile(host, "after.json");
 * const { totals, regressions } = compareRuns(before, after, 0.05);
 * totals.p95; // { a: 102.2, b: 112.4, change: 0.1, low: 0.072, high: 0.128, finding: "regression" }
 * ```
 *
 * @param maxRegression how much worse a figure may be, as a share: 0.05.
 */
export function compareRuns(a: ComparedRun, b: ComparedRun, maxRegression: number): Comparison {
  const [before, after] = [new RunFigures(a, b), new RunFigures(b, a)];
  const names = pairsOf(a.requests, b.requests);
  const isOne = a.requests.length === 1 && b.requests.length === 1 && names.length === 1;
  // The risk of each end of an interval, where the names and the totals share it.
  const tail = (1 - CONFIDENCE) / 2 / FIGURES.length / (isOne ? 1 : 2);
  const compare = (one: ComparedTotals, other: ComparedTotals, limit: number): ComparedFigures =>
    figuresOf(before.entry(one), after.entry(other), {
      tail: limit,
      maxRegression,
      isLongEnough: before.isLongEnough,
    });
  const totals = compare(a.totals, b.totals, tail);
  const requests = names.map(([one, other]) => ({
    method: one.method,
    name: one.name,
    ...(isOne ? totals : compare(one, other, tail / names.length)),
  }));
  const findings = (isOne ? [totals] : [totals, ...requests])
    .flatMap((row) => FIGURES.map((figure) => row[figure].finding));
  const count = (wanted: Finding): number => findings.filter((one) => one === wanted).length;
  return {
    maxRegression,
    confidence: CONFIDENCE,
    totals,
    requests,
    onlyInA: loneOf(a.requests, b.requests),
    onlyInB: loneOf(b.requests, a.requests),
    figures: findings.length,
    regressions: count("regression"),
    unclear: count("unclear"),
    warnings: unlikeness(a, b),
  };
}

/** What a comparison exits with: 3 where there is a regression, and 0 otherwise. */
export function comparisonExitCode({ regressions }: Comparison): number {
  return regressions > 0 ? ExitCode.threshold : ExitCode.passed;
}

function keyOf({ method, name }: LoneName): string {
  return JSON.stringify([method, name]);
}

function pairsOf(
  ours: readonly ComparedRequest[],
  theirs: readonly ComparedRequest[],
): [ComparedRequest, ComparedRequest][] {
  const byKey = new Map(theirs.map((row) => [keyOf(row), row]));
  return ours.flatMap((row): [ComparedRequest, ComparedRequest][] => {
    const other = byKey.get(keyOf(row));
    return other === undefined ? [] : [[row, other]];
  });
}

function loneOf(
  ours: readonly ComparedRequest[],
  theirs: readonly ComparedRequest[],
): LoneName[] {
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
  const known = terms.isLongEnough && count >= FEWEST_REQUESTS;
  const latenciesKnown = known &&
    Math.min(a.distribution.count, b.distribution.count) >= FEWEST_REQUESTS;
  const { tail, maxRegression } = terms;
  const latency = (
    figure: "mean" | keyof typeof QUANTILES,
    boundsOf: () => Bounds,
  ): Difference =>
    ratioDifference(a.totals.latencyMs[figure], b.totals.latencyMs[figure], {
      bounds: latenciesKnown ? boundsOf() : null,
      maxRegression,
      better: "lower",
    });
  const quantile = (figure: keyof typeof QUANTILES): Difference =>
    latency(figure, () => quantileBounds(a, b, QUANTILES[figure], tail));
  return {
    requests: { a: a.totals.requests, b: b.totals.requests },
    rate: ratioDifference(a.totals.rate, b.totals.rate, {
      bounds: known ? rateBounds(a, b, tail) : null,
      maxRegression,
      better: "higher",
    }),
    errorRate: errorDifference(a.totals.errorRate, b.totals.errorRate, {
      bounds: known ? errorBounds(a, b, tail) : null,
      maxRegression,
    }),
    mean: latency("mean", () => meanBounds(a, b, tail)),
    p50: quantile("p50"),
    p95: quantile("p95"),
    p99: quantile("p99"),
  };
}
