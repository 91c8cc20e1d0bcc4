/**
 * One open WebSocket of one user.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { DeadlineSweep, Expiring } from "../http/connection_timers.ts";
import type { RequestErrorCode } from "../http/request_error.ts";
import type { Socket, SocketHandler } from "../net/socket.ts";
import { deflated, type DeflateTerms, Inflater } from "./deflate.ts";
import {
  BINARY,
  CLOSE,
  CLOSE_CODES,
  closePayload,
  encodeFrame,
  FrameError,
  MessageReader,
  type MessageSink,
  PING,
  PONG,
  TEXT,
  type WebSocketMessage,
} from "./frames.ts";
import { KeepAlive } from "./keep_alive.ts";
import type { MaskKeys } from "./mask_keys.ts";

/** Counts what happens on connections. Bytes are those of payloads as they are sent. */
export interface MessageCounter {
  received(bytes: number): void;
  sent(bytes: number): void;
  /** Is called once for each connection. */
  closed(code: number): void;
}

/** What a {@link WebSocketConnection} needs. Times are in milliseconds. */
export interface WebSocketOptions {
  readonly clock: Clock;
  readonly deadlines: DeadlineSweep;
  readonly keys: MaskKeys;
  readonly counter: MessageCounter;
  /** The largest message in bytes, before and after decompression. */
  readonly maxMessageSize: number;
  /** How many messages are kept that no test has received. The oldest ones make room. */
  readonly maxQueued: number;
  /** `null` for no compression. */
  readonly deflate: DeflateTerms | null;
  /** How long nothing may arrive until a ping is sent, and its pong then; `Infinity` for no pings. */
  readonly pingIntervalMs: number;
  /** Is called before the connection is closed because a ping has not been answered. */
  readonly onUnanswered: (sentAt: number) => void;
}

/** How a connection has ended. */
export interface WebSocketClosure {
  /** 1005 if the close had no code, and 1006 if there was no close. */
  readonly code: number;
  readonly reason: string;
  /** What an operation that still waits fails with. */
  readonly errorCode: RequestErrorCode;
  readonly detail: string;
}

/** Waits for a message, or a pong. One of `take`, `fail` and `threw` is called, once, as soon as it has happened. */
export interface MessageWaiter {
  /** The number of the ping whose pong it waits for; 0 if it waits for a message. */
  readonly ping: number;
  /** Whether it waits for any message. Those who wait for certain ones come first. */
  readonly takesAny: boolean;
  /** Whether it waits for this message. */
  matches(message: WebSocketMessage): boolean;
  /** @param wireBytes as of {@link MessageSink.onMessage}. */
  take(message: WebSocketMessage, wireBytes: number): void;
  /** No message will come. */
  fail(closure: WebSocketClosure): void;
  /** `matches` has thrown. */
  threw(error: unknown): void;
}

/** How long the other side may take to end a connection after both have closed it. */
const LINGER_MS = 1_000;

/** A server that asks faster than it reads gets fewer answers. In bytes. */
const MAX_UNSENT_PONGS = 65_536;

const ENCODER = new TextEncoder();

/** It reads all messages as they come, answers pings, and hands messages to those who wait for them. */
export class WebSocketConnection implements SocketHandler, MessageSink, Expiring {
  deadline = Infinity;
  /** How many loops read all of its messages. With any, no message is passed over. */
  readers = 0;
  readonly #socket: Socket;
  readonly #options: WebSocketOptions;
  readonly #reader: MessageReader;
  readonly #keepAlive: KeepAlive | null;
  #queue: WebSocketMessage[] | null = null;
  /** How many messages at the start of the queue are taken. */
  #taken = 0;
  #waiters: Set<MessageWaiter> | null = null;
  /** How many pings were sent. */
  #pings = 0;
  #closure: WebSocketClosure | null = null;
  /** The code with which this side has closed the connection; 0 if it has not. */
  #sentCode = 0;
  #onClosed: ((closure: WebSocketClosure) => void) | null = null;
  #isSocketClosed = false;

  /** @param socket is open, and belongs to this connection from now on. */
  constructor(socket: Socket, options: WebSocketOptions) {
    const { clock, deadlines, maxMessageSize, deflate, pingIntervalMs } = options;
    this.#socket = socket;
    this.#options = options;
    const inflater = deflate === null ? null : new Inflater(deflate);
    this.#reader = new MessageReader(this, { maxMessageSize, inflater });
    this.#keepAlive = pingIntervalMs === Infinity
      ? null
      : new KeepAlive(this, clock, deadlines, pingIntervalMs);
    socket.handler = this.#keepAlive ?? this;
  }

  /** How it has ended; `null` while it is open. */
  get closure(): WebSocketClosure | null {
    return this.#closure;
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.#closure === null && this.#sentCode === 0;
  }

  /** Sends a message. The connection must be open. Returns the size of the message as it is sent. */
  send(message: string | Uint8Array): number {
    const { keys, counter, deflate } = this.#options;
    const isText = typeof message === "string";
    const payload = isText ? ENCODER.encode(message) : message;
    const small = deflate === null ? null : deflated(payload, deflate);
    const wire = small ?? payload;
    const opcode = isText ? TEXT : BINARY;
    this.#socket.write(encodeFrame(opcode, wire, keys.next(), small !== null));
    counter.sent(wire.length);
    return wire.length;
  }

  /** Sends a ping. Returns its number, for {@link MessageWaiter.ping}. The connection must be open. */
  ping(): number {
    const number = ++this.#pings;
    this.#socket.write(encodeFrame(PING, pingPayload(number), this.#options.keys.next()));
    return number;
  }

  /** The oldest message that was received and not taken; those before one that matches are passed over. */
  takeQueued(matches: ((message: WebSocketMessage) => boolean) | null): WebSocketMessage | null {
    const queue = this.#queue;
    if (queue === null) return null;
    while (this.#taken < queue.length) {
      const message = queue[this.#taken++]!;
      if (this.#taken === queue.length) this.#forgetQueue();
      else if (this.#taken > 1024) this.#dropTaken(queue);
      if (matches === null || matches(message)) return message;
    }
    return null;
  }

  /** Passes over all messages that were received and not taken, unless a loop reads them. */
  skipQueued(): void {
    if (this.readers === 0) this.#forgetQueue();
  }

  /** Adds one who waits for a message, from now on. The connection must not have ended. */
  wait(waiter: MessageWaiter): void {
    (this.#waiters ??= new Set()).add(waiter);
  }

  /** Removes one who no longer waits. */
  stopWaiting(waiter: MessageWaiter): void {
    this.#waiters?.delete(waiter);
  }

  /**
   * Closes the connection, and waits for the other side to do the same.
   *
   * @param limitMs after which it is closed without.
   * @param onClosed is called once, possibly at once.
   */
  close(
    code: number,
    reason: string,
    limitMs: number,
    onClosed: (closure: WebSocketClosure) => void,
  ): void {
    if (this.#closure !== null) return onClosed(this.#closure);
    const before = this.#onClosed;
    this.#onClosed = (closure) => {
      before?.(closure);
      onClosed(closure);
    };
    if (this.#sentCode !== 0) return;
    this.#sendClose(code, reason);
    this.#endBy(limitMs);
  }

  /** Closes the connection without waiting for the other side. Those who wait for messages wait no longer. */
  leave(code: number): void {
    this.#waiters = null;
    this.#forgetQueue();
    if (this.#closure !== null) return;
    if (this.#sentCode === 0) this.#sendClose(code, "");
    this.#finish(closureOf(this.#sentCode, "", "this side has closed it"));
    this.#endBy(LINGER_MS);
  }

  /** @internal */
  onOpen(): void {}

  /** @internal */
  onDrain(): void {}

  /** @internal */
  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    if (this.#closure !== null) return;
    try {
      this.#reader.feed(bytes, length);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#break(error);
    }
  }

  /** @internal */
  onEnd(): void {
    this.#lost("the server ended it without a close");
  }

  /** @internal */
  onError(error: unknown): void {
    this.#lost(error instanceof Error ? error.message : "it was lost");
  }

  /** @internal */
  expire(): void {
    this.#lost("the server did not answer the close in time");
  }

  /** @internal */
  onMessage(message: WebSocketMessage, wireBytes: number): void {
    this.#options.counter.received(wireBytes);
    const isPassedOver = this.#hand(message, wireBytes);
    if (isPassedOver || this.#sentCode !== 0) return;
    const queue = this.#queue ??= [];
    queue.push(message);
    if (queue.length - this.#taken > this.#options.maxQueued) {
      this.#taken++;
      if (this.#taken > 1024) this.#dropTaken(queue);
    }
  }

  /** @internal */
  onPing(payload: Uint8Array<ArrayBuffer>): void {
    if (this.#sentCode !== 0 || this.#socket.unsent > MAX_UNSENT_PONGS) return;
    this.#socket.write(encodeFrame(PONG, payload, this.#options.keys.next()));
  }

  /** @internal */
  onPong(payload: Uint8Array<ArrayBuffer>): void {
    this.#keepAlive?.answered();
    const number = pingNumber(payload);
    if (number > this.#pings) return;
    // A server may leave out the pongs of earlier pings (RFC 6455, section 5.5.3).
    for (const waiter of this.#waiters ?? []) {
      if (waiter.ping === 0 || waiter.ping > number) continue;
      this.#waiters!.delete(waiter);
      waiter.take("", payload.length);
    }
  }

  /** @internal */
  unanswered(sentAt: number): void {
    const { clock, onUnanswered } = this.#options;
    onUnanswered(sentAt);
    const seconds = ((clock.now() - sentAt) / 1000).toFixed(1);
    this.#lost(`the server did not answer a ping within ${seconds} s`);
  }

  /** @internal */
  onClose(code: number, reason: string): void {
    const isAnswer = this.#sentCode !== 0;
    if (!isAnswer) this.#sendClose(code, "");
    const detail = reason === "" ? "" : ` ${JSON.stringify(reason)}`;
    this.#finish(
      isAnswer
        ? closureOf(this.#sentCode, reason, "this side has closed it")
        : closureOf(code, reason, `the server closed it with ${code}${detail}`),
    );
    // The server is the one to end the connection (RFC 6455, section 7.1.1).
    this.#endBy(LINGER_MS);
  }

  /** Hands a message to the first one who waits for it. Returns whether it must not be queued. */
  #hand(message: WebSocketMessage, wireBytes: number): boolean {
    const waiters = this.#waiters;
    if (waiters === null || waiters.size === 0) return false;
    let taker: MessageWaiter | null = null;
    for (const waiter of waiters) {
      if (waiter.takesAny) {
        taker ??= waiter;
        continue;
      }
      try {
        if (!waiter.matches(message)) continue;
      } catch (error) {
        waiters.delete(waiter);
        waiter.threw(error);
        continue;
      }
      taker = waiter;
      break;
    }
    if (taker === null) return this.readers === 0;
    waiters.delete(taker);
    taker.take(message, wireBytes);
    return true;
  }

  #forgetQueue(): void {
    this.#queue = null;
    this.#taken = 0;
  }

  #dropTaken(queue: WebSocketMessage[]): void {
    queue.splice(0, this.#taken);
    this.#taken = 0;
  }

  #sendClose(code: number, reason: string): void {
    this.#sentCode = code;
    this.#keepAlive?.stop();
    const frame = encodeFrame(CLOSE, closePayload(code, reason), this.#options.keys.next());
    this.#socket.write(frame);
  }

  /** The server has broken the protocol. */
  #break({ closeCode, message }: FrameError): void {
    if (this.#sentCode === 0) this.#sendClose(closeCode, "");
    const isTooLarge = closeCode === CLOSE_CODES.tooLarge;
    const errorCode = isTooLarge ? "TOO_LARGE" : "BAD_RESPONSE";
    this.#finish({ code: closeCode, reason: "", errorCode, detail: message });
    this.#endBy(LINGER_MS);
  }

  #lost(detail: string): void {
    this.#closeSocket();
    this.#finish(closureOf(CLOSE_CODES.abnormal, "", detail));
  }

  #finish(closure: WebSocketClosure): void {
    if (this.#closure !== null) return;
    this.#closure = closure;
    this.#keepAlive?.stop();
    this.#options.counter.closed(closure.code);
    const waiters = this.#waiters;
    this.#waiters = null;
    for (const waiter of waiters ?? []) waiter.fail(closure);
    this.#onClosed?.(closure);
    this.#onClosed = null;
  }

  /** Ends the connection after a time, if the other side has not ended it by then. */
  #endBy(limitMs: number): void {
    if (this.#isSocketClosed) return;
    const { clock, deadlines } = this.#options;
    this.deadline = clock.now() + limitMs;
    deadlines.add(this);
    deadlines.schedule(this.deadline);
  }

  #closeSocket(): void {
    if (this.#isSocketClosed) return;
    this.#isSocketClosed = true;
    this.deadline = Infinity;
    this.#options.deadlines.delete(this);
    this.#socket.close();
  }
}

const PING_BYTES = 4;

function pingPayload(number: number): Uint8Array {
  const payload = new Uint8Array(PING_BYTES);
  new DataView(payload.buffer).setUint32(0, number);
  return payload;
}

/** The number of the ping that a pong answers; 0 if it cannot be an answer. */
function pingNumber({ buffer, byteOffset, length }: Uint8Array): number {
  return length === PING_BYTES ? new DataView(buffer, byteOffset).getUint32(0) : 0;
}

function closureOf(code: number, reason: string, detail: string): WebSocketClosure {
  return { code, reason, errorCode: "WS_CLOSED", detail };
}
