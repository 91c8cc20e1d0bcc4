/**
 * A connection as a sequence of messages in both directions.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { type ByteStream, writeAll } from "../core/network.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { concatenated, FrameReader } from "./frames.ts";
import { HANDSHAKE_LIMIT, type Message, MESSAGE_LIMIT, type ProtocolError } from "./protocol.ts";

/** Bytes that are read from the stream at once. */
const READ_SIZE = 16 * 1024;

/** Bytes that may be queued for a peer that does not read. */
const MAX_QUEUED = 8 * 1024 * 1024;

/** Bytes that all connections of a listener may hold, queued or of incomplete messages. */
const MAX_HELD = 256 * 1024 * 1024;

/**
 * What several connections may hold in memory together. If it is too much, the one that holds most is
 * closed: peers that are not trusted can open many.
 */
export class HeldBytes {
  readonly #limit: number;
  readonly #channels = new Map<Channel, number>();
  #total = 0;

  /** @param limit in bytes. */
  constructor(limit: number = MAX_HELD) {
    this.#limit = limit;
  }

  /** A channel now holds this many bytes. */
  set(channel: Channel, bytes: number): void {
    this.#total += bytes - (this.#channels.get(channel) ?? 0);
    if (bytes > 0) this.#channels.set(channel, bytes);
    else this.#channels.delete(channel);
    while (this.#total > this.#limit) this.#closeLargest();
  }

  #closeLargest(): void {
    const [first, ...others] = this.#channels;
    const [largest] = others.reduce((most, one) => one[1] > most[1] ? one : most, first!);
    largest.close();
    this.set(largest, 0);
  }
}

/** How long the last messages to a peer may take. */
const FINISH_MS = 1000;

/**
 * A connection as messages. Until {@link admit} is called, it accepts only messages that are as small as
 * those of a handshake.
 *
 * It closes by itself when the peer closes the stream, when the stream fails, and when too much is queued
 * for a peer that does not read. What cannot be sent then is dropped silently.
 */
export class Channel {
  readonly #stream: ByteStream;
  readonly #held: HeldBytes | null;
  readonly #reader = new FrameReader(HANDSHAKE_LIMIT);
  readonly #buffer = new Uint8Array(READ_SIZE);
  readonly #frames: Uint8Array<ArrayBuffer>[] = [];
  readonly #flushes: (() => void)[] = [];
  #queuedBytes = 0;
  #unhandledBytes = 0;
  #writing = false;
  /** Whether messages are no longer received, and no longer sent. */
  #receiveEnded = false;
  #sendEnded = false;
  #closed = false;
  #isRefused = false;

  /** @param held what this connection may hold together with others; without it, only its own limits apply. */
  constructor(stream: ByteStream, held: HeldBytes | null = null) {
    this.#stream = stream;
    this.#held = held;
  }

  /** Whether the stream is closed, by this side or by the peer. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the peer was sent an ERROR; nothing that it has sent may be handled any more. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Bytes that were sent and are not written yet. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Bytes of the payloads that were received and are not handled yet. */
  get unhandledBytes(): number {
    return this.#unhandledBytes;
  }

  /** Accepts messages of full size from now on, because the peer has completed the handshake. */
  admit(): void {
    this.#reader.limit = MESSAGE_LIMIT;
  }

  /**
   * Returns the next message; null once the channel has ended. Calls must not overlap.
   *
   * @throws ProtocolError if the peer sends an invalid message; the next call then returns null.
   */
  async receive(): Promise<Message | null> {
    for (;;) {
      const payload = this.#next();
      if (payload !== null) return this.#orEnd(() => decodeMessage(payload));
      if (this.#receiveEnded || this.#closed) return null;
      await this.#read();
    }
  }

  /**
   * Like {@link receive}, but returns the encoded message, without its length. Its bytes count as held by this
   * channel until they are {@link handled}.
   *
   * @throws ProtocolError if the length of the next message is invalid; the next call then returns null.
   */
  async receivePayload(): Promise<Uint8Array<ArrayBuffer> | null> {
    for (;;) {
      const payload = this.#next();
      if (payload !== null) {
        this.#unhandledBytes += payload.length;
        this.#holds();
        return payload;
      }
      if (this.#receiveEnded || this.#closed) return null;
      await this.#read();
    }
  }

  /** A message of {@link receivePayload} has been handled. */
  handled(payload: Uint8Array): void {
    this.#unhandledBytes -= payload.length;
    this.#holds();
  }

  /**
   * Sends a message after those that were sent before.
   *
   * @throws RangeError if it is longer than a peer accepts.
   */
  send(message: Message): void {
    if (!this.#sendEnded) this.sendFrame(encodeMessage(message));
  }

  /** Like {@link send}, for an encoded message; its bytes must not change any more. */
  sendFrame(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#sendEnded) return;
    this.#queuedBytes += frame.length;
    if (this.#queuedBytes > MAX_QUEUED) {
      this.#end();
      return;
    }
    this.#frames.push(frame);
    this.#holds();
    if (!this.#writing) void this.#write();
  }

  /** Resolves once everything that was sent is written, or the channel is closed. */
  flushed(): Promise<void> {
    if (this.#queuedBytes === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#flushes.push(resolve);
    });
  }

  /** Sends the peer an ERROR, and closes the channel once that is written, or after 1 s. */
  refuse({ code, message }: ProtocolError, clock: Clock): void {
    this.#isRefused = true;
    if (this.#sendEnded) return;
    this.send({ type: "ERROR", code, text: message });
    this.#sendEnded = true;
    this.#receiveEnded = true;
    void this.finish(clock);
  }

  /** Closes the channel once everything is written, or after 1 s, because the peer may not be reading. */
  async finish(clock: Clock): Promise<void> {
    const timer = clock.setTimer(() => this.close(), FINISH_MS);
    await this.flushed();
    clock.clearTimer(timer);
    this.close();
  }

  /** Closes the stream immediately; what is not written or not received yet is dropped. */
  close(): void {
    this.#receiveEnded = true;
    this.#end();
  }

  /** Closes the stream. What has been read can still be received, such as an ERROR of the peer. */
  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sendEnded = true;
    this.#frames.length = 0;
    this.#queueEmptied();
    this.#held?.set(this, 0);
    try {
      this.#stream.close();
    } catch {
      // It has failed before.
    }
  }

  /** Small amounts are not worth the effort. */
  #holds(): void {
    const bytes = this.#queuedBytes + this.#unhandledBytes + this.#reader.heldBytes;
    if (!this.#closed) this.#held?.set(this, bytes > READ_SIZE ? bytes : 0);
  }

  #next(): Uint8Array<ArrayBuffer> | null {
    return this.#receiveEnded ? null : this.#orEnd(() => this.#reader.next());
  }

  /** What follows an invalid message is not received. */
  #orEnd<Result>(read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      this.#receiveEnded = true;
      throw error;
    }
  }

  async #read(): Promise<void> {
    try {
      const count = await this.#stream.read(this.#buffer);
      if (count === null) this.#end();
      else this.#reader.push(this.#buffer.subarray(0, count));
      this.#holds();
    } catch {
      this.#end();
    }
  }

  /** Writes everything that is queued, and what is queued in the meantime. */
  async #write(): Promise<void> {
    this.#writing = true;
    const counted = { write: (bytes: Uint8Array<ArrayBuffer>) => this.#writeSome(bytes) };
    try {
      // Messages that are sent in the same turn are written together.
      await null;
      while (this.#frames.length > 0) await writeAll(counted, concatenated(this.#frames.splice(0)));
      this.#queueEmptied();
    } catch {
      this.#end();
    }
    this.#writing = false;
  }

  async #writeSome(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    const count = await this.#stream.write(bytes);
    // If it was closed in the meantime, nothing is queued.
    if (!this.#closed) this.#queuedBytes -= count;
    this.#holds();
    return count;
  }

  #queueEmptied(): void {
    this.#queuedBytes = 0;
    for (const resolve of this.#flushes.splice(0)) resolve();
  }
}
