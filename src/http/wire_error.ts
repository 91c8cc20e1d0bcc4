import type { RequestErrorCode } from "./request_error.ts";

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
