/**
 * What the dashboard's page receives: the shapes of `GET /api/summary` and of the events of
 * `GET /api/stream`. Scripts read them too, so they change only by added fields.
 *
 * @module
 */

import { ExitCode } from "../core/errors.ts";
import { formatAmount, formatCount, formatShare } from "../report/quantity.ts";
import {
  type CompactClass,
  type CompactRequest,
  type CompactSummary,
  compactSummary,
  type CompactTotals,
  failureSampleRows,
  sixDigits,
  type Summary,
  type SummaryFailureSample,
  unansweredOf,
} from "../report/summary.ts";
import { breakingPointText, loadText, unsentFact } from "../report/verdict.ts";
import { awaited } from "../report/worker_counts.ts";
import { BUSY_CPU, LATE_LOOP_MS } from "../stats/generator_watch.ts";
import {
  type BreakingPoint,
  type CheckRow,
  errorCounts,
  type FailureRow,
  type History,
  type LatencyHeatMap,
  loadModel,
  type MetricRow,
  type RunStatus,
  type Snapshot,
  type ThresholdRow,
  type TimelineSecond,
  type UnansweredSummary,
  type UserErrorRow,
  type WorkerRow,
} from "../stats/snapshot.ts";
import { runEndFact } from "../stats/run_end.ts";
import { isPaused, loadSeconds } from "../stats/run_pauses.ts";
import { failedThresholds, observedText } from "../stats/thresholds.ts";
import type { SeriesState } from "./control.ts";
import { type HistoryKey, liveHistories } from "./histories.ts";
import { type ThresholdLine, thresholdLine } from "./threshold_lines.ts";

/** The stream is never silent for longer than this. */
export const HEARTBEAT_MS = 10_000;

/** How many lines of the log the server and the page keep. */
export const LOG_LINES = 200;

/** A run at this moment: the summary of `--json`, and what only a run in progress has. */
export interface LiveSummary extends Summary {
  readonly live: LiveState;
}

/** The event `view`: the whole run except the histograms. It replaces everything sent before. */
export interface LiveView extends CompactSummary {
  readonly classes: readonly LiveClass[];
  readonly thresholds: readonly LiveThreshold[];
  readonly breakingPoint: LiveBreakingPoint | null;
  /** Examples of failed requests; those of the same name and error in the order in which they failed. */
  readonly failureSamples: readonly SummaryFailureSample[];
  readonly workerLogs: WorkerLogs;
  readonly live: LiveState;
}

/** The last lines of the logs of workers, by their ids; none of those that have logged nothing. */
export type WorkerLogs = Readonly<Record<string, readonly LogLine[]>>;

/**
 * The event `update`, once a second: what has changed since the previous event. Null means
 * unchanged.
 */
export interface LiveUpdate {
  readonly live: Omit<LiveState, "log">;
  readonly durationSeconds: number;
  readonly pausedSeconds: number;
  readonly pauses: CompactSummary["pauses"];
  readonly complete: boolean;
  readonly users: CompactSummary["users"];
  readonly exitCode: number | null;
  readonly totals: CompactTotals;
  /**
   * Rows whose counts have changed, and new rows; of their tags, only those that have changed. The `rate`
   * of all other rows changes as time passes: it is their `requests` divided by `durationSeconds`.
   */
  readonly requests: readonly CompactRequest[];
  /** As {@link requests}: the `rate` in the totals of all other classes changes. */
  readonly classes: readonly LiveClass[];
  readonly groups: CompactSummary["groups"];
  /** As {@link requests}: the `perSecond` of all other counters changes. */
  readonly metrics: readonly MetricRow[];
  readonly checks: readonly CheckRow[];
  /** Rows of histories that have changed, and new rows. If its steps have another length, a history is replaced. */
  readonly histories: readonly History[];
  /** The histories that there are now, in their order; null if they are the same as before. */
  readonly historyKeys: readonly HistoryKey[] | null;
  /**
   * Columns that are new or have changed. If its steps have another length, the heat map is replaced. Null if
   * nothing has changed.
   */
  readonly heatMap: LatencyHeatMap | null;
  readonly tracedRequests: CompactSummary["tracedRequests"] | null;
  readonly failures: readonly FailureRow[] | null;
  /** The logs of workers that have new lines; they replace those of before. */
  readonly workerLogs: WorkerLogs;
  /** New examples. None of the earlier ones has changed. */
  readonly failureSamples: readonly SummaryFailureSample[];
  readonly userErrors: readonly UserErrorRow[] | null;
  readonly thresholds: readonly LiveThreshold[] | null;
  readonly annotations: CompactSummary["annotations"] | null;
  readonly warnings: readonly string[] | null;
  readonly iterations: CompactSummary["iterations"];
  readonly network: CompactSummary["network"];
  readonly breakingPoint: LiveBreakingPoint | null;
  /** Seconds that have changed, and new seconds, in ascending order. */
  readonly timeline: readonly TimelineSecond[];
}

/** The event `log`: new lines, oldest first. */
export interface LiveLog {
  readonly lines: readonly LogLine[];
}

/** A user class, with its load as text. */
export interface LiveClass extends CompactClass {
  /** `50 users`; null if the class shares the load of the run by its weight. */
  readonly loadText: string | null;
}

/** A threshold, with its observed value as text. */
export interface LiveThreshold extends ThresholdRow {
  /** With its unit: `120 ms`. */
  readonly observedText: string;
  /** Where it is a line in charts; null if no chart shows what it judges. */
  readonly line: ThresholdLine | null;
}

/** The result of a breaking point search, also as text. */
export interface LiveBreakingPoint extends BreakingPoint {
  /** A sentence. */
  readonly text: string;
  /** `200 users`; null if no load has passed. */
  readonly passedText: string | null;
  /** `250 users`; null if every load has passed. */
  readonly brokeText: string | null;
}

/** What only a run in progress has. */
export interface LiveState {
  readonly state: RunStatus;
  /** Whether the run is paused. */
  readonly paused: boolean;
  /** What a master waits for before it starts the test, as text; null if it does not wait. */
  readonly waitingFor: string | null;
  /** Whether the run has passed, or how it is going so far. */
  readonly verdict: LiveVerdict;
  /** How code of the test has ended the run, as a part of a sentence; null if it has not. */
  readonly ended: string | null;
  /** Seconds since the first user started, until the last user stopped. */
  readonly elapsedSeconds: number;
  /** The same without the pauses of the run: how far its load is. */
  readonly loadSeconds: number;
  /** How long the run is planned to last without pauses, in seconds; null if it has no planned end. */
  readonly plannedSeconds: number | null;
  readonly model: "closed" | "open" | "mixed";
  readonly users: { readonly current: number; readonly target: number };
  /**
   * Users that the classes without a load of their own should have; in the open model, the maximum. Null if
   * each class has a load of its own.
   */
  readonly sharedUsers: number | null;
  /** How many of those are started or stopped per second; null before the start, and in the open model. */
  readonly spawnRate: number | null;
  /** Iterations that these classes start per second, and the maximum of users; null in the closed model. */
  readonly arrivals: { readonly rate: number; readonly maxUsers: number } | null;
  /** Per second, over the last whole second. */
  readonly rates: { readonly requests: number; readonly failures: number };
  /** Requests of all names in progress. */
  readonly inProgress: UnansweredSummary;
  readonly workers: readonly LiveWorker[];
  /** Workers that a master waits for before it starts the test; null in a local run. */
  readonly expectedWorkers: number | null;
  readonly control: ControlState;
  /** What can follow in the same process; null if it ends with its run. */
  readonly series: SeriesState | null;
  /** The last lines of the log, oldest first. */
  readonly log: readonly LogLine[];
}

/** The verdict on a run in a few words; before its end, how it does so far. */
export interface LiveVerdict {
  readonly text: string;
  readonly tone: "good" | "bad" | "warning" | "quiet";
}

/** A worker, and what to make of its readings. */
export interface LiveWorker extends Omit<WorkerRow, "log"> {
  /** Readings so high that the worker itself may distort its measurements. */
  readonly strained: readonly ("cpu" | "cpuPeak" | "lagMs")[];
  /** Whether the worker has ended and some of its counts are missing. */
  readonly incomplete: boolean;
  /** Whether it can run users, so that it can be stopped. */
  readonly isWorking: boolean;
}

/** What the dashboard may do with the run. */
export interface ControlState {
  /** Whether clients may change anything at all. */
  readonly allowed: boolean;
  readonly canStart: boolean;
  readonly canStop: boolean;
  /** Whether the load can be changed. */
  readonly canChange: boolean;
  readonly canPause: boolean;
  readonly canResume: boolean;
  /** Whether single workers can be stopped: some can run users, and others can take them over. */
  readonly canStopWorkers: boolean;
  /** Why something is not allowed or not possible, as a sentence; empty if everything is possible. */
  readonly reason: string;
}

/** One line of the log. */
export interface LogLine {
  /** ISO 8601 in UTC. */
  readonly at: string;
  /** As on the command line: DEBUG, INFO, WARNING, ERROR or CRITICAL. */
  readonly level: string;
  readonly text: string;
}

/** What clients may do, apart from what the run's state allows. */
export interface ControlPermissions {
  /** Why clients may not change anything, as a sentence; null if they may. */
  readonly denial: string | null;
  /** Whether the run waits to be started from the dashboard. */
  readonly canStart: boolean;
  /** What can follow the run; null if the process ends with it. */
  readonly series: SeriesState | null;
}

/** What one client may do: what all may, unless there is a reason against it. */
export function permissionsOf(
  ofAll: ControlPermissions,
  denial: string | null,
): ControlPermissions {
  return { ...ofAll, denial: ofAll.denial ?? denial };
}

/** What a view needs besides the snapshot. */
export interface LiveViewOptions {
  /** Version of aiotest. */
  readonly version: string;
  /** Null while the run is in progress. */
  readonly exitCode: number | null;
  readonly permissions: ControlPermissions;
  readonly log: readonly LogLine[];
}

/** The whole run, as the event `view` carries it. */
export function liveView(
  snapshot: Snapshot,
  { version, exitCode, permissions, log }: LiveViewOptions,
): LiveView {
  const { statistics } = snapshot;
  const counted = { ...snapshot, statistics: { ...statistics, histories: [] } };
  const summary = compactSummary(counted, version);
  return {
    ...summary,
    classes: summary.classes.map(liveClass),
    histories: liveHistories(statistics.histories),
    thresholds: liveThresholds(snapshot, summary),
    breakingPoint: liveBreakingPoint(snapshot),
    failureSamples: failureSampleRows(statistics.failureSamples),
    workerLogs: workerLogs(snapshot.workers),
    exitCode,
    live: { ...liveState(snapshot, permissions, exitCode), log },
  };
}

/** A class of a summary. */
export function liveClass(row: CompactClass): LiveClass {
  return { ...row, loadText: row.load === null ? null : loadText(row.load) };
}

/** The thresholds of a summary of this snapshot. */
export function liveThresholds(
  snapshot: Snapshot,
  summary: Pick<CompactSummary, "thresholds">,
): LiveThreshold[] {
  return summary.thresholds.map((row, index) => ({
    ...row,
    observedText: observedText(snapshot.thresholds[index]!),
    line: thresholdLine(row.expression),
  }));
}

/** The breaking point of a snapshot; null unless the run searches for one. */
export function liveBreakingPoint({ breakingPoint }: Snapshot): LiveBreakingPoint | null {
  if (breakingPoint === null) return null;
  const { passed, broke } = breakingPoint;
  return {
    ...breakingPoint,
    text: breakingPointText(breakingPoint),
    passedText: passed === null ? null : loadText(passed),
    brokeText: broke === null ? null : loadText(broke),
  };
}

/** What only a run in progress has, except its log. */
export function liveState(
  snapshot: Snapshot,
  permissions: ControlPermissions,
  exitCode: number | null,
): Omit<LiveState, "log"> {
  const { users, sharedLoad, statistics: { timeline, totals } } = snapshot;
  const arrivalRate = sharedLoad?.arrivalRate ?? null;
  const second = timeline.at(-1);
  return {
    state: snapshot.state,
    paused: isPaused(snapshot),
    waitingFor: awaited(snapshot),
    verdict: liveVerdict(snapshot, exitCode),
    ended: snapshot.runEnd === null ? null : runEndFact(snapshot.runEnd),
    elapsedSeconds: rounded(snapshot.elapsedSeconds),
    loadSeconds: rounded(loadSeconds(snapshot)),
    plannedSeconds: snapshot.plannedSeconds,
    model: loadModel(snapshot),
    users: { current: users.current, target: users.target },
    sharedUsers: sharedLoad?.users ?? null,
    spawnRate: sixDigits(sharedLoad?.spawnRate ?? null),
    arrivals: arrivalRate === null
      ? null
      : { rate: sixDigits(arrivalRate), maxUsers: sharedLoad!.users },
    rates: { requests: second?.requests ?? 0, failures: second?.failures ?? 0 },
    inProgress: unansweredOf(totals.inProgress),
    workers: snapshot.workers.map(liveWorker),
    expectedWorkers: snapshot.expectedWorkers,
    control: controlState(snapshot, permissions),
    series: permissions.series,
  };
}

/** The logs of some workers. */
export function workerLogs(workers: readonly WorkerRow[]): WorkerLogs {
  return Object.fromEntries(
    workers.filter(({ log }) => log.length > 0).map(({ id, log }) => [
      id,
      log.map(({ at, level, text }) => ({ at: new Date(at).toISOString(), level, text })),
    ]),
  );
}

/** A worker as the page shows it. */
export function liveWorker(worker: WorkerRow): LiveWorker {
  const {
    id,
    host,
    state,
    users,
    peakUsers,
    rate,
    cpu,
    cpuPeak,
    lagMs,
    requests,
    complete,
    sockets,
  } = worker;
  const strained: LiveWorker["strained"][number][] = [];
  if (cpu >= BUSY_CPU) strained.push("cpu");
  if (cpuPeak >= BUSY_CPU) strained.push("cpuPeak");
  if (lagMs >= LATE_LOOP_MS) strained.push("lagMs");
  return {
    ...{ id, host, state, users, peakUsers },
    rate: rounded(rate),
    cpu: rounded(cpu),
    cpuPeak: rounded(cpuPeak),
    lagMs: rounded(lagMs),
    ...{ requests, complete, sockets, strained },
    // A worker that still counts always has reports on the way.
    incomplete: !complete && ENDED_STATES.has(state),
    isWorking: WORKING_STATES.has(state),
  };
}

const ENDED_STATES: ReadonlySet<WorkerRow["state"]> = new Set(["finished", "left", "lost"]);

/** How a run has ended, or how it is going so far. */
export function liveVerdict(snapshot: Snapshot, exitCode: number | null): LiveVerdict {
  const { state, complete, statistics: { totals, userErrors } } = snapshot;
  const failures = totals.failures > 0
    ? `${formatAmount(totals.failures, "failure")} (${formatShare(totals.errorRate)})`
    : null;
  const { thrown, unsent } = errorCounts(userErrors);
  const thrownFact = thrown > 0 ? formatAmount(thrown, "user error") : null;
  const errors = unsent > 0 ? unsentFact(unsent) : thrownFact;
  const { count: unfinished } = totals.unfinished;
  const cutOff = unfinished > 0 ? `${formatCount(unfinished)} unfinished` : null;
  const isFailed = snapshot.runEnd?.kind === "fail";
  if (exitCode === 0) {
    if (totals.requests === 0) return { text: "Nothing measured", tone: "warning" };
    return cutOff === null
      ? { text: "Passed", tone: "good" }
      : { text: `Passed, ${cutOff}`, tone: "warning" };
  }
  if (exitCode !== null) {
    const reason = FAILURE_REASONS.get(exitCode) ?? (isFailed ? "run.fail was called" : null) ??
      failures ?? errors ?? cutOff ??
      `exit code ${exitCode}`;
    return { text: `Failed: ${reason}`, tone: "bad" };
  }
  if (isFailed) return { text: "run.fail was called", tone: "bad" };
  const crossed = failedThresholds(snapshot).length;
  if (crossed > 0 && totals.requests > 0) {
    return { text: `${formatAmount(crossed, "threshold")} crossed`, tone: "bad" };
  }
  if (failures !== null) return { text: failures, tone: "bad" };
  if (errors !== null) return { text: errors, tone: "bad" };
  if (!complete && state === "stopped") return { text: "Counts incomplete", tone: "warning" };
  if (cutOff !== null) return { text: cutOff, tone: "warning" };
  if (totals.requests > 0) return { text: "No failures", tone: "good" };
  return totals.inProgress.count > 0
    ? { text: "No answers yet", tone: "warning" }
    : { text: "No requests yet", tone: "quiet" };
}

/** What an exit code says about a failed run that its counts do not. */
const FAILURE_REASONS: ReadonlyMap<number, string> = new Map([
  [ExitCode.threshold, "threshold crossed"],
  [ExitCode.cluster, "workers missing or counts incomplete"],
  [ExitCode.interrupted, "interrupted"],
]);

function controlState(
  { state, sharedLoad, pauses, mode, workers }: Snapshot,
  { denial, canStart, series }: ControlPermissions,
): ControlState {
  if (denial !== null) return { ...NOTHING_ALLOWED, reason: denial };
  const isActive = state === "spawning" || state === "running";
  return {
    allowed: true,
    canStart,
    // A run that waits for its workers can be stopped; one that waits to be started need not be.
    canStop: isActive || state === "ready" && !canStart,
    canChange: isActive && sharedLoad !== null,
    canPause: isActive && !isPaused({ pauses }),
    canResume: isActive && isPaused({ pauses }),
    canStopWorkers: isActive && mode === "distributed" &&
      workers.filter((worker) => WORKING_STATES.has(worker.state)).length > 1,
    reason: !isActive && !canStart
      ? `${REASONS[state]}${state === "stopped" && series === null ? KEEP_HINT : ""}`
      : sharedLoad === null
      ? EACH_HAS_ITS_OWN
      : "",
  };
}

const NOTHING_ALLOWED = {
  allowed: false,
  canStart: false,
  canStop: false,
  canChange: false,
  canPause: false,
  canResume: false,
  canStopWorkers: false,
};

const WORKING_STATES: ReadonlySet<WorkerRow["state"]> = new Set(["ready", "spawning", "running"]);

const EACH_HAS_ITS_OWN = "Each user class has a load of its own, which cannot be changed here.";

const REASONS: Readonly<Record<RunStatus, string>> = {
  ready: "The test has not started yet.",
  spawning: "",
  running: "",
  stopping: "The test is stopping.",
  stopped: "The test has ended.",
};

const KEEP_HINT = " With --keep, aiotest stays after it, and can start another run.";

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
