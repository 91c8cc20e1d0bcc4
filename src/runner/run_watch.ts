/**
 * Looks at a run while it goes on: its thresholds, its steps, and whether its passes begin in time.
 *
 * @module
 */

import type { WorkerState } from "../cluster/run_state.ts";
import type { ClassMix } from "../load/class_mix.ts";
import { isArrivals, type ResolvedLoad } from "../load/load.ts";
import type { LoadUserShape, ShapeView } from "../load/load_user_shape.ts";
import type { LoadProfile } from "../load/load_profile.ts";
import { LATE_START_MS, MANY_DROPPED } from "../stats/iteration_stats.ts";
import type {
  BreakingPoint,
  IterationSummary,
  RunStatus,
  Snapshot,
  Statistics,
  ThresholdRow,
} from "../stats/snapshot.ts";
import type { StatsDelta } from "../stats/stats_delta.ts";
import { observedText, type ThresholdSet } from "../stats/thresholds.ts";
import { Totals } from "../stats/totals.ts";
import type { Allocator } from "./allocation.ts";
import { type LoadDriver, reportedLoad } from "./load_driver.ts";

// Whether the passes of the open model began as they were meant to.

/** How many users there were, and how many there may be. */
interface UserRoom {
  readonly peak: number;
  readonly max: number;
}

/**
 * What is wrong with how passes began, and why; a sentence each.
 */
export function arrivalProblems(iterations: IterationSummary, room: UserRoom): string[] {
  const { scheduled, dropped, startDelayMs } = iterations;
  const why = room.peak >= room.max
    ? `as all ${room.max} users were busy: allow more with --max-users, or lower the rate`
    : "as this generator was itself too slow: spread the load over more processes or machines, or " +
      "lower the rate";
  const problems: string[] = [];
  if (dropped > scheduled * MANY_DROPPED) {
    problems.push(`More than 1 % of the passes were dropped, ${why}.`);
  }
  if (startDelayMs.p99 !== null && startDelayMs.p99 > LATE_START_MS) {
    problems.push(`More than 1 % of the passes began over ${LATE_START_MS} ms late, ${why}.`);
  }
  return problems;
}

// Looks at a load that is raised step by step, until something breaks.

/** What is known of a stretch of the run, of what was counted of it. */
export type Told = (statistics: Statistics) => Statistics;

/** Judges the seconds of each step by the thresholds of the run. Other loads cost nothing. */
export class StepWatch {
  readonly #shape: LoadUserShape | null;
  readonly #thresholds: ThresholdSet;
  /** When the present step began, in seconds since the test's start; null where there is none. */
  #since: number | null = null;
  #totals = new Totals();

  /** @param shape null where the test has none. */
  constructor(shape: LoadUserShape | null, thresholds: ThresholdSet) {
    this.#shape = shape;
    this.#thresholds = thresholds;
  }

  /** What has been found until now; null where the load is not raised until something breaks. */
  get breakingPoint(): BreakingPoint | null {
    const found = this.#shape?.breakingPoint ?? null;
    if (found === null) return null;
    const { passed, broke, threshold } = found;
    return {
      passed: passed === null ? null : reportedLoad(passed),
      broke: broke === null ? null : reportedLoad(broke),
      threshold,
    };
  }

  /** Takes in what was counted; a second of a step before is none of the present one. */
  add(counted: StatsDelta): void {
    if (this.#since !== null && counted.from >= this.#since) this.#totals.add(counted);
  }

  /**
   * What the shape may know.
   *
   * @param spawning whether users are still being started.
   * @param told leaves out of the timeline what some nodes have not told of yet.
   */
  view(elapsedSeconds: number, spawning: boolean, told: Told = (all) => all): ShapeView {
    if (this.#since === null) return { crossed: null };
    const statistics = told(this.#totals.statistics(Math.floor(elapsedSeconds) - this.#since));
    return { crossed: this.#thresholds.crossed(statistics, { spawning }) };
  }

  /** The shape was asked for the load at this moment. */
  note(elapsedSeconds: number): void {
    const step = this.#shape?.stepAt(elapsedSeconds) ?? null;
    const since = step === null ? null : Math.ceil(step.startedAt);
    if (since === this.#since) return;
    this.#since = since;
    this.#totals = new Totals();
  }
}

/** What is asked of a run. */
export interface ThresholdOptions {
  /** What must hold for the run to pass. */
  readonly thresholds: ThresholdSet;
  /** End the test as soon as one of them is crossed. */
  readonly abortOnThreshold: boolean;
}

/** Before that, rates say more of the start than of the target. */
const SETTLING_SECONDS = 5;

/** Watches a run's thresholds. A run that one has ended keeps what was observed then. */
export class ThresholdWatch {
  readonly #options: ThresholdOptions;
  readonly #warnings: Warnings;
  readonly #stop: () => void;
  #end: ThresholdRow | null = null;

  /** @param stop ends the test well. */
  constructor(options: ThresholdOptions, warnings: Warnings, stop: () => void) {
    this.#options = options;
    this.#warnings = warnings;
    this.#stop = stop;
  }

  /** What becomes of each threshold, as far as it is known. */
  rows(statistics: Statistics, state: RunStatus, durationSeconds: number): ThresholdRow[] {
    const rows = this.#options.thresholds.rows(statistics, {
      over: state === "stopped",
      spawning: state === "spawning" || durationSeconds < SETTLING_SECONDS,
    });
    return rows.map((row) => row.expression === this.#end?.expression ? this.#end : row);
  }

  /** Ends the run where one is crossed, and that is wanted; called once a second. */
  look({ state, elapsedSeconds, thresholds, breakingPoint }: Snapshot): void {
    if (!this.#options.abortOnThreshold || this.#end !== null) return;
    // A load that is raised until something breaks has an end of its own for that.
    if (state === "stopping" || state === "stopped" || breakingPoint !== null) return;
    const crossed = thresholds.find(({ passed }) => !passed);
    if (crossed === undefined) return;
    this.#end = crossed;
    const what = `${crossed.expression} was crossed: ${observedText(crossed)}`;
    this.#warnings.add(`The test was ended after ${Math.floor(elapsedSeconds)} s, as ${what}.`);
    this.#stop();
  }

  /** Says which thresholds have no sample, now that all is counted. */
  conclude({ startedAt, statistics }: Snapshot): void {
    if (startedAt === null) return;
    this.#warnings.addAll(this.#options.thresholds.unmatched(statistics));
  }
}

/** All that watches one run. */
export class RunWatch {
  readonly #thresholds: ThresholdWatch;
  readonly #steps: StepWatch;
  readonly #warnings: Warnings;
  /** The most users that the classes allow. */
  #userLimit = Infinity;

  /**
   * @param shape null where the test has none.
   * @param stop ends the test well.
   */
  constructor(
    options: ThresholdOptions,
    shape: LoadUserShape | null,
    warnings: Warnings,
    stop: () => void,
  ) {
    this.#thresholds = new ThresholdWatch(options, warnings, stop);
    this.#steps = new StepWatch(shape, options.thresholds);
    this.#warnings = warnings;
  }

  /** What has been found until now; null where the load is not raised until something breaks. */
  get breakingPoint(): BreakingPoint | null {
    return this.#steps.breakingPoint;
  }

  /** What becomes of each threshold, as far as it is known. */
  rows(statistics: Statistics, state: RunStatus, durationSeconds: number): ThresholdRow[] {
    return this.#thresholds.rows(statistics, state, durationSeconds);
  }

  /** Takes in what was counted. */
  count(counted: StatsDelta): void {
    this.#steps.add(counted);
  }

  /** What a shape may know: see {@link StepWatch.view}. */
  view(elapsedSeconds: number, spawning: boolean, told?: Told): ShapeView {
    return this.#steps.view(elapsedSeconds, spawning, told);
  }

  /** There is a new target since this moment. @param mix how the classes share the users. */
  aimed(target: ResolvedLoad, elapsedSeconds: number, mix: ClassMix): void {
    this.#steps.note(elapsedSeconds);
    this.#userLimit = mix.limit;
    const shortage = isArrivals(target) ? null : mix.shortage(target.users);
    if (shortage !== null) this.#warnings.add(shortage);
  }

  /** Another second of the run is over. */
  look(snapshot: Snapshot): void {
    this.#thresholds.look(snapshot);
  }

  /** All is counted. @param exhaustion whether the run has ended by itself. */
  conclude(snapshot: Snapshot, exhaustion: Pick<Exhaustion, "shortage">): void {
    this.#thresholds.conclude(snapshot);
    const { users, arrivalRate, complete, statistics: { iterations } } = snapshot;
    this.#warnings.addAll(exhaustion.shortage(iterations?.scheduled ?? 0, complete));
    if (arrivalRate === null || iterations === null) return;
    // What holds of a part of the run need not hold of the whole.
    const max = Math.min(users.target, this.#userLimit);
    this.#warnings.addAll(arrivalProblems(iterations, { peak: users.peak, max }));
  }
}

// Tests that end because nobody has anything left to do.

/** What says whether a test can end so. */
export interface ExhaustionOptions {
  readonly profile: Pick<LoadProfile, "iterations" | "shape">;
  /** What was counted before the first target number of users ran was dropped. */
  readonly resetStats: boolean;
}

/**
 * Ends a test that has come to its end by itself: all passes that there are have been begun and have
 * ended, or all users have.
 */
export class Exhaustion {
  readonly #options: ExhaustionOptions;
  /** Whether the test has ended so, and not in another way before. */
  #hasEnded = false;

  constructor(options: ExhaustionOptions) {
    this.#options = options;
  }

  /** Nobody has anything left to do. */
  end(driver: Pick<LoadDriver, "stop"> | null): void {
    if (driver?.stop()) this.#hasEnded = true;
  }

  /** All users have ended by themselves: the test ends unless others are to start. */
  endWithoutUsers(driver: Pick<LoadDriver, "spawning" | "stop"> | null): void {
    if (this.#options.profile.shape === null && driver?.spawning === false) this.end(driver);
  }

  /** Looks whether no worker has anything left to do. */
  look(
    staff: readonly Pick<WorkerState, "phase">[],
    staffing: Pick<Allocator, "settled">,
    driver: Pick<LoadDriver, "spawning" | "stop"> | null,
  ): void {
    if (!isExhausted(staff)) return;
    if (this.#options.profile.iterations !== null) this.end(driver);
    // Users that have ended already do not run all at once, however many there were.
    else if (staffing.settled) this.endWithoutUsers(driver);
  }

  /**
   * What a test that has ended so lacks of its passes: a sentence, or none.
   *
   * @param begun passes that were begun, or that were due where a schedule says when.
   * @param complete whether nothing that was counted anywhere is missing.
   */
  shortage(begun: number, complete: Snapshot["complete"]): string[] {
    const { profile: { iterations }, resetStats } = this.#options;
    if (!this.#hasEnded || iterations === null || resetStats || begun >= iterations) return [];
    return [
      `Only ${begun} of ${iterations} passes were begun` +
      (complete
        ? ": no user was left to begin the others."
        : ", as far as is known: the others were lost with a worker."),
    ];
  }
}

/**
 * Whether the users of those that had some have ended by themselves, or there is no pass left for them.
 */
function isExhausted(staff: readonly Pick<WorkerState, "phase">[]): boolean {
  return staff.some(({ phase }) => phase === "exhausted") &&
    // Who is ready was not told to run anything.
    staff.every(({ phase }) => phase === "exhausted" || phase === "ready");
}

/**
 * What the person who runs a test should know, each once.
 */
export class Warnings {
  readonly #onNew: (text: string) => void;
  readonly #texts = new Set<string>();

  /** @param onNew called with each warning, when it comes for the first time. */
  constructor(onNew: (text: string) => void) {
    this.#onNew = onNew;
  }

  /** All of them, in the order in which they came. */
  get texts(): string[] {
    return [...this.#texts];
  }

  /** Adds one, unless it is there already. */
  add(text: string): void {
    if (this.#texts.has(text)) return;
    this.#texts.add(text);
    this.#onNew(text);
  }

  /** Adds some, each unless it is there already. */
  addAll(texts: Iterable<string>): void {
    for (const text of texts) this.add(text);
  }
}
