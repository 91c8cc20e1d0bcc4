/**
 * The load of a whole run over time.
 *
 * @module
 */

import type { Spacing, WhenBusy } from "../core/run_info.ts";
import { isArrivals, type ResolvedLoad } from "./load.ts";
import type { LoadUserShape, ShapeView } from "./load_user_shape.ts";

/** A load over time, from flags that have been validated: that of a run, or of some of its classes. */
export interface LoadProfile {
  /** The load from start to end; not used if there is a {@link shape}. */
  readonly load: ResolvedLoad;
  /** How long the load lasts at most, in seconds; `null` for no limit. A shape may end before. */
  readonly runTime: number | null;
  /** Seconds that the test of a stopping user may continue. */
  readonly stopTimeout: number;
  /** Decides the load at each moment; `null` if the test file has no shape. */
  readonly shape: LoadUserShape | null;
  /** Open model: how iterations are spaced. */
  readonly spacing: Spacing;
  /** Open model: what happens to an iteration that is due while all users are busy. */
  readonly onBusy: WhenBusy;
  /** The load ends after this many iterations; `null` for no limit. */
  readonly iterations: number | null;
}

/**
 * The load at a moment; `null` if it is over.
 *
 * @param runTime seconds since the start of the test.
 * @param view what a shape is told about the run.
 * @throws UsageError if the shape returns an invalid load.
 */
export function loadAt(
  { load, runTime: end, shape }: LoadProfile,
  runTime: number,
  view?: ShapeView,
): ResolvedLoad | null {
  if (end !== null && runTime >= end) return null;
  return shape === null ? load : shape.at(runTime, view);
}

/** Whether the load is one of the open model: iterations start on a schedule, no matter what. */
export function isOpen({ load, shape }: LoadProfile): boolean {
  if (shape === null) return isArrivals(load);
  try {
    const first = shape.at(0);
    return first !== null && isArrivals(first);
  } catch {
    // The driver asks again, and reports the error.
    return false;
  }
}

/**
 * The last whole second at which the load is of more users than a second before; 0 if there is none,
 * `Infinity` if that is not known.
 */
export function lastRise({ shape }: LoadProfile): number {
  return shape === null ? 0 : shape.lastRise();
}

/** How long the load will last, in seconds; `null` if that is not known beforehand. */
export function plannedSeconds({ runTime, shape }: LoadProfile): number | null {
  const planned = shape?.plannedSeconds() ?? null;
  return planned === null || runTime === null ? planned ?? runTime : Math.min(planned, runTime);
}
