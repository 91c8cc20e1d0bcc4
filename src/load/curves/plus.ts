import { checkCurves, type Curve, mixed } from "../curve.ts";
import { DEFAULT_MAX_USERS, type Load } from "../target.ts";

/**
 * Curves one upon the other: the sum of their users, or of their arrival rates and most users. It lasts
 * as long as the longest one. Users change at the sum of the rates where each has one, else within a
 * second.
 *
 * ```ts
 * import { hold } from "./hold.ts";
 * import { plus } from "./plus.ts";
 * import { spike } from "./spike.ts";
 * import assert from "node:assert/strict";
 *
 * const curve = plus(
 *   hold({ seconds: 60, users: 100 }),
 *   spike({ seconds: 30, users: { from: 0, to: 50 } }),
 * );
 * assert.deepEqual(curve.at(15), { users: 150 });
 * assert.deepEqual(curve.at(45), { users: 100 });
 * ```
 *
 * @throws UsageError where some have users and others arrivals.
 */
export function plus(...curves: readonly Curve[]): Curve {
  checkCurves("plus", curves);
  const seconds = curves.some((curve) => curve.seconds === null)
    ? null
    : Math.max(...curves.map((curve) => curve.seconds!));
  const at = (t: number): Load | null =>
    curves
      .map((curve) => curve.seconds !== null && t >= curve.seconds ? null : curve.at(t))
      .filter((load) => load !== null)
      .reduce<Load | null>((sum, load) => sum === null ? load : sumOf(sum, load), null);
  const stepping = curves.filter(({ stepAt }) => stepAt !== undefined);
  if (stepping.length === 0) return { seconds, at };
  return {
    seconds,
    at,
    stepAt: (t) =>
      stepping.values().map((curve) => curve.stepAt!(t)).find((step) => step !== null) ?? null,
  };
}

function sumOf(one: Load, other: Load): Load {
  if ("users" in one && "users" in other) {
    const users = one.users + other.users;
    const { rate } = one;
    return rate === undefined || other.rate === undefined
      ? { users }
      : { users, rate: rate + other.rate };
  }
  if ("users" in one || "users" in other) throw mixed("plus");
  const { maxUsers = DEFAULT_MAX_USERS } = one;
  return {
    arrivalRate: one.arrivalRate + other.arrivalRate,
    maxUsers: maxUsers + (other.maxUsers ?? DEFAULT_MAX_USERS),
  };
}
