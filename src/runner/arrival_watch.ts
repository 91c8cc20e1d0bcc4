/**
 * Whether the passes of the open model began as they were meant to.
 *
 * @module
 */

import { LATE_START_MS, MANY_DROPPED } from "../stats/pass_limits.ts";
import type { IterationSummary } from "../stats/snapshot.ts";

/** How many users there were, and how many there may be. */
export interface UserRoom {
  readonly peak: number;
  readonly max: number;
}

/**
 * What is wrong with how passes began, and why; a sentence each.
 *
 * ```ts
 * import { arrivalProblems } from "./arrival_watch.ts";
 * import { Latencies } from "../stats/latencies.ts";
 * import assert from "node:assert/strict";
 *
 * const serviceTimeMs = new Latencies().summary();
 * const passes = { scheduled: 100, started: 95, completed: 95, dropped: 5, serviceTimeMs };
 * const iterations = { ...passes, startDelayMs: serviceTimeMs };
 * assert.deepEqual(arrivalProblems(iterations, { peak: 20, max: 20 }), [
 *   "More than 1 % of the passes were dropped, as all 20 users were busy: allow more with " +
 *   "--max-users, or lower the rate.",
 * ]);
 * ```
 */
export function arrivalProblems(iterations: IterationSummary, room: UserRoom): string[] {
  const { scheduled, dropped, startDelayMs } = iterations;
  const why = room.peak >= room.max
    ? `as all ${room.max} users were busy: allow more with --max-users, or lower the rate`
    : "as this generator was itself too slow: spread the load over more processes or machines, or " +
      "lower the rate";
  const problems: string[] = [];
  if (dropped > scheduled * MANY_DROPPED) {
    problems.push(`More than 1 % of the passes were dropped, ${why}.`);
  }
  if (startDelayMs.p99 !== null && startDelayMs.p99 > LATE_START_MS) {
    problems.push(`More than 1 % of the passes began over ${LATE_START_MS} ms late, ${why}.`);
  }
  return problems;
}
