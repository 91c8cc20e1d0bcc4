import type { Clock } from "../core/clock.ts";
import { type ByteStream, writeAll } from "../core/network.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { FrameReader } from "./frames.ts";
import { HANDSHAKE_LIMIT, type Message, MESSAGE_LIMIT, type ProtocolError } from "./protocol.ts";

/** Bytes that are asked of the stream at once. */
const READ_SIZE = 16 * 1024;

/** Bytes that may wait for a peer that does not read. */
const MAX_QUEUED = 8 * 1024 * 1024;

/** How long the last words to a peer may take. */
const LAST_WORDS_MS = 1000;

/**
 * A connection as messages. Until it has been told to {@link admit} the peer, only messages as small as
 * those of a handshake are taken.
 *
 * It ends by itself when the peer closes the stream, when the stream breaks, and when the peer lets too
 * much wait; what cannot be sent then is dropped without a word.
 */
export class Channel {
  readonly #stream: ByteStream;
  readonly #reader = new FrameReader(HANDSHAKE_LIMIT);
  readonly #buffer = new Uint8Array(READ_SIZE);
  readonly #frames: Uint8Array<ArrayBuffer>[] = [];
  readonly #flushes: (() => void)[] = [];
  #queuedBytes = 0;
  #writing = false;
  /** Whether nothing more is taken from the peer, and nothing more is sent to it. */
  #deaf = false;
  #mute = false;
  #closed = false;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** Whether the stream is closed, by whomever. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes that are sent and not written yet. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Takes messages of full size from now on: the peer has shown who it is. */
  admit(): void {
    this.#reader.limit = MESSAGE_LIMIT;
  }

  /**
   * The next message; null where the channel has ended. Only one may be asked for at a time.
   *
   * @throws ProtocolError where the peer sends no message; after that there is none any more.
   */
  async receive(): Promise<Message | null> {
    while (!this.#deaf) {
      const message = this.#nextMessage();
      if (message !== null) return message;
      if (this.#closed) break;
      await this.#read();
    }
    return null;
  }

  /**
   * Sends a message behind those that were sent before.
   *
   * @throws RangeError where it is longer than any peer takes.
   */
  send(message: Message): void {
    if (!this.#mute) this.sendFrame(encodeMessage(message));
  }

  /** As {@link send}, for a message that has been encoded; its bytes must not change any more. */
  sendFrame(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#mute) return;
    this.#queuedBytes += frame.length;
    if (this.#queuedBytes > MAX_QUEUED) {
      this.#end();
      return;
    }
    this.#frames.push(frame);
    if (!this.#writing) void this.#write();
  }

  /** Resolves when all that was sent is written, or the channel is closed. */
  flushed(): Promise<void> {
    if (this.#queuedBytes === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#flushes.push(resolve);
    });
  }

  /** Tells the peer what it did wrong, and closes the channel once that is written, or after 1 s. */
  refuse({ code, message }: ProtocolError, clock: Clock): void {
    if (this.#mute) return;
    this.send({ type: "ERROR", code, text: message });
    this.#mute = true;
    this.#deaf = true;
    void this.finish(clock);
  }

  /** Closes the channel once all that was sent is written, or after 1 s: the peer may not read any more. */
  async finish(clock: Clock): Promise<void> {
    const timer = clock.setTimer(() => this.close(), LAST_WORDS_MS);
    await this.flushed();
    clock.clearTimer(timer);
    this.close();
  }

  /** Closes the stream at once; what is not written or not received yet is dropped. */
  close(): void {
    this.#deaf = true;
    this.#end();
  }

  /** Closes the stream; what has been read can still be received, such as why the peer has gone. */
  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#mute = true;
    this.#frames.length = 0;
    this.#emptied();
    try {
      this.#stream.close();
    } catch {
      // It broke before.
    }
  }

  #nextMessage(): Message | null {
    try {
      const payload = this.#reader.next();
      return payload === null ? null : decodeMessage(payload);
    } catch (error) {
      this.#deaf = true;
      throw error;
    }
  }

  async #read(): Promise<void> {
    try {
      const count = await this.#stream.read(this.#buffer);
      if (count === null) this.#end();
      else this.#reader.push(this.#buffer.subarray(0, count));
    } catch {
      this.#end();
    }
  }

  /** Writes all that is queued, and what is queued meanwhile. */
  async #write(): Promise<void> {
    this.#writing = true;
    const counted = { write: (bytes: Uint8Array<ArrayBuffer>) => this.#writeSome(bytes) };
    try {
      // What is sent in the same turn goes out together.
      await null;
      while (this.#frames.length > 0) await writeAll(counted, joined(this.#frames.splice(0)));
      this.#emptied();
    } catch {
      this.#end();
    }
    this.#writing = false;
  }

  async #writeSome(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    const count = await this.#stream.write(bytes);
    // Closed meanwhile: nothing is queued.
    if (!this.#closed) this.#queuedBytes -= count;
    return count;
  }

  #emptied(): void {
    this.#queuedBytes = 0;
    for (const resolve of this.#flushes.splice(0)) resolve();
  }
}

function joined(frames: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (frames.length === 1) return frames[0]!;
  const all = new Uint8Array(frames.reduce((length, frame) => length + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    all.set(frame, at);
    at += frame.length;
  }
  return all;
}
