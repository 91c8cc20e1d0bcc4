import assert from "node:assert/strict";
import { Histogram } from "../../src/stats/histogram.ts";
import { packBuckets, PackedBuckets } from "../../src/stats/packed_buckets.ts";
import { RequestMeasure } from "../../src/stats/threshold_metrics.ts";
import { latencies, NO_LATENCIES, requestRow } from "../support/snapshots.ts";

function histogram(...values: number[]): Histogram {
  const all = new Histogram();
  for (const ms of values) all.record(ms);
  return all;
}

Deno.test("several names are one, weighted by their requests", () => {
  const fast = requestRow({ requests: 300, latencyMs: { ...latencies(10), mean: 10 } });
  const slow = requestRow({
    requests: 100,
    failures: 4,
    latencyMs: { ...latencies(50), mean: 50 },
  });
  const both = new RequestMeasure([fast, slow], []);
  assert.equal(both.requests, 400);
  assert.equal(both.failures, 4);
  assert.equal(both.errorRate, 0.01);
  assert.equal(both.rate, 40);
  assert.equal(both.mean, 20);
  assert.equal(both.min, 10 / 8);
  assert.equal(both.max, 2000);
});

Deno.test("a name without requests changes nothing", () => {
  const some = requestRow();
  const empty = requestRow({ requests: 0, latencyMs: NO_LATENCIES, histogram: histogram() });
  const measure = new RequestMeasure([some, empty], []);
  assert.deepEqual([measure.min, measure.max, measure.mean], [1.5, 480, 15]);
  assert.equal(new RequestMeasure([empty], []).requests, 0);
});

Deno.test("percentiles are taken from buckets in any form, and stay within what was measured", () => {
  const packed = new PackedBuckets(packBuckets(histogram(10, 20, 30, 40)));
  const range = { ...NO_LATENCIES, min: 10, max: 40 };
  const measure = new RequestMeasure([
    requestRow({ requests: 4, latencyMs: range, histogram: packed }),
  ], []);
  assert.equal(measure.percentile(1), 40);
  assert.equal(measure.percentile(0), 10);
  assert.ok(Math.abs(measure.percentile(0.5) - 20) < 0.01);
});
