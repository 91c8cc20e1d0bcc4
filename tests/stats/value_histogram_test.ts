import fc from "fast-check";
import assert from "node:assert/strict";
import { ValueHistogram } from "../../src/stats/value_histogram.ts";

/** Any finite number whose neighbours are as close as its magnitude says. */
const anyValue = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true })
    .filter((value) => value === 0 || Math.abs(value) >= 2 ** -1022),
  fc.integer({ min: -1000, max: 1000 }),
  fc.constantFrom(0, -0, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** -1022),
);

function histogramOf(values: Iterable<number>): ValueHistogram {
  const histogram = new ValueHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

const SHARES = [0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1];

Deno.test("percentiles of any numbers are within 0.1 % of those of the sorted values", () => {
  fc.assert(fc.property(fc.array(anyValue, { minLength: 1, maxLength: 300 }), (values) => {
    const sorted = values.toSorted((a, b) => a - b);
    const percentiles = histogramOf(values).percentiles(SHARES);
    for (const [i, q] of SHARES.entries()) {
      const exact = sorted[Math.max(1, Math.ceil(q * sorted.length - 1e-9)) - 1]!;
      const actual = percentiles[i]!;
      // The difference of two huge numbers can be infinite.
      const error = exact === 0 ? Math.abs(actual) : Math.abs(actual / exact - 1);
      assert.ok(error <= 0.0005, `${q}: ${actual}, not ${exact}`);
    }
  }));
});

Deno.test("merged parts have the buckets of the whole, in rising order", () => {
  const parts = fc.array(fc.array(anyValue, { maxLength: 50 }), { maxLength: 6 });
  fc.assert(fc.property(parts, (parts) => {
    const merged = new ValueHistogram();
    for (const part of parts) merged.merge(histogramOf(part));
    const whole = [...histogramOf(parts.flat()).buckets()];
    assert.deepEqual([...merged.buckets()], whole);
    assert.equal(merged.count, parts.flat().length);
    assert.deepEqual(whole, whole.toSorted(([a], [b]) => a - b));
  }));
});

Deno.test("the order of the values is that of their buckets", () => {
  fc.assert(fc.property(anyValue, anyValue, (one, other) => {
    const [[low] = assert.fail()] = histogramOf([Math.min(one, other)]).buckets();
    const [[high] = assert.fail()] = histogramOf([Math.max(one, other)]).buckets();
    assert.ok(low <= high, `${low}, ${high}`);
  }));
});

Deno.test("an impossible bucket is refused", () => {
  const histogram = new ValueHistogram();
  const { MAX_INDEX } = ValueHistogram;
  for (const index of [MAX_INDEX + 1, -MAX_INDEX - 1, 0.5, NaN]) {
    assert.throws(() => histogram.addBucket(index, 1), RangeError);
  }
  for (const count of [0, -1, 1.5, 2 ** 53]) {
    assert.throws(() => histogram.addBucket(0, count), RangeError);
  }
});

Deno.test("without values there are no percentiles", () => {
  assert.deepEqual(new ValueHistogram().percentiles([0.5]), []);
});

Deno.test("beyond 50,000 buckets, further ones are wide, and all values are counted", () => {
  const histogram = new ValueHistogram();
  for (let i = 1; i <= 50_000; i++) histogram.addBucket(i, 1);
  assert.equal(histogram.isCoarse, false);
  for (let i = 1_000_000; i < 1_050_000; i++) histogram.addBucket(i, 1);
  for (let i = 1; i <= 50_000; i++) histogram.addBucket(i, 1);
  assert.equal(histogram.isCoarse, true);
  assert.equal(histogram.count, 150_000);
  const buckets = [...histogram.buckets()];
  assert.ok(buckets.length <= 50_000 + 50_000 / 256 + 2, `${buckets.length}`);
  assert.equal(buckets.reduce((sum, [, count]) => sum + count, 0), 150_000);
});
