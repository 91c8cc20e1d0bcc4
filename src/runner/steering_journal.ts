/**
 * Loads that somebody has set by hand, as a journal has them: whoever goes on with a run goes on with
 * them, too.
 *
 * @module
 */

import type { SteeredRecord } from "../cluster/journal_record.ts";
import { isArrivals } from "../load/target.ts";
import type { SteeredLoad } from "./load_driver.ts";
import type { MasterRunOptions } from "./master_run_options.ts";
import { Steering } from "./steering.ts";

/** What a journal says of a load that was set. */
function steeredRecord({ elapsedSeconds, target }: SteeredLoad): SteeredRecord {
  const type = "steered";
  return isArrivals(target)
    ? { type, elapsedSeconds, model: "open", users: target.maxUsers, rate: target.arrivalRate }
    : { type, elapsedSeconds, model: "closed", ...target };
}

/**
 * The load that a record tells of.
 *
 * ```ts
 * import { steeredLoad } from "./steering_journal.ts";
 * import assert from "node:assert/strict";
 *
 * const record = { type: "steered", elapsedSeconds: 7.5, model: "open", users: 50, rate: 20 } as const;
 * assert.deepEqual(steeredLoad(record).target, { arrivalRate: 20, maxUsers: 50 });
 * ```
 */
export function steeredLoad({ elapsedSeconds, model, users, rate }: SteeredRecord): SteeredLoad {
  const target = model === "open" ? { arrivalRate: rate, maxUsers: users } : { users, rate };
  return { elapsedSeconds, target };
}

/**
 * A master's run in somebody's hand, who writes down what is made of it.
 *
 * @param elapsed seconds since the test's start.
 */
export function journaledSteering(
  { clock, plan, waitsForStart, restored, journal }: Pick<
    MasterRunOptions,
    "clock" | "plan" | "waitsForStart" | "restored" | "journal"
  >,
  elapsed: () => number,
): Steering {
  // What has begun is not begun again by whoever goes on with it.
  const hasBegun = restored !== null && restored.book.startedAt !== null;
  return new Steering(
    clock,
    plan,
    waitsForStart && !hasBegun,
    (target) => journal.append(steeredRecord({ elapsedSeconds: elapsed(), target })),
  );
}
