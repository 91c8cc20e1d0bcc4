import { UsageError } from "../../core/errors.ts";
import type { Curve, CurveStep } from "../curve.ts";
import { isOverZero, type Load, shown } from "../target.ts";
import { type ArrivalOption, readSizes, type Span, type UserOption } from "./span.ts";

/** The loads of a curve that goes up in steps. */
export interface SteppedSpan extends Span {
  /** How much higher each step is than the one before: over 0. */
  readonly step: number;
}

/** How long each step lasts, and how high the steps are: of users, or of passes that start a second. */
export type StepOptions =
  & {
    /** Seconds, 1 or more: enough for thresholds to be judged by what a step alone has shown. */
    readonly stepSeconds: number;
  }
  & (UserOption<SteppedSpan> | ArrivalOption<SteppedSpan>);

/**
 * Raises the load step by step until a threshold of the test is crossed, or until the highest load, with
 * which the last step is made, has passed too. The report names the highest load that passed.
 *
 * Each step is judged by its own seconds alone. Where it crosses a threshold the curve is over, and what
 * follows it in a sequence begins.
 *
 * ```ts
 * import { stepUntilItBreaks } from "./step_until_it_breaks.ts";
 * import assert from "node:assert/strict";
 *
 * const curve = stepUntilItBreaks({
 *   stepSeconds: 30,
 *   arrivalRate: { from: 100, step: 100, to: 250 },
 * });
 * assert.equal(curve.seconds, 90);
 * assert.deepEqual([0, 30, 60].map((t) => curve.at(t)), [
 *   { arrivalRate: 100 },
 *   { arrivalRate: 200 },
 *   { arrivalRate: 250 },
 * ]);
 * ```
 *
 * @throws UsageError where the options are none.
 */
export function stepUntilItBreaks(options: StepOptions): Curve {
  const { stepSeconds } = options;
  if (!isOverZero(stepSeconds) || stepSeconds < 1) {
    throw new UsageError(
      `stepUntilItBreaks: stepSeconds is ${shown(stepSeconds)}, a number of 1 or more is needed`,
    );
  }
  const { sizes: { from, to, step }, load } = readSizes(
    "stepUntilItBreaks",
    options,
    ["from", "step", "to"],
  );
  if (step === 0 || to < from) {
    throw new UsageError(
      `stepUntilItBreaks: from ${from} in steps of ${step} to ${to} leads nowhere`,
      "The steps go up: step is over 0, and to is not below from.",
    );
  }
  // What is a whole number of steps but for rounding has no step more.
  const count = 1 + Math.ceil((to - from) / step - 1e-9);
  const seconds = count * stepSeconds;
  const indexAt = (t: number): number => Math.min(count - 1, Math.floor(t / stepSeconds));
  return {
    seconds,
    at: (t: number): Load | null =>
      t < seconds ? load(Math.min(to, from + indexAt(t) * step)) : null,
    stepAt: (t: number): CurveStep | null => {
      if (t >= seconds) return null;
      const index = indexAt(t);
      return { index, startsAt: index * stepSeconds, skipTo: seconds };
    },
  };
}
