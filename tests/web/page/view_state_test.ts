import assert from "node:assert/strict";
import fc from "fast-check";
import { updatedView, viewWithLog } from "../../../src/web/page/view_state.js";
import {
  liveRequest,
  liveSecond,
  liveState,
  liveTotals,
  liveUpdate,
  liveView,
} from "../../support/live_views.ts";

Deno.test("an update replaces the rows that it names and keeps the others", () => {
  const view = liveView({
    requests: [liveRequest({ name: "/a" }), liveRequest({ name: "/c", requests: 500 })],
    failures: [{ method: "GET", name: "/a", error: "HTTP 500", count: 3 }],
  });
  const updated = updatedView(
    view,
    liveUpdate(view, {
      durationSeconds: 20,
      totals: liveTotals({ requests: 2900 }),
      requests: [
        liveRequest({ name: "/a", requests: 2000 }),
        liveRequest({ name: "/b", requests: 400 }),
        liveRequest({ method: "DELETE", name: "/b" }),
      ],
      warnings: ["The target is slow."],
      exitCode: 1,
    }),
  );
  assert.deepEqual(
    updated.requests.map(({ method, name, requests }) => [method, name, requests]),
    [["GET", "/a", 2000], ["DELETE", "/b", 1000], ["GET", "/b", 400], ["GET", "/c", 500]],
  );
  // There were no new requests by that name, so its rate over the run has fallen.
  assert.equal(updated.requests[3]?.rate, 25);
  assert.deepEqual(updated.failures, view.failures);
  assert.deepEqual(updated.warnings, ["The target is slow."]);
  assert.deepEqual([updated.durationSeconds, updated.exitCode], [20, 1]);
  assert.equal(updated.totals.requests, 2900);
});

Deno.test("an update does not change the log", () => {
  const log = [{ at: "2026-03-05T10:30:00.000Z", level: "INFO", text: "started" }];
  const view = liveView({ live: liveState({ log }) });
  const { log: _, ...live } = liveState({ state: "stopping" });
  const updated = updatedView(view, liveUpdate(view, { live }));
  assert.equal(updated.live.state, "stopping");
  assert.deepEqual(updated.live.log, log);
});

Deno.test("only the last lines of the log are kept", () => {
  const line = (index: number) => ({ at: "", level: "INFO", text: String(index) });
  const lines = Array.from({ length: 150 }, (_, index) => line(index));
  const view = liveView({ live: liveState({ log: lines }) });
  const { log } = viewWithLog(view, lines, 200).live;
  assert.equal(log.length, 200);
  assert.deepEqual([log[0], log[199]], [line(100), line(149)]);
});

Deno.test("repeated seconds replace earlier ones, in any order", () => {
  const seconds = fc.array(fc.nat({ max: 30 }), { maxLength: 8 });
  fc.assert(fc.property(fc.array(seconds, { maxLength: 12 }), (batches) => {
    let view = liveView({ timeline: [] });
    const expected = new Map<number, number>();
    batches.forEach((batch, users) => {
      const rising = [...new Set(batch)].sort((a, b) => a - b);
      for (const second of rising) expected.set(second, users);
      const timeline = rising.map((second) => liveSecond(second, { users }));
      view = updatedView(view, liveUpdate(view, { timeline }));
    });
    assert.deepEqual(
      view.timeline.map(({ second, users }) => [second, users]),
      [...expected].sort(([a], [b]) => a - b),
    );
  }));
});
