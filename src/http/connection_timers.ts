/**
 * The timer that the deadlines of all exchanges share.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";

/** An object that has deadlines, one after another. */
export interface Expiring {
  /** Milliseconds on the clock; `Infinity` without a deadline. */
  readonly deadline: number;
  /** Called after the deadline has passed; must set another one. */
  expire(): void;
}

/** Firing more often would be expensive when thousands of deadlines pass one after another. */
const GRAIN_MS = 50;

/** Timers are limited to 2³¹ ms. After this time, the sweep checks and sets its timer again. */
const MAX_TIMER_MS = 3_600_000;

/**
 * Calls registered objects when their deadlines have passed, at most 50 ms late, or later if the process
 * itself is late: what has arrived by then is handled first, so that no exchange fails because of that.
 *
 * Nearly all exchanges end long before their deadlines, so a timer for each would be wasted work. Here,
 * a new deadline costs one comparison: a single timer is set for the earliest known deadline and checks
 * all objects when it fires.
 */
export class DeadlineSweep {
  readonly #clock: Clock;
  readonly #entries = new Set<Expiring>();
  readonly #drain: () => Promise<void>;
  readonly #onTimer = (): void => void this.#sweep();
  #timer: Timer | null = null;
  #firesAt = Infinity;

  /** @param drain handles what has arrived on the sockets. */
  constructor(clock: Clock, drain: () => Promise<void>) {
    this.#clock = clock;
    this.#drain = drain;
  }

  /** Registers an object. */
  add(entry: Expiring): void {
    this.#entries.add(entry);
  }

  /** Removes an object; the last one also clears the timer. */
  delete(entry: Expiring): void {
    this.#entries.delete(entry);
    if (this.#entries.size === 0) this.#disarm();
  }

  /** To be called when a registered object gets this deadline, unless its previous one was earlier. */
  schedule(deadline: number): void {
    // The timer stays when an exchange ends, because the next deadline is mostly later.
    if (deadline < this.#firesAt) this.#arm(deadline);
  }

  async #sweep(): Promise<void> {
    this.#timer = null;
    const now = this.#clock.now();
    // Until the sweep is over, no timer is needed.
    this.#firesAt = now;
    if (this.#hasDeadlineBy(now)) await this.#drain();
    let soonest = Infinity;
    for (const entry of this.#entries) {
      if (entry.deadline <= now) entry.expire();
      soonest = Math.min(soonest, entry.deadline);
    }
    this.#firesAt = Infinity;
    this.schedule(soonest);
  }

  #hasDeadlineBy(now: number): boolean {
    for (const { deadline } of this.#entries) if (deadline <= now) return true;
    return false;
  }

  #arm(deadline: number): void {
    const now = this.#clock.now();
    const delay = Math.min(Math.max(deadline - now, GRAIN_MS), MAX_TIMER_MS);
    // A timer that is already set to fire by then is early enough.
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
