import assert from "node:assert/strict";
import type { Snapshot, Statistics } from "../../src/stats/snapshot.ts";
import { liveChanges } from "../../src/web/feed.ts";
import { requestRow, snapshot, statistics, timelineSecond } from "../support/snapshots.ts";

const A = requestRow({ name: "a" });
const B = requestRow({ name: "b" });
const POST_B = requestRow({ name: "b", method: "POST" });
const SECONDS = [0, 1, 2].map((second) => timelineSecond({ second }));

function counted(changes: Partial<Statistics>): Snapshot {
  return snapshot({
    statistics: statistics({ requests: [A, B], timeline: SECONDS, ...changes }),
  });
}

Deno.test("what stays as it is, is not said again", () => {
  const changes = liveChanges(counted({}), counted({}));
  assert.ok(changes !== null);
  const { totals, durationSeconds, complete, users, ...rest } = changes;
  assert.equal(totals.requests, 2000);
  assert.equal(durationSeconds, 10);
  assert.equal(complete, true);
  assert.deepEqual(users, { peak: 10, final: 10 });
  assert.deepEqual(rest, {
    requests: [],
    failures: null,
    userErrors: null,
    thresholds: null,
    warnings: null,
    iterations: null,
    breakingPoint: null,
    timeline: [],
  });
});

Deno.test("rows that have counted more, and new ones wherever they come in, are said", () => {
  const more = requestRow({ name: "b", requests: 1001 });
  const between = requestRow({ name: "ab", requests: 1 });
  const cases: [Statistics["requests"], string[]][] = [
    [[A, more], ["GET b"]],
    [[A, between, B], ["GET ab"]],
    [[A, B, POST_B], ["POST b"]],
    [[A, between, more, POST_B], ["GET ab", "GET b", "POST b"]],
    // Its rate falls as time goes by, which needs no saying.
    [[{ ...A, rate: 1 }, B], []],
  ];
  for (const [requests, said] of cases) {
    const changes = liveChanges(counted({}), counted({ requests }))!;
    assert.deepEqual(changes.requests.map(({ method, name }) => `${method} ${name}`), said);
  }
  const { requests: [row] } = liveChanges(counted({}), counted({ requests: [A, more] }))!;
  assert.equal(row!.requests, 1001);
  assert.ok(!("histogram" in row!) && !("codes" in row!));
});

Deno.test("seconds that have changed, and new ones, are said", () => {
  const late = timelineSecond({ second: 1, requests: 111 });
  const next = timelineSecond({ second: 3, p99: 1.23456 });
  const timeline = [SECONDS[0]!, late, SECONDS[2]!, next];
  const changes = liveChanges(counted({}), counted({ timeline }))!;
  assert.deepEqual(changes.timeline.map(({ second }) => second), [1, 3]);
  assert.equal(changes.timeline[0]!.requests, 111);
  assert.equal(changes.timeline[1]!.p99, 1.235);
  // A worker that comes back may bring the second before all others.
  const first = timelineSecond({ second: -1 });
  const earlier = liveChanges(counted({}), counted({ timeline: [first, ...SECONDS] }))!;
  assert.deepEqual(earlier.timeline.map(({ second }) => second), [-1]);
});

Deno.test("failures, errors, warnings and thresholds are said whole when one of them changes", () => {
  const failure = { method: "GET", name: "a", error: "HTTP 500", count: 1 };
  const userError = { user: "Shopper", error: "TypeError", count: 1 };
  const before = counted({ failures: [failure], userErrors: [userError] });
  const now: Snapshot = {
    ...counted({
      failures: [{ ...failure, count: 2 }],
      userErrors: [userError, { ...userError, user: "Other" }],
    }),
    warnings: ["slow"],
    thresholds: [{ expression: "p95<1ms", observed: 2, passed: false }],
  };
  const changes = liveChanges(before, now)!;
  assert.deepEqual(changes.failures, [{ ...failure, count: 2 }]);
  assert.equal(changes.userErrors!.length, 2);
  assert.deepEqual(changes.warnings, ["slow"]);
  assert.deepEqual(changes.thresholds, [{ expression: "p95<1ms", observed: 2, passed: false }]);
});

Deno.test("where more than counts has changed, there is nothing to say but the whole", () => {
  const wholes: Snapshot[] = [
    snapshot({ runId: "another" }),
    snapshot({ state: "stopping" }),
    snapshot({ startedAt: 1 }),
    counted({ requests: [A] }),
    counted({ requests: [] }),
    counted({ requests: [A, requestRow({ name: "b", requests: 999 })] }),
    counted({ timeline: SECONDS.slice(1) }),
  ];
  const before = counted({});
  for (const now of wholes) assert.equal(liveChanges(before, now), null);
});
