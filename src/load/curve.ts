/**
 * Curves: loads over time that can be put together.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { isObject, isOverZero, type Load, shown } from "./target.ts";

/**
 * A load over time. The ready-made ones are curves, and any object with these two members is one:
 *
 * ```ts
 * import type { Curve } from "./curve.ts";
 * import assert from "node:assert/strict";
 *
 * const sawtooth: Curve = { seconds: 90, at: (t) => ({ users: 10 + Math.floor(t % 30) }) };
 * assert.deepEqual(sawtooth.at(31), { users: 11 });
 * ```
 */
export interface Curve {
  /** How long it lasts, in seconds: over 0, and null where it has no end. */
  readonly seconds: number | null;
  /**
   * What to head for from this moment on, until about a second later; null where the curve is over. The
   * same moment always gets the same answer.
   *
   * @param t seconds since the curve began, from 0 to below {@link seconds}.
   */
  at(t: number): Load | null;
  /**
   * Only where a curve raises its load until something breaks: the step that it is in, and null where it
   * is in none.
   */
  stepAt?(t: number): CurveStep | null;
}

/** One step of a load that is raised until something breaks; times in seconds since the curve began. */
export interface CurveStep {
  /** The first one's is 0. */
  readonly index: number;
  /** When it begins. */
  readonly startsAt: number;
  /** Where the curve goes on once this step has broken something. */
  readonly skipTo: number;
}

/**
 * Makes sure that a curve is being built of curves: a test file may be JavaScript.
 *
 * @param maker who was given them, for the message.
 * @throws UsageError where one is none, or where some have users and others arrivals.
 */
export function checkCurves(maker: string, curves: readonly unknown[]): void {
  if (curves.length === 0) throw new UsageError(`${maker}: no curve was given, one is needed`);
  for (const curve of curves) {
    const problem = curveProblem(curve);
    if (problem !== null) throw new UsageError(`${maker}: ${problem}`);
  }
  const [first, ...others] = (curves as readonly Curve[]).map((curve) => curve.at(0));
  if (others.some((load) => first && load && "users" in first !== "users" in load)) {
    throw mixed(maker);
  }
}

/** Why curves cannot be put together of which some have users and others arrivals. */
export function mixed(maker: string): UsageError {
  return new UsageError(
    `${maker}: users and arrivals were mixed`,
    "A test has either users or an arrival rate, from its beginning to its end.",
  );
}

/** What keeps a value from being a curve, or null where it is one. */
export function curveProblem(value: unknown): string | null {
  if (!isObject(value) || typeof value.at !== "function") {
    return `${shown(value)} is no curve, { seconds, at(t) } is needed`;
  }
  return value.seconds === null || isOverZero(value.seconds)
    ? null
    : `a curve's seconds are ${shown(value.seconds)}, a number over 0 is needed, or null`;
}
