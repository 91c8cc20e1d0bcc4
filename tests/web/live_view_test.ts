import assert from "node:assert/strict";
import type { RunStatus } from "../../src/stats/snapshot.ts";
import type { WorkerRow } from "../../src/stats/snapshot.ts";
import { liveState, liveVerdict, liveView } from "../../src/web/live_view.ts";
import {
  clusterSnapshot,
  emptySnapshot,
  requestRow,
  snapshot,
  statistics,
  unfinishedAt,
  workerRow,
} from "../support/snapshots.ts";

const FREE = { denial: null, canStart: false, series: null };

Deno.test("permitted commands follow from the state", () => {
  const rights = (state: RunStatus, canStart = false): string => {
    const { control } = liveState(
      snapshot({ state }),
      { denial: null, canStart, series: null },
      null,
    );
    const can = [
      control.canStart && "start",
      control.canStop && "stop",
      control.canChange && "change",
    ];
    return [...can.filter((word) => word !== false), control.reason].join(" ").trim();
  };
  assert.equal(rights("ready", true), "start");
  assert.equal(rights("ready"), "stop The test has not started yet.");
  assert.equal(rights("spawning"), "stop change");
  assert.equal(rights("running"), "stop change");
  assert.equal(rights("stopping"), "The test is stopping.");
  assert.equal(
    rights("stopped"),
    "The test has ended. With --keep, aiotest stays after it, and can start another run.",
  );
});

Deno.test("clients that may not change anything get the reason", () => {
  assert.deepEqual(
    liveState(snapshot(), { denial: "Read-only.", canStart: true, series: null }, null).control,
    {
      allowed: false,
      canStart: false,
      canStop: false,
      canChange: false,
      canPause: false,
      canResume: false,
      canStopWorkers: false,
      reason: "Read-only.",
    },
  );
});

Deno.test("before its first user, a run has zeros", () => {
  const state = liveState(emptySnapshot({ plannedSeconds: null }), FREE, null);
  assert.deepEqual(state.rates, { requests: 0, failures: 0 });
  assert.deepEqual(state.users, { current: 0, target: 0 });
  assert.equal(state.plannedSeconds, null);
  assert.equal(state.elapsedSeconds, 0);
});

Deno.test("the open model has an arrival rate", () => {
  const closed = liveState(snapshot(), FREE, null);
  assert.equal(closed.model, "closed");
  assert.equal(closed.arrivals, null);
  const users = { current: 3, target: 200, peak: 5, final: 0 };
  const open = liveState(snapshot({ arrivalRate: 12.5, users }), FREE, null);
  assert.equal(open.model, "open");
  assert.deepEqual(open.arrivals, { rate: 12.5, maxUsers: 200 });
});

Deno.test("rates are those of the last second", () => {
  const run = clusterSnapshot(10);
  const state = liveState(run, FREE, null);
  assert.deepEqual(state.workers.map(({ id }) => id), run.workers.map(({ id }) => id));
  assert.equal(state.workers[2]!.state, "lost");
  assert.equal(state.expectedWorkers, 8);
  assert.equal(state.rates.requests, run.statistics.timeline.at(-1)!.requests);
});

Deno.test("a run in which each class has a load of its own cannot be changed, and says why", () => {
  const run = snapshot({ arrivalRate: 5, closedUsers: 2, sharedLoad: null });
  const { model, sharedUsers, arrivals, control } = liveState(run, FREE, null);
  assert.deepEqual([model, sharedUsers, arrivals, control.canChange], ["mixed", null, null, false]);
  assert.match(control.reason, /^Each user class has a load of its own/);
});

Deno.test("a worker lists the readings that may distort its measurements", () => {
  const strained = workerRow({ cpu: 0.9, cpuPeak: 1.2, lagMs: 50 });
  const calm = workerRow({ cpu: 0.89, cpuPeak: 0.89, lagMs: 49.9 });
  const { workers } = liveState(snapshot({ workers: [strained, calm] }), FREE, null);
  assert.deepEqual(workers.map((worker) => worker.strained), [["cpu", "cpuPeak", "lagMs"], []]);
});

Deno.test("counts are incomplete only after a worker has ended", () => {
  const workers = (["running", "stopping", "finished", "lost", "left"] as const)
    .map((state) => workerRow({ state, complete: false }));
  const live = liveState(snapshot({ workers }), FREE, null);
  assert.deepEqual(live.workers.map(({ incomplete }) => incomplete), [
    ...[false, false, true, true, true],
  ]);
});

Deno.test("a master that waits for workers says so", () => {
  const workers = [workerRow({ state: "ready" }), workerRow({ id: "b", state: "lost" })];
  const waitingFor = (expectedWorkers: number): string | null =>
    liveState(snapshot({ state: "ready", expectedWorkers, workers }), FREE, null).waitingFor;
  assert.equal(waitingFor(4), "waiting for workers: 1 of 4");
  assert.equal(waitingFor(1), null);
});

Deno.test("thresholds and breaking points are also sent as text", () => {
  const run = snapshot({
    thresholds: [
      { expression: "p95<1s", observed: 120.25, passed: true },
      { expression: "error_rate<1%", observed: 0.25, passed: false },
      { expression: "count[x]>=1", observed: null, passed: false },
    ],
    breakingPoint: {
      className: null,
      passed: { users: 200, arrivalRate: null },
      broke: null,
      threshold: null,
    },
  });
  const view = liveView(run, { version: "1", exitCode: null, permissions: FREE, log: [] });
  assert.deepEqual(
    view.thresholds.map(({ observedText }) => observedText),
    ["120.25 ms", "25%", "no sample"],
  );
  assert.equal(view.breakingPoint?.passedText, "200 users");
  assert.equal(view.breakingPoint?.brokeText, null);
});

const FAILURES = statistics({ requests: [requestRow({ requests: 1000, failures: 3 })] });
const CROSSED = [
  { expression: "p95<1ms", observed: 30, passed: false },
  { expression: "rps>1", observed: 30, passed: true },
];

function verdict(changes: Parameters<typeof snapshot>[0], exitCode: number | null = null): string {
  const { text, tone } = liveVerdict(snapshot(changes), exitCode);
  return `${tone}: ${text}`;
}

Deno.test("the verdict on a run in progress follows from its counts", () => {
  assert.equal(verdict({}), "good: No failures");
  assert.equal(verdict({ statistics: statistics({ requests: [] }) }), "quiet: No requests yet");
  assert.equal(verdict({ statistics: FAILURES }), "bad: 3 failures (0.30%)");
  assert.equal(
    verdict({ statistics: FAILURES, thresholds: CROSSED }),
    "bad: 1 threshold crossed",
  );
  const userErrors = [{ user: "Shopper", error: "Error: no", place: null, count: 2 }];
  assert.equal(verdict({ statistics: statistics({ userErrors }) }), "bad: 2 user errors");
  const unsent = [{ user: "(load generator)", error: "EMFILE: none", place: null, count: 3 }];
  assert.equal(
    verdict({ statistics: statistics({ userErrors: unsent }) }),
    "bad: 3 requests could not be sent by the load generator",
  );
});

Deno.test("the verdict mentions requests without an answer", () => {
  const stalled = statistics({ requests: [requestRow(unfinishedAt(11_000, 10_000))] });
  assert.equal(verdict({ statistics: stalled }), "warning: 2 unfinished");
  assert.equal(verdict({ statistics: stalled }, 0), "warning: Passed, 2 unfinished");
  assert.equal(verdict({ statistics: stalled }, 1), "bad: Failed: 2 unfinished");
  const inProgress = { count: 5, oldestMs: 4000 };
  const waiting = statistics({ requests: [requestRow({ requests: 0, inProgress })] });
  assert.equal(verdict({ statistics: waiting }), "warning: No answers yet");
  assert.deepEqual(
    liveState(snapshot({ statistics: waiting }), FREE, null).inProgress,
    inProgress,
  );
});

Deno.test("the verdict on a run that has ended follows from its exit code", () => {
  assert.equal(verdict({}, 0), "good: Passed");
  const empty = statistics({ requests: [] });
  assert.equal(verdict({ statistics: empty }, 0), "warning: Nothing measured");
  assert.equal(verdict({ statistics: FAILURES }, 1), "bad: Failed: 3 failures (0.30%)");
  assert.equal(verdict({ statistics: FAILURES }, 3), "bad: Failed: threshold crossed");
  assert.equal(verdict({}, 4), "bad: Failed: workers missing or counts incomplete");
  assert.equal(verdict({}, 9), "bad: Failed: exit code 9");
  // --exit-code-on-error 0
  assert.equal(verdict({ statistics: FAILURES }, 0), "good: Passed");
});

Deno.test("single workers can be stopped while others can run their users", () => {
  const worker = (id: string, state: WorkerRow["state"]): WorkerRow => workerRow({ id, state });
  const canStop = (...workers: WorkerRow[]): boolean =>
    liveState(snapshot({ mode: "distributed", workers }), FREE, null).control.canStopWorkers;
  assert.equal(canStop(worker("a", "running"), worker("b", "ready")), true);
  assert.equal(canStop(worker("a", "running"), worker("b", "left")), false);
  assert.equal(canStop(worker("a", "running")), false);
  const ended = snapshot({ mode: "distributed", state: "stopping" });
  assert.equal(liveState(ended, FREE, null).control.canStopWorkers, false);
});
