/**
 * A distributed run at one moment, as plain values.
 *
 * @module
 */

import type { RunState, WorkerState } from "../cluster/run_state.ts";
import type { ResolvedLoad } from "../load/load.ts";
import { type LoadProfile, plannedSeconds } from "../load/load_profile.ts";
import type { RunStatus, Snapshot, Statistics, WorkerRow } from "../stats/snapshot.ts";
import { reportedLoad } from "./load_driver.ts";
import type { RunWatch } from "./run_watch.ts";

/** What a master knows beside its book. */
export interface MasterMoment {
  readonly book: RunState;
  readonly state: RunStatus;
  readonly profile: LoadProfile;
  /** Seconds since the test began, until its end. */
  readonly elapsedSeconds: number;
  /** Milliseconds since 1970; null before the end. */
  readonly endedAt: number | null;
  readonly load: ResolvedLoad;
  /** Users that ran when the test was told to stop. */
  readonly finalUsers: number;
  readonly expectedWorkers: number;
  readonly watch: Pick<RunWatch, "rows" | "breakingPoint">;
  readonly warnings: readonly string[];
}

/** All that is known at this moment. */
export function masterSnapshot(moment: MasterMoment): Snapshot {
  const { book, state, elapsedSeconds } = moment;
  const { members, totals } = book;
  const level = reportedLoad(moment.load);
  const durationSeconds = Math.max(0, elapsedSeconds - book.countedFrom);
  const over = state === "stopped";
  const all = totals.statistics(durationSeconds);
  const statistics = over ? all : withoutOpenSeconds(all, members);
  return {
    runId: book.runId,
    mode: "distributed",
    state,
    startedAt: book.startedAt,
    endedAt: moment.endedAt,
    elapsedSeconds,
    durationSeconds,
    plannedSeconds: plannedSeconds(moment.profile),
    complete: over && !book.damaged && isComplete(members),
    users: {
      current: book.users,
      target: level.users,
      peak: totals.peakUsers,
      final: moment.finalUsers,
    },
    arrivalRate: level.arrivalRate,
    breakingPoint: moment.watch.breakingPoint,
    thresholds: moment.watch.rows(statistics, state, durationSeconds),
    expectedWorkers: moment.expectedWorkers,
    workers: members.map((member) => workerRow(member, over)),
    statistics,
    warnings: moment.warnings,
  };
}

/** Whether everything that was counted anywhere is in. */
function isComplete(members: readonly WorkerState[]): boolean {
  return members.every(({ begun, complete }) => complete || !begun);
}

/**
 * Whose counts are not all in, when the test is over; a sentence each.
 *
 * @param elapsedSeconds how long it has lasted.
 */
export function missingCounts(members: readonly WorkerState[], elapsedSeconds: number): string[] {
  return members.filter(({ begun, complete }) => begun && !complete).map((member) => {
    const { id, membership, lastSecond, lostAtSeconds } = member;
    const until = membership === "lost" ? lostAtSeconds : elapsedSeconds;
    const missing = Math.max(1, Math.ceil(until) - lastSecond - 1);
    return `Worker ${id} has not sent its last counts: up to ${missing} s of them are missing.`;
  });
}

/** A second that some workers have not told of yet would look like one in which less was done. */
export function withoutOpenSeconds(
  statistics: Statistics,
  members: readonly WorkerState[],
): Statistics {
  const telling = members.filter(({ begun, membership, complete, lastSecond }) =>
    begun && membership === "present" && !complete && lastSecond >= 0
  );
  const last = Math.min(...telling.map(({ lastSecond }) => lastSecond));
  return { ...statistics, timeline: statistics.timeline.filter(({ second }) => second <= last) };
}

function workerRow(member: WorkerState, over: boolean): WorkerRow {
  const { id, host, users, peakUsers, rate, cpu, cpuPeak, lagMs, requests, begun } = member;
  return {
    id,
    host,
    state: stateOf(member, over),
    users,
    peakUsers,
    rate,
    cpu,
    cpuPeak,
    lagMs,
    requests,
    complete: begun ? member.complete : over,
  };
}

function stateOf({ membership, phase, complete }: WorkerState, over: boolean): WorkerRow["state"] {
  if (membership !== "present") return membership;
  if (phase === "stopped" || (over && complete)) return "finished";
  if (phase === "leaving") return "stopping";
  return phase === "exhausted" ? "running" : phase;
}
