import fc from "fast-check";
import assert from "node:assert/strict";
import { BoundCounts } from "../../src/report/metrics.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { packBuckets, PackedBuckets } from "../../src/stats/packed_buckets.ts";

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const ms of values) histogram.record(ms);
  return histogram;
}

Deno.test("a value on a bound does not exceed it", () => {
  const histogram = histogramOf([49.9, 50, 50, 51, 300, 8000, 8001, 8100]);
  assert.deepEqual(new BoundCounts([50, 100, 300, 8000]).of(histogram), [3, 4, 5, 7]);
});

Deno.test("bounds and values that lie outside of a histogram's range are counted too", () => {
  const histogram = histogramOf([0, 1e9]);
  assert.deepEqual(new BoundCounts([0.0001, 1, 1e8]).of(histogram), [1, 1, 2]);
  assert.deepEqual(new BoundCounts([1]).of(new Histogram()), [0]);
  assert.deepEqual(new BoundCounts([]).of(histogram), []);
});

Deno.test("the same counter counts one histogram after the other", () => {
  const counts = new BoundCounts([10, 100]);
  assert.deepEqual(counts.of(histogramOf([5, 50, 500])), [1, 2]);
  assert.deepEqual(counts.of(histogramOf([1, 2])), [2, 2]);
});

Deno.test("whatever the values, nothing within a bound is missing, and what is too much is near it", () => {
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
