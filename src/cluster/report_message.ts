/**
 * What a worker reports to its master.
 *
 * @module
 */

import type { CountedSecond } from "../stats/counted.ts";

/** How some latencies are spread, but for their histogram; all times are milliseconds. */
export interface ReportSpread {
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly squaredDeviations: number;
}

/** One method, name and code in a report. */
export interface ReportEntry extends ReportSpread {
  readonly method: string;
  readonly name: string;
  /** HTTP status; 0 without one. */
  readonly code: number;
  readonly failures: number;
  readonly retries: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly errors: readonly (readonly [error: string, count: number])[];
}

/** How long something of the passes took: packed histogram, and spread where there is any. */
export interface ReportTimes {
  readonly buckets: Uint8Array;
  /** One, or none where nothing was timed. */
  readonly spread: readonly ReportSpread[];
}

/** What became of passes; those that were started and completed are as many as their times. */
export interface ReportPasses {
  readonly scheduled: number;
  readonly dropped: number;
  readonly serviceTime: ReportTimes;
  readonly startDelay: ReportTimes;
}

/** Worker, every second and at its end: what it has counted since the report before. */
export interface Report {
  readonly type: "REPORT";
  readonly runId: string;
  /** 1 and up, without a gap. */
  readonly seq: number;
  /** The first and the last second that it covers. */
  readonly from: number;
  readonly to: number;
  readonly deltas: readonly ReportEntry[];
  /** The latencies of each of {@link deltas}, packed. */
  readonly histograms: readonly Uint8Array[];
  /** What the code of user classes threw. */
  readonly errors: readonly (readonly [user: string, error: string, count: number])[];
  /** How each second went; empty where another report of the same seconds says it. */
  readonly users: readonly CountedSecond[];
  /** One, or none where passes are not counted, or another report of the same seconds has them. */
  readonly passes: readonly ReportPasses[];
  /** Share of one core, 0 to 1 and above, in the last second. */
  readonly cpu: number;
  /** How late its event loop ran, in milliseconds. */
  readonly lag: number;
  /** Whether nothing comes behind it. */
  readonly final: boolean;
  /** The part of the run that it was counted in; see `Started`. */
  readonly phase: number;
}
