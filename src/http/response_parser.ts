/**
 * Responses of HTTP/1.1 servers: bytes in, messages out.
 *
 * @module
 */

import { ChunkedBody } from "./chunked_body.ts";
import { HeadReader } from "./head_reader.ts";
import { ReceivedMessage } from "./received_message.ts";
import { Slab } from "./slab.ts";
import { WireError } from "./wire_error.ts";
import type { WireMessage } from "./wire_message.ts";

const MAX_INTERIM = 100;
const NOTHING = new Uint8Array(0);

/** What the next byte belongs to; a body is of a length, of chunks, or all of the stream. */
type State = "head" | "length" | "chunks" | "trailers" | "stream" | "complete";

/**
 * Parses one connection's responses, one after the other. It keeps none of the bytes that it is fed,
 * only copies; and whatever it makes of them does not depend on how they are cut.
 *
 * ```ts
 * import { ResponseParser } from "./response_parser.ts";
 * import assert from "node:assert/strict";
 *
 * const bytes = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
 * const parser = new ResponseParser(1_000_000);
 * parser.begin("GET");
 * assert.equal(parser.feed(bytes, bytes.length), true);
 * assert.equal(parser.message.status, 200);
 * assert.equal(new TextDecoder().decode(parser.message.body[0]), "hi");
 * assert.equal(parser.message.reusable, true);
 * ```
 */
export class ResponseParser {
  /** Whether a byte of this response has come. */
  started = false;
  /** How often the server has said `100 Continue`. */
  continues = 0;
  /** Whether there were bytes behind the response, which nobody has asked for. */
  surplus = false;
  readonly #maxBodySize: number;
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
  #bodyLength = 0;
  /** Bytes that the body lacks; Infinity where they cannot be known. */
  #left = 0;
  #message: WireMessage | null = null;

  /**
   * @param maxBodySize bytes that a body may have.
   * @param slab for the copies of what is small; several parsers may share one.
   */
  constructor(maxBodySize: number, slab: Slab = new Slab()) {
    this.#maxBodySize = maxBodySize;
    this.#slab = slab;
    this.#chunks = new ChunkedBody(maxBodySize);
  }

  /** The response, once it is complete. */
  get message(): WireMessage {
    if (this.#message === null) throw new Error("There is no complete response");
    return this.#message;
  }

  /** Makes ready for the response to a request of that method, whatever came of the one before. */
  begin(method: string): void {
    this.forget();
    this.started = false;
    this.continues = 0;
    this.surplus = false;
    this.#method = method;
    this.#state = "head";
    this.#interim = 0;
  }

  /** Lets go of the {@link message}, so that an idle connection does not keep it in memory. */
  forget(): void {
    this.#message = null;
    this.#head = NOTHING;
    if (this.#pieces.length > 0) this.#pieces = [];
    this.#reader.begin();
  }

  /**
   * Takes the first `length` of the `bytes`; true when the response is complete.
   *
   * @throws WireError `BAD_RESPONSE` or `TOO_LARGE`; the connection is of no more use then.
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
   * The stream has ended; true when that completes the response.
   *
   * @throws WireError `ECONNRESET` before the body, `INCOMPLETE_BODY` inside of it.
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
            ? "the server closed the connection inside the response's head"
            : "the server closed the connection before it sent any byte of a response",
        );
      case "length": {
        const all = this.#bodyLength + this.#left;
        throw incomplete(`after ${this.#bodyLength} of ${all} bytes`);
      }
      default:
        throw incomplete("before its last chunk was over");
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
      throw new WireError("BAD_RESPONSE", "the server switched protocols, which nobody asked for");
    }
    if (++this.#interim > MAX_INTERIM) {
      throw new WireError("BAD_RESPONSE", `over ${MAX_INTERIM} interim responses`);
    }
    if (status === 100) this.continues++;
    this.#reader.begin();
  }

  /** The final head ends at `headEnd`; what stands behind it is of the body. */
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
    this.#left = Infinity;
    // What comes behind the head of an answer to CONNECT is the tunnel's.
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

  /** Takes what is a copy already, and all of it the body's. */
  #feedBody(own: Uint8Array<ArrayBuffer>): boolean {
    if (this.#state === "chunks") return this.#feedChunks(own);
    if (own.length > 0) this.#pieces.push(own);
    this.#bodyLength += own.length;
    this.#left -= own.length;
    this.#checkSize(this.#bodyLength);
    return this.#left === 0 && this.#complete(true, this.#pieces);
  }

  #feedChunks(own: Uint8Array<ArrayBuffer>): boolean {
    const chunks = this.#chunks;
    const over = chunks.decode(own, 0, own.length);
    if (chunks.dataEnd > chunks.dataStart) {
      this.#pieces.push(own.subarray(chunks.dataStart, chunks.dataEnd));
    }
    if (!over) return false;
    this.#bodyLength = chunks.length;
    this.#state = "trailers";
    this.#reader.beginTrailers();
    return this.#feedTrailers(own, chunks.at, own.length);
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
    // They are the message's from now on.
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
    if (size > this.#maxBodySize) {
      throw new WireError("TOO_LARGE", `a body of over ${this.#maxBodySize} bytes`);
    }
  }

  #copy(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): Uint8Array<ArrayBuffer> {
    if (!this.#slab.takes(to - from)) return bytes.slice(from, to);
    const at = this.#slab.copy(bytes, from, to);
    return this.#slab.bytes.subarray(at, at + to - from);
  }
}

function incomplete(where: string): WireError {
  return new WireError("INCOMPLETE_BODY", `the server closed the connection in the body, ${where}`);
}
