import type { BucketSink, BucketSource } from "./stats_delta.ts";

/** One bucket that has something in it: its index, and how many values. */
export type BucketCount = readonly [index: number, count: number];

/**
 * Counts of latencies in milliseconds, in buckets whose width is at most 1/1024 of their values.
 *
 * A bucket's index is the exponent and the first ten bits of the fraction, as the float itself has
 * them: each power of two is cut into 1,024 equal parts. The middle of a bucket is thus less than
 * 0.05 % away from any value in it. The buckets reach from 2^-10 ms (a little under 1 µs) to 2^22 ms
 * (a little over 1 h); what lies outside is counted in the first or the last one.
 *
 * Counts are exact up to 2^53. Merging adds bucket to bucket, so nothing is lost by it.
 */
export class Histogram implements BucketSource, BucketSink {
  /** How many buckets there are; their indexes are 0 and up. */
  static readonly BUCKETS = 32 * 1024;

  // Written and read within one call, so all histograms can share it.
  static readonly #bits = new DataView(new ArrayBuffer(8));

  // Latencies of one name lie close together: most chunks are never needed.
  readonly #chunks: (Float64Array | undefined)[] = new Array(CHUNKS).fill(undefined);
  #count = 0;

  /** How many values were recorded. */
  get count(): number {
    return this.#count;
  }

  /** The smallest value, in milliseconds, that is counted in a bucket. */
  static lowerBound(index: number): number {
    const fraction = (index % BUCKETS_PER_OCTAVE) / BUCKETS_PER_OCTAVE;
    return LOWEST_MS * 2 ** Math.floor(index / BUCKETS_PER_OCTAVE) * (1 + fraction);
  }

  /** Where, in milliseconds, the next bucket begins. */
  static upperBound(index: number): number {
    return Histogram.lowerBound(index + 1);
  }

  /** Counts one value, in milliseconds. */
  record(ms: number): void {
    this.#add(indexOf(Histogram.#bits, ms), 1);
    this.#count++;
  }

  /**
   * Counts `count` values in a bucket: how a histogram that was taken apart is put together again.
   *
   * @throws RangeError where there is no such bucket, or the count is not a whole number above 0.
   */
  addBucket(index: number, count: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= Histogram.BUCKETS) {
      throw new RangeError(`addBucket: there is no bucket ${index}`);
    }
    if (!Number.isSafeInteger(count) || count <= 0) {
      throw new RangeError(`addBucket: ${count} is no count of values`);
    }
    this.#add(index, count);
    this.#count += count;
  }

  /** Adds all that another one has counted. */
  merge(other: BucketSource): void {
    if (!(other instanceof Histogram)) return other.addTo(this);
    for (let c = 0; c < CHUNKS; c++) {
      const theirs = other.#chunks[c];
      if (theirs === undefined) continue;
      const ours = this.#chunks[c];
      if (ours === undefined) this.#chunks[c] = theirs.slice();
      else for (let i = 0; i < CHUNK_SIZE; i++) ours[i] = ours[i]! + theirs[i]!;
    }
    this.#count += other.#count;
  }

  /**
   * The nearest-rank percentile in milliseconds: the middle of the bucket that holds the smallest
   * value which at least a share of `q` of all values do not exceed. Null where nothing was recorded.
   *
   * @param q the share, 0 to 1.
   */
  percentile(q: number): number | null {
    return this.percentiles([q])[0] ?? null;
  }

  /**
   * Several percentiles for one walk through the buckets; an empty list where nothing was recorded.
   *
   * @param shares as {@link percentile} takes them, the smallest first.
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

  /** Adds all that this one has counted to another one. */
  addTo(sink: BucketSink): void {
    // Not by `buckets()`: a generator takes several times as long.
    for (let c = 0; c < CHUNKS; c++) {
      const chunk = this.#chunks[c];
      if (chunk === undefined) continue;
      for (let i = 0; i < CHUNK_SIZE; i++) {
        const count = chunk[i]!;
        if (count > 0) sink.addBucket(c * CHUNK_SIZE + i, count);
      }
    }
  }

  /** The buckets that have something in them, lowest first. */
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

  #add(index: number, count: number): void {
    const chunk = this.#chunks[index >>> CHUNK_BITS] ??= new Float64Array(CHUNK_SIZE);
    const at = index & (CHUNK_SIZE - 1);
    chunk[at] = chunk[at]! + count;
  }
}

const BUCKETS_PER_OCTAVE = 1024;
const LOWEST_MS = 2 ** -10;
/** The first twenty-two bits of {@link LOWEST_MS}, whose biased exponent is 1013: bucket 0. */
const FIRST_BITS = 1013 * BUCKETS_PER_OCTAVE;

const CHUNK_BITS = 7;
const CHUNK_SIZE = 1 << CHUNK_BITS;
const CHUNKS = Histogram.BUCKETS / CHUNK_SIZE;

function indexOf(bits: DataView, ms: number): number {
  // The bits of a negative number, or of none at all, are no index.
  if (!(ms >= LOWEST_MS)) return 0;
  bits.setFloat64(0, ms, true);
  const index = (bits.getUint32(4, true) >>> 10) - FIRST_BITS;
  return index < Histogram.BUCKETS ? index : Histogram.BUCKETS - 1;
}

function middleOf(index: number): number {
  return (Histogram.lowerBound(index) + Histogram.upperBound(index)) / 2;
}

/**
 * The smallest rank with `rank / count >= q`. The product `q * count` alone may come out a hair too
 * high, as 0.07 * 100 does, and its ceiling would be the next rank.
 */
function rankOf(q: number, count: number): number {
  const rank = Math.min(Math.max(Math.ceil(q * count), 1), count);
  return rank > 1 && (rank - 1) / count >= q ? rank - 1 : rank;
}
