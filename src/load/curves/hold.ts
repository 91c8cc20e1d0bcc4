import { UsageError } from "../../core/errors.ts";
import type { Curve } from "../curve.ts";
import { type Load, loadTargetProblem, settledLoad } from "../target.ts";
import { checkSeconds } from "./span.ts";

/** One load, and how long it lasts. */
export type HoldOptions = Load & {
  /** In seconds: over 0; default: without end. */
  readonly seconds?: number;
};

/**
 * The same load all the time.
 *
 * ```ts
 * import { hold } from "./hold.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(hold({ seconds: 60, users: 100, rate: 5 }).at(59), { users: 100, rate: 5 });
 * assert.deepEqual(hold({ arrivalRate: 2.5 }).at(1e6), { arrivalRate: 2.5 });
 * ```
 *
 * @throws UsageError where the options are none.
 */
export function hold(options: HoldOptions): Curve {
  const { seconds, ...load } = options;
  if (seconds !== undefined) checkSeconds("hold", seconds);
  const problem = loadTargetProblem({ ...settledLoad(load), ...load });
  if (problem !== null) throw new UsageError(`hold: ${problem}`);
  return { seconds: seconds ?? null, at: (t) => t < (seconds ?? Infinity) ? load : null };
}
