import assert from "node:assert/strict";
import type { LatencyHeatMap } from "../../src/stats/snapshot.ts";
import { heatChanges, historyChanges, liveHistories } from "../../src/web/histories.ts";
import { updatedView } from "../../src/web/page/view_state.js";
import { heatMapOf, liveSecond, liveUpdate, liveView } from "../support/live_views.ts";
import { history } from "../support/snapshots.ts";

const TEN = history({ p50: Array.from({ length: 10 }, (_, second) => 10 + second) });

Deno.test("histories have the digits that charts show", () => {
  const p50 = [0.12345, 1.2345, 12.345, 123.45, 1234.5, null];
  const seconds = p50.map((_, second) => second);
  const users = [1, 2.34567, 3, 4, 5, 6];
  const [rows] = liveHistories([history({ seconds, p50, users })]);
  assert.deepEqual(rows!.p50, [0.123, 1.23, 12.3, 123, 1235, null]);
  assert.deepEqual(rows!.users, [1, 2.3, 3, 4, 5, 6]);
  assert.deepEqual(liveHistories([TEN]), [TEN]);
  assert.deepEqual(liveHistories([]), []);
});

Deno.test("an update has the rows that have changed, and new ones", () => {
  const now = history({
    seconds: [...TEN.seconds, 10],
    requests: [...TEN.seconds.map((second) => second === 7 ? 101 : 100), 3],
    failures: [...TEN.failures, 1],
    p50: [...TEN.p50, 20],
    p95: [...TEN.p95, 20],
    p99: [...TEN.p99, 20],
  });
  const { changed: [changed], keys } = historyChanges([TEN], [now])!;
  assert.deepEqual([changed!.seconds, changed!.requests, changed!.p50], [
    [7, 10],
    [101, 3],
    [17, 20],
  ]);
  assert.equal(keys, null);
  assert.deepEqual(historyChanges([now], [now]), { changed: [], keys: null });
});

Deno.test("histories are sent whole if they are new, or if steps become longer", () => {
  const other = history({ name: "/other" });
  const { changed, keys } = historyChanges([TEN], [other, TEN])!;
  assert.deepEqual(changed, [other]);
  assert.deepEqual(keys?.map(({ name }) => name), ["/other", "/"]);
  const gone = historyChanges([other, TEN], [TEN])!;
  assert.deepEqual([gone.changed, gone.keys], [[], [{
    kind: "request",
    method: "GET",
    name: "/",
  }]]);
  const longer = history({ stepSeconds: 2, seconds: [0, 2, 4, 6, 8] });
  assert.deepEqual(historyChanges([TEN], [longer]), { changed: [longer], keys: null });
});

Deno.test("if rows have disappeared, there are no changes", () => {
  assert.equal(historyChanges([TEN], [history({ seconds: [4, 5] })]), null);
});

Deno.test("only columns of the heat map that have changed are sent, and a page has them all", () => {
  const timeline = Array.from({ length: 460 }, (_, second) => liveSecond(second));
  const at = (seconds: number): LatencyHeatMap => heatMapOf(timeline.slice(0, seconds));
  const late = heatMapOf([liveSecond(0, { requests: 9 }), ...timeline.slice(1, 20)]);
  assert.equal(heatChanges(at(20), at(20)), null);
  assert.deepEqual(heatChanges(at(18), at(20))?.seconds, [18, 19]);
  assert.deepEqual(heatChanges(at(20), late)?.seconds, [0]);
  // If columns become longer, all are sent.
  assert.deepEqual(heatChanges(at(450), at(452)), at(452));
  let view = liveView({ heatMap: at(18) });
  for (const [before, now] of [[at(18), at(20)], [at(20), late], [late, at(452)]] as const) {
    view = updatedView(view, liveUpdate(view, { heatMap: heatChanges(before, now) }));
    assert.deepEqual(view.heatMap, now);
  }
});
