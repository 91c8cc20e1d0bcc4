/**
 * Which of a run's workers are there.
 *
 * @module
 */

import { BUSY_CPU, LATE_LOOP_MS } from "../stats/generator_watch.ts";
import type { RunStatus, Snapshot, WorkerRow, WorkerStatus } from "../stats/snapshot.ts";
import { formatCount, formatLatency } from "./quantity.ts";
import { type Span, span, type Tone } from "./terminal.ts";

/** Whether a worker takes part, or did so to the end: neither lost nor gone. */
export function isPresent({ state }: Pick<WorkerRow, "state">): boolean {
  return state !== "lost" && state !== "left";
}

/**
 * How many workers are there, and of how many where some are not any more.
 */
export function workerCounts(workers: readonly Pick<WorkerRow, "state">[]): string {
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

// Readings of the processes that generate load, in the tone of how good they are.

/** What to think of the states of runs and of workers. */
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

/** Whether what a process measures may be its own slowness. */
export function isStrained(cpu: number, lagMs: number): boolean {
  return cpu >= BUSY_CPU || lagMs >= LATE_LOOP_MS;
}

/**
 * A share of one core.
 */
export function cpuGauge(cpu: number): Span {
  return span(`${Math.round(cpu * 100)}%`, cpu >= BUSY_CPU ? "warning" : "plain");
}

/** How late an event loop runs, in milliseconds and without their unit. */
export function lagGauge(lagMs: number): Span {
  return span(formatLatency(lagMs), lagMs >= LATE_LOOP_MS ? "warning" : "plain");
}
