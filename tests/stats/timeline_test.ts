import assert from "node:assert/strict";
import type { StatsDelta } from "../../src/stats/stats_delta.ts";
import type { TimelineSecond } from "../../src/stats/snapshot.ts";
import { SecondStats } from "../../src/stats/stats_table.ts";
import { Timeline } from "../../src/stats/timeline.ts";
import { MergedStats } from "../../src/stats/merged_stats.ts";
import { deltaOf, iterationsOf, secondOf } from "../support/counts.ts";
import { sample } from "../support/samples.ts";

/** A second of one node with a request for each latency. */
function timedSecond(second: number, users: number, latencies: readonly number[]): SecondStats {
  const delta = new SecondStats(second, users);
  for (const latencyMs of latencies) {
    delta.parts[0]!.requests.entries.at("GET", "search").of(200).add(sample({ latencyMs }));
  }
  return delta;
}

/** Each second with iterations has one of 5 ms. */
const SERVICE_TIMES = { serviceTimeP50: 5, serviceTimeP95: 5 };

function timelineOf(...deltas: StatsDelta[]): Timeline {
  const timeline = new Timeline();
  for (const one of deltas) timeline.add(one);
  return timeline;
}

/** The seconds of a timeline without their connections. */
function plainRows(timeline: Timeline): Omit<TimelineSecond, "connections">[] {
  return timeline.rows().map(({ connections: _, ...row }) => row);
}

function mergedOf(...deltas: SecondStats[]): MergedStats {
  const merged = new MergedStats();
  for (const one of deltas) merged.add(one);
  return merged;
}

Deno.test("the same second of several nodes becomes one second", () => {
  const timeline = timelineOf(timedSecond(0, 3, [10, 10]), timedSecond(0, 4, [30]));
  const [{ p50, ...row } = assert.fail(), ...others] = plainRows(timeline);
  assert.deepEqual(row, {
    second: 0,
    users: 7,
    requests: 3,
    failures: 0,
    maxLagMs: 0,
    p95: 30,
    p99: 30,
  });
  assert.ok(p50 !== null && Math.abs(p50 - 10) < 0.005);
  assert.deepEqual(others, []);
});

Deno.test("a second without requests has users and no percentiles", () => {
  assert.deepEqual(plainRows(timelineOf(timedSecond(0, 2, []))), [
    { second: 0, users: 2, requests: 0, failures: 0, maxLagMs: 0, p50: null, p95: null, p99: null },
  ]);
});

Deno.test("all entries of a second count, including failures", () => {
  const both = timedSecond(0, 1, [5]);
  both.parts[0]!.requests.entries.at("POST", "pay").of(500).add(
    sample({ latencyMs: 5, error: "HTTP 500" }),
  );
  assert.deepEqual(plainRows(timelineOf(both)), [
    { second: 0, users: 1, requests: 2, failures: 1, maxLagMs: 0, p50: 5, p95: 5, p99: 5 },
  ]);
});

Deno.test("the percentiles of a second cover the successes of all its codes", () => {
  const samples = [
    ...[10, 20, 30, 40].map((latencyMs, i) => sample({ latencyMs, status: i < 2 ? 200 : 404 })),
    ...[1, 5000].map((latencyMs) => sample({ latencyMs, status: 0, error: "timed out" })),
  ];
  const [{ p50, p99, connections: _, ...row } = assert.fail()] = timelineOf(secondOf(samples, 3))
    .rows();
  assert.deepEqual(row, { second: 3, users: 3, requests: 6, failures: 2, maxLagMs: 0, p95: p99 });
  assert.ok(Math.abs(p50! - 20) < 0.01 && Math.abs(p99! - 40) < 0.02, `${p50}, ${p99}`);
});

Deno.test("a second in which no request succeeded has no percentiles", () => {
  const failed = [1, 5000].map((latencyMs) => sample({ latencyMs, error: "refused" }));
  assert.deepEqual(plainRows(timelineOf(secondOf(failed, 3))), [
    { second: 3, users: 3, requests: 2, failures: 2, maxLagMs: 0, p50: null, p95: null, p99: null },
  ]);
});

/** A second of one node with iterations, each of which started this late. */
function iteratedSecond(number: number, scheduled: number, delays: readonly number[]): SecondStats {
  const second = timedSecond(number, 2, []);
  const dropped = scheduled - delays.length;
  second.parts[0]!.openIterations.merge(
    iterationsOf({ scheduled, dropped, delays, services: [5] }),
  );
  return second;
}

Deno.test("iterations do not count as requests of a second", () => {
  const timeline = timelineOf(iteratedSecond(0, 3, [1]));
  assert.deepEqual(plainRows(timeline), [{
    ...{ second: 0, users: 2, requests: 0, failures: 0, maxLagMs: 0 },
    ...{ p50: null, p95: null, p99: null },
    iterations: { scheduled: 3, started: 1, dropped: 2, startDelayP95: 1, ...SERVICE_TIMES },
  }]);
});

Deno.test("the iterations of a second are those of all nodes", () => {
  const timeline = timelineOf(iteratedSecond(0, 3, [1, 1, 1]), iteratedSecond(0, 4, [80]));
  timeline.add(iteratedSecond(1, 2, []));
  assert.deepEqual(plainRows(timeline).map(({ iterations }) => iterations), [
    { scheduled: 7, started: 4, dropped: 3, startDelayP95: 80, ...SERVICE_TIMES },
    { scheduled: 2, started: 0, dropped: 2, startDelayP95: null, ...SERVICE_TIMES },
  ]);
});

Deno.test("the iterations of merged seconds are shared out among them", () => {
  const merged = mergedOf(
    iteratedSecond(3, 5, [1, 1, 1, 1, 1]),
    iteratedSecond(4, 5, [2, 2]),
    iteratedSecond(5, 1, []),
  );
  assert.deepEqual(timelineOf(merged).rows().map(({ iterations }) => iterations), [
    { scheduled: 3, started: 2, dropped: 1, startDelayP95: 2, ...SERVICE_TIMES },
    { scheduled: 4, started: 2, dropped: 1, startDelayP95: 2, ...SERVICE_TIMES },
    { scheduled: 4, started: 3, dropped: 2, startDelayP95: 2, ...SERVICE_TIMES },
  ]);
});

Deno.test("iterations that arrive late count, and keep the delays of their second", () => {
  const timeline = timelineOf(iteratedSecond(0, 1, [4]), timedSecond(200, 1, []));
  timeline.add(iteratedSecond(0, 2, [900]));
  timeline.add(iteratedSecond(1, 1, [7]));
  assert.deepEqual(plainRows(timeline).slice(0, 2).map(({ iterations }) => iterations), [
    { scheduled: 3, started: 2, dropped: 1, startDelayP95: 4, ...SERVICE_TIMES },
    { scheduled: 1, started: 1, dropped: 0, startDelayP95: 7, ...SERVICE_TIMES },
  ]);
});

Deno.test("seconds are in order, whatever order they were added in", () => {
  const timeline = timelineOf(timedSecond(2, 1, []), timedSecond(0, 1, []), timedSecond(1, 1, []));
  assert.deepEqual(plainRows(timeline).map(({ second }) => second), [0, 1, 2]);
});

Deno.test("counts that arrive a minute late are in the percentiles of their second", () => {
  const timeline = timelineOf(timedSecond(0, 1, [10]));
  for (let second = 1; second <= 60; second++) timeline.add(timedSecond(second, 1, [10]));
  assert.equal(timeline.rows()[0]!.p99, 10);
  timeline.add(timedSecond(0, 1, [500]));
  assert.equal(timeline.rows()[0]!.p99, 500);
  assert.equal(timeline.lateSeconds, 0);
});

Deno.test("counts that arrive too late still count, and are reported as missing from the percentiles", () => {
  const timeline = timelineOf(timedSecond(0, 1, [10]));
  for (let second = 1; second <= 120; second++) timeline.add(timedSecond(second, 1, [10]));
  timeline.add(timedSecond(0, 2, []));
  assert.equal(timeline.lateSeconds, 0);
  timeline.add(timedSecond(0, 2, [500, 500]));
  assert.equal(timeline.lateSeconds, 1);
  assert.deepEqual(plainRows(timeline)[0], {
    second: 0,
    users: 5,
    requests: 3,
    failures: 0,
    maxLagMs: 0,
    p50: 10,
    p95: 10,
    p99: 10,
  });
});

Deno.test("a second without timely reports gets the percentiles of its first report", () => {
  const timeline = timelineOf(timedSecond(500, 1, [10]), timedSecond(3, 1, [20]));
  assert.deepEqual(plainRows(timeline)[0], {
    second: 3,
    users: 1,
    requests: 1,
    failures: 0,
    maxLagMs: 0,
    p50: 20,
    p95: 20,
    p99: 20,
  });
  assert.equal(timeline.lateSeconds, 0);
});

Deno.test("the peak of users is the highest sum of the peaks of a second", () => {
  const peaked = timedSecond(1, 2, []);
  peaked.peakUsers = 8;
  const timeline = timelineOf(
    timedSecond(0, 5, []),
    timedSecond(0, 4, []),
    peaked,
    timedSecond(1, 3, []),
  );
  assert.equal(timeline.peakUsers, 11);
  assert.equal(new Timeline().peakUsers, 0);
});

Deno.test("merged seconds keep their own counts and have the percentiles of all of them", () => {
  const merged = mergedOf(
    timedSecond(3, 2, [10]),
    timedSecond(4, 5, []),
    timedSecond(5, 4, [30, 30]),
  );
  const times = { maxLagMs: 0, p50: 30, p95: 30, p99: 30 };
  assert.deepEqual(plainRows(timelineOf(merged)), [
    { second: 3, users: 2, requests: 1, failures: 0, ...times },
    { second: 4, users: 5, requests: 0, failures: 0, ...times },
    { second: 5, users: 4, requests: 2, failures: 0, ...times },
  ]);
});

Deno.test("a delta without seconds adds latencies, but no requests or users", () => {
  const { from, to, entries, userErrors } = mergedOf(
    timedSecond(0, 2, [10]),
    timedSecond(1, 2, [10]),
  );
  const timeline = timelineOf(
    timedSecond(0, 2, []),
    timedSecond(1, 3, []),
    deltaOf({ from, to, entries, userErrors }),
  );
  const times = { maxLagMs: 0, p50: 10, p95: 10, p99: 10 };
  assert.deepEqual(plainRows(timeline), [
    { second: 0, users: 2, requests: 0, failures: 0, ...times },
    { second: 1, users: 3, requests: 0, failures: 0, ...times },
  ]);
});

Deno.test("each second of a late delta is reported as missing from the percentiles", () => {
  const timeline = timelineOf(
    timedSecond(0, 1, [10]),
    timedSecond(1, 1, [10]),
    timedSecond(121, 1, [10]),
  );
  timeline.add(
    mergedOf(timedSecond(0, 1, [500]), timedSecond(1, 1, [500]), timedSecond(2, 1, [500])),
  );
  assert.equal(timeline.lateSeconds, 2);
  assert.deepEqual(
    plainRows(timeline).map(({ second, requests, p99 }) => [second, requests, p99]),
    [
      [0, 2, 10],
      [1, 2, 10],
      [2, 1, 500],
      [121, 1, 10],
    ],
  );
});

Deno.test("the first bytes of a second are those of all responses, and its connections those of all requests", () => {
  const phases = { opened: 1, dnsMs: -1, connectMs: 2, tlsMs: -1, ttfbMs: 40, downloadMs: 60 };
  const timeline = timelineOf(secondOf([
    sample({ latencyMs: 10 }),
    sample({ latencyMs: 102, phases }),
    sample({ latencyMs: 30, error: "HTTP 500", status: 500 }),
    // Neither has a response.
    sample({ latencyMs: 5000, error: "refused", status: 0 }),
    sample({ latencyMs: 7000, status: 0 }),
  ], 0));
  assert.deepEqual(timeline.rows()[0]!.connections, {
    opened: 1,
    ttfbP50: approximately(30, timeline.rows()[0]!.connections!.ttfbP50),
    ttfbP95: approximately(40, timeline.rows()[0]!.connections!.ttfbP95),
  });
  const silent = [sample({ latencyMs: 5000, status: 0 })];
  assert.equal(timelineOf(secondOf(silent, 0)).rows()[0]!.connections, undefined);
});

/** The found value, if it is within 0.1 % of the expected one. */
function approximately(expected: number, found: number | null): number {
  assert.ok(found !== null && Math.abs(found - expected) <= expected / 1000, String(found));
  return found;
}
