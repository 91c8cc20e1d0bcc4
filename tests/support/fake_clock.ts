import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../../src/core/clock.ts";

interface FakeTimer {
  readonly dueAt: number;
  readonly callback: () => void;
}

/**
 * Time that stands still until a test moves it. Timers fire in the order in which they are due, and
 * whatever promises they settle has run before the next one fires.
 */
export class FakeClock implements Clock {
  #now = 0;
  #timers: FakeTimer[] = [];

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return Date.UTC(2026, 0, 1) + this.#now;
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer: FakeTimer = { dueAt: this.#now + Math.max(0, delayMs), callback };
    // Behind those that are due at the same time: first set, first fired.
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

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Lets `ms` milliseconds pass. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    while (this.#timers[0] !== undefined && this.#timers[0].dueAt <= until) {
      const timer = this.#timers.shift()!;
      this.#now = Math.max(this.#now, timer.dueAt);
      timer.callback();
      await settle();
    }
    this.#now = until;
  }
}

/** Lets everything run that is ready to run. */
export function settle(): Promise<void> {
  // A macrotask comes after all microtasks, however long their chain.
  return new Promise((resolve) => setImmediate(resolve));
}
