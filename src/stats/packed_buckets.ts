/**
 * Histograms as bytes: for each bucket that has something in it, how far its index is above that of the
 * one before (the first counts from -1), and its count. Each number is written seven bits a byte, the
 * lowest first, and every byte but its last has the top bit set.
 *
 * @module
 */

import { Histogram } from "./histogram.ts";
import type { BucketSink, BucketSource } from "./stats_delta.ts";

/**
 * A histogram's buckets as bytes.
 */
export function packBuckets(histogram: Histogram): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let last = -1;
  for (const [index, count] of histogram.buckets()) {
    pushNumber(bytes, index - last);
    pushNumber(bytes, count);
    last = index;
  }
  return Uint8Array.from(bytes);
}

/**
 * What {@link packBuckets} made, ready to be counted without unpacking it first. The bytes are read
 * where they lie: nobody may change them.
 */
export class PackedBuckets implements BucketSource {
  readonly count: number;
  readonly #bytes: Uint8Array;

  /** @throws RangeError where no histogram has such bytes, or has more than 2^53 - 1 values. */
  constructor(bytes: Uint8Array) {
    const reader = new NumberReader(bytes);
    let index = -1;
    let total = 0;
    while (!reader.ended) {
      const gap = reader.read();
      const count = reader.read();
      index += gap;
      total += count;
      if (gap === 0 || index >= Histogram.BUCKETS) throw new RangeError(`no bucket ${index} there`);
      if (count === 0 || total > Number.MAX_SAFE_INTEGER) {
        throw new RangeError(`${count} is no count for bucket ${index}`);
      }
    }
    this.count = total;
    this.#bytes = bytes;
  }

  /** Adds every bucket, lowest first. */
  addTo(sink: BucketSink): void {
    const reader = new NumberReader(this.#bytes);
    let index = -1;
    while (!reader.ended) {
      index += reader.read();
      sink.addBucket(index, reader.read());
    }
  }
}

/** 2^53 - 1 has so many groups of seven bits. */
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

  /** The next number; each has only one form, the shortest. */
  read(): number {
    // Most numbers are below 128.
    const byte = this.#next();
    return byte < 0x80 ? byte : this.#readRest(byte & 0x7f);
  }

  #readRest(first: number): number {
    let value = first;
    // Not by shifts: they end at 32 bits.
    let place = 1;
    for (let length = 2; length <= MAX_BYTES; length++) {
      place *= 0x80;
      const byte = this.#next();
      value += (byte & 0x7f) * place;
      if (byte >= 0x80) continue;
      if (byte === 0) throw new RangeError("a number is longer than it needs to be");
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
