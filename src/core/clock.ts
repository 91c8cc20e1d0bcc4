/**
 * Time and chance. Both are passed in wherever they affect a test or its results, so tests simulate
 * hours in milliseconds and choose the numbers. Only the log's timestamps and the pauses and time limits
 * of listeners use the runtime's clock directly.
 *
 * @module
 */

import { setImmediate } from "node:timers";

/** A monotonic clock with timers. All times are in milliseconds. */
export interface Clock {
  /** The time on a clock that never goes back. Its zero is arbitrary. */
  now(): number;
  /** Milliseconds since 1970, for timestamps in reports. Do not calculate durations from it. */
  wallTime(): number;
  /** Calls `callback` once, `delayMs` from now; never if that is Infinity. */
  setTimer(callback: () => void, delayMs: number): Timer;
  /** Cancels a timer; does nothing if it has fired. */
  clearTimer(timer: Timer): void;
  /** Resolves after the event loop has served the timers and sockets that are due. */
  nextTurn(): Promise<void>;
}

/** A timer that has been set; pass it to {@link Clock.clearTimer}. */
export type Timer = object;

/** The runtime's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  ...chainedTimers({
    now: () => performance.now(),
    setTimer: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimer: (timer) => clearTimeout(timer as unknown as ReturnType<typeof setTimeout>),
  }),
  nextTurn: () => new Promise((resolve) => setImmediate(resolve)),
};

/** The longest delay of the runtime's timers: 24.8 days. Longer ones become 1 ms. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The part of a clock that {@link chainedTimers} needs. */
type Timers = Pick<Clock, "now" | "setTimer" | "clearTimer">;

/**
 * Timers of any length, up to Infinity, from timers of limited length: a long delay is waited in parts.
 *
 * @param native timers of at most 24.8 days.
 */
export function chainedTimers(native: Timers): Pick<Timers, "setTimer" | "clearTimer"> {
  return {
    setTimer: (callback, delayMs) =>
      delayMs > MAX_DELAY_MS
        ? new LongTimer(native, callback, native.now() + delayMs)
        : native.setTimer(callback, delayMs),
    clearTimer: (timer) => timer instanceof LongTimer ? timer.clear() : native.clearTimer(timer),
  };
}

/** A timer that is set again until its time has come. */
class LongTimer {
  readonly #native: Timers;
  readonly #callback: () => void;
  readonly #dueAt: number;
  #part: Timer;

  constructor(native: Timers, callback: () => void, dueAt: number) {
    this.#native = native;
    this.#callback = callback;
    this.#dueAt = dueAt;
    this.#part = this.#next();
  }

  clear(): void {
    this.#native.clearTimer(this.#part);
  }

  #next(): Timer {
    const left = this.#dueAt - this.#native.now();
    if (left <= MAX_DELAY_MS) return this.#native.setTimer(this.#callback, left);
    return this.#native.setTimer(() => {
      this.#part = this.#next();
    }, MAX_DELAY_MS);
  }
}

/** Resolves `delayMs` milliseconds from now. The wait cannot be interrupted. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(resolve, delayMs);
  });
}

/** More than twice the interval at which turns are recorded, and well below the lag that is reported. */
const MAX_TURN_MS = 40;

/**
 * Tells when the event loop last turned.
 *
 * Code that never really waits starves timers and sockets, so it has to yield now and then. Yielding
 * costs time, and it is unnecessary while other code waits for sockets anyway. All code of a node
 * therefore shares one monitor and yields only when the loop is overdue.
 */
export class EventLoopMonitor {
  #lastAt = 0;

  /** Records that the event loop turned at this time, in milliseconds. */
  recordTurn(nowMs: number): void {
    this.#lastAt = nowMs;
  }

  /** Whether timers and sockets have waited too long at this time, in milliseconds. */
  overdue(nowMs: number): boolean {
    return nowMs - this.#lastAt > MAX_TURN_MS;
  }
}

/** Returns random numbers in [0, 1). */
export type Random = () => number;

/** The runtime's own generator. */
export const systemRandom: Random = Math.random;
