/**
 * A call of gRPC with any number of messages, as the function of a test uses it.
 *
 * @module
 */

import { messageJson, type OutgoingMessages, type StreamCall } from "../grpc/calls.ts";
import type { Fields } from "../grpc/message_types.ts";
import type { AnyMessage } from "../grpc/response.ts";
import type { BodyTexts } from "../http/transport.ts";

/** What a {@link GrpcStream} needs of its user. */
export interface StreamOwner {
  /** @throws TypeError if the message does not fit. */
  encode(message: unknown): Uint8Array<ArrayBuffer>;
  /** A message has been sent. */
  sent(): void;
  /** Ends the call, because the test wants no more of it. */
  cancel(): void;
}

/** How a stream has ended for those that wait for messages. */
type StreamEnd = { readonly error: unknown } | "ended" | "never";

/** Messages are kept until the test reads them; with more than this, the server has to wait. */
const MAX_QUEUED = 64;

/**
 * A call with any number of messages. It is only valid in the function that gets it.
 */
export class GrpcStream<Sent = AnyMessage, Received = AnyMessage> {
  readonly #call: StreamCall;
  readonly #outgoing: OutgoingMessages | null;
  readonly #owner: StreamOwner;
  readonly #queue: Fields[] = [];
  readonly #waiting: ((end: StreamEnd | null) => void)[] = [];
  #end: StreamEnd | null = null;
  /** Whether messages are dropped, because the test does not read any more. */
  #isDiscarding = false;
  #last: Fields | null = null;
  #received = 0;
  /** The last message that was sent, and how many there were. */
  #lastSent: unknown = null;
  #sent = 0;

  /** @internal `outgoing` is `null` if the client sends one message only. */
  constructor(call: StreamCall, outgoing: OutgoingMessages | null, owner: StreamOwner) {
    this.#call = call;
    this.#outgoing = outgoing;
    this.#owner = owner;
  }

  /**
   * Sends a message.
   *
   * @returns whether it was sent: `false` if the server has ended the call. Await it, so that messages do not pile up
   *   if the server is slow.
   * @throws TypeError if the message does not fit its type. Error if the client sends one message only, or has called
   *   {@link end}.
   */
  async send(message: Sent): Promise<boolean> {
    const outgoing = this.#outgoing;
    if (outgoing === null) throw new Error("send: the method takes one message only");
    const bytes = this.#owner.encode(message);
    if (outgoing.isEnded) throw new Error("send: end was called before");
    const isSent = await outgoing.send(bytes);
    if (isSent) {
      this.#lastSent = message;
      this.#sent++;
      this.#owner.sent();
    }
    return isSent;
  }

  /** Says that there are no further messages. It is called when the function ends. */
  end(): void {
    this.#outgoing?.end();
  }

  /**
   * Waits for the next message; resolves with `null` when the server has ended the call.
   *
   * @throws RequestError if the call has ended without a status.
   */
  async receive(): Promise<Received | null> {
    for (;;) {
      const message = this.#queue.shift();
      if (message !== undefined) {
        if (this.#queue.length === 0) this.#call.resume();
        return message as Received;
      }
      const end = this.#end ?? await new Promise<StreamEnd | null>((resolve) => {
        this.#waiting.push(resolve);
      });
      if (end === null) continue;
      if (end === "ended") return null;
      if (end === "never") return await new Promise(() => {});
      throw end.error;
    }
  }

  /**
   * The messages of the server, until it ends the call. Leaving the loop before cancels the call, and counts it as it
   * is then.
   *
   * @throws RequestError if the call has ended without a status.
   */
  async *messages(): AsyncGenerator<Received, void, undefined> {
    let isAtEnd = false;
    try {
      for (;;) {
        const message = await this.receive();
        if (message === null) break;
        yield message;
      }
      isAtEnd = true;
    } catch (error) {
      isAtEnd = true;
      throw error;
    } finally {
      if (!isAtEnd) this.cancel();
    }
  }

  /** Ends the call at once. It counts as a success with the status `CANCELLED`. */
  cancel(): void {
    this.#owner.cancel();
  }

  /** @internal What was sent and received, as JSON. */
  static texts(stream: GrpcStream): BodyTexts {
    return {
      sent: () => messageJson({ messages: stream.#sent, last: stream.#lastSent }),
      received: () => messageJson({ messages: stream.#received, last: stream.#last }),
    };
  }

  /** @internal The last message that has arrived. */
  static lastOf(stream: GrpcStream): Fields | null {
    return stream.#last;
  }

  /** @internal A message has arrived. */
  static arrived(stream: GrpcStream, message: Fields): void {
    stream.#last = message;
    stream.#received++;
    if (stream.#isDiscarding) return;
    stream.#queue.push(message);
    if (stream.#queue.length >= MAX_QUEUED) stream.#call.pause();
    stream.#waiting.shift()?.(null);
  }

  /** @internal The call has ended. */
  static ended(stream: GrpcStream, end: StreamEnd): void {
    stream.#end = end;
    stream.#outgoing?.stop();
    for (const resolve of stream.#waiting.splice(0)) resolve(null);
  }

  /** @internal The function has ended: no further message is sent or read. */
  static finish(stream: GrpcStream): void {
    stream.end();
    stream.#isDiscarding = true;
    stream.#queue.length = 0;
    stream.#call.resume();
  }
}
