import { observedText } from "../stats/observed_text.ts";
import type { RunState, Snapshot, Statistics, ThresholdRow } from "../stats/snapshot.ts";
import type { ThresholdSet } from "../stats/threshold_set.ts";
import type { Warnings } from "./warnings.ts";

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
  rows(statistics: Statistics, state: RunState, durationSeconds: number): ThresholdRow[] {
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
