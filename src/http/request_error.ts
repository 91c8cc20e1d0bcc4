/**
 * The errors of requests.
 *
 * @module
 */

/** The fixed set of error codes of requests without a complete response. */
export type RequestErrorCode =
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "ENOTFOUND"
  | "EADDRNOTAVAIL"
  | "EMFILE"
  | "ENOBUFS"
  | "CONNECT_TIMEOUT"
  | "HEADERS_TIMEOUT"
  | "BODY_TIMEOUT"
  | "TIMEOUT"
  | "TLS_EXPIRED"
  | "TLS_CLIENT_CERT"
  | "TLS_HOSTNAME"
  | "TLS_UNTRUSTED"
  | "TLS"
  | "BAD_RESPONSE"
  | "INCOMPLETE_BODY"
  | "BAD_ENCODING"
  | "TOO_LARGE"
  | "TOO_MANY_REDIRECTS"
  | "BAD_REDIRECT"
  | "ABORTED"
  | "BAD_REQUEST"
  | "WS_REFUSED"
  | "WS_CLOSED";

/**
 * The error of a request without a complete response: no connection, a timeout, an invalid response.
 *
 * ```ts
 * import { FastHttpUser, RequestError } from "aiotest";
 *
 * export class PollTest extends FastHttpUser {
 *   async testPoll(): Promise<void> {
 *     try {
 *       await this.session.get("/poll", { timeout: 5 });
 *     } catch (error) {
 *       // The timeout is counted as a failure, but the test continues.
 *       if (!(error instanceof RequestError) || error.code !== "TIMEOUT") throw error;
 *     }
 *   }
 * }
 * ```
 */
export class RequestError extends Error {
  /** Always `RequestError`. */
  override readonly name = "RequestError";
  /** Always 0, where a response has its HTTP status code. */
  readonly status = 0;
  /** The error code, under which reports count the failure. */
  readonly code: RequestErrorCode;
  /** The HTTP method in upper case. */
  readonly method: string;
  /** The URL of the request; as written in the test if it is invalid. */
  readonly url: string;
  /** How often the request was sent again after the server may have read it, before it failed. */
  readonly retries: number;

  /** The message consists of code, `detail` and request. */
  constructor(
    code: RequestErrorCode,
    method: string,
    url: string,
    detail: string,
    cause?: unknown,
    retries = 0,
  ) {
    super(`${code}: ${detail} (${method} ${url})`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.method = method;
    this.url = url;
    this.retries = retries;
  }
}

/** An error on a connection that is not assigned to a request yet. */
export class WireError extends Error {
  override readonly name = "WireError";
  /** The code of the request's error. */
  readonly code: RequestErrorCode;

  constructor(code: RequestErrorCode, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
