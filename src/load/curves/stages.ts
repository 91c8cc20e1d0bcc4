import { UsageError } from "../../core/errors.ts";
import type { Curve } from "../curve.ts";
import { isObject, isOverZero, type Load, loadTargetProblem, shown } from "../target.ts";

/** One part of a load's time. */
export type Stage = UserStage | ArrivalStage;

/** A part in which so many users should run. */
export interface UserStage {
  /** Seconds that this stage lasts, whatever came before it: over 0. */
  readonly duration: number;
  /** Users that should run: a whole number of 0 or more. */
  readonly users: number;
  /** Users started or stopped a second: over 0, may be a fraction. */
  readonly rate: number;
}

/** A part in which so many passes should start. */
export interface ArrivalStage {
  /** Seconds that this stage lasts, whatever came before it: over 0. */
  readonly duration: number;
  /** Passes a second: 0 or more, may be a fraction. */
  readonly arrivalRate: number;
  /** The most users that may be busy at once: a whole number of 1 or more, default 1,000. */
  readonly maxUsers?: number;
}

/**
 * Loads one after the other, each for its own duration. Users go from one to the next at the rate of the
 * later one.
 *
 * ```ts
 * import { stages } from "./stages.ts";
 * import assert from "node:assert/strict";
 *
 * const curve = stages([
 *   { duration: 60, users: 100, rate: 10 },
 *   { duration: 30, users: 300, rate: 50 },
 * ]);
 * assert.equal(curve.seconds, 90);
 * assert.deepEqual(curve.at(60), { users: 300, rate: 50 });
 * ```
 *
 * @throws UsageError where one of them is no stage, or some have users and others arrivals.
 */
export function stages(list: readonly Stage[]): Curve {
  const problem = stagesProblem(list);
  if (problem !== null) throw new UsageError(`stages${problem}`);
  const loads: readonly Load[] = list.map(({ duration: _, ...load }) => load);
  const seconds = list.reduce((sum, { duration }) => sum + duration, 0);
  const at = (t: number): Load | null => {
    let end = 0;
    const index = list.findIndex(({ duration }) => t < (end += duration));
    return index < 0 ? null : loads[index]!;
  };
  return { seconds, at };
}

/** What is wrong with a list of stages, to follow its name; null where it can be run. */
export function stagesProblem(list: unknown): string | null {
  if (!Array.isArray(list)) {
    return ` is ${shown(list)}, a list of { duration, users, rate } is needed`;
  }
  for (const [index, stage] of list.entries()) {
    const problem = stageProblem(stage, list[0]);
    if (problem !== null) return `[${index}]: ${problem}`;
  }
  return null;
}

function stageProblem(stage: unknown, first: Stage): string | null {
  if (!isObject(stage)) return `the stage is ${shown(stage)}, { duration, users, rate } is needed`;
  const { duration } = stage;
  if (!isOverZero(duration)) {
    return `duration is ${shown(duration)}, a number of seconds over 0 is needed`;
  }
  const problem = loadTargetProblem(stage);
  if (problem !== null) return problem;
  return "users" in stage === "users" in first
    ? null
    : "users and arrivals are mixed, a test has one of them from its beginning to its end";
}
