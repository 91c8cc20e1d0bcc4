/**
 * What console and reports say about the processes that generate load.
 *
 * @module
 */

import { BUSY_CPU, LATE_LOOP_MS } from "../stats/generator_watch.ts";
import type { RunStatus, Snapshot, WorkerRow, WorkerStatus } from "../stats/snapshot.ts";
import { formatCount, formatLatency } from "./quantity.ts";
import { type Span, span, type Tone } from "./terminal.ts";

/** Whether a worker takes part, or did so until the end: it was not lost, and did not leave. */
export function isPresent({ state }: Pick<WorkerRow, "state">): boolean {
  return state !== "lost" && state !== "left";
}

/** The number of workers, as `5`, or as `3 of 5` if some are gone. */
export function workerCounts(workers: readonly Pick<WorkerRow, "state">[]): string {
  const present = workers.filter(isPresent).length;
  const all = formatCount(workers.length);
  return present === workers.length ? all : `${formatCount(present)} of ${all}`;
}

/**
 * What a master is waiting for before it starts the test; `null` if it is not. Workers that are still
 * preparing do not count, because they cannot start.
 */
export function awaited({ state, expectedWorkers, workers }: Snapshot): string | null {
  if (state !== "ready" || expectedWorkers === null) return null;
  const here = workers.filter((worker) => isPresent(worker) && worker.state !== "preparing").length;
  if (here >= expectedWorkers) return null;
  return `waiting for workers: ${formatCount(here)} of ${formatCount(expectedWorkers)}`;
}

/** The tones of the states of runs and workers. */
export const STATE_TONES: Readonly<Record<RunStatus | WorkerStatus, Tone>> = {
  preparing: "quiet",
  ready: "quiet",
  spawning: "busy",
  running: "good",
  stopping: "warning",
  stopped: "quiet",
  finished: "quiet",
  left: "quiet",
  lost: "bad",
};

/** Whether a process is so busy that it may affect its own measurements. */
export function isStrained(cpu: number, lagMs: number): boolean {
  return cpu >= BUSY_CPU || lagMs >= LATE_LOOP_MS;
}

/** CPU usage, as a percentage of one core. */
export function cpuGauge(cpu: number): Span {
  return span(`${Math.round(cpu * 100)}%`, cpu >= BUSY_CPU ? "warning" : "plain");
}

/** Event loop lag in milliseconds, without the unit. */
export function lagGauge(lagMs: number): Span {
  return span(formatLatency(lagMs), lagMs >= LATE_LOOP_MS ? "warning" : "plain");
}
