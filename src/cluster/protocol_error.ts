import type { ErrorCode } from "./message.ts";

/** What ends a connection: the peer is told, and the connection closed. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, text: string) {
    super(text);
    this.code = code;
  }
}
