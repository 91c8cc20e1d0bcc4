/**
 * The HTTP server of the dashboard. It shares the file descriptors of the process with the users of the
 * test, so it limits what clients can take of them: how many connections they open, and how long a
 * connection may do nothing.
 *
 * Requests are parsed by `node:http`. Connections are accepted here, because the servers of the runtime
 * stop accepting for good when a descriptor is missing once, and do not limit addresses.
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import { type Clock, systemClock, type Timer } from "./clock.ts";
import {
  type AcceptedStream,
  type ByteStream,
  ConnectionLimiter,
  listen,
  type StreamListener,
  writeAll,
} from "./network.ts";

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
  // The same answer as for other foreign hosts is given to a request without `Host`.
  readonly #http = createServer({ requireHostHeader: false }, (message, response) => {
    void this.#answer(message, response);
  });
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
    const connection = new WebConnection(stream, address, this.#clock, () => {
      this.#connections.delete(connection);
      this.#limiter.leave(address);
      if (this.#connections.size === 0) this.#onEmpty();
    });
    this.#connections.add(connection);
    this.#http.emit("connection", connection);
  }

  /**
   * A connection that makes room for one of this address. A new client most likely sends its request at
   * once. One that has been idle for some time may never send any.
   */
  #oldestIdle(address: string): WebConnection | null {
    const { isFull } = this.#limiter;
    for (const connection of this.#connections) {
      if (!connection.isBusy && (isFull || connection.remoteAddress === address)) {
        return connection;
      }
    }
    return null;
  }

  async #answer(message: IncomingMessage, to: ServerResponse): Promise<void> {
    const connection: object = message.socket;
    // A client that does not wait for its response sends further requests in vain.
    if (!(connection instanceof WebConnection) || connection.hasRequest) return;
    connection.requestArrived();
    to.setHeader("Connection", "close");
    try {
      const request = requestOf(message, this.#scheme);
      const response = request === null
        ? new Response(null, { status: 400 })
        : await this.#handle(request, connection.remoteAddress);
      if (!message.complete) connection.discard(message);
      await send(response, to);
    } catch {
      // The handler has failed, or the body of the response. A client gets no details.
      if (to.headersSent) connection.destroy();
      else to.writeHead(500).end();
    }
  }
}

/** Host of requests that name none; it cannot be the name of a dashboard. */
const NO_HOST = "no-host.invalid";

/** The request that a message contains; `null` if it is invalid. */
function requestOf(message: IncomingMessage, scheme: string): Request | null {
  const { method = "GET", url: target = "", headers, rawHeaders } = message;
  const url = target.startsWith("/") ? `${scheme}://${headers.host ?? NO_HOST}${target}` : target;
  const fields: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    fields.push([rawHeaders[at]!, rawHeaders[at + 1]!]);
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  try {
    return new Request(url, {
      method,
      headers: fields,
      body: hasBody ? bodyOf(message) : null,
    });
  } catch {
    return null;
  }
}

/** The body as a stream. Unlike one made by `Readable.toWeb`, a reader who cancels it can still answer. */
function bodyOf(message: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  let ended = false;
  return new ReadableStream({
    start(controller): void {
      const end = (settle: () => void): void => {
        if (!ended) settle();
        ended = true;
      };
      message.pause();
      message.on("data", (bytes: Uint8Array<ArrayBuffer>) => {
        message.pause();
        if (!ended) controller.enqueue(bytes);
      });
      message.once("end", () => end(() => controller.close()));
      message.once("close", () => end(() => controller.error(new Error("the client has left"))));
    },
    pull: () => void message.resume(),
    cancel(): void {
      ended = true;
      message.pause();
    },
  }, { highWaterMark: 0 });
}

/** Sends a response. An event stream is sent as it is read; everything else as a whole, with its length. */
async function send(response: Response, to: ServerResponse): Promise<void> {
  const { status, headers, body } = response;
  to.statusCode = status;
  for (const [name, value] of headers) to.appendHeader(name, value);
  if (body === null || !headers.get("content-type")?.startsWith("text/event-stream")) {
    to.end(await response.bytes());
    return;
  }
  const reader = body.getReader();
  const leave = (): void => void reader.cancel().catch(() => {});
  if (to.destroyed) leave();
  else to.once("close", leave);
  to.flushHeaders();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!to.write(value)) await drained(to);
  }
  to.end();
}

/** Resolves when the client has read enough, or has left. */
function drained(to: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      to.off("drain", go);
      to.off("close", go);
      resolve();
    };
    if (to.destroyed) return resolve();
    to.on("drain", go);
    to.on("close", go);
  });
}

/** Bytes that are read from a client at once. */
const READ_SIZE = 16 * 1024;

/** A client's connection, as `node:http` needs it. It closes itself when the client is too slow. */
class WebConnection extends Duplex {
  readonly remoteAddress: string;
  /** Whether a request has arrived. */
  hasRequest = false;
  /** Whether a request is being answered. Other connections can be closed at any time. */
  isBusy = false;
  readonly #stream: ByteStream;
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  /** Until it fires, the head has to arrive, or the client has to take some bytes. */
  #timer: Timer | null = null;
  /** The request whose body is being discarded. */
  #discarded: IncomingMessage | null = null;

  constructor(stream: ByteStream, address: string, clock: Clock, onEnd: () => void) {
    super();
    this.#stream = stream;
    this.remoteAddress = address;
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#allow(HEAD_MS);
  }

  /** The head of a request has arrived in time. */
  requestArrived(): void {
    this.hasRequest = true;
    this.isBusy = true;
    this.#stopTimer();
  }

  /**
   * The rest of a body is not wanted. It is read all the same: the system resets a connection that is closed
   * with unread bytes, and its client may then lose the response.
   */
  discard(message: IncomingMessage): void {
    this.#discarded = message;
    message.removeAllListeners("data");
    message.resume();
  }

  override _read(): void {
    void this.#read();
  }

  override _write(bytes: Uint8Array<ArrayBuffer>, _encoding: string, done: () => void): void {
    void this.#write(bytes, done);
  }

  /** Everything has been written, and there is no further request. */
  override _final(done: () => void): void {
    done();
    if (this.#discarded === null || this.#discarded.complete) return void this.destroy();
    this.isBusy = false;
    this.#discarded.once("end", () => this.destroy());
    this.#allow(LINGER_MS);
  }

  override _destroy(_error: Error | null, done: (error: null) => void): void {
    this.#stopTimer();
    try {
      this.#stream.close();
    } catch {
      // The runtime has closed it.
    }
    this.#onEnd();
    done(null);
  }

  async #read(): Promise<void> {
    const bytes = new Uint8Array(READ_SIZE);
    try {
      const count = await this.#stream.read(bytes);
      // Clients that do not expect a response any more close the connection.
      if (count === null) this.destroy();
      else this.push(bytes.subarray(0, count));
    } catch {
      this.destroy();
    }
  }

  async #write(bytes: Uint8Array<ArrayBuffer>, done: () => void): Promise<void> {
    const watched = {
      write: async (rest: Uint8Array<ArrayBuffer>): Promise<number> => {
        this.#allow(STALL_MS);
        return await this.#stream.write(rest);
      },
    };
    try {
      await writeAll(watched, bytes);
      if (this.isBusy) this.#stopTimer();
      done();
    } catch {
      this.destroy();
    }
  }

  #allow(delayMs: number): void {
    this.#stopTimer();
    this.#timer = this.#clock.setTimer(() => this.destroy(), delayMs);
  }

  #stopTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}
