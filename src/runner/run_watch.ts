/**
 * What local and distributed runs check every second and at their end, and whether a run has nothing left
 * to do.
 *
 * @module
 */

import type { WorkerState } from "../cluster/run_state.ts";
import type { ClassMix } from "../load/class_mix.ts";
import { isArrivals, type ResolvedLoad } from "../load/load.ts";
import type { LoadProfile } from "../load/load_profile.ts";
import type { LoadUserShape, ShapeView } from "../load/load_user_shape.ts";
import type {
  BreakingPoint,
  RunStatus,
  Snapshot,
  Statistics,
  ThresholdRow,
} from "../stats/snapshot.ts";
import type { KeyedInProgress, StatsDelta } from "../stats/stats_delta.ts";
import type { Shortage } from "../shared/shortages.ts";
import type { Allocator } from "./allocation.ts";
import type { LoadDriver } from "./load_driver.ts";
import { ShortageWatch } from "./shortages.ts";
import {
  type ReportedFilter,
  StepWatch,
  type ThresholdOptions,
  ThresholdWatch,
} from "./threshold_watch.ts";
import { networkProblems } from "../stats/network_stats.ts";
import {
  arrivalProblems,
  classesWithoutUsers,
  unfinishedProblems,
  type Warnings,
} from "./warnings.ts";

/** What a {@link RunWatch} needs. */
export interface RunWatchOptions extends ThresholdOptions {
  /** What users have asked for in vain; without it, there is nothing that they share. */
  readonly shortages?: () => readonly Shortage[];
  /** Called with each new warning. */
  readonly onWarning: (text: string) => void;
}

/** Checks a run once a second, and at its end. */
export class RunWatch {
  readonly #shortages: ShortageWatch;
  readonly #thresholds: ThresholdWatch;
  readonly #steps: StepWatch;
  readonly #warnings: Warnings;
  readonly #shape: LoadUserShape | null;
  #mix: ClassMix | null = null;
  /** The most users that were assigned at a time, and that might be busy in the open model. */
  #mostAssigned = 0;
  #mostAllowed = 0;

  /**
   * @param shape `null` if the test has none.
   * @param stop ends the test in an orderly way.
   */
  constructor(
    options: RunWatchOptions,
    shape: LoadUserShape | null,
    warnings: Warnings,
    stop: () => void,
  ) {
    this.#thresholds = new ThresholdWatch(options, warnings, stop);
    this.#shape = shape;
    this.#steps = new StepWatch(shape, options.thresholds);
    this.#warnings = warnings;
    this.#shortages = new ShortageWatch(options.shortages ?? (() => []), options.onWarning);
  }

  /** What users lack: warnings whose numbers follow the run. */
  get shortages(): readonly string[] {
    return this.#shortages.texts;
  }

  /** What has been found so far; `null` if the load does not rise until something breaks. */
  get breakingPoint(): BreakingPoint | null {
    return this.#steps.breakingPoint;
  }

  /** The result of each threshold, as far as it is known. */
  rows(statistics: Statistics, state: RunStatus, durationSeconds: number): ThresholdRow[] {
    return this.#thresholds.rows(statistics, state, durationSeconds);
  }

  /** Takes in what was counted. */
  count(counted: StatsDelta): void {
    this.#steps.add(counted);
  }

  /** What a shape is told: see {@link StepWatch.view}. */
  view(
    elapsedSeconds: number,
    spawning: boolean,
    inProgress: Iterable<KeyedInProgress>,
    reported?: ReportedFilter,
  ): ShapeView {
    return this.#steps.view(elapsedSeconds, spawning, inProgress, reported);
  }

  /** The load has changed at this moment. @param mix how the classes share the users. */
  loadChanged(load: ResolvedLoad, elapsedSeconds: number, mix: ClassMix): void {
    this.#steps.enterStepAt(elapsedSeconds);
    this.#mix = mix;
    if (isArrivals(load)) this.#mostAllowed = Math.max(this.#mostAllowed, load.maxUsers);
    const shortage = isArrivals(load) ? null : mix.shortage(load.users);
    if (shortage !== null) this.#warnings.add(shortage);
  }

  /** Users are assigned. @param counts the number of users of each class. */
  usersAssigned(counts: readonly number[]): void {
    this.#mostAssigned = Math.max(this.#mostAssigned, counts.reduce((sum, one) => sum + one, 0));
  }

  /** Another second of the run is over. */
  check(snapshot: Snapshot): void {
    this.#thresholds.check(snapshot);
    this.#checkShortages(snapshot);
  }

  /** Everything is counted. @param naturalEnd knows how many iterations are missing. */
  conclude(snapshot: Snapshot, naturalEnd: Pick<NaturalEnd, "shortage">): void {
    this.#thresholds.conclude(snapshot);
    this.#checkShortages(snapshot, true);
    const { users, arrivalRate, complete, statistics } = snapshot;
    const { iterations } = statistics;
    this.#warnings.addAll(unfinishedProblems(statistics.totals));
    this.#warnings.addAll(networkProblems(statistics.network));
    this.#warnings.addAll(this.#starvedClasses(snapshot));
    this.#warnings.addAll(naturalEnd.shortage(iterations?.scheduled ?? 0, complete));
    if (arrivalRate === null || iterations === null) return;
    // Checked only at the end: what holds for a part of the run need not hold for the whole.
    const max = Math.min(users.target, this.#mix?.limit ?? Infinity);
    this.#warnings.addAll(arrivalProblems(iterations, { peak: users.peak, max }, statistics));
  }

  /** Classes that had no user. Of shapes that are known before the run, the run's setup warns. */
  #starvedClasses({ users, mode, workers }: Snapshot): string[] {
    if (this.#shape === null || this.#shape.plannedSeconds() !== null || this.#mix === null) {
      return [];
    }
    const most = Math.max(this.#mostAssigned, users.peak);
    const starved = this.#mostAllowed > 0
      ? this.#mix.crowding(this.#mostAllowed, mode === "local" ? 1 : workers.length)
      : classesWithoutUsers(this.#mix, most);
    return starved === null || most === 0 ? [] : [starved];
  }

  #checkShortages({ elapsedSeconds, users }: Snapshot, isOver = false): void {
    this.#shortages.check({ elapsedSeconds, users: Math.max(users.peak, users.target) }, isOver);
  }
}

/** The options that decide whether a test can end by itself. */
export interface NaturalEndOptions {
  readonly profile: Pick<LoadProfile, "iterations" | "shape">;
  /** Whether counts from before the first target number of users ran were dropped. */
  readonly resetStats: boolean;
}

/**
 * Ends a test that has nothing left to do: all its iterations have ended, or all its users have.
 */
export class NaturalEnd {
  readonly #options: NaturalEndOptions;
  /** Whether the test has ended by itself, and not in another way before. */
  #hasEnded = false;

  constructor(options: NaturalEndOptions) {
    this.#options = options;
  }

  /** No user has anything left to do. */
  end(driver: Pick<LoadDriver, "stop"> | null): void {
    if (driver?.stop()) this.#hasEnded = true;
  }

  /** All users have ended by themselves: the test ends unless others are to start. */
  endWithoutUsers(driver: Pick<LoadDriver, "spawning" | "stop"> | null): void {
    if (this.#options.profile.shape === null && driver?.spawning === false) this.end(driver);
  }

  /** Ends the test if no worker has anything left to do. */
  check(
    workers: readonly Pick<WorkerState, "state">[],
    allocator: Pick<Allocator, "settled">,
    driver: Pick<LoadDriver, "spawning" | "stop"> | null,
  ): void {
    if (!areExhausted(workers)) return;
    if (this.#options.profile.iterations !== null) this.end(driver);
    // Until all assignments are confirmed, further users may be on their way.
    else if (allocator.settled) this.endWithoutUsers(driver);
  }

  /**
   * How many iterations a test that has ended by itself lacks: a sentence, or none.
   *
   * @param started iterations that started, or that were due if they were scheduled.
   * @param complete whether no worker's counts are missing.
   */
  shortage(begun: number, complete: Snapshot["complete"]): string[] {
    const { profile: { iterations }, resetStats } = this.#options;
    if (!this.#hasEnded || iterations === null || resetStats || begun >= iterations) return [];
    return [
      `Only ${begun} of ${iterations} iterations started` +
      (complete
        ? ": no user was left to start the others."
        : ", as far as is known: the others were lost with a worker."),
    ];
  }
}

/** Whether the workers that had users have none left, or no iteration for them. */
function areExhausted(workers: readonly Pick<WorkerState, "state">[]): boolean {
  return workers.some(({ state }) => state === "exhausted") &&
    // A worker that is ready was assigned no users.
    workers.every(({ state }) => state === "exhausted" || state === "ready");
}
