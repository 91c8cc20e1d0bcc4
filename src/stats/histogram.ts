/**
 * A histogram of latencies with a relative precision of 0.1 %.
 *
 * @module
 */

import type { BucketSink, BucketSource } from "./stats_delta.ts";

/** A bucket that is not empty: its index, and the number of its values. */
export type BucketCount = readonly [index: number, count: number];

/**
 * Counts latencies in milliseconds, in buckets whose width is at most 1/1024 of their values.
 *
 * The index of a bucket is the exponent of the float and the first ten bits of its fraction: each
 * power of two is divided into 1,024 equal parts. The middle of a bucket is therefore less than
 * 0.05 % away from any value in it. The buckets range from 2^-10 ms (a little under 1 µs) to 2^22 ms
 * (a little over 1 h). Values outside this range are counted in the first or the last bucket.
 *
 * Counts are exact up to 2^53. Merging adds bucket to bucket, so it loses nothing.
 */
export class Histogram implements BucketSource, BucketSink {
  /** The number of buckets. Their indexes start at 0. */
  static readonly BUCKETS = 32 * 1024;

  // All histograms share it, because it is written and read within one call.
  static readonly #bits = new DataView(new ArrayBuffer(8));

  // The latencies of one name are close together, so most chunks are never needed.
  #chunks: Chunks;
  /** Which chunks a fork has as well: none, all, or those that are marked. */
  #shared: Uint8Array | "all" | null = null;
  #count = 0;

  /** @param chunks only {@link fork} gives them. */
  constructor(chunks: Chunks = new Array(CHUNKS).fill(undefined)) {
    this.#chunks = chunks;
  }

  /** The number of values. */
  get count(): number {
    return this.#count;
  }

  /** The smallest value of a bucket, in milliseconds. */
  static lowerBound(index: number): number {
    const fraction = (index % BUCKETS_PER_OCTAVE) / BUCKETS_PER_OCTAVE;
    return LOWEST_MS * 2 ** Math.floor(index / BUCKETS_PER_OCTAVE) * (1 + fraction);
  }

  /** The smallest value of the next bucket, in milliseconds. */
  static upperBound(index: number): number {
    return Histogram.lowerBound(index + 1);
  }

  /** Counts one value, in milliseconds. Not after {@link fork}: a request must not pay for it. */
  record(ms: number): void {
    this.#add(indexOf(Histogram.#bits, ms), 1);
    this.#count++;
  }

  /**
   * Adds `count` values to a bucket, to rebuild a histogram from its buckets.
   *
   * @throws RangeError if there is no such bucket, or the count is not a whole number above 0.
   */
  addBucket(index: number, count: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= Histogram.BUCKETS) {
      throw new RangeError(`addBucket: there is no bucket ${index}`);
    }
    if (!Number.isSafeInteger(count) || count <= 0) {
      throw new RangeError(`addBucket: ${count} is not a valid count`);
    }
    if (this.#shared !== null) this.#unshare(index >>> CHUNK_BITS);
    this.#add(index, count);
    this.#count += count;
  }

  /**
   * A histogram with these values, which stays as it is when this one gets others. It costs next to nothing,
   * because chunks are copied when they change.
   */
  fork(): Histogram {
    const fork = new Histogram(this.#chunks);
    fork.#count = this.#count;
    this.#shared = fork.#shared = "all";
    return fork;
  }

  /** Adds the values of another histogram. */
  merge(other: BucketSource): void {
    if (!(other instanceof Histogram)) return other.addTo(this);
    for (let c = 0; c < CHUNKS; c++) {
      const theirs = other.#chunks[c];
      if (theirs === undefined) continue;
      if (this.#shared !== null) this.#unshare(c);
      const ours = this.#chunks[c];
      if (ours === undefined) this.#chunks[c] = theirs.slice();
      else for (let i = 0; i < CHUNK_SIZE; i++) ours[i] = ours[i]! + theirs[i]!;
    }
    this.#count += other.#count;
  }

  /** Removes the values of another histogram, as far as this one has them. */
  subtract(other: BucketSource): void {
    other.addTo({
      addBucket: (index, count) => {
        if (this.#shared !== null) this.#unshare(index >>> CHUNK_BITS);
        const chunk = this.#chunks[index >>> CHUNK_BITS];
        if (chunk === undefined) return;
        const at = index & (CHUNK_SIZE - 1);
        const removed = Math.min(chunk[at]!, count);
        chunk[at] = chunk[at]! - removed;
        this.#count -= removed;
      },
    });
  }

  /**
   * The nearest-rank percentile in milliseconds: the middle of the bucket that holds the smallest
   * value which at least a share of `q` of all values do not exceed. `null` if there are no values.
   *
   * @param q the share, 0 to 1.
   */
  percentile(q: number): number | null {
    return this.percentiles([q])[0] ?? null;
  }

  /**
   * Several percentiles in one pass over the buckets; empty if there are no values.
   *
   * @param shares as for {@link percentile}, in rising order.
   */
  percentiles(shares: readonly number[]): number[] {
    const found: number[] = [];
    if (this.#count === 0) return found;
    const ranks = shares.map((q) => rankOf(q, this.#count));
    let below = 0;
    for (let c = 0; c < CHUNKS && found.length < ranks.length; c++) {
      const chunk = this.#chunks[c];
      if (chunk === undefined) continue;
      for (let i = 0; i < CHUNK_SIZE; i++) {
        below += chunk[i]!;
        while (below >= ranks[found.length]!) found.push(middleOf(c * CHUNK_SIZE + i));
      }
    }
    return found;
  }

  /** Adds the values of this histogram to a sink. */
  addTo(sink: BucketSink): void {
    // A generator such as `buckets()` would take several times as long.
    for (let c = 0; c < CHUNKS; c++) {
      const chunk = this.#chunks[c];
      if (chunk === undefined) continue;
      for (let i = 0; i < CHUNK_SIZE; i++) {
        const count = chunk[i]!;
        if (count > 0) sink.addBucket(c * CHUNK_SIZE + i, count);
      }
    }
  }

  /** The buckets that are not empty, in rising order. */
  *buckets(): IterableIterator<BucketCount> {
    for (let c = 0; c < CHUNKS; c++) {
      const chunk = this.#chunks[c];
      if (chunk === undefined) continue;
      for (let i = 0; i < CHUNK_SIZE; i++) {
        const count = chunk[i]!;
        if (count > 0) yield [c * CHUNK_SIZE + i, count];
      }
    }
  }

  #unshare(chunk: number): void {
    if (this.#shared === "all") {
      this.#shared = new Uint8Array(CHUNKS).fill(1);
      this.#chunks = this.#chunks.slice();
    }
    if (this.#shared![chunk] === 0) return;
    this.#shared![chunk] = 0;
    this.#chunks[chunk] = this.#chunks[chunk]?.slice();
  }

  #add(index: number, count: number): void {
    const chunk = this.#chunks[index >>> CHUNK_BITS] ??= new Float64Array(CHUNK_SIZE);
    const at = index & (CHUNK_SIZE - 1);
    chunk[at] = chunk[at]! + count;
  }
}

type Chunks = (Float64Array | undefined)[];

const BUCKETS_PER_OCTAVE = 1024;
const LOWEST_MS = 2 ** -10;
/** The first 22 bits of {@link LOWEST_MS}, whose biased exponent is 1013. They belong to bucket 0. */
const FIRST_BITS = 1013 * BUCKETS_PER_OCTAVE;

const CHUNK_BITS = 7;
const CHUNK_SIZE = 1 << CHUNK_BITS;
const CHUNKS = Histogram.BUCKETS / CHUNK_SIZE;

function indexOf(bits: DataView, ms: number): number {
  // The bits of a negative number or of NaN do not yield an index.
  if (!(ms >= LOWEST_MS)) return 0;
  bits.setFloat64(0, ms, true);
  const index = (bits.getUint32(4, true) >>> 10) - FIRST_BITS;
  return index < Histogram.BUCKETS ? index : Histogram.BUCKETS - 1;
}

function middleOf(index: number): number {
  return (Histogram.lowerBound(index) + Histogram.upperBound(index)) / 2;
}

/**
 * The smallest rank with `rank / count >= q`. The product `q * count` may be slightly too high, as
 * 0.07 * 100 is, and rounding it up would return the next rank.
 */
export function rankOf(q: number, count: number): number {
  const rank = Math.min(Math.max(Math.ceil(q * count), 1), count);
  return rank > 1 && (rank - 1) / count >= q ? rank - 1 : rank;
}
