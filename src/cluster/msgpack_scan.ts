/** How many lists and maps may stand inside of each other. */
const MAX_DEPTH = 32;

/**
 * What keeps bytes from being one msgpack value that can be decoded without harm, or null where they
 * are. A decoder makes room for what a list claims to hold before it has seen any of it; so a list may
 * claim no more than the bytes behind it can hold. Types of a peer's own making are not accepted.
 *
 * ```ts
 * import { msgpackProblem } from "./msgpack_scan.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(msgpackProblem(new Uint8Array([0x92, 1, 2])), null);
 * const bomb = new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff, 1]);
 * assert.equal(msgpackProblem(bomb), "claims more values than it has bytes");
 * ```
 */
export function msgpackProblem(bytes: Uint8Array): string | null {
  const length = bytes.length;
  // Values that are still to come: in all, and in each list that is open, the outermost first.
  let owed = 1;
  const open = [1];
  let at = 0;
  while (owed > 0) {
    if (owed > length - at) return "claims more values than it has bytes";
    const code = bytes[at++]!;
    const kind = KINDS[code]!;
    if (kind === REFUSED) return `holds the byte 0x${code.toString(16)}, which begins no value`;
    let size = SIZES[code]!;
    const sizeEnd = at + SIZE_BYTES[code]!;
    if (sizeEnd > length) return "ends inside a value";
    for (; at < sizeEnd; at++) size = size * 256 + bytes[at]!;
    owed--;
    open[open.length - 1]!--;
    if (kind === BYTES) {
      at += size;
      if (at > length) return "ends inside a value";
    } else {
      if (open.length > MAX_DEPTH) return `is nested over ${MAX_DEPTH} deep`;
      owed += size * kind;
      open.push(size * kind);
    }
    while (open.at(-1) === 0) open.pop();
  }
  return at === length ? null : "goes on behind its value";
}

/** What follows a value's first byte: so many bytes, or values, or pairs of them, as its size says. */
const BYTES = 0;
const LIST = 1;
const MAP = 2;
const REFUSED = 3;

/** By a value's first byte: what follows, how much of it, and how many bytes say how much. */
const KINDS = new Uint8Array(256);
const SIZES = new Uint8Array(256);
const SIZE_BYTES = new Uint8Array(256);

function define(first: number, kind: number, sizes: readonly number[]): void {
  KINDS.fill(kind, first, first + sizes.length);
  SIZES.set(sizes, first);
}

function defineSized(first: number, kind: number, sizeBytes: readonly number[]): void {
  KINDS.fill(kind, first, first + sizeBytes.length);
  SIZE_BYTES.set(sizeBytes, first);
}

const UP_TO_15 = Array.from({ length: 16 }, (_, size) => size);
const UP_TO_31 = Array.from({ length: 32 }, (_, size) => size);

// Small integers, nil and booleans are a byte each: nothing follows.
define(0x80, MAP, UP_TO_15);
define(0x90, LIST, UP_TO_15);
define(0xa0, BYTES, UP_TO_31);
define(0xc1, REFUSED, [0]);
defineSized(0xc4, BYTES, [1, 2, 4]);
define(0xc7, REFUSED, [0, 0, 0]);
// Floats, and integers without and with a sign.
define(0xca, BYTES, [4, 8]);
define(0xcc, BYTES, [1, 2, 4, 8]);
define(0xd0, BYTES, [1, 2, 4, 8]);
define(0xd4, REFUSED, [0, 0, 0, 0, 0]);
defineSized(0xd9, BYTES, [1, 2, 4]);
defineSized(0xdc, LIST, [2, 4]);
defineSized(0xde, MAP, [2, 4]);
