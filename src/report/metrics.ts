/**
 * The metrics of a run that `/metrics` serves and `--otlp` sends, as plain values: see
 * `prometheus.ts` and `otlp.ts` for the formats.
 *
 * @module
 */

import { metricLabel, type RendezvousRounds } from "../core/run_info.ts";
import { NameCap, statusKey } from "../stats/request_stats.ts";
import { isPaused, secondsOfPauses } from "../stats/run_pauses.ts";
import type {
  CodeLatencies,
  CodeRow,
  FailureRow,
  IterationSummary,
  NetworkSummary,
  RequestRow,
  RunStatus,
  Snapshot,
  Statistics,
  UnansweredSummary,
  WorkerRow,
  WorkerStatus,
} from "../stats/snapshot.ts";
import { PHASES } from "../stats/stats_delta.ts";
import {
  counter,
  gauge,
  type HistogramPoint,
  HistogramPoints,
  type Labels,
  LabelSets,
  type MetricFamily,
  optional,
  summaryOf,
  type SummaryPoint,
  type ValuePoint,
} from "./metric_families.ts";
import { TestMetrics } from "./test_metrics.ts";
import { isPresent } from "./worker_counts.ts";

/** What the metrics contain in addition to a snapshot. */
export interface RunMetricsOptions {
  /** Upper bounds of the latency buckets in milliseconds, rising. */
  readonly buckets: readonly number[];
  /** Version of aiotest. */
  readonly version: string;
}

/**
 * The metrics of one run. It caches the points of each name, so a name without new requests costs
 * next to nothing.
 */
export class RunMetrics {
  readonly #version: string;
  readonly #requests: RequestMetrics;
  readonly #test: TestMetrics;

  constructor({ buckets, version }: RunMetricsOptions) {
    this.#version = version;
    this.#requests = new RequestMetrics(buckets);
    this.#test = new TestMetrics(buckets);
  }

  /**
   * All families, including those without points.
   *
   * @param snapshot a fresh one: its histograms keep counting, but its other numbers do not.
   */
  of(snapshot: Snapshot, rendezvous: readonly RendezvousRounds[]): MetricFamily[] {
    return [
      ...this.#runMetrics(snapshot),
      ...workerMetrics(snapshot.workers),
      ...this.#requests.of(snapshot.statistics),
      ...withFormerNames(iterationMetrics(snapshot.statistics.iterations)),
      interruptedMetric(snapshot.statistics.iterations),
      ...networkMetrics(snapshot.statistics.network),
      ...verdictMetrics(snapshot),
      ...rendezvousMetrics(rendezvous),
      ...this.#test.of(snapshot.statistics),
    ];
  }

  #runMetrics({ runId, mode, state, users, arrivalRate, ...run }: Snapshot): MetricFamily[] {
    const identity: Record<string, string> = { run_id: runId, mode };
    if (run.name !== null) identity.name = run.name;
    for (const [key, value] of Object.entries(run.labels)) {
      identity[`label_${metricLabel(key)}`] = value;
    }
    const info = (labels: Record<string, string>): ValuePoint[] => [{ labels, value: 1 }];
    return [
      gauge("aiotest_build_info", "The version of aiotest.", info({ version: this.#version })),
      gauge("aiotest_run_info", "The run's id, mode, name and labels.", info(identity)),
      gauge("aiotest_run_state", "1 for the run's current state, 0 for the others.", states(state)),
      gauge(
        "aiotest_run_start_time_seconds",
        "When the first user started, in seconds since 1970.",
        optional(run.startedAt === null ? null : run.startedAt / 1000),
        "s",
      ),
      gauge(
        "aiotest_run_elapsed_seconds",
        "Seconds from the start of the first user until now, or until the last user stopped.",
        optional(run.elapsedSeconds),
        "s",
      ),
      gauge("aiotest_run_paused", "1 while the run is paused, otherwise 0.", [
        { labels: {}, value: Number(isPaused(run)) },
      ]),
      gauge(
        "aiotest_run_paused_seconds",
        "Seconds since the start in which the run was paused.",
        optional(secondsOfPauses(run.pauses, 0, run.elapsedSeconds)),
        "s",
      ),
      gauge(
        "aiotest_run_planned_seconds",
        "Planned duration of the run in seconds without pauses; absent if it has no planned end.",
        optional(run.plannedSeconds),
        "s",
      ),
      gauge("aiotest_users", "Running users.", optional(users.current)),
      gauge(
        "aiotest_users_target",
        "Users that should be running; in the open model, the maximum.",
        optional(users.target),
      ),
      gauge("aiotest_users_peak", "The most users that ran at once.", optional(users.peak)),
      gauge(
        "aiotest_arrival_rate_target",
        "Iterations that should start per second; absent in the closed model.",
        optional(arrivalRate),
      ),
    ];
  }
}

/**
 * Metrics of requests, failures and user errors.
 *
 * A histogram is counted again only if it has grown. The first 1,000 errors are counted separately
 * and the rest under `(other)`, because every name may have its own.
 */
export class RequestMetrics {
  readonly #bounds: readonly number[];
  readonly #histograms: HistogramPoints;
  readonly #labelSets = new LabelSets();
  readonly #errors = new NameCap();

  /** @param bounds upper bounds of the buckets in milliseconds, rising. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#histograms = new HistogramPoints(bounds);
  }

  /** All families, including those without points. */
  of({ requests, failures, userErrors }: Statistics): MetricFamily[] {
    const byCode = (value: (code: CodeRow) => number): ValuePoint[] =>
      requests.flatMap((row) =>
        row.codes.map((code) => ({ labels: this.#codeLabels(row, code), value: value(code) }))
      );
    const byName = (value: (row: RequestRow) => number): ValuePoint[] =>
      requests.map((row) => ({ labels: this.#labels(row), value: value(row) }));
    // Not all users see their connections.
    const byConnection = (value: (row: RequestRow) => number): ValuePoint[] =>
      requests.filter(({ phases: { opened, reused } }) => opened + reused > 0)
        .map((row) => ({ labels: this.#labels(row), value: value(row) }));
    const oldest = (unanswered: (row: RequestRow) => UnansweredSummary): ValuePoint[] =>
      requests.flatMap((row) => {
        const { oldestMs } = unanswered(row);
        return oldestMs === null ? [] : [{ labels: this.#labels(row), value: oldestMs / 1000 }];
      });
    return [
      {
        type: "histogram",
        name: "aiotest_response_times",
        help: "Latencies of requests in milliseconds, apart for those that succeeded and failed.",
        unit: "ms",
        bounds: this.#bounds,
        points: requests.flatMap((row) => row.codes.flatMap((code) => this.#times(row, code))),
      },
      gauge(
        "aiotest_response_content_length",
        "Mean size of a response body in bytes.",
        byCode((code) => code.requests === 0 ? 0 : code.bytesReceived / code.requests),
        "By",
      ),
      counter(
        "aiotest_response_bytes_total",
        "Bytes of response bodies.",
        byCode(({ bytesReceived }) => bytesReceived),
        "By",
      ),
      counter(
        "aiotest_request_bytes_total",
        "Bytes of request bodies.",
        byName(({ bytesSent }) => bytesSent),
        "By",
      ),
      counter(
        "aiotest_request_retries_total",
        "Requests that were sent again after the target had read them and closed the connection.",
        byName(({ retries }) => retries),
      ),
      counter(
        "aiotest_unfinished_requests_total",
        "Requests that were cut off with their users before they had an answer.",
        byName(({ unfinished }) => unfinished.count),
      ),
      gauge(
        "aiotest_oldest_unfinished_request_seconds",
        "The longest time that an unfinished request had waited; absent if there are none.",
        oldest(({ unfinished }) => unfinished),
        "s",
      ),
      gauge(
        "aiotest_requests_in_progress",
        "Requests in progress.",
        byName(({ inProgress }) => inProgress.count),
      ),
      gauge(
        "aiotest_oldest_request_in_progress_seconds",
        "The longest time that a request in progress has waited; absent if there are none.",
        oldest(({ inProgress }) => inProgress),
        "s",
      ),
      counter(
        "aiotest_connections_opened_total",
        "Connections that were opened.",
        byConnection(({ phases }) => phases.opened),
      ),
      counter(
        "aiotest_connections_reused_total",
        "Requests with a response on a connection that was open already.",
        byConnection(({ phases }) => phases.reused),
      ),
      {
        type: "summary",
        name: "aiotest_request_phase_seconds",
        help: "Where the time of requests went over the whole run, by phase: dns, connect, tls, " +
          "ttfb (until the first byte) and download.",
        unit: "s",
        points: requests.flatMap((row) => this.#phasePoints(row)),
      },
      counter(
        "aiotest_response_failure_total",
        "Failed requests, by error.",
        this.#failurePoints(failures),
      ),
      counter(
        "aiotest_user_error_total",
        "Errors thrown by the code of users, by class, error and place.",
        userErrors.map(({ user, error, place, count }) => ({
          labels: { user, error, place: place ?? "" },
          value: count,
        })),
      ),
    ];
  }

  #times(row: RequestRow, code: CodeRow): HistogramPoint[] {
    const { latencies, failureLatencies } = code;
    return [
      ...(latencies === null ? [] : [this.#histogram(row, code, latencies, "success")]),
      ...(failureLatencies === null
        ? []
        : [this.#histogram(row, code, failureLatencies, "failure")]),
    ];
  }

  #histogram(
    row: RequestRow,
    code: CodeRow,
    { histogram, sum }: CodeLatencies,
    outcome: "success" | "failure",
  ): HistogramPoint {
    return this.#histograms.of(
      histogram,
      sum,
      () => ({ ...this.#codeLabels(row, code), outcome }),
    );
  }

  #labels({ name, method }: RequestRow): Labels {
    return this.#labelSets.of({ name, method });
  }

  #codeLabels({ name, method }: RequestRow, { code }: CodeRow): Labels {
    return this.#labelSets.of({ name, method, code: statusKey(code) });
  }

  #phasePoints({ name, method, phases: { times, figures } }: RequestRow): SummaryPoint[] {
    return PHASES.filter((phase) => times[phase].count > 0).map((phase) => ({
      ...summaryOf(figures[phase], times[phase].count),
      labels: { name, method, phase },
      sum: times[phase].sum / 1000,
    }));
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

/** Families without points if iterations are not counted. */
function iterationMetrics(iterations: IterationSummary | null): MetricFamily[] {
  const count = (field: "scheduled" | "started" | "completed" | "dropped", help: string) =>
    counter(`aiotest_iterations_${field}_total`, help, optional(iterations?.[field] ?? null));
  const times = (
    name: string,
    help: string,
    point: (of: IterationSummary) => SummaryPoint,
  ): MetricFamily => ({
    type: "summary",
    name: `aiotest_iteration_${name}_seconds`,
    help,
    unit: "s",
    points: iterations === null ? [] : [point(iterations)],
  });
  return [
    count("scheduled", "Iterations that were due."),
    count("started", "Iterations that a user started, on time or late."),
    count("completed", "Iterations that ended."),
    count(
      "dropped",
      "Iterations that no user started, because all were busy or the test was over.",
    ),
    times(
      "start_delay",
      "How late iterations started, over the whole run.",
      ({ startDelayMs, started }) => summaryOf(startDelayMs, started),
    ),
    times(
      "service_time",
      "How long iterations took from their actual start, over the whole run.",
      ({ serviceTimeMs, completed }) => summaryOf(serviceTimeMs, completed),
    ),
  ];
}

/** Families without points if no connection was sampled. */
function networkMetrics(network: NetworkSummary | null): MetricFamily[] {
  return [
    {
      type: "summary",
      name: "aiotest_network_round_trip_seconds",
      help: "Smoothed round-trip times of sampled connections over the whole run.",
      unit: "s",
      points: network === null ? [] : [summaryOf(network.roundTripMs, network.samples)],
    },
    counter(
      "aiotest_network_retransmitting_samples_total",
      "Samples of connections that had sent data again since they were opened.",
      optional(network?.retransmitting ?? null),
    ),
  ];
}

/** It never had a former name. */
function interruptedMetric(iterations: IterationSummary | null): MetricFamily {
  return counter(
    "aiotest_iterations_interrupted_total",
    "Iterations that were cut off with their users.",
    optional(iterations?.interrupted ?? null),
  );
}

/** Adds the deprecated names, from when iterations were called passes, for one more release. */
function withFormerNames(families: readonly MetricFamily[]): MetricFamily[] {
  const former = families.map((family) => ({
    ...family,
    name: family.name
      .replace("aiotest_iterations_", "aiotest_passes_")
      .replace("aiotest_iteration_", "aiotest_pass_"),
    help: `Deprecated, will be removed in the next release: use ${family.name}.`,
  }));
  return [...families, ...former];
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
  // The CPU usage and the lag of a node that is gone are unknown.
  const present = workers.filter((worker) => isPresent(worker) && worker.state !== "finished");
  return [
    {
      type: "untyped",
      name: "aiotest_workers_user_count",
      help: "Running users of a node.",
      unit: "",
      points: byNode(workers, ({ users }) => users),
    },
    gauge(
      "aiotest_workers_cpu_usage",
      "CPU usage of a node in the last second, in percent of one core.",
      byNode(present, ({ cpu }) => cpu * 100),
      "%",
    ),
    gauge(
      "aiotest_event_loop_lag_seconds",
      "Event loop lag of a node, the 99th percentile of the last 5 s.",
      byNode(present, ({ lagMs }) => lagMs / 1000),
      "s",
    ),
    gauge(
      "aiotest_workers",
      "Load-generating processes by state.",
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
      "1 if a threshold holds, 0 if it is crossed; absent if it is not judged.",
      thresholds.flatMap(({ expression, passed }) =>
        optional(passed === null ? null : Number(passed), { threshold: expression })
      ),
    ),
    gauge(
      "aiotest_threshold_observed",
      "The observed value of a threshold: milliseconds, a share, or a number; absent without a sample.",
      thresholds.flatMap(({ expression, observed }) =>
        optional(observed, { threshold: expression })
      ),
    ),
    gauge("aiotest_warnings", "Warnings of the run so far.", optional(warnings.length)),
    gauge(
      "aiotest_run_complete",
      "1 if the run has ended and no counts are missing, else 0.",
      optional(Number(complete)),
    ),
  ];
}

function rendezvousMetrics(rendezvous: readonly RendezvousRounds[]): MetricFamily[] {
  return [counter(
    "aiotest_rendezvous_rounds_total",
    "Rounds of a rendezvous: complete, or ended by the timeout.",
    rendezvous.flatMap(({ name, complete, incomplete }) => [
      { labels: { name, complete: "true" }, value: complete },
      { labels: { name, complete: "false" }, value: incomplete },
    ]),
  )];
}
