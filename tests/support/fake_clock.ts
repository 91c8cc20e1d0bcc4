import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../../src/core/clock.ts";

interface FakeTimer {
  readonly dueAt: number;
  readonly callback: () => void;
}

/**
 * Virtual time that advances only when a test says so. Timers fire in order, and the promises that one
 * settles are handled before the next one fires.
 */
export class FakeClock implements Clock {
  #now = 0;
  #wallOffset = 0;
  #timers: FakeTimer[] = [];

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return Date.UTC(2026, 0, 1) + this.#now + this.#wallOffset;
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer: FakeTimer = { dueAt: this.#now + Math.max(0, delayMs), callback };
    // Timers that are due at the same time fire in the order in which they were set.
    const at = this.#timers.findIndex((other) => other.dueAt > timer.dueAt);
    this.#timers.splice(at < 0 ? this.#timers.length : at, 0, timer);
    return timer;
  }

  clearTimer(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }

  nextTurn(): Promise<void> {
    return settle();
  }

  /** The number of pending timers. */
  get pending(): number {
    return this.#timers.length;
  }

  /** The wall clock is set forward or back by this much; nothing else changes. */
  setWallClock(byMs: number): void {
    this.#wallOffset += byMs;
  }

  /** Time passes, but no timer fires: code blocks the event loop, or the process is suspended. */
  block(ms: number): void {
    this.#now += ms;
  }

  /** Advances the time by `ms` milliseconds. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    while (this.#timers[0] !== undefined && this.#timers[0].dueAt <= until) {
      const timer = this.#timers.shift()!;
      this.#now = Math.max(this.#now, timer.dueAt);
      timer.callback();
      await settle();
    }
    this.#now = Math.max(this.#now, until);
  }
}

/** Resolves when all promises that can settle have settled. */
export function settle(): Promise<void> {
  // A macrotask runs after all microtasks, however long their chain.
  return new Promise((resolve) => setImmediate(resolve));
}
