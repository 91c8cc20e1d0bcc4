/**
 * The state of a run at one moment, as plain values. Reports, the console and the dashboard read
 * nothing else.
 *
 * @module
 */

import type { RunLabels } from "../core/run_info.ts";
import type { Annotation } from "./annotations.ts";
import type { RunPause } from "./run_pauses.ts";
import type {
  BucketSource,
  FailureSample,
  IterationCounts,
  LatencyCounts,
  Phase,
  RequestCounts,
  SecondCounts,
  TracedRequest,
} from "./stats_delta.ts";

/** The figures of {@link LatencySummary}, in the order of the summary file. */
export const LATENCY_FIGURES = [
  "min",
  "mean",
  "max",
  "stddev",
  "p50",
  "p75",
  "p90",
  "p95",
  "p99",
  "p999",
  "p9999",
] as const;

/** One of the figures of {@link LatencySummary}. */
export type LatencyFigure = typeof LATENCY_FIGURES[number];

/** The name of a figure as users write and read it, such as `p99.9` for `p999`. */
export function figureName(figure: LatencyFigure): string {
  return figure.replace(/^p99(9+)$/, "p99.$1");
}

/** Latencies in milliseconds; each figure is `null` if there was no sample. */
export type LatencySummary = Readonly<Record<LatencyFigure, number | null>>;

/** Requests without an answer. */
export interface UnansweredSummary {
  readonly count: number;
  /** The highest of their ages in milliseconds; `null` if there are none. */
  readonly oldestMs: number | null;
}

/** Where the time of the requests of one name, or of all names, went. */
export interface PhaseTotals {
  /** Connections that were opened. */
  readonly opened: number;
  /**
   * Requests with a response on a connection that was open already. A request with redirects counts once,
   * and those of which the connection is unknown do not count.
   */
  readonly reused: number;
  /**
   * The times of each phase in milliseconds: of the look-ups, connects and handshakes that took place, and
   * of the first byte and the download of every response.
   */
  readonly times: Readonly<Record<Phase, LatencyCounts>>;
  /** The figures of {@link times}. */
  readonly figures: Readonly<Record<Phase, LatencySummary>>;
}

/** Counts and latencies of one name, or of all names. */
export interface RequestTotals extends RequestCounts {
  /** Requests that ended: those that succeeded and {@link failures}. */
  readonly requests: number;
  readonly failures: number;
  /** Share of requests that failed, 0 to 1. */
  readonly errorRate: number;
  /** Requests per second over the whole run. */
  readonly rate: number;
  /**
   * The latencies of successful requests: see {@link lowerBounds}. The minimum and the deviation are always
   * those of the successes alone. All are `null` if no request succeeded, unless some are
   * {@link unfinished} or have been in progress for over 1 s.
   */
  readonly latencyMs: LatencySummary;
  /**
   * Whether the mean, the maximum and the percentiles in {@link latencyMs} are lower bounds, because
   * {@link waits} are part of them. Each is the higher one of two: that of the successes alone, and that of
   * the successes and the waits.
   */
  readonly lowerBounds: boolean;
  /** The latencies of successful requests in milliseconds; without any, the sum is 0 and the maximum -Infinity. */
  readonly successes: Pick<LatencyCounts, "count" | "sum" | "max">;
  /** The latencies of successful requests. This object continues to count during the run. */
  readonly histogram: BucketSource;
  /** The latencies of failed requests. */
  readonly failureLatencyMs: LatencySummary;
  /** As {@link histogram}, for failed requests. */
  readonly failureHistogram: BucketSource;
  /** Requests that were in progress when their users were cut off. They are not in {@link requests}. */
  readonly unfinished: UnansweredSummary;
  /** Requests in progress; none after the run. */
  readonly inProgress: UnansweredSummary;
  /**
   * The ages of unfinished requests and of those that have been in progress for over 1 s, and the latencies
   * of failed requests without a response.
   */
  readonly waits: LatencyCounts;
  /** Without requests without an answer. */
  readonly phases: PhaseTotals;
}

/** The part of a method and name that had one code. */
export interface CodeRow {
  /** HTTP status; 0 without a response or without HTTP, 1000 for codes beyond the limit. */
  readonly code: number;
  readonly requests: number;
  /** How many of them failed. */
  readonly failed: number;
  readonly bytesReceived: number;
  /** Those of successful requests; `null` if there are none. */
  readonly latencies: CodeLatencies | null;
  /** Those of failed requests; `null` if there are none. */
  readonly failureLatencies: CodeLatencies | null;
}

/** The latencies of the successful or of the failed requests of one code. */
export interface CodeLatencies {
  /** In milliseconds. */
  readonly sum: number;
  /** As {@link RequestTotals.histogram}. */
  readonly histogram: BucketSource;
}

/** The counts of one code, of one name or of all names. */
export type StatusRow = Pick<CodeRow, "code" | "requests" | "failed">;

/** The counts of each code of some names together, in the order of the codes. */
export function statusRows(rows: Iterable<Pick<RequestRow, "codes">>): StatusRow[] {
  const sums = new Map<number, { code: number; requests: number; failed: number }>();
  for (const { codes } of rows) {
    for (const { code, requests, failed } of codes) {
      const sum = sums.get(code);
      if (sum === undefined) sums.set(code, { code, requests, failed });
      else {
        sum.requests += requests;
        sum.failed += failed;
      }
    }
  }
  return [...sums.values()].sort((a, b) => a.code - b.code);
}

/** Counts and latencies of one method and name. */
export interface RequestRow extends RequestTotals {
  readonly method: string;
  readonly name: string;
  /** In the order of the codes. */
  readonly codes: readonly CodeRow[];
  /** Its parts by tags; empty if no request of this name had any. */
  readonly tags: readonly TagRow[];
}

/** The requests of one method and name that had the same tags. */
export interface TagRow extends RequestTotals {
  /** The tags in the order of their keys, such as `cache=hit, size=large`. */
  readonly tags: string;
}

/** What the users of one class did. */
export interface ClassRow {
  /** The name of the class. */
  readonly name: string;
  /** Its users now, and the most at once. */
  readonly users: number;
  readonly peakUsers: number;
  /**
   * What its own load says now, or said last if the run is over; `null` if the class shares the load of the
   * run by its weight.
   */
  readonly load: ReportedLoad | null;
  /** Iterations that its users completed, in either model. */
  readonly completed: number;
  /** `null` if the iterations of this class are not scheduled or limited. */
  readonly iterations: IterationSummary | null;
  /** Its requests under all names. */
  readonly totals: RequestTotals;
  /** Its requests by name, in the order of {@link Statistics.requests}. */
  readonly requests: readonly RequestRow[];
}

/** How long a group of steps took: a transaction of several requests and waits. It is in no total. */
export interface GroupRow {
  /** The name; that of a nested group comes after the outer one and ` / `. */
  readonly name: string;
  /** Groups that ended. */
  readonly count: number;
  /** Those that threw, or in which a request failed. */
  readonly failures: number;
  /** Share of groups that failed, 0 to 1. */
  readonly errorRate: number;
  /** The durations of successful groups; lower bounds as in {@link RequestTotals.lowerBounds}. */
  readonly durationMs: LatencySummary;
  readonly lowerBounds: boolean;
  /** The durations of failed groups. */
  readonly failureDurationMs: LatencySummary;
  /** The time of each successful group that was spent in requests. */
  readonly requestsMs: LatencySummary;
  /** Groups that were cut off with their users. They are not in {@link count}. */
  readonly unfinished: UnansweredSummary;
  /** The durations of successful groups, as {@link RequestTotals.histogram}, and their sum. */
  readonly histogram: BucketSource;
  readonly sum: number;
}

/** A metric of a test file. */
export type MetricRow = CounterRow | GaugeRow | RateRow | TrendRow;

/** The kind of a metric. */
export type MetricType = MetricRow["type"];

interface NamedMetric {
  readonly name: string;
}

/** A metric that adds up what it is given. */
export interface CounterRow extends NamedMetric {
  readonly type: "counter";
  readonly value: number;
  /** Per second over the whole run. */
  readonly perSecond: number;
}

/** A metric whose last value counts. */
export interface GaugeRow extends NamedMetric {
  readonly type: "gauge";
  /** The latest value of all nodes. */
  readonly value: number;
  readonly min: number;
  readonly max: number;
}

/** A metric that counts how often something was so. */
export interface RateRow extends NamedMetric {
  readonly type: "rate";
  /** Share of {@link hits}, 0 to 1. */
  readonly rate: number;
  readonly hits: number;
  readonly total: number;
}

/** A metric that collects a distribution of values. */
export interface TrendRow extends NamedMetric {
  readonly type: "trend";
  /** What reports write behind a value; may be empty. */
  readonly unit: string;
  readonly count: number;
  readonly sum: number;
  /** In the trend's own unit. Values may be 0 or negative. */
  readonly figures: LatencySummary;
}

/** What a check that does not fail its request has found. */
export interface CheckRow {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  /** Share of those that passed, 0 to 1. */
  readonly rate: number;
}

/** The course of a run for one name, class or group, in columns of the same length: a row for each step. */
export interface History {
  readonly kind: "request" | "class" | "group";
  /** Empty for a class and a group. */
  readonly method: string;
  readonly name: string;
  /** The length of a step in seconds: 1, or in a long run 2, 4, 8 and so on. All histories have the same. */
  readonly stepSeconds: number;
  /**
   * The first second of each step, in whole seconds since the start; steps in which nothing was counted may be
   * missing.
   */
  readonly seconds: readonly number[];
  /** Requests, or groups, that ended in the step. Divided by {@link stepSeconds}, they are a rate. */
  readonly requests: readonly number[];
  readonly failures: readonly number[];
  /**
   * Percentiles of the successful ones in milliseconds, within 1 %; `null` if there were none. Those of steps that
   * were merged, and of latencies that arrived late, are means: see `Histories`.
   */
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  /** Users of a class, on average over the step, which may be a fraction; `null` for others. */
  readonly users: readonly number[] | null;
}

/**
 * The latencies of successful requests over time, in columns of the same length. No latency is left out, and
 * steps without any may be missing.
 */
export interface LatencyHeatMap {
  /** The length of a step in seconds: 1, or in a long run 2, 4, 8 and so on. */
  readonly stepSeconds: number;
  /** The first second of each step, in whole seconds since the start. */
  readonly seconds: readonly number[];
  /**
   * The latencies that ended in each step, as Base64 of the bytes of `packBuckets`: with 8 buckets for each
   * power of two, whose counts are in the first of the 128 buckets of a `Histogram` that they take the place of.
   */
  readonly histograms: readonly string[];
}

/** The number of occurrences of one error of one method and name. */
export interface FailureRow {
  readonly method: string;
  readonly name: string;
  readonly error: string;
  readonly count: number;
}

/**
 * In place of a user class: the load generator itself. Its errors are requests that could not be sent for
 * want of a resource of its machine.
 */
export const LOAD_GENERATOR = "(load generator)";

/** In place of a user class: calls by which the test file has tried to end a process of the run. */
export const EXIT_CALLS = "(exit calls)";

/** The number of occurrences of one error that the code of a user class threw. */
export interface UserErrorRow {
  /** The user class, {@link LOAD_GENERATOR}, {@link EXIT_CALLS} or another origin in parentheses. */
  readonly user: string;
  readonly error: string;
  /**
   * Where it was thrown: `file:line:column`, relative to the folder of the test file; a method of the class,
   * such as `testBuy()`, if only that is known; `null` if nothing is.
   */
  readonly place: string | null;
  readonly count: number;
}

/** How many errors the code of user classes threw, and how many requests the load generator could not send. */
export function errorCounts(
  rows: readonly UserErrorRow[],
): { readonly thrown: number; readonly unsent: number } {
  let [thrown, unsent] = [0, 0];
  for (const { user, count } of rows) {
    if (user === LOAD_GENERATOR) unsent += count;
    else thrown += count;
  }
  return { thrown, unsent };
}

/**
 * One second of the timeline, as reports show it: {@link SecondCounts} of all nodes together, with
 * percentiles.
 */
export interface TimelineSecond extends Omit<SecondCounts, "peakUsers"> {
  /** Percentiles of successful requests in milliseconds; `null` if none ended in this second. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** Missing if no iterations were counted in this second: most runs do not count them. */
  readonly iterations?: SecondIterations;
  /** Missing if no response was received in this second, and no connection was opened. */
  readonly connections?: SecondConnections;
}

/** The connections of one second, and how long responses took to begin. */
export interface SecondConnections {
  /** Connections that were opened for requests that ended in this second. */
  readonly opened: number;
  /** Percentiles from sending a request to the first byte of its response, in milliseconds; `null` without any. */
  readonly ttfbP50: number | null;
  readonly ttfbP95: number | null;
}

/** The iterations of one second. */
export interface SecondIterations
  extends Pick<IterationCounts, "scheduled" | "started" | "dropped"> {
  /** The 95th percentile of the start delays in milliseconds; `null` if none started. */
  readonly startDelayP95: number | null;
  /** Percentiles of the times that completed iterations took, in milliseconds; `null` if none completed. */
  readonly serviceTimeP50: number | null;
  readonly serviceTimeP95: number | null;
}

/** The counts and times of iterations. */
export interface IterationSummary
  extends Omit<IterationCounts, "serviceTime" | "startDelay" | "interruptedTime"> {
  /** If iterations were interrupted, lower bounds, as {@link RequestTotals.lowerBounds} says. */
  readonly serviceTimeMs: LatencySummary;
  readonly startDelayMs: LatencySummary;
}

/** What the system said about the connections of users, some of which were sampled once a second. */
export interface NetworkSummary {
  /** How often a connection was sampled; at least 1. */
  readonly samples: number;
  /** Samples of connections that had sent data again since they were opened. */
  readonly retransmitting: number;
  /** The smoothed round-trip times. */
  readonly roundTripMs: LatencySummary;
}

/** Everything that was counted. */
export interface Statistics {
  readonly totals: RequestTotals;
  /** Sorted by name, then by method. */
  readonly requests: readonly RequestRow[];
  /** The most frequent first. */
  readonly failures: readonly FailureRow[];
  /** The most frequent first. */
  readonly userErrors: readonly UserErrorRow[];
  readonly timeline: readonly TimelineSecond[];
  /** `null` if iterations are not counted. */
  readonly iterations: IterationSummary | null;
  /** `null` if no connection was sampled: not all systems can be asked. */
  readonly network: NetworkSummary | null;
  /** In the order of the test file. */
  readonly classes: readonly ClassRow[];
  /** Sorted by name, so that nested groups follow the outer one. */
  readonly groups: readonly GroupRow[];
  /** Sorted by name. */
  readonly metrics: readonly MetricRow[];
  /** Sorted by name. */
  readonly checks: readonly CheckRow[];
  /** Those of a name are together, the slowest first. Sorted by name, then by method. */
  readonly traced: readonly TracedRequestRow[];
  /** Those of the same name and error are together. Sorted by name, then by method. */
  readonly failureSamples: readonly FailureSample[];
  /** Of the busiest names, each class if there are several, and each group. */
  readonly histories: readonly History[];
  readonly heatMap: LatencyHeatMap;
}

/** A request with a trace, one of the slowest of its name. */
export interface TracedRequestRow extends TracedRequest {
  readonly method: string;
  readonly name: string;
}

/** How the code of a test has ended its run: by `run.stop`, or by `run.fail`, which makes it fail. */
export interface RunEnd {
  readonly kind: "stop" | "fail";
  readonly reason: string;
  /** The node on which it was called. */
  readonly node: string;
}

/** The state of one threshold. */
export interface ThresholdRow {
  readonly expression: string;
  /** In the unit of the metric: milliseconds, a share, a number; `null` without a sample. */
  readonly observed: number | null;
  /**
   * Once the run has ended, a threshold without a sample has not passed; `null`: it is not judged, because another
   * threshold has ended the run before there was a sample.
   */
  readonly passed: boolean | null;
}

/** A load as plain values. */
export interface ReportedLoad {
  /** Users; in the open model, the maximum. */
  readonly users: number;
  /** Iterations that start per second; `null` in the closed model. */
  readonly arrivalRate: number | null;
}

/** The load of the classes that have no load of their own. */
export interface SharedLoad extends ReportedLoad {
  /** Users that are started or stopped per second; `null` before the start, and in the open model. */
  readonly spawnRate: number | null;
}

/**
 * The load model of a run: closed, open, or both, if classes have loads of their own and only some of them
 * are arrivals.
 */
export function loadModel(
  { arrivalRate, closedUsers }: Pick<Snapshot, "arrivalRate" | "closedUsers">,
): "closed" | "open" | "mixed" {
  if (arrivalRate === null) return "closed";
  return closedUsers === null ? "open" : "mixed";
}

/** The result of a run that raises its load until a threshold is crossed. */
export interface BreakingPoint {
  /** The class whose own load it is; `null` if it is the load that classes share. */
  readonly className: string | null;
  /** The highest load that passed; `null` if none did. */
  readonly passed: ReportedLoad | null;
  /** The first load that did not pass; `null` if all did. */
  readonly broke: ReportedLoad | null;
  /** The threshold that was crossed; `null` if none was. */
  readonly threshold: string | null;
}

/** The state of a run. */
export type RunStatus = "ready" | "spawning" | "running" | "stopping" | "stopped";

/** The state of a process that generates load. */
export type WorkerStatus =
  | "preparing"
  | "ready"
  | "spawning"
  | "running"
  | "stopping"
  /** It stayed until the end. */
  | "finished"
  /** A signal ended it before the end of the run, and it handed in its counts. */
  | "left"
  /** It was silent for so long that other workers run its users. */
  | "lost";

/** One process that generates load. */
export interface WorkerRow {
  readonly id: string;
  readonly host: string;
  readonly state: WorkerStatus;
  readonly users: number;
  readonly peakUsers: number;
  /** Requests per second in the last second that it reported. */
  readonly rate: number;
  /** CPU usage in the last second, as a share of one core; may exceed 1. */
  readonly cpu: number;
  /** The highest CPU usage of any second. */
  readonly cpuPeak: number;
  /** Event loop lag in milliseconds, the 99th percentile of the last seconds. */
  readonly lagMs: number;
  readonly requests: number;
  /** Whether all of its counts have arrived. */
  readonly complete: boolean;
  /** How its sockets are implemented: `epoll` or `node:net`; `null` if it has not said so yet. */
  readonly sockets: string | null;
  /** The last lines of its log; none of a local run, and once the run has ended. */
  readonly log: readonly WorkerLogLine[];
}

/** One line of the log of a worker. */
export interface WorkerLogLine {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** As on the command line, such as INFO. */
  readonly level: string;
  readonly text: string;
}

/** A run at one moment, or after its end. */
export interface Snapshot extends RunLabels {
  readonly runId: string;
  readonly mode: "local" | "distributed";
  readonly state: RunStatus;
  /** Whether a signal has ended it, which only the process around the run knows. */
  readonly interrupted?: boolean;
  /** Milliseconds since 1970; `null` before the first user starts. */
  readonly startedAt: number | null;
  /** Milliseconds since 1970; `null` before the last user stops. */
  readonly endedAt: number | null;
  /** Seconds from the start of the first user to now, or to the stop of the last user. */
  readonly elapsedSeconds: number;
  /** Seconds that were counted: fewer than those elapsed if the counts were reset, or the run was paused. */
  readonly durationSeconds: number;
  /** Seconds of pauses that are left out of {@link durationSeconds}. */
  readonly pausedSeconds: number;
  /** The pauses of the run, oldest first. The last one may not have ended. */
  readonly pauses: readonly RunPause[];
  /** Planned duration in seconds without pauses, until the last load ends; `null` without a planned end. */
  readonly plannedSeconds: number | null;
  /** Whether the counts of all nodes are included. */
  readonly complete: boolean;
  readonly users: {
    readonly current: number;
    /**
     * Users that should be running; in the open model, the maximum. In a run with loads of both models, it is
     * the sum of both.
     */
    readonly target: number;
    readonly peak: number;
    /** Users that were running when the test was stopped. */
    readonly final: number;
  };
  /** Iterations that should start per second, in all loads together; `null` if all are of the closed model. */
  readonly arrivalRate: number | null;
  /**
   * Users that are started or stopped per second, in all loads together; `null` before the start, and if all
   * loads are of the open model.
   */
  readonly spawnRate: number | null;
  /** The part of the target users that loads of the closed model ask for; `null` if there are none. */
  readonly closedUsers: number | null;
  /** The load of the classes without a load of their own; `null` if each has one. */
  readonly sharedLoad: SharedLoad | null;
  /** In the order of the options. */
  readonly thresholds: readonly ThresholdRow[];
  /** `null` if the run does not look for a breaking point. */
  readonly breakingPoint: BreakingPoint | null;
  /** Workers that a master waits for before it starts the test; `null` in a local run. */
  readonly expectedWorkers: number | null;
  readonly workers: readonly WorkerRow[];
  readonly statistics: Statistics;
  /** `null` if no code of the test has ended the run. The first `fail` counts, and otherwise the first `stop`. */
  readonly runEnd: RunEnd | null;
  /** What happened during the run, in order. */
  readonly annotations: readonly Annotation[];
  readonly warnings: readonly string[];
}
