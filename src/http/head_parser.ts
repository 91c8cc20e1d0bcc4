import { WireError } from "./request_error.ts";

/** Names and methods are made of these. */
export const TOKEN = 1;

/** Values are made of these: everything printable, tabs, and whatever is beyond ASCII. */
export const TEXT = 2;

/** Spaces and tabs, which may stand around values. */
const BLANK = 4;

const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
const SPACE = 0x20;
const COMMA = 0x2c;
const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** The classes of each of the 256 bytes, as a sum of {@link TOKEN}, {@link TEXT} and {@link BLANK}. */
export const CLASSES: Uint8Array<ArrayBuffer> = Uint8Array.from({ length: 256 }, (_, byte) => {
  const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(byte)) ? TOKEN : 0;
  const blank = byte === SPACE || byte === TAB ? BLANK : 0;
  const text = byte === TAB || (byte >= SPACE && byte !== 0x7f) ? TEXT : 0;
  return token | text | blank;
});

/** Whether all of a text, and at least one character, is in a class. */
export function isAll(text: string, classes: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || (CLASSES[code]! & classes) === 0) return false;
  }
  return text !== "";
}

/** Bytes that a head may have, its empty line included; the same goes for trailers. */
const MAX_HEAD = 65_536;

const MAX_FIELDS = 256;

/** Empty lines that may precede a status line. */
const MAX_EMPTY_LINES = 2;

/** Bytes of those lines, at most. */
const MAX_EMPTY = MAX_EMPTY_LINES * 2;

const FIRST_SIZE = 1024;
const NOTHING = new Uint8Array(0);

/**
 * Reads heads, and trailers, that may come in several parts.
 *
 * Mostly a head comes whole; then it is scanned where it is, and nothing is copied.
 */
export class HeadReader {
  readonly framing: HeadFraming;
  /** The array that the head begins in, unless it came whole; may have other bytes behind it. */
  gathered: Uint8Array<ArrayBuffer> | null = null;
  readonly #scanner = new HeadScanner();
  #count = 0;

  constructor() {
    this.framing = this.#scanner.framing;
  }

  /** Where the head begins, in what it was read from. */
  get start(): number {
    return this.#scanner.start;
  }

  /** Bytes of the head, when it is over. */
  get length(): number {
    return this.#scanner.at - this.#scanner.start;
  }

  /** A head begins. */
  begin(): void {
    this.#restart();
    this.#scanner.begin();
  }

  /** Trailers begin, of which nothing is remembered. */
  beginTrailers(): void {
    this.#restart();
    this.#scanner.beginTrailers();
  }

  /**
   * Goes on with the bytes from `from` up to `end`.
   *
   * @returns where in `bytes` the head ends; negative where it does not.
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

/** Where in a head the next byte is. */
const BEFORE_STATUS_LINE = 0;

const IN_STATUS_LINE = 1;
const IN_NAME = 2;
const BEFORE_VALUE = 3;
const IN_VALUE = 4;

/**
 * Scans one head after the other, and remembers of each what decides about its body and connection.
 *
 * A head may come in any number of parts, as long as all of it stands in one array when the scan goes
 * on; no byte is looked at twice, but for a CR whose LF is yet to come.
 */
class HeadScanner {
  /** What the head says, as far as it has been scanned. */
  readonly framing = new HeadFraming();
  /** Where the head begins. */
  start = 0;
  /** Where the scan goes on: behind the head, when it is over. */
  at = 0;
  #phase = BEFORE_STATUS_LINE;
  #emptyLines = 0;
  #trailers = false;
  #fields = 0;
  #nameStart = 0;
  #nameEnd = 0;
  #valueStart = 0;

  /** A head begins. */
  begin(): void {
    this.framing.clear();
    this.#trailers = false;
    this.#emptyLines = 0;
    this.#restart(BEFORE_STATUS_LINE);
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
   * Moves the head's start past empty lines; true if a byte of the status line follows. Old servers send
   * a line end too many after a body. Like llhttp, this takes a bare LF for a line end here.
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

function badResponse(detail: string): WireError {
  return new WireError("BAD_RESPONSE", detail);
}

const MAX_SHOWN = 24;
const CONNECTION = bytesOf("connection");
const KEEP_ALIVE = bytesOf("keep-alive");
const SET_COOKIE = bytesOf("set-cookie");
const CONTENT_LENGTH = bytesOf("content-length");
const TRANSFER_ENCODING = bytesOf("transfer-encoding");
const CHUNKED = bytesOf("chunked");
const CLOSE = bytesOf("close");
const TIMEOUT = bytesOf("timeout=");

/** What the codings of a Transfer-Encoding come to: there is none, its last is chunked, or it is not. */
export type TransferCoding = "none" | "chunked" | "other";

/**
 * Collects it, field by field, without making a string of any.
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

/**
 * All of a head's fields.
 */
export function headersOf(head: Uint8Array): Headers {
  const headers = new Headers();
  eachField(head, (nameStart, nameEnd, valueStart, valueEnd) => {
    headers.append(latin1(head, nameStart, nameEnd), latin1(head, valueStart, valueEnd));
  });
  return headers;
}

/** The value of every `Set-Cookie`, in their order. */
export function setCookiesOf(head: Uint8Array): string[] {
  return valuesOf(head, "set-cookie");
}

/** A field's value, those of several joined as {@link Headers} does; null where there is none. */
export function fieldOf(head: Uint8Array, lowerName: string): string | null {
  const values = valuesOf(head, lowerName);
  return values.length === 0 ? null : values.join(", ");
}

function valuesOf(head: Uint8Array, lowerName: string): string[] {
  const values: string[] = [];
  eachField(head, (nameStart, nameEnd, valueStart, valueEnd) => {
    if (nameEnd - nameStart !== lowerName.length) return;
    for (let i = 0; i < lowerName.length; i++) {
      if (lowerCase(head[nameStart + i]!) !== lowerName.charCodeAt(i)) return;
    }
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
    while (isBlank(head[at]!)) at++;
    const valueStart = at;
    while (head[at] !== LF) at++;
    let valueEnd = at++ - 1;
    while (valueEnd > valueStart && isBlank(head[valueEnd - 1]!)) valueEnd--;
    visit(nameStart, nameEnd, valueStart, valueEnd);
  }
}

function isBlank(byte: number): boolean {
  return (CLASSES[byte]! & BLANK) !== 0;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** Longer texts are made of pieces, because a function takes only so many arguments. */
const MAX_ARGUMENTS = 4096;

/** Each byte is a character, as `fetch` has it; the runtime's own latin1 is Windows' instead. */
function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at += MAX_ARGUMENTS) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(to, at + MAX_ARGUMENTS)));
  }
  return text;
}
