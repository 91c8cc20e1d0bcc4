/**
 * The interface of HTTP transports: native `fetch`, and aiotest's own engine. A transport and its
 * connections belong to one user. Redirects, cookies, names and statistics are the same over every
 * transport, so the session handles them.
 *
 * @module
 */

/** Headers in order; names can be repeated. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** A body; a stream can be sent only once. */
export type WireBody = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;

/** Counts how often a request was sent again after the server may have read it. */
export interface RetryCounter {
  retries: number;
}

/** A request, complete with everything that goes over the wire. */
export interface WireRequest {
  readonly method: string;
  /** Absolute, `http:` or `https:`, without fragment. */
  readonly url: URL;
  /** In the order in which they were given; names in any case. */
  readonly headers: HeaderPairs;
  readonly body: WireBody;
  /** The time limit of the whole exchange, in milliseconds on the transport's clock. */
  readonly deadline: number;
  /** Is increased as soon as the request is sent again, since its user may end before the response. */
  readonly counter: RetryCounter;
}

/** A complete response. */
export interface WireResponse {
  readonly status: number;
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
   * The body without content codings.
   *
   * @throws RequestError if they are corrupt, or if the body is too large without them.
   */
  bytes(): Uint8Array<ArrayBuffer>;
}

/** Sends the requests of one user. */
export interface Transport {
  /** Sends a request; rejects with a RequestError, and nothing else, if no complete response arrives. */
  exchange(request: WireRequest): Promise<WireResponse>;
  /** Ends all pending exchanges with `ABORTED`; later ones are not affected. */
  abort(): void;
  /** Closes the connections; nothing can be sent afterwards. */
  close(): void;
}

/** The default limit of a response body, in bytes. */
export const MAX_BODY_SIZE = 64 * 1024 * 1024;
