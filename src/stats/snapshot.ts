/**
 * What is known of a run at one moment, as plain values: all that a report, a console or a dashboard
 * ever reads.
 *
 * @module
 */

import type { BucketSource } from "./stats_delta.ts";

/** Latencies in milliseconds, of however many samples; each null where there was no sample. */
export interface LatencySummary {
  readonly min: number | null;
  readonly mean: number | null;
  readonly max: number | null;
  readonly stddev: number | null;
  readonly p50: number | null;
  readonly p75: number | null;
  readonly p90: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly p999: number | null;
  readonly p9999: number | null;
}

/** Counts and latencies of one name, or of all of them. */
export interface RequestTotals {
  readonly requests: number;
  readonly failures: number;
  readonly retries: number;
  /** Share of requests that failed, 0 to 1. */
  readonly errorRate: number;
  /** Requests a second over the whole run. */
  readonly rate: number;
  /** Bytes of bodies. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly latencyMs: LatencySummary;
  /** All of them; what a run that goes on counts later is in it as well. */
  readonly histogram: BucketSource;
}

/** The part of a method and name that was answered with one code. */
export interface CodeRow {
  /** HTTP status; 0 where there was no response or no HTTP, 1000 for codes that are not told apart. */
  readonly code: number;
  readonly requests: number;
  readonly bytesReceived: number;
  /** Sum of the latencies, in milliseconds. */
  readonly latencySumMs: number;
  /** As {@link RequestTotals.histogram}. */
  readonly histogram: BucketSource;
}

/** Counts and latencies of one method and name. */
export interface RequestRow extends RequestTotals {
  readonly method: string;
  readonly name: string;
  /** By code, rising. */
  readonly codes: readonly CodeRow[];
}

/** How often one error was the outcome of one method and name. */
export interface FailureRow {
  readonly method: string;
  readonly name: string;
  readonly error: string;
  readonly count: number;
}

/** How often the code of one user class threw one error. */
export interface UserErrorRow {
  readonly user: string;
  readonly error: string;
  readonly count: number;
}

/** One second of the run; percentiles in milliseconds, null where nothing ended in it. */
export interface TimelineSecond {
  /** Whole seconds since the start: 0 is the first. */
  readonly second: number;
  /** Users that ran when the second ended. */
  readonly users: number;
  readonly requests: number;
  readonly failures: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** What became of the passes that were meant to begin. */
export interface IterationSummary {
  readonly scheduled: number;
  readonly started: number;
  readonly completed: number;
  /** Those that no user began: all were busy, or the test was over. */
  readonly dropped: number;
  /** From a pass's real start to its end. */
  readonly serviceTimeMs: LatencySummary;
  /** How late passes began. */
  readonly startDelayMs: LatencySummary;
}

/** All that was counted. */
export interface Statistics {
  readonly totals: RequestTotals;
  /** By name, then by method. */
  readonly requests: readonly RequestRow[];
  /** The most frequent first. */
  readonly failures: readonly FailureRow[];
  readonly userErrors: readonly UserErrorRow[];
  readonly timeline: readonly TimelineSecond[];
  /** Null where passes are not counted. */
  readonly iterations: IterationSummary | null;
}

/** What became of one threshold. */
export interface ThresholdRow {
  readonly expression: string;
  /** In the unit of the measure: milliseconds, a share, a number; null where there was no sample. */
  readonly observed: number | null;
  /** No sample is no pass, once the run has ended. */
  readonly passed: boolean;
}

/** The load that a target was to bear, as plain values. */
export interface ReportedLoad {
  /** Users, or the most of them in the open model. */
  readonly users: number;
  /** Passes that start a second; null in the closed model. */
  readonly arrivalRate: number | null;
}

/** What a run that raises its load until something breaks has found. */
export interface BreakingPoint {
  /** The highest load that passed; null where not even the first one did. */
  readonly passed: ReportedLoad | null;
  /** The first load that did not; null where every one passed. */
  readonly broke: ReportedLoad | null;
  /** The threshold that was crossed; null where none was. */
  readonly threshold: string | null;
}

/** What a run is doing. */
export type RunStatus = "ready" | "spawning" | "running" | "stopping" | "stopped";

/** What one process does in a run, or how its part in it ended. */
export type WorkerStatus =
  | "preparing"
  | "ready"
  | "spawning"
  | "running"
  | "stopping"
  /** It was there to the end. */
  | "finished"
  /** It went before the end, as it was told to by a signal, and handed in what it had counted. */
  | "left"
  /** It was not heard of for so long that others run its users. */
  | "lost";

/** One process that generates load. */
export interface WorkerRow {
  readonly id: string;
  readonly host: string;
  readonly state: WorkerStatus;
  readonly users: number;
  readonly peakUsers: number;
  /** Requests that ended in the last second that it told of. */
  readonly rate: number;
  /** Share of one core, 0 to 1 and above, in the last second and at its highest. */
  readonly cpu: number;
  readonly cpuPeak: number;
  /** How late its event loop ran at the 99th percentile of the last seconds, in milliseconds. */
  readonly lagMs: number;
  readonly requests: number;
  readonly complete: boolean;
}

/** A run at one moment, or after its end. */
export interface Snapshot {
  readonly runId: string;
  readonly mode: "local" | "distributed";
  readonly state: RunStatus;
  /** Milliseconds since 1970; null before the first user started. */
  readonly startedAt: number | null;
  /** Milliseconds since 1970; null before the last user stopped. */
  readonly endedAt: number | null;
  /** Seconds since the first user's start, until the last user's stop. */
  readonly elapsedSeconds: number;
  /** Seconds that were counted: as many, or fewer where the start was not to count. */
  readonly durationSeconds: number;
  /** Seconds that the run is to last; null where nothing says so. */
  readonly plannedSeconds: number | null;
  /** Whether nothing that was counted anywhere is missing here. */
  readonly complete: boolean;
  readonly users: {
    readonly current: number;
    /** Users that should run; in the open model, the most that may. */
    readonly target: number;
    readonly peak: number;
    /** Users that ran when the test was told to stop. */
    readonly final: number;
  };
  /** Passes that should start a second; null in the closed model. */
  readonly arrivalRate: number | null;
  /** Those that were asked for, in their order. */
  readonly thresholds: readonly ThresholdRow[];
  /** Null where the load is not raised until something breaks. */
  readonly breakingPoint: BreakingPoint | null;
  /** Workers that a master waits for before it begins; null in a local run. */
  readonly expectedWorkers: number | null;
  readonly workers: readonly WorkerRow[];
  readonly statistics: Statistics;
  readonly warnings: readonly string[];
}
