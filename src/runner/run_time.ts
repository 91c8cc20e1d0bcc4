/**
 * The duration of a run.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";

/** How long a run has lasted. */
export class RunTime {
  readonly #clock: Clock;
  /** On the clock; `null` before the run started. */
  #beganAt: number | null = null;
  /** On the clock; `null` before the run ended. */
  #endedAt: number | null = null;

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

  /**
   * When the run ended, in milliseconds since 1970; `null` before the end. It does not read the wall clock,
   * which can be set during the run.
   *
   * @param startedAt when the run started, likewise.
   */
  endedAt(startedAt: number | null): number | null {
    if (this.#endedAt === null || startedAt === null) return null;
    return startedAt + this.elapsedSeconds * 1000;
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
  }
}
