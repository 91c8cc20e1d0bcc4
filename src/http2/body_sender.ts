/**
 * Sends the body of a request over HTTP/2, as far as the server's windows allow.
 *
 * @module
 */

import { readPiece, wrongLength } from "../http/request_encoder.ts";
import { WireError } from "../http/request_error.ts";

/** A body that is sent. */
export type SentBody = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

/** What a {@link BodySender} does with its body. */
export interface BodySenderHooks {
  /** How many bytes can be sent now. If it is 0, {@link BodySender.proceed} is called when that has changed. */
  room(): number;
  /** Sends bytes, at most as many as there is room for. */
  send(bytes: Uint8Array, isLast: boolean): void;
  /** The body's own stream has failed. */
  failed(failure: WireError): void;
}

const NOTHING = new Uint8Array(0);

/** Sends one body. */
export class BodySender {
  /** Whether sending has not begun: the server is asked whether it wants the body. */
  waits = true;
  readonly #hooks: BodySenderHooks;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | null;
  /** The length of a stream that its headers give; -1 if they do not. */
  readonly #length: number;
  #read = 0;
  /** What is being sent. */
  #piece: Uint8Array;
  #at = 0;
  #isLastPiece: boolean;
  #isReading = false;
  #isStopped = false;

  constructor(body: SentBody, length: number, hooks: BodySenderHooks) {
    this.#hooks = hooks;
    this.#length = length;
    this.#reader = body instanceof ReadableStream ? body.getReader() : null;
    this.#piece = body instanceof ReadableStream ? NOTHING : body;
    this.#isLastPiece = this.#reader === null;
  }

  /** Sends as much as can be sent now. */
  proceed(): void {
    this.waits = false;
    while (!this.#isStopped && !this.#isReading) {
      const left = this.#piece.length - this.#at;
      if (left === 0 && !this.#isLastPiece) return void this.#next();
      const room = left === 0 ? 0 : this.#hooks.room();
      if (room <= 0 && left > 0) return;
      const end = this.#at + Math.min(left, room);
      const part = this.#piece.subarray(this.#at, end);
      const isLast = this.#isLastPiece && end === this.#piece.length;
      this.#at = end;
      if (isLast) this.#isStopped = true;
      this.#hooks.send(part, isLast);
    }
  }

  /** Sends no more. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    // Without this, a stream that yields nothing more would keep its resources forever.
    this.#reader?.cancel().catch(() => {});
  }

  async #next(): Promise<void> {
    this.#isReading = true;
    let piece: Uint8Array | null;
    try {
      piece = await readPiece(this.#reader!);
      this.#checkLength(piece);
    } catch (error) {
      if (this.#isStopped) return;
      return this.#hooks.failed(error as WireError);
    }
    this.#isReading = false;
    this.#isLastPiece = piece === null;
    this.#piece = piece ?? NOTHING;
    this.#at = 0;
    this.proceed();
  }

  #checkLength(piece: Uint8Array | null): void {
    this.#read += piece?.length ?? 0;
    if (this.#length < 0) return;
    const isWrong = piece === null ? this.#read !== this.#length : this.#read > this.#length;
    if (isWrong) throw wrongLength(this.#length, this.#read);
  }
}
