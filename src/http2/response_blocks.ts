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
interface KnownBlock {
  readonly block: ResponseBlock;
  /** The table as it must be: it has not changed since; {@link ANY_TABLE} if nothing of it is used. */
  readonly changes: number;
  /** What the block adds to the table. */
  readonly added: readonly TableEntry[];
}

const ANY_TABLE = -1;

/** How many blocks are remembered: a power of two. */
const PLACES = 8;

/** Larger blocks are not remembered: there may be thousands of connections. */
const MAX_LENGTH = 1024;

/** Decodes the heads of responses in the order in which they arrive. */
export class ResponseBlocks {
  readonly #decoder: HpackDecoder;
  /** By the last bits of their lengths: the newest of each place. */
  readonly #known = new Array<KnownBlock | null>(PLACES).fill(null);
  /** Their bytes. The memory of a place is used again. */
  readonly #bytes = new Array<Uint8Array>(PLACES).fill(NOTHING);
  readonly #lengths = new Array<number>(PLACES).fill(0);

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
    const place = (end - start) & (PLACES - 1);
    const known = this.#known[place]!;
    if (
      known !== null && (known.changes === ANY_TABLE || known.changes === decoder.changes) &&
      this.#isAt(place, bytes, start, end)
    ) {
      decoder.repeat(known.added);
      return known.block;
    }
    const { changes } = decoder;
    const block = new ResponseBlock(decoder.decode(bytes, start, end));
    const isFree = !decoder.usesTable;
    if (end - start <= MAX_LENGTH && (isFree || decoder.changes === changes)) {
      this.#known[place] = { block, changes: isFree ? ANY_TABLE : changes, added: decoder.added };
      this.#copy(place, bytes, start, end);
    }
    return block;
  }

  #isAt(place: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#lengths[place] !== end - start) return false;
    const own = this.#bytes[place]!;
    for (let at = start, i = 0; at < end; at++, i++) if (own[i] !== bytes[at]) return false;
    return true;
  }

  #copy(place: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#bytes[place]!.length < length) this.#bytes[place] = new Uint8Array(length);
    const own = this.#bytes[place]!;
    for (let at = start, i = 0; at < end; at++, i++) own[i] = bytes[at]!;
    this.#lengths[place] = length;
  }
}

const NOTHING = new Uint8Array(0);
