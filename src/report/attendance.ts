/**
 * Which of a run's workers are there.
 *
 * @module
 */

import type { Snapshot, WorkerRow } from "../stats/snapshot.ts";
import { formatCount } from "./quantity.ts";

/** Whether a worker takes part, or did so to the end: neither lost nor gone. */
export function isPresent({ state }: Pick<WorkerRow, "state">): boolean {
  return state !== "lost" && state !== "left";
}

/**
 * How many workers are there, and of how many where some are not any more.
 *
 * ```ts
 * import { attendance } from "./attendance.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(attendance([{ state: "running" }, { state: "ready" }]), "2");
 * assert.equal(attendance([{ state: "running" }, { state: "lost" }]), "1 of 2");
 * ```
 */
export function attendance(workers: readonly Pick<WorkerRow, "state">[]): string {
  const present = workers.filter(isPresent).length;
  const all = formatCount(workers.length);
  return present === workers.length ? all : `${formatCount(present)} of ${all}`;
}

/**
 * What a master that has not begun waits for; null where there is no such thing. Workers that are
 * still preparing cannot begin, so they do not count yet.
 */
export function awaited({ state, expectedWorkers, workers }: Snapshot): string | null {
  if (state !== "ready" || expectedWorkers === null) return null;
  const here = workers.filter((worker) => isPresent(worker) && worker.state !== "preparing").length;
  if (here >= expectedWorkers) return null;
  return `waiting for workers: ${formatCount(here)} of ${formatCount(expectedWorkers)}`;
}
