/**
 * What one run is to do, settled before anything runs.
 *
 * @module
 */

import type { Spacing, WhenBusy } from "../core/run_info.ts";
import { isArrivals, type LoadTarget } from "./load.ts";
import type { LoadUserShape, ShapeView } from "./load_user_shape.ts";

/** Passes that start on a schedule, whatever the target does. */
export interface PlannedArrivals {
  /** Passes a second: 0 or more, may be a fraction. */
  readonly rate: number;
  /** The most users that may be busy at once: a whole number of 1 or more. */
  readonly maxUsers: number;
}

/** One run's load, from flags that have been validated; nothing here changes what they say. */
export interface Plan {
  /** Users to run; arrivals or a shape replace it. */
  readonly users: number;
  /** Users started or stopped a second; arrivals or a shape replace it. */
  readonly rate: number;
  /** Seconds from the test's start to its end, null for no end; a shape replaces it. */
  readonly runTime: number | null;
  /** Seconds that a stopping user's test may still run. */
  readonly stopTimeout: number;
  /** Decides the load, where the test file has one. */
  readonly shape: LoadUserShape | null;
  /** The open model's load; null: the closed model. A shape replaces it. */
  readonly arrivals: PlannedArrivals | null;
  /** How the passes of an open load are spaced. */
  readonly spacing: Spacing;
  /** What becomes of a pass of an open load that is due while all users are busy. */
  readonly onBusy: WhenBusy;
  /** Passes in all, after which the test ends; null: no such end. */
  readonly iterations: number | null;
}

/**
 * What the load should be when the test has run for so long; null when the test is over.
 *
 * @param runTime seconds since the test's start.
 * @param view what the shape may know of the run.
 * @throws UsageError where the shape gave something that is no load.
 */
export function targetAt(plan: Plan, runTime: number, view?: ShapeView): LoadTarget | null {
  if (plan.shape !== null) return plan.shape.at(runTime, view);
  if (plan.runTime !== null && runTime >= plan.runTime) return null;
  if (plan.arrivals === null) return { users: plan.users, rate: plan.rate };
  const { rate, maxUsers } = plan.arrivals;
  return { arrivalRate: rate, maxUsers };
}

/**
 * Whether passes begin on a schedule, whatever the target does, and users come as they are needed: the
 * open model.
 */
export function isOpen(plan: Plan): boolean {
  if (plan.shape === null) return plan.arrivals !== null;
  try {
    const target = plan.shape.at(0);
    return target !== null && isArrivals(target);
  } catch {
    // Whoever drives the load finds out, and says what is wrong.
    return false;
  }
}

/** Seconds that the test is going to take, or null where nobody knows beforehand. */
export function plannedSeconds(plan: Plan): number | null {
  return plan.shape === null ? plan.runTime : plan.shape.plannedSeconds();
}
