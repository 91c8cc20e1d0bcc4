/**
 * One timer for the deadlines of many exchanges.
 *
 * Nearly all of them are over long before their deadline, so setting and clearing a timer for each
 * would be work for nothing. Here an exchange costs an entry in a set, and the one timer, set for the
 * soonest deadline that it knew of, looks again when it fires.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";

/** Something that has to be over in time. */
export interface Expiring {
  /** Milliseconds on the sweep's clock; it must not change while the sweep has it. */
  readonly deadline: number;
  /** Called once the deadline has passed; the sweep has forgotten it by then. */
  expire(): void;
}

/** Firing more often would cost much where thousands of deadlines pass one after another. */
const GRAIN_MS = 50;

/** Timers cannot be set for longer than 2³¹ ms; the sweep just looks again. */
const LONGEST_MS = 3_600_000;

/**
 * Calls what has not been taken back when its deadline comes, at most 50 ms late.
 *
 * ```ts ignore
 * using deadlines = new DeadlineSweep(clock);
 * deadlines.add(exchange);
 * // …
 * deadlines.delete(exchange);
 * ```
 */
export class DeadlineSweep {
  readonly #clock: Clock;
  readonly #waiting = new Set<Expiring>();
  readonly #onTimer = (): void => this.#sweep();
  #timer: Timer | null = null;
  #firesAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins to watch; what is watched already is watched once. */
  add(entry: Expiring): void {
    this.#waiting.add(entry);
    if (entry.deadline < this.#firesAt) this.#arm(entry.deadline);
  }

  /** Watches no longer; what is not watched is ignored. */
  delete(entry: Expiring): void {
    // The timer stays: the next entry's deadline is mostly later, and then it need not be set again.
    this.#waiting.delete(entry);
  }

  /** Forgets everything, and the timer with it. */
  [Symbol.dispose](): void {
    this.#waiting.clear();
    this.#disarm();
  }

  #sweep(): void {
    this.#timer = null;
    this.#firesAt = Infinity;
    const now = this.#clock.now();
    let soonest = Infinity;
    for (const entry of this.#waiting) {
      if (entry.deadline <= now) {
        this.#waiting.delete(entry);
        entry.expire();
      } else {
        soonest = Math.min(soonest, entry.deadline);
      }
    }
    if (soonest < this.#firesAt) this.#arm(soonest);
  }

  #arm(deadline: number): void {
    const now = this.#clock.now();
    const delay = Math.min(Math.max(deadline - now, GRAIN_MS), LONGEST_MS);
    // A timer that fires within the grain is soon enough.
    if (now + delay >= this.#firesAt) return;
    this.#disarm();
    this.#firesAt = now + delay;
    this.#timer = this.#clock.setTimer(this.#onTimer, delay);
  }

  #disarm(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#firesAt = Infinity;
  }
}
