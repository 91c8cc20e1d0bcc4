/**
 * The head of a response, byte by byte.
 *
 * @module
 */

import { BLANK, CLASSES, COLON, CR, LF, SPACE, TEXT, TOKEN } from "./byte_classes.ts";
import { HeadFraming } from "./head_framing.ts";
import { WireError } from "./wire_error.ts";

/** Bytes that a head may have, its empty line included; the same goes for trailers. */
export const MAX_HEAD = 65_536;
const MAX_FIELDS = 256;

/** Bytes of `HTTP/1.1 200`. */
const STATUS_LINE = 12;
const PREFIX = bytesOf("HTTP/1.");
const MAX_SHOWN = 24;

/** Where in a head the next byte is. */
const IN_STATUS_LINE = 0;
const IN_NAME = 1;
const BEFORE_VALUE = 2;
const IN_VALUE = 3;

/**
 * Scans one head after the other, and remembers of each what decides about its body and connection.
 *
 * A head may come in any number of parts, as long as all of it stands in one array when the scan goes
 * on; no byte is looked at twice, but for a CR whose LF is yet to come.
 *
 * ```ts
 * import { HeadScanner } from "./head_scanner.ts";
 * import assert from "node:assert/strict";
 *
 * const head = new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
 * const scanner = new HeadScanner();
 * scanner.begin();
 * assert.equal(scanner.scan(head, 20), false);
 * assert.equal(scanner.scan(head, head.length), true);
 * assert.equal(scanner.framing.contentLength, 5);
 * assert.equal(scanner.at, head.length - 5);
 * ```
 */
export class HeadScanner {
  /** What the head says, as far as it has been scanned. */
  readonly framing = new HeadFraming();
  /** Where the head begins. */
  start = 0;
  /** Where the scan goes on: behind the head, when it is over. */
  at = 0;
  #phase = IN_STATUS_LINE;
  #trailers = false;
  #fields = 0;
  #nameStart = 0;
  #nameEnd = 0;
  #valueStart = 0;

  /** A head begins. */
  begin(): void {
    this.framing.clear();
    this.#trailers = false;
    this.#restart(IN_STATUS_LINE);
  }

  /** Trailers begin: fields that must be as well-formed as a head's, and mean nothing. */
  beginTrailers(): void {
    this.#trailers = true;
    this.#restart(IN_NAME);
  }

  /** From now on the head, with what has been scanned of it, stands at `start`. */
  moveTo(start: number): void {
    const by = start - this.start;
    if (by === 0) return;
    this.start = start;
    this.at += by;
    this.#nameStart += by;
    this.#nameEnd += by;
    this.#valueStart += by;
  }

  /**
   * Goes on up to `end`; true when the head is over.
   *
   * @throws WireError `BAD_RESPONSE` where it is not well-formed, or contradicts itself; `TOO_LARGE`.
   */
  scan(bytes: Uint8Array, end: number): boolean {
    const limit = this.start + MAX_HEAD;
    const stop = end < limit ? end : limit;
    const over = (this.#phase !== IN_STATUS_LINE || this.#scanStatusLine(bytes, stop)) &&
      this.#scanFields(bytes, stop);
    if (!over && stop === limit) throw new WireError("TOO_LARGE", "a head of over 64 KiB");
    if (over && !this.#trailers) this.framing.check();
    return over;
  }

  #restart(phase: number): void {
    this.start = 0;
    this.at = 0;
    this.#nameStart = 0;
    this.#fields = 0;
    this.#phase = phase;
  }

  #scanStatusLine(bytes: Uint8Array, stop: number): boolean {
    const { start } = this;
    let at = this.at;
    for (; at < start + STATUS_LINE; at++) {
      this.at = at;
      if (at === stop) return false;
      if (!this.#isInStatusLine(at - start, bytes[at]!)) throw this.#notHttp(bytes, stop);
    }
    // The reason is optional, and so is the space before it.
    if (at === start + STATUS_LINE && at < stop && bytes[at] !== SPACE && bytes[at] !== CR) {
      throw this.#notHttp(bytes, stop);
    }
    while (at < stop && (CLASSES[bytes[at]!]! & TEXT) !== 0) at++;
    this.at = at;
    if (!isLineEnd(bytes, at, stop, "the status line")) return false;
    this.at = at + 2;
    this.#nameStart = at + 2;
    this.#phase = IN_NAME;
    return true;
  }

  #isInStatusLine(index: number, byte: number): boolean {
    const { framing } = this;
    if (index < PREFIX.length) return byte === PREFIX[index];
    if (index === PREFIX.length + 1) return byte === SPACE;
    const digit = byte - 0x30;
    if (index === PREFIX.length) {
      framing.minor = digit;
      return digit === 0 || digit === 1;
    }
    framing.status = framing.status * 10 + digit;
    return digit >= 0 && digit <= 9 && framing.status > 0;
  }

  #notHttp(bytes: Uint8Array, stop: number): WireError {
    const beginning = bytes.subarray(this.start, Math.min(stop, this.start + MAX_SHOWN));
    const shown = JSON.stringify(String.fromCharCode(...beginning));
    return badResponse(`not HTTP/1.0 or HTTP/1.1: it begins with ${shown}`);
  }

  #scanFields(bytes: Uint8Array, stop: number): boolean {
    let phase = this.#phase;
    let at = this.at;
    let over = false;
    for (;;) {
      if (phase === IN_NAME) {
        while (at < stop && (CLASSES[bytes[at]!]! & TOKEN) !== 0) at++;
        if (at === stop) break;
        if (bytes[at] !== COLON || at === this.#nameStart) {
          if (at !== this.#nameStart || bytes[at] !== CR) throw badName(bytes, this.#nameStart, at);
          over = isLineEnd(bytes, at, stop, "the empty line");
          if (over) at += 2;
          break;
        }
        this.#nameEnd = at++;
        phase = BEFORE_VALUE;
      }
      if (phase === BEFORE_VALUE) {
        while (at < stop && (CLASSES[bytes[at]!]! & BLANK) !== 0) at++;
        if (at === stop) break;
        this.#valueStart = at;
        phase = IN_VALUE;
      }
      while (at < stop && (CLASSES[bytes[at]!]! & TEXT) !== 0) at++;
      if (!isLineEnd(bytes, at, stop, "a header's value")) break;
      if (++this.#fields > MAX_FIELDS) {
        throw new WireError("TOO_LARGE", `a head of over ${MAX_FIELDS} fields`);
      }
      if (!this.#trailers) {
        this.framing.field(bytes, this.#nameStart, this.#nameEnd, this.#valueStart, at);
      }
      at += 2;
      this.#nameStart = at;
      phase = IN_NAME;
    }
    this.#phase = phase;
    this.at = at;
    return over;
  }
}

function bytesOf(ascii: string): Uint8Array {
  return Uint8Array.from(ascii, (character) => character.charCodeAt(0));
}

function badResponse(detail: string): WireError {
  return new WireError("BAD_RESPONSE", detail);
}

function badName(bytes: Uint8Array, lineStart: number, at: number): WireError {
  const byte = bytes[at]!;
  if ((CLASSES[byte]! & BLANK) !== 0) {
    return badResponse(
      at === lineStart ? "a header is folded into lines" : "a space before a header's colon",
    );
  }
  if (byte === COLON) return badResponse("a header without a name");
  if (byte === CR || byte === LF) return badResponse("a header without a colon");
  return badResponse(`byte ${byte} in a header's name`);
}

/** Whether a CR and an LF are here; false where the LF, or both, are yet to come. */
function isLineEnd(bytes: Uint8Array, at: number, stop: number, where: string): boolean {
  if (at === stop) return false;
  const byte = bytes[at]!;
  if (byte !== CR) {
    throw badResponse(byte === LF ? `a bare LF in ${where}` : `byte ${byte} in ${where}`);
  }
  if (at + 1 === stop) return false;
  if (bytes[at + 1] !== LF) throw badResponse(`a bare CR in ${where}`);
  return true;
}
