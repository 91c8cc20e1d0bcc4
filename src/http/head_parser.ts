/**
 * Scans the heads of HTTP/1.1 responses. A head arrives in any number of parts and stays bytes: only what
 * decides about body and connection is read from it, until a test asks for headers.
 *
 * @module
 */

import { WireError } from "./request_error.ts";

/** The class of bytes that names and methods consist of. */
export const TOKEN = 1;

/** The class of bytes that values consist of: printable characters, tabs and all bytes beyond ASCII. */
export const TEXT = 2;

/** The class of spaces and tabs, which can surround values. */
const BLANK = 4;

const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
const SPACE = 0x20;
const COMMA = 0x2c;
const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** The classes of each byte: a sum of {@link TOKEN}, {@link TEXT} and {@link BLANK}. */
export const CLASSES: Uint8Array<ArrayBuffer> = Uint8Array.from({ length: 256 }, (_, byte) => {
  const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(byte)) ? TOKEN : 0;
  const blank = byte === SPACE || byte === TAB ? BLANK : 0;
  const text = byte === TAB || (byte >= SPACE && byte !== 0x7f) ? TEXT : 0;
  return token | text | blank;
});

/** Whether a string is not empty and all of its characters are in a class. */
export function isAll(text: string, classes: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || (CLASSES[code]! & classes) === 0) return false;
  }
  return text !== "";
}

/** The largest head, or trailers, in bytes, including the empty line. */
const MAX_HEAD = 65_536;

const MAX_FIELDS = 256;

/** How many empty lines can precede a status line. */
const MAX_EMPTY_LINES = 2;

/** The largest number of bytes of those lines. */
const MAX_EMPTY = MAX_EMPTY_LINES * 2;

const FIRST_SIZE = 1024;
const NOTHING = new Uint8Array(0);

/**
 * Reads heads and trailers that arrive in any number of parts. Most heads arrive whole; they are scanned
 * in place, and nothing is copied.
 */
export class HeadReader {
  readonly framing: HeadFraming;
  /** A head that arrived in parts, followed by other bytes; `null` if it arrived whole. */
  gathered: Uint8Array<ArrayBuffer> | null = null;
  readonly #scanner = new HeadScanner();
  #count = 0;

  constructor() {
    this.framing = this.#scanner.framing;
  }

  /** The index of the head's first byte in the array that it was read from. */
  get start(): number {
    return this.#scanner.start;
  }

  /** The length of the complete head in bytes. */
  get length(): number {
    return this.#scanner.at - this.#scanner.start;
  }

  /** Prepares for the next head. */
  begin(): void {
    this.#restart();
    this.#scanner.begin();
  }

  /** Prepares for trailers, which are checked and ignored. */
  beginTrailers(): void {
    this.#restart();
    this.#scanner.beginTrailers();
  }

  /**
   * Reads the bytes from `from` to `end`.
   *
   * @returns the index in `bytes` after the head; negative if the head is not complete.
   * @throws WireError as {@link HeadScanner.scan} does.
   */
  read(bytes: Uint8Array<ArrayBuffer>, from: number, end: number): number {
    const scanner = this.#scanner;
    if (this.gathered === null) {
      scanner.moveTo(from);
      if (scanner.scan(bytes, end)) return scanner.at;
      if (scanner.start < end) {
        this.#gather(bytes, scanner.start, end);
        scanner.moveTo(0);
      }
      return -1;
    }
    const before = this.#count;
    const room = MAX_HEAD + MAX_EMPTY - before;
    const gathered = this.#gather(bytes, from, Math.min(end, from + room));
    return scanner.scan(gathered, this.#count) ? from + scanner.at - before : -1;
  }

  #restart(): void {
    this.gathered = null;
    this.#count = 0;
  }

  #gather(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): Uint8Array {
    const before = this.#count;
    const after = before + to - from;
    let gathered = this.gathered ?? NOTHING;
    if (after > gathered.length) {
      const grown = new Uint8Array(Math.max(FIRST_SIZE, after, gathered.length * 2));
      grown.set(gathered.subarray(0, before));
      gathered = grown;
    }
    gathered.set(bytes.subarray(from, to), before);
    this.gathered = gathered;
    this.#count = after;
    return gathered;
  }
}

/** Bytes of `HTTP/1.1 200`. */
const STATUS_LINE = 12;

const PREFIX = bytesOf("HTTP/1.");

// The states of a scan: what the next byte belongs to.
const BEFORE_STATUS_LINE = 0;

const IN_STATUS_LINE = 1;
const IN_NAME = 2;
const BEFORE_VALUE = 3;
const IN_VALUE = 4;

/**
 * Scans heads and collects what decides about body and connection. A head can arrive in parts, as long as
 * one array holds all of it when the scan continues. No byte is examined twice, except for a CR whose LF
 * has not arrived yet.
 */
class HeadScanner {
  /** What the scanned part of the head says. */
  readonly framing = new HeadFraming();
  /** The index of the head's first byte. */
  start = 0;
  /** Where the scan continues; after a complete head, the index behind it. */
  at = 0;
  #phase = BEFORE_STATUS_LINE;
  #emptyLines = 0;
  #trailers = false;
  #fields = 0;
  #nameStart = 0;
  #nameEnd = 0;
  #valueStart = 0;

  /** Prepares for the next head. */
  begin(): void {
    this.framing.clear();
    this.#trailers = false;
    this.#emptyLines = 0;
    this.#restart(BEFORE_STATUS_LINE);
  }

  /** Prepares for trailers: fields that must be well-formed and are otherwise ignored. */
  beginTrailers(): void {
    this.#trailers = true;
    this.#restart(IN_NAME);
  }

  /** Continues in an array that holds the same head at `start`. */
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
   * Scans up to `end`; returns `true` when the head is complete.
   *
   * @throws WireError `BAD_RESPONSE` if the head is malformed or contradicts itself; `TOO_LARGE`.
   */
  scan(bytes: Uint8Array, end: number): boolean {
    if (this.#phase === BEFORE_STATUS_LINE) {
      if (!this.#skipEmptyLines(bytes, end)) return false;
      this.#phase = IN_STATUS_LINE;
    }
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

  /**
   * Moves the start past empty lines; returns `true` when a byte of the status line follows. Old servers
   * send a line end too many after a body. Like llhttp, this accepts a bare LF as a line end here.
   */
  #skipEmptyLines(bytes: Uint8Array, end: number): boolean {
    let at = this.start;
    for (; at < end && this.#emptyLines < MAX_EMPTY_LINES; this.#emptyLines++) {
      const byte = bytes[at];
      if (byte === CR) {
        if (at + 1 === end) break;
        if (bytes[at + 1] !== LF) throw badResponse("a bare CR before the status line");
        at += 2;
      } else if (byte === LF) {
        at++;
      } else {
        break;
      }
    }
    this.start = at;
    this.at = at;
    return at < end && (bytes[at] !== CR || this.#emptyLines === MAX_EMPTY_LINES);
  }

  #scanStatusLine(bytes: Uint8Array, stop: number): boolean {
    const { start } = this;
    let at = this.at;
    for (; at < start + STATUS_LINE; at++) {
      this.at = at;
      if (at === stop) return false;
      if (!this.#isInStatusLine(at - start, bytes[at]!)) throw this.#notHttp(bytes, stop);
    }
    // The reason phrase is optional, and so is the space before it.
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
    if (startsWithSettings(beginning)) {
      return badResponse("the server answers in HTTP/2, not in HTTP/1.1");
    }
    const shown = JSON.stringify(String.fromCharCode(...beginning));
    return badResponse(`not HTTP/1.0 or HTTP/1.1: it starts with ${shown}`);
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

/** Whether these are the first bytes of a SETTINGS frame, with which a server of HTTP/2 begins. */
function startsWithSettings(bytes: Uint8Array): boolean {
  return bytes.length >= SETTINGS_HEAD.length &&
    SETTINGS_HEAD.every((byte, index) => byte === null || byte === bytes[index]);
}

/** The length (at most some 10 settings), type, flags and stream of the frame; `null` for any byte. */
const SETTINGS_HEAD: readonly (number | null)[] = [0, 0, null, 4, 0, 0, 0, 0, 0];

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

/** Whether CR and LF follow; `false` if they have not arrived yet. */
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

function badResponse(detail: string): WireError {
  return new WireError("BAD_RESPONSE", detail);
}

const MAX_SHOWN = 24;
const CONNECTION = bytesOf("connection");
const KEEP_ALIVE = bytesOf("keep-alive");
const SET_COOKIE = bytesOf("set-cookie");
const LOCATION = bytesOf("location");
const CHARSET_UTF_8 = bytesOf("charset=utf-8");
const CONTENT_TYPE = bytesOf("content-type");
const CONTENT_ENCODING = bytesOf("content-encoding");
const CONTENT_LENGTH = bytesOf("content-length");
const TRANSFER_ENCODING = bytesOf("transfer-encoding");
const CHUNKED = bytesOf("chunked");
const CLOSE = bytesOf("close");
const TIMEOUT = bytesOf("timeout=");
const MAX = bytesOf("max=");
const PROXY_CONNECTION = bytesOf("proxy-connection");

/** Transfer-Encoding is missing, its last coding is chunked, or its last coding is another one. */
export type TransferCoding = "none" | "chunked" | "other";

/** The fields of a head that decide about body and connection, collected without creating strings. */
export class HeadFraming {
  status = 0;
  /** The minor version: 0 for HTTP/1.0, 1 for HTTP/1.1. */
  minor = 1;
  /** Negative if missing. */
  contentLength = -1;
  transfer: TransferCoding = "none";
  /** Whether `Connection` lists `close`. */
  closes = false;
  /** Whether `Connection` lists `keep-alive`. */
  keepsAlive = false;
  setsCookies = false;
  /** Whether there is a Content-Encoding field. */
  isEncoded = false;
  /** Whether there is a Keep-Alive field, which may say something. */
  limitsReuse = false;
  /** With {@link limitsReuse}: the `timeout` of `Keep-Alive`; negative if missing. */
  keepAliveSeconds = -1;
  /** With {@link limitsReuse}: the `max` of `Keep-Alive`; negative if missing. */
  keepAliveMax = -1;

  /** Resets everything for the next head. */
  clear(): void {
    this.status = 0;
    this.minor = 1;
    this.contentLength = -1;
    this.transfer = "none";
    this.closes = false;
    this.keepsAlive = false;
    this.setsCookies = false;
    this.isEncoded = false;
    this.limitsReuse = false;
  }

  /**
   * Evaluates one field. Its bytes are valid; blanks can follow its value.
   *
   * @throws WireError `BAD_RESPONSE` if the field is invalid or contradicts an earlier one.
   */
  field(
    bytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    lineEnd: number,
  ): void {
    // Compares the length first, because most fields are none of these.
    switch (nameEnd - nameStart) {
      case 10:
        if (isWord(bytes, nameStart, CONNECTION)) this.#connection(bytes, valueStart, lineEnd);
        else if (isWord(bytes, nameStart, SET_COOKIE)) this.setsCookies = true;
        else if (isWord(bytes, nameStart, KEEP_ALIVE)) this.#keepAlive(bytes, valueStart, lineEnd);
        break;
      case 14:
        if (isWord(bytes, nameStart, CONTENT_LENGTH)) this.#length(bytes, valueStart, lineEnd);
        break;
      case 16:
        if (isWord(bytes, nameStart, CONTENT_ENCODING)) this.isEncoded = true;
        else if (isWord(bytes, nameStart, PROXY_CONNECTION)) {
          this.#connection(bytes, valueStart, lineEnd);
        }
        break;
      case 17:
        if (isWord(bytes, nameStart, TRANSFER_ENCODING)) this.#codings(bytes, valueStart, lineEnd);
        break;
    }
  }

  /**
   * Checks the fields of a complete head against each other.
   *
   * @throws WireError `BAD_RESPONSE` if the end of the body is ambiguous.
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

  /** Parameters that are malformed say nothing. */
  #keepAlive(bytes: Uint8Array, from: number, to: number): void {
    if (!this.limitsReuse) {
      this.limitsReuse = true;
      this.keepAliveSeconds = -1;
      this.keepAliveMax = -1;
    }
    for (let at = from; at < to;) {
      const comma = elementEnd(bytes, at, to);
      const start = skipBlanks(bytes, at, comma);
      const seconds = parameter(bytes, start, comma, TIMEOUT);
      if (seconds >= 0) this.keepAliveSeconds = seconds;
      const max = parameter(bytes, start, comma, MAX);
      if (max >= 0) this.keepAliveMax = max;
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

  /** The last coding of the last header decides where the body ends. */
  #codings(bytes: Uint8Array, from: number, to: number): void {
    if (this.transfer === "none") this.transfer = "other";
    for (let at = from; at < to;) {
      const comma = elementEnd(bytes, at, to);
      const start = skipBlanks(bytes, at, comma);
      const end = trimmedEnd(bytes, start, comma);
      // Lists can have empty elements.
      if (end > start) this.transfer = isElement(bytes, start, end, CHUNKED) ? "chunked" : "other";
      at = comma + 1;
    }
  }
}

function bytesOf(ascii: string): Uint8Array {
  return Uint8Array.from(ascii, (character) => character.charCodeAt(0));
}

/** Whether the bytes at `at` are a word, in any case. */
function isWord(bytes: Uint8Array, at: number, lowerWord: Uint8Array): boolean {
  // Among the bytes of tokens and values, only upper and lower case letters differ in this bit alone.
  for (let i = 0; i < lowerWord.length; i++) {
    if ((bytes[at + i]! | 0x20) !== lowerWord[i]) return false;
  }
  return true;
}

function isElement(bytes: Uint8Array, from: number, to: number, lowerWord: Uint8Array): boolean {
  return to - from === lowerWord.length && isWord(bytes, from, lowerWord);
}

/** The number behind `name=`; negative if this is another parameter, or if there is no number. */
function parameter(bytes: Uint8Array, from: number, to: number, lowerName: Uint8Array): number {
  const digits = from + lowerName.length;
  if (digits >= to || !isWord(bytes, from, lowerName)) return -1;
  return numberOf(bytes, digits, trimmedEnd(bytes, digits, to));
}

/** The end of a list's element: its comma, or the end of the list. */
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

/** The value of decimal digits; negative if there are other bytes or if it is over 2⁵³. */
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

/** All fields of a well-formed head. */
export function headersOf(head: Uint8Array): Headers {
  const headers = new Headers();
  eachField(head, (nameStart, nameEnd, valueStart, valueEnd) => {
    headers.append(latin1(head, nameStart, nameEnd), latin1(head, valueStart, valueEnd));
  });
  return headers;
}

/** Bytes as text, each of which is one character. */
export function latin1Text(bytes: Uint8Array): string {
  return latin1(bytes, 0, bytes.length);
}

/** The values of all `Set-Cookie` fields in order. */
export function setCookiesOf(head: Uint8Array): string[] {
  return valuesOf(head, SET_COOKIE);
}

/**
 * The value of the first `Content-Type` field if it may name another charset than UTF-8, otherwise `null`. It
 * is read for each text, so most lines are skipped with a look at two bytes, and most values need no string.
 */
export function typeWithCharset(head: Uint8Array): string | null {
  for (let at = head.indexOf(LF) + 1; at > 0; at = head.indexOf(LF, at) + 1) {
    if (
      (head[at]! | 0x20) !== CONTENT_TYPE[0] || head[at + CONTENT_TYPE.length] !== COLON ||
      !isWord(head, at, CONTENT_TYPE)
    ) continue;
    const start = at + CONTENT_TYPE.length + 1;
    const end = head.indexOf(CR, start);
    const semicolon = head.indexOf(SEMICOLON, start);
    if (semicolon < 0 || semicolon > end) return null;
    const charset = skipBlanks(head, semicolon + 1, end);
    return isElement(head, charset, end, CHARSET_UTF_8) ? null : latin1(head, start, end).trim();
  }
  return null;
}

/** The values of all `Location` fields in order. */
export function locationsOf(head: Uint8Array): string[] {
  return valuesOf(head, LOCATION);
}

/** The value of `Content-Encoding`; several are joined. `null` if there is none. */
export function contentEncodingOf(head: Uint8Array): string | null {
  const values = valuesOf(head, CONTENT_ENCODING);
  return values.length === 0 ? null : values.join(", ");
}

function valuesOf(head: Uint8Array, lowerName: Uint8Array): string[] {
  const values: string[] = [];
  eachField(head, (nameStart, nameEnd, valueStart, valueEnd) => {
    if (!isElement(head, nameStart, nameEnd, lowerName)) return;
    values.push(latin1(head, valueStart, valueEnd));
  });
  return values;
}

type Visit = (nameStart: number, nameEnd: number, valueStart: number, valueEnd: number) => void;

function eachField(head: Uint8Array, visit: Visit): void {
  // The last line is the empty one.
  const end = head.length - 2;
  for (let at = head.indexOf(LF) + 1; at < end;) {
    const nameStart = at;
    while (head[at] !== COLON) at++;
    const nameEnd = at++;
    const lineEnd = head.indexOf(LF, at) - 1;
    const valueStart = skipBlanks(head, at, lineEnd);
    visit(nameStart, nameEnd, valueStart, trimmedEnd(head, valueStart, lineEnd));
    at = lineEnd + 2;
  }
}

/** Longer strings are built from pieces, because the number of arguments of a function is limited. */
const MAX_ARGUMENTS = 4096;

/** Converts each byte to one character, as `fetch` does. `TextDecoder` maps latin1 to windows-1252. */
function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at += MAX_ARGUMENTS) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(to, at + MAX_ARGUMENTS)));
  }
  return text;
}
