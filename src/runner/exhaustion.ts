/**
 * Tests that end because nobody has anything left to do.
 *
 * @module
 */

import type { Member } from "../cluster/member.ts";
import type { Plan } from "../load/plan.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { LoadDriver } from "./load_driver.ts";
import type { Staffing } from "./staffing.ts";

/** What says whether a test can end so. */
export interface ExhaustionOptions {
  readonly plan: Pick<Plan, "iterations" | "shape">;
  /** What was counted before the first target number of users ran was dropped. */
  readonly resetStats: boolean;
}

/**
 * Ends a test that has come to its end by itself: all passes that there are have been begun and have
 * ended, or all users have.
 *
 * ```ts
 * import { Exhaustion } from "./exhaustion.ts";
 * import assert from "node:assert/strict";
 *
 * const exhaustion = new Exhaustion({ plan: { iterations: 10, shape: null }, resetStats: false });
 * exhaustion.end({ stop: () => true });
 * assert.deepEqual(exhaustion.shortage(8, true), [
 *   "Only 8 of 10 passes were begun: no user was left to begin the others.",
 * ]);
 * ```
 */
export class Exhaustion {
  readonly #options: ExhaustionOptions;
  /** Whether the test has ended so, and not in another way before. */
  #hasEnded = false;

  constructor(options: ExhaustionOptions) {
    this.#options = options;
  }

  /** Nobody has anything left to do. */
  end(driver: Pick<LoadDriver, "stop"> | null): void {
    if (driver?.stop()) this.#hasEnded = true;
  }

  /** All users have ended by themselves: the test ends unless others are to start. */
  endWithoutUsers(driver: Pick<LoadDriver, "spawning" | "stop"> | null): void {
    if (this.#options.plan.shape === null && driver?.spawning === false) this.end(driver);
  }

  /** Looks whether no worker has anything left to do. */
  look(
    staff: readonly Pick<Member, "phase">[],
    staffing: Pick<Staffing, "settled">,
    driver: Pick<LoadDriver, "spawning" | "stop"> | null,
  ): void {
    if (!isExhausted(staff)) return;
    if (this.#options.plan.iterations !== null) this.end(driver);
    // Users that have ended already do not run all at once, however many there were.
    else if (staffing.settled) this.endWithoutUsers(driver);
  }

  /**
   * What a test that has ended so lacks of its passes: a sentence, or none.
   *
   * @param begun passes that were begun, or that were due where a schedule says when.
   * @param complete whether nothing that was counted anywhere is missing.
   */
  shortage(begun: number, complete: Snapshot["complete"]): string[] {
    const { plan: { iterations }, resetStats } = this.#options;
    if (!this.#hasEnded || iterations === null || resetStats || begun >= iterations) return [];
    return [
      `Only ${begun} of ${iterations} passes were begun` +
      (complete
        ? ": no user was left to begin the others."
        : ", as far as is known: the others were lost with a worker."),
    ];
  }
}

/**
 * Whether the users of those that had some have ended by themselves, or there is no pass left for them.
 */
function isExhausted(staff: readonly Pick<Member, "phase">[]): boolean {
  return staff.some(({ phase }) => phase === "exhausted") &&
    // Who is ready was not told to run anything.
    staff.every(({ phase }) => phase === "exhausted" || phase === "ready");
}
