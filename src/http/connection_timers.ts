/**
 * Timers that many connections share: one for the deadlines of exchanges, one for watching idle
 * connections.
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
 * Calls registered objects when their deadlines have passed, at most 50 ms late.
 *
 * Nearly all exchanges end long before their deadlines, so a timer for each would be wasted work. Here,
 * a new deadline costs one comparison: a single timer is set for the earliest known deadline and checks
 * all objects when it fires.
 */
export class DeadlineSweep {
  readonly #clock: Clock;
  readonly #entries = new Set<Expiring>();
  readonly #onTimer = (): void => this.#sweep();
  #timer: Timer | null = null;
  #firesAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
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

  #sweep(): void {
    this.#timer = null;
    this.#firesAt = Infinity;
    const now = this.#clock.now();
    let soonest = Infinity;
    for (const entry of this.#entries) {
      if (entry.deadline <= now) entry.expire();
      soonest = Math.min(soonest, entry.deadline);
    }
    this.schedule(soonest);
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

/** A connection that is watched while it is idle. */
export interface Watchable {
  /** Whether it is on the list of the idle watch. */
  awaitsWatch: boolean;
  /** Starts watching, if the connection is still idle. */
  watchWhileIdle(): void;
}

/** Connections that are used again within this time are not watched. */
const GRACE_MS = 1;

/**
 * Starts watching idle connections for their end.
 *
 * Watching needs a read, and the connection of a busy user is idle for microseconds only. So connections
 * that become idle wait here for a moment, and those that are busy by then are skipped.
 */
export class IdleWatch {
  readonly #clock: Clock;
  #waiting: Watchable[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds a connection; call it whenever the connection becomes idle. */
  add(one: Watchable): void {
    if (one.awaitsWatch) return;
    one.awaitsWatch = true;
    this.#waiting.push(one);
    if (this.#waiting.length === 1) this.#clock.setTimer(this.#onTimer, GRACE_MS);
  }

  readonly #onTimer = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      one.awaitsWatch = false;
      one.watchWhileIdle();
    }
  };
}
