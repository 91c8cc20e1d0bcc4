/**
 * What one run is to do, settled before anything runs.
 *
 * @module
 */

import { type LoadUserShape, stagesOf } from "./load_user_shape.ts";
import type { Target } from "./target.ts";

/** One run's load, from flags that have been validated; nothing here changes what they say. */
export interface Plan {
  /** Users to run; a shape replaces it. */
  readonly users: number;
  /** Users started or stopped a second; a shape replaces it. */
  readonly rate: number;
  /** Seconds from the test's start to its end, null for no end; a shape replaces it. */
  readonly runTime: number | null;
  /** Seconds that a stopping user's test may still run. */
  readonly stopTimeout: number;
  /** Decides the load, where the test file has one. */
  readonly shape: LoadUserShape | null;
}

/**
 * What the load should be when the test has run for so long; null when the test is over.
 *
 * ```ts
 * import { targetAt } from "./plan.ts";
 * import assert from "node:assert/strict";
 *
 * const plan = { users: 100, rate: 10, runTime: 60, stopTimeout: 2, shape: null };
 * assert.deepEqual(targetAt(plan, 59.9), { users: 100, rate: 10 });
 * assert.equal(targetAt(plan, 60), null);
 * ```
 *
 * @param runTime seconds since the test's start.
 * @throws UsageError where the shape gave something that is no target.
 */
export function targetAt(plan: Plan, runTime: number): Target | null {
  if (plan.shape !== null) return plan.shape.at(runTime);
  if (plan.runTime !== null && runTime >= plan.runTime) return null;
  return { users: plan.users, rate: plan.rate };
}

/** Seconds that the test is going to take, or null where nobody knows beforehand. */
export function plannedSeconds(plan: Plan): number | null {
  if (plan.shape === null) return plan.runTime;
  const stages = stagesOf(plan.shape);
  return stages === null ? null : stages.reduce((sum, { duration }) => sum + duration, 0);
}
