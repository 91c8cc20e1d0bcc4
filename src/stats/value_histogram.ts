/**
 * A histogram of any finite numbers with a relative precision of 0.1 %.
 *
 * @module
 */

import type { BucketCount } from "./histogram.ts";
import { rankOf } from "./histogram.ts";
import type { BucketSink, BucketSource } from "./stats_delta.ts";

/**
 * Counts numbers of any sign and magnitude, in buckets whose width is at most 1/1024 of their values.
 *
 * The index of a bucket is the exponent of the float and the first ten bits of its fraction, with the sign
 * of the value: so indexes have the order of the values. The middle of a bucket is less than 0.05 % away
 * from any value in it. Numbers closer to 0 than 2^-1022 are less precise, and 0 itself is exact.
 *
 * Only buckets with values take memory. Beyond {@link MAX_BUCKETS}, further ones are as wide as a quarter of
 * a power of two. Merging adds bucket to bucket, so it loses nothing.
 */
export class ValueHistogram implements BucketSource, BucketSink {
  /** The highest index; the lowest is its negative. */
  static readonly MAX_INDEX = 0x7fefffff >>> 10;

  // All histograms share it, because it is written and read within one call.
  static readonly #bits = new DataView(new ArrayBuffer(8));

  readonly #counts = new Map<number, number>();
  /** The indexes in rising order; `null` after a new one was added. */
  #sorted: readonly number[] | null = null;
  #count = 0;

  /** The number of values. */
  get count(): number {
    return this.#count;
  }

  /** Whether further buckets are wide, so that percentiles can be up to 13 % off. */
  get isCoarse(): boolean {
    return this.#counts.size > MAX_BUCKETS;
  }

  /** Counts one finite number. */
  record(value: number): void {
    this.#add(indexOf(ValueHistogram.#bits, value), 1);
  }

  /**
   * Adds `count` values to a bucket.
   *
   * @throws RangeError if there is no such bucket, or the count is not a whole number above 0.
   */
  addBucket(index: number, count: number): void {
    if (!Number.isInteger(index) || Math.abs(index) > ValueHistogram.MAX_INDEX) {
      throw new RangeError(`addBucket: there is no bucket ${index}`);
    }
    if (!Number.isSafeInteger(count) || count <= 0) {
      throw new RangeError(`addBucket: ${count} is not a valid count`);
    }
    this.#add(index, count);
  }

  /** Adds the values of another histogram. */
  merge(other: BucketSource): void {
    other.addTo(this);
  }

  /** Adds the values of this histogram to a sink, in rising order. */
  addTo(sink: BucketSink): void {
    for (const index of this.#indexes) sink.addBucket(index, this.#counts.get(index)!);
  }

  /** The buckets that are not empty, in rising order. */
  *buckets(): IterableIterator<BucketCount> {
    for (const index of this.#indexes) yield [index, this.#counts.get(index)!];
  }

  /**
   * Nearest-rank percentiles, as the middles of their buckets; empty if there are no values.
   *
   * @param shares of values that do not exceed the percentile, 0 to 1, in rising order.
   */
  percentiles(shares: readonly number[]): number[] {
    const found: number[] = [];
    if (this.#count === 0) return found;
    const ranks = shares.map((q) => rankOf(q, this.#count));
    let below = 0;
    for (const index of this.#indexes) {
      below += this.#counts.get(index)!;
      while (below >= ranks[found.length]!) found.push(middleOf(ValueHistogram.#bits, index));
      if (found.length === ranks.length) break;
    }
    return found;
  }

  get #indexes(): readonly number[] {
    return this.#sorted ??= [...this.#counts.keys()].sort((a, b) => a - b);
  }

  #add(index: number, count: number): void {
    this.#count += count;
    const known = this.#counts.get(index);
    if (known !== undefined) this.#counts.set(index, known + count);
    else this.#addNew(index, count);
  }

  #addNew(index: number, count: number): void {
    const key = this.#counts.size < MAX_BUCKETS ? index : wideBucket(index);
    const known = this.#counts.get(key);
    if (known === undefined) this.#sorted = null;
    this.#counts.set(key, (known ?? 0) + count);
  }
}

/** Enough for values from 1 to 10^14 without gaps. It takes about 2 MB. */
const MAX_BUCKETS = 50_000;

function indexOf(bits: DataView, value: number): number {
  bits.setFloat64(0, Math.abs(value), true);
  const index = bits.getUint32(4, true) >>> 10;
  return value < 0 ? -index : index;
}

function middleOf(bits: DataView, index: number): number {
  if (index === 0) return 0;
  bits.setUint32(0, 0, true);
  bits.setUint32(4, (Math.abs(index) << 10) | (1 << 9), true);
  const middle = bits.getFloat64(0, true);
  return index < 0 ? -middle : middle;
}

/** The bucket in the middle of a quarter of a power of two. */
function wideBucket(index: number): number {
  const wide = (Math.abs(index) & ~0xff) | 0x80;
  return index < 0 ? -wide : wide;
}
