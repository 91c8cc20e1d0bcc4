import { AggregationTemporality, DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import assert from "node:assert/strict";
import type { MetricFamily } from "../../src/report/metric_families.ts";
import { RunMetrics } from "../../src/report/metrics.ts";
import { otlpMetrics } from "../../src/report/otlp.ts";
import { latencies, shopSnapshot, snapshot, statistics } from "../support/snapshots.ts";

const MOMENT = {
  version: "0.1.0",
  runId: "7c0e",
  name: null,
  labels: {},
  since: 10_000.25,
  at: 12_500,
};

function metricsOf(families: readonly MetricFamily[]): MetricData[] {
  return otlpMetrics(families, MOMENT).scopeMetrics[0]!.metrics;
}

Deno.test("every family with a point is exported under its own name", () => {
  const families = new RunMetrics({ buckets: [50, 100], version: "0.1.0" })
    .of(shopSnapshot(10), [{ name: "pay", complete: 1, incomplete: 0 }]);
  const names = families.filter(({ points }) => points.length > 0).map(({ name }) => name);
  assert.ok(names.length > 15);
  assert.deepEqual(metricsOf(families).map(({ descriptor }) => descriptor.name), names);
});

Deno.test("bucket counts are not cumulative", () => {
  const [metric] = metricsOf([{
    type: "histogram",
    name: "times",
    help: "Times.",
    unit: "ms",
    bounds: [50, 100],
    points: [{ labels: { name: "a" }, cumulative: [3, 5], count: 9, sum: 700.5 }],
  }]);
  assert.deepEqual(metric, {
    descriptor: { name: "times", description: "Times.", unit: "ms", valueType: 1 },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: [{
      startTime: [10, 250_000],
      endTime: [12, 500_000_000],
      attributes: { name: "a" },
      value: { buckets: { boundaries: [50, 100], counts: [3, 2, 4] }, sum: 700.5, count: 9 },
    }],
  });
});

Deno.test("counters are monotonic sums, and everything else is a gauge", () => {
  const base = { help: "", unit: "", points: [{ labels: {}, value: 3 }] };
  const types = metricsOf([
    { ...base, type: "counter", name: "c_total" },
    { ...base, type: "gauge", name: "g" },
    { ...base, type: "untyped", name: "u" },
  ]).map((metric) => [metric.dataPointType, "isMonotonic" in metric && metric.isMonotonic]);
  assert.deepEqual(types, [
    [DataPointType.SUM, true],
    [DataPointType.GAUGE, false],
    [DataPointType.GAUGE, false],
  ]);
});

Deno.test("percentiles of iterations have the attribute quantile, with sum and count beside them", () => {
  const iterations = {
    scheduled: 5,
    started: 4,
    completed: 3,
    interrupted: 0,
    dropped: 1,
    serviceTimeMs: latencies(100),
    startDelayMs: latencies(1),
  };
  const families = new RunMetrics({ buckets: [50], version: "0.1.0" })
    .of(snapshot({ statistics: statistics({ iterations }) }), []);
  const found = new Map(
    metricsOf(families).map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints]),
  );
  assert.deepEqual(
    found.get("aiotest_iteration_start_delay_seconds")!.map((
      { attributes, value },
    ) => [attributes.quantile, value]),
    [["0.5", 0.001], ["0.95", 0.003], ["0.99", 0.008], ["0.999", 0.02]],
  );
  assert.equal(found.get("aiotest_iteration_start_delay_seconds_count")![0]!.value, 4);
  assert.equal(found.get("aiotest_iteration_service_time_seconds_sum")![0]!.value, 0.375);
});

Deno.test("the resource has OpenTelemetry's attribute names", () => {
  const { resource } = otlpMetrics([], MOMENT);
  assert.deepEqual(resource.attributes, {
    "service.name": "aiotest",
    "service.version": "0.1.0",
    "service.instance.id": "7c0e",
  });
  const named = { ...MOMENT, name: "nightly", labels: { env: "staging", "build-id": "5" } };
  assert.deepEqual(otlpMetrics([], named).resource.attributes, {
    ...resource.attributes,
    "aiotest.run.name": "nightly",
    "aiotest.label.env": "staging",
    "aiotest.label.build-id": "5",
  });
});
