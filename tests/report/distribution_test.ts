import assert from "node:assert/strict";
import { Distribution } from "../../src/report/compare_stats.ts";
import { Histogram } from "../../src/stats/histogram.ts";

function distributionOf(values: readonly number[]): Distribution {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return new Distribution(histogram);
}

const HUNDRED = Array.from({ length: 100 }, (_, n) => n + 1);

function assertNear(actual: number, expected: number, tolerance = 0.001): void {
  assert.ok(Math.abs(actual - expected) <= tolerance * expected, `${actual}, not ${expected}`);
}

Deno.test("shares and sums are those of the values, within the width of a bucket", () => {
  const distribution = distributionOf(HUNDRED);
  assert.equal(distribution.count, 100);
  assert.equal(distribution.shareUpTo(0.5), 0);
  assert.equal(distribution.shareUpTo(40.5), 0.4);
  assert.equal(distribution.shareUpTo(1000), 1);
  assertNear(distribution.sumUpTo(40.5), 8.2);
  assertNear(distribution.sumUpTo(1000), 50.5);
  assertNear(distribution.mean, 50.5);
  assertNear(distribution.variance, 833.25);
});

Deno.test("quantiles are those of the values", () => {
  const distribution = distributionOf(HUNDRED);
  for (const q of [0.01, 0.5, 0.95, 0.99, 1]) assertNear(distribution.quantile(q), q * 100);
  const [lowest, highest] = distribution.range;
  assertNear(lowest, 1);
  assertNear(highest, 100);
});

Deno.test("within a bucket, shares and quantiles are each other's inverse", () => {
  const distribution = distributionOf([10, 10, 10, 10, 50, 50, 90]);
  for (const q of [0.1, 0.3, 0.5, 0.7, 0.9, 0.99]) {
    assertNear(distribution.shareUpTo(distribution.quantile(q)), q, 1e-9);
  }
});

Deno.test("between the values there are none", () => {
  const distribution = distributionOf([10, 10, 100, 100]);
  assert.equal(distribution.shareUpTo(20), 0.5);
  assert.equal(distribution.shareUpTo(90), 0.5);
});

Deno.test("of nothing, all is 0", () => {
  const { count, mean, variance, range } = distributionOf([]);
  assert.deepEqual([count, mean, variance, range], [0, 0, 0, [0, 0]]);
  assert.equal(distributionOf([]).quantile(0.5), 0);
  assert.equal(distributionOf([]).shareUpTo(5), 0);
});
