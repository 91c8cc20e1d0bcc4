import assert from "node:assert/strict";
import fc from "fast-check";
import { type BucketCount, Histogram } from "../../src/stats/histogram.ts";
import { packBuckets, PackedBuckets } from "../../src/stats/packed_buckets.ts";
import { latency } from "../support/samples.ts";

const anyCount = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.constantFrom(127, 128, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 46 - 1),
  fc.integer({ min: 1, max: 2 ** 46 - 1 }),
);

/** Up to 100 buckets, so that the sum of their counts is exact. */
const buckets: fc.Arbitrary<BucketCount[]> = fc
  .uniqueArray(fc.tuple(fc.nat(Histogram.BUCKETS - 1), anyCount), {
    selector: ([index]) => index,
    maxLength: 100,
  })
  .map((buckets) => buckets.toSorted(([a], [b]) => a - b));

function histogramOf(buckets: readonly BucketCount[]): Histogram {
  const histogram = new Histogram();
  for (const [index, count] of buckets) histogram.addBucket(index, count);
  return histogram;
}

function unpacked(bytes: Uint8Array): BucketCount[] {
  const found: BucketCount[] = [];
  new PackedBuckets(bytes).addTo({ addBucket: (index, count) => found.push([index, count]) });
  return found;
}

function assertRefused(message: RegExp, ...bytes: number[]): void {
  assert.throws(() => new PackedBuckets(Uint8Array.from(bytes)), { name: "RangeError", message });
}

Deno.test("packed buckets are the same, in rising order, with the same count", () => {
  fc.assert(fc.property(buckets, (buckets) => {
    const bytes = packBuckets(histogramOf(buckets));
    assert.deepEqual(unpacked(bytes), buckets);
    assert.equal(new PackedBuckets(bytes).count, buckets.reduce((sum, [, n]) => sum + n, 0));
  }));
});

Deno.test("percentiles of merged packed histograms equal those of one that recorded everything", () => {
  const values = fc.array(fc.array(latency, { maxLength: 100 }), { maxLength: 5 });
  const shares = [0, 0.5, 0.9, 0.99, 0.999, 1];
  fc.assert(fc.property(values, (values) => {
    const direct = new Histogram();
    const merged = new Histogram();
    for (const one of values) {
      const part = new Histogram();
      for (const ms of one) part.record(ms);
      for (const ms of one) direct.record(ms);
      merged.merge(new PackedBuckets(packBuckets(part)));
    }
    assert.deepEqual(merged.percentiles(shares), direct.percentiles(shares));
    assert.deepEqual([...merged.buckets()], [...direct.buckets()]);
  }));
});

Deno.test("an empty histogram is packed into no bytes", () => {
  assert.deepEqual([...packBuckets(new Histogram())], []);
  assert.equal(new PackedBuckets(new Uint8Array()).count, 0);
  assert.deepEqual(unpacked(new Uint8Array()), []);
});

Deno.test("the first and the last bucket, and the highest count, are packed exactly", () => {
  const most: BucketCount[] = [[0, 1], [Histogram.BUCKETS - 1, Number.MAX_SAFE_INTEGER - 1]];
  const bytes = packBuckets(histogramOf(most));
  assert.equal(bytes.length, 1 + 1 + 3 + 8);
  assert.deepEqual(unpacked(bytes), most);
  assert.equal(new PackedBuckets(bytes).count, Number.MAX_SAFE_INTEGER);
});

Deno.test("a part of a larger buffer is read in place", () => {
  const all = Uint8Array.of(0xff, 1, 5, 0xff);
  assert.deepEqual(unpacked(all.subarray(1, 3)), [[0, 5]]);
});

Deno.test("bytes that end within a bucket are rejected", () => {
  assertRefused(/end within a bucket/, 1);
  assertRefused(/end within a bucket/, 0x81);
  assertRefused(/end within a bucket/, 1, 0x81);
  assertRefused(/end within a bucket/, 1, 1, 1);
});

Deno.test("an index that does not rise, or that does not exist, is rejected", () => {
  assertRefused(/there is no bucket -1/, 0, 1);
  assertRefused(/there is no bucket 4/, 5, 1, 0, 1);
  // 32,768 buckets: the gap of 32,769 from -1 is one too far.
  assert.deepEqual(unpacked(Uint8Array.of(0x80, 0x80, 2, 1)), [[Histogram.BUCKETS - 1, 1]]);
  assertRefused(/there is no bucket 32768/, 0x81, 0x80, 2, 1);
  assertRefused(/there is no bucket 32768/, 0x80, 0x80, 2, 1, 1, 1);
});

Deno.test("a count of 0, and a total over 2^53 - 1, are rejected", () => {
  assertRefused(/0 is not a valid count for bucket 0/, 1, 0);
  const most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
  assert.deepEqual(unpacked(Uint8Array.of(1, ...most)), [[0, Number.MAX_SAFE_INTEGER]]);
  assertRefused(/1 is not a valid count for bucket 1/, 1, ...most, 1, 1);
  assertRefused(/not a valid count/, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10);
});

Deno.test("a number that is longer than necessary, or too long, is rejected", () => {
  assertRefused(/longer than necessary/, 0x81, 0, 1);
  assertRefused(/longer than necessary/, 1, 0x81, 0x80, 0);
  assertRefused(/does not end/, 1, ...new Array(9).fill(0xff), 1);
});

Deno.test("any bytes are either rejected or the only encoding of a histogram", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.array(fc.integer({ min: 1, max: 127 }), { maxLength: 40 }).map((all) =>
      Uint8Array.from(all)
    ),
  );
  fc.assert(
    fc.property(bytes, (bytes) => {
      let found: BucketCount[];
      try {
        found = unpacked(bytes);
      } catch (error) {
        assert.ok(error instanceof RangeError);
        return;
      }
      assert.deepEqual([...packBuckets(histogramOf(found))], [...bytes]);
    }),
    { numRuns: 2000 },
  );
});
