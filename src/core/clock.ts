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
