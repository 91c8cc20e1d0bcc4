/**
 * Header blocks of the responses of one HTTP/2 connection. Most responses to a request are alike, so their block
 * is decoded and checked once.
 *
 * @module
 */

import type { HeaderPairs } from "../http/transport.ts";
import { HpackDecoder, type TableEntry } from "./hpack.ts";
import { type ResponseHead, responseHead } from "./response_head.ts";

/** A header block that was received. Connections may get the same object for several responses. */
export class ResponseBlock {
  readonly headers: HeaderPairs;
  #head: ResponseHead | null = null;

  constructor(headers: HeaderPairs) {
    this.headers = headers;
  }

  /**
   * What it means as the head of a response.
   *
   * @throws WireError `BAD_RESPONSE` if it is malformed.
   */
  get head(): ResponseHead {
    return this.#head ??= responseHead(this.headers);
  }
}

/** A block that would be decoded in the same way again. */
class KnownBlock {
  block: ResponseBlock | null = null;
  /** What the block adds to the table. */
  added: readonly TableEntry[] = [];
  /** {@link ANY_TABLE} if the block does not use the table; otherwise, the table must not have changed since. */
  #changes = ANY_TABLE;
  #bytes: Uint8Array = NOTHING;
  #length = 0;

  /** Whether these bytes are the same, and mean the same. */
  is(bytes: Uint8Array, start: number, end: number, changes: number): boolean {
    if (this.#length !== end - start) return false;
    if (this.#changes !== ANY_TABLE && this.#changes !== changes) return false;
    const own = this.#bytes;
    for (let at = start, i = 0; at < end; at++, i++) if (own[i] !== bytes[at]) return false;
    return true;
  }

  /** Remembers another block, in the same memory if possible. */
  set(
    bytes: Uint8Array,
    start: number,
    end: number,
    block: ResponseBlock,
    changes: number,
    added: readonly TableEntry[],
  ): void {
    const length = end - start;
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    this.#bytes.set(bytes.subarray(start, end));
    this.#length = length;
    this.block = block;
    this.#changes = changes;
    this.added = added;
  }
}

const ANY_TABLE = -1;
const NOTHING = new Uint8Array(0);

/** How many blocks are remembered: a power of two. */
const PLACES = 8;

/** Larger blocks are not remembered: there may be thousands of connections. */
const MAX_LENGTH = 1024;

/** Decodes the heads of responses in the order in which they arrive. */
export class ResponseBlocks {
  readonly #decoder: HpackDecoder;
  /** The last bits of a block's length lead to two places, of which the first has the newer block. */
  readonly #known = new Array<KnownBlock | null>(PLACES).fill(null);

  /** @param maxTableSize and `maxListSize` as of {@link HpackDecoder}. */
  constructor(maxTableSize: number, maxListSize: number) {
    this.#decoder = new HpackDecoder(maxTableSize, maxListSize);
  }

  /**
   * Decodes a complete block.
   *
   * @throws HpackError or HeaderListError as {@link HpackDecoder.decode} does.
   */
  read(bytes: Uint8Array, start: number, end: number): ResponseBlock {
    const decoder = this.#decoder;
    const { changes } = decoder;
    const place = (end - start) & (PLACES - 1);
    let known = this.#known[place]!;
    if (known === null || !known.is(bytes, start, end, changes)) {
      known = this.#known[place ^ 1]!;
      if (known === null || !known.is(bytes, start, end, changes)) {
        return this.#decode(bytes, start, end, place);
      }
    }
    decoder.repeat(known.added);
    return known.block!;
  }

  #decode(bytes: Uint8Array, start: number, end: number, place: number): ResponseBlock {
    const decoder = this.#decoder;
    const { changes } = decoder;
    const block = new ResponseBlock(decoder.decode(bytes, start, end));
    const isFree = !decoder.usesTable;
    if (end - start <= MAX_LENGTH && (isFree || decoder.changes === changes)) {
      const replaced = this.#known[place ^ 1] ?? new KnownBlock();
      replaced.set(bytes, start, end, block, isFree ? ANY_TABLE : changes, decoder.added);
      this.#known[place ^ 1] = this.#known[place]!;
      this.#known[place] = replaced;
    }
    return block;
  }
}
