import assert from "node:assert/strict";
import type { LiveView } from "../../../src/web/live_view.ts";
import { progressOf, stateBadge, timeText, verdictBadge } from "../../../src/web/page/headline.js";
import { liveRequest, liveState, liveView } from "../../support/live_views.ts";
import { workerRow } from "../../support/snapshots.ts";

function verdict(changes: Partial<LiveView>): string {
  const { text, tone } = verdictBadge(liveView(changes));
  return `${tone}: ${text}`;
}

const FAILED = [liveRequest({ requests: 1000, failures: 3 })];
const CROSSED = [
  { expression: "p95<1ms", observed: 30, passed: false },
  { expression: "rps>1", observed: 30, passed: true },
];

Deno.test("a run that goes on is judged by what it has shown so far", () => {
  assert.equal(verdict({}), "good: No failures");
  assert.equal(verdict({ requests: [] }), "quiet: No requests yet");
  assert.equal(verdict({ requests: FAILED }), "bad: 3 failures (0.30%)");
  assert.equal(verdict({ requests: FAILED, thresholds: CROSSED }), "bad: 1 threshold crossed");
  const userErrors = [{ user: "Shopper", error: "Error: no", count: 2 }];
  assert.equal(verdict({ userErrors }), "bad: 2 user errors");
});

Deno.test("a run that has ended is judged by its exit code", () => {
  assert.equal(verdict({ exitCode: 0 }), "good: Passed");
  assert.equal(verdict({ exitCode: 0, requests: [] }), "warning: Nothing measured");
  assert.equal(verdict({ exitCode: 1, requests: FAILED }), "bad: Failed: 3 failures (0.30%)");
  assert.equal(verdict({ exitCode: 3, requests: FAILED }), "bad: Failed: a threshold was crossed");
  assert.equal(verdict({ exitCode: 4 }), "bad: Failed: the cluster failed");
  assert.equal(verdict({ exitCode: 9 }), "bad: Failed: exit code 9");
  // Failures may be what was expected.
  assert.equal(verdict({ exitCode: 0, requests: FAILED }), "good: Passed");
});

Deno.test("a master that waits says for how many", () => {
  const workers = [workerRow({ state: "ready" }), workerRow({ id: "b", state: "lost" })];
  const waiting = liveState({ state: "ready", expectedWorkers: 4, workers });
  assert.equal(stateBadge(liveView({ live: waiting })).text, "Waiting: 1 of 4 workers");
  const ready = liveState({ state: "ready", expectedWorkers: 1, workers });
  assert.equal(stateBadge(liveView({ live: ready })).text, "Ready");
  const stopped = liveState({ state: "stopped" });
  assert.equal(stateBadge(liveView({ live: stopped })).text, "Ended");
});

Deno.test("the time is told with what is planned, where something is", () => {
  const planned = liveView({ live: liveState({ elapsedSeconds: 65.9, plannedSeconds: 120 }) });
  assert.equal(timeText(planned), "1:05 of 2:00");
  assert.equal(progressOf(planned)?.toFixed(3), "0.549");
  const open = liveView({ live: liveState({ elapsedSeconds: 65.9, plannedSeconds: null }) });
  assert.equal(timeText(open), "1:05");
  assert.equal(progressOf(open), null);
  const late = liveView({ live: liveState({ elapsedSeconds: 121, plannedSeconds: 120 }) });
  assert.equal(progressOf(late), 1);
});
