/**
 * What a curve is: a load over time.
 *
 * @module
 */

import { isObject, isPositive, type Load, mustBe } from "./load.ts";

/**
 * A load over time. Any object with these two members is one:
 *
 * ```ts
 * import type { Curve } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * const sawtooth: Curve = { seconds: 90, at: (t) => ({ users: 10 + Math.floor(t % 30) }) };
 * assert.deepEqual(sawtooth.at(31), { users: 11 });
 * ```
 */
export interface Curve {
  /** How long the curve lasts, in seconds: over 0, or `null` if it has no end. */
  readonly seconds: number | null;
  /**
   * The load to head for from this moment until about a second later; `null` if the curve is over. The
   * same moment always gives the same load.
   *
   * @param t seconds since the curve started, from 0 to below {@link seconds}.
   */
  at(t: number): Load | null;
  /**
   * The step that the curve is in at this moment, or `null` if it is in none. Only curves that raise the
   * load until something breaks have this method.
   */
  stepAt?(t: number): CurveStep | null;
}

/** One step of a load that is raised until something breaks; times are seconds since the curve started. */
export interface CurveStep {
  /** The number of the step, from 0. */
  readonly index: number;
  /** When the step starts. */
  readonly startsAt: number;
  /** Where the curve continues if this step breaks something. */
  readonly skipTo: number;
}

/** What is wrong with a curve, or `null` if it is valid. */
export function curveProblem(value: unknown): string | null {
  if (!isObject(value) || typeof value.at !== "function") {
    return mustBe("a curve", "{ seconds, at(t) }", value);
  }
  return value.seconds === null || isPositive(value.seconds)
    ? null
    : mustBe("the seconds of a curve", "a number over 0 or null", value.seconds);
}

/** The reason why users and arrivals cannot be mixed. */
export const ONE_MODEL = "a test has either users or an arrival rate from start to end";
