/**
 * Time in which this process could run. A process that was suspended, or whose code blocked it, must not
 * conclude from the silence of others that they are gone: it could not have heard them.
 *
 * @module
 */

import type { Clock, Timer } from "./clock.ts";

/** A time in which this process did not run. */
export interface Pause {
  /** When it began, in milliseconds on the clock, at most {@link TICK_MS} early. */
  readonly from: number;
  /** Milliseconds. */
  readonly ms: number;
}

/** How often the time is observed; a pause is known this exactly. */
const TICK_MS = 250;

/** A longer gap between two observations is a pause. Busy machines cause shorter ones. */
const MIN_PAUSE_MS = 2_000;

/** A timer that fires later than this is late: what has arrived in the meantime may not have been read. */
const LATE_MS = 50;

/** What has arrived gets this much time to be read, and again while the timer for that is late as well. */
const CATCH_UP_MS = 50;
const MAX_CATCH_UPS = 10;

interface AwakeTimer {
  inner: Timer;
}

/**
 * A clock that stands still while this process does not run: suspended by a signal or with its machine, or
 * blocked by code that does not yield. Its timers fire once their delay has passed while the process ran,
 * so after a pause what has arrived in the meantime is handled before any deadline. If a timer is late
 * because the process is busy, it is set again until it fires on time, at most 10 times.
 *
 * Use it for each deadline by which a process judges others. A lease that a process has been granted must
 * not use it: its time passes for all other processes.
 */
export class AwakeClock implements Clock {
  readonly #clock: Clock;
  readonly #listeners = new Set<(pause: Pause) => void>();
  #pausedMs = 0;
  #seenAt = 0;
  /** `null` while pauses are not detected. */
  #timer: Timer | null = null;

  /** @param clock keeps the time, also in pauses. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts to detect pauses. */
  start(): void {
    this.#seenAt = this.#clock.now();
    this.#tick();
  }

  /** Detects no more pauses; timers that are set still fire. */
  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** Calls `listener` after each pause, before anything else asks for the time. */
  onPause(listener: (pause: Pause) => void): void {
    this.#listeners.add(listener);
  }

  now(): number {
    this.#observe();
    return this.#clock.now() - this.#pausedMs;
  }

  wallTime(): number {
    return this.#clock.wallTime();
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    let dueAt = this.now() + delayMs;
    let catchUps = 0;
    const arm = (ms: number): Timer => {
      const pausedMs = this.#pausedMs;
      return this.#clock.setTimer(() => {
        const lateMs = this.now() - dueAt;
        // A timer may fire up to 1 ms early, so without a pause it is due.
        const isDue = pausedMs === this.#pausedMs || lateMs >= 0;
        if (!isDue) timer.inner = arm(-lateMs);
        else if (lateMs > LATE_MS && catchUps < MAX_CATCH_UPS) {
          catchUps++;
          dueAt = this.now() + CATCH_UP_MS;
          timer.inner = arm(CATCH_UP_MS);
        } else callback();
      }, ms);
    };
    const timer: AwakeTimer = { inner: arm(delayMs) };
    return timer;
  }

  clearTimer(timer: Timer): void {
    this.#clock.clearTimer((timer as AwakeTimer).inner);
  }

  nextTurn(): Promise<void> {
    return this.#clock.nextTurn();
  }

  #tick(): void {
    this.#observe();
    this.#timer = this.#clock.setTimer(() => this.#tick(), TICK_MS);
  }

  #observe(): void {
    if (this.#timer === null) return;
    const from = this.#seenAt;
    const ms = this.#clock.now() - from;
    this.#seenAt = from + ms;
    if (ms < MIN_PAUSE_MS) return;
    this.#pausedMs += ms;
    for (const listener of this.#listeners) listener({ from, ms });
  }
}
