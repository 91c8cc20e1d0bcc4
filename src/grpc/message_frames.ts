/**
 * Messages of gRPC as bodies of HTTP carry them: each with a prefix of five bytes, which says whether it is
 * compressed, and how long it is.
 *
 * @module
 */

import { WireError } from "../http/request_error.ts";

const PREFIX = 5;

/** A message with its prefix. */
export function framedMessage(
  message: Uint8Array,
  isCompressed: boolean,
): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(PREFIX + message.length);
  framed[0] = isCompressed ? 1 : 0;
  writeLength(framed, message.length);
  framed.set(message, PREFIX);
  return framed;
}

function writeLength(framed: Uint8Array, length: number): void {
  framed[1] = length >>> 24;
  framed[2] = length >>> 16;
  framed[3] = length >>> 8;
  framed[4] = length;
}

/** Handles each message, as it was sent. */
export type OnMessage = (message: Uint8Array, isCompressed: boolean) => void;

/** Finds the messages in a body that arrives in pieces. */
export class MessageReader {
  readonly #maxSize: number;
  readonly #onMessage: OnMessage;
  readonly #prefix = new Uint8Array(PREFIX);
  /** How much of the prefix has arrived. */
  #prefixLength = 0;
  /** `null` while the prefix is incomplete. */
  #message: Uint8Array | null = null;
  #length = 0;

  /** @param maxSize of a message, in bytes. */
  constructor(maxSize: number, onMessage: OnMessage) {
    this.#maxSize = maxSize;
    this.#onMessage = onMessage;
  }

  /** Whether the last message is complete. */
  get isComplete(): boolean {
    return this.#prefixLength === 0;
  }

  /**
   * Reads a piece, which can begin and end anywhere. The messages that are handled may be parts of it.
   *
   * @throws WireError `BAD_RESPONSE` if a prefix is invalid; `TOO_LARGE` if a message is.
   */
  feed(piece: Uint8Array): void {
    let at = 0;
    while (at < piece.length) {
      at = this.#message === null ? this.#feedPrefix(piece, at) : this.#feedMessage(piece, at);
    }
  }

  #feedPrefix(piece: Uint8Array, at: number): number {
    const prefix = this.#prefix;
    while (this.#prefixLength < PREFIX && at < piece.length) {
      prefix[this.#prefixLength++] = piece[at++]!;
    }
    if (this.#prefixLength < PREFIX) return at;
    const [flag, a, b, c, d] = prefix as unknown as [number, number, number, number, number];
    const size = a * 2 ** 24 + (b << 16) + (c << 8) + d;
    if (flag > 1) {
      throw new WireError("BAD_RESPONSE", `a message that begins with the byte ${flag}`);
    }
    this.checkSize(size);
    const end = at + size;
    if (end <= piece.length) {
      this.#prefixLength = 0;
      this.#onMessage(piece.subarray(at, end), flag === 1);
      return end;
    }
    this.#message = new Uint8Array(size);
    this.#length = 0;
    return at;
  }

  #feedMessage(piece: Uint8Array, at: number): number {
    const message = this.#message!;
    const end = Math.min(piece.length, at + message.length - this.#length);
    message.set(piece.subarray(at, end), this.#length);
    this.#length += end - at;
    if (this.#length < message.length) return end;
    this.#message = null;
    this.#prefixLength = 0;
    this.#onMessage(message, this.#prefix[0] === 1);
    return end;
  }

  /** @throws WireError `TOO_LARGE` if a message of this size is too large. */
  checkSize(size: number): void {
    if (size <= this.#maxSize) return;
    throw new WireError(
      "TOO_LARGE",
      `a message of ${size} bytes; maxMessageSize is ${this.#maxSize}`,
    );
  }
}
