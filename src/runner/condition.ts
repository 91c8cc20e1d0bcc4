import type { Clock, Timer } from "../core/clock.ts";

/**
 * Waits until something is so. Whoever may have changed it says so with {@link look}.
 *
 * ```ts
 * import { systemClock } from "../core/clock.ts";
 * import { Condition } from "./condition.ts";
 * import assert from "node:assert/strict";
 *
 * let ready = false;
 * const condition = new Condition(systemClock);
 * const waiting = condition.wait(() => ready, null);
 * ready = true;
 * condition.look();
 * assert.equal(await waiting, true);
 * ```
 */
export class Condition {
  readonly #clock: Clock;
  #look: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with true when it is so, or with false after `limitMs`; null: there is no limit. */
  wait(isSo: () => boolean, limitMs: number | null): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const end = (result: boolean): void => {
        this.#look = () => {};
        if (timer !== null) this.#clock.clearTimer(timer);
        resolve(result);
      };
      this.#look = () => {
        if (isSo()) end(true);
      };
      if (limitMs !== null) timer = this.#clock.setTimer(() => end(false), limitMs);
      this.#look();
    });
  }

  /** Looks whether it is so by now. */
  look(): void {
    this.#look();
  }
}
