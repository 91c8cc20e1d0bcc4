import type { Clock } from "../core/clock.ts";
import { LOST_MS } from "./cluster_times.ts";

/**
 * For how long nobody has been there to run users.
 *
 * ```ts
 * import { systemClock } from "../core/clock.ts";
 * import { Vacancy } from "./vacancy.ts";
 * import assert from "node:assert/strict";
 *
 * const vacancy = new Vacancy(systemClock);
 * vacancy.note(0, 60_000);
 * assert.equal(vacancy.isFinal, true);
 * vacancy.note(1);
 * assert.equal(vacancy.isFinal, false);
 * ```
 */
export class Vacancy {
  readonly #clock: Clock;
  /** Null where somebody is there. */
  #since: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether nobody who was there can be expected back. */
  get isFinal(): boolean {
    return this.#since !== null && this.#clock.now() - this.#since >= LOST_MS;
  }

  /**
   * Takes how many workers are there.
   *
   * @param silenceMs for how long none of them has been heard of.
   */
  note(workers: number, silenceMs = 0): void {
    this.#since = workers > 0 ? null : this.#clock.now() - silenceMs;
  }
}
