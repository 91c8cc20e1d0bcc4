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

type Header = HeaderPairs[number];

/** The static table (RFC 7541, appendix A), from index 1. */
const STATIC: readonly Header[] = [
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
export interface TableEntry {
  readonly header: Header;
  readonly size: number;
}

function headerSize([name, value]: Header): number {
  return name.length + value.length + ENTRY_OVERHEAD;
}

/** A dynamic table: the newest entry has index 0. */
class DynamicTable {
  /** The largest size at present. */
  limit: number;
  /** How many entries it has. */
  length = 0;
  /** Is increased whenever the content may have changed. */
  changes = 0;
  #size = 0;
  /** A ring, whose length is a power of two. */
  #entries = new Array<TableEntry | null>(8).fill(null);
  /** Where the next entry goes. */
  #end = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  at(index: number): TableEntry | null {
    if (index >= this.length) return null;
    return this.#entries[(this.#end - 1 - index) & (this.#entries.length - 1)]!;
  }

  /** Adds an entry; one that is larger than the table empties it. */
  add(entry: TableEntry): void {
    this.changes++;
    this.#evict(this.limit - entry.size);
    if (entry.size > this.limit) return;
    if (this.length === this.#entries.length) this.#grow();
    this.#entries[this.#end] = entry;
    this.#end = (this.#end + 1) & (this.#entries.length - 1);
    this.#size += entry.size;
    this.length++;
  }

  resize(limit: number): void {
    this.changes++;
    this.limit = limit;
    this.#evict(limit);
  }

  /** Removes the oldest entries until their sizes add up to no more than a limit. */
  #evict(limit: number): void {
    while (this.#size > limit && this.length > 0) {
      const oldest = (this.#end - this.length) & (this.#entries.length - 1);
      this.#size -= this.#entries[oldest]!.size;
      this.#entries[oldest] = null;
      this.length--;
    }
  }

  #grow(): void {
    const { length } = this;
    const larger = new Array<TableEntry | null>(length * 2).fill(null);
    for (let i = 0; i < length; i++) larger[i] = this.at(length - 1 - i);
    this.#entries = larger;
    this.#end = length;
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
  #usesTable = false;
  #changesSize = false;
  #added: TableEntry[] = [];

  /**
   * @param maxTableSize what the other side was allowed for its table.
   * @param maxListSize the largest list of headers, in bytes, with 32 more for each header.
   */
  constructor(maxTableSize: number, maxListSize: number) {
    this.#maxTableSize = maxTableSize;
    this.#maxListSize = maxListSize;
  }

  /** Is increased whenever the table may have changed. */
  get changes(): number {
    return this.#table.changes;
  }

  /** Whether what the last block means, or does, depends on the table as it was. */
  get usesTable(): boolean {
    return this.#usesTable || this.#changesSize;
  }

  /** What the last block has added to the table. */
  get added(): readonly TableEntry[] {
    return this.#added;
  }

  /** Adds to the table what an equal block has added, instead of decoding it again. */
  repeat(added: readonly TableEntry[]): void {
    for (const entry of added) this.#table.add(entry);
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
    this.#usesTable = false;
    this.#changesSize = false;
    this.#added = [];
    const headers: Header[] = [];
    let size = 0;
    try {
      this.#updateSizes();
      while (this.#at < this.#end) {
        const header = this.#header();
        size += headerSize(header);
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
      this.#changesSize = true;
      this.#table.resize(size);
    }
  }

  #header(): Header {
    const first = this.#bytes[this.#at]!;
    if ((first & 0x80) !== 0) return this.#entry(this.#integer(7));
    if ((first & 0x40) !== 0) {
      const header = this.#literal(6);
      const entry: TableEntry = { header, size: headerSize(header) };
      this.#added.push(entry);
      this.#table.add(entry);
      return header;
    }
    if ((first & 0x20) !== 0) throw new HpackError("the table's size changes after a header");
    return this.#literal(4);
  }

  #literal(prefix: number): Header {
    const index = this.#integer(prefix);
    const name = index === 0 ? this.#string() : this.#entry(index)[0];
    return [name, this.#string()];
  }

  #entry(index: number): Header {
    if (index === 0) throw new HpackError("index 0");
    if (index < FIRST_DYNAMIC) return STATIC[index - 1]!;
    this.#usesTable = true;
    const entry = this.#table.at(index - FIRST_DYNAMIC);
    if (entry === null) throw new HpackError(`index ${index} is beyond the table`);
    return entry.header;
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

  /** Is increased whenever the table may have changed: as long as it is the same, equal headers have equal blocks. */
  get changes(): number {
    return this.#table.changes;
  }

  /** The other side has changed how large its table may become. */
  allow(size: number): void {
    const limit = Math.min(size, DEFAULT_TABLE_SIZE);
    if (limit === this.#table.limit) return;
    this.#smallest = Math.min(this.#smallest ?? limit, limit);
    this.#table.resize(limit);
  }

  /** Encodes headers. @param headers with names in lower case; each character is one byte. */
  encode(headers: HeaderPairs): Uint8Array<ArrayBuffer> {
    this.#at = 0;
    if (this.#smallest !== null) this.#announce(this.#smallest);
    for (const header of headers) this.#header(header);
    return this.#bytes.slice(0, this.#at);
  }

  #announce(smallest: number): void {
    this.#smallest = null;
    this.#integer(0x20, 5, smallest);
    if (smallest !== this.#table.limit) this.#integer(0x20, 5, this.#table.limit);
  }

  #header(header: Header): void {
    const [name, value] = header;
    const known = STATIC_PAIRS.get(pairKey(name, value));
    if (known !== undefined) return this.#integer(0x80, 7, known);
    let nameIndex = STATIC_NAMES.get(name) ?? 0;
    for (let i = 0; i < this.#table.length; i++) {
      const entry = this.#table.at(i)!.header;
      if (entry[0] !== name) continue;
      if (entry[1] === value) return this.#integer(0x80, 7, FIRST_DYNAMIC + i);
      if (nameIndex === 0) nameIndex = FIRST_DYNAMIC + i;
    }
    const isNever = NEVER_INDEXED.has(name);
    // An entry that takes most of the table would drive all others out.
    const size = headerSize(header);
    const isIndexed = !isNever && !NOT_INDEXED.has(name) && size * 2 <= this.#table.limit;
    if (isIndexed) this.#integer(0x40, 6, nameIndex);
    else this.#integer(isNever ? 0x10 : 0, 4, nameIndex);
    if (nameIndex === 0) this.#string(name);
    this.#string(value);
    if (isIndexed) this.#table.add({ header, size });
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
