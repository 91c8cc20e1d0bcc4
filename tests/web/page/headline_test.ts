import assert from "node:assert/strict";
import { pauseText, progressOf, stateBadge, timeText } from "../../../src/web/page/headline.js";
import { liveState } from "../../support/live_views.ts";

Deno.test("the badge shows the state, or what a master waits for", () => {
  assert.deepEqual(stateBadge(liveState()), { text: "Running", tone: "accent" });
  assert.equal(stateBadge(liveState({ state: "stopped" })).text, "Ended");
  const waiting = liveState({ state: "ready", waitingFor: "waiting for workers: 1 of 4" });
  assert.equal(stateBadge(waiting).text, "Waiting for workers: 1 of 4");
});

Deno.test("the elapsed time is shown with the planned time, if there is one", () => {
  const planned = liveState({ elapsedSeconds: 65.9, plannedSeconds: 120 });
  assert.equal(timeText(planned), "1:05 of 2:00");
  assert.equal(progressOf(planned)?.toFixed(3), "0.549");
  const unlimited = liveState({ elapsedSeconds: 65.9, plannedSeconds: null });
  assert.equal(timeText(unlimited), "1:05");
  assert.equal(progressOf(unlimited), null);
  assert.equal(progressOf(liveState({ elapsedSeconds: 121, plannedSeconds: 120 })), 1);
});

Deno.test("a pause is shown with its length", () => {
  const live = liveState({ paused: true, elapsedSeconds: 52.4 });
  assert.deepEqual(stateBadge(live), { text: "Paused", tone: "warning" });
  const pauses = [{ from: 3, to: 9 }, { from: 40.2, to: null }];
  assert.equal(pauseText({ pauses, live }), "Paused for 12 s");
  assert.equal(pauseText({ pauses, live: { elapsedSeconds: 130.3 } }), "Paused for 1m30s");
});
