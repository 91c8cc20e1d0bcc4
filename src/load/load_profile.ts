/**
 * What one run is to do, settled before anything runs.
 *
 * @module
 */

import type { Spacing, WhenBusy } from "../core/run_info.ts";
import { isArrivals, type ResolvedLoad } from "./load.ts";
import type { LoadUserShape, ShapeView } from "./load_user_shape.ts";

/** The load of one run over time, from flags that have been validated. */
export interface LoadProfile {
  /** The load from start to end; not used if there is a {@link shape}. */
  readonly load: ResolvedLoad;
  /** How long the test runs, in seconds; `null` if it has no end. Not used if there is a shape. */
  readonly runTime: number | null;
  /** Seconds that the test of a stopping user may continue. */
  readonly stopTimeout: number;
  /** Decides the load at each moment; `null` if the test file has no shape. */
  readonly shape: LoadUserShape | null;
  /** Open model: how iterations are spaced. */
  readonly spacing: Spacing;
  /** Open model: what happens to an iteration that is due while all users are busy. */
  readonly onBusy: WhenBusy;
  /** The test ends after this many iterations; `null` for no limit. */
  readonly iterations: number | null;
}

/**
 * What the load should be when the test has run for so long; null when the test is over.
 *
 * @param runTime seconds since the test's start.
 * @param view what the shape may know of the run.
 * @throws UsageError where the shape gave something that is no load.
 */
export function loadAt(plan: LoadProfile, runTime: number, view?: ShapeView): ResolvedLoad | null {
  if (plan.shape !== null) return plan.shape.at(runTime, view);
  if (plan.runTime !== null && runTime >= plan.runTime) return null;
  return plan.load;
}

/**
 * Whether passes begin on a schedule, whatever the target does, and users come as they are needed: the
 * open model.
 */
export function isOpen(plan: LoadProfile): boolean {
  if (plan.shape === null) return isArrivals(plan.load);
  try {
    const target = plan.shape.at(0);
    return target !== null && isArrivals(target);
  } catch {
    // Whoever drives the load finds out, and says what is wrong.
    return false;
  }
}

/** Seconds that the test is going to take, or null where nobody knows beforehand. */
export function plannedSeconds(plan: LoadProfile): number | null {
  return plan.shape === null ? plan.runTime : plan.shape.plannedSeconds();
}
