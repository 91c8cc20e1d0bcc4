/** The fixed families of what can go wrong before a response is in; they are the labels in reports. */
export type RequestErrorCode =
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "ENOTFOUND"
  | "EADDRNOTAVAIL"
  | "EMFILE"
  | "CONNECT_TIMEOUT"
  | "HEADERS_TIMEOUT"
  | "BODY_TIMEOUT"
  | "TIMEOUT"
  | "TLS_EXPIRED"
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
  | "BAD_REQUEST";

/** A request that never got its whole response. */
export class RequestError extends Error {
  /** Always `RequestError`. */
  override readonly name = "RequestError";
  /** The family; few and fixed, so it is safe as a label. */
  readonly code: RequestErrorCode;
  /** In upper case. */
  readonly method: string;
  /** Where it was sent, or as the test wrote it where that cannot be requested. */
  readonly url: string;
  /** How often the request had been sent again before it failed. */
  readonly retries: number;

  /** Puts the family first and the request last in the message, `detail` between them. */
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

/** What went wrong on a connection, before anybody says which request it happened to. */
export class WireError extends Error {
  override readonly name = "WireError";
  /** The family that the request's error will be of. */
  readonly code: RequestErrorCode;

  constructor(code: RequestErrorCode, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
