import assert from "node:assert/strict";
import { RunState, type WorkerState } from "../../src/cluster/run_state.ts";
import {
  masterSnapshot,
  type MasterSnapshotSource,
  missingCounts,
} from "../../src/runner/master_snapshot.ts";
import { RunLoads } from "../../src/runner/run_loads.ts";
import { partsOf, profileOf } from "../support/load_profiles.ts";
import { delta, packedRequests, report } from "../support/reports.ts";

const LOADS = new RunLoads(partsOf(profileOf({ users: 10, runTime: 60 })));
LOADS.set(0, { users: 10, rate: 1 });

function source(
  runState: RunState,
  changes: Partial<MasterSnapshotSource> = {},
): MasterSnapshotSource {
  return {
    runState,
    classNames: ["ShopTest"],
    state: "running",
    name: "nightly",
    labels: { env: "staging" },
    elapsedSeconds: 5,
    pauses: { all: [], since: () => 0 },
    endedAt: null,
    loads: LOADS,
    finalUsers: 0,
    expectedWorkers: 2,
    watch: { rows: () => [], breakingPoint: null },
    warnings: ["one"],
    ...changes,
  };
}

/** A run with workers that have started. */
function begun(
  ...names: string[]
): { readonly runState: RunState; readonly workers: WorkerState[] } {
  const runState = new RunState("run", "e3b0");
  runState.startedAt = 1000;
  const workers = names.map((id) =>
    runState.addWorker({ id, incarnation: id, host: `${id}'s box` })
  );
  for (const worker of workers) {
    worker.begun = true;
    worker.state = "running";
  }
  return { runState, workers };
}

/** The worker reports one request in each of these seconds. */
function count(
  runState: RunState,
  worker: WorkerState,
  seconds: readonly number[],
  final = false,
): void {
  for (const second of seconds) {
    runState.apply(
      worker,
      report({
        seq: worker.reports.lastSeq + 1,
        from: second,
        to: second,
        entries: [delta()],
        histograms: [packedRequests(1)],
        seconds: [{ second, users: 3, peakUsers: 4, requests: 1, failures: 0, maxLagMs: 0 }],
        cpu: 0.5,
        lag: 2,
        final: final && second === seconds.at(-1),
      }),
    );
  }
}

Deno.test("a snapshot has everything that is known about a running test", () => {
  const { runState, workers: [a, b] } = begun("a", "b");
  count(runState, a!, [0, 1, 2]);
  count(runState, b!, [0, 1, 2]);
  const { statistics, workers, ...rest } = masterSnapshot(source(runState));
  assert.deepEqual(rest, {
    annotations: [],
    runId: "run",
    name: "nightly",
    labels: { env: "staging" },
    mode: "distributed",
    state: "running",
    startedAt: 1000,
    endedAt: null,
    elapsedSeconds: 5,
    durationSeconds: 5,
    pausedSeconds: 0,
    pauses: [],
    plannedSeconds: 60,
    complete: false,
    users: { current: 6, target: 10, peak: 8, final: 0 },
    arrivalRate: null,
    spawnRate: 1,
    closedUsers: 10,
    sharedLoad: { users: 10, arrivalRate: null, spawnRate: 1 },
    breakingPoint: null,
    thresholds: [],
    expectedWorkers: 2,
    runEnd: null,
    warnings: ["one"],
  });
  assert.equal(statistics.totals.requests, 6);
  assert.deepEqual(workers[0], {
    id: "a",
    host: "a's box",
    state: "running",
    users: 3,
    peakUsers: 4,
    rate: 1,
    cpu: 0.5,
    cpuPeak: 0.5,
    lagMs: 2,
    requests: 3,
    complete: false,
    sockets: null,
    log: [],
  });
});

Deno.test("a second is shown once all present workers have reported it", () => {
  const { runState, workers: [a, b, lost, mute] } = begun("a", "b", "lost", "mute");
  count(runState, a!, [0, 1, 2, 3]);
  count(runState, b!, [0, 1]);
  count(runState, lost!, [0]);
  lost!.membership = "lost";
  assert.equal(mute!.lastSecond, -1);
  const shown = (): number[] =>
    masterSnapshot(source(runState)).statistics.timeline.map(({ second }) => second);
  assert.deepEqual(shown(), [0, 1]);
  count(runState, b!, [2, 3, 4]);
  assert.deepEqual(shown(), [0, 1, 2, 3]);
  count(runState, a!, [4], true);
  assert.deepEqual(shown(), [0, 1, 2, 3, 4]);
});

Deno.test("after the end all seconds are shown", () => {
  const { runState, workers: [a, b] } = begun("a", "b");
  count(runState, a!, [0, 1, 2], true);
  count(runState, b!, [0]);
  const { statistics } = masterSnapshot(source(runState, { state: "stopped" }));
  assert.deepEqual(statistics.timeline.map(({ second }) => second), [0, 1, 2]);
});

Deno.test("the time before a reset is not part of the duration", () => {
  const { runState } = begun("a");
  runState.reset(1, 3.5);
  assert.equal(masterSnapshot(source(runState)).durationSeconds, 1.5);
  assert.equal(masterSnapshot(source(runState, { elapsedSeconds: 3 })).durationSeconds, 0);
});

Deno.test("a run is complete when it is over and all workers that started have sent their final report", () => {
  const { runState, workers: [a, b] } = begun("a", "b");
  runState.addWorker({ id: "never started", incarnation: "n", host: "box" });
  const complete = (state: "running" | "stopped"): boolean =>
    masterSnapshot(source(runState, { state })).complete;
  count(runState, a!, [0], true);
  assert.equal(complete("stopped"), false);
  count(runState, b!, [0], true);
  assert.equal(complete("running"), false);
  assert.equal(complete("stopped"), true);
  b!.membership = "lost";
  assert.equal(complete("stopped"), true);
});

Deno.test("a worker's row says what it does, or how its part ended", () => {
  const { runState, workers } = begun("a", "b", "c", "d", "e", "f");
  const [gone, lost, leaving, stopped, last] = workers;
  gone!.membership = "left";
  lost!.membership = "lost";
  leaving!.state = "leaving";
  stopped!.state = "stopped";
  last!.state = "stopping";
  count(runState, last!, [0], true);
  const states = (state: "running" | "stopped"): string[] =>
    masterSnapshot(source(runState, { state })).workers.map((worker) => worker.state);
  assert.deepEqual(states("running"), [
    "left",
    "lost",
    "stopping",
    "finished",
    "stopping",
    "running",
  ]);
  assert.equal(states("stopped")[4], "finished");
});

Deno.test("a worker that never started lacks nothing when the run is over", () => {
  const runState = new RunState("run", "e3b0");
  runState.addWorker({ id: "a", incarnation: "a", host: "box" });
  const complete = (state: "ready" | "stopped"): boolean =>
    masterSnapshot(source(runState, { state })).workers[0]!.complete;
  assert.deepEqual([complete("ready"), complete("stopped")], [false, true]);
});

Deno.test("missing counts are reported, with how many seconds they may cover", () => {
  const { runState, workers: [a, b, c] } = begun("a", "b", "c");
  runState.addWorker({ id: "never started", incarnation: "n", host: "box" });
  count(runState, a!, [0, 1], true);
  count(runState, b!, [0, 1]);
  assert.equal(c!.lastSecond, -1);
  assert.deepEqual(missingCounts(runState, 6.2), [
    "Worker b has not sent its final report: up to 5 s of its counts are missing.",
    "Worker c has not sent its final report: up to 7 s of its counts are missing.",
  ]);
  // Its last second may have been reported, and still lack something.
  assert.match(missingCounts(runState, 1.9)[0]!, /Worker b .* up to 1 s/);
});

Deno.test("of a worker whose process has ended, it is known how, and for how long its counts are missing", () => {
  const { runState, workers: [a, b, c] } = begun("a", "b", "c");
  count(runState, a!, [0, 1, 2]);
  count(runState, b!, [0, 1, 2]);
  b!.inProgress.add({ to: 2, inProgress: [["GET", "/", { count: 4, oldestMs: 9, ages: null }]] });
  c!.begunAtSeconds = 3;
  for (const worker of [a!, b!, c!]) {
    worker.processEnd = "was killed by SIGKILL";
    worker.lose(3.42);
    runState.setMembership(worker, "lost");
  }
  // It has confirmed an assignment, so it may have sent requests.
  c!.hasActed = true;
  runState.setMembership(c!, "lost");
  assert.deepEqual(missingCounts(runState, 60), [
    "Worker a was killed by SIGKILL: its counts of the last 0.4 s are missing. In the second before, " +
    "it had counted 1 request.",
    "Worker b was killed by SIGKILL: its counts of the last 0.4 s are missing. In the second before, " +
    "it had counted 1 request, and 4 more were in progress.",
    "Worker c was killed by SIGKILL: its counts of the last 0.4 s are missing, which are all that it had.",
  ]);
});
