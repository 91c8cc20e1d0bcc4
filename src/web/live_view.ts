/**
 * What the dashboard's page is sent: the shapes of `GET /api/summary` and of the events of
 * `GET /api/stream`. They change only by fields that are added: scripts read them too.
 *
 * @module
 */

import type { CompactRequest, CompactSummary, CompactTotals, Summary } from "../report/summary.ts";
import type {
  FailureRow,
  RunStatus,
  Snapshot,
  ThresholdRow,
  TimelineSecond,
  UserErrorRow,
  WorkerRow,
} from "../stats/snapshot.ts";

/** A run as it is now: the summary of `--json`, and what only a run under way has. */
export interface LiveSummary extends Omit<Summary, "exitCode"> {
  /** Null while the run goes on. */
  readonly exitCode: number | null;
  readonly live: LiveState;
}

/** The event `view`: all of a run but the histograms. Whoever gets one forgets what came before it. */
export interface LiveView extends CompactSummary {
  readonly live: LiveState;
}

/**
 * The event `update`, once a second: what has changed since the event before it. Null stands for what
 * is as it was.
 */
export interface LiveUpdate {
  readonly live: Omit<LiveState, "log">;
  readonly durationSeconds: number;
  readonly complete: boolean;
  readonly users: CompactSummary["users"];
  readonly exitCode: number | null;
  readonly totals: CompactTotals;
  /**
   * The rows whose counts have changed, and rows that are new. The `rate` of the others falls as time
   * goes by: it is their `requests` over `durationSeconds`.
   */
  readonly requests: readonly CompactRequest[];
  readonly failures: readonly FailureRow[] | null;
  readonly userErrors: readonly UserErrorRow[] | null;
  readonly thresholds: readonly ThresholdRow[] | null;
  readonly warnings: readonly string[] | null;
  readonly iterations: CompactSummary["iterations"];
  readonly breakingPoint: CompactSummary["breakingPoint"];
  /** The seconds that have changed, and seconds that are new; rising. */
  readonly timeline: readonly TimelineSecond[];
}

/** The event `log`: the lines that are new, oldest first. */
export interface LiveLog {
  readonly lines: readonly LogLine[];
}

/** What only a run under way has. */
export interface LiveState {
  readonly state: RunStatus;
  /** Seconds since the first user's start, until the last user's stop. */
  readonly elapsedSeconds: number;
  /** Seconds that the run is to last; null where nothing says so. */
  readonly plannedSeconds: number | null;
  readonly model: "closed" | "open";
  readonly users: { readonly current: number; readonly target: number };
  /** Passes that are to start a second, and the most users for them; null in the closed model. */
  readonly arrivals: { readonly rate: number; readonly maxUsers: number } | null;
  /** Of the last whole second. */
  readonly rates: { readonly requests: number; readonly failures: number };
  readonly workers: readonly WorkerRow[];
  /** Workers that a master waits for before it begins; null in a local run. */
  readonly expectedWorkers: number | null;
  readonly control: ControlState;
  /** The last lines of the log, oldest first. */
  readonly log: readonly LogLine[];
}

/** What the dashboard may do with the run. */
export interface ControlState {
  /** Whether anything may be changed from here at all. */
  readonly allowed: boolean;
  readonly canStart: boolean;
  readonly canStop: boolean;
  /** Whether users and rate can be changed. */
  readonly canChange: boolean;
  /** Why something is not allowed or not possible, as a sentence; empty where all is. */
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

/** What a run's state says of what can be done with it. */
export interface ControlRights {
  /** Why nothing may be changed from here, as a sentence; null where it may. */
  readonly refusal: string | null;
  /** Whether the run waits for somebody to start it. */
  readonly canStart: boolean;
}

/** What only a run under way has, but for its log. */
export function liveState(snapshot: Snapshot, rights: ControlRights): Omit<LiveState, "log"> {
  const { users, arrivalRate, statistics: { timeline } } = snapshot;
  const second = timeline.at(-1);
  return {
    state: snapshot.state,
    elapsedSeconds: rounded(snapshot.elapsedSeconds),
    plannedSeconds: snapshot.plannedSeconds,
    model: arrivalRate === null ? "closed" : "open",
    users: { current: users.current, target: users.target },
    arrivals: arrivalRate === null ? null : { rate: rounded(arrivalRate), maxUsers: users.target },
    rates: { requests: second?.requests ?? 0, failures: second?.failures ?? 0 },
    workers: snapshot.workers.map((worker) => ({
      id: worker.id,
      host: worker.host,
      state: worker.state,
      users: worker.users,
      peakUsers: worker.peakUsers,
      rate: rounded(worker.rate),
      cpu: rounded(worker.cpu),
      cpuPeak: rounded(worker.cpuPeak),
      lagMs: rounded(worker.lagMs),
      requests: worker.requests,
      complete: worker.complete,
    })),
    expectedWorkers: snapshot.expectedWorkers,
    control: controlState(snapshot, rights),
  };
}

function controlState(
  { state }: Snapshot,
  { refusal, canStart: waits }: ControlRights,
): ControlState {
  if (refusal !== null) {
    return { allowed: false, canStart: false, canStop: false, canChange: false, reason: refusal };
  }
  const runs = state === "spawning" || state === "running";
  return {
    allowed: true,
    canStart: waits,
    // What waits for its workers can be given up; what waits to be started has nothing to stop.
    canStop: runs || state === "ready" && !waits,
    canChange: runs,
    reason: runs || waits ? "" : REASONS[state],
  };
}

const REASONS: Readonly<Record<Snapshot["state"], string>> = {
  ready: "The test has not begun yet.",
  spawning: "",
  running: "",
  stopping: "The test is stopping.",
  stopped: "The test has ended.",
};

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
