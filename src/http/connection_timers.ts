/**
 * One timer for the deadlines of many exchanges.
 *
 * Nearly all of them are over long before their deadline, so setting and clearing a timer for each
 * would be work for nothing. Here a new deadline costs a comparison: the one timer, set for the soonest
 * deadline that was known, looks at all of them when it fires.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";

/** Something that has to be over in time, again and again. */
export interface Expiring {
  /** Milliseconds on the sweep's clock; Infinity while there is nothing to wait for. */
  readonly deadline: number;
  /** Called once the deadline has passed; must set another one. */
  expire(): void;
}

/** Firing more often would cost much where thousands of deadlines pass one after another. */
const GRAIN_MS = 50;

/** Timers cannot be set for longer than 2³¹ ms; the sweep just looks again. */
const LONGEST_MS = 3_600_000;

/**
 * Calls what is registered when its deadline has come, at most 50 ms late.
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

  /** Registers what will have deadlines. */
  add(entry: Expiring): void {
    this.#entries.add(entry);
  }

  /** Forgets what was registered; with the last one goes the timer. */
  delete(entry: Expiring): void {
    this.#entries.delete(entry);
    if (this.#entries.size === 0) this.#disarm();
  }

  /** Says that something registered has this deadline now; an earlier one of its need not be told. */
  note(deadline: number): void {
    // The timer stays where it is when an exchange is over: the next deadline is mostly later.
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
    this.note(soonest);
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

/** What is to be watched while it is idle. */
export interface Watchable {
  /** Whether it waits for its watch to begin. */
  awaitsWatch: boolean;
  /** Begins to watch it, if it is still idle. */
  watchWhileIdle(): void;
}

/** A connection that is used again at once need not be watched. */
const GRACE_MS = 1;

/**
 * Lets idle connections be watched for their end.
 *
 * Watching takes a read, and a busy user's connection is idle for microseconds only, again and again.
 * So those that have come to rest wait here together for a moment, and whoever is busy by then is
 * passed over.
 */
export class IdleWatch {
  readonly #clock: Clock;
  #waiting: Watchable[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has something watched in a moment; to be called whenever it has come to rest. */
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
