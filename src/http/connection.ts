/**
 * One connection of one user: sends a request, reads its response, and may be used again.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { ByteStream } from "../core/network.ts";
import type { Expiring } from "./connection_timers.ts";
import type { HttpNode } from "./http_node.ts";
import { BodySender, type EncodedRequest } from "./request_encoder.ts";
import { type RequestErrorCode, WireError } from "./request_error.ts";
import { ResponseParser, type WireMessage } from "./response_parser.ts";
import { socketFailure } from "./socket_errors.ts";

/** What a connection may take, and for how long; times in milliseconds, Infinity for no limit. */
export interface ConnectionLimits {
  readonly connectMs: number;
  /** From the request to the first byte of its response. */
  readonly headersMs: number;
  /** Between two reads of the response's body. */
  readonly bodyMs: number;
  /** Bytes that a response's body may have, before and after decoding. */
  readonly maxBodySize: number;
}

/** Whose connection it is, and who decides what comes of an exchange. */
export interface ConnectionOwner<Request, Result> {
  /** A whole response is in; the connection is idle again, or closed. */
  received(connection: Connection, request: Request, message: WireMessage): Result;
  /** No whole response came; the connection is closed. Gives the result all the same, or throws. */
  failed(connection: Connection, request: Request, failure: WireError): Promise<Result>;
}

/** A larger buffer is taken where a response does not fit; most do. */
const FIRST_BUFFER = 1024;
const LARGEST_BUFFER = 65_536;
const NOTHING = new Uint8Array(0);

/** One connection. Exchanges follow each other; each begins when the one before is over. */
export class Connection implements Expiring {
  /** When what is under way must be over, in milliseconds on the clock; Infinity while idle. */
  deadline = Infinity;
  /** Whether it has carried an exchange already: its server may close it at any moment. */
  used = false;
  closed = false;
  underWay = false;
  /** When it may no longer be used, in milliseconds on the clock, as its server has said. */
  idleUntil = Infinity;
  /** Bytes of the last request's body that were sent. */
  bodySent = 0;
  /** How often the request under way had been sent before, on another connection. */
  retries = 0;
  /** The origin that it leads to. */
  readonly key: string;
  /** Whether the watch for the end of idle connections has it on its list. */
  awaitsWatch = false;
  readonly #clock: Clock;
  readonly #node: HttpNode;
  readonly #limits: ConnectionLimits;
  readonly #stream: ByteStream;
  readonly #parser: ResponseParser;
  #buffer = new Uint8Array(FIRST_BUFFER);
  /** The read that was begun while it was idle, to see its end; null where there is none. */
  #early: Promise<number | null> | null = null;
  /** What is left to be sent of the last request. */
  #unsent = NOTHING;
  #failure: WireError | null = null;
  /** The limit that {@link deadline} stands for. */
  #limit: RequestErrorCode = "TIMEOUT";

  constructor(
    clock: Clock,
    node: HttpNode,
    limits: ConnectionLimits,
    stream: ByteStream,
    key: string,
  ) {
    this.key = key;
    this.#clock = clock;
    this.#node = node;
    this.#limits = limits;
    this.#stream = stream;
    this.#parser = new ResponseParser(limits.maxBodySize, node.slab);
    node.deadlines.add(this);
  }

  /** Whether a byte of the last response has come. */
  get answered(): boolean {
    return this.#parser.started;
  }

  /**
   * Sends a request, and resolves with what its owner makes of the response, or of its lack. It is the
   * only async function between a session and the socket: each costs time with every request.
   *
   * @param deadline when it must be over, in milliseconds on the clock.
   */
  async exchange<Request, Result>(
    owner: ConnectionOwner<Request, Result>,
    request: Request,
    encoded: EncodedRequest,
    deadline: number,
  ): Promise<Result> {
    const parser = this.#parser;
    this.underWay = true;
    parser.begin(encoded.method);
    this.#watch(deadline, this.#limits.headersMs, "HEADERS_TIMEOUT");
    const sender = this.#send(encoded);
    try {
      for (;;) {
        const reading = this.#early ?? this.#stream.read(this.#buffer);
        this.#early = null;
        const count = await reading;
        if (count === null ? parser.end() : parser.feed(this.#buffer, count)) break;
        if (parser.continues > 0) sender?.proceed();
        this.#prepareNextRead(count, deadline);
      }
    } catch (error) {
      sender?.stop();
      const failure = this.#failure ?? sender?.failure ?? asWireError(error);
      this.close();
      return await owner.failed(this, request, failure);
    }
    const { message } = parser;
    parser.forget();
    this.#end(message, sender);
    return owner.received(this, request, message);
  }

  /** Gives up what is under way. */
  fail(failure: WireError): void {
    this.#failure ??= failure;
    this.close();
  }

  /** The time is over for what is under way. */
  expire(): void {
    this.fail(new WireError(this.#limit, LIMIT_TEXTS[this.#limit] ?? "no whole response in time"));
  }

  /** Closes it; what is under way rejects. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.deadline = Infinity;
    this.#node.deadlines.delete(this);
    this.#stream.close();
  }

  /** Begins to read while it is idle: an end, or bytes that nobody asked for, make it useless. */
  watchWhileIdle(): void {
    if (this.underWay || this.closed || this.#early !== null) return;
    this.#early = this.#stream.read(this.#buffer);
    this.#early.then(this.#onEarlyRead, this.#onEarlyRead);
  }

  readonly #onEarlyRead = (): void => {
    if (!this.underWay) this.close();
  };

  /** Begins to send; what sends the body is given back where it does not go with the head. */
  #send({ bytes, bodyInBytes, body, expectsContinue }: EncodedRequest): BodySender | null {
    this.bodySent = bodyInBytes;
    if (body === null) {
      this.#unsent = bytes;
      // Not awaited: the response says when the request has arrived.
      this.#stream.write(bytes).then(this.#onWritten, ignore);
      return null;
    }
    const sender = new BodySender(this.#clock, this.#stream, {
      onSent: (count) => this.bodySent += count,
      onFailure: () => this.close(),
    });
    sender.start(bytes, body, expectsContinue);
    return sender;
  }

  readonly #onWritten = (count: number): void => {
    if (count === this.#unsent.length || this.closed) return;
    this.#unsent = this.#unsent.subarray(count);
    this.#stream.write(this.#unsent).then(this.#onWritten, ignore);
  };

  #prepareNextRead(count: number | null, deadline: number): void {
    if (count === this.#buffer.length && count < LARGEST_BUFFER) {
      this.#buffer = new Uint8Array(count * 4);
    }
    if (this.#limits.bodyMs !== Infinity && this.#parser.started) {
      this.#watch(deadline, this.#limits.bodyMs, "BODY_TIMEOUT");
    }
  }

  #watch(deadline: number, phaseMs: number, code: RequestErrorCode): void {
    this.deadline = deadline;
    this.#limit = "TIMEOUT";
    if (phaseMs !== Infinity) {
      const phaseDeadline = this.#clock.now() + phaseMs;
      if (phaseDeadline < deadline) {
        this.deadline = phaseDeadline;
        this.#limit = code;
      }
    }
    this.#node.deadlines.note(this.deadline);
  }

  #end(message: WireMessage, sender: BodySender | null): void {
    this.underWay = false;
    this.used = true;
    this.deadline = Infinity;
    const whole = sender === null || sender.done;
    if (!whole) sender.stop();
    if (!whole || !message.reusable) {
      this.close();
      return;
    }
    const { keepAliveSeconds } = message;
    if (keepAliveSeconds !== null) {
      this.idleUntil = this.#clock.now() + (keepAliveSeconds - 1) * 1000;
    }
    this.#node.idleWatch.add(this);
  }
}

const LIMIT_TEXTS: Partial<Record<RequestErrorCode, string>> = {
  HEADERS_TIMEOUT: "no byte of the response in time",
  BODY_TIMEOUT: "no further byte of the body in time",
};

/** A failed write is seen by the read as well, which also finds what the server said before. */
function ignore(): void {}

function asWireError(error: unknown): WireError {
  return error instanceof WireError ? error : socketFailure(error, "exchange");
}
