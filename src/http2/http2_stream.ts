/**
 * One exchange on a connection of HTTP/2.
 *
 * @module
 */

import type { Timer } from "../core/clock.ts";
import type { RequestTarget } from "../http/request_encoder.ts";
import { type RequestErrorCode, WireError } from "../http/request_error.ts";
import type { Slab } from "../http/response_parser.ts";
import type { SocketTransport } from "../http/socket_transport.ts";
import type { BodyFlow, BodyReader, HeaderPairs, WireRequest } from "../http/transport.ts";
import type { BodySender } from "./body_sender.ts";
import type { ResponseHead } from "./response_head.ts";

/** Whose requests are sent. */
export interface PoolUser {
  /** For servers that do not speak HTTP/2; `null` if there must be none. */
  readonly http1: SocketTransport | null;
}

/** A request of a user, and where it goes. */
export interface PoolRequest {
  readonly user: PoolUser;
  readonly request: WireRequest;
  readonly target: RequestTarget;
  /** How often it was sent before. */
  readonly attempts: number;
}

/** What a stream needs of its connection. */
export interface StreamOwner {
  /** The stream was paused, or resumed. */
  steered(stream: Http2Stream): void;
  /** Ends the stream, and tells the server so. */
  cancel(stream: Http2Stream, failure: WireError): void;
}

const NO_PIECES: Uint8Array<ArrayBuffer>[] = [];

/** One exchange. Times are milliseconds on the clock of the node. */
export class Http2Stream implements BodyFlow {
  readonly id: number;
  /** What it was started for. */
  readonly item: PoolRequest;
  /** The time limit of its current phase. */
  deadline = Infinity;
  /** The error code if {@link deadline} passes. */
  limit: RequestErrorCode = "TIMEOUT";
  /** `null` until the response has begun; interim responses do not count. */
  head: ResponseHead | null = null;
  /** What arrived after the body. */
  trailers: HeaderPairs = NO_TRAILERS;
  /** Contains the body, if it came in one piece, from {@link wholeStart} on; else `null`. */
  whole: Uint8Array<ArrayBuffer> | null = null;
  wholeStart = 0;
  /** Gets the body as it arrives; `null` if it is kept here. */
  reader: BodyReader | null = null;
  /** Whether the server gets no more room for the body. */
  isPaused = false;
  bodyLength = 0;
  /** Bytes of the request's body that were sent. */
  bodySent = 0;
  /** Whether the whole request was sent. */
  isSent = false;
  /** Whether the whole response was received. */
  isReceived = false;
  /** Whether its connection had completed another exchange before. */
  readonly wasUsed: boolean;
  readonly sentAt: number;
  /** When the response began; 0 if it began and ended with the same read. */
  firstByteAt = 0;
  /** How many bytes of the body may still be sent. */
  sendWindow: number;
  /** Bytes received since the server was last told that it may send more. */
  unacknowledged = 0;
  /** Sends the request's body; `null` without one. */
  sender: BodySender | null = null;
  /** Ends the wait for `100 Continue`. */
  continueTimer: Timer | null = null;
  /** The next one in the same place of a {@link StreamTable}, which alone changes it. */
  next: Http2Stream | null = null;
  /** The connection that it belongs to. */
  readonly owner: StreamOwner;
  /** The body, unless it is {@link whole}. */
  #pieces: Uint8Array<ArrayBuffer>[] = NO_PIECES;

  constructor(
    owner: StreamOwner,
    id: number,
    item: PoolRequest,
    sentAt: number,
    sendWindow: number,
    wasUsed: boolean,
  ) {
    this.owner = owner;
    this.id = id;
    this.item = item;
    this.sentAt = sentAt;
    this.sendWindow = sendWindow;
    this.wasUsed = wasUsed;
  }

  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.owner.steered(this);
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.owner.steered(this);
  }

  cancel(): void {
    this.owner.cancel(this, new WireError("ABORTED", "its reader wants no more of it"));
  }

  /** The pieces of the body. */
  get body(): readonly Uint8Array<ArrayBuffer>[] {
    if (this.whole === null) return this.#pieces;
    return [this.whole.subarray(this.wholeStart, this.wholeStart + this.bodyLength)];
  }

  /** Keeps a copy of the next piece of the body. */
  keep(slab: Slab, bytes: Uint8Array<ArrayBuffer>, from: number, to: number): void {
    if (this.bodyLength === 0 && slab.takes(to - from)) {
      this.wholeStart = slab.copy(bytes, from, to);
      this.whole = slab.bytes;
    } else {
      // Only now, as an array that grows takes room for many pieces.
      if (this.#pieces === NO_PIECES) this.#pieces = [...this.body];
      this.whole = null;
      this.#pieces.push(copyOf(slab, bytes, from, to));
    }
    this.bodyLength += to - from;
  }

  /** Ends it because {@link deadline} has passed. */
  expire(): void {
    this.deadline = Infinity;
    const text = LIMIT_TEXTS[this.limit] ?? "no complete response in time";
    this.owner.cancel(this, new WireError(this.limit, text));
  }
}

function copyOf(
  slab: Slab,
  bytes: Uint8Array<ArrayBuffer>,
  from: number,
  to: number,
): Uint8Array<ArrayBuffer> {
  if (!slab.takes(to - from)) return bytes.slice(from, to);
  const at = slab.copy(bytes, from, to);
  return slab.bytes.subarray(at, at + to - from);
}

const NO_TRAILERS: HeaderPairs = [];

const LIMIT_TEXTS: Partial<Record<RequestErrorCode, string>> = {
  HEADERS_TIMEOUT: "no response in time",
  BODY_TIMEOUT: "no further part of the body in time",
};
