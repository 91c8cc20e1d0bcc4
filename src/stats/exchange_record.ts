/**
 * Exchanges of requests and responses as plain data, for outputs that show them.
 *
 * @module
 */

/** A body, as it is shown. */
export interface BodyRecord {
  /** Its text, in a readable form and without secrets; `null` if it is not text, or is not known. */
  readonly text: string | null;
  /** Whether {@link text} is only its beginning. */
  readonly isCut: boolean;
  /** What it is if it has no text, such as `image/png`. */
  readonly what: string;
  /** Its size, without content codings; -1 if it is not known. */
  readonly bytes: number;
  /** Its size as it was sent. */
  readonly wireBytes: number;
  /** Its content coding, such as `gzip`; empty without one. */
  readonly coding: string;
  /** If it was read as a stream of events: how many there were; else missing. */
  readonly events?: number;
  /** Whether the test did not want all of it. */
  readonly isLeft?: boolean;
}

/** A connection that an exchange used. */
export interface ConnectionRecord {
  /** Address and port of the other side; `null` if they are not known. */
  readonly remote: string | null;
  readonly isReused: boolean;
  /** Facts about its TLS, such as its version; empty without TLS, and if nothing is known about it. */
  readonly tls: readonly string[];
  /** Why there was no complete response on it; `null` if there was one. */
  readonly failure: string | null;
}

/** One exchange, without secrets unless they were asked for. All times are milliseconds, -1 for what did not happen. */
export interface ExchangeRecord {
  readonly method: string;
  readonly url: string;
  /** The request line and the headers: as they were sent, as far as that is known. */
  readonly requestHead: readonly string[];
  /** Whether that is all that was sent. If not, {@link note} says why. */
  readonly note: string;
  readonly requestBody: BodyRecord | null;
  /** 0 without a response. */
  readonly status: number;
  /** The status line and the headers; empty without a response. */
  readonly responseHead: readonly string[];
  readonly responseBody: BodyRecord | null;
  /** Why there is no response; `null` if there is one. */
  readonly error: string | null;
  readonly connections: readonly ConnectionRecord[];
  /** The cookies that the response has set. */
  readonly cookies: readonly string[];
  readonly isSecure: boolean;
  readonly dnsMs: number;
  readonly connectMs: number;
  readonly tlsMs: number;
  readonly firstByteMs: number;
  readonly downloadMs: number;
  readonly totalMs: number;
}
