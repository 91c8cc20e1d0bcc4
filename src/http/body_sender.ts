/**
 * Sends a body that is too large, or not known yet, to go with its head.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import { type ByteStream, writeAll } from "../core/byte_stream.ts";
import { WireError } from "./wire_error.ts";

/** A body that does not go with its head. */
export type SentBody = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

/** Who hears of the body's way. */
export interface BodySenderHooks {
  /** So many bytes of the body have been sent. */
  onSent(bytes: number): void;
  /** The body cannot be sent to its end. */
  onFailure(): void;
}

/** How long a server may take to say that it wants a body, in milliseconds. */
const CONTINUE_MS = 1_000;

/** Writes more than this at once only block for longer. */
const PIECE = 65_536;

const encoder = new TextEncoder();

/** Sends a head and then a body, piece by piece, each when the one before has gone. */
export class BodySender {
  /** Whether all of it has been sent. */
  done = false;
  /** Why the body itself failed, null where it did not. */
  failure: WireError | null = null;
  readonly #clock: Clock;
  readonly #stream: ByteStream;
  readonly #hooks: BodySenderHooks;
  readonly #wanted = Promise.withResolvers<void>();
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(clock: Clock, stream: ByteStream, hooks: BodySenderHooks) {
    this.#clock = clock;
    this.#stream = stream;
    this.#hooks = hooks;
  }

  /**
   * Begins to send.
   *
   * @param waits whether the body waits until {@link go} is called, for a second at most.
   */
  start(head: Uint8Array<ArrayBuffer>, body: SentBody, waits: boolean): void {
    if (body instanceof ReadableStream) this.#reader = body.getReader();
    if (waits) this.#timer = this.#clock.setTimer(this.#wanted.resolve, CONTINUE_MS);
    else this.#wanted.resolve();
    void this.#send(head, body);
  }

  /** The server wants the body. */
  go(): void {
    this.#forgetTimer();
    this.#wanted.resolve();
  }

  /** Sends no more. */
  stop(): void {
    this.#forgetTimer();
    this.#stopped = true;
    this.#wanted.resolve();
    // A stream that gives nothing more would keep what it holds for ever.
    this.#reader?.cancel().catch(() => {});
  }

  async #send(head: Uint8Array<ArrayBuffer>, body: SentBody): Promise<void> {
    try {
      await writeAll(this.#stream, head);
      await this.#wanted.promise;
      if (body instanceof Uint8Array) await this.#sendBytes(body);
      else await this.#sendStream(this.#reader!);
      this.done = !this.#stopped;
    } catch (error) {
      this.stop();
      if (!(error instanceof WireError)) return; // the connection's, which its reader sees as well
      this.failure = error;
      this.#hooks.onFailure();
    }
  }

  async #sendBytes(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#stopped;) {
      const count = await this.#stream.write(bytes.subarray(at, at + PIECE));
      at += count;
      this.#hooks.onSent(count);
    }
  }

  async #sendStream(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    while (!this.#stopped) {
      const piece = await readPiece(reader);
      if (this.#stopped) return;
      if (piece === null) return await writeAll(this.#stream, LAST_CHUNK);
      // A chunk of no bytes would be the last one.
      if (piece.length === 0) continue;
      await writeAll(this.#stream, encoder.encode(`${piece.length.toString(16)}\r\n`));
      await this.#sendBytes(piece);
      await writeAll(this.#stream, LINE_END);
    }
  }

  #forgetTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

const LINE_END = encoder.encode("\r\n");
const LAST_CHUNK = encoder.encode("0\r\n\r\n");

async function readPiece(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer> | null> {
  let result: ReadableStreamReadResult<Uint8Array>;
  try {
    result = await reader.read();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WireError("BAD_REQUEST", `the body's stream failed: ${why}`, error);
  }
  if (result.done) return null;
  if (!(result.value instanceof Uint8Array)) {
    const type = typeof result.value;
    throw new WireError("BAD_REQUEST", `the body's stream gave a ${type}, only bytes can be sent`);
  }
  // Bytes in memory that threads share could change while they are sent: a copy is needed anyhow.
  const { buffer } = result.value;
  return buffer instanceof ArrayBuffer
    ? result.value as Uint8Array<ArrayBuffer>
    : new Uint8Array(result.value);
}
