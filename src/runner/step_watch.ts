/**
 * Looks at a load that is raised step by step, until something breaks.
 *
 * @module
 */

import type { LoadUserShape, ShapeView } from "../load/load_user_shape.ts";
import type { Counted } from "../stats/counted.ts";
import type { BreakingPoint, Statistics } from "../stats/snapshot.ts";
import type { ThresholdSet } from "../stats/threshold_set.ts";
import { Totals } from "../stats/totals.ts";
import { loadLevel } from "./load_level.ts";

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
      passed: passed === null ? null : loadLevel(passed),
      broke: broke === null ? null : loadLevel(broke),
      threshold,
    };
  }

  /** Takes in what was counted; a second of a step before is none of the present one. */
  add(counted: Counted): void {
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
