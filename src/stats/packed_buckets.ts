/**
 * Histograms as bytes. Each bucket that is not empty is written as two numbers: the distance of its
 * index from that of the previous bucket (for the first, from one less than the lowest index), and its count.
 * Numbers have seven bits per byte, the lowest first; every byte but the last has its top bit set.
 *
 * @module
 */

import { type BucketCount, Histogram } from "./histogram.ts";
import type { BucketSink, BucketSource } from "./stats_delta.ts";
import { ValueHistogram } from "./value_histogram.ts";

/** The lowest and the highest index of a kind of histogram. */
export interface BucketRange {
  readonly first: number;
  readonly last: number;
}

/** The buckets of `Histogram`. */
const LATENCY_BUCKETS: BucketRange = { first: 0, last: Histogram.BUCKETS - 1 };

/** The buckets of {@link ValueHistogram}. */
export const VALUE_BUCKETS: BucketRange = {
  first: -ValueHistogram.MAX_INDEX,
  last: ValueHistogram.MAX_INDEX,
};

/** The buckets of a histogram as bytes. */
export function packBuckets(histogram: Histogram): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let last = -1;
  histogram.addTo({
    addBucket(index, count): void {
      pushNumber(bytes, index - last);
      pushNumber(bytes, count);
      last = index;
    },
  });
  return Uint8Array.from(bytes);
}

/** Buckets in rising order as bytes. */
export function packedBuckets(
  buckets: Iterable<BucketCount>,
  { first }: BucketRange,
): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let last = first - 1;
  for (const [index, count] of buckets) {
    pushNumber(bytes, index - last);
    pushNumber(bytes, count);
    last = index;
  }
  return Uint8Array.from(bytes);
}

/**
 * Reads the bytes of {@link packBuckets} without unpacking them first. The bytes are not copied, so
 * they must not change.
 */
export class PackedBuckets implements BucketSource {
  readonly count: number;
  readonly #bytes: Uint8Array;
  readonly #first: number;

  /** @throws RangeError if the bytes are not a histogram, or have more than 2^53 - 1 values. */
  constructor(bytes: Uint8Array, { first, last }: BucketRange = LATENCY_BUCKETS) {
    const reader = new NumberReader(bytes);
    let index = first - 1;
    let total = 0;
    while (!reader.ended) {
      const gap = reader.read();
      const count = reader.read();
      index += gap;
      total += count;
      if (gap === 0 || index > last) {
        throw new RangeError(`there is no bucket ${index}`);
      }
      if (count === 0 || total > Number.MAX_SAFE_INTEGER) {
        throw new RangeError(`${count} is not a valid count for bucket ${index}`);
      }
    }
    this.count = total;
    this.#bytes = bytes;
    this.#first = first;
  }

  /** Adds every bucket, in rising order. */
  addTo(sink: BucketSink): void {
    const reader = new NumberReader(this.#bytes);
    let index = this.#first - 1;
    while (!reader.ended) {
      index += reader.read();
      sink.addBucket(index, reader.read());
    }
  }
}

/** The number of seven-bit groups in 2^53 - 1. */
const MAX_BYTES = 8;

class NumberReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next number, which must have its shortest encoding. */
  read(): number {
    // Most numbers are below 128.
    const byte = this.#next();
    return byte < 0x80 ? byte : this.#readRest(byte & 0x7f);
  }

  #readRest(first: number): number {
    let value = first;
    // Shifts are limited to 32 bits.
    let place = 1;
    for (let length = 2; length <= MAX_BYTES; length++) {
      place *= 0x80;
      const byte = this.#next();
      value += (byte & 0x7f) * place;
      if (byte >= 0x80) continue;
      if (byte === 0) throw new RangeError("a number is longer than necessary");
      return value;
    }
    throw new RangeError("a number does not end");
  }

  #next(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError("the bytes end within a bucket");
    return byte;
  }
}

function pushNumber(bytes: number[], number: number): void {
  let rest = number;
  while (rest >= 0x80) {
    bytes.push(0x80 | rest % 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}
