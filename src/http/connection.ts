/**
 * One connection of one user. It sends a request, reads the response, and can then be reused.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { isResetError, type Socket, type SocketHandler } from "../net/socket.ts";
import { logClosed, type LoggedConnection } from "./connection_log.ts";
import type { Expiring } from "./connection_timers.ts";
import { BodySender, type EncodedRequest, type SeparateBody } from "./request_encoder.ts";
import { type RequestErrorCode, WireError } from "./request_error.ts";
import type { HeadFraming } from "./head_parser.ts";
import { ResponseParser, type WireMessage } from "./response_parser.ts";
import type { SharedHttpState } from "./shared_http_state.ts";
import { socketFailure } from "./socket_errors.ts";
import { StreamedBody } from "./streamed_body.ts";
import type { BodyFlow, WireRequest } from "./transport.ts";

/** Settings of a connection. Times are in milliseconds; `Infinity` means no limit. */
export interface ConnectionSettings {
  /** From sending a request to the first byte of its response. */
  readonly headersMs: number;
  /** Between two reads of a response body. */
  readonly bodyMs: number;
  /** The largest response body in bytes, before and after decoding. */
  readonly maxBodySize: number;
}

/** The owner of a connection, which turns outcomes of exchanges into results. */
export interface ConnectionOwner {
  /**
   * Tells the reader of a request that the response has begun. Returns whether it wants the body as it arrives.
   *
   * @param head the response without its body.
   */
  begun(connection: Connection, request: WireRequest, head: WireMessage, flow: BodyFlow): boolean;
  /** Handles a complete response. The connection is idle or closed. */
  received(connection: Connection, request: WireRequest, message: WireMessage): void;
  /**
   * Handles a failure: tries again, or reports it. The connection cannot be reused. The owner closes it,
   * after {@link Connection.sawRequest} if needed.
   */
  failed(connection: Connection, request: WireRequest, failure: WireError): void;
}

/** Servers ignore an empty line before a request (RFC 9112, section 2.2). */
const EMPTY_LINE = new TextEncoder().encode("\r\n");

/** Servers that read anything read at least this many bytes at once. */
const SMALLEST_READ = 1024;

/** One connection, used for one exchange at a time. */
export class Connection implements Expiring, SocketHandler {
  /** The time limit of the current exchange, in milliseconds on the clock; `Infinity` while idle. */
  deadline = Infinity;
  /** Whether an exchange has been completed. Then the server can close the connection at any time. */
  used = false;
  closed = false;
  /** When the server stops keeping the idle connection, in milliseconds on the clock. */
  idleUntil = Infinity;
  /** The number of bytes of the last request body that were sent. */
  bodySent = 0;
  /** When the response began, in milliseconds on the clock; 0 if it began and ended with the same read. */
  firstByteAt = 0;
  /** When the current or last exchange began, in milliseconds on the clock. */
  sentAt = 0;
  /** `null` if it is not logged. */
  logged: LoggedConnection | null = null;
  /** Identifies the origin. */
  readonly key: string;
  readonly #clock: Clock;
  readonly #shared: SharedHttpState;
  readonly #settings: ConnectionSettings;
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #parser: ResponseParser;
  #isReserved = false;
  /** Whether the server has said how long it keeps the connection. */
  #isReuseLimited = false;
  /** With {@link #isReuseLimited}: for how long the connection can be idle, in milliseconds. */
  #idleMs = Infinity;
  /** With {@link #isReuseLimited}: how many further requests the server accepts. */
  #requestsLeft = Infinity;
  /** Whether the current request ends the connection after its response. */
  #closes = false;
  #request: WireRequest | null = null;
  #sender: BodySender | null = null;
  /** The response, if it is read while it arrives. */
  #streamed: StreamedBody | null = null;
  /** Whether the response is complete, and the rest of the request's body is still being sent. */
  #isAhead = false;
  #failure: WireError | null = null;
  /** Whether {@link close} has closed the socket. */
  #socketClosed = false;
  /** The error code if {@link deadline} passes. */
  #limit: RequestErrorCode = "TIMEOUT";

  /** @param socket is open, and belongs to this connection from now on. */
  constructor(
    clock: Clock,
    shared: SharedHttpState,
    settings: ConnectionSettings,
    owner: ConnectionOwner,
    socket: Socket,
    key: string,
  ) {
    this.key = key;
    this.#clock = clock;
    this.#shared = shared;
    this.#settings = settings;
    this.#owner = owner;
    this.#socket = socket;
    this.#parser = new ResponseParser(settings.maxBodySize, shared.slab);
    shared.deadlines.add(this);
    socket.handler = this;
  }

  /** Whether a byte has arrived since the last request. */
  get answered(): boolean {
    return this.#parser.started;
  }

  /** Whether it is not idle. */
  get busy(): boolean {
    return this.#request !== null || this.#isReserved;
  }

  /** Keeps the connection for an exchange that will follow. */
  reserve(): void {
    this.#isReserved = true;
  }

  /**
   * Sends a request. Its outcome goes to the owner, mostly later, but immediately if the connection has
   * been lost since it was reserved.
   *
   * @param sentAt the time, in milliseconds on the clock.
   */
  exchange(request: WireRequest, encoded: EncodedRequest, sentAt: number): void {
    this.#request = request;
    this.#isReserved = false;
    this.#closes = encoded.closes;
    this.sentAt = sentAt;
    this.firstByteAt = 0;
    this.#parser.begin(encoded.method);
    if (request.reader !== null) this.#streamed = this.#streamedBody(request);
    if (this.closed) return this.#lose(LOST);
    this.#watch(request.deadline, this.#settings.headersMs, "HEADERS_TIMEOUT");
    this.bodySent = encoded.bodyInBytes;
    if (encoded.body === null) this.#socket.write(encoded.bytes);
    else this.#sendBody(encoded, encoded.body);
  }

  /** @internal */
  onOpen(): void {}

  /** @internal */
  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    const request = this.#request;
    if (request === null) return this.#endIdle("the server sent bytes that no request asked for");
    const parser = this.#parser;
    let complete: boolean;
    try {
      complete = parser.feed(bytes, length);
    } catch (error) {
      return this.#lose(asWireError(error));
    }
    if (complete) return this.#complete(request);
    if (this.firstByteAt === 0) this.firstByteAt = this.#clock.now();
    if (this.#sender !== null) this.#steerUpload(this.#sender);
    if (this.#streamed !== null) this.#handOver(this.#streamed);
    else if (this.#settings.bodyMs !== Infinity) {
      this.#watch(request.deadline, this.#settings.bodyMs, "BODY_TIMEOUT");
    }
  }

  #streamedBody(request: WireRequest): StreamedBody {
    const parser = this.#parser;
    return new StreamedBody(request.reader!, parser, {
      begun: (head, flow) => this.#owner.begun(this, request, head, flow),
      pause: () => {
        this.#socket.pause();
        this.#watch(request.deadline, Infinity, "TIMEOUT");
      },
      resume: () => {
        this.#socket.resume();
        this.#watch(request.deadline, this.#settings.bodyMs, "BODY_TIMEOUT");
      },
      cancel: () => this.fail(new WireError("ABORTED", "its reader wants no more of it")),
    });
  }

  /** Hands over what has arrived. */
  #handOver(streamed: StreamedBody): void {
    const request = this.#request!;
    try {
      streamed.handOver();
    } catch (error) {
      return this.#lose(asWireError(error));
    }
    if (streamed.isOver || streamed.isPaused) return;
    // The reader may have changed the time limit.
    this.#watch(request.deadline, this.#settings.bodyMs, "BODY_TIMEOUT");
  }

  /** @internal */
  onEnd(): void {
    const request = this.#request;
    if (request === null) return this.#endIdle("the server has closed it");
    if (this.#isAhead) return this.#endAhead(request);
    let complete: boolean;
    try {
      complete = this.#parser.end();
    } catch (error) {
      return this.#lose(asWireError(error));
    }
    if (complete) this.#complete(request);
  }

  /** @internal */
  onDrain(): void {
    this.#sender?.drained();
  }

  /** @internal */
  onError(error: unknown): void {
    const request = this.#request;
    if (request === null) return this.#endIdle("it was lost");
    if (this.#isAhead) this.#endAhead(request);
    else this.#lose(asWireError(error));
  }

  /** Without a connection, the rest of the request cannot be sent any more, but its response is complete. */
  #endAhead(request: WireRequest): void {
    this.#complete(request);
    this.close("it ended before the whole request was sent");
  }

  /** After its end, and after bytes that no request asked for, an idle connection cannot be used. */
  #endIdle(reason: string): void {
    // After a failure, the owner closes it.
    if (!this.closed) this.close(reason);
  }

  /** Ends the current exchange with an error. */
  fail(failure: WireError): void {
    this.#failure ??= failure;
    this.#lose(failure);
    this.close(failure.message);
  }

  /** Ends the current exchange because of its deadline. */
  expire(): void {
    const text = this.#isAhead
      ? "the response is complete, but the request could not be sent in time"
      : LIMIT_TEXTS[this.#limit] ?? "no complete response in time";
    this.fail(new WireError(this.#limit, text));
  }

  /** Closes the connection. A pending exchange ends without an outcome. @param reason for the log. */
  close(reason: string): void {
    this.#retire();
    if (this.#socketClosed) return;
    this.#socketClosed = true;
    this.#socket.close();
    if (this.logged !== null) logClosed(this.logged, reason, this.#clock.now());
  }

  /** Makes the connection unusable, with its socket left open. */
  #retire(): void {
    if (this.closed) return;
    this.closed = true;
    this.deadline = Infinity;
    this.#sender?.stop();
    this.#shared.deadlines.delete(this);
  }

  /** Reports a failure of the current exchange, if there is one. */
  #lose(failure: WireError): void {
    const request = this.#request;
    const cause = this.#failure ?? failure;
    this.#retire();
    this.#sender = null;
    this.#streamed?.end();
    this.#streamed = null;
    this.#request = null;
    if (request !== null) this.#owner.failed(this, request, cause);
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
   * in part, and over TLS that hides resets.
   *
   * @param failure why the exchange failed.
   * @param encoded the request that was sent.
   */
  async sawRequest(
    failure: WireError,
    { bytes, bodyInBytes, body }: EncodedRequest,
  ): Promise<boolean> {
    if (body !== null || (bodyInBytes > 0 && bytes.length > SMALLEST_READ)) return true;
    if (isResetError(failure.cause)) return false;
    return !await this.#socket.wasReset(EMPTY_LINE);
  }

  #sendBody(
    { bytes, streamLength, expectsContinue }: EncodedRequest,
    body: SeparateBody,
  ): void {
    const sender = this.#sender = new BodySender(this.#clock, this.#socket, {
      onSent: (count) => this.bodySent += count,
      onFailure: (failure) => {
        this.#lose(failure);
        this.close(failure.message);
      },
      onDone: () => {
        if (this.#isAhead && this.#sender === sender) this.#complete(this.#request!);
      },
    });
    sender.start(bytes, body, expectsContinue, streamLength);
  }

  /** Does what a part of the response says about the request's body. */
  #steerUpload(sender: BodySender): void {
    const { continues, framing } = this.#parser;
    if (framing.status >= REFUSED) sender.stop();
    else if (continues > 0) sender.proceed();
  }

  /**
   * Whether the rest of a request's body is sent although the response is complete. As with curl, a server that
   * accepts a request early gets all of it, and can keep the connection, unless it says that it closes it.
   */
  #letsUploadFinish(sender: BodySender, request: WireRequest): boolean {
    const { status, reusable } = this.#parser.message;
    if (this.#isAhead || sender.waits || !reusable || status >= REFUSED) return false;
    this.#isAhead = true;
    if (this.firstByteAt === 0) this.firstByteAt = this.#clock.now();
    this.#watch(request.deadline, Infinity, "TIMEOUT");
    return true;
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

  #complete(request: WireRequest): void {
    const parser = this.#parser;
    const streamed = this.#streamed;
    if (streamed !== null) {
      this.#handOver(streamed);
      if (streamed.isOver) return;
    }
    const sender = this.#sender;
    if (sender !== null) {
      if (!sender.done && this.#letsUploadFinish(sender, request)) return;
      this.#isAhead = false;
    }
    const message = streamed === null ? parser.message : streamed.complete(parser.message);
    this.#streamed = null;
    if (parser.framing.limitsReuse) this.#limitReuse(parser.framing);
    parser.forget();
    this.#request = null;
    this.used = true;
    this.deadline = Infinity;
    this.#sender = null;
    const whole = sender === null || (sender.done && !parser.surplus);
    sender?.stop();
    if (!whole) this.close("the response came before the whole request was sent");
    else if (!message.reusable) this.close("the response ends it");
    else if (this.#closes) this.close("the request ends it");
    else if (this.#isReuseLimited) this.#keepWithinLimits();
    this.#owner.received(this, request, message);
  }

  #limitReuse({ keepAliveSeconds, keepAliveMax }: HeadFraming): void {
    this.#isReuseLimited = true;
    if (keepAliveSeconds >= 0) {
      const ms = keepAliveSeconds * 1000;
      this.#idleMs = ms - Math.min(IDLE_MARGIN_MS, ms / 2);
    }
    // Some servers count down, others repeat the total. Counting from the first response suits both.
    if (keepAliveMax >= 0) this.#requestsLeft = Math.min(this.#requestsLeft, keepAliveMax);
  }

  #keepWithinLimits(): void {
    if (--this.#requestsLeft <= 0) this.close("the server accepts no more requests on it");
    else if (this.#idleMs === 0) this.close("the server does not keep it open");
    else this.idleUntil = this.#clock.now() + this.#idleMs;
  }
}

/**
 * How long before the server's limit an idle connection is no longer used, in milliseconds; of a short limit,
 * the second half. A request that is under way when the server closes the connection is lost.
 */
const IDLE_MARGIN_MS = 1_000;

/** From this status on, a server does not want the rest of a request. */
const REFUSED = 300;

const LIMIT_TEXTS: Partial<Record<RequestErrorCode, string>> = {
  HEADERS_TIMEOUT: "no response in time",
  BODY_TIMEOUT: "no further part of the body in time",
};

const LOST = new WireError("ECONNRESET", "the connection was lost");

function asWireError(error: unknown): WireError {
  return error instanceof WireError ? error : socketFailure(error, "exchange");
}
