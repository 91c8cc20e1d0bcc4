/**
 * One figure of two runs, with what it says.
 *
 * @module
 */

import type { Bounds } from "./bounds.ts";

/**
 * What is known of a difference:
 * - `regression`: worse by more than is allowed, whichever end of the interval is true
 * - `worse`: worse, but perhaps not by more than is allowed
 * - `better`
 * - `same`: if there is a difference, it is smaller than what is allowed
 * - `unclear`: there were too few requests or seconds, or they were too unlike, to tell
 */
export type Finding = "regression" | "worse" | "better" | "same" | "unclear";

/** One figure of two runs. */
export interface Difference {
  /** Latencies in milliseconds, rates in requests a second, error rates 0 to 1; null where there is none. */
  readonly a: number | null;
  readonly b: number | null;
  /** From a to b: 0.1 is 10 % more; of error rates, b less a. Null where it cannot be told. */
  readonly change: number | null;
  /** Within these bounds lies what the change is without chance; null where nothing is known of them. */
  readonly low: number | null;
  readonly high: number | null;
  readonly finding: Finding;
}

/** What a difference is judged by. */
export interface Judgement {
  /** Null where nothing is known of what chance does. */
  readonly bounds: Bounds | null;
  /** How much worse the figure may be, as a share. */
  readonly maxRegression: number;
}

/**
 * How two figures differ, as a share of the first.
 *
 * ```ts
 * import { ratioDifference } from "./difference.ts";
 * import assert from "node:assert/strict";
 *
 * const bounds = { low: 1.07, high: 1.13 };
 * const judgement = { bounds, maxRegression: 0.05, better: "lower" as const };
 * const { change, finding } = ratioDifference(20, 22, judgement);
 * assert.equal(change!.toFixed(3), "0.100");
 * assert.equal(finding, "regression");
 * ```
 *
 * @param judgement with bounds of the ratio of b to a, and which figure is the better one.
 */
export function ratioDifference(
  a: number | null,
  b: number | null,
  { bounds, maxRegression, better }: Judgement & { readonly better: "lower" | "higher" },
): Difference {
  if (a === null || b === null || a === 0) return unknown(a, b, null);
  const change = b / a - 1;
  if (bounds === null) return unknown(a, b, change);
  // The figures come from all latencies as they were, the bounds from buckets: each may be rounded.
  const low = Math.min(bounds.low - 1, change);
  const high = Math.max(bounds.high - 1, change);
  const [least, most] = better === "lower" ? [low, high] : [-high, -low];
  const finding = findingOf(least, most, maxRegression);
  return { a, b, change, low, high: Number.isFinite(high) ? high : null, finding };
}

/**
 * How two error rates differ, by subtraction.
 *
 * @param judgement with bounds of b less a.
 */
export function errorDifference(
  a: number,
  b: number,
  { bounds, maxRegression }: Judgement,
): Difference {
  if (bounds === null) return unknown(a, b, b - a);
  const { low, high } = bounds;
  // Of no errors, no share is allowed either: any that chance does not explain are a regression.
  const finding = a === 0 && b === 0 ? "same" : findingOf(low, high, maxRegression * a);
  return { a, b, change: b - a, low, high, finding };
}

function unknown(a: number | null, b: number | null, change: number | null): Difference {
  return { a, b, change, low: null, high: null, finding: "unclear" };
}

/** What bounds of how much worse it is say. */
function findingOf(least: number, most: number, allowed: number): Finding {
  if (least > allowed) return "regression";
  if (least > 0) return "worse";
  if (most < 0) return "better";
  return least >= -allowed && most <= allowed ? "same" : "unclear";
}
