import assert from "node:assert/strict";
import { historySeconds, subjectGroups } from "../../../src/web/page/subjects.js";
import { liveSecond, liveState, liveView } from "../../support/live_views.ts";
import { history } from "../../support/snapshots.ts";

Deno.test("charts offer classes, groups and names, and nothing if there is no history", () => {
  const histories = [
    history(),
    history({ name: "x".repeat(2000) }),
    history({ kind: "group", method: "", name: "checkout" }),
    history({ kind: "class", method: "", name: "BuyerTest" }),
  ];
  assert.deepEqual(
    subjectGroups(liveView({ histories })).map(({ title, subjects }) => [
      title,
      ...subjects.map(({ text }) => text),
    ]),
    [
      ["User classes", "BuyerTest"],
      ["Groups", "checkout"],
      ["Requests", "GET /", `GET ${"x".repeat(95)}…`],
    ],
  );
  const keys = subjectGroups(liveView({ histories }))
    .flatMap(({ subjects }) => subjects.map(({ key }) => key));
  assert.equal(new Set(keys).size, 4);
  assert.ok(!keys.includes(""));
  assert.deepEqual(subjectGroups(liveView({ histories: [] })), []);
});

Deno.test("seconds in which nothing was counted are zeros", () => {
  const timeline = [0, 1, 2, 3].map((second) => liveSecond(second, { maxLagMs: second }));
  const view = liveView({ timeline, durationSeconds: 4, live: liveState({ elapsedSeconds: 4 }) });
  const seconds = historySeconds(
    history({
      kind: "class",
      seconds: [1, 3],
      requests: [10, 20],
      failures: [0, 2],
      ...{ p50: [1, null], p95: [2, null], p99: [3, null] },
      users: [4, 5],
    }),
    view,
  );
  const nothing = { users: 0, requests: 0, failures: 0, p50: null, p95: null, p99: null };
  assert.deepEqual(seconds, [
    { second: 0, maxLagMs: 0, ...nothing },
    { second: 1, maxLagMs: 1, users: 4, requests: 10, failures: 0, p50: 1, p95: 2, p99: 3 },
    { second: 2, maxLagMs: 2, ...nothing },
    { ...nothing, second: 3, maxLagMs: 3, users: 5, requests: 20, failures: 2 },
  ]);
  assert.deepEqual(historySeconds(history(), liveView({ timeline: [] })), []);
});

Deno.test("steps of several seconds have rates, also if they are shorter at the start or the end", () => {
  const timeline = Array.from({ length: 11 }, (_, second) => liveSecond(second, { maxLagMs: 0 }));
  const shown = (
    durationSeconds: number,
    elapsedSeconds: number,
    state: "running" | "stopped",
  ): [second: number, rate: number][] => {
    const seconds = historySeconds(
      history({ stepSeconds: 4, seconds: [0, 4, 8], requests: [400, 400, 300] }),
      liveView({ timeline, durationSeconds, live: liveState({ state, elapsedSeconds }) }),
    );
    return seconds.map(({ second, requests }) => [second, Math.round(requests)]);
  };
  assert.deepEqual(shown(11.3, 11.3, "running"), [[3, 100], [7, 100], [10, 100]]);
  assert.deepEqual(shown(11, 11, "stopped"), [[3, 100], [7, 100], [10, 100]]);
  // The run ended within its last step, which covers too little to have a rate.
  assert.deepEqual(shown(8.3, 8.3, "stopped"), [[3, 100], [7, 100]]);
  assert.deepEqual(shown(10.5, 10.5, "stopped"), [[3, 100], [7, 100], [10, 120]]);
  // Counts were reset after 2 s.
  assert.deepEqual(shown(9, 11, "running"), [[3, 200], [7, 100], [10, 100]]);
});
