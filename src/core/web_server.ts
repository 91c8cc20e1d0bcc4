/**
 * The HTTP server of the dashboard. It shares the file descriptors of the process with the users of the
 * test, so it limits what clients can take of them: how many connections they open, and how long a
 * connection may do nothing.
 *
 * Connections are accepted and answered here, because the servers of the runtime stop accepting for good
 * when a descriptor is missing once, and do not limit addresses.
 *
 * @module
 */

import { type Clock, systemClock, type Timer } from "./clock.ts";
import {
  type AcceptedStream,
  type ByteStream,
  ConnectionLimiter,
  listen,
  type StreamListener,
  writeAll,
} from "./network.ts";
import { type RequestHead, RequestParser } from "./request_parser.ts";

/** Where to serve HTTP, and to how many clients. */
export interface WebListenOptions {
  /** A name, an address, or `*` for all addresses of IPv4 and IPv6. */
  readonly hostname: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Connections that may be open at the same time, at least 2. An address may have half of them. */
  readonly maxConnections: number;
  /** Certificate and key in PEM; without them, plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string } | null;
}

/**
 * Answers one request.
 *
 * @param address the client's address without the port.
 */
export type WebHandler = (request: Request, address: string) => Response | Promise<Response>;

/** An HTTP server. */
export interface WebListener {
  readonly port: number;
  /** Stops answering new requests; gives pending answers half a second to finish. */
  close(): Promise<void>;
}

/** How long pending answers may take after the listener was closed, in milliseconds. */
const LAST_ANSWERS_MS = 500;

/** The time in which the head of a request must arrive, in milliseconds from the start of the connection. */
const HEAD_MS = 5_000;

/** A client that takes no byte of its response for this long is disconnected, in milliseconds. */
const STALL_MS = 30_000;

/** How long the rest of an unwanted body is read after the response, in milliseconds. */
const LINGER_MS = 500;

/**
 * Serves HTTP.
 *
 * @throws `Deno.errors.AddrInUse` and other errors of the system.
 */
export function serveWeb(options: WebListenOptions, handle: WebHandler): WebListener {
  const { hostname, port, maxConnections, tls = null } = options;
  const listener = listen({ hostname, port, tls });
  return new WebServer(
    listener,
    maxConnections,
    handle,
    systemClock,
    tls === null ? "http" : "https",
  );
}

/** Serves HTTP on a listener. Each connection carries one request, so none is kept open for later. */
export class WebServer implements WebListener {
  readonly port: number;
  readonly #listener: StreamListener;
  readonly #handle: WebHandler;
  readonly #clock: Clock;
  readonly #scheme: "http" | "https";
  readonly #limiter: ConnectionLimiter;
  /** Oldest first. */
  readonly #connections = new Set<WebConnection>();
  #closed = false;
  /** Called when the last connection has ended. */
  #onEmpty: () => void = () => {};

  constructor(
    listener: StreamListener,
    maxConnections: number,
    handle: WebHandler,
    clock: Clock,
    scheme: "http" | "https" = "http",
  ) {
    this.port = listener.port;
    this.#listener = listener;
    this.#handle = handle;
    this.#clock = clock;
    this.#scheme = scheme;
    this.#limiter = new ConnectionLimiter(Math.ceil(maxConnections / 2), maxConnections);
    void this.#accept();
  }

  async close(): Promise<void> {
    if (!this.#closed) this.#listener.close();
    this.#closed = true;
    for (const connection of this.#connections) if (!connection.isBusy) connection.destroy();
    if (this.#connections.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onEmpty = resolve;
      const timer = this.#clock.setTimer(resolve, LAST_ANSWERS_MS);
      // A client that does not read its response would block the shutdown forever.
      await promise;
      this.#clock.clearTimer(timer);
    }
    for (const connection of this.#connections) connection.destroy();
  }

  async #accept(): Promise<void> {
    for (;;) {
      const accepted = await this.#listener.accept();
      if (accepted === null) return;
      this.#admit(accepted);
    }
  }

  #admit({ stream, address }: AcceptedStream): void {
    if (!this.#limiter.enter(address)) {
      this.#oldestIdle(address)?.destroy();
      if (!this.#limiter.enter(address)) return stream.close();
    }
    const connection = new WebConnection(stream, address, this.#clock, {
      answer: (head, body) => this.#answer(head, body, address),
      end: () => {
        this.#connections.delete(connection);
        this.#limiter.leave(address);
        if (this.#connections.size === 0) this.#onEmpty();
      },
    });
    this.#connections.add(connection);
    void connection.receive();
  }

  /**
   * A connection that makes room for one of this address. A new client most likely sends its request at
   * once. One that has been idle for some time may never send any.
   */
  #oldestIdle(address: string): WebConnection | null {
    const { isFull } = this.#limiter;
    for (const connection of this.#connections) {
      if (!connection.isBusy && (isFull || connection.address === address)) {
        return connection;
      }
    }
    return null;
  }

  /** Never rejects. A client gets no details of an error. */
  async #answer(head: RequestHead, body: RequestBody, address: string): Promise<Response> {
    const request = requestOf(head, body, this.#scheme);
    if (request === null) return new Response(null, { status: 400 });
    try {
      return await this.#handle(request, address);
    } catch {
      return new Response(null, { status: 500 });
    }
  }
}

/** Host of requests that name none; it cannot be the name of a dashboard. */
const NO_HOST = "no-host.invalid";

/** The request that a head begins; `null` if it is invalid. */
function requestOf(head: RequestHead, body: RequestBody, scheme: string): Request | null {
  const { method, target, host, headers } = head;
  const url = target.startsWith("/") ? `${scheme}://${host ?? NO_HOST}${target}` : target;
  const hasBody = method !== "GET" && method !== "HEAD";
  try {
    return new Request(url, {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      body: hasBody ? body.stream : null,
    });
  } catch {
    return null;
  }
}

/** The body of a request on its way to the handler. It takes the next part when the handler asks for it. */
class RequestBody {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null;
  /** Resolved when the handler asks for a part, or wants none any more. */
  #demand = Promise.withResolvers<void>();
  #isOver = false;

  /** @param onDemand called when the handler asks for a part. */
  constructor(onDemand: () => void) {
    this.stream = new ReadableStream({
      start: (controller): void => {
        this.#controller = controller;
      },
      pull: (): void => {
        onDemand();
        this.#demand.resolve();
      },
      cancel: (): void => this.#end(() => {}),
    }, { highWaterMark: 0 });
  }

  /** Resolves when the handler takes a part, or wants none any more. */
  async put(part: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#isOver) return;
    await this.#demand.promise;
    if (this.#isOver) return;
    this.#demand = Promise.withResolvers();
    this.#controller!.enqueue(part);
  }

  /** The body is complete. */
  complete(): void {
    this.#end(() => this.#controller!.close());
  }

  /** The rest of the body will not arrive, or is not wanted. */
  abort(reason: string): void {
    this.#end(() => this.#controller!.error(new Error(reason)));
  }

  #end(settle: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    settle();
    this.#demand.resolve();
  }
}

/** Bytes that are read from a client at once. */
const READ_SIZE = 16 * 1024;

/** What a {@link WebConnection} needs of its server. */
interface ConnectionOwner {
  /** Answers the request. Never rejects. */
  answer(head: RequestHead, body: RequestBody): Promise<Response>;
  /** The connection has been closed. */
  end(): void;
}

/** A client's connection. It closes itself when the client is too slow. */
class WebConnection {
  readonly address: string;
  /** Whether a request is being answered. Other connections can be closed at any time. */
  isBusy = false;
  readonly #stream: ByteStream;
  readonly #clock: Clock;
  readonly #owner: ConnectionOwner;
  readonly #parser = new RequestParser();
  readonly #body = new RequestBody(() => this.#continue());
  /** Settled when the client was told to send its body, if it waits for that. */
  #continued: Promise<void> | null = null;
  /** Until it fires, the head has to arrive, or the client has to take some bytes. */
  #timer: Timer | null = null;
  /** Whether the response has been sent, and the rest of the request is awaited. */
  #isLingering = false;
  #isClosed = false;
  /** Called when the connection is closed. */
  #onClose: () => void = () => {};

  constructor(stream: ByteStream, address: string, clock: Clock, owner: ConnectionOwner) {
    this.#stream = stream;
    this.address = address;
    this.#clock = clock;
    this.#owner = owner;
    this.#allow(HEAD_MS);
  }

  /** Reads what the client sends until the connection is closed. */
  async receive(): Promise<void> {
    const bytes = new Uint8Array(READ_SIZE);
    try {
      for (;;) {
        const count = await this.#stream.read(bytes);
        // Clients that do not expect a response any more close the connection.
        if (count === null || this.#isClosed) break;
        await this.#take(bytes.subarray(0, count));
      }
    } catch {
      // The connection was reset, or closed by this side.
    }
    this.destroy();
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopTimer();
    try {
      this.#stream.close();
    } catch {
      // The runtime has closed it.
    }
    this.#body.abort("the client has left");
    this.#onClose();
    this.#owner.end();
  }

  async #take(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const parser = this.#parser;
    const parts = parser.parse(bytes);
    if (!this.isBusy && !this.#isLingering) {
      if (parser.head !== null) void this.#answer(this.#owner.answer(parser.head, this.#body));
      else if (parser.problem !== null) {
        void this.#answer(Promise.resolve(new Response(null, { status: parser.problem })));
      }
    }
    // The handler may keep a part, and the buffer is used again.
    for (const part of parts) await this.#body.put(part.slice());
    if (parser.problem !== null) this.#body.abort("the body is invalid");
    else if (parser.isComplete) this.#body.complete();
    else return;
    if (this.#isLingering) this.destroy();
  }

  /** Sends the response, and closes the connection. */
  async #answer(pending: Promise<Response>): Promise<void> {
    this.isBusy = true;
    this.#stopTimer();
    try {
      const response = await pending;
      this.#body.abort("the request has been answered");
      await this.#continued;
      await this.#send(response);
    } catch {
      // The client has left, or the body of the response has failed.
      return this.destroy();
    }
    if (this.#parser.isComplete || this.#parser.problem !== null) return this.destroy();
    // The rest of the body is read all the same: the system resets a connection that is closed with
    // unread bytes, and its client may then lose the response.
    this.isBusy = false;
    this.#isLingering = true;
    this.#allow(LINGER_MS);
  }

  /** Sends a response. An event stream is sent as it is read; everything else as a whole, with its length. */
  async #send(response: Response): Promise<void> {
    const { method = "GET", minorVersion = 1 } = this.#parser.head ?? {};
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
    if (response.body !== null && isStream && method !== "HEAD") {
      return await this.#sendStream(response, response.body, minorVersion === 1);
    }
    let answer = response;
    let body: Uint8Array<ArrayBuffer>;
    try {
      body = await response.bytes();
    } catch {
      answer = new Response(null, { status: 500 });
      body = new Uint8Array(0);
    }
    const framing = method === "HEAD" || BODILESS.has(answer.status)
      ? []
      : [`Content-Length: ${body.length}`];
    const head = this.#headOf(answer, framing);
    if (framing.length === 0) return await this.#write(head);
    const message = new Uint8Array(head.length + body.length);
    message.set(head);
    message.set(body, head.length);
    await this.#write(message);
  }

  /** Without chunks, which HTTP/1.0 does not know, the end of the connection is that of the stream. */
  async #sendStream(
    response: Response,
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    isChunked: boolean,
  ): Promise<void> {
    const reader = body.getReader();
    const leave = (): void => void reader.cancel().catch(() => {});
    this.#onClose = leave;
    if (this.#isClosed) return leave();
    await this.#write(this.#headOf(response, isChunked ? ["Transfer-Encoding: chunked"] : []));
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (value.length > 0) await this.#write(isChunked ? chunkOf(value) : value);
    }
    if (isChunked) await this.#write(latin1("0\r\n\r\n"));
  }

  #headOf({ status, headers }: Response, framing: readonly string[]): Uint8Array<ArrayBuffer> {
    const lines = [
      `HTTP/1.1 ${status} ${REASONS[status] ?? ""}`,
      `Date: ${new Date(this.#clock.wallTime()).toUTCString()}`,
      "Connection: close",
      ...framing,
    ];
    for (const [name, value] of headers) {
      if (!CONNECTION_HEADERS.has(name)) lines.push(`${name}: ${value}`);
    }
    return latin1(`${lines.join("\r\n")}\r\n\r\n`);
  }

  /** The handler wants the body: tells a client that waits for that to send it. */
  #continue(): void {
    const { head } = this.#parser;
    if (this.#continued !== null || !head?.expectsContinue || this.#isClosed) return;
    this.#continued = this.#write(latin1("HTTP/1.1 100 Continue\r\n\r\n"));
    this.#continued.catch(() => this.destroy());
  }

  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const watched = {
      write: async (rest: Uint8Array<ArrayBuffer>): Promise<number> => {
        this.#allow(STALL_MS);
        return await this.#stream.write(rest);
      },
    };
    await writeAll(watched, bytes);
    this.#stopTimer();
  }

  #allow(delayMs: number): void {
    this.#stopTimer();
    if (!this.#isClosed) this.#timer = this.#clock.setTimer(() => this.destroy(), delayMs);
  }

  #stopTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

/** Headers that say how a message is sent. The connection decides that, not the handler. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "transfer-encoding",
]);

/** Responses with these statuses have no body, and no length either. */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);

/** Descriptions of the statuses that a dashboard answers with. Clients do not read them, but people do. */
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  204: "No Content",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function chunkOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const size = latin1(`${bytes.length.toString(16)}\r\n`);
  const chunk = new Uint8Array(size.length + bytes.length + 2);
  chunk.set(size);
  chunk.set(bytes, size.length);
  chunk.set([0x0d, 0x0a], size.length + bytes.length);
  return chunk;
}
