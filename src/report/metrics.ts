/**
 * What a run is watched by: the metrics of `/metrics` and of `--otlp`.
 *
 * @module
 */

import type { RendezvousRounds } from "../core/run_info.ts";
import { Histogram } from "../stats/histogram.ts";
import { NameCap, OTHER_CODE } from "../stats/request_stats.ts";
import type {
  CodeRow,
  FailureRow,
  IterationSummary,
  LatencySummary,
  RequestRow,
  RunStatus,
  Snapshot,
  Statistics,
  WorkerRow,
  WorkerStatus,
} from "../stats/snapshot.ts";
import type { BucketSink, BucketSource } from "../stats/stats_delta.ts";
import { isPresent } from "./worker_counts.ts";

/** Metrics of what became of the passes that were meant to begin; without points where none are counted. */
function iterationMetrics(iterations: IterationSummary | null): MetricFamily[] {
  const counter = (
    name: string,
    help: string,
    count: (of: IterationSummary) => number,
  ): MetricFamily => ({
    type: "counter",
    name: `aiotest_passes_${name}_total`,
    help,
    unit: "",
    points: iterations === null ? [] : [{ labels: {}, value: count(iterations) }],
  });
  const times = (
    name: string,
    help: string,
    point: (of: IterationSummary) => SummaryPoint,
  ): MetricFamily => ({
    type: "summary",
    name: `aiotest_pass_${name}_seconds`,
    help,
    unit: "s",
    points: iterations === null ? [] : [point(iterations)],
  });
  return [
    counter("scheduled", "Passes whose time to start had come.", ({ scheduled }) => scheduled),
    counter("started", "Passes that a user began, in time or late.", ({ started }) => started),
    counter("completed", "Passes that a user has ended.", ({ completed }) => completed),
    counter(
      "dropped",
      "Passes that no user began: all were busy, or the test was over.",
      ({ dropped }) => dropped,
    ),
    times(
      "start_delay",
      "How late passes began, over the whole run.",
      ({ startDelayMs, started }) => summaryOf(startDelayMs, started),
    ),
    times(
      "service_time",
      "From a pass's real start to its end, over the whole run.",
      ({ serviceTimeMs, completed }) => summaryOf(serviceTimeMs, completed),
    ),
  ];
}

function summaryOf({ p50, p95, p99, p999, mean }: LatencySummary, count: number): SummaryPoint {
  const known = [[0.5, p50], [0.95, p95], [0.99, p99], [0.999, p999]] as const;
  return {
    labels: {},
    quantiles: known.flatMap(([share, ms]) => ms === null ? [] : [[share, ms / 1000] as const]),
    count,
    sum: (mean ?? 0) * count / 1000,
  };
}

/**
 * Counts how many latencies do not exceed each of some bounds, in milliseconds.
 *
 * A bucket of a histogram counts for a bound that lies in it. So nothing that is within a bound is
 * missing there, and what is above it by less than 0.1 % may be counted for it too.
 */
export class BoundCounts implements BucketSink {
  /** For each bound, the bucket that it lies in. */
  readonly #last: readonly number[];
  #counts: number[] = [];
  #at = 0;

  /** @param bounds rising. */
  constructor(bounds: readonly number[]) {
    this.#last = bounds.map(bucketOf);
  }

  /** For each bound, how many do not exceed it. */
  of(source: BucketSource): number[] {
    const counts = this.#counts = this.#last.map(() => 0);
    this.#at = 0;
    source.addTo(this);
    for (let i = 1; i < counts.length; i++) counts[i] = counts[i]! + counts[i - 1]!;
    return counts;
  }

  /** Is called by what is counted. */
  addBucket(index: number, count: number): void {
    const last = this.#last;
    // Buckets come rising, so that this seldom moves.
    let at = this.#at;
    while (at > 0 && index <= last[at - 1]!) at--;
    while (at < last.length && index > last[at]!) at++;
    this.#at = at;
    if (at < last.length) this.#counts[at] = this.#counts[at]! + count;
  }
}

function bucketOf(bound: number): number {
  const histogram = new Histogram();
  histogram.record(bound);
  const [[index] = [0]] = histogram.buckets();
  return index;
}

/**
 * Metrics of requests, failures and user errors.
 *
 * A histogram is counted anew only where it has grown. Of errors, the first 1,000 are told apart and
 * the rest are counted under `(other)`: each name may have as many of its own.
 */
export class RequestMetrics {
  readonly #bounds: readonly number[];
  readonly #boundCounts: BoundCounts;
  readonly #known = new WeakMap<BucketSource, HistogramPoint>();
  readonly #nameLabels = new Map<string, Labels>();
  readonly #errors = new NameCap();

  /** @param bounds upper bounds of the buckets in milliseconds, rising. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#boundCounts = new BoundCounts(bounds);
  }

  /** All families, those without a point included. */
  of({ requests, failures, userErrors }: Statistics): MetricFamily[] {
    const coded = requests.flatMap((row) =>
      row.codes.map((code) => ({ code, times: this.#histogram(row, code) }))
    );
    const byCode = (value: (code: CodeRow) => number): ValuePoint[] =>
      coded.map(({ code, times: { labels } }) => ({ labels, value: value(code) }));
    const byName = (value: (row: RequestRow) => number): ValuePoint[] =>
      requests.map((row) => ({ labels: this.#labels(row), value: value(row) }));
    return [
      {
        type: "histogram",
        name: "aiotest_response_times",
        help: "Latencies of requests, in milliseconds.",
        unit: "ms",
        bounds: this.#bounds,
        points: coded.map(({ times }) => times),
      },
      {
        type: "gauge",
        name: "aiotest_response_content_length",
        help: "Mean bytes of a response's body.",
        unit: "By",
        points: byCode((code) => code.requests === 0 ? 0 : code.bytesReceived / code.requests),
      },
      counter(
        "aiotest_response_bytes_total",
        "Bytes of the bodies of responses.",
        byCode(({ bytesReceived }) => bytesReceived),
        "By",
      ),
      counter(
        "aiotest_request_bytes_total",
        "Bytes of the bodies of requests.",
        byName(({ bytesSent }) => bytesSent),
        "By",
      ),
      counter(
        "aiotest_request_retries_total",
        "Requests that were sent again because a connection had gone.",
        byName(({ retries }) => retries),
      ),
      counter(
        "aiotest_response_failure_total",
        "Requests that failed, by their error.",
        this.#failurePoints(failures),
      ),
      counter(
        "aiotest_user_error_total",
        "Errors that the code of users threw.",
        userErrors.map(({ user, error, count }) => ({ labels: { user, error }, value: count })),
      ),
    ];
  }

  #histogram(row: RequestRow, code: CodeRow): HistogramPoint {
    const { histogram, latencySumMs } = code;
    const known = this.#known.get(histogram);
    if (known !== undefined && known.count === histogram.count) return known;
    const point: HistogramPoint = {
      labels: known?.labels ?? labelsOf(row, code),
      cumulative: this.#boundCounts.of(histogram),
      count: histogram.count,
      sum: latencySumMs,
    };
    this.#known.set(histogram, point);
    return point;
  }

  /** The same object each time, so that whoever writes it can remember how. */
  #labels({ name, method }: RequestRow): Labels {
    const key = JSON.stringify([name, method]);
    let labels = this.#nameLabels.get(key);
    if (labels === undefined) this.#nameLabels.set(key, labels = { name, method });
    return labels;
  }

  #failurePoints(failures: readonly FailureRow[]): ValuePoint[] {
    const points = new Map<string, { labels: Labels; value: number }>();
    for (const { method, name, error: text, count } of failures) {
      const error = this.#errors.admit(`${method} ${name}`, text);
      const key = JSON.stringify([method, name, error]);
      const point = points.get(key);
      if (point !== undefined) point.value += count;
      else points.set(key, { labels: { name, method, error }, value: count });
    }
    return [...points.values()];
  }
}

function labelsOf({ name, method }: RequestRow, { code }: CodeRow): Labels {
  return { name, method, code: code === OTHER_CODE ? "other" : String(code) };
}

function counter(
  name: string,
  help: string,
  points: readonly ValuePoint[],
  unit = "",
): MetricFamily {
  return { type: "counter", name, help, unit, points };
}

/** What metrics say that a snapshot does not know. */
export interface RunMetricsOptions {
  /** Upper bounds of the buckets of latencies in milliseconds, rising. */
  readonly buckets: readonly number[];
  /** Version of aiotest. */
  readonly version: string;
}

/**
 * The metrics of one run. It remembers what it has given, so that a name without a new request costs
 * next to nothing.
 */
export class RunMetrics {
  readonly #version: string;
  readonly #requests: RequestMetrics;

  constructor({ buckets, version }: RunMetricsOptions) {
    this.#version = version;
    this.#requests = new RequestMetrics(buckets);
  }

  /**
   * All families, those without a point included.
   *
   * @param snapshot just taken: what its run counts later would be in some of the numbers only.
   */
  of(snapshot: Snapshot, rendezvous: readonly RendezvousRounds[]): MetricFamily[] {
    return [
      ...this.#runMetrics(snapshot),
      ...workerMetrics(snapshot.workers),
      ...this.#requests.of(snapshot.statistics),
      ...iterationMetrics(snapshot.statistics.iterations),
      ...verdictMetrics(snapshot),
      ...rendezvousMetrics(rendezvous),
    ];
  }

  #runMetrics({ runId, mode, state, users, arrivalRate, ...run }: Snapshot): MetricFamily[] {
    const info = (labels: Record<string, string>): ValuePoint[] => [{ labels, value: 1 }];
    return [
      gauge("aiotest_build_info", "Which aiotest this is.", info({ version: this.#version })),
      gauge("aiotest_run_info", "Which run this is.", info({ run_id: runId, mode })),
      gauge("aiotest_run_state", "1 for what the run is doing, 0 for all else.", states(state)),
      gauge(
        "aiotest_run_start_time_seconds",
        "When the first user started, in seconds since 1970.",
        maybe(run.startedAt === null ? null : run.startedAt / 1000),
        "s",
      ),
      gauge(
        "aiotest_run_elapsed_seconds",
        "Seconds since the first user started, until the last one stopped.",
        maybe(run.elapsedSeconds),
        "s",
      ),
      gauge(
        "aiotest_run_planned_seconds",
        "Seconds that the run is to last; none where nothing says so.",
        maybe(run.plannedSeconds),
        "s",
      ),
      gauge("aiotest_users", "Users that run.", maybe(users.current)),
      gauge("aiotest_users_target", "Users that should run, or may at most.", maybe(users.target)),
      gauge("aiotest_users_peak", "The most users that ran at once.", maybe(users.peak)),
      gauge(
        "aiotest_arrival_rate_target",
        "Passes that should start a second; none in the closed model.",
        maybe(arrivalRate),
      ),
    ];
  }
}

const RUN_STATES: readonly RunStatus[] = ["ready", "spawning", "running", "stopping", "stopped"];

function states(state: RunStatus): ValuePoint[] {
  return RUN_STATES.map((one) => ({ labels: { state: one }, value: Number(one === state) }));
}

const WORKER_STATES: readonly WorkerStatus[] = [
  "preparing",
  "ready",
  "spawning",
  "running",
  "stopping",
  "finished",
  "left",
  "lost",
];

function workerMetrics(workers: readonly WorkerRow[]): MetricFamily[] {
  const byNode = (
    rows: readonly WorkerRow[],
    value: (row: WorkerRow) => number,
  ): ValuePoint[] => rows.map((row) => ({ labels: { node: row.id }, value: value(row) }));
  // Of one that has gone, nobody knows how busy it is.
  const present = workers.filter((worker) => isPresent(worker) && worker.state !== "finished");
  return [
    {
      type: "untyped",
      name: "aiotest_workers_user_count",
      help: "Users that run on a node.",
      unit: "",
      points: byNode(workers, ({ users }) => users),
    },
    gauge(
      "aiotest_workers_cpu_usage",
      "Percent of one core that a node used in the last second.",
      byNode(present, ({ cpu }) => cpu * 100),
      "%",
    ),
    gauge(
      "aiotest_event_loop_lag_seconds",
      "How late a node's event loop ran, the 99th percentile of the last 5 s.",
      byNode(present, ({ lagMs }) => lagMs / 1000),
      "s",
    ),
    gauge(
      "aiotest_workers",
      "How many processes that generate load are in a state.",
      WORKER_STATES.map((one) => ({
        labels: { state: one },
        value: workers.filter(({ state }) => state === one).length,
      })),
    ),
  ];
}

function verdictMetrics({ thresholds, warnings, complete }: Snapshot): MetricFamily[] {
  return [
    gauge(
      "aiotest_threshold_passed",
      "Whether a threshold holds: 1, or 0 where it is crossed.",
      thresholds.map(({ expression, passed }) => ({
        labels: { threshold: expression },
        value: Number(passed),
      })),
    ),
    gauge(
      "aiotest_threshold_observed",
      "What a threshold looks at, in milliseconds, a share or a number; none without a sample.",
      thresholds.flatMap(({ expression, observed }) => maybe(observed, { threshold: expression })),
    ),
    gauge("aiotest_warnings", "Warnings that the run has given.", maybe(warnings.length)),
    gauge(
      "aiotest_run_complete",
      "Whether the run has ended and nothing that was counted anywhere is missing: 1 or 0.",
      maybe(Number(complete)),
    ),
  ];
}

function rendezvousMetrics(rendezvous: readonly RendezvousRounds[]): MetricFamily[] {
  return [{
    type: "counter",
    name: "aiotest_rendezvous_rounds_total",
    help: "Rounds of a rendezvous: to which all came, and which ended by their time.",
    unit: "",
    points: rendezvous.flatMap(({ name, complete, incomplete }) => [
      { labels: { name, complete: "true" }, value: complete },
      { labels: { name, complete: "false" }, value: incomplete },
    ]),
  }];
}

function gauge(
  name: string,
  help: string,
  points: readonly ValuePoint[],
  unit = "",
): MetricFamily {
  return { type: "gauge", name, help, unit, points };
}

function maybe(value: number | null, labels: Record<string, string> = {}): ValuePoint[] {
  return value === null ? [] : [{ labels, value }];
}

// Metrics as plain values, whatever they are written as: text for Prometheus, or OTLP.

/** What tells the points of a family apart. */
export type Labels = Readonly<Record<string, string>>;

/** One number. */
export interface ValuePoint {
  readonly labels: Labels;
  readonly value: number;
}

/** Values sorted into buckets; the same object for as long as nothing is added. */
export interface HistogramPoint {
  readonly labels: Labels;
  /** For each bound of the family, how many values do not exceed it. */
  readonly cumulative: readonly number[];
  readonly count: number;
  /** In the unit of the family. */
  readonly sum: number;
}

/** Values of which some percentiles are known. */
export interface SummaryPoint {
  readonly labels: Labels;
  /** Shares of 0 to 1, rising, each with the value that so many do not exceed; none where there is no value. */
  readonly quantiles: readonly (readonly [share: number, value: number])[];
  readonly count: number;
  /** In the unit of the family. */
  readonly sum: number;
}

/** What all metrics of one name have in common. */
interface Described {
  readonly name: string;
  /** A sentence. */
  readonly help: string;
  /** By UCUM: `ms`, `s`, `By`; empty for a plain number. */
  readonly unit: string;
}

/** All metrics of one name. */
export type MetricFamily =
  & Described
  & (
    /** A counter only grows, but for a new start; `untyped` is a gauge whose name no gauge may have. */
    | { readonly type: "counter" | "gauge" | "untyped"; readonly points: readonly ValuePoint[] }
    | {
      readonly type: "histogram";
      /** Upper bounds of the buckets, rising; the one above all of them is not among them. */
      readonly bounds: readonly number[];
      readonly points: readonly HistogramPoint[];
    }
    | { readonly type: "summary"; readonly points: readonly SummaryPoint[] }
  );
