/**
 * Time, handed in. Nothing else in aiotest asks the runtime what time it is, so tests can run hours
 * of it in a moment.
 *
 * @module
 */

import { setImmediate } from "node:timers";

/** A timer that has been set; only good for clearing it. */
export type Timer = object;

/** A monotonic clock with timers. All times are milliseconds. */
export interface Clock {
  /** Milliseconds on a clock that never goes back; its zero means nothing. */
  now(): number;
  /** Milliseconds since 1970, to stamp reports with; never subtracted. */
  wallTime(): number;
  /** Calls `callback` once, `delayMs` from now; returns what {@link clearTimer} takes. */
  setTimer(callback: () => void, delayMs: number): Timer;
  /** Forgets a timer; one that has fired is ignored. */
  clearTimer(timer: Timer): void;
  /** Resolves when timers and sockets that are due have had their turn. */
  nextTurn(): Promise<void>;
}

/** The runtime's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimer: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
  nextTurn: () => new Promise((resolve) => setImmediate(resolve)),
};

/** Resolves `delayMs` milliseconds from now; for waits that nothing interrupts. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(resolve, delayMs);
  });
}

/**
 * When the event loop last had its turn.
 *
 * Code that never really waits keeps timers and sockets from running, so it has to let them in now and
 * then; but that costs time, and code that waits for a socket has no need of it. All code of a node
 * shares one of these, so that nobody yields while the loop turns anyway.
 */
export class EventLoopMonitor {
  #lastAt = 0;

  /** Says that a timer has fired, at this moment in milliseconds. */
  note(nowMs: number): void {
    this.#lastAt = nowMs;
  }

  /** Whether timers and sockets have waited for too long at this moment, in milliseconds. */
  overdue(nowMs: number): boolean {
    return nowMs - this.#lastAt > LONGEST_MS;
  }
}

/** Over twice the time after which a loop that turns notes it, and well under what is called late. */
const LONGEST_MS = 40;

/** A source of random numbers in [0, 1), handed in so that tests can choose them. */
export type Random = () => number;

/** The runtime's own generator. */
export const systemRandom: Random = Math.random;
