/**
 * What carries one HTTP exchange: native `fetch`, or an engine of our own. A transport belongs to one
 * user, and so do its connections.
 *
 * It knows nothing of redirects, cookies, names or counts: those are the same over every transport,
 * and live above it.
 *
 * @module
 */

/** Headers in their order; a name may come more than once. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** What can be sent; a stream can be sent only once. */
export type WireBody = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;

/** A request with everything in it that goes over the wire. */
export interface WireRequest {
  readonly method: string;
  /** Absolute, `http:` or `https:`, without fragment. */
  readonly url: URL;
  /** In the order in which they were given; names in any case. */
  readonly headers: HeaderPairs;
  readonly body: WireBody;
  /** When the whole exchange must be over, in milliseconds on the transport's clock. */
  readonly deadline: number;
}

/** A response whose whole body is in. */
export interface WireResponse {
  readonly status: number;
  readonly headers: Headers;
  /** Every `Set-Cookie`, known without building {@link headers}; mostly none. */
  readonly setCookies: readonly string[];
  /** Bytes of the body, as they came over the wire where the transport can tell. */
  readonly bytesReceived: number;
  /** Bytes of the request's body that were sent. */
  readonly bytesSent: number;
  /** How often the request was sent again before this response came. */
  readonly retries: number;
  /** When the last byte came, in milliseconds on the transport's clock. */
  readonly endedAt: number;
  /** The body with its content codings undone; rejects with a RequestError where they are corrupt. */
  bytes(): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;
}

/** One user's way to send requests. */
export interface Transport {
  /** Rejects with a RequestError, and nothing else, where no whole response comes. */
  exchange(request: WireRequest): Promise<WireResponse>;
  /** Ends every exchange under way with `ABORTED`; later ones are served as before. */
  abort(): void;
  /** Closes the connections; nothing may be sent afterwards. */
  close(): void;
}

/** Bytes that a response's body may have where nobody says otherwise. */
export const MAX_BODY_SIZE = 64 * 1024 * 1024;
