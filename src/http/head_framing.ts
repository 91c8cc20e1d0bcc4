/**
 * What a response's head says about its body and its connection.
 *
 * @module
 */

import { BLANK, CLASSES, COMMA } from "./byte_classes.ts";
import { WireError } from "./wire_error.ts";

/** What the codings of a Transfer-Encoding come to: there is none, its last is chunked, or it is not. */
export type TransferCoding = "none" | "chunked" | "other";

const MAX_SHOWN = 24;

const CONNECTION = bytesOf("connection");
const KEEP_ALIVE = bytesOf("keep-alive");
const SET_COOKIE = bytesOf("set-cookie");
const CONTENT_LENGTH = bytesOf("content-length");
const TRANSFER_ENCODING = bytesOf("transfer-encoding");
const CHUNKED = bytesOf("chunked");
const CLOSE = bytesOf("close");
const TIMEOUT = bytesOf("timeout=");

/**
 * Collects it, field by field, without making a string of any.
 *
 * ```ts
 * import { HeadFraming } from "./head_framing.ts";
 * import assert from "node:assert/strict";
 *
 * const line = new TextEncoder().encode("Content-Length: 5");
 * const framing = new HeadFraming();
 * framing.field(line, 0, 14, 16, 17);
 * assert.equal(framing.contentLength, 5);
 * ```
 */
export class HeadFraming {
  status = 0;
  /** The 0 or 1 of HTTP/1.0 and HTTP/1.1. */
  minor = 1;
  /** Negative where there is none. */
  contentLength = -1;
  transfer: TransferCoding = "none";
  /** Whether `Connection` lists `close`. */
  closes = false;
  /** Whether `Connection` lists `keep-alive`. */
  keepsAlive = false;
  setsCookies = false;
  /** The `timeout` of `Keep-Alive`; negative where there is none. */
  keepAliveSeconds = -1;

  /** Forgets all, for the next head. */
  clear(): void {
    this.status = 0;
    this.minor = 1;
    this.contentLength = -1;
    this.transfer = "none";
    this.closes = false;
    this.keepsAlive = false;
    this.setsCookies = false;
    this.keepAliveSeconds = -1;
  }

  /**
   * Takes one field, whose bytes are known to be legal; blanks may stand behind its value.
   *
   * @throws WireError `BAD_RESPONSE` where it contradicts itself or an earlier field.
   */
  field(
    bytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    lineEnd: number,
  ): void {
    // Told apart by their length first, because most are none of these.
    switch (nameEnd - nameStart) {
      case 10:
        if (isWord(bytes, nameStart, CONNECTION)) this.#connection(bytes, valueStart, lineEnd);
        else if (isWord(bytes, nameStart, SET_COOKIE)) this.setsCookies = true;
        else if (isWord(bytes, nameStart, KEEP_ALIVE)) this.#keepAlive(bytes, valueStart, lineEnd);
        break;
      case 14:
        if (isWord(bytes, nameStart, CONTENT_LENGTH)) this.#length(bytes, valueStart, lineEnd);
        break;
      case 17:
        if (isWord(bytes, nameStart, TRANSFER_ENCODING)) this.#codings(bytes, valueStart, lineEnd);
        break;
    }
  }

  /**
   * Looks at the whole of it, when the head is over.
   *
   * @throws WireError `BAD_RESPONSE` where nobody could say for sure where the body ends.
   */
  check(): void {
    if (this.transfer === "none") return;
    if (this.contentLength >= 0) throw badResponse("both Transfer-Encoding and Content-Length");
    if (this.minor === 0) throw badResponse("Transfer-Encoding in HTTP/1.0");
  }

  #connection(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to;) {
      const comma = elementEnd(bytes, at, to);
      const start = skipBlanks(bytes, at, comma);
      const end = trimmedEnd(bytes, start, comma);
      if (isElement(bytes, start, end, CLOSE)) this.closes = true;
      else if (isElement(bytes, start, end, KEEP_ALIVE)) this.keepsAlive = true;
      at = comma + 1;
    }
  }

  #keepAlive(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to;) {
      const comma = elementEnd(bytes, at, to);
      const start = skipBlanks(bytes, at, comma);
      const digits = start + TIMEOUT.length;
      if (digits < comma && isWord(bytes, start, TIMEOUT)) {
        this.keepAliveSeconds = numberOf(bytes, digits, trimmedEnd(bytes, digits, comma));
      }
      at = comma + 1;
    }
  }

  #length(bytes: Uint8Array, from: number, lineEnd: number): void {
    const to = trimmedEnd(bytes, from, lineEnd);
    const length = numberOf(bytes, from, to);
    if (length < 0) {
      const shown = bytes.subarray(from, Math.min(to, from + MAX_SHOWN));
      const text = JSON.stringify(String.fromCharCode(...shown));
      throw badResponse(`Content-Length is not one number below 2⁵³: ${text}`);
    }
    if (this.contentLength >= 0) throw badResponse("more than one Content-Length");
    this.contentLength = length;
  }

  /** Only the last coding says where the body ends, and of several headers the last one's. */
  #codings(bytes: Uint8Array, from: number, to: number): void {
    if (this.transfer === "none") this.transfer = "other";
    for (let at = from; at < to;) {
      const comma = elementEnd(bytes, at, to);
      const start = skipBlanks(bytes, at, comma);
      const end = trimmedEnd(bytes, start, comma);
      // A list may have empty elements, which say nothing.
      if (end > start) this.transfer = isElement(bytes, start, end, CHUNKED) ? "chunked" : "other";
      at = comma + 1;
    }
  }
}

function bytesOf(ascii: string): Uint8Array {
  return Uint8Array.from(ascii, (character) => character.charCodeAt(0));
}

function badResponse(detail: string): WireError {
  return new WireError("BAD_RESPONSE", detail);
}

/** Whether a word is here, in any case; what is compared with it is a token's or a value's bytes. */
function isWord(bytes: Uint8Array, at: number, lowerWord: Uint8Array): boolean {
  // In these, only letters have another byte that differs in this bit alone.
  for (let i = 0; i < lowerWord.length; i++) {
    if ((bytes[at + i]! | 0x20) !== lowerWord[i]) return false;
  }
  return true;
}

function isElement(bytes: Uint8Array, from: number, to: number, lowerWord: Uint8Array): boolean {
  return to - from === lowerWord.length && isWord(bytes, from, lowerWord);
}

/** Where a list's element ends: at its comma, or with the list. */
function elementEnd(bytes: Uint8Array, from: number, to: number): number {
  let end = from;
  while (end < to && bytes[end] !== COMMA) end++;
  return end;
}

function skipBlanks(bytes: Uint8Array, from: number, to: number): number {
  let start = from;
  while (start < to && (CLASSES[bytes[start]!]! & BLANK) !== 0) start++;
  return start;
}

function trimmedEnd(bytes: Uint8Array, from: number, to: number): number {
  let end = to;
  while (end > from && (CLASSES[bytes[end - 1]!]! & BLANK) !== 0) end--;
  return end;
}

/** A number of digits alone; negative where it is none, or too large to be exact. */
function numberOf(bytes: Uint8Array, from: number, to: number): number {
  if (from === to) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > Number.MAX_SAFE_INTEGER) return -1;
  }
  return value;
}
