import { UsageError } from "../../core/errors.ts";
import { checkCurves, type Curve, type CurveStep } from "../curve.ts";
import type { Load } from "../target.ts";

/**
 * Curves one after the other.
 *
 * ```ts
 * import { hold } from "./hold.ts";
 * import { inSequence } from "./in_sequence.ts";
 * import { ramp } from "./ramp.ts";
 * import assert from "node:assert/strict";
 *
 * const curve = inSequence(
 *   ramp({ seconds: 60, users: { from: 0, to: 100 } }),
 *   hold({ seconds: 30, users: 100 }),
 * );
 * assert.equal(curve.seconds, 90);
 * assert.deepEqual(curve.at(75), { users: 100 });
 * ```
 *
 * @throws UsageError where one but the last has no end, or some have users and others arrivals.
 */
export function inSequence(...curves: readonly Curve[]): Curve {
  checkCurves("inSequence", curves);
  const starts = [0];
  for (const [index, { seconds }] of curves.slice(0, -1).entries()) {
    if (seconds === null) {
      throw new UsageError(`inSequence: the curve at index ${index} has no end, only the last may`);
    }
    starts.push(starts[index]! + seconds);
  }
  const { seconds: lastSeconds } = curves.at(-1)!;
  const seconds = lastSeconds === null ? null : starts.at(-1)! + lastSeconds;
  /** The curve that it is the time of, and that curve's own time. */
  const partAt = (t: number): { readonly index: number; readonly own: number } => {
    const index = Math.max(0, starts.findLastIndex((start) => t >= start));
    // Rounding must not take a moment just before a curve's end to the end itself.
    const last = (curves[index]!.seconds ?? Infinity) * (1 - 2 ** -53);
    return { index, own: Math.min(t - starts[index]!, last) };
  };

  const at = (t: number): Load | null => {
    if (seconds !== null && t >= seconds) return null;
    const { index, own } = partAt(t);
    return curves[index]!.at(own);
  };
  if (curves.every(({ stepAt }) => stepAt === undefined)) return { seconds, at };

  const stepAt = (t: number): CurveStep | null => {
    if (seconds !== null && t >= seconds) return null;
    const { index, own } = partAt(t);
    const step = curves[index]!.stepAt?.(own) ?? null;
    if (step === null) return null;
    const start = starts[index]!;
    // The next curve's own start, not a sum that may be rounded to just before it.
    const isLast = step.skipTo === curves[index]!.seconds;
    const skipTo = isLast ? starts[index + 1] ?? seconds! : start + step.skipTo;
    return { ...step, startsAt: start + step.startsAt, skipTo };
  };
  return { seconds, at, stepAt };
}
