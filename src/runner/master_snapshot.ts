/**
 * A distributed run at one moment, as plain values.
 *
 * @module
 */

import type { RunState, WorkerState } from "../cluster/run_state.ts";
import type { RunLabels } from "../core/run_info.ts";
import { peerText } from "../core/text.ts";
import type { RunStatus, Snapshot, Statistics, WorkerRow } from "../stats/snapshot.ts";
import { mergeUnstarted, type UnstartedTests, unstartedWarning } from "../stats/unstarted_tests.ts";
import type { RunLoads } from "./run_loads.ts";
import type { RunPauses } from "./run_pauses.ts";
import type { RunWatch } from "./run_watch.ts";

/** What a snapshot of a distributed run is made from. */
export interface MasterSnapshotSource extends RunLabels {
  readonly runState: RunState;
  /** The user classes of the run. */
  readonly classNames: readonly string[];
  readonly state: RunStatus;
  /** Seconds since the test started, until its end. */
  readonly elapsedSeconds: number;
  readonly pauses: Pick<RunPauses, "all" | "since">;
  /** Milliseconds since 1970; `null` before the end. */
  readonly endedAt: number | null;
  readonly loads: Pick<RunLoads, "users" | "shown" | "withLoads">;
  /** The number of users when the workers were stopped. */
  readonly finalUsers: number;
  readonly expectedWorkers: number;
  readonly watch: Pick<RunWatch, "rows" | "breakingPoint">;
  readonly warnings: readonly string[];
}

/** Everything that is known about the run. */
export function masterSnapshot(source: MasterSnapshotSource): Snapshot {
  const { runState, state, elapsedSeconds } = source;
  const { workers, totals } = runState;
  const pausedSeconds = source.pauses.since(runState.countedFrom);
  const durationSeconds = Math.max(0, elapsedSeconds - runState.countedFrom - pausedSeconds);
  const isOver = state === "stopped";
  const all = totals.statistics(durationSeconds, isOver ? [] : runState.inProgress, {
    names: source.classNames,
    users: runState.usersByClass,
  });
  const closed = isOver ? all : withoutOpenSeconds(all, workers);
  const statistics = { ...closed, classes: source.loads.withLoads(closed.classes, isOver) };
  return {
    runId: runState.runId,
    name: source.name,
    labels: source.labels,
    mode: "distributed",
    state,
    startedAt: runState.startedAt,
    endedAt: source.endedAt,
    elapsedSeconds,
    durationSeconds,
    pausedSeconds,
    pauses: source.pauses.all,
    complete: isOver && runState.isComplete,
    users: {
      current: runState.users,
      target: source.loads.users,
      peak: totals.peakUsers,
      final: source.finalUsers,
    },
    ...source.loads.shown,
    breakingPoint: source.watch.breakingPoint,
    thresholds: source.watch.rows(
      statistics,
      runState.startedAt === null ? "ready" : state,
      durationSeconds,
    ),
    expectedWorkers: source.expectedWorkers,
    workers: workers.map((worker) => workerRow(worker, isOver)),
    statistics,
    runEnd: runState.runEnd,
    annotations: runState.annotations.rows,
    warnings: source.warnings,
  };
}

/** Workers that are named one by one, because there may be thousands. */
const MAX_NAMED = 20;

/**
 * Which workers have not sent their final report by the end of the test; a sentence each.
 *
 * @param elapsedSeconds how long the test has lasted.
 */
export function missingCounts(
  { workers, lostEarly }: Pick<RunState, "workers" | "lostEarly">,
  elapsedSeconds: number,
): string[] {
  const missing = workers.filter(({ begun, complete }) => begun && !complete);
  const texts = missing.slice(0, MAX_NAMED).map((worker) => missingText(worker, elapsedSeconds));
  const others = missing.length - texts.length;
  if (others > 0) texts.push(`${others} more workers have not sent their final reports.`);
  const { id, count } = lostEarly;
  if (count === 1) {
    texts.push(`Worker ${id} was lost before its first report: its counts are missing.`);
  }
  if (count > 1) {
    texts.push(
      `Worker ${id} and ${
        count - 1
      } more were lost before their first report: their counts are missing.`,
    );
  }
  return texts;
}

function missingText(worker: WorkerState, elapsedSeconds: number): string {
  const { id, membership, lastSecond, lostAtSeconds, processEnd, begunAtSeconds } = worker;
  const until = membership === "lost" ? lostAtSeconds : elapsedSeconds;
  if (processEnd === null) {
    const seconds = Math.max(1, Math.ceil(until) - lastSecond - 1);
    return `Worker ${id} has not sent its final report: up to ${seconds} s of its counts are missing.`;
  }
  const from = lastSecond < 0 ? begunAtSeconds : lastSecond + 1;
  // A second is reported before its end if the counts are reset within it.
  const seconds = until > from ? until - from : 1;
  const what = `Worker ${id} ${processEnd}: its counts of the last ${
    seconds.toFixed(1)
  } s are missing`;
  const { rate, inProgress } = worker.lastKnown;
  if (lastSecond < 0) return `${what}, which are all that it had.`;
  const also = inProgress === 0
    ? ""
    : `, and ${inProgress} more ${inProgress === 1 ? "was" : "were"} in progress`;
  return `${what}. In the second before, it had counted ${rate} ${
    rate === 1 ? "request" : "requests"
  }${also}.`;
}

/** A warning about the tests that began on no worker; none if there are none. */
export function unstartedOnAll(
  { workers, isComplete }: Pick<RunState, "workers" | "isComplete">,
): string[] {
  const known = workers.flatMap(({ unstartedTests }) =>
    unstartedTests === null ? [] : [unstartedTests]
  );
  return unstartedWarning(mergeUnstarted(known).map(withSafeText), isComplete);
}

/** Names and errors come from a peer. */
function withSafeText(one: UnstartedTests): UnstartedTests {
  return {
    ...one,
    user: peerText(one.user),
    tests: one.tests.map(({ name, weight }) => ({ name: peerText(name), weight })),
    errors: one.errors.map(([method, text, count]) => [peerText(method), peerText(text), count]),
  };
}

/** A worker whose reports are older does not hold back the timeline of the others. */
const MAX_BEHIND_SECONDS = 30;

/** Leaves out the seconds that some workers have not reported yet: less would seem to happen in them. */
export function withoutOpenSeconds(
  statistics: Statistics,
  workers: readonly WorkerState[],
): Statistics {
  const reported = workers.filter(({ begun, membership, complete, lastSecond }) =>
    begun && membership === "present" && !complete && lastSecond >= 0
  ).map(({ lastSecond }) => lastSecond);
  const newest = Math.max(...reported);
  const last = Math.min(...reported.filter((second) => second >= newest - MAX_BEHIND_SECONDS));
  return { ...statistics, timeline: statistics.timeline.filter(({ second }) => second <= last) };
}

function workerRow(worker: WorkerState, isOver: boolean): WorkerRow {
  const { id, host, users, peakUsers, rate, cpu, cpuPeak, lagMs, requests, begun, sockets, log } =
    worker;
  return {
    id,
    host,
    state: rowState(worker, isOver),
    users,
    peakUsers,
    rate,
    cpu,
    cpuPeak,
    lagMs,
    requests,
    complete: begun ? worker.complete : isOver,
    sockets,
    log,
  };
}

function rowState(
  { membership, state, complete }: WorkerState,
  isOver: boolean,
): WorkerRow["state"] {
  if (membership !== "present") return membership;
  if (state === "stopped" || (isOver && complete)) return "finished";
  if (state === "leaving") return "stopping";
  return state === "exhausted" ? "running" : state;
}
