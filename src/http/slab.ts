/** Large enough that few are made, small enough that little memory hangs on a message that is kept. */
const SLAB_SIZE = 8192;
/** What is larger gets memory of its own, so that little of a slab is wasted at its end. */
const LARGEST = 1024;

/**
 * Memory for many small copies.
 *
 * An array of its own costs the runtime many times what copying a few hundred bytes does. The price is
 * that a slab lives as long as the last copy in it; one slab may serve any number of connections.
 *
 * ```ts
 * import { Slab } from "./slab.ts";
 * import assert from "node:assert/strict";
 *
 * const slab = new Slab();
 * const at = slab.copy(new Uint8Array([1, 2, 3, 4]), 1, 3);
 * assert.deepEqual(slab.bytes.slice(at, at + 2), new Uint8Array([2, 3]));
 * ```
 */
export class Slab {
  /** Where the last copy is; another array from one copy to the next. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #used = 0;

  /** Copies from `from` up to `to`; returns where the copy begins in {@link bytes}. */
  copy(source: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    const size = to - from;
    let at = this.#used;
    if (at + size > this.bytes.length) {
      this.bytes = new Uint8Array(SLAB_SIZE);
      at = 0;
    }
    this.bytes.set(source.subarray(from, to), at);
    this.#used = at + size;
    return at;
  }

  /** Whether so many bytes may be copied into it. */
  takes(size: number): boolean {
    return size <= LARGEST;
  }
}
