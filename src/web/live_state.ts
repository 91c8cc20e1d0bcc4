import type { Snapshot } from "../stats/snapshot.ts";
import type { ControlState, LiveState } from "./live_view.ts";

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
