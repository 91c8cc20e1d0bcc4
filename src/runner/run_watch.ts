/**
 * Looks at a run while it goes on: its thresholds, its steps, and whether its passes begin in time.
 *
 * @module
 */

import type { ClassMix } from "../load/class_mix.ts";
import type { LoadUserShape, ShapeView } from "../load/load_user_shape.ts";
import { isArrivals, type LoadTarget } from "../load/target.ts";
import type { Counted } from "../stats/counted.ts";
import type {
  BreakingPoint,
  RunState,
  Snapshot,
  Statistics,
  ThresholdRow,
} from "../stats/snapshot.ts";
import { arrivalProblems } from "./arrival_watch.ts";
import type { Exhaustion } from "./exhaustion.ts";
import { StepWatch, type Told } from "./step_watch.ts";
import { type ThresholdOptions, ThresholdWatch } from "./threshold_watch.ts";
import type { Warnings } from "./warnings.ts";

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
  rows(statistics: Statistics, state: RunState, durationSeconds: number): ThresholdRow[] {
    return this.#thresholds.rows(statistics, state, durationSeconds);
  }

  /** Takes in what was counted. */
  count(counted: Counted): void {
    this.#steps.add(counted);
  }

  /** What a shape may know: see {@link StepWatch.view}. */
  view(elapsedSeconds: number, spawning: boolean, told?: Told): ShapeView {
    return this.#steps.view(elapsedSeconds, spawning, told);
  }

  /** There is a new target since this moment. @param mix how the classes share the users. */
  aimed(target: LoadTarget, elapsedSeconds: number, mix: ClassMix): void {
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
