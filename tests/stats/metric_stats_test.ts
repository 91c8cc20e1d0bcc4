import fc from "fast-check";
import assert from "node:assert/strict";
import { MetricTable, newMetricStats, TrendStats } from "../../src/stats/metric_stats.ts";
import { Totals } from "../../src/stats/totals.ts";
import { anyMeasures, deltaOf, metricsOf } from "../support/counts.ts";
import { exactStatistics } from "../support/exact_statistics.ts";

function trendOf(values: Iterable<number>): TrendStats {
  const trend = new TrendStats("");
  for (const value of values) trend.add(value);
  return trend;
}

Deno.test("any division of values over nodes and seconds gives the same metrics", () => {
  const parts = fc.array(anyMeasures, { maxLength: 5 });
  fc.assert(fc.property(parts, parts, (some, others) => {
    const metrics = [...some, ...others].flatMap((one) => one.metrics);
    const whole = new Totals();
    whole.add(deltaOf({ metrics: metricsOf(metrics) }));
    const divided = new Totals();
    for (const { metrics } of [...others, ...some]) {
      divided.add(deltaOf({ metrics: metricsOf(metrics) }));
    }
    assert.deepEqual(
      exactStatistics(divided.statistics(1)).metrics,
      exactStatistics(whole.statistics(1)).metrics,
    );
  }));
});

Deno.test("mean and deviation of a trend are those of its values, merged or not", () => {
  const values = Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 1e6 - 3);
  const mean = values.reduce((sum, value) => sum + value) / values.length;
  const deviation = Math.sqrt(
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length,
  );
  const merged = trendOf(values.slice(0, 300));
  merged.merge(trendOf(values.slice(300)));
  for (const { figures } of [trendOf(values), merged]) {
    assert.ok(Math.abs(figures.mean! - mean) < 1e-6);
    assert.ok(Math.abs(figures.stddev! / deviation - 1) < 1e-9);
    assert.equal(figures.max, Math.max(...values));
  }
});

Deno.test("sums of huge values stay finite, and so does what is sent", () => {
  const trend = trendOf([Number.MAX_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE]);
  const merged = trendOf([Number.MAX_VALUE]);
  merged.merge(trend);
  for (const { sum, squaredDeviations, figures } of [trend, merged]) {
    for (const value of [sum, squaredDeviations, ...Object.values(figures)]) {
      assert.ok(Number.isFinite(value), `${value}`);
    }
  }
  const counter = newMetricStats("counter");
  assert.ok(counter.type === "counter");
  for (let i = 0; i < 3; i++) counter.add(Number.MAX_VALUE);
  assert.equal(counter.value, Number.MAX_VALUE);
});

Deno.test("the latest value of a gauge counts, and of one moment the higher one", () => {
  const gauge = (value: number, atMs: number): ReturnType<typeof metricsOf> =>
    metricsOf([["gauge", "queue", value, atMs]]);
  const values = [gauge(5, 100), gauge(2, 300), gauge(4, 300), gauge(9, 200)];
  for (const order of [values, values.toReversed()]) {
    const table = new MetricTable();
    for (const part of order) for (const one of part) table.add(...one);
    assert.deepEqual(table.rows(1), [
      { name: "queue.gauge", type: "gauge", value: 4, min: 2, max: 9 },
    ]);
  }
});

Deno.test("a metric of another kind elsewhere, and more than 200 of them, are not counted", () => {
  const totals = new Totals();
  totals.add(deltaOf({ metrics: [["x", { type: "counter", value: 1 }]] }));
  assert.deepEqual(totals.limitWarnings, []);
  totals.add(deltaOf({ metrics: [["x", { type: "rate", hits: 1, total: 1 }]] }));
  assert.match(totals.limitWarnings.join(), /Some values of metrics are not counted/);
  assert.deepEqual(totals.statistics(1).metrics, [
    { name: "x", type: "counter", value: 1, perSecond: 1 },
  ]);
  const many = new Totals();
  for (let i = 0; i < 201; i++) {
    many.add(deltaOf({ metrics: [[`m${i}`, { type: "counter", value: 1 }]] }));
  }
  assert.equal(many.statistics(1).metrics.length, 200);
  assert.equal(many.limitWarnings.length, 1);
});

Deno.test("more than 1,000 names of groups and of checks are counted together", () => {
  const totals = new Totals();
  let all = 0;
  for (let i = 0; i < 1100; i++) {
    totals.add(deltaOf({ checks: [[`check ${i}`, { passed: 1, failed: 1 }]] }));
  }
  const { checks } = totals.statistics(1);
  for (const { passed } of checks) all += passed;
  assert.deepEqual([checks.length, all], [1001, 1100]);
  assert.deepEqual(checks.find(({ name }) => name === "(other)"), {
    name: "(other)",
    passed: 100,
    failed: 100,
    rate: 0.5,
  });
  assert.match(totals.limitWarnings.join(), /More than 1,000 names of checks/);
});
