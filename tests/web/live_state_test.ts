import assert from "node:assert/strict";
import type { RunStatus } from "../../src/stats/snapshot.ts";
import { liveState } from "../../src/web/live_view.ts";
import { clusterSnapshot, emptySnapshot, snapshot } from "../support/snapshots.ts";

const FREE = { refusal: null, canStart: false };

Deno.test("what can be done follows from the state", () => {
  const rights = (state: RunStatus, canStart = false): string => {
    const { control } = liveState(snapshot({ state }), { refusal: null, canStart });
    const can = [
      control.canStart && "start",
      control.canStop && "stop",
      control.canChange && "change",
    ];
    return [...can.filter((word) => word !== false), control.reason].join(" ").trim();
  };
  assert.equal(rights("ready", true), "start");
  assert.equal(rights("ready"), "stop The test has not begun yet.");
  assert.equal(rights("spawning"), "stop change");
  assert.equal(rights("running"), "stop change");
  assert.equal(rights("stopping"), "The test is stopping.");
  assert.equal(rights("stopped"), "The test has ended.");
});

Deno.test("who may not change anything is told why", () => {
  assert.deepEqual(liveState(snapshot(), { refusal: "Read-only.", canStart: true }).control, {
    allowed: false,
    canStart: false,
    canStop: false,
    canChange: false,
    reason: "Read-only.",
  });
});

Deno.test("a run before its first user has zeros", () => {
  const state = liveState(emptySnapshot({ plannedSeconds: null }), FREE);
  assert.deepEqual(state.rates, { requests: 0, failures: 0 });
  assert.deepEqual(state.users, { current: 0, target: 0 });
  assert.equal(state.plannedSeconds, null);
  assert.equal(state.elapsedSeconds, 0);
});

Deno.test("the open model has its rate beside its users", () => {
  const closed = liveState(snapshot(), FREE);
  assert.equal(closed.model, "closed");
  assert.equal(closed.arrivals, null);
  const users = { current: 3, target: 200, peak: 5, final: 0 };
  const open = liveState(snapshot({ arrivalRate: 12.5, users }), FREE);
  assert.equal(open.model, "open");
  assert.deepEqual(open.arrivals, { rate: 12.5, maxUsers: 200 });
});

Deno.test("the workers are those of the run, and the rates those of its last second", () => {
  const run = clusterSnapshot(10);
  const state = liveState(run, FREE);
  assert.deepEqual(state.workers.map(({ id }) => id), run.workers.map(({ id }) => id));
  assert.equal(state.workers[2]!.state, "lost");
  assert.equal(state.expectedWorkers, 8);
  assert.equal(state.rates.requests, run.statistics.timeline.at(-1)!.requests);
});
