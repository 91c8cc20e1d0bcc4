/**
 * A clock that can be made to stand still.
 *
 * @module
 */

import type { Clock, Timer } from "./clock.ts";

interface PausableTimer {
  readonly callback: () => void;
  readonly dueAt: number;
  /** `null` while the clock stands still. */
  inner: Timer | null;
}

/**
 * A clock that stands still between {@link pause} and {@link resume}. Its timers fire once their delay has passed
 * on it.
 */
export class PausableClock implements Clock {
  readonly #clock: Clock;
  readonly #timers = new Set<PausableTimer>();
  /** By how much it is behind the other clock. */
  #behindMs = 0;
  /** When it was paused, on the other clock; `null` while it runs. */
  #pausedAt: number | null = null;

  /** @param clock keeps the time, also in pauses. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Makes it stand still. */
  pause(): void {
    if (this.#pausedAt !== null) return;
    this.#pausedAt = this.#clock.now();
    for (const timer of this.#timers) {
      this.#clock.clearTimer(timer.inner!);
      timer.inner = null;
    }
  }

  /** Makes it run again. */
  resume(): void {
    if (this.#pausedAt === null) return;
    this.#behindMs += this.#clock.now() - this.#pausedAt;
    this.#pausedAt = null;
    for (const timer of this.#timers) this.#arm(timer);
  }

  now(): number {
    return (this.#pausedAt ?? this.#clock.now()) - this.#behindMs;
  }

  wallTime(): number {
    return this.#clock.wallTime();
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer: PausableTimer = { callback, dueAt: this.now() + delayMs, inner: null };
    this.#timers.add(timer);
    if (this.#pausedAt === null) this.#arm(timer);
    return timer;
  }

  clearTimer(timer: Timer): void {
    const { inner } = timer as PausableTimer;
    this.#timers.delete(timer as PausableTimer);
    if (inner !== null) this.#clock.clearTimer(inner);
  }

  nextTurn(): Promise<void> {
    return this.#clock.nextTurn();
  }

  #arm(timer: PausableTimer): void {
    timer.inner = this.#clock.setTimer(() => {
      this.#timers.delete(timer);
      timer.callback();
    }, Math.max(0, timer.dueAt - this.now()));
  }
}
