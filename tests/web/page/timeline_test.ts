import assert from "node:assert/strict";
import type { TimelineSecond } from "../../../src/stats/snapshot.ts";
import {
  axisMilliseconds,
  axisNumber,
  chartColumns,
  RUN_CHARTS,
} from "../../../src/web/page/timeline.js";
import { liveSecond } from "../../support/live_views.ts";

const SECONDS: readonly TimelineSecond[] = [
  liveSecond(0, { users: 5, requests: 40, failures: 0, p50: 10, p95: 20, p99: 30 }),
  liveSecond(1, { users: 9, requests: 0, failures: 0, p50: null, p95: null, p99: null }),
  liveSecond(3, { users: 8, requests: 90, failures: 2, p50: 11, p95: 60, p99: 80 }),
];

Deno.test("a chart's lines are one array each, and its points stand where a second ended", () => {
  const [users, rates, latency] = RUN_CHARTS.map((spec) => chartColumns(spec, SECONDS));
  assert.deepEqual(users, [[1, 2, 4], [5, 9, 8]]);
  assert.deepEqual(latency, [[1, 2, 4], [10, null, 11], [20, null, 60], [30, null, 80]]);
  // No failure is no bar, rather than one of no height.
  assert.deepEqual(rates, [[1, 2, 4], [40, 0, 90], [null, null, 2]]);
});

Deno.test("each chart is told in words as well", () => {
  assert.deepEqual(RUN_CHARTS.map(({ describe }) => describe(SECONDS)), [
    "8 users at 0:04, at most 9 users.",
    "90 requests and 2 failures in the last second, at most 90 requests at 0:04. " +
    "1 second of 3 had failures.",
    "At 0:04 the median was 11.0 ms, the 95th percentile 60.0 ms, the 99th 80.0 ms. " +
    "The 99th was highest at 0:04: 80.0 ms.",
  ]);
  assert.deepEqual(RUN_CHARTS.map(({ describe }) => describe([])), [
    "No second has ended yet.",
    "No second has ended yet.",
    "Nothing was timed yet.",
  ]);
  assert.deepEqual(
    RUN_CHARTS.map(({ describe }) => describe(SECONDS.slice(0, 1)))[1],
    [
      "40 requests and 0 failures in the last second, at most 40 requests at 0:01. ",
      "No second had failures.",
    ].join(""),
  );
});

Deno.test("values at an axis are short", () => {
  assert.deepEqual([0, 2.5, 250, 1500, 2e6, 3e9].map(axisNumber), [
    ...["0", "2.5", "250", "1.5K", "2M", "3G"],
  ]);
  assert.deepEqual([0, 0.30000000000000004, 250, 1500, 60_000].map(axisMilliseconds), [
    ...["0", "0.3 ms", "250 ms", "1.5 s", "60 s"],
  ]);
});
