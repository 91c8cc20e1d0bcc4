/**
 * What the dashboard's page receives of two runs that are compared.
 *
 * @module
 */

import type { ComparisonTable } from "../report/compare_report.ts";
import type { RunHead } from "../report/run_head.ts";
import type { Span } from "../report/terminal.ts";
import type { TimelineSecond } from "../stats/snapshot.ts";

/** A second of a chart of two runs. */
export type ComparedSecond = Pick<
  TimelineSecond,
  "second" | "users" | "requests" | "failures" | "p50" | "p95" | "p99"
>;

/** One of two runs that are compared. */
export interface ComparedView {
  readonly head: RunHead;
  readonly elapsedSeconds: number;
  readonly pausedSeconds: number;
  readonly timeline: readonly ComparedSecond[];
}

/** Everything that the page shows of two runs. */
export interface ComparisonView {
  readonly a: ComparedView;
  readonly b: ComparedView;
  readonly verdict: { readonly word: Span; readonly reasons: string };
  readonly notes: readonly string[];
  readonly tables: readonly ComparisonTable[];
  /** What `aiotest compare --json` writes. */
  readonly comparison: object;
}
