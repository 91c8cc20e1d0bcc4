import assert from "node:assert/strict";
import { histogramOf, histogramText } from "../../src/report/summary.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { packBuckets, PackedBuckets } from "../../src/stats/packed_buckets.ts";

Deno.test("a histogram comes out of its text as it went in", () => {
  const histogram = new Histogram();
  for (let n = 0; n < 5000; n++) histogram.record(0.001 * 1.004 ** n);
  histogram.addBucket(7, 2 ** 40);
  const read = histogramOf(histogramText(histogram));
  assert.deepEqual([...read.buckets()], [...histogram.buckets()]);
  assert.equal(read.count, histogram.count);
});

Deno.test("buckets that came over a wire have the same text", () => {
  const histogram = new Histogram();
  for (const ms of [1, 2, 2, 300]) histogram.record(ms);
  const packed = new PackedBuckets(packBuckets(histogram));
  assert.equal(histogramText(packed), histogramText(histogram));
});

Deno.test("of nothing the text is empty", () => {
  assert.equal(histogramText(new Histogram()), "");
  assert.equal(histogramOf("").count, 0);
});

Deno.test("the text of a usual run takes some kilobytes", () => {
  const histogram = new Histogram();
  for (let n = 0; n < 100_000; n++) histogram.record(20 + 60 * (n / 100_000) ** 8);
  const { length } = histogramText(histogram);
  assert.ok(length < 6000, `${length} characters`);
});

Deno.test("what is no text of a histogram is refused", () => {
  assert.throws(() => histogramOf("no base64!"), SyntaxError);
  assert.throws(() => histogramOf("gA=="), RangeError);
});
