/**
 * Sends the bodies of a connection's requests over HTTP/2, as far as the server's windows and the socket allow.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { WireError } from "../http/request_error.ts";
import type { Socket } from "../net/socket.ts";
import { BodySender, type SentBody } from "./body_sender.ts";
import { DEFAULT_WINDOW, FLAG, MAX_PAYLOAD, MAX_WINDOW } from "./frames.ts";
import type { Http2Stream } from "./http2_stream.ts";
import type { OutgoingFrames } from "./outgoing_frames.ts";
import type { RequestBlock } from "./request_blocks.ts";

/** How long to wait for `100 Continue`, in milliseconds. */
const CONTINUE_MS = 1_000;

/** Larger writes only make it less accurate how much was sent when sending stops. */
const MAX_UNSENT = 65_536;

/** Learns how sending ends. */
export interface RequestBodiesOwner {
  /** The whole body of a stream was sent. */
  sentAll(stream: Http2Stream): void;
  /** A body cannot be sent, because its own stream has failed. */
  cancel(stream: Http2Stream, failure: WireError): void;
}

/** The bodies of one connection's requests. Windows are those that the server gives. */
export class RequestBodies {
  /** The window that a new stream gets. */
  initialWindow = DEFAULT_WINDOW;
  readonly #clock: Clock;
  readonly #socket: Socket;
  readonly #outgoing: OutgoingFrames;
  readonly #owner: RequestBodiesOwner;
  #window = DEFAULT_WINDOW;
  /** Streams whose body waits for the connection's window, or for the socket. */
  readonly #waiting = new Set<Http2Stream>();

  constructor(clock: Clock, socket: Socket, outgoing: OutgoingFrames, owner: RequestBodiesOwner) {
    this.#clock = clock;
    this.#socket = socket;
    this.#outgoing = outgoing;
    this.#owner = owner;
  }

  /** Whether a body waits for the connection's window, or for the socket. */
  get areWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Sends the body of a stream, after `100 Continue` if the request asks for that. */
  start(stream: Http2Stream, body: SentBody, block: RequestBlock): void {
    const sender = stream.sender = new BodySender(body, block.streamLength, {
      room: () => this.#room(stream),
      send: (bytes, isLast) => this.#send(stream, bytes, isLast),
      failed: (failure) => this.#owner.cancel(stream, failure),
    });
    if (!block.expectsContinue) return sender.proceed();
    stream.continueTimer = this.#clock.setTimer(() => sender.proceed(), CONTINUE_MS);
  }

  /** Sends no more of a stream's body. */
  stop(stream: Http2Stream): void {
    if (stream.sender === null) return;
    stream.sender.stop();
    if (stream.continueTimer !== null) this.#clock.clearTimer(stream.continueTimer);
    this.#waiting.delete(stream);
  }

  /** The socket can take more. */
  resume(): void {
    if (this.#waiting.size === 0) return;
    for (const stream of [...this.#waiting]) {
      this.#waiting.delete(stream);
      stream.sender?.proceed();
    }
  }

  /** Changes the connection's window. Returns whether it is not too large. */
  widen(increment: number): boolean {
    this.#window += increment;
    if (this.#window > MAX_WINDOW) return false;
    this.resume();
    return true;
  }

  /** Changes the window of a stream. Returns whether it is not too large. */
  widenStream(stream: Http2Stream, change: number): boolean {
    stream.sendWindow += change;
    if (stream.sendWindow > MAX_WINDOW) return false;
    if (stream.sendWindow > 0 && stream.sender?.waits === false) stream.sender.proceed();
    return true;
  }

  /** How many bytes of a stream's body can be sent now. If none can, the stream waits. */
  #room(stream: Http2Stream): number {
    const room = Math.min(
      stream.sendWindow,
      this.#window,
      MAX_PAYLOAD,
      MAX_UNSENT - this.#socket.unsent,
    );
    if (room <= 0 && stream.sendWindow > 0) this.#waiting.add(stream);
    return room;
  }

  #send(stream: Http2Stream, bytes: Uint8Array, isLast: boolean): void {
    stream.sendWindow -= bytes.length;
    this.#window -= bytes.length;
    stream.bodySent += bytes.length;
    this.#outgoing.addData(bytes, stream.id, isLast ? FLAG.endStream : 0);
    if (!isLast) return;
    stream.isSent = true;
    this.#owner.sentAll(stream);
  }
}
