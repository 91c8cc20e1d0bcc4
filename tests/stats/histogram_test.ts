import assert from "node:assert/strict";
import fc from "fast-check";
import { build } from "hdr-histogram-js";
import { type BucketCount, Histogram } from "../../src/stats/histogram.ts";
import { latency } from "../support/samples.ts";

const latencies = fc.array(latency, { minLength: 1, maxLength: 500 });
const share = fc.oneof(
  fc.constantFrom(0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1),
  fc.double({ min: 0, max: 1, noNaN: true }),
);

function histogramOf(values: Iterable<number>): Histogram {
  const histogram = new Histogram();
  for (const ms of values) histogram.record(ms);
  return histogram;
}

function bucketsOf(histogram: Histogram): BucketCount[] {
  return [...histogram.buckets()];
}

/** The nearest-rank percentile, from a sorted list. */
function exactPercentile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.find((_, i) => (i + 1) / sorted.length >= q)!;
}

function assertNear(actual: number | null, expected: number, tolerance: number): void {
  assert.ok(
    actual !== null && Math.abs(actual - expected) <= expected * tolerance,
    `${actual} is not within ${tolerance} of ${expected}`,
  );
}

Deno.test("a percentile is within 0.05 % of the value at its rank", () => {
  fc.assert(fc.property(latencies, share, (values, q) => {
    assertNear(histogramOf(values).percentile(q), exactPercentile(values, q), 0.0005);
  }));
});

Deno.test("several percentiles at once equal those computed one by one", () => {
  fc.assert(
    fc.property(latencies, fc.array(share, { maxLength: 8 }), (values, unsorted) => {
      const histogram = histogramOf(values);
      const shares = unsorted.toSorted((a, b) => a - b);
      assert.deepEqual(
        histogram.percentiles(shares),
        shares.map((q) => histogram.percentile(q)),
      );
    }),
  );
});

Deno.test("percentiles agree with those of hdr-histogram-js", () => {
  const microseconds = fc.array(fc.integer({ min: 1, max: 3_600_000_000 }), {
    minLength: 1,
    maxLength: 300,
  });
  fc.assert(
    fc.property(microseconds, fc.constantFrom(0.5, 0.75, 0.9, 0.95, 0.99, 1), (values, q) => {
      const oracle = build({
        lowestDiscernibleValue: 1,
        highestTrackableValue: 3_600_000_000,
        numberOfSignificantValueDigits: 5,
      });
      for (const us of values) oracle.recordValue(us);
      const expected = oracle.getValueAtPercentile(q * 100) / 1000;
      assertNear(histogramOf(values.map((us) => us / 1000)).percentile(q), expected, 0.001);
    }),
    { numRuns: 30 },
  );
});

Deno.test("the rank of a percentile is exact even if the product of share and count is not", () => {
  // 0.07 * 100 is 7.000000000000001 in floating point.
  const histogram = histogramOf(Array.from({ length: 100 }, (_, i) => 2 ** (i / 10)));
  assertNear(histogram.percentile(0.07), 2 ** 0.6, 0.0005);
});

Deno.test("an empty histogram has no percentiles and no buckets", () => {
  const histogram = new Histogram();
  assert.equal(histogram.count, 0);
  assert.equal(histogram.percentile(0.5), null);
  assert.deepEqual(histogram.percentiles([0.5, 0.9]), []);
  assert.deepEqual(bucketsOf(histogram), []);
});

Deno.test("every value is in its bucket, whose width is at most 1/1024 of it", () => {
  fc.assert(fc.property(latency, (ms) => {
    const [index, count] = bucketsOf(histogramOf([ms]))[0]!;
    const [lower, upper] = [Histogram.lowerBound(index), Histogram.upperBound(index)];
    assert.equal(count, 1);
    assert.ok(lower <= ms && ms < upper, `${ms} is not within ${lower} and ${upper}`);
    assert.ok(upper - lower <= ms / 1024);
  }));
});

Deno.test("the bounds of every bucket are counted in the right bucket", () => {
  const lowerBounds = Array.from({ length: Histogram.BUCKETS }, (_, i) => Histogram.lowerBound(i));
  const each = lowerBounds.map((_, i): BucketCount => [i, 1]);
  assert.deepEqual(bucketsOf(histogramOf(lowerBounds)), each);
});

Deno.test("the buckets range from under 1 µs to over 1 h", () => {
  assert.equal(Histogram.lowerBound(0), 2 ** -10);
  assert.equal(Histogram.upperBound(Histogram.BUCKETS - 1), 2 ** 22);
});

Deno.test("values outside the buckets are counted in the first or the last one", () => {
  const low = histogramOf([0, -0, -5, -Infinity, Number.MIN_VALUE, 0.0009, NaN]);
  assert.deepEqual(bucketsOf(low), [[0, 7]]);
  const high = histogramOf([2 ** 22, 1e9, Number.MAX_VALUE, Infinity]);
  assert.deepEqual(bucketsOf(high), [[Histogram.BUCKETS - 1, 4]]);
});

Deno.test("merged histograms equal one that recorded everything", () => {
  fc.assert(fc.property(latencies, latencies, (left, right) => {
    const merged = histogramOf(left);
    merged.merge(histogramOf(right));
    const whole = histogramOf([...left, ...right]);
    assert.deepEqual(bucketsOf(merged), bucketsOf(whole));
    assert.equal(merged.count, left.length + right.length);
  }));
});

Deno.test("merging does not change the other histogram, then or later", () => {
  const [from, to] = [histogramOf([10]), new Histogram()];
  to.merge(from);
  to.record(10);
  assert.deepEqual(bucketsOf(from).map(([, count]) => count), [1]);
  from.record(10);
  from.record(10);
  assert.deepEqual(bucketsOf(to).map(([, count]) => count), [2]);
});

Deno.test("a histogram rebuilt from its buckets is the same", () => {
  fc.assert(fc.property(latencies, (values) => {
    const histogram = histogramOf(values);
    const copy = new Histogram();
    for (const [index, count] of histogram.buckets()) copy.addBucket(index, count);
    assert.deepEqual(bucketsOf(copy), bucketsOf(histogram));
    assert.equal(copy.count, histogram.count);
  }));
});

Deno.test("counts over 32 bits do not wrap", () => {
  const histogram = new Histogram();
  histogram.addBucket(7, 2 ** 40);
  histogram.record(Histogram.lowerBound(7));
  assert.deepEqual(bucketsOf(histogram), [[7, 2 ** 40 + 1]]);
  assert.equal(histogram.count, 2 ** 40 + 1);
});

Deno.test("an invalid bucket or count is rejected and not counted", () => {
  const histogram = new Histogram();
  for (const index of [-1, 0.5, Histogram.BUCKETS, NaN]) {
    assert.throws(() => histogram.addBucket(index, 1), RangeError);
  }
  for (const count of [-1, 0, 0.5, NaN, Infinity]) {
    assert.throws(() => histogram.addBucket(0, count), RangeError);
  }
  assert.equal(histogram.count, 0);
});
