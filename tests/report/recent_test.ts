import assert from "node:assert/strict";
import { RecentIterations, recentSeconds, recentSeries } from "../../src/report/recent.ts";
import type { TimelineSecond } from "../../src/stats/snapshot.ts";
import { timelineSecond } from "../support/snapshots.ts";

function requestsOf(timeline: readonly TimelineSecond[], count: number): number[] {
  return recentSeries(timeline, count, ({ requests }) => requests);
}

const FOUR_SECONDS = [
  timelineSecond({ second: 0, requests: 1000, p50: 900, p95: 900, p99: 900 }),
  timelineSecond({ second: 1, requests: 10, p50: 5, p95: 20, p99: 30 }),
  timelineSecond({ second: 2, requests: 0, p50: null, p95: null, p99: null }),
  timelineSecond({ second: 3, requests: 50, p50: 4, p95: 25, p99: 28 }),
];

Deno.test("recent figures have the rate of the last seconds and their highest percentiles", () => {
  assert.deepEqual(recentSeconds(FOUR_SECONDS, 3), { rate: 20, p50: 5, p95: 25, p99: 30 });
});

Deno.test("recent figures of a short run cover all of it", () => {
  assert.deepEqual(recentSeconds(FOUR_SECONDS.slice(0, 1), 5), {
    rate: 1000,
    p50: 900,
    p95: 900,
    p99: 900,
  });
});

Deno.test("before the first second has ended, recent figures are unknown", () => {
  assert.deepEqual(recentSeconds([], 5), { rate: null, p50: null, p95: null, p99: null });
  assert.deepEqual(requestsOf([], 5), []);
});

Deno.test("recent figures of seconds without requests have a rate of 0 and no percentiles", () => {
  assert.deepEqual(recentSeconds(FOUR_SECONDS.slice(2, 3), 1), {
    rate: 0,
    p50: null,
    p95: null,
    p99: null,
  });
});

Deno.test("a second that was not reported counts as one without requests", () => {
  const gap = FOUR_SECONDS.filter(({ second }) => second !== 2);
  assert.deepEqual(requestsOf(gap, 3), [10, 0, 50]);
  assert.equal(recentSeconds(gap, 3).rate, 20);
});

Deno.test("a series of no seconds is empty", () => {
  assert.deepEqual(requestsOf(FOUR_SECONDS, 0), []);
});

function rateAfter(
  ...moments: readonly (readonly [seconds: number, started: number | null])[]
): number | null {
  const iterations = new RecentIterations();
  for (const [elapsedSeconds, started] of moments) {
    iterations.add({
      elapsedSeconds,
      pauses: [],
      statistics: { iterations: started === null ? null : { started } },
    });
  }
  return iterations.startRate;
}

Deno.test("the start rate covers the last two seconds", () => {
  assert.equal(rateAfter([1, 1000], [2, 2000], [3, 2100], [4.02, 2200], [5, 2299]), 199 / 2);
});

Deno.test("the start rate is unknown before there are two snapshots", () => {
  assert.equal(rateAfter(), null);
  assert.equal(rateAfter([1, 100]), null);
  assert.equal(rateAfter([1, 100], [1, 100]), null);
});

Deno.test("before iterations are counted, none has started", () => {
  assert.equal(rateAfter([0, null], [1, 100]), 100);
});

Deno.test("a reset discards the earlier samples of the start rate", () => {
  assert.equal(rateAfter([1, 100], [2, 200], [3, 10]), null);
  assert.equal(rateAfter([1, 100], [2, 200], [3, 10], [4, 60]), 50);
  assert.equal(rateAfter([1, 100], [2, 200], [0, 0], [1, 30]), 30);
});

Deno.test("seconds of a pause that is over are left out, and those of one that goes on are not", () => {
  assert.equal(recentSeconds(FOUR_SECONDS, 1, [{ from: 2.9, to: 3.5 }]).rate, 10);
  assert.equal(recentSeconds(FOUR_SECONDS, 3, [{ from: 1.5, to: 2.5 }]).rate, 50);
  assert.equal(recentSeconds(FOUR_SECONDS, 3, [{ from: 1.5, to: null }]).rate, 20);
});
