/**
 * What a server must not do with HTTP/2, and checks of single frames.
 *
 * @module
 */

import { ERROR } from "./frames.ts";

/** What a server does wrong so that its connection cannot go on. */
export class ConnectionError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export function protocolError(message: string): ConnectionError {
  return new ConnectionError(ERROR.protocol, message);
}

/** @throws ConnectionError if a frame does not have the one length that it can have. */
export function expectLength(frame: string, length: number, expected: number): void {
  if (length === expected) return;
  throw new ConnectionError(ERROR.frameSize, `a ${frame} frame of ${length} bytes`);
}

/**
 * The payload of a padded frame without its padding.
 *
 * @throws ConnectionError if the padding is longer than the frame.
 */
export function unpadded(
  bytes: Uint8Array,
  start: number,
  end: number,
): [from: number, to: number] {
  const padding = start < end ? bytes[start]! : 0;
  if (start === end || start + 1 + padding > end) {
    throw protocolError("padding that is longer than its frame");
  }
  return [start + 1, end - padding];
}
