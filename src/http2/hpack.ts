/**
 * HPACK: how HTTP/2 compresses headers (RFC 7541).
 *
 * @module
 */

import type { HeaderPairs } from "../http/transport.ts";
import { huffmanDecode, huffmanEncode, huffmanLength, latin1Text } from "./huffman.ts";

/** The size that both sides give their dynamic tables unless they agree on another one. */
export const DEFAULT_TABLE_SIZE = 4096;

/** What an entry of a table counts beyond its name and value. */
const ENTRY_OVERHEAD = 32;

/** The static table (RFC 7541, appendix A), from index 1. */
const STATIC: readonly (readonly [name: string, value: string])[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  ...["200", "204", "206", "304", "400", "404", "500"].map((code) => [":status", code] as const),
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ...([
    "accept-language accept-ranges accept access-control-allow-origin age allow authorization",
    "cache-control content-disposition content-encoding content-language content-length",
    "content-location content-range content-type cookie date etag expect expires from host if-match",
    "if-modified-since if-none-match if-range if-unmodified-since last-modified link location",
    "max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after server",
    "set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate",
  ].join(" ").split(" ").map((name) => [name, ""] as const)),
];

/** The first index of the dynamic table. */
const FIRST_DYNAMIC = STATIC.length + 1;

/** The lowest index of each name of the static table, and of each name with its value. */
const STATIC_NAMES = new Map<string, number>();
const STATIC_PAIRS = new Map<string, number>();
for (const [index, [name, value]] of STATIC.entries()) {
  if (!STATIC_NAMES.has(name)) STATIC_NAMES.set(name, index + 1);
  STATIC_PAIRS.set(pairKey(name, value), index + 1);
}

function pairKey(name: string, value: string): string {
  return `${name}\0${value}`;
}

/** An entry of a dynamic table. */
interface Entry {
  readonly name: string;
  readonly value: string;
  readonly size: number;
}

function entrySize(name: string, value: string): number {
  return name.length + value.length + ENTRY_OVERHEAD;
}

/** A dynamic table: the newest entry has index 0. */
class DynamicTable {
  /** The largest size at present. */
  limit: number;
  /** Entries that were ever added. */
  added = 0;
  #size = 0;
  /** Oldest first; those before {@link #first} are gone. */
  #entries: Entry[] = [];
  #first = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get length(): number {
    return this.#entries.length - this.#first;
  }

  at(index: number): Entry | undefined {
    const position = this.#entries.length - 1 - index;
    return position < this.#first ? undefined : this.#entries[position];
  }

  /** Adds an entry; one that is larger than the table empties it. */
  add(name: string, value: string): void {
    const size = entrySize(name, value);
    this.#evict(this.limit - size);
    if (size > this.limit) return;
    this.#entries.push({ name, value, size });
    this.#size += size;
    this.added++;
  }

  resize(limit: number): void {
    this.limit = limit;
    this.#evict(limit);
  }

  /** Removes the oldest entries until their sizes add up to no more than a limit. */
  #evict(limit: number): void {
    while (this.#size > limit && this.length > 0) {
      this.#size -= this.#entries[this.#first]!.size;
      this.#first++;
    }
    if (this.#first > 64 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** The header block of a peer is invalid. The connection cannot go on, because its table is unknown. */
export class HpackError extends Error {
  override readonly name = "HpackError";
}

/** A list of headers is larger than allowed. Its block was decoded, so the connection can go on. */
export class HeaderListError extends Error {
  override readonly name = "HeaderListError";
}

/** Decodes the header blocks of one connection, in the order in which they arrive. */
export class HpackDecoder {
  readonly #table = new DynamicTable(DEFAULT_TABLE_SIZE);
  readonly #maxTableSize: number;
  readonly #maxListSize: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;

  /**
   * @param maxTableSize what the other side was allowed for its table.
   * @param maxListSize the largest list of headers, in bytes, with 32 more for each header.
   */
  constructor(maxTableSize: number, maxListSize: number) {
    this.#maxTableSize = maxTableSize;
    this.#maxListSize = maxListSize;
  }

  /**
   * Decodes a complete block. Each character of names and values is one byte.
   *
   * @throws HpackError if it is invalid.
   * @throws HeaderListError if the list is too large.
   */
  decode(bytes: Uint8Array, start: number, end: number): HeaderPairs {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    const headers: (readonly [string, string])[] = [];
    let size = 0;
    try {
      this.#updateSizes();
      while (this.#at < this.#end) {
        const header = this.#header();
        size += entrySize(header[0], header[1]);
        if (size <= this.#maxListSize) headers.push(header);
      }
    } catch (error) {
      throw error instanceof RangeError ? new HpackError(error.message, { cause: error }) : error;
    }
    if (size > this.#maxListSize) {
      throw new HeaderListError(`the headers have more than ${this.#maxListSize} bytes`);
    }
    return headers;
  }

  /** Changes of the table's size come before the first header. */
  #updateSizes(): void {
    while (this.#at < this.#end && (this.#bytes[this.#at]! & 0xe0) === 0x20) {
      const size = this.#integer(5);
      if (size > this.#maxTableSize) {
        throw new HpackError(`a table of ${size} bytes, ${this.#maxTableSize} at most`);
      }
      this.#table.resize(size);
    }
  }

  #header(): readonly [string, string] {
    const first = this.#bytes[this.#at]!;
    if ((first & 0x80) !== 0) return this.#entry(this.#integer(7));
    if ((first & 0x40) !== 0) {
      const header = this.#literal(6);
      this.#table.add(header[0], header[1]);
      return header;
    }
    if ((first & 0x20) !== 0) throw new HpackError("the table's size changes after a header");
    return this.#literal(4);
  }

  #literal(prefix: number): readonly [string, string] {
    const index = this.#integer(prefix);
    const name = index === 0 ? this.#string() : this.#entry(index)[0];
    return [name, this.#string()];
  }

  #entry(index: number): readonly [string, string] {
    if (index === 0) throw new HpackError("index 0");
    if (index < FIRST_DYNAMIC) return STATIC[index - 1]!;
    const entry = this.#table.at(index - FIRST_DYNAMIC);
    if (entry === undefined) throw new HpackError(`index ${index} is beyond the table`);
    return [entry.name, entry.value];
  }

  /** An integer whose first bits are the last ones of a byte (RFC 7541, section 5.1). */
  #integer(prefix: number): number {
    const mask = 2 ** prefix - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let shift = 0;; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
      // Larger ones make no sense, and zeros could go on for ever.
      if (shift >= 28) throw new HpackError("an integer is too large");
    }
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new HpackError("the block ends too early");
    return this.#bytes[this.#at++]!;
  }

  #string(): string {
    const isHuffman = this.#at < this.#end && (this.#bytes[this.#at]! & 0x80) !== 0;
    const length = this.#integer(7);
    const start = this.#at;
    const end = start + length;
    if (end > this.#end) throw new HpackError("the block ends too early");
    this.#at = end;
    return isHuffman ? huffmanDecode(this.#bytes, start, end) : latin1Text(this.#bytes, start, end);
  }
}

/** Headers whose values mostly differ: keeping them would drive others out of the table. */
const NOT_INDEXED: ReadonlySet<string> = new Set([
  ":path",
  "content-length",
  "if-modified-since",
  "if-none-match",
  "range",
  "traceparent",
]);

/** Headers that no intermediary may put into a table either. */
const NEVER_INDEXED: ReadonlySet<string> = new Set(["authorization", "proxy-authorization"]);

/** Encodes the header blocks of one connection, in the order in which they are sent. */
export class HpackEncoder {
  readonly #table = new DynamicTable(DEFAULT_TABLE_SIZE);
  /** Sizes to announce at the start of the next block. */
  #smallest: number | null = null;
  #bytes = new Uint8Array(1024);
  #at = 0;

  /** How many entries were added to the table: as long as it is the same, equal headers have equal blocks. */
  get additions(): number {
    return this.#table.added;
  }

  /** The other side has changed how large its table may become. */
  allow(size: number): void {
    const limit = Math.min(size, DEFAULT_TABLE_SIZE);
    if (limit === this.#table.limit) return;
    this.#smallest = Math.min(this.#smallest ?? limit, limit);
    this.#table.resize(limit);
    // Blocks that were encoded before are no longer valid.
    this.#table.added++;
  }

  /** Encodes headers. @param headers with names in lower case; each character is one byte. */
  encode(headers: HeaderPairs): Uint8Array<ArrayBuffer> {
    this.#at = 0;
    if (this.#smallest !== null) this.#announce(this.#smallest);
    for (const [name, value] of headers) this.#header(name, value);
    return this.#bytes.slice(0, this.#at);
  }

  #announce(smallest: number): void {
    this.#smallest = null;
    this.#integer(0x20, 5, smallest);
    if (smallest !== this.#table.limit) this.#integer(0x20, 5, this.#table.limit);
  }

  #header(name: string, value: string): void {
    const known = STATIC_PAIRS.get(pairKey(name, value));
    if (known !== undefined) return this.#integer(0x80, 7, known);
    let nameIndex = STATIC_NAMES.get(name) ?? 0;
    for (let i = 0; i < this.#table.length; i++) {
      const entry = this.#table.at(i)!;
      if (entry.name !== name) continue;
      if (entry.value === value) return this.#integer(0x80, 7, FIRST_DYNAMIC + i);
      if (nameIndex === 0) nameIndex = FIRST_DYNAMIC + i;
    }
    const isNever = NEVER_INDEXED.has(name);
    // An entry that takes most of the table would drive all others out.
    const isIndexed = !isNever && !NOT_INDEXED.has(name) &&
      entrySize(name, value) * 2 <= this.#table.limit;
    if (isIndexed) this.#integer(0x40, 6, nameIndex);
    else this.#integer(isNever ? 0x10 : 0, 4, nameIndex);
    if (nameIndex === 0) this.#string(name);
    this.#string(value);
    if (isIndexed) this.#table.add(name, value);
  }

  #integer(pattern: number, prefix: number, value: number): void {
    this.#reserve(8);
    const mask = 2 ** prefix - 1;
    if (value < mask) {
      this.#bytes[this.#at++] = pattern | value;
      return;
    }
    this.#bytes[this.#at++] = pattern | mask;
    let rest = value - mask;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at++] = rest;
  }

  #string(text: string): void {
    const length = huffmanLength(text);
    this.#reserve(text.length + 8);
    if (length < text.length) {
      this.#integer(0x80, 7, length);
      this.#at = huffmanEncode(text, this.#bytes, this.#at);
      return;
    }
    this.#integer(0, 7, text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#at++] = text.charCodeAt(i);
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = new Uint8Array((this.#at + count) * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
