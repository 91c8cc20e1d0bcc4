/**
 * Checks a run against its thresholds: every second, at its end, and for each step of a load that rises
 * until a threshold is crossed.
 *
 * @module
 */

import type { LoadUserShape, ShapeView } from "../load/load_user_shape.ts";
import type { Annotation } from "../stats/annotations.ts";
import type {
  BreakingPoint,
  RunStatus,
  Snapshot,
  Statistics,
  ThresholdRow,
} from "../stats/snapshot.ts";
import type { KeyedInProgress, StatsDelta } from "../stats/stats_delta.ts";
import { type AbortOptions, observedText, type ThresholdSet } from "../stats/thresholds.ts";
import { Totals } from "../stats/totals.ts";
import { reportedLoad } from "./run_loads.ts";
import type { Warnings } from "./warnings.ts";

/** The conditions that a run must meet. */
export interface ThresholdOptions extends AbortOptions {
  /** The run passes if all of them hold. */
  readonly thresholds: ThresholdSet;
}

/** Before this, rates say more about the start than about the target. */
const SETTLING_SECONDS = 5;

/** How often the same threshold is annotated. */
const MAX_TIMES = 5;

/** Watches a run's thresholds. A threshold that has ended the run keeps the value it had then. */
export class ThresholdWatch {
  readonly #options: ThresholdOptions;
  readonly #warnings: Warnings;
  readonly #stop: () => void;
  readonly #onAnnotation: (annotation: Annotation) => void;
  /** The thresholds that are crossed now, and how often each has been. */
  readonly #failing = new Set<string>();
  readonly #times = new Map<string, number>();
  /** The threshold that has ended the run. */
  #crossed: ThresholdRow | null = null;

  /** @param stop ends the test in an orderly way. */
  constructor(
    options: ThresholdOptions,
    warnings: Warnings,
    stop: () => void,
    onAnnotation: (annotation: Annotation) => void,
  ) {
    this.#options = options;
    this.#onAnnotation = onAnnotation;
    this.#warnings = warnings;
    this.#stop = stop;
  }

  /** The result of each threshold, as far as it is known. One that has ended the run comes first. */
  rows(statistics: Statistics, state: RunStatus, durationSeconds: number): ThresholdRow[] {
    const rows = this.#options.thresholds.rows(statistics, {
      over: state === "stopped",
      spawning: state === "spawning" || durationSeconds < SETTLING_SECONDS,
    });
    // What was not counted yet is no sample, although it is 0.
    if (state === "ready") return rows.map((row) => ({ ...row, observed: null, passed: true }));
    const crossed = this.#crossed;
    if (crossed === null) return rows;
    const others = rows.filter(({ expression }) => expression !== crossed.expression);
    // What the end of the run has left no time to measure is no fault of the target.
    return [crossed, ...others.map((row) => isUnmeasured(row) ? { ...row, passed: null } : row)];
  }

  /**
   * Annotates the run with thresholds that are crossed now and were not before, and ends it if that is to end it;
   * called once a second.
   */
  check(snapshot: Snapshot): void {
    this.#annotate(snapshot);
    this.#endIfCrossed(snapshot);
  }

  #annotate({ state, elapsedSeconds, thresholds }: Snapshot): void {
    if (state !== "spawning" && state !== "running") return;
    for (const { expression, observed, passed } of thresholds) {
      if (passed !== false || observed === null) {
        this.#failing.delete(expression);
        continue;
      }
      if (this.#failing.has(expression)) continue;
      this.#failing.add(expression);
      // One that is about its bound is crossed over and over again.
      const times = (this.#times.get(expression) ?? 0) + 1;
      this.#times.set(expression, times);
      if (times > MAX_TIMES) continue;
      const text = `${expression} crossed: ${observedText({ expression, observed })}`;
      this.#onAnnotation({ kind: "threshold", atSeconds: elapsedSeconds, text, node: null });
    }
  }

  #endIfCrossed({ state, elapsedSeconds, thresholds, breakingPoint }: Snapshot): void {
    if (this.#crossed !== null) return;
    // A load that rises until something breaks ends by itself.
    if (state === "stopping" || state === "stopped" || breakingPoint !== null) return;
    const crossed = thresholds.find(({ expression, passed }) => {
      const from = this.#options.thresholds.endsRunFrom(expression, this.#options);
      return passed === false && from !== null && elapsedSeconds >= from;
    });
    if (crossed === undefined) return;
    this.#crossed = crossed;
    const what = `${crossed.expression} was crossed: ${observedText(crossed)}`;
    this.#warnings.add(`The test was ended after ${Math.floor(elapsedSeconds)} s, as ${what}.`);
    this.#stop();
  }

  /** Warns of thresholds without a sample, now that everything is counted. */
  conclude({ startedAt, statistics }: Snapshot): void {
    if (startedAt === null || this.#crossed !== null) return;
    this.#warnings.addAll(this.#options.thresholds.unmatched(statistics));
  }
}

/** Whether nothing was measured for a threshold that needs a sample. */
function isUnmeasured({ observed, passed }: ThresholdRow): boolean {
  return observed === null && passed === false;
}

/** Leaves out of statistics what some workers have not reported yet. */
export type ReportedFilter = (statistics: Statistics) => Statistics;

/** Judges the seconds of each step of a load by the thresholds. For other loads it does nothing. */
export class StepWatch {
  readonly #shape: LoadUserShape | null;
  readonly #thresholds: ThresholdSet;
  /** When the present step started, without the pauses before it, and their length; `null` without steps. */
  #since: { readonly loadSeconds: number; readonly pausedSeconds: number } | null = null;
  #totals = new Totals();

  /** @param shape `null` if the test has none. */
  constructor(shape: LoadUserShape | null, thresholds: ThresholdSet) {
    this.#shape = shape;
    this.#thresholds = thresholds;
  }

  /** What has been found so far; `null` if the load does not rise until something breaks. */
  get breakingPoint(): Omit<BreakingPoint, "className"> | null {
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
    if (this.#since === null) return;
    const { loadSeconds, pausedSeconds } = this.#since;
    if (counted.from >= loadSeconds + pausedSeconds) this.#totals.add(counted);
  }

  /**
   * What the shape is told about the run.
   *
   * @param spawning whether users are still to be started.
   * @param inProgress the requests in progress.
   */
  view(
    loadSeconds: number,
    spawning: boolean,
    inProgress: Iterable<KeyedInProgress>,
    reported: ReportedFilter = (all) => all,
  ): ShapeView {
    if (this.#since === null) return { crossed: null };
    const seconds = Math.floor(loadSeconds) - this.#since.loadSeconds;
    const statistics = reported(this.#totals.statistics(seconds, inProgress));
    return { crossed: this.#thresholds.crossed(statistics, { spawning }) };
  }

  /**
   * The shape was asked for the load at this moment, in seconds since the test started without pauses.
   *
   * @param pausedSeconds how long the pauses before it took together.
   */
  enterStepAt(loadSeconds: number, pausedSeconds = 0): void {
    const step = this.#shape?.stepAt(loadSeconds) ?? null;
    const since = step === null ? null : Math.ceil(step.startedAt);
    if (since === (this.#since?.loadSeconds ?? null)) return;
    this.#since = since === null ? null : { loadSeconds: since, pausedSeconds };
    this.#totals = new Totals();
  }
}
