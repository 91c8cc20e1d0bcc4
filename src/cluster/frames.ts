/**
 * Frames: messages on a byte stream, each with its length in front.
 *
 * @module
 */

import { ProtocolError } from "./protocol.ts";

/** Bytes in front of each message that hold its length. */
export const LENGTH_BYTES = 4;

/** Bytes that are allocated for a message before any of it has arrived. */
const INITIAL_BUFFER = 16 * 1024;

const EMPTY = new Uint8Array(0);

/**
 * Finds the messages in a stream of bytes, wherever the stream is split. It holds at most one incomplete
 * message, in a buffer that grows with the bytes that have arrived, so a length that claims too much
 * costs little.
 *
 * A length is checked only when its message is requested: the message after the last one of a handshake
 * falls under the limit that applies after the handshake.
 */
export class FrameReader {
  /** The maximum length of a message, in bytes. */
  limit: number;
  /** Bytes that were pushed; those from `#at` on are unread. */
  #bytes: Uint8Array<ArrayBuffer> = EMPTY;
  #at = 0;
  readonly #lengthBytes = new Uint8Array(LENGTH_BYTES);
  #lengthFilled = 0;
  /** The length of the message that is being read; 0 while it is unknown. */
  #length = 0;
  /** The buffer of that message, or of the first part of it. */
  #buffer: Uint8Array<ArrayBuffer> = EMPTY;
  #filled = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes of memory that the message which is being read takes. */
  get heldBytes(): number {
    return this.#buffer.length;
  }

  /**
   * Adds the next bytes of the stream. They must not change, and no more may be pushed, until
   * {@link next} has returned null.
   */
  push(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#at < this.#bytes.length) throw new Error("not all messages have been read");
    this.#bytes = bytes;
    this.#at = 0;
  }

  /**
   * Returns the next message without its length, as a copy; null if more bytes have to be pushed.
   *
   * @throws ProtocolError if a length is not allowed; the rest of the stream is then unusable.
   */
  next(): Uint8Array<ArrayBuffer> | null {
    if (this.#length === 0 && !this.#begin()) return null;
    for (;;) {
      this.#filled += this.#take(this.#buffer, this.#filled);
      if (this.#filled < this.#buffer.length) return null;
      if (this.#filled === this.#length) return this.#finish();
      const larger = new Uint8Array(Math.min(this.#length, 2 * this.#filled));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
  }

  /** Reads a length and allocates a buffer; false if there are too few bytes. */
  #begin(): boolean {
    this.#lengthFilled += this.#take(this.#lengthBytes, this.#lengthFilled);
    if (this.#lengthFilled < LENGTH_BYTES) return false;
    const length = new DataView(this.#lengthBytes.buffer).getUint32(0);
    if (length === 0) throw new ProtocolError("protocol", "An empty message");
    if (length > this.limit) {
      throw new ProtocolError(
        "protocol",
        foreignProtocol(this.#lengthBytes) ??
          `A message of ${length} bytes; at most ${this.limit} are allowed`,
      );
    }
    this.#length = length;
    this.#buffer = new Uint8Array(Math.min(length, INITIAL_BUFFER));
    this.#filled = 0;
    return true;
  }

  #finish(): Uint8Array<ArrayBuffer> {
    const message = this.#buffer;
    this.#buffer = EMPTY;
    this.#length = 0;
    this.#lengthFilled = 0;
    return message;
  }

  /** Copies unread bytes to `into` from offset `from` on, until either is used up; returns how many. */
  #take(into: Uint8Array<ArrayBuffer>, from: number): number {
    const count = Math.min(this.#bytes.length - this.#at, into.length - from);
    into.set(this.#bytes.subarray(this.#at, this.#at + count), from);
    this.#at += count;
    return count;
  }
}

/** Recognizes another protocol by its first bytes; null if it is unknown. */
function foreignProtocol(bytes: Uint8Array<ArrayBuffer>): string | null {
  const text = String.fromCharCode(...bytes);
  if (text.startsWith("\x16\x03")) {
    return "The peer uses TLS: if workers have --tls-ca, the master needs --tls-cert";
  }
  return /^(?:GET |HEAD|POST|PUT |OPTI|CONN|DELE|PRI )$/.test(text)
    ? "The peer uses HTTP, but this port is for workers"
    : null;
}

/** Puts byte arrays together; a single one is returned itself, not as a copy. */
export function concatenated(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
