/**
 * The chunked transfer coding.
 *
 * @module
 */

import { CLASSES, CR, LF, SEMICOLON, TEXT } from "./byte_classes.ts";
import { WireError } from "./wire_error.ts";

const MAX_EXTENSIONS = 16_384;
/** Enough for any size that a number can hold, with some zeros before it. */
const MAX_SIZE_DIGITS = 16;

/** What the next byte belongs to. */
const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const OVER = 6;

/**
 * Undoes the coding of one body after the other, up to the trailers, whose bytes are left alone.
 *
 * ```ts
 * import { ChunkedBody } from "./chunked_body.ts";
 * import assert from "node:assert/strict";
 *
 * const wire = new TextEncoder().encode("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
 * const body = new ChunkedBody(1000);
 * body.begin();
 * assert.equal(body.decode(wire, 0, wire.length), true);
 * assert.equal(new TextDecoder().decode(wire.subarray(body.dataStart, body.dataEnd)), "abcde");
 * assert.equal(body.at, wire.length - 2);
 * ```
 */
export class ChunkedBody {
  /** Where the last call's data begins. */
  dataStart = 0;
  /** Where the last call's data ends. */
  dataEnd = 0;
  /** Where the last call stopped. */
  at = 0;
  /** Bytes of data that there have been, and those that the current chunk has announced. */
  length = 0;
  readonly #maxLength: number;
  #state = SIZE;
  #digits = 0;
  #size = 0;
  /** Bytes that the current chunk still lacks. */
  #left = 0;
  #extensions = 0;

  /** @param maxLength bytes of data that a body may have. */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** A body begins. */
  begin(): void {
    this.length = 0;
    this.#extensions = 0;
    this.#beginChunk();
  }

  /**
   * Takes the bytes from `from` up to `end`, and moves all data among them together; true when the
   * last chunk is over.
   *
   * @throws WireError `BAD_RESPONSE` where they are not chunks; `TOO_LARGE`.
   */
  decode(bytes: Uint8Array, from: number, end: number): boolean {
    let at = from;
    this.dataStart = from;
    this.dataEnd = from;
    while (at < end && this.#state !== OVER) {
      if (this.#state === DATA) {
        const until = Math.min(end, at + this.#left);
        this.#keep(bytes, at, until);
        this.#left -= until - at;
        at = until;
        if (this.#left === 0) this.#state = DATA_CR;
      } else {
        this.#frameByte(bytes[at++]!);
      }
    }
    this.at = at;
    return this.#state === OVER;
  }

  #keep(bytes: Uint8Array, from: number, to: number): void {
    if (this.dataStart === this.dataEnd) {
      this.dataStart = from;
      this.dataEnd = to;
      return;
    }
    bytes.copyWithin(this.dataEnd, from, to);
    this.dataEnd += to - from;
  }

  #frameByte(byte: number): void {
    switch (this.#state) {
      case SIZE:
        return this.#sizeByte(byte);
      case EXTENSION:
        return this.#extensionByte(byte);
      case SIZE_LF:
        expect(byte, LF, "behind a chunk's size");
        return this.#endSize();
      case DATA_CR:
        expect(byte, CR, "behind a chunk");
        this.#state = DATA_LF;
        return;
      case DATA_LF:
        expect(byte, LF, "behind a chunk");
        return this.#beginChunk();
    }
  }

  #beginChunk(): void {
    this.#size = 0;
    this.#digits = 0;
    this.#state = SIZE;
  }

  #sizeByte(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit;
      if (++this.#digits > MAX_SIZE_DIGITS || this.#size > Number.MAX_SAFE_INTEGER) {
        throw badChunk("a chunk's size is too large to be true");
      }
      return;
    }
    if (this.#digits === 0 || (byte !== CR && byte !== SEMICOLON)) {
      throw badChunk(`byte ${byte} in a chunk's size`);
    }
    if (byte === CR) this.#state = SIZE_LF;
    else this.#extend();
  }

  #extensionByte(byte: number): void {
    if (byte === CR) this.#state = SIZE_LF;
    else if ((CLASSES[byte]! & TEXT) !== 0) this.#extend();
    else throw badChunk(`byte ${byte} in a chunk's extension`);
  }

  #extend(): void {
    this.#state = EXTENSION;
    if (++this.#extensions > MAX_EXTENSIONS) {
      throw new WireError("TOO_LARGE", "over 16 KiB of chunk extensions");
    }
  }

  #endSize(): void {
    this.length += this.#size;
    if (this.length > this.#maxLength) {
      throw new WireError("TOO_LARGE", `a body of over ${this.#maxLength} bytes`);
    }
    this.#left = this.#size;
    this.#state = this.#size === 0 ? OVER : DATA;
  }
}

function badChunk(detail: string): WireError {
  return new WireError("BAD_RESPONSE", detail);
}

function expect(byte: number, expected: number, where: string): void {
  if (byte !== expected) throw badChunk(`byte ${byte} where a line should end, ${where}`);
}

/** A digit's value; negative where it is none. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
