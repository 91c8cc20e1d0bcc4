/**
 * One connection of one user. It sends a request, reads the response, and can then be reused.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { ByteStream } from "../core/network.ts";
import type { Expiring } from "./connection_timers.ts";
import { BodySender, type EncodedRequest } from "./request_encoder.ts";
import { type RequestErrorCode, WireError } from "./request_error.ts";
import { ResponseParser, type WireMessage } from "./response_parser.ts";
import type { SharedHttpState } from "./shared_http_state.ts";
import { isReset, socketFailure } from "./socket_errors.ts";

/** Limits of a connection. Times are in milliseconds; `Infinity` means no limit. */
export interface ConnectionLimits {
  readonly connectMs: number;
  /** From sending a request to the first byte of its response. */
  readonly headersMs: number;
  /** Between two reads of a response body. */
  readonly bodyMs: number;
  /** The largest response body in bytes, before and after decoding. */
  readonly maxBodySize: number;
}

/** The owner of a connection, which turns outcomes of exchanges into results. */
export interface ConnectionOwner<Request, Result> {
  /** Handles a complete response. The connection is idle or closed. */
  received(connection: Connection, request: Request, message: WireMessage): Result;
  /**
   * Handles a failure: tries again, or rejects. The connection cannot be reused. The owner closes it, after
   * {@link Connection.sawRequest} if needed.
   */
  failed(connection: Connection, request: Request, failure: WireError): Promise<Result>;
}

/** Most responses fit. If one does not, a larger buffer is allocated. */
const FIRST_BUFFER = 1024;
const MAX_BUFFER = 65_536;
const NOTHING = new Uint8Array(0);

/** Servers ignore an empty line before a request (RFC 9112, section 2.2). */
const EMPTY_LINE = new TextEncoder().encode("\r\n");

/** Servers that read anything read at least this many bytes at once. */
const SMALLEST_READ = 1024;

/** One connection, used for one exchange at a time. */
export class Connection implements Expiring {
  /** The time limit of the current exchange, in milliseconds on the clock; `Infinity` while idle. */
  deadline = Infinity;
  /** Whether an exchange has been completed. Then the server can close the connection at any time. */
  used = false;
  closed = false;
  busy = false;
  /** When the server stops keeping the idle connection, in milliseconds on the clock. */
  idleUntil = Infinity;
  /** The number of bytes of the last request body that were sent. */
  bodySent = 0;
  /** Identifies the origin. */
  readonly key: string;
  /** Whether the idle watch has it on its list. */
  awaitsWatch = false;
  readonly #clock: Clock;
  readonly #shared: SharedHttpState;
  readonly #limits: ConnectionLimits;
  readonly #stream: ByteStream;
  readonly #parser: ResponseParser;
  #buffer = new Uint8Array(FIRST_BUFFER);
  /** A read that was started while idle, to notice the end of the connection; else `null`. */
  #early: Promise<number | null> | null = null;
  /** The part of the last request that has not been written. */
  #unsent = NOTHING;
  #failure: WireError | null = null;
  /** Whether {@link close} has closed the stream. */
  #streamClosed = false;
  /** The error code if {@link deadline} passes. */
  #limit: RequestErrorCode = "TIMEOUT";

  constructor(
    clock: Clock,
    shared: SharedHttpState,
    limits: ConnectionLimits,
    stream: ByteStream,
    key: string,
  ) {
    this.key = key;
    this.#clock = clock;
    this.#shared = shared;
    this.#limits = limits;
    this.#stream = stream;
    this.#parser = new ResponseParser(limits.maxBodySize, shared.slab);
    shared.deadlines.add(this);
  }

  /** Whether a byte has arrived since the last request. */
  get answered(): boolean {
    return this.#parser.started;
  }

  /**
   * Sends a request and resolves with the result of {@link ConnectionOwner.received} or
   * {@link ConnectionOwner.failed}. This is the only async function between a session and the socket,
   * because each one costs about 0.3 µs per request.
   *
   * @param deadline the time limit of the exchange, in milliseconds on the clock.
   */
  async exchange<Request, Result>(
    owner: ConnectionOwner<Request, Result>,
    request: Request,
    encoded: EncodedRequest,
    deadline: number,
  ): Promise<Result> {
    const parser = this.#parser;
    this.busy = true;
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
      this.#retire();
      return await owner.failed(this, request, failure);
    }
    const { message } = parser;
    parser.forget();
    this.#end(message, sender);
    return owner.received(this, request, message);
  }

  /** Ends the current exchange with an error. */
  fail(failure: WireError): void {
    this.#failure ??= failure;
    this.close();
  }

  /** Ends the current exchange because of its deadline. */
  expire(): void {
    this.fail(
      new WireError(this.#limit, LIMIT_TEXTS[this.#limit] ?? "no complete response in time"),
    );
  }

  /** Closes the connection; a pending exchange rejects. */
  close(): void {
    this.#retire();
    if (this.#streamClosed) return;
    this.#streamClosed = true;
    this.#stream.close();
  }

  /** Makes the connection unusable, with its stream left open. */
  #retire(): void {
    if (this.closed) return;
    this.closed = true;
    this.deadline = Infinity;
    this.#shared.deadlines.delete(this);
  }

  /**
   * Whether the server may have read the request after which the connection was lost. Call it at least
   * one round trip after the request was sent.
   *
   * A server that closes a kept connection does not say whether it had read the request that was just
   * sent. Its system does: it resets the connection if the program closes it with unread bytes, or if bytes
   * arrive after the program has closed it. In the second case, the end of the stream is noticed before
   * the reset arrives, but from then on, writing fails.
   *
   * Resolves with `true` if this cannot be known: for a request with a body that the server may have read
   * in part, and over `node:tls`, which hides resets.
   *
   * @param failure why the exchange failed.
   * @param encoded the request that was sent.
   */
  async sawRequest(
    failure: WireError,
    { bytes, bodyInBytes, body }: EncodedRequest,
  ): Promise<boolean> {
    if (body !== null || (bodyInBytes > 0 && bytes.length > SMALLEST_READ)) return true;
    if (isReset(failure)) return false;
    try {
      await this.#stream.write(EMPTY_LINE);
      return true;
    } catch (error) {
      return !isReset(asWireError(error));
    }
  }

  /** Starts reading while idle, because the end of the stream or unexpected bytes make it unusable. */
  watchWhileIdle(): void {
    if (this.busy || this.closed || this.#early !== null) return;
    this.#early = this.#stream.read(this.#buffer);
    this.#early.then(this.#onEarlyRead, this.#onEarlyRead);
  }

  readonly #onEarlyRead = (): void => {
    if (!this.busy) this.close();
  };

  /** Starts sending; returns a sender if the body is sent after the head. */
  #send({ bytes, bodyInBytes, body, expectsContinue }: EncodedRequest): BodySender | null {
    this.bodySent = bodyInBytes;
    if (body === null) {
      this.#unsent = bytes;
      // Not awaited, to save time: the response shows that the request has arrived.
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
    if (count === this.#buffer.length && count < MAX_BUFFER) {
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
    this.#shared.deadlines.schedule(this.deadline);
  }

  #end(message: WireMessage, sender: BodySender | null): void {
    this.busy = false;
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
    this.#shared.idleWatch.add(this);
  }
}

const LIMIT_TEXTS: Partial<Record<RequestErrorCode, string>> = {
  HEADERS_TIMEOUT: "no response in time",
  BODY_TIMEOUT: "no further part of the body in time",
};

/** A failed write also fails the read, which first returns what the server has sent before. */
function ignore(): void {}

function asWireError(error: unknown): WireError {
  return error instanceof WireError ? error : socketFailure(error, "exchange");
}
