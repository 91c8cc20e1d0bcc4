import { isArrivals } from "./load.ts";
import { loadAt, type LoadProfile, plannedSeconds } from "./load_profile.ts";
import { SpawnPacer } from "./spawn_pacer.ts";

/** What a plan is going to do, second by second, if nothing breaks on the way. */
export interface Forecast {
  /**
   * Users at the end of each second: those that run; in the open model, the most that may. The last
   * second may be a part of one.
   */
  readonly users: readonly number[];
  /** Passes a second, for each second; null in the closed model. */
  readonly arrivalRates: readonly number[] | null;
  /** Passes in all; null in the closed model, where nobody knows. */
  readonly iterations: number | null;
  /** Seconds that this covers. */
  readonly seconds: number;
  /** Whether the plan is over then; else it goes on for longer than anybody would follow it. */
  readonly isOver: boolean;
  /** Steps of a load that is raised until something breaks; 0 where it is none. */
  readonly steps: number;
}

/**
 * Follows a plan as a run would, in no time. Its shape is asked for every second, so it is to be one that
 * no run needs any more.
 *
 * @param limit the most users that the classes have.
 * @throws UsageError where the shape gave something that is no load.
 */
export function forecast(plan: LoadProfile, limit: number): Forecast {
  const planned = plannedSeconds(plan);
  const most = Math.min(planned ?? UNPLANNED_SECONDS, MOST_SECONDS);
  const pacer = new SpawnPacer(0);
  const users: number[] = [];
  const rates: number[] = [];
  const steps = new Set<number>();
  let iterations = 0;
  let second = 0;
  let isOver = false;
  for (; second < most; second++) {
    const target = loadAt(plan, second);
    isOver = target === null;
    if (target === null) break;
    const end = Math.min(second + 1, most);
    const step = plan.shape?.stepAt(second) ?? null;
    if (step !== null) steps.add(step.startedAt);
    if (isArrivals(target)) {
      users.push(Math.min(target.maxUsers, limit));
      rates.push(target.arrivalRate);
      iterations += target.arrivalRate * (end - second);
    } else {
      pacer.retarget({ users: Math.min(target.users, limit), rate: target.rate }, second);
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

/** A shape that has not ended by then may as well have no end. */
const UNPLANNED_SECONDS = 24 * 3600;

/** What is planned for longer than a week is followed for a week. */
const MOST_SECONDS = 7 * 24 * 3600;
