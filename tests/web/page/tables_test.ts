import assert from "node:assert/strict";
import { iterationRows } from "../../../src/web/page/tables.js";
import { liveState, liveView } from "../../support/live_views.ts";
import { latencies } from "../../support/snapshots.ts";

Deno.test("only scheduled iterations have a start delay", () => {
  const iterations = {
    ...{ scheduled: 10, started: 10, completed: 9, interrupted: 1, dropped: 0 },
    serviceTimeMs: latencies(15),
    lowerBounds: ["max"] as const,
    startDelayMs: latencies(1),
  };
  assert.deepEqual(iterationRows(liveView()), []);
  assert.deepEqual(iterationRows(liveView({ iterations })), [
    { title: "Service time", times: latencies(15), lowerBounds: ["max"] },
  ]);
  assert.deepEqual(iterationRows(liveView({ iterations, live: liveState({ model: "open" }) })), [
    { title: "Service time", times: latencies(15), lowerBounds: ["max"] },
    { title: "Start delay", times: latencies(1), lowerBounds: [] },
  ]);
});
