import { UsageError } from "../../core/errors.ts";
import { checkCurves, type Curve } from "../curve.ts";
import { DEFAULT_MAX_USERS, isOverZero, type Load, shown } from "../target.ts";

/**
 * A curve of another size: users, rates and most users times a factor, in the same time.
 *
 * ```ts
 * import { hold } from "./hold.ts";
 * import { scaled } from "./scaled.ts";
 * import assert from "node:assert/strict";
 *
 * const half = scaled(hold({ seconds: 60, users: 25, rate: 5 }), 0.5);
 * assert.deepEqual(half.at(0), { users: 13, rate: 2.5 });
 * ```
 *
 * @param factor over 0; users are rounded, and most users rounded up.
 * @throws UsageError where the factor is anything else.
 */
export function scaled(curve: Curve, factor: number): Curve {
  checkCurves("scaled", [curve]);
  if (!isOverZero(factor)) {
    throw new UsageError(`scaled: the factor is ${shown(factor)}, a number over 0 is needed`);
  }
  const at = (t: number): Load | null => {
    const load = curve.at(t);
    return load === null ? null : times(load, factor);
  };
  return { ...steps(curve), seconds: curve.seconds, at };
}

function times(load: Load, factor: number): Load {
  if ("users" in load) {
    const users = Math.round(load.users * factor);
    return load.rate === undefined ? { users } : { users, rate: load.rate * factor };
  }
  const { arrivalRate, maxUsers = DEFAULT_MAX_USERS } = load;
  return { arrivalRate: arrivalRate * factor, maxUsers: Math.ceil(maxUsers * factor) };
}

function steps(curve: Curve): Pick<Curve, "stepAt"> {
  return curve.stepAt === undefined ? {} : { stepAt: (t) => curve.stepAt!(t) };
}
