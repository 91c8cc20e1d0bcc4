/**
 * What local and distributed runs check every second and at their end, and whether a run has nothing left
 * to do.
 *
 * @module
 */

import type { WorkerState } from "../cluster/run_state.ts";
import type { ClassCounts } from "../load/dispatcher.ts";
import { isArrivals, type ResolvedLoad } from "../load/load.ts";
import type { LoadPart } from "../load/load_parts.ts";
import type { ShapeView } from "../load/load_user_shape.ts";
import type { Annotation } from "../stats/annotations.ts";
import type {
  BreakingPoint,
  ClassRow,
  RunStatus,
  Snapshot,
  Statistics,
  ThresholdRow,
} from "../stats/snapshot.ts";
import { secondsOfPauses } from "../stats/run_pauses.ts";
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

/** Checks a run once a second, and at its end. Parts of the load are named by their index. */
export class RunWatch {
  readonly #shortages: ShortageWatch;
  readonly #thresholds: ThresholdWatch;
  readonly #parts: readonly PartWatch[];
  readonly #warnings: Warnings;

  /**
   * @param stop ends the test in an orderly way.
   * @param onAnnotation called when a threshold is crossed.
   */
  constructor(
    options: RunWatchOptions,
    parts: readonly LoadPart[],
    warnings: Warnings,
    stop: () => void,
    onAnnotation: (annotation: Annotation) => void,
  ) {
    this.#thresholds = new ThresholdWatch(options, warnings, stop, onAnnotation);
    this.#parts = parts.map((part) => ({
      part,
      steps: new StepWatch(part.profile.shape, options.thresholds),
      mostAssigned: 0,
      mostAllowed: 0,
    }));
    this.#warnings = warnings;
    this.#shortages = new ShortageWatch(options.shortages ?? (() => []), options.onWarning);
  }

  /** What users lack: warnings whose numbers follow the run. */
  get shortages(): readonly string[] {
    return this.#shortages.texts;
  }

  /** What has been found so far; `null` if no load rises until something breaks. At most one does. */
  get breakingPoint(): BreakingPoint | null {
    for (const { part: { ownClass: className }, steps: { breakingPoint } } of this.#parts) {
      if (breakingPoint !== null) return { className, ...breakingPoint };
    }
    return null;
  }

  /** The result of each threshold, as far as it is known. */
  rows(statistics: Statistics, state: RunStatus, durationSeconds: number): ThresholdRow[] {
    return this.#thresholds.rows(statistics, state, durationSeconds);
  }

  /** Takes in what was counted. */
  count(counted: StatsDelta): void {
    for (const { steps } of this.#parts) steps.add(counted);
  }

  /** What the shape of a part is told: see {@link StepWatch.view}. */
  view(
    part: number,
    loadSeconds: number,
    spawning: boolean,
    inProgress: Iterable<KeyedInProgress>,
    reported?: ReportedFilter,
  ): ShapeView {
    return this.#parts[part]!.steps.view(loadSeconds, spawning, inProgress, reported);
  }

  /**
   * The load of a part has changed at this moment of it.
   *
   * @param pausedSeconds how long the pauses before it took together.
   */
  loadChanged(load: ResolvedLoad, loadSeconds: number, part: number, pausedSeconds = 0): void {
    const watch = this.#parts[part]!;
    watch.steps.enterStepAt(loadSeconds, pausedSeconds);
    if (isArrivals(load)) watch.mostAllowed = Math.max(watch.mostAllowed, load.maxUsers);
    const shortage = isArrivals(load) ? null : watch.part.mix.shortage(load.users);
    if (shortage !== null) this.#warnings.add(shortage);
  }

  /** Users are assigned. @param counts the number of users of each class. */
  usersAssigned(counts: ClassCounts): void {
    for (const watch of this.#parts) {
      const users = watch.part.classes.reduce((sum, index) => sum + counts[index]!, 0);
      watch.mostAssigned = Math.max(watch.mostAssigned, users);
    }
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
    const { complete, statistics } = snapshot;
    this.#warnings.addAll(unfinishedProblems(statistics.totals));
    this.#warnings.addAll(networkProblems(statistics.network));
    for (const watch of this.#parts) {
      // Of the users of each part, only those that were assigned are known.
      const peak = this.#parts.length === 1 ? snapshot.users.peak : watch.mostAllowed;
      this.#warnings.addAll(starvedClasses(watch, peak, snapshot));
    }
    this.#warnings.addAll(naturalEnd.shortage(this.#limitedIterations(statistics), complete));
    this.#warnings.addAll(this.#arrivalProblems(snapshot));
  }

  /** Iterations that started, or were due, of the classes that share a limited number. */
  #limitedIterations({ iterations, classes }: Statistics): number {
    if (this.#parts.length === 1) return iterations?.scheduled ?? 0;
    return this.#parts
      .filter(({ part }) => part.profile.iterations !== null)
      .flatMap(({ part }) => part.classes)
      .reduce((sum, index) => sum + scheduledOf(classes[index]), 0);
  }

  /** Checked only at the end: what holds for a part of the run need not hold for the whole. */
  #arrivalProblems({ users, arrivalRate, statistics }: Snapshot): string[] {
    const { iterations, classes } = statistics;
    if (arrivalRate === null || iterations === null) return [];
    if (this.#parts.length === 1) {
      const max = Math.min(users.target, this.#parts[0]!.part.mix.limit);
      return arrivalProblems(iterations, { peak: users.peak, max }, statistics);
    }
    return this.#parts.flatMap(({ part, mostAllowed }) => {
      if (mostAllowed === 0) return [];
      const rows = part.classes.map((index) => classes[index]).filter((row) => row !== undefined);
      const peak = rows.reduce((sum, row) => sum + row.peakUsers, 0);
      const max = Math.min(mostAllowed, part.mix.limit);
      return rows.flatMap((row) => problemsOf(row, { peak, max }));
    });
  }

  #checkShortages({ elapsedSeconds: now, pauses, users }: Snapshot, isOver = false): void {
    // Users that wait for others in a pause do not lack anything.
    const elapsedSeconds = now - secondsOfPauses(pauses, 0, now);
    this.#shortages.check({ elapsedSeconds, users: Math.max(users.peak, users.target) }, isOver);
  }
}

/** Iterations that a class was to start; not known before its counts have arrived. */
function scheduledOf(row: ClassRow | undefined): number {
  return row === undefined ? Infinity : row.iterations?.scheduled ?? 0;
}

/** What is watched of one part of the load. */
interface PartWatch {
  readonly part: LoadPart;
  readonly steps: StepWatch;
  /** The most users that were assigned at a time, and that might be busy in the open model. */
  mostAssigned: number;
  mostAllowed: number;
}

/** What is wrong with the starts of the iterations of one class; its name is in each sentence. */
function problemsOf(
  { name, iterations, totals, requests }: ClassRow,
  users: { readonly peak: number; readonly max: number },
): string[] {
  if (iterations === null) return [];
  return arrivalProblems(iterations, users, { totals, requests }).map((text) => `${name}: ${text}`);
}

/**
 * Classes that had no user. Of loads that are known before the run, the run's setup warns.
 *
 * @param peak the most users that ran, as far as is known.
 */
function starvedClasses(
  { part: { profile: { shape }, mix }, mostAllowed, mostAssigned }: PartWatch,
  peak: number,
  { mode, workers }: Snapshot,
): string[] {
  if (shape === null || shape.plannedSeconds() !== null) return [];
  const most = Math.max(mostAssigned, peak);
  const starved = mostAllowed > 0
    ? mix.crowding(mostAllowed, mode === "local" ? 1 : workers.length)
    : classesWithoutUsers(mix, most);
  return starved === null || most === 0 ? [] : [starved];
}

/** The options that decide whether a test can end by itself. */
export interface NaturalEndOptions {
  readonly parts: readonly Pick<LoadPart, "classes" | "profile">[];
  /** Whether counts from before the first target number of users ran were dropped. */
  readonly resetStats: boolean;
}

/** What a {@link NaturalEnd} does with a driver. */
type EndableDriver = Pick<LoadDriver, "isSpawning" | "mayRise" | "isOver" | "endPart">;

/**
 * Ends a part of the load that has nothing left to do: all its iterations have ended, or all its users have.
 * The test ends with its last part.
 */
export class NaturalEnd {
  readonly #options: NaturalEndOptions;
  /** Whether the iterations have ended by themselves, and not in another way before. */
  #hasEnded = false;

  constructor(options: NaturalEndOptions) {
    this.#options = options;
  }

  /** No user of the part whose number of iterations is limited has anything left to do. */
  endIterations(driver: EndableDriver | null): void {
    const part = this.#options.parts.findIndex(({ profile }) => profile.iterations !== null);
    if (part >= 0) this.#end(part, driver);
  }

  /** All users of a part have ended by themselves: it ends unless others are to start. */
  endWithoutUsers(part: number, driver: EndableDriver | null): void {
    if (driver?.isSpawning(part) === false && !driver.mayRise(part)) this.#end(part, driver);
  }

  /** Ends each part of which no worker has anything left to do. */
  check(
    workers: readonly WorkerState[],
    allocator: Pick<Allocator, "settled" | "isExhausted">,
    driver: EndableDriver | null,
  ): void {
    for (const [index, { profile }] of this.#options.parts.entries()) {
      if (driver?.isOver(index) || !allocator.isExhausted(index, workers)) continue;
      if (profile.iterations !== null) this.#end(index, driver);
      // Until all assignments are confirmed, further users may be on their way.
      else if (allocator.settled) this.endWithoutUsers(index, driver);
    }
  }

  #end(part: number, driver: EndableDriver | null): void {
    const isEnded = driver?.endPart(part) === true;
    if (isEnded && this.#options.parts[part]!.profile.iterations !== null) this.#hasEnded = true;
  }

  /**
   * How many iterations a test whose iterations have ended by themselves lacks: a sentence, or none.
   *
   * @param begun iterations that started, or that were due if they were scheduled.
   * @param complete whether no worker's counts are missing.
   */
  shortage(begun: number, complete: Snapshot["complete"]): string[] {
    const { parts, resetStats } = this.#options;
    const iterations = parts.find(({ profile }) => profile.iterations !== null)?.profile.iterations;
    if (!this.#hasEnded || !iterations || resetStats || begun >= iterations) return [];
    return [
      `Only ${begun} of ${iterations} iterations started` +
      (complete
        ? ": no user was left to start the others."
        : ", as far as is known: the others were lost with a worker."),
    ];
  }
}
