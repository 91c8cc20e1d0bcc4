/**
 * Histograms as text: the bytes of packed buckets in base64, which is how a summary file holds them.
 *
 * @module
 */

import type { BucketSource } from "../stats/counted.ts";
import { Histogram } from "../stats/histogram.ts";
import { packBuckets, PackedBuckets } from "../stats/packed_buckets.ts";

/**
 * All buckets as text, without loss; empty where nothing was counted.
 *
 * ```ts
 * import { histogramOf, histogramText } from "./histogram_text.ts";
 * import { Histogram } from "../stats/histogram.ts";
 * import assert from "node:assert/strict";
 *
 * const histogram = new Histogram();
 * for (const ms of [10, 20, 20]) histogram.record(ms);
 * const text = histogramText(histogram);
 * assert.equal(text, "gWoBgAgC");
 * assert.deepEqual([...histogramOf(text).buckets()], [...histogram.buckets()]);
 * ```
 */
export function histogramText(source: BucketSource): string {
  if (source instanceof Histogram) return packBuckets(source).toBase64();
  const histogram = new Histogram();
  histogram.merge(source);
  return packBuckets(histogram).toBase64();
}

/**
 * The histogram that {@link histogramText} has written.
 *
 * @throws SyntaxError where the text is no base64; RangeError where no histogram has such bytes.
 */
export function histogramOf(text: string): Histogram {
  const histogram = new Histogram();
  histogram.merge(new PackedBuckets(Uint8Array.fromBase64(text)));
  return histogram;
}
