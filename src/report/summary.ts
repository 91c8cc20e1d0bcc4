/**
 * The summary that `--json` writes. Scripts read it: a field that is here stays here, and a change
 * that breaks readers raises {@link Summary.schema}.
 *
 * @module
 */

import { Histogram } from "../stats/histogram.ts";
import { packBuckets, PackedBuckets } from "../stats/packed_buckets.ts";
import type {
  IterationSummary,
  LatencySummary,
  RequestTotals,
  Snapshot,
} from "../stats/snapshot.ts";
import type { BucketSource } from "../stats/stats_delta.ts";

// Histograms as text: the bytes of packed buckets in base64, which is how a summary file holds them.

/**
 * All buckets as text, without loss; empty where nothing was counted.
 */
export function histogramText(source: BucketSource): string {
  if (source instanceof Histogram) return packBuckets(source).toBase64();
  const histogram = new Histogram();
  histogram.merge(source);
  return packBuckets(histogram).toBase64();
}

/**
 * The histogram that {@link histogramText} has written.
 *
 * @throws SyntaxError where the text is no base64; RangeError where no histogram has such bytes.
 */
export function histogramOf(text: string): Histogram {
  const histogram = new Histogram();
  histogram.merge(new PackedBuckets(Uint8Array.fromBase64(text)));
  return histogram;
}

/** What a run came to. Latencies are milliseconds to three decimals, null where nothing was timed. */
export interface Summary {
  readonly schema: 1;
  /** Version of aiotest that wrote it. */
  readonly aiotest: string;
  readonly runId: string;
  readonly mode: "local" | "distributed";
  /** ISO 8601 in UTC; null where no user started. */
  readonly startedAt: string | null;
  /** ISO 8601 in UTC; null where the last user has not stopped. */
  readonly endedAt: string | null;
  /** From the first user's start to the last user's stop, to the millisecond. */
  readonly durationSeconds: number;
  /** Whether nothing that was counted anywhere is missing here. */
  readonly complete: boolean;
  readonly users: { readonly peak: number; readonly final: number };
  readonly workers: readonly SummaryWorker[];
  readonly totals: SummaryTotals;
  readonly requests: readonly SummaryRequest[];
  readonly failures: readonly SummaryFailure[];
  readonly userErrors: readonly SummaryUserError[];
  /** Null where passes were not counted: in the closed model without a number of them. */
  readonly iterations: SummaryIterations | null;
  readonly thresholds: readonly SummaryThreshold[];
  /** What a load that was raised until something broke has found; null in other runs. */
  readonly breakingPoint: SummaryBreakingPoint | null;
  readonly timeline: readonly SummarySecond[];
  readonly warnings: readonly string[];
  readonly exitCode: number;
}

/** One process that generated load. */
export interface SummaryWorker {
  readonly id: string;
  readonly host: string;
  readonly state: string;
  readonly peakUsers: number;
  /** Share of one core at its highest, 0 to 1 and above. */
  readonly cpuPeak: number;
  readonly requests: number;
  readonly complete: boolean;
}

/** Counts and latencies of one name, or of all of them. */
export interface SummaryTotals {
  readonly requests: number;
  readonly failures: number;
  readonly retries: number;
  /** Share of requests that failed, 0 to 1, to six digits. */
  readonly errorRate: number;
  /** Requests a second over the whole run. */
  readonly rate: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly latencyMs: LatencySummary;
  /** All latencies, compact: the Base64 text of what `packBuckets` makes. */
  readonly histogram: string;
}

/** Counts and latencies of one method and name. */
export interface SummaryRequest extends SummaryTotals {
  readonly method: string;
  readonly name: string;
}

/** How often one error was the outcome of one method and name. */
export interface SummaryFailure {
  readonly method: string;
  readonly name: string;
  readonly error: string;
  readonly count: number;
}

/** How often the code of one user class threw one error. */
export interface SummaryUserError {
  readonly user: string;
  readonly error: string;
  readonly count: number;
}

/** What became of the passes that were meant to begin. */
export interface SummaryIterations {
  readonly scheduled: number;
  readonly started: number;
  readonly completed: number;
  readonly dropped: number;
  /** From a pass's real start to its end. */
  readonly serviceTimeMs: LatencySummary;
  /** How late passes began. */
  readonly startDelayMs: LatencySummary;
}

/** What a load that was raised until something broke has found. */
export interface SummaryBreakingPoint {
  /** The highest load that passed; null where not even the first one did. */
  readonly passed: SummaryLoad | null;
  /** The first load that did not; null where every one passed. */
  readonly broke: SummaryLoad | null;
  /** The threshold that was crossed; null where none was. */
  readonly threshold: string | null;
}

/** How high a load was. */
export interface SummaryLoad {
  /** Users; in the open model, the most of them. */
  readonly users: number;
  /** Passes that start a second; null in the closed model. */
  readonly arrivalRate: number | null;
}

/** What became of one `--threshold`. */
export interface SummaryThreshold {
  readonly expression: string;
  /** Null where there was no sample, which counts as crossed. */
  readonly observed: number | null;
  readonly passed: boolean;
}

/** One second of the run. */
export interface SummarySecond {
  /** Whole seconds since the start: 0 is the first. */
  readonly second: number;
  readonly users: number;
  readonly requests: number;
  readonly failures: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** What a summary says that a snapshot does not know. */
export interface SummaryOptions {
  /** Version of aiotest. */
  readonly version: string;
  /** What the process is about to exit with. */
  readonly exitCode: number;
}

/** A summary without what only a file needs, as a run under way has one. */
export interface CompactSummary extends Omit<Summary, "totals" | "requests" | "exitCode"> {
  readonly totals: CompactTotals;
  readonly requests: readonly CompactRequest[];
  /** Null while the run goes on. */
  readonly exitCode: number | null;
}

/** Counts and latencies without all latencies. */
export type CompactTotals = Omit<SummaryTotals, "histogram">;

/** Counts and latencies of one method and name, without all latencies. */
export type CompactRequest = Omit<SummaryRequest, "histogram">;

/** The summary of a run that has ended. */
export function summary(snapshot: Snapshot, options: SummaryOptions): Summary {
  const { totals, requests } = snapshot.statistics;
  return {
    ...compactSummary(snapshot, options.version),
    totals: totalsOf(totals),
    requests: requests.map((row) => ({ method: row.method, name: row.name, ...totalsOf(row) })),
    exitCode: options.exitCode,
  };
}

/** The summary of a run, but for what takes long to make: its histograms. */
export function compactSummary(snapshot: Snapshot, version: string): CompactSummary {
  const { totals, requests, failures, userErrors, timeline } = snapshot.statistics;
  return {
    schema: 1,
    aiotest: version,
    runId: snapshot.runId,
    mode: snapshot.mode,
    startedAt: isoTime(snapshot.startedAt),
    endedAt: isoTime(snapshot.endedAt),
    durationSeconds: rounded(snapshot.durationSeconds),
    complete: snapshot.complete,
    users: { peak: snapshot.users.peak, final: snapshot.users.final },
    workers: snapshot.workers.map((worker) => ({
      id: worker.id,
      host: worker.host,
      state: worker.state,
      peakUsers: worker.peakUsers,
      cpuPeak: rounded(worker.cpuPeak),
      requests: worker.requests,
      complete: worker.complete,
    })),
    totals: compactTotals(totals),
    requests: requests.map((row) => ({
      method: row.method,
      name: row.name,
      ...compactTotals(row),
    })),
    failures: failures.map(({ method, name, error, count }) => ({ method, name, error, count })),
    userErrors: userErrors.map(({ user, error, count }) => ({ user, error, count })),
    iterations: iterationsOf(snapshot.statistics.iterations),
    thresholds: snapshot.thresholds.map(({ expression, observed, passed }) => ({
      expression,
      observed: digits(observed),
      passed,
    })),
    breakingPoint: snapshot.breakingPoint,
    timeline: timeline.map((second) => ({
      second: second.second,
      users: second.users,
      requests: second.requests,
      failures: second.failures,
      p50: rounded(second.p50),
      p95: rounded(second.p95),
      p99: rounded(second.p99),
    })),
    warnings: snapshot.warnings,
    exitCode: null,
  };
}

/** The text of a summary file: JSON, indented, with a newline at its end. */
export function summaryJson(content: Summary): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

// Every field by name: the order is part of the file, and what a snapshot gains stays out of it.
function compactTotals(totals: RequestTotals): CompactTotals {
  return {
    requests: totals.requests,
    failures: totals.failures,
    retries: totals.retries,
    errorRate: digits(totals.errorRate),
    rate: rounded(totals.rate),
    bytesReceived: totals.bytesReceived,
    bytesSent: totals.bytesSent,
    latencyMs: latencyOf(totals.latencyMs),
  };
}

function totalsOf(totals: RequestTotals): SummaryTotals {
  return { ...compactTotals(totals), histogram: histogramText(totals.histogram) };
}

function iterationsOf(iterations: IterationSummary | null): SummaryIterations | null {
  if (iterations === null) return null;
  const { scheduled, started, completed, dropped, serviceTimeMs, startDelayMs } = iterations;
  return {
    scheduled,
    started,
    completed,
    dropped,
    serviceTimeMs: latencyOf(serviceTimeMs),
    startDelayMs: latencyOf(startDelayMs),
  };
}

function latencyOf(latency: LatencySummary): LatencySummary {
  return {
    min: rounded(latency.min),
    mean: rounded(latency.mean),
    max: rounded(latency.max),
    stddev: rounded(latency.stddev),
    p50: rounded(latency.p50),
    p75: rounded(latency.p75),
    p90: rounded(latency.p90),
    p95: rounded(latency.p95),
    p99: rounded(latency.p99),
    p999: rounded(latency.p999),
    p9999: rounded(latency.p9999),
  };
}

function rounded<Value extends number | null>(value: Value): Value;
function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1000) / 1000;
}

/** Digits, not decimals: one failure among millions must not become none. */
function digits<Value extends number | null>(value: Value): Value;
function digits(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(6));
}

function isoTime(wallTime: number | null): string | null {
  return wallTime === null ? null : new Date(wallTime).toISOString();
}
