import assert from "node:assert/strict";
import { recentSeconds, recentSeries } from "../../src/report/live_panel.ts";
import type { TimelineSecond } from "../../src/stats/snapshot.ts";
import { timelineSecond } from "../support/snapshots.ts";

function requestsOf(timeline: readonly TimelineSecond[], count: number): number[] {
  return recentSeries(timeline, count, ({ requests }) => requests);
}

const TIMELINE = [
  timelineSecond({ second: 0, requests: 1000, p50: 900, p95: 900, p99: 900 }),
  timelineSecond({ second: 1, requests: 10, p50: 5, p95: 20, p99: 30 }),
  timelineSecond({ second: 2, requests: 0, p50: null, p95: null, p99: null }),
  timelineSecond({ second: 3, requests: 50, p50: 4, p95: 25, p99: 28 }),
];

Deno.test("the rate is that of the last seconds alone, and percentiles are the highest of theirs", () => {
  assert.deepEqual(recentSeconds(TIMELINE, 3), { rate: 20, p50: 5, p95: 25, p99: 30 });
});

Deno.test("a run shorter than the window is taken as a whole", () => {
  assert.deepEqual(recentSeconds(TIMELINE.slice(0, 1), 5), {
    rate: 1000,
    p50: 900,
    p95: 900,
    p99: 900,
  });
});

Deno.test("nothing is known before the first second has ended", () => {
  assert.deepEqual(recentSeconds([], 5), { rate: null, p50: null, p95: null, p99: null });
  assert.deepEqual(requestsOf([], 5), []);
});

Deno.test("a second in which nothing ended has a rate of 0 and no percentiles", () => {
  assert.deepEqual(recentSeconds(TIMELINE.slice(2, 3), 1), {
    rate: 0,
    p50: null,
    p95: null,
    p99: null,
  });
});

Deno.test("a second that nobody told of counts as one without requests", () => {
  const gap = TIMELINE.filter(({ second }) => second !== 2);
  assert.deepEqual(requestsOf(gap, 3), [10, 0, 50]);
  assert.equal(recentSeconds(gap, 3).rate, 20);
});

Deno.test("a window of no columns has no requests to draw", () => {
  assert.deepEqual(requestsOf(TIMELINE, 0), []);
});
