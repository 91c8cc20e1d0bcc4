/**
 * What a load profile is going to do, for `--show-shape`.
 *
 * @module
 */

import { isArrivals } from "./load.ts";
import { loadAt, type LoadProfile, plannedSeconds } from "./load_profile.ts";
import { SpawnPacer } from "./spawn_pacer.ts";

/** The course of a load, second by second, if nothing breaks on the way. */
export interface Forecast {
  /**
   * Users at the end of each second: those that run or, in the open model, the most that may. The last
   * second may be a partial one.
   */
  readonly users: readonly number[];
  /** Iterations per second, for each second; `null` in the closed model. */
  readonly arrivalRates: readonly number[] | null;
  /** Iterations in total; `null` in the closed model, where they depend on the target. */
  readonly iterations: number | null;
  /** How many seconds this covers. */
  readonly seconds: number;
  /** Whether the load ends then; if not, it was not followed any further. */
  readonly isOver: boolean;
  /** How many steps there are if the load is raised until something breaks, otherwise 0. */
  readonly steps: number;
}

/** The limit for shapes whose end is not known. */
const MAX_UNPLANNED_SECONDS = 24 * 3600;

/** How far any load is followed. */
const MAX_SECONDS = 7 * 24 * 3600;

/**
 * Follows a load profile without running it. This uses up its shape, so do not use the shape in a run.
 *
 * @param limit the most users that the classes allow.
 * @throws UsageError if the shape returns an invalid load.
 */
export function forecast(profile: LoadProfile, limit: number): Forecast {
  const planned = plannedSeconds(profile);
  const most = Math.min(planned ?? MAX_UNPLANNED_SECONDS, MAX_SECONDS);
  const pacer = new SpawnPacer(0);
  const users: number[] = [];
  const rates: number[] = [];
  const steps = new Set<number>();
  let iterations = 0;
  let second = 0;
  let isOver = false;
  for (; second < most; second++) {
    const load = loadAt(profile, second);
    isOver = load === null;
    if (load === null) break;
    const end = Math.min(second + 1, most);
    const step = profile.shape?.stepAt(second) ?? null;
    if (step !== null) steps.add(step.startedAt);
    if (isArrivals(load)) {
      users.push(Math.min(load.maxUsers, limit));
      rates.push(load.arrivalRate);
      iterations += load.arrivalRate * (end - second);
    } else {
      pacer.retarget({ users: Math.min(load.users, limit), rate: load.rate }, second);
      users.push(pacer.usersAt(end));
    }
  }
  const isOpen = rates.length > 0;
  return {
    users,
    arrivalRates: isOpen ? rates : null,
    iterations: isOpen ? iterations : null,
    seconds: Math.min(second, most),
    isOver: isOver || planned === most,
    steps: steps.size,
  };
}
