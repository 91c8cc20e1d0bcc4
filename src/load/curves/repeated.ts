import { UsageError } from "../../core/errors.ts";
import { checkCurves, type Curve } from "../curve.ts";
import { shown } from "../target.ts";
import { inSequence } from "./in_sequence.ts";

/**
 * A curve several times in sequence.
 *
 * ```ts
 * import { repeated } from "./repeated.ts";
 * import { wave } from "./wave.ts";
 * import assert from "node:assert/strict";
 *
 * const week = repeated(wave({ seconds: 600, users: { from: 20, to: 100 } }), 7);
 * assert.equal(week.seconds, 4200);
 * assert.deepEqual(week.at(2099), { users: 100 });
 * ```
 *
 * @param times how often: a whole number of 1 or more.
 * @throws UsageError where it is anything else, or the curve has no end.
 */
export function repeated(curve: Curve, times: number): Curve {
  checkCurves("repeated", [curve]);
  if (!Number.isSafeInteger(times) || times < 1 || times > MOST_TIMES) {
    throw new UsageError(
      `repeated: times is ${shown(times)}, a whole number from 1 to ${MOST_TIMES} is needed`,
    );
  }
  if (curve.seconds === null) throw new UsageError("repeated: the curve has no end, one is needed");
  return inSequence(...Array.from({ length: times }, () => curve));
}

/** Far more than any test lasts, and few enough to be looked through every second. */
const MOST_TIMES = 1000;
