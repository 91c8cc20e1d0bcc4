/**
 * The frames that a connection of HTTP/2 sends. Those of one turn are one write, and with TLS one record.
 *
 * @module
 */

import type { Socket } from "../net/socket.ts";
import { FRAME, HEAD_LENGTH, headersLength, writeFrameHead, writeHeaders } from "./frames.ts";

/** Enough for the requests of a turn, mostly. */
const FIRST_SIZE = 256;

/** The memory that a connection keeps. Thousands may have sent bodies. */
const MAX_KEPT = 4096;

/** Larger writes bring nothing, and what the socket has not got cannot tell how far sending has come. */
const MAX_TOGETHER = 16_384;

const NOTHING = new Uint8Array(0);

/** Gathers frames until the end of the current turn. */
export class OutgoingFrames {
  readonly #socket: Socket;
  /** The memory for them. It is used again when the socket has sent them. */
  #bytes: Uint8Array<ArrayBuffer> = NOTHING;
  #length = 0;
  /** The beginning of {@link #bytes} that was written last: the next write is often as long. */
  #written: Uint8Array<ArrayBuffer> = NOTHING;
  #isDue = false;
  #isStopped = false;
  readonly #onDue = (): void => {
    this.#isDue = false;
    this.flush();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Adds complete frames. */
  add(frames: Uint8Array): void {
    const at = this.#reserve(frames.length);
    this.#bytes.set(frames, at);
  }

  /** Adds a block of headers as {@link writeHeaders} writes it. */
  addHeaders(block: Uint8Array, stream: number, flags: number, maxPayload: number): void {
    const at = this.#reserve(headersLength(block, maxPayload));
    writeHeaders(this.#bytes, at, block, stream, flags, maxPayload);
  }

  /** Adds a DATA frame. */
  addData(content: Uint8Array, stream: number, flags: number): void {
    const at = this.#reserve(HEAD_LENGTH + content.length);
    writeFrameHead(this.#bytes, at, FRAME.data, flags, stream, content.length);
    this.#bytes.set(content, at + HEAD_LENGTH);
    if (this.#length >= MAX_TOGETHER) this.flush();
  }

  /** Writes what was added. */
  flush(): void {
    const length = this.#length;
    this.#length = 0;
    if (length === 0 || this.#isStopped) return;
    const bytes = this.#bytes;
    if (this.#written.length !== length || this.#written.buffer !== bytes.buffer) {
      this.#written = bytes.subarray(0, length);
    }
    const written = this.#written;
    if (bytes.length > MAX_KEPT) this.#bytes = this.#written = NOTHING;
    this.#socket.write(written);
  }

  /** Writes nothing more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Returns where the next bytes go. */
  #reserve(count: number): number {
    if (this.#length > 0 && this.#length + count > MAX_TOGETHER) this.flush();
    const at = this.#length;
    const size = at + count;
    if (at === 0) {
      if (size > this.#bytes.length || this.#socket.unsent > 0) {
        this.#bytes = new Uint8Array(Math.max(FIRST_SIZE, size));
      }
      this.#schedule();
    } else if (size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, size));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    this.#length = size;
    return at;
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(this.#onDue);
  }
}
