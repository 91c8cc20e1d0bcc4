/**
 * What local and distributed runs check every second and at their end: thresholds, the steps of a
 * load that rises until something breaks, and whether users or iterations have run out.
 *
 * @module
 */

import type { WorkerState } from "../cluster/run_state.ts";
import type { Clock } from "../core/clock.ts";
import type { ClassMix } from "../load/class_mix.ts";
import { isArrivals, type ResolvedLoad } from "../load/load.ts";
import type { LoadProfile } from "../load/load_profile.ts";
import type { LoadUserShape, ShapeView } from "../load/load_user_shape.ts";
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

/** How long a run has lasted. */
export class RunTime {
  readonly #clock: Clock;
  /** On the clock; `null` before the run started. */
  #beganAt: number | null = null;
  /** On the clock; `null` before the run ended. */
  #endedAt: number | null = null;
  #endedAtWall: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the run has started. */
  get begun(): boolean {
    return this.#beganAt !== null;
  }

  /** Seconds since the run started, until its end; 0 before it started. */
  get elapsedSeconds(): number {
    if (this.#beganAt === null) return 0;
    return ((this.#endedAt ?? this.#clock.now()) - this.#beganAt) / 1000;
  }

  /** Milliseconds since 1970; `null` before the end. */
  get endedAt(): number | null {
    return this.#endedAtWall;
  }

  /** The run starts now, or started this many seconds ago. */
  begin(elapsedSeconds = 0): void {
    this.#beganAt = this.#clock.now() - elapsedSeconds * 1000;
  }

  /** The run has lasted for at least this long. */
  atLeast(elapsedSeconds: number): void {
    if (elapsedSeconds > this.elapsedSeconds) this.begin(elapsedSeconds);
  }

  /** The run ends now; a run that has not started has no end. */
  end(): void {
    if (!this.begun) return;
    this.#endedAt = this.#clock.now();
    this.#endedAtWall = this.#clock.wallTime();
  }
}

/** The conditions that a run must meet. */
export interface ThresholdOptions {
  /** The run passes if all of them hold. */
  readonly thresholds: ThresholdSet;
  /** End the test as soon as a threshold is crossed. */
  readonly abortOnThreshold: boolean;
}

/** Checks a run once a second, and at its end. */
export class RunWatch {
  readonly #thresholds: ThresholdWatch;
  readonly #steps: StepWatch;
  readonly #warnings: Warnings;
  /** The most users that the classes allow. */
  #userLimit = Infinity;

  /**
   * @param shape `null` if the test has none.
   * @param stop ends the test in an orderly way.
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
  view(elapsedSeconds: number, spawning: boolean, reported?: ReportedFilter): ShapeView {
    return this.#steps.view(elapsedSeconds, spawning, reported);
  }

  /** The load has changed at this moment. @param mix how the classes share the users. */
  loadChanged(load: ResolvedLoad, elapsedSeconds: number, mix: ClassMix): void {
    this.#steps.enterStepAt(elapsedSeconds);
    this.#userLimit = mix.limit;
    const shortage = isArrivals(load) ? null : mix.shortage(load.users);
    if (shortage !== null) this.#warnings.add(shortage);
  }

  /** Another second of the run is over. */
  check(snapshot: Snapshot): void {
    this.#thresholds.check(snapshot);
  }

  /** Everything is counted. @param naturalEnd knows how many iterations are missing. */
  conclude(snapshot: Snapshot, naturalEnd: Pick<NaturalEnd, "shortage">): void {
    this.#thresholds.conclude(snapshot);
    const { users, arrivalRate, complete, statistics: { iterations } } = snapshot;
    this.#warnings.addAll(naturalEnd.shortage(iterations?.scheduled ?? 0, complete));
    if (arrivalRate === null || iterations === null) return;
    // Checked only at the end: what holds for a part of the run need not hold for the whole.
    const max = Math.min(users.target, this.#userLimit);
    this.#warnings.addAll(arrivalProblems(iterations, { peak: users.peak, max }));
  }
}

/** Before this, rates say more about the start than about the target. */
const SETTLING_SECONDS = 5;

/** Watches a run's thresholds. A threshold that has ended the run keeps the value it had then. */
export class ThresholdWatch {
  readonly #options: ThresholdOptions;
  readonly #warnings: Warnings;
  readonly #stop: () => void;
  /** The threshold that has ended the run. */
  #crossed: ThresholdRow | null = null;

  /** @param stop ends the test in an orderly way. */
  constructor(options: ThresholdOptions, warnings: Warnings, stop: () => void) {
    this.#options = options;
    this.#warnings = warnings;
    this.#stop = stop;
  }

  /** The result of each threshold, as far as it is known. */
  rows(statistics: Statistics, state: RunStatus, durationSeconds: number): ThresholdRow[] {
    const rows = this.#options.thresholds.rows(statistics, {
      over: state === "stopped",
      spawning: state === "spawning" || durationSeconds < SETTLING_SECONDS,
    });
    return rows.map((row) => row.expression === this.#crossed?.expression ? this.#crossed : row);
  }

  /** Ends the run if a threshold is crossed and that is to end it; called once a second. */
  check({ state, elapsedSeconds, thresholds, breakingPoint }: Snapshot): void {
    if (!this.#options.abortOnThreshold || this.#crossed !== null) return;
    // A load that rises until something breaks ends by itself.
    if (state === "stopping" || state === "stopped" || breakingPoint !== null) return;
    const crossed = thresholds.find(({ passed }) => !passed);
    if (crossed === undefined) return;
    this.#crossed = crossed;
    const what = `${crossed.expression} was crossed: ${observedText(crossed)}`;
    this.#warnings.add(`The test was ended after ${Math.floor(elapsedSeconds)} s, as ${what}.`);
    this.#stop();
  }

  /** Warns of thresholds without a sample, now that everything is counted. */
  conclude({ startedAt, statistics }: Snapshot): void {
    if (startedAt === null) return;
    this.#warnings.addAll(this.#options.thresholds.unmatched(statistics));
  }
}

/** Leaves out of statistics what some workers have not reported yet. */
export type ReportedFilter = (statistics: Statistics) => Statistics;

/** Judges the seconds of each step of a load by the thresholds. For other loads it does nothing. */
export class StepWatch {
  readonly #shape: LoadUserShape | null;
  readonly #thresholds: ThresholdSet;
  /** When the present step started, in seconds since the test started; `null` if there are no steps. */
  #since: number | null = null;
  #totals = new Totals();

  /** @param shape `null` if the test has none. */
  constructor(shape: LoadUserShape | null, thresholds: ThresholdSet) {
    this.#shape = shape;
    this.#thresholds = thresholds;
  }

  /** What has been found so far; `null` if the load does not rise until something breaks. */
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

  /** Takes in what was counted; seconds of earlier steps do not count for the present one. */
  add(counted: StatsDelta): void {
    if (this.#since !== null && counted.from >= this.#since) this.#totals.add(counted);
  }

  /**
   * What the shape is told about the run.
   *
   * @param spawning whether users are still to be started.
   */
  view(
    elapsedSeconds: number,
    spawning: boolean,
    reported: ReportedFilter = (all) => all,
  ): ShapeView {
    if (this.#since === null) return { crossed: null };
    const statistics = reported(this.#totals.statistics(Math.floor(elapsedSeconds) - this.#since));
    return { crossed: this.#thresholds.crossed(statistics, { spawning }) };
  }

  /** The shape was asked for the load at this moment. */
  enterStepAt(elapsedSeconds: number): void {
    const step = this.#shape?.stepAt(elapsedSeconds) ?? null;
    const since = step === null ? null : Math.ceil(step.startedAt);
    if (since === this.#since) return;
    this.#since = since;
    this.#totals = new Totals();
  }
}

/**
 * What is wrong with the starts of the iterations in the open model, and why; a sentence each.
 *
 * @param users how many there were, and how many there may be.
 */
export function arrivalProblems(
  { scheduled, dropped, startDelayMs }: IterationSummary,
  users: { readonly peak: number; readonly max: number },
): string[] {
  const why = users.peak >= users.max
    ? `because all ${users.max} users were busy: allow more with --max-users, or lower the rate`
    : "because this load generator was too slow: spread the load over more processes or machines, " +
      "or lower the rate";
  const problems: string[] = [];
  if (dropped > scheduled * MANY_DROPPED) {
    problems.push(`More than 1 % of the iterations were dropped, ${why}.`);
  }
  if (startDelayMs.p99 !== null && startDelayMs.p99 > LATE_START_MS) {
    problems.push(`More than 1 % of the iterations started over ${LATE_START_MS} ms late, ${why}.`);
  }
  return problems;
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

/** The warnings of a run, each once. */
export class Warnings {
  readonly #onNew: (text: string) => void;
  readonly #texts = new Set<string>();

  /** @param onNew called with each warning when it is added for the first time. */
  constructor(onNew: (text: string) => void) {
    this.#onNew = onNew;
  }

  /** All warnings, in the order in which they were added. */
  get texts(): string[] {
    return [...this.#texts];
  }

  /** Adds a warning, unless it is there already. */
  add(text: string): void {
    if (this.#texts.has(text)) return;
    this.#texts.add(text);
    this.#onNew(text);
  }

  /** Adds several warnings, each unless it is there already. */
  addAll(texts: Iterable<string>): void {
    for (const text of texts) this.add(text);
  }
}
