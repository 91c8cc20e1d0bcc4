/**
 * What a comparison needs of a run: the part of a summary file that it reads.
 *
 * @module
 */

import type { Summary, SummarySecond, SummaryTotals } from "./summary.ts";

/** Counts and latencies of one name, or of all of them. */
export interface ComparedTotals
  extends Pick<SummaryTotals, "requests" | "failures" | "errorRate" | "rate"> {
  readonly latencyMs: Pick<SummaryTotals["latencyMs"], "mean" | "p50" | "p95" | "p99">;
  /** All latencies, as `histogramText` writes them. */
  readonly histogram: string;
}

/** Counts and latencies of one method and name. */
export interface ComparedRequest extends ComparedTotals {
  readonly method: string;
  readonly name: string;
}

/** A run that is compared with another one; every summary that `--json` writes is one. */
export interface ComparedRun
  extends Pick<Summary, "runId" | "startedAt" | "mode" | "durationSeconds" | "complete"> {
  readonly users: Pick<Summary["users"], "peak">;
  readonly totals: ComparedTotals;
  readonly requests: readonly ComparedRequest[];
  readonly timeline: readonly Omit<SummarySecond, "users">[];
}
