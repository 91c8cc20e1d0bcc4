/**
 * The interface of HTTP transports: native `fetch`, and aiotest's own engine. A transport and its
 * connections belong to one user. Redirects, cookies, names and statistics are the same over every
 * transport, so the session handles them.
 *
 * @module
 */

import type { SocketFacts } from "../net/socket.ts";
import type { RequestError } from "./request_error.ts";

/** Headers in order; names can be repeated. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** A body; a stream can be sent only once. */
export type WireBody = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;

/**
 * Where the time of one sample went: all of its exchanges together, with redirects. All times are
 * milliseconds.
 */
export class ExchangePhases {
  /** Connections that were opened for it; -1 if the transport cannot tell. */
  opened = 0;
  /** Looking up the address; -1 if that was not necessary. */
  dnsMs = -1;
  /** Opening TCP connections; -1 if none was opened. */
  connectMs = -1;
  /** TLS handshakes; -1 if there was none. */
  tlsMs = -1;
  /** From sending the request to the first byte of the response; -1 if no byte arrived. */
  ttfbMs = -1;
  /** From the first to the last byte of the response; -1 if no byte arrived. */
  downloadMs = -1;

  /** Counts a connection. @param tlsMs -1 if that did not happen, as all three. */
  addConnection(dnsMs: number, connectMs: number, tlsMs: number): void {
    this.opened++;
    this.dnsMs = sum(this.dnsMs, dnsMs);
    this.connectMs = sum(this.connectMs, connectMs);
    this.tlsMs = sum(this.tlsMs, tlsMs);
  }

  /** What has been added since a moment at which it was `before`. */
  since(before: ExchangePhases): ExchangePhases {
    const added = new ExchangePhases();
    added.opened = this.opened - before.opened;
    for (const phase of ["dnsMs", "connectMs", "tlsMs", "ttfbMs", "downloadMs"] as const) {
      if (this[phase] > before[phase]) added[phase] = this[phase] - Math.max(0, before[phase]);
    }
    return added;
  }

  /** Adds the times of a response, or of the part of it that arrived. */
  addResponse(ttfbMs: number, downloadMs: number): void {
    this.ttfbMs = sum(this.ttfbMs, ttfbMs);
    this.downloadMs = sum(this.downloadMs, downloadMs);
  }
}

/** The sum of two times, each of which is -1 if it does not exist. */
function sum(first: number, second: number): number {
  if (first < 0) return second;
  return second < 0 ? first : first + second;
}

/** How a request was sent on one connection. */
export interface WireAttempt {
  /** The request line and all headers as they were sent, without the empty line. */
  readonly head: string;
  /** What is known about the connection. */
  readonly connection: SocketFacts;
  /** Whether the connection had been used before. */
  readonly isReused: boolean;
  /** Why there was no complete response on it; `null` if there was one. */
  readonly failure: string | null;
}

/** Learns how an exchange goes over the wire. */
export interface WireWitness {
  /** Is called for each connection that the request was sent on, before the exchange ends. */
  carried(attempt: WireAttempt): void;
}

/** What bodies contain that people cannot read, as JSON. */
export interface BodyTexts {
  /** What was sent. */
  sent(): string;
  /** What was received; `null` if that is not known. */
  received(response: WireResponse): string | null;
}

/** Gets what an exchange has to say about its sample besides the response. */
export interface ExchangeCounter {
  /** For outputs that show exchanges. */
  readonly texts?: BodyTexts;
  /** Of exchanges that are observed, in order; the last one is under way. */
  readonly exchanges?: readonly WireWitness[] | null;
  /** Is increased as soon as the request is sent again after the server may have read it. */
  retries: number;
  /**
   * `null` in the plain case: one connection that was open already, and a response whose first read
   * brought all of it.
   */
  phases: ExchangePhases | null;
}

/** How a reader steers the response that it reads. */
export interface BodyFlow {
  /** Stops reading: the server has to wait as soon as all buffers are full. What is under way still arrives. */
  pause(): void;
  /** Reads again. */
  resume(): void;
  /** Ends the exchange at once: its request fails with `ABORTED`. Does nothing if it has ended. */
  cancel(): void;
}

/** Reads a response while it arrives. Its methods must not throw. */
export interface BodyReader {
  /**
   * The head of the response has arrived; interim responses do not count. Called once, and before the request has
   * {@link WireRequest.received} the response.
   *
   * @param response without a body.
   * @param flow until the exchange ends.
   * @returns whether to hand the body over as it arrives. If not, it is kept for the response, as it is without a
   *   reader; a redirect, for example.
   */
  begun(response: WireResponse, flow: BodyFlow): boolean;
  /**
   * The next bytes of the body, which belong to the reader. They have the response's
   * {@link WireResponse.contentCoding}.
   */
  piece(bytes: Uint8Array<ArrayBuffer>): void;
  /** For outputs that show what was read: `null` before the response has begun. Missing if nothing is shown. */
  readonly view?: StreamView | null;
}

/** What outputs can show of a response that is read while it arrives. */
export interface StreamView {
  /** With the beginning of its body. */
  readonly response: WireResponse;
  /** Whether its reader has ended it. */
  readonly isLeft: boolean;
  /** Why it has failed, if the reader knows better than the transport; else `null`. */
  readonly failure: RequestError | null;
  /** Is called once when all of the body is decoded, or when that has failed. */
  onSettled: () => void;
}

/**
 * A request, complete with everything that goes over the wire, which learns how it ends: exactly one of its
 * two methods is called, once.
 *
 * It has methods instead of a promise because the promise of each layer would take longer than parsing the
 * response.
 */
export interface WireRequest {
  readonly method: string;
  /** Absolute, `http:` or `https:`, without fragment. */
  readonly url: URL;
  /** In the order in which they were given; names in any case. */
  readonly headers: HeaderPairs;
  readonly body: WireBody;
  /** Reads the response while it arrives; `null` if only the complete response is wanted. */
  readonly reader: BodyReader | null;
  /**
   * The time limit of the whole exchange, in milliseconds on the transport's clock. A {@link reader} can change it
   * when the response has begun.
   */
  readonly deadline: number;
  /** When it began, in milliseconds on the transport's clock. */
  readonly sentAt: number;
  /** Is written during the exchange, since its user may end before the response. */
  readonly counter: ExchangeCounter;
  /** Handles the complete response. */
  received(response: WireResponse): void;
  /** Handles the failure, if no complete response arrives. */
  failed(error: RequestError): void;
}

/** A complete response. */
export interface WireResponse {
  readonly status: number;
  /** Each byte of a value is one character. */
  readonly headers: Headers;
  /** All `Set-Cookie` values, mostly none. Reading them does not build {@link headers}. */
  readonly setCookies: readonly string[];
  /** The size of the body in bytes, as sent over the wire if the transport can tell. */
  readonly bytesReceived: number;
  /** The number of bytes of the request body that were sent. */
  readonly bytesSent: number;
  /** When the last byte arrived, in milliseconds on the transport's clock. */
  readonly endedAt: number;
  /**
   * The head as it arrived, from the status line to the last header; each byte is one character. Missing if the
   * transport does not know it.
   */
  head?(): string;
  /** The values of all `Location` headers. */
  locations(): readonly string[];
  /** The codings of the body as a {@link BodyReader} gets it, in the order in which they were applied; `null` for none. */
  contentCoding(): string | null;
  /** The headers in order, with names in lower case. Missing if the transport does not know them. */
  readonly fields?: HeaderPairs;
  /** The fields after the body, with names in lower case. Missing if the transport does not know them. */
  readonly trailers?: HeaderPairs;
  /**
   * The body without content codings; empty if it was handed over to a reader.
   *
   * @throws RequestError if they are corrupt, or if the body is too large without them.
   */
  bytes(): Uint8Array<ArrayBuffer>;
  /**
   * The body without content codings, as text in its charset.
   *
   * @throws RequestError as {@link bytes}, and `BAD_ENCODING` if the charset is unknown.
   */
  text(): string;
}

/** Sends the requests of one user. */
export interface Transport {
  /** Sends a request. Its methods can be called before this returns. */
  exchange(request: WireRequest): void;
  /** Ends all pending exchanges with `ABORTED`; later ones are not affected. */
  abort(): void;
  /**
   * Ends all pending exchanges with `ABORTED`, and closes the connections at once. A later exchange opens its
   * own.
   */
  close(): void;
}

/** The default limit of a response body, in bytes. */
export const MAX_BODY_SIZE = 64 * 1024 * 1024;
