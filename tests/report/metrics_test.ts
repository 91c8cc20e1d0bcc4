import fc from "fast-check";
import assert from "node:assert/strict";
import { BoundCounts, type MetricFamily } from "../../src/report/metric_families.ts";
import { RequestMetrics } from "../../src/report/metrics.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { packBuckets, PackedBuckets } from "../../src/stats/packed_buckets.ts";
import type { Statistics } from "../../src/stats/snapshot.ts";
import { Totals } from "../../src/stats/totals.ts";
import { secondOf } from "../support/counts.ts";
import { sample } from "../support/samples.ts";
import {
  codeRow,
  phaseTotals,
  requestRow,
  statistics,
  unfinishedAt,
} from "../support/snapshots.ts";

function family(metrics: RequestMetrics, from: Statistics, name: string): MetricFamily {
  return metrics.of(from).find((one) => one.name === name)!;
}

Deno.test("latencies are counted by name, method, code and outcome", () => {
  const totals = new Totals();
  totals.add(secondOf([
    sample({ name: "a", status: 200, latencyMs: 10, bytesReceived: 100 }),
    sample({ name: "a", status: 200, latencyMs: 70, bytesReceived: 50 }),
    sample({ name: "a", status: 200, latencyMs: 20, bytesReceived: 30, error: "no token" }),
    sample({ name: "a", status: 500, latencyMs: 1000, bytesReceived: 7, error: "HTTP 500" }),
    sample({ name: "a", method: "POST", status: 0, latencyMs: 90, error: "refused" }),
  ]));
  const metrics = new RequestMetrics([50, 100]);
  const now = totals.statistics(1);
  assert.deepEqual(family(metrics, now, "aiotest_response_times").points, [
    {
      labels: { name: "a", method: "GET", code: "200", outcome: "success" },
      cumulative: [1, 2],
      count: 2,
      sum: 80,
    },
    {
      labels: { name: "a", method: "GET", code: "200", outcome: "failure" },
      cumulative: [1, 1],
      count: 1,
      sum: 20,
    },
    {
      labels: { name: "a", method: "GET", code: "500", outcome: "failure" },
      cumulative: [0, 0],
      count: 1,
      sum: 1000,
    },
    {
      labels: { name: "a", method: "POST", code: "0", outcome: "failure" },
      cumulative: [0, 1],
      count: 1,
      sum: 90,
    },
  ]);
  const lengths = family(metrics, now, "aiotest_response_content_length").points;
  assert.deepEqual(lengths.slice(0, 2), [
    { labels: { name: "a", method: "GET", code: "200" }, value: 60 },
    { labels: { name: "a", method: "GET", code: "500" }, value: 7 },
  ]);
  assert.deepEqual(family(metrics, now, "aiotest_response_failure_total").points, [
    { labels: { name: "a", method: "GET", error: "HTTP 500" }, value: 1 },
    { labels: { name: "a", method: "GET", error: "no token" }, value: 1 },
    { labels: { name: "a", method: "POST", error: "refused" }, value: 1 },
  ]);
});

Deno.test("connections and phases are counted by name, if there are any", () => {
  const phases = phaseTotals({ connect: [4], ttfb: [10, 30] }, { opened: 1, reused: 1 });
  const from = statistics({ requests: [requestRow({ name: "a", phases }), requestRow()] });
  const metrics = new RequestMetrics([50]);
  const labels = { name: "a", method: "GET" };
  assert.deepEqual(family(metrics, from, "aiotest_connections_opened_total").points, [
    { labels, value: 1 },
  ]);
  assert.deepEqual(family(metrics, from, "aiotest_connections_reused_total").points, [
    { labels, value: 1 },
  ]);
  const { type, points } = family(metrics, from, "aiotest_request_phase_seconds");
  assert.equal(type, "summary");
  assert.deepEqual(
    points.map((point) => ({ ...point, quantiles: "quantiles" in point && point.quantiles[0] })),
    [
      { labels: { ...labels, phase: "connect" }, count: 1, sum: 0.004, quantiles: [0.5, 0.004] },
      {
        labels: { ...labels, phase: "ttfb" },
        count: 2,
        sum: 0.04,
        quantiles: [0.5, phases.figures.ttfb.p50! / 1000],
      },
    ],
  );
});

Deno.test("requests without an answer are counted by name, with the highest age in seconds", () => {
  const from = statistics({
    requests: [
      requestRow({ name: "a", ...unfinishedAt(300, 11_000) }),
      requestRow({ name: "b", inProgress: { count: 4, oldestMs: 2500 } }),
    ],
  });
  const metrics = new RequestMetrics([50]);
  const shown = (name: string): unknown =>
    family(metrics, from, name).points.map((point) => [
      point.labels.name,
      "value" in point ? point.value : null,
    ]);
  assert.deepEqual(shown("aiotest_unfinished_requests_total"), [["a", 2], ["b", 0]]);
  assert.deepEqual(shown("aiotest_oldest_unfinished_request_seconds"), [["a", 11]]);
  assert.deepEqual(shown("aiotest_requests_in_progress"), [["a", 0], ["b", 4]]);
  assert.deepEqual(shown("aiotest_oldest_request_in_progress_seconds"), [["b", 2.5]]);
});

Deno.test("a histogram is counted again only if a value was added", () => {
  const totals = new Totals();
  totals.add(secondOf([sample({ name: "a" }), sample({ name: "b" })]));
  const metrics = new RequestMetrics([50]);
  const times = (): readonly unknown[] =>
    family(metrics, totals.statistics(1), "aiotest_response_times").points;
  const [a, b] = times();
  totals.add(secondOf([sample({ name: "b", latencyMs: 20 })], 1));
  const [sameA, newB] = times();
  assert.equal(sameA, a);
  assert.notEqual(newB, b);
  assert.equal((newB as { count: number }).count, 2);
});

Deno.test("codes beyond the limit are labeled other", () => {
  const from = statistics({ requests: [requestRow({ codes: [codeRow({ code: 1000 })] })] });
  const { points } = family(new RequestMetrics([50]), from, "aiotest_response_bytes_total");
  assert.deepEqual(points.map(({ labels }) => labels.code), ["other"]);
});

Deno.test("errors after the first thousand are counted together, and none twice", () => {
  const failures = Array.from({ length: 1500 }, (_, i) => ({
    method: "GET",
    name: i < 1400 ? "a" : "b",
    error: `order ${i}`,
    count: 2,
  }));
  const metrics = new RequestMetrics([50]);
  for (const order of [failures, failures.toReversed()]) {
    const { points } = family(
      metrics,
      statistics({ failures: order }),
      "aiotest_response_failure_total",
    );
    const values = points as { labels: Record<string, string>; value: number }[];
    assert.equal(values.length, 1002);
    const others = values.filter(({ labels }) => labels.error === "(other)");
    assert.deepEqual(others.map(({ value }) => value).sort((a, b) => a - b), [200, 800]);
    assert.equal(values.reduce((sum, { value }) => sum + value, 0), 3000);
  }
});

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const ms of values) histogram.record(ms);
  return histogram;
}

Deno.test("a value equal to a bound is within it", () => {
  const histogram = histogramOf([49.9, 50, 50, 51, 300, 8000, 8001, 8100]);
  assert.deepEqual(new BoundCounts([50, 100, 300, 8000]).of(histogram), [3, 4, 5, 7]);
});

Deno.test("bounds and values outside the range of a histogram are counted", () => {
  const histogram = histogramOf([0, 1e9]);
  assert.deepEqual(new BoundCounts([0.0001, 1, 1e8]).of(histogram), [1, 1, 2]);
  assert.deepEqual(new BoundCounts([1]).of(new Histogram()), [0]);
  assert.deepEqual(new BoundCounts([]).of(histogram), []);
});

Deno.test("a counter can count several histograms in turn", () => {
  const counts = new BoundCounts([10, 100]);
  assert.deepEqual(counts.of(histogramOf([5, 50, 500])), [1, 2]);
  assert.deepEqual(counts.of(histogramOf([1, 2])), [2, 2]);
});

Deno.test("for any values, none within a bound is missing, and any excess is close to it", () => {
  const ms = fc.double({ min: 0.01, max: 100_000, noNaN: true });
  const bounds = fc.uniqueArray(ms, { minLength: 1, maxLength: 15 })
    .map((all) => all.sort((a, b) => a - b));
  fc.assert(fc.property(bounds, fc.array(ms, { maxLength: 100 }), (bounds, values) => {
    const histogram = histogramOf(values);
    const found = new BoundCounts(bounds).of(histogram);
    const packed = new PackedBuckets(packBuckets(histogram));
    assert.deepEqual(new BoundCounts(bounds).of(packed), found);
    bounds.forEach((bound, i) => {
      const within = (limit: number): number => values.filter((value) => value <= limit).length;
      assert.ok(found[i]! >= within(bound));
      assert.ok(found[i]! <= within(bound * 1.001));
    });
  }));
});
