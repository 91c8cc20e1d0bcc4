import assert from "node:assert/strict";
import { historyChanges, liveHistories } from "../../src/web/histories.ts";
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
