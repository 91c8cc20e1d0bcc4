import type { Curve } from "./curve.ts";
import { type Load, type LoadTarget, settledLoad } from "./target.ts";

/** The step that a load is in which is raised until something breaks. */
export interface LoadStep {
  /** The first one's is 0. */
  readonly index: number;
  /** The load when it began. */
  readonly target: LoadTarget;
  /** Seconds from the test's start to the step's. */
  readonly startedAt: number;
}

/** What a load that is raised until something breaks has shown. */
export interface BrokenLoad {
  /** The highest load that passed; null where not even the first one did. */
  readonly passed: LoadTarget | null;
  /** The first load that did not; null where nothing broke. */
  readonly broke: LoadTarget | null;
  /** The threshold that was crossed then. */
  readonly threshold: string | null;
}

/**
 * A curve on its way: all that a run adds to it. Where something breaks, the curve's time jumps to what
 * comes after its steps; else it is the test's own.
 *
 * ```ts
 * import { CurveRun } from "./curve_run.ts";
 * import { hold } from "./curves/hold.ts";
 * import { inSequence } from "./curves/in_sequence.ts";
 * import { stepUntilItBreaks } from "./curves/step_until_it_breaks.ts";
 * import assert from "node:assert/strict";
 *
 * const run = new CurveRun(inSequence(
 *   stepUntilItBreaks({ stepSeconds: 30, users: { from: 10, step: 10, to: 100 } }),
 *   hold({ seconds: 5, users: 1 }),
 * ));
 * assert.deepEqual(run.at(29, null), { users: 10 });
 * assert.deepEqual(run.at(30, null), { users: 20 });
 * assert.deepEqual(run.at(31, "p95<200ms"), { users: 1 });
 * assert.equal(run.at(36, null), null);
 * assert.deepEqual(run.brokenLoad, {
 *   passed: { users: 10, rate: 10 },
 *   broke: { users: 20, rate: 20 },
 *   threshold: "p95<200ms",
 * });
 * ```
 */
export class CurveRun {
  readonly #curve: Curve;
  /** The curve's time and the test's, at the last jump. */
  #jump = { to: 0, at: 0 };
  #askedAt = -1;
  #passed: LoadTarget | null = null;
  #broke: { readonly target: LoadTarget; readonly threshold: string } | null = null;

  constructor(curve: Curve) {
    this.#curve = curve;
  }

  /** Null where the curve is none that is raised until something breaks. */
  get brokenLoad(): BrokenLoad | null {
    if (this.#curve.stepAt === undefined) return null;
    return {
      passed: this.#passed,
      broke: this.#broke?.target ?? null,
      threshold: this.#broke?.threshold ?? null,
    };
  }

  /**
   * The curve's load when the test has run for so long; null when the curve is over.
   *
   * @param seconds since the test's start; they never go back.
   * @param crossed the threshold that the step until now has crossed; null: none.
   */
  at(seconds: number, crossed: string | null): Load | null {
    if (seconds > this.#askedAt) {
      const step = this.stepAt(this.#askedAt);
      if (step !== null) this.#judge(step, seconds, crossed);
      this.#askedAt = seconds;
    }
    return this.#loadAt(this.#curveTime(seconds));
  }

  /** The step that the load is in at this moment, which is none before the last one asked for. */
  stepAt(seconds: number): LoadStep | null {
    if (seconds < 0) return null;
    const step = this.#curve.stepAt?.(this.#curveTime(seconds)) ?? null;
    if (step === null) return null;
    return {
      index: step.index,
      target: settledLoad(this.#curve.at(step.startsAt + ROUNDING_SECONDS)!),
      startedAt: Math.max(this.#jump.at, this.#jump.at + step.startsAt - this.#jump.to),
    };
  }

  /** What is known of the step until now, at the first moment after its last second. */
  #judge(step: LoadStep, now: number, crossed: string | null): void {
    const { skipTo } = this.#curve.stepAt!(this.#curveTime(this.#askedAt))!;
    if (crossed !== null) {
      this.#broke ??= { target: step.target, threshold: crossed };
      if (this.#curveTime(now) < skipTo) this.#jump = { to: skipTo, at: now };
      return;
    }
    const isOver = this.stepAt(now)?.startedAt !== step.startedAt;
    if (isOver && this.#broke === null && isHigher(step.target, this.#passed)) {
      this.#passed = step.target;
    }
  }

  #curveTime(seconds: number): number {
    return this.#jump.to + (seconds - this.#jump.at);
  }

  #loadAt(t: number): Load | null {
    return this.#curve.seconds !== null && t >= this.#curve.seconds ? null : this.#curve.at(t);
  }
}

/** Sums of times may be rounded to just before the step that they are meant to lie in. */
const ROUNDING_SECONDS = 1e-6;

function isHigher(one: LoadTarget, other: LoadTarget | null): boolean {
  return other === null || amount(one) > amount(other);
}

function amount(load: LoadTarget): number {
  return "users" in load ? load.users : load.arrivalRate;
}
