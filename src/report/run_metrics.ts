/**
 * What a run is watched by: the metrics of `/metrics` and of `--otlp`.
 *
 * @module
 */

import type { RendezvousRounds } from "../core/rendezvous_rounds.ts";
import type { RunState, Snapshot, WorkerRow, WorkerState } from "../stats/snapshot.ts";
import { isPresent } from "./attendance.ts";
import type { MetricFamily, ValuePoint } from "./metric_family.ts";
import { passMetrics } from "./pass_metrics.ts";
import { RequestMetrics } from "./request_metrics.ts";

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
 *
 * ```ts
 * import { RunMetrics } from "./run_metrics.ts";
 * import { Totals } from "../stats/totals.ts";
 * import assert from "node:assert/strict";
 *
 * const metrics = new RunMetrics({ buckets: [50, 100], version: "0.1.0" });
 * const families = metrics.of({
 *   runId: "7c0e", mode: "local", state: "ready", startedAt: null, endedAt: null, elapsedSeconds: 0,
 *   durationSeconds: 0, plannedSeconds: null, complete: false, arrivalRate: null, thresholds: [],
 *   users: { current: 3, target: 5, peak: 3, final: 0 }, breakingPoint: null, workers: [],
 *   expectedWorkers: null, statistics: new Totals().statistics(0), warnings: [],
 * }, []);
 * const users = families.find(({ name }) => name === "aiotest_users");
 * assert.deepEqual(users?.points, [{ labels: {}, value: 3 }]);
 * ```
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
      ...passMetrics(snapshot.statistics.iterations),
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

const RUN_STATES: readonly RunState[] = ["ready", "spawning", "running", "stopping", "stopped"];

function states(state: RunState): ValuePoint[] {
  return RUN_STATES.map((one) => ({ labels: { state: one }, value: Number(one === state) }));
}

const WORKER_STATES: readonly WorkerState[] = [
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
