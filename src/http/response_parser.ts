/**
 * Parses the responses of HTTP/1.1 servers: bytes in, messages out. It does no input or output itself.
 *
 * @module
 */

import { joined } from "./decoding.ts";
import { CLASSES, CR, type HeadFraming, HeadReader, LF, SEMICOLON, TEXT } from "./head_parser.ts";
import { WireError } from "./request_error.ts";

/**
 * A complete response. Load tests mostly need the status only, so the head stays bytes until a header is
 * read, and the body stays in the pieces that arrived until it is read.
 */
export interface WireMessage {
  readonly status: number;
  /** The final head, from the status line to the empty line inclusive. */
  readonly head: Uint8Array<ArrayBuffer>;
  /** The pieces of the body in order, without transfer coding, with content coding. */
  readonly body: readonly Uint8Array<ArrayBuffer>[];
  /** The whole {@link body}, if it is in one piece, without its own buffer: only for reading; or `null`. */
  readonly bodyView: Uint8Array<ArrayBuffer> | null;
  /** The size of the body in bytes. */
  readonly bodyLength: number;
  /** Whether the head has at least one Set-Cookie field. */
  readonly setsCookies: boolean;
  /** Whether the head has a Content-Encoding field. */
  readonly isEncoded: boolean;
  /** Whether the connection can be reused. */
  readonly reusable: boolean;
}

const MAX_INTERIM = 100;

/** How many pieces of a body may be tiny before they are joined. */
const MAX_TINY_PIECES = 1024;

/** The size up to which a piece is tiny, in bytes. */
const MAX_TINY = 1024;
const NOTHING = new Uint8Array(0);

/** What the next byte belongs to. A body has a length, consists of chunks, or is the rest of the stream. */
type State = "head" | "length" | "chunks" | "trailers" | "stream" | "complete";

/**
 * Parses the responses of one connection, one after another. It copies what it keeps, so the caller can
 * reuse its buffer. The result does not depend on how the bytes are cut.
 */
export class ResponseParser {
  /** Whether a byte has arrived since {@link begin}. */
  started = false;
  /** How many `100 Continue` responses have arrived. */
  continues = 0;
  /** Whether unexpected bytes followed the response. */
  surplus = false;
  readonly #maxBodySize: number;
  /** The largest body of the current response. */
  #maxSize: number;
  readonly #slab: Slab;
  readonly #reader = new HeadReader();
  readonly #chunks: ChunkedBody;
  #method = "";
  #state: State = "complete";
  #interim = 0;
  #head: Uint8Array<ArrayBuffer> = NOTHING;
  #headStart = 0;
  #headLength = 0;
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  /** How many of the pieces, from the first, need not be joined with others. */
  #joinedPieces = 0;
  #bodyLength = 0;
  /** Missing bytes of the body; `Infinity` if unknown. */
  #left = 0;
  #message: WireMessage | null = null;

  /**
   * @param maxBodySize the largest body in bytes.
   * @param slab for small copies; parsers can share one.
   */
  constructor(maxBodySize: number, slab: Slab = new Slab()) {
    this.#maxBodySize = this.#maxSize = maxBodySize;
    this.#slab = slab;
    this.#chunks = new ChunkedBody(maxBodySize);
  }

  /** Whether the final head has arrived. */
  get hasHead(): boolean {
    return this.#state !== "head";
  }

  get isComplete(): boolean {
    return this.#state === "complete";
  }

  /** The response without its body. */
  get headOnly(): WireMessage {
    const length = this.#headLength;
    return new ReceivedMessage(this.framing, false, this.#head, this.#headStart, length, 0, []);
  }

  /** Takes bodies of any size, until {@link limitSize}. */
  allowAnySize(): void {
    this.#maxSize = this.#chunks.maxLength = Infinity;
  }

  limitSize(): void {
    this.#maxSize = this.#chunks.maxLength = this.#maxBodySize;
  }

  /** @throws WireError `TOO_LARGE` if the body that has arrived is too large. */
  checkSize(): void {
    this.#checkSize(this.#state === "chunks" ? this.#chunks.length : this.#bodyLength);
  }

  /** Takes the pieces of the body that have arrived since the last call. */
  takePieces(): readonly Uint8Array<ArrayBuffer>[] {
    const pieces = this.#pieces;
    if (pieces.length > 0) this.#pieces = [];
    this.#joinedPieces = 0;
    return pieces;
  }

  /** The complete response. */
  get message(): WireMessage {
    if (this.#message === null) throw new Error("There is no complete response");
    return this.#message;
  }

  /** What the head says about body and connection, until {@link forget}. */
  get framing(): HeadFraming {
    return this.#reader.framing;
  }

  /** Prepares for the response to a request with this method. */
  begin(method: string): void {
    this.forget();
    this.started = false;
    this.continues = 0;
    this.surplus = false;
    this.#method = method;
    this.#state = "head";
    this.#interim = 0;
  }

  /** Drops the {@link message}, so that an idle connection does not keep it in memory. */
  forget(): void {
    this.#message = null;
    this.#head = NOTHING;
    if (this.#pieces.length > 0) this.#pieces = [];
    this.#reader.begin();
  }

  /**
   * Parses the first `length` bytes; returns `true` when the response is complete.
   *
   * @throws WireError `BAD_RESPONSE` or `TOO_LARGE`; then the connection must be closed.
   */
  feed(bytes: Uint8Array<ArrayBuffer>, length: number): boolean {
    if (length > 0) this.started = true;
    switch (this.#state) {
      case "head":
        return this.#feedHead(bytes, length);
      case "trailers":
        return this.#feedTrailers(bytes, 0, length);
      case "complete":
        this.surplus ||= length > 0;
        return true;
      default: {
        const end = Math.min(length, this.#left);
        this.surplus = end < length;
        return this.#feedBody(this.#copy(bytes, 0, end));
      }
    }
  }

  /**
   * Handles the end of the stream; returns `true` if it completes the response.
   *
   * @throws WireError `ECONNRESET` before the body, `INCOMPLETE_BODY` inside it.
   */
  end(): boolean {
    switch (this.#state) {
      case "complete":
        return true;
      case "stream":
        return this.#complete(false, this.#pieces);
      case "head":
        throw new WireError(
          "ECONNRESET",
          this.started
            ? "the server closed the connection inside the response head"
            : "the server closed the connection before it sent a response",
        );
      case "length": {
        const all = this.#bodyLength + this.#left;
        throw incomplete(`after ${this.#bodyLength} of ${all} bytes`);
      }
      default:
        throw incomplete("before the last chunk");
    }
  }

  #feedHead(bytes: Uint8Array<ArrayBuffer>, length: number): boolean {
    let from = 0;
    for (;;) {
      const end = this.#reader.read(bytes, from, length);
      if (end < 0) return false;
      if (this.#reader.framing.status >= 200) return this.#startBody(bytes, end, length);
      this.#skipInterim();
      from = end;
    }
  }

  #skipInterim(): void {
    const { status } = this.#reader.framing;
    if (status === 101) {
      throw new WireError("BAD_RESPONSE", "the server switched protocols unexpectedly");
    }
    if (++this.#interim > MAX_INTERIM) {
      throw new WireError("BAD_RESPONSE", `over ${MAX_INTERIM} interim responses`);
    }
    if (status === 100) this.continues++;
    this.#reader.begin();
  }

  /** Handles the final head, which ends at `headEnd`, and the part of the body that follows it. */
  #startBody(bytes: Uint8Array<ArrayBuffer>, headEnd: number, length: number): boolean {
    const reader = this.#reader;
    const { start, gathered } = reader;
    this.#frameBody();
    const end = Math.min(length, headEnd + this.#left);
    this.surplus = end < length;
    this.#headLength = reader.length;
    if (gathered === null && this.#slab.takes(end - start)) {
      this.#headStart = this.#slab.copy(bytes, start, end);
      this.#head = this.#slab.bytes;
      if (end - headEnd === this.#left) {
        this.#bodyLength = this.#left;
        return this.#complete(true, null);
      }
      const bodyStart = this.#headStart + this.#headLength;
      return this.#feedBody(this.#head.subarray(bodyStart, bodyStart + end - headEnd));
    }
    this.#headStart = 0;
    this.#head = this.#copy(gathered ?? bytes, start, start + reader.length);
    return this.#feedBody(this.#copy(bytes, headEnd, end));
  }

  #frameBody(): void {
    const { status, transfer, contentLength } = this.#reader.framing;
    this.#bodyLength = 0;
    this.#joinedPieces = 0;
    this.#left = Infinity;
    // Bytes after the head of a successful CONNECT response belong to the tunnel.
    const tunnel = this.#method === "CONNECT" && status < 300;
    if (tunnel || this.#method === "HEAD" || status === 204 || status === 304) {
      this.#state = "length";
      this.#left = 0;
    } else if (transfer === "chunked") {
      this.#state = "chunks";
      this.#chunks.begin();
    } else if (transfer === "none" && contentLength >= 0) {
      this.#state = "length";
      this.#left = contentLength;
      this.#checkSize(contentLength);
    } else {
      this.#state = "stream";
    }
  }

  /** Handles a part of the body that has already been copied. */
  #feedBody(own: Uint8Array<ArrayBuffer>): boolean {
    if (this.#state === "chunks") return this.#feedChunks(own);
    if (own.length > 0) this.#keep(own);
    this.#bodyLength += own.length;
    this.#left -= own.length;
    this.#checkSize(this.#bodyLength);
    return this.#left === 0 && this.#complete(true, this.#pieces);
  }

  #feedChunks(own: Uint8Array<ArrayBuffer>): boolean {
    const chunks = this.#chunks;
    const over = chunks.decode(own, 0, own.length);
    const { dataStart, dataEnd } = chunks;
    if (dataEnd > dataStart) {
      // The framing of tiny chunks can be many times as long as their data; it is not kept.
      const isWasteful = own.length > MAX_TINY && (dataEnd - dataStart) * 2 < own.length;
      this.#keep(isWasteful ? own.slice(dataStart, dataEnd) : own.subarray(dataStart, dataEnd));
    }
    if (!over) return false;
    this.#bodyLength = chunks.length;
    this.#state = "trailers";
    this.#reader.beginTrailers();
    return this.#feedTrailers(own, chunks.at, own.length);
  }

  /** Keeps a piece of the body. Tiny pieces are joined, because each takes over 100 bytes of memory. */
  #keep(piece: Uint8Array<ArrayBuffer>): void {
    this.#pieces.push(piece);
    if (this.#pieces.length - this.#joinedPieces < MAX_TINY_PIECES) return;
    const tail = this.#pieces.splice(this.#joinedPieces);
    const size = tail.reduce((sum, { length }) => sum + length, 0);
    if (size < MAX_TINY_PIECES * MAX_TINY) this.#pieces.push(joined(tail, size));
    else this.#pieces.push(...tail);
    this.#joinedPieces = this.#pieces.length;
  }

  #feedTrailers(bytes: Uint8Array<ArrayBuffer>, from: number, length: number): boolean {
    const end = this.#reader.read(bytes, from, length);
    if (end < 0) return false;
    this.surplus = end < length;
    return this.#complete(true, this.#pieces);
  }

  #complete(framed: boolean, pieces: readonly Uint8Array<ArrayBuffer>[] | null): true {
    const { framing } = this.#reader;
    this.#state = "complete";
    // From now on the pieces belong to the message.
    if (pieces !== null) this.#pieces = [];
    this.#message = new ReceivedMessage(
      framing,
      framed && !this.surplus && !framing.closes && (framing.minor === 1 || framing.keepsAlive),
      this.#head,
      this.#headStart,
      this.#headLength,
      this.#bodyLength,
      pieces,
    );
    return true;
  }

  #checkSize(size: number): void {
    if (size > this.#maxSize) {
      throw new WireError("TOO_LARGE", `a body of over ${this.#maxSize} bytes`);
    }
  }

  #copy(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): Uint8Array<ArrayBuffer> {
    if (!this.#slab.takes(to - from)) return bytes.slice(from, to);
    const at = this.#slab.copy(bytes, from, to);
    return this.#slab.bytes.subarray(at, at + to - from);
  }
}

function incomplete(where: string): WireError {
  return new WireError(
    "INCOMPLETE_BODY",
    `the server closed the connection inside the body, ${where}`,
  );
}

const NO_PIECES: readonly Uint8Array<ArrayBuffer>[] = [];

/** A complete response that creates arrays for head and body only on demand. */
class ReceivedMessage implements WireMessage {
  readonly status: number;
  readonly bodyLength: number;
  readonly setsCookies: boolean;
  readonly isEncoded: boolean;
  readonly reusable: boolean;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #headStart: number;
  readonly #headLength: number;
  #pieces: readonly Uint8Array<ArrayBuffer>[] | null;

  /**
   * @param bytes contain the head and, if `pieces` is `null`, the body after it.
   * @param pieces of the body, none empty; `null` if the body is in `bytes`.
   */
  constructor(
    framing: HeadFraming,
    reusable: boolean,
    bytes: Uint8Array<ArrayBuffer>,
    headStart: number,
    headLength: number,
    bodyLength: number,
    pieces: readonly Uint8Array<ArrayBuffer>[] | null,
  ) {
    this.status = framing.status;
    this.bodyLength = bodyLength;
    this.setsCookies = framing.setsCookies;
    this.isEncoded = framing.isEncoded;
    this.reusable = reusable;
    this.#bytes = bytes;
    this.#headStart = headStart;
    this.#headLength = headLength;
    this.#pieces = pieces;
  }

  get head(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#headStart, this.#headStart + this.#headLength);
  }

  /** A body in one piece is handed to the test, so it gets its own buffer. */
  get body(): readonly Uint8Array<ArrayBuffer>[] {
    return this.#pieces = this.#pieces === null ? this.#bodyBehindHead() : own(this.#pieces);
  }

  get bodyView(): Uint8Array<ArrayBuffer> | null {
    const pieces = this.#pieces;
    if (pieces === null) {
      const start = this.#headStart + this.#headLength;
      return this.#bytes.subarray(start, start + this.bodyLength);
    }
    return pieces.length === 1 ? pieces[0]! : null;
  }

  #bodyBehindHead(): readonly Uint8Array<ArrayBuffer>[] {
    if (this.bodyLength === 0) return NO_PIECES;
    const start = this.#headStart + this.#headLength;
    return [this.#bytes.slice(start, start + this.bodyLength)];
  }
}

function own(pieces: readonly Uint8Array<ArrayBuffer>[]): readonly Uint8Array<ArrayBuffer>[] {
  const [first] = pieces;
  if (first === undefined || pieces.length > 1) return pieces;
  return first.length === first.buffer.byteLength ? pieces : [first.slice()];
}

const MAX_EXTENSIONS = 16_384;

/** Enough for every safe integer with some leading zeros. */
const MAX_SIZE_DIGITS = 16;

// The states of a chunked body: what the next byte belongs to.
const SIZE = 0;

const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const OVER = 6;

/** Decodes chunked bodies, one after another. It stops before the trailers. */
export class ChunkedBody {
  /** The start of the data that the last call found. */
  dataStart = 0;
  /** The end of the data that the last call found. */
  dataEnd = 0;
  /** Where the last call stopped. */
  at = 0;
  /** Bytes of data so far, including the whole current chunk. */
  length = 0;
  /** The largest body in bytes. */
  maxLength: number;
  #state = SIZE;
  #digits = 0;
  #size = 0;
  /** Missing bytes of the current chunk. */
  #left = 0;
  #extensions = 0;

  constructor(maxLength: number) {
    this.maxLength = maxLength;
  }

  /** Prepares for the next body. */
  begin(): void {
    this.length = 0;
    this.#extensions = 0;
    this.#beginChunk();
  }

  /**
   * Decodes the bytes from `from` to `end` in place and moves the data together; returns `true` when the
   * last chunk is complete.
   *
   * @throws WireError `BAD_RESPONSE` if the chunks are malformed; `TOO_LARGE`.
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
        expect(byte, LF, "after a chunk size");
        return this.#endSize();
      case DATA_CR:
        expect(byte, CR, "after a chunk");
        this.#state = DATA_LF;
        return;
      case DATA_LF:
        expect(byte, LF, "after a chunk");
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
        throw badChunk("a chunk size is too large");
      }
      return;
    }
    if (this.#digits === 0 || (byte !== CR && byte !== SEMICOLON)) {
      throw badChunk(`byte ${byte} in a chunk size`);
    }
    if (byte === CR) this.#state = SIZE_LF;
    else this.#extend();
  }

  #extensionByte(byte: number): void {
    if (byte === CR) this.#state = SIZE_LF;
    else if ((CLASSES[byte]! & TEXT) !== 0) this.#extend();
    else throw badChunk(`byte ${byte} in a chunk extension`);
  }

  #extend(): void {
    this.#state = EXTENSION;
    if (++this.#extensions > MAX_EXTENSIONS) {
      throw new WireError("TOO_LARGE", "over 16 KiB of chunk extensions");
    }
  }

  #endSize(): void {
    this.length += this.#size;
    if (this.length > this.maxLength) {
      throw new WireError("TOO_LARGE", `a body of over ${this.maxLength} bytes`);
    }
    this.#left = this.#size;
    this.#state = this.#size === 0 ? OVER : DATA;
  }
}

function badChunk(detail: string): WireError {
  return new WireError("BAD_RESPONSE", detail);
}

function expect(byte: number, expected: number, where: string): void {
  if (byte !== expected) throw badChunk(`byte ${byte} instead of a line end ${where}`);
}

/** The value of a hexadecimal digit; negative if the byte is none. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Large enough that few are allocated, small enough that a message in use retains little memory. */
const SLAB_SIZE = 32_768;

/** Larger copies get their own memory, so that little of a slab is wasted at its end. */
const MAX_SLAB_COPY = 8192;

/**
 * Memory for many small copies, shared by any number of connections. Allocating an array costs many times
 * as much as copying a few hundred bytes. In return, a slab lives as long as the last copy in it.
 */
export class Slab {
  /** The array that holds the last copy. Another copy can replace it. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #used = 0;

  /** Copies the bytes from `from` to `to`; returns the index of the copy in {@link bytes}. */
  copy(source: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    const size = to - from;
    let at = this.#used;
    if (at + size > this.bytes.length) {
      this.bytes = new Uint8Array(SLAB_SIZE);
      at = 0;
    }
    this.bytes.set(source.subarray(from, to), at);
    this.#used = at + size;
    return at;
  }

  /** Whether a copy of this size belongs in a slab. */
  takes(size: number): boolean {
    return size <= MAX_SLAB_COPY;
  }
}
