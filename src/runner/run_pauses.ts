/**
 * The pauses of a run, in a local run as on a master.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import { PausableClock } from "../core/pausable_clock.ts";
import { type RunPause, secondsOfPauses } from "../stats/run_pauses.ts";
import type { RunTime } from "./run_time.ts";

/** What the pauses of a run need. */
export interface RunPausesOptions {
  readonly clock: Clock;
  readonly time: RunTime;
  /**
   * The run is paused, or goes on.
   *
   * @param pausedSeconds how long the pauses that have ended took together.
   */
  readonly onChange: (isPaused: boolean, pausedSeconds: number) => void;
  /** Another second of a pause has passed: the clock of the load does not tell. */
  readonly onSecond: () => void;
}

/**
 * When a run was paused. In a pause, users finish their iterations and wait, and {@link loadClock} stands still:
 * everything that the load of the run depends on goes on after the pause as if that had not been.
 */
export class RunPauses {
  /** The time without pauses. */
  readonly loadClock: PausableClock;
  readonly #options: RunPausesOptions;
  readonly #ended: RunPause[] = [];
  /** When the run was paused, in seconds since its start; `null` while it is not. */
  #since: number | null = null;
  #timer: Timer | null = null;

  constructor(options: RunPausesOptions) {
    this.#options = options;
    this.loadClock = new PausableClock(options.clock);
  }

  /** Whether the run is paused. */
  get isPaused(): boolean {
    return this.#since !== null;
  }

  /** All pauses, oldest first. */
  get all(): readonly RunPause[] {
    return this.#since === null ? this.#ended : [...this.#ended, { from: this.#since, to: null }];
  }

  /** How long the pauses that have ended took together, in seconds. */
  get endedSeconds(): number {
    return secondsOfPauses(this.#ended, 0, Infinity);
  }

  /** Seconds of pauses since a moment, in seconds since the start of the run. */
  since(from: number): number {
    return secondsOfPauses(this.all, from, this.#options.time.elapsedSeconds);
  }

  /** Seconds since the start of the run, without its pauses. */
  get loadSeconds(): number {
    return this.#options.time.elapsedSeconds - this.since(0);
  }

  /** Takes over the pauses of a run that is resumed. If the last one has not ended, the run is paused. */
  restore(pauses: readonly RunPause[]): void {
    for (const pause of pauses) {
      if (pause.to !== null) this.#ended.push(pause);
      else this.#begin(pause.from);
    }
  }

  /** Pauses the run. */
  pause(): void {
    this.#begin(this.#options.time.elapsedSeconds);
    this.#options.onChange(true, this.endedSeconds);
  }

  /** Lets the run go on. */
  resume(): void {
    this.end();
    this.#options.onChange(false, this.endedSeconds);
  }

  /** The run ends: the time of its load goes on, but its users do not. */
  end(): void {
    if (this.#since === null) return;
    const { clock, time } = this.#options;
    if (this.#timer !== null) clock.clearTimer(this.#timer);
    this.#ended.push({ from: this.#since, to: time.elapsedSeconds });
    this.#since = null;
    this.loadClock.resume();
  }

  #begin(since: number): void {
    this.#since = since;
    this.loadClock.pause();
    this.#tick();
  }

  #tick(): void {
    this.#timer = this.#options.clock.setTimer(() => {
      this.#tick();
      this.#options.onSecond();
    }, 1000);
  }
}
