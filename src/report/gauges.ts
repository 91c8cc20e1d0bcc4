/**
 * Readings of the processes that generate load, in the tone of how good they are.
 *
 * @module
 */

import { BUSY_CPU, LATE_LOOP_MS } from "../stats/generator_limits.ts";
import type { RunState, WorkerState } from "../stats/snapshot.ts";
import { formatLatency } from "./quantity.ts";
import { type Span, span, type Tone } from "./styled_line.ts";

/** What to think of the states of runs and of workers. */
export const STATE_TONES: Readonly<Record<RunState | WorkerState, Tone>> = {
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
 *
 * ```ts
 * import { cpuGauge } from "./gauges.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(cpuGauge(0.306), { text: "31%", tone: "plain" });
 * assert.deepEqual(cpuGauge(1.04), { text: "104%", tone: "warning" });
 * ```
 */
export function cpuGauge(cpu: number): Span {
  return span(`${Math.round(cpu * 100)}%`, cpu >= BUSY_CPU ? "warning" : "plain");
}

/** How late an event loop runs, in milliseconds and without their unit. */
export function lagGauge(lagMs: number): Span {
  return span(formatLatency(lagMs), lagMs >= LATE_LOOP_MS ? "warning" : "plain");
}
