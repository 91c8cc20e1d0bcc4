/** What a final report may take, beside the users' own end. */
const REPORT_SECONDS = 10;

/** `onStop` of users may take as long at least. */
const SHORTEST_STOP_SECONDS = 5;

/**
 * How long the final reports of workers are waited for, in seconds from when they are told to stop.
 *
 * ```ts
 * import { stopDeadline } from "./stop_deadline.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(stopDeadline(2), 17);
 * assert.equal(stopDeadline(60), 130);
 * ```
 *
 * @param stopTimeout seconds that a stopping user's test may still run.
 */
export function stopDeadline(stopTimeout: number): number {
  return stopTimeout + Math.max(stopTimeout, SHORTEST_STOP_SECONDS) + REPORT_SECONDS;
}
