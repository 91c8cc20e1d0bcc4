import fc from "fast-check";
import assert from "node:assert/strict";
import { Histogram } from "../../src/stats/histogram.ts";
import { packBuckets, PackedBuckets } from "../../src/stats/packed_buckets.ts";
import { Latencies } from "../../src/stats/latencies.ts";
import { Entry } from "../../src/stats/request_stats.ts";
import type { IterationSummary, RequestTotals } from "../../src/stats/snapshot.ts";
import {
  hasSample,
  metricOf,
  METRICS_HINT,
  RequestMeasure,
} from "../../src/stats/threshold_metrics.ts";
import { summaryWithWaits } from "../../src/stats/unanswered.ts";
import { latency, sample } from "../support/samples.ts";
import {
  latencies,
  NO_LATENCIES,
  NO_PHASES,
  NONE_UNANSWERED,
  phaseTotals,
  requestRow,
  timelineSecond,
  unfinishedAt,
} from "../support/snapshots.ts";

function totalsOf(ms: readonly number[], failures = 0, seconds = 8): RequestTotals {
  const entry = new Entry();
  for (const [index, latencyMs] of ms.entries()) {
    entry.add(sample({ latencyMs, error: index < failures ? "HTTP 500" : null }));
  }
  const { latencies } = entry;
  const failureLatencies = entry.failureLatencies ?? new Latencies();
  return {
    requests: ms.length,
    failures,
    retries: 0,
    errorRate: ms.length === 0 ? 0 : failures / ms.length,
    rate: ms.length / seconds,
    bytesReceived: 0,
    bytesSent: 0,
    latencyMs: latencies.summary(),
    lowerBounds: false,
    successes: { count: latencies.count, sum: latencies.sum, max: latencies.max },
    histogram: latencies.histogram,
    failureLatencyMs: failureLatencies.summary(),
    failureHistogram: failureLatencies.histogram,
    unfinished: NONE_UNANSWERED,
    inProgress: NONE_UNANSWERED,
    waits: new Latencies(),
    phases: NO_PHASES,
  };
}

function observed(name: string, ...parts: RequestTotals[]): number {
  const metric = metricOf(name);
  assert.ok(typeof metric === "object" && metric.of === "requests", name);
  return metric.observe(new RequestMeasure(parts, []));
}

Deno.test("every metric of requests has its value, for one name and for several", () => {
  const one = totalsOf([10, 20, 30, 40], 1);
  const two = totalsOf([55, 60], 1);
  const expected: readonly [name: string, ofOne: number, ofBoth: number][] = [
    ["count", 4, 6],
    ["requests", 4, 6],
    ["failures", 1, 2],
    ["error_rate", 0.25, 1 / 3],
    ["rps", 0.5, 0.75],
    ["rate", 0.5, 0.75],
    // The first of each name have failed.
    ["min", 20, 20],
    ["mean", 30, 37.5],
    ["avg", 30, 37.5],
    ["max", 40, 60],
    ["p100", 40, 60],
    ["p0", 20, 20],
    ["failed_min", 10, 10],
    ["failed_mean", 10, 32.5],
    ["failed_max", 10, 55],
    ["failed_p100", 10, 55],
  ];
  for (const [name, ofOne, ofBoth] of expected) {
    assert.deepEqual([observed(name, one), observed(name, one, two)], [ofOne, ofBoth], name);
  }
});

Deno.test("every metric of the parts of requests has its value, for one name and for several", () => {
  const one = { ...totalsOf([10]), phases: phaseTotals({ ttfb: [10, 20], connect: [4] }) };
  const two = { ...totalsOf([20]), phases: phaseTotals({ ttfb: [40, 50], tls: [7, 9] }) };
  const expected: readonly [name: string, ofOne: number | null, ofBoth: number][] = [
    ["ttfb_min", 10, 10],
    ["ttfb_mean", 15, 30],
    ["ttfb_avg", 15, 30],
    ["ttfb_max", 20, 50],
    ["ttfb_p100", 20, 50],
    ["ttfb_p0", 10, 10],
    ["ttfb_med", 10, 20],
    ["ttfb_p75", 20, 40],
    ["TTFB_p(75)", 20, 40],
    ["connect_p95", 4, 4],
    ["tls_p95", null, 9],
    ["tls_p12.5", null, 7],
  ];
  const valueOf = (name: string, parts: RequestTotals[]): number | null => {
    const metric = metricOf(name);
    assert.ok(typeof metric === "object" && metric.of === "requests", name);
    const measure = new RequestMeasure(parts, []);
    return hasSample(metric, measure) ? Number(metric.observe(measure).toPrecision(3)) : null;
  };
  for (const [name, ofOne, ofBoth] of expected) {
    assert.deepEqual([valueOf(name, [one]), valueOf(name, [one, two])], [ofOne, ofBoth], name);
  }
  for (const name of ["dns_p95", "download_max"]) assert.equal(valueOf(name, [one, two]), null);
});

Deno.test("metrics of the parts of requests have the same spellings as latencies", () => {
  const named = (name: string): string => {
    const metric = metricOf(name);
    return typeof metric === "string" ? metric : metric.name;
  };
  assert.deepEqual(["dns_avg", "dns_med", "dns_p(95)", "dns_p0", "DNS_MAX"].map(named), [
    "dns_mean",
    "dns_p50",
    "dns_p95",
    "dns_min",
    "dns_max",
  ]);
  assert.match(
    named("ttfb_p999"),
    /^ttfb_p999 is not a percentile; use p0 to p100, such as p99\.9$/,
  );
  assert.match(
    named("connect_rps"),
    /^unknown metric connect_rps; parts of a request have min, mean/,
  );
});

Deno.test("any percentile is the nearest-rank one, within a tenth of a percent", () => {
  const list = fc.array(latency, { minLength: 1, maxLength: 50 });
  fc.assert(fc.property(list, list, fc.integer({ min: 1, max: 1000 }), (a, b, permille) => {
    const sorted = [...a, ...b].sort((x, y) => x - y);
    const exact = sorted[Math.ceil(permille * sorted.length / 1000) - 1]!;
    const found = observed(`p${permille / 10}`, totalsOf(a), totalsOf(b));
    assert.ok(Math.abs(found - exact) <= exact / 1000, `${found} is not ${exact}`);
    assert.ok(found >= sorted[0]! && found <= sorted.at(-1)!);
  }));
});

Deno.test("a rate during the run covers only the seconds that were reported", () => {
  const timeline = [7, 8, 9].map((second) => timelineSecond({ second }));
  const part = { ...totalsOf([1, 2, 3, 4, 5, 6]), rate: 1.5 };
  const measure = new RequestMeasure([part], timeline);
  assert.deepEqual([measure.rate, measure.rateSoFar], [1.5, 2]);
  assert.equal(new RequestMeasure([part], []).rateSoFar, 1.5);
  const metric = metricOf("rps");
  assert.ok(typeof metric === "object" && metric.of === "requests");
  assert.equal(metric.observeSoFar!(measure), 2);
});

Deno.test("every metric of iterations has its value", () => {
  const iterations: IterationSummary = {
    scheduled: 200,
    started: 190,
    completed: 180,
    interrupted: 0,
    dropped: 10,
    serviceTimeMs: latencies(12),
    startDelayMs: latencies(4),
  };
  const expected: readonly [name: string, value: number][] = [
    ["dropped", 10],
    ["dropped_rate", 0.05],
    ["service_p50", 12],
    ["service_med", 12],
    ["service_p95", 36],
    ["service_p99.9", 240],
    ["start_delay_p99", 32],
    ["start_delay_p99.99", 128],
    ["start_delay_min", 0.5],
    ["start_delay_avg", 5],
    ["start_delay_max", 160],
  ];
  const none = {
    ...iterations,
    scheduled: 0,
    dropped: 0,
    serviceTimeMs: NO_LATENCIES,
    startDelayMs: NO_LATENCIES,
  };
  for (const [name, value] of expected) {
    const metric = metricOf(name);
    assert.ok(typeof metric === "object" && metric.of === "iterations", name);
    assert.deepEqual([metric.observe(iterations), metric.observe(none)], [value, null], name);
  }
});

Deno.test("the hint only names existing metrics", () => {
  // The last sentences name examples of what a test file chooses.
  const [built = ""] = METRICS_HINT.split("; for groups");
  const names = built.match(/\b(p\d+|min|mean|med|max|rps|[a-z]+_[a-z0-9_]+)\b/g)!;
  assert.ok(names.length >= 8);
  for (const name of names) assert.equal(typeof metricOf(name), "object", name);
});

function histogram(...values: number[]): Histogram {
  const all = new Histogram();
  for (const ms of values) all.record(ms);
  return all;
}

Deno.test("several names are combined, weighted by their requests and successes", () => {
  const fast = requestRow({ requests: 300, latencyMs: { ...latencies(10), mean: 10 } });
  const slow = requestRow({
    requests: 104,
    failures: 4,
    latencyMs: { ...latencies(50), mean: 50 },
  });
  const both = new RequestMeasure([fast, slow], []);
  assert.equal(both.requests, 404);
  assert.equal(both.successes, 400);
  assert.equal(both.failures, 4);
  assert.equal(both.errorRate, 4 / 404);
  assert.equal(both.rate, 40.4);
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

Deno.test("percentiles work with packed buckets, and stay within the measured range", () => {
  const packed = new PackedBuckets(packBuckets(histogram(10, 20, 30, 40)));
  const range = { ...NO_LATENCIES, min: 10, max: 40 };
  const measure = new RequestMeasure([
    requestRow({ requests: 4, latencyMs: range, histogram: packed }),
  ], []);
  assert.equal(measure.percentile(1), 40);
  assert.equal(measure.percentile(0), 10);
  assert.ok(Math.abs(measure.percentile(0.5) - 20) < 0.01);
});

/** Totals of answers, and of requests that were cut off at these ages. */
function totalsWith(answered: readonly number[], cutOff: readonly number[]): RequestTotals {
  const waits = new Latencies();
  for (const ms of cutOff) waits.add(ms);
  const answers = new Latencies();
  for (const ms of answered) answers.add(ms);
  return {
    ...totalsOf(answered),
    ...unfinishedAt(...cutOff),
    latencyMs: summaryWithWaits(answers, waits),
  };
}

Deno.test("a request without an answer raises latencies to what its age says, and nothing else", () => {
  const ages = Array<number>(10).fill(11_000);
  const part = totalsWith(Array.from({ length: 90 }, (_, i) => i + 1), ages);
  const near = (name: string, expected: number): void => {
    const value = observed(name, part);
    assert.ok(Math.abs(value - expected) <= expected * 0.0005, `${name}: ${value}`);
  };
  near("p50", 50);
  near("p90", 90);
  near("p91", 11_000);
  near("p99", 11_000);
  near("max", 11_000);
  near("mean", (4095 + 110_000) / 100);
  const rest = ["min", "count", "failures", "error_rate", "rps", "unfinished", "unfinished_rate"];
  assert.deepEqual(rest.map((name) => observed(name, part)), [1, 90, 0, 0, 90 / 8, 10, 0.1]);
  const short = totalsWith([100, 200, 300], [1, 1, 1]);
  assert.deepEqual(
    ["p50", "mean", "max", "p0"].map((name) => Math.round(observed(name, short))),
    [200, 200, 300, 100],
  );
});

Deno.test("thresholds and reports agree on every figure that includes ages", () => {
  const list = fc.array(latency, { maxLength: 30 });
  fc.assert(fc.property(list, fc.array(latency, { minLength: 1 }), (answered, cutOff) => {
    const part = totalsWith(answered, cutOff);
    for (const [name, figure] of [["p50", "p50"], ["p99", "p99"], ["max", "max"]] as const) {
      assert.equal(observed(name, part), part.latencyMs[figure], name);
    }
    assert.ok(Math.abs(observed("mean", part) / part.latencyMs.mean! - 1) < 1e-9);
  }));
});
