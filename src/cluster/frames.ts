import { ProtocolError } from "./protocol.ts";

/** Bytes in front of each message that say how long it is. */
export const LENGTH_BYTES = 4;

/** Bytes for which room is made before any of them has come. */
const FIRST_ROOM = 16 * 1024;

const NOTHING = new Uint8Array(0);

/**
 * Finds the messages in a stream of bytes, however it is cut. It holds no more than one unfinished
 * message, in room that grows with what has come of it: whatever a length claims costs little.
 *
 * A length is judged only when its message is asked for: what comes right behind the message that ends
 * a handshake falls under the limit that holds after it.
 */
export class FrameReader {
  /** Bytes that a message may have. */
  limit: number;
  /** What was pushed and is not taken yet. */
  #bytes: Uint8Array<ArrayBuffer> = NOTHING;
  #at = 0;
  readonly #lengthBytes = new Uint8Array(LENGTH_BYTES);
  #lengthFilled = 0;
  /** Bytes of the message that is being put together; 0 while that is not known. */
  #length = 0;
  /** Room for that message, or for the first part of it. */
  #room: Uint8Array<ArrayBuffer> = NOTHING;
  #filled = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * Hands in the next bytes of the stream, which must stay as they are until {@link next} has said
   * null: not before that may more be pushed.
   */
  push(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#at < this.#bytes.length) throw new Error("There are messages left to take");
    this.#bytes = bytes;
    this.#at = 0;
  }

  /**
   * The next message, without its length and in bytes of its own; null where more has to be pushed.
   *
   * @throws ProtocolError for a length that is not allowed; the stream is of no more use then.
   */
  next(): Uint8Array<ArrayBuffer> | null {
    if (this.#length === 0 && !this.#begin()) return null;
    for (;;) {
      this.#filled += this.#take(this.#room, this.#filled);
      if (this.#filled < this.#room.length) return null;
      if (this.#filled === this.#length) return this.#finish();
      const larger = new Uint8Array(Math.min(this.#length, 2 * this.#filled));
      larger.set(this.#room);
      this.#room = larger;
    }
  }

  /** Reads a length and makes room; false where there are too few bytes for that. */
  #begin(): boolean {
    this.#lengthFilled += this.#take(this.#lengthBytes, this.#lengthFilled);
    if (this.#lengthFilled < LENGTH_BYTES) return false;
    const length = new DataView(this.#lengthBytes.buffer).getUint32(0);
    if (length === 0) throw new ProtocolError("protocol", "An empty message");
    if (length > this.limit) {
      throw new ProtocolError(
        "protocol",
        foreignSpeech(this.#lengthBytes) ??
          `A message of ${length} bytes, where ${this.limit} are allowed`,
      );
    }
    this.#length = length;
    this.#room = new Uint8Array(Math.min(length, FIRST_ROOM));
    this.#filled = 0;
    return true;
  }

  #finish(): Uint8Array<ArrayBuffer> {
    const message = this.#room;
    this.#room = NOTHING;
    this.#length = 0;
    this.#lengthFilled = 0;
    return message;
  }

  /** Copies as many bytes as there are and as are missing behind `from`; returns how many. */
  #take(into: Uint8Array<ArrayBuffer>, from: number): number {
    const count = Math.min(this.#bytes.length - this.#at, into.length - from);
    into.set(this.#bytes.subarray(this.#at, this.#at + count), from);
    this.#at += count;
    return count;
  }
}

/** What a peer speaks whose first bytes are no length; null where nobody knows. */
function foreignSpeech(bytes: Uint8Array<ArrayBuffer>): string | null {
  const text = String.fromCharCode(...bytes);
  if (text.startsWith("\x16\x03")) {
    return "It speaks TLS: where workers have --tls-ca, the master needs --tls-cert";
  }
  return /^(?:GET |HEAD|POST|PUT |OPTI|CONN|DELE|PRI )$/.test(text)
    ? "It speaks HTTP, and this is where workers come in"
    : null;
}
