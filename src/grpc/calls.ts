/**
 * Calls of gRPC on their way, as requests of HTTP/2.
 *
 * @module
 */

import { messageText } from "../core/errors.ts";
import { asRequestError } from "../http/exchange_outcome.ts";
import { RequestError, WireError } from "../http/request_error.ts";
import type {
  BodyFlow,
  BodyReader,
  BodyTexts,
  ExchangeCounter,
  HeaderPairs,
  WireBody,
  WireRequest,
  WireResponse,
} from "../http/transport.ts";
import { decompressed } from "./call_terms.ts";
import { MessageReader } from "./message_frames.ts";
import type { Fields } from "./message_types.ts";
import type { GrpcMethod } from "./schema.ts";
import { type CallStatus, isGrpcType, statusOf, valueOf } from "./status.ts";

/** A call that has ended with a status. */
export interface EndedCall {
  readonly status: CallStatus;
  /** Empty if the client has ended it. */
  readonly headers: HeaderPairs;
  readonly trailers: HeaderPairs;
  /** In milliseconds on the clock of the node. */
  readonly endedAt: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Of HTTP; `null` if the client has ended the call. */
  readonly response: WireResponse | null;
  /** Whether the client has cancelled the call because it wanted no more. */
  readonly isWanted: boolean;
}

/** A call that the client has ended. */
function endedHere(status: CallStatus, endedAt: number, isWanted: boolean): EndedCall {
  const nothing = { headers: NONE, trailers: NONE, bytesReceived: 0, bytesSent: 0, response: null };
  return { ...nothing, status, endedAt, isWanted };
}

/** Learns how a call ends: one of the methods is called, once. */
export interface CallOutcome<Call> {
  ended(call: Call, ended: EndedCall): void;
  /** There is no status. */
  failed(call: Call, error: RequestError): void;
}

/** What every call is made of. */
export interface CallParts {
  readonly method: GrpcMethod;
  readonly url: URL;
  readonly headers: HeaderPairs;
  readonly body: WireBody;
  readonly deadline: number;
  readonly sentAt: number;
  readonly counter: ExchangeCounter;
  /** In bytes. */
  readonly maxMessageSize: number;
  /** Milliseconds on the clock of the node. */
  readonly now: () => number;
}

/** One call. */
abstract class Call implements WireRequest {
  readonly method = "POST";
  readonly url: URL;
  readonly headers: HeaderPairs;
  readonly body: WireBody;
  readonly deadline: number;
  readonly sentAt: number;
  readonly counter: ExchangeCounter;
  abstract readonly reader: BodyReader | null;
  protected readonly parts: CallParts;

  constructor(parts: CallParts) {
    const { url, headers, body, deadline, sentAt, counter } = parts;
    this.parts = parts;
    this.url = url;
    this.headers = headers;
    this.body = body;
    this.deadline = deadline;
    this.sentAt = sentAt;
    this.counter = counter;
  }

  /** The method that is called. */
  get called(): GrpcMethod {
    return this.parts.method;
  }

  abstract received(response: WireResponse): void;
  abstract failed(error: RequestError): void;

  /**
   * The status of a call that the client has ended at its deadline; `null` if it has failed for another reason. Some
   * servers reset the call when its time is over.
   */
  protected expired(error: RequestError): EndedCall | null {
    const endedAt = this.parts.now();
    const isReset = error.code === "ECONNRESET" && endedAt >= this.deadline;
    if (error.code !== "TIMEOUT" && !isReset) return null;
    const details = "the call has not ended in time";
    return endedHere({ status: "DEADLINE_EXCEEDED", details }, endedAt, false);
  }

  /** @throws WireError if it is no message of the method's type. */
  protected decoded(bytes: Uint8Array, isCompressed: boolean, encoding: string | null): Fields {
    const { method: { response }, maxMessageSize } = this.parts;
    const plain = isCompressed ? decompressed(bytes, encoding, maxMessageSize) : bytes;
    try {
      return response.decode(plain);
    } catch (error) {
      throw new WireError(
        "BAD_RESPONSE",
        `the response is no message ${response.name}: ${messageText(error)}`,
      );
    }
  }
}

/** A call whose messages are all sent before any is read. */
export class WholeCall extends Call {
  readonly reader = null;
  /** Those of the response. */
  readonly messages: Fields[] = [];
  readonly #outcome: CallOutcome<WholeCall>;

  constructor(parts: CallParts, outcome: CallOutcome<WholeCall>) {
    super(parts);
    this.#outcome = outcome;
  }

  received(response: WireResponse): void {
    const ended = endedBy(response);
    if (ended.status.status === "OK") {
      try {
        this.#read(response, response.fields ?? NONE);
      } catch (error) {
        return this.#outcome.failed(this, asRequestError(error, this));
      }
    }
    this.#outcome.ended(this, ended);
  }

  #read(response: WireResponse, headers: HeaderPairs): void {
    const encoding = valueOf(headers, "grpc-encoding");
    checkType(headers);
    const reader = new MessageReader(this.parts.maxMessageSize, (bytes, isCompressed) => {
      this.messages.push(this.decoded(bytes, isCompressed, encoding));
    });
    reader.feed(response.bytes());
    checkComplete(reader);
    if (this.called.streamsResponses || this.messages.length === 1) return;
    const count = this.messages.length;
    throw new WireError("BAD_RESPONSE", `the status OK with ${count} messages, expected one`);
  }

  failed(error: RequestError): void {
    const ended = this.expired(error);
    if (ended === null) this.#outcome.failed(this, error);
    else this.#outcome.ended(this, ended);
  }
}

function endedBy(response: WireResponse): EndedCall {
  const { status: httpStatus, endedAt, bytesReceived, bytesSent, fields = [] } = response;
  const { trailers: after = [] } = response;
  const status = statusOf({ httpStatus, headers: fields, trailers: after });
  // What comes without any message are trailers, although HTTP has them in the headers.
  const isWhole = after.length === 0 && valueOf(fields, "grpc-status") !== null;
  const [headers, trailers] = isWhole ? [NONE, fields] : [fields, after];
  const isWanted = false;
  return { status, headers, trailers, endedAt, bytesReceived, bytesSent, response, isWanted };
}

const NONE: HeaderPairs = [];

/** @throws WireError if the response is none of gRPC. */
function checkType(headers: HeaderPairs): void {
  const type = valueOf(headers, "content-type");
  if (isGrpcType(type)) return;
  throw new WireError(
    "BAD_RESPONSE",
    `content type ${type ?? "missing"}, expected application/grpc`,
  );
}

/** @throws WireError if the last message was cut off. */
function checkComplete(reader: MessageReader): void {
  if (!reader.isComplete) throw new WireError("BAD_RESPONSE", "a message that was cut off");
}

/** Handles what arrives on a stream, and how it ends. */
export interface StreamOutcome extends CallOutcome<StreamCall> {
  message(call: StreamCall, message: Fields): void;
}

/** A call with any number of messages in at least one direction. */
export class StreamCall extends Call {
  readonly reader: BodyReader;
  readonly #outcome: StreamOutcome;
  #encoding: string | null = null;
  #flow: BodyFlow | null = null;
  #messages: MessageReader;
  #isOver = false;
  #isPaused = false;
  #hasMessages = false;

  constructor(parts: CallParts, outcome: StreamOutcome) {
    super(parts);
    this.#outcome = outcome;
    this.#messages = new MessageReader(parts.maxMessageSize, (bytes, isCompressed) => {
      this.#outcome.message(this, this.decoded(bytes, isCompressed, this.#encoding));
    });
    this.reader = {
      begun: (response, flow) => this.#begun(response, flow),
      piece: (bytes) => this.#piece(bytes),
    };
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Reads no further messages for now: the server has to wait. */
  pause(): void {
    this.#isPaused = true;
    this.#flow?.pause();
  }

  /** Reads on. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#flow?.resume();
  }

  /** Ends the call, unless it has ended. @param now in milliseconds on the clock of the node. */
  cancel(now: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Before the response has begun, the exchange goes on until then.
    this.#flow?.cancel();
    const details = "the client has cancelled the call";
    this.#outcome.ended(this, endedHere({ status: "CANCELLED", details }, now, true));
  }

  #begun(response: WireResponse, flow: BodyFlow): boolean {
    if (this.#isOver) {
      flow.cancel();
      return true;
    }
    this.#flow = flow;
    const headers = response.fields ?? [];
    this.#hasMessages = isGrpcType(valueOf(headers, "content-type"));
    this.#encoding = valueOf(headers, "grpc-encoding");
    if (this.#isPaused) flow.pause();
    return true;
  }

  #piece(bytes: Uint8Array): void {
    // A page of a proxy has no messages.
    if (this.#isOver || !this.#hasMessages) return;
    try {
      this.#messages.feed(bytes);
    } catch (error) {
      this.#isOver = true;
      this.#flow?.cancel();
      this.#outcome.failed(this, asRequestError(error, this));
    }
  }

  received(response: WireResponse): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const ended = endedBy(response);
    if (ended.status.status === "OK") {
      try {
        checkType(response.fields ?? NONE);
        checkComplete(this.#messages);
      } catch (error) {
        return this.#outcome.failed(this, asRequestError(error, this));
      }
    }
    this.#outcome.ended(this, ended);
  }

  failed(error: RequestError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const ended = this.expired(error);
    if (ended === null) this.#outcome.failed(this, error);
    else this.#outcome.ended(this, ended);
  }
}

/** The messages that a client sends on a stream, as the body of its request. */
export class OutgoingMessages {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #waiting: { readonly bytes: Uint8Array<ArrayBuffer>; sent(isSent: boolean): void }[] =
    [];
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null;
  /** Whether the next message can be sent at once. */
  #isWanted = false;
  #isEnded = false;
  #isStopped = false;

  constructor() {
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.#isWanted = true;
        this.#proceed();
      },
      cancel: () => this.stop(),
    }, { highWaterMark: 0 });
  }

  /** Resolves with `true` when the message has been sent, and with `false` if that is not possible any more. */
  send(bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    if (this.#isEnded || this.#isStopped) return Promise.resolve(false);
    return new Promise((sent) => {
      this.#waiting.push({ bytes, sent });
      this.#proceed();
    });
  }

  /** Whether the client has said that it sends no more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** There are no further messages. */
  end(): void {
    if (this.#isEnded || this.#isStopped) return;
    this.#isEnded = true;
    this.#proceed();
  }

  /** Nothing is sent any more. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    // If the call goes on, this ends it.
    this.#controller!.error(new Error("the client has cancelled the call"));
    for (const { sent } of this.#waiting.splice(0)) sent(false);
  }

  #proceed(): void {
    if (this.#isStopped) return;
    if (this.#isWanted && this.#waiting.length > 0) {
      this.#isWanted = false;
      const { bytes, sent } = this.#waiting.shift()!;
      this.#controller!.enqueue(bytes);
      sent(true);
    }
    if (!this.#isEnded || this.#waiting.length > 0) return;
    this.#isStopped = true;
    this.#controller!.close();
  }
}

/** The messages of a call with one in each direction, as JSON. */
export class MessageTexts implements BodyTexts {
  readonly #method: GrpcMethod;
  readonly #message: unknown;

  constructor(method: GrpcMethod, message: unknown) {
    this.#method = method;
    this.#message = message;
  }

  sent(): string {
    return messageJson(this.#message);
  }

  received(response: WireResponse): string | null {
    try {
      let text: string | null = null;
      const encoding = valueOf(response.fields ?? NONE, "grpc-encoding");
      const reader = new MessageReader(MAX_SHOWN, (message, isCompressed) => {
        const plain = isCompressed ? decompressed(message, encoding, MAX_SHOWN) : message;
        text = messageJson(this.#method.response.decode(plain));
      });
      reader.feed(response.bytes());
      return text;
    } catch {
      return null;
    }
  }
}

/** Longer messages are not shown, in bytes. */
const MAX_SHOWN = 65_536;

/** A message as JSON, in which bytes are base64 and maps are objects. */
export function messageJson(message: unknown): string {
  return JSON.stringify(message, (_, value: unknown) => {
    if (typeof value === "bigint") return String(value);
    if (value instanceof Map) return Object.fromEntries(value);
    return value instanceof Uint8Array ? value.toBase64() : value;
  }) ?? "";
}
