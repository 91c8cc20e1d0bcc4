import { createServer, type IncomingMessage } from "node:http";
import {
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { createGzip } from "node:zlib";

/** What a {@link StreamTarget} has counted. */
export interface StreamCounts {
  /** Streams that were asked for. */
  begun: number;
  /** Those that were sent to their end, and those that the client has left before. */
  complete: number;
  left: number;
  /** Events that were sent. */
  events: number;
}

/** The part that servers of HTTP/1.1 and HTTP/2 have in common. */
type Request = IncomingMessage | Http2ServerRequest;
interface Response {
  writeHead(status: number, headers: Record<string, string>): unknown;
  write(bytes: Uint8Array | string): unknown;
  end(text?: string): unknown;
  on(event: "close", listener: () => void): unknown;
}

/**
 * A server of streams: `/events` sends server-sent events, with these parameters of the query: `n`, how many; `ms`,
 * how long to wait between two; `delay`, how long to wait before the first one; `gzip=1`; `cut`, after how many the
 * connection is lost. The data of each is `{ n, waitedMs }`: its number, and how long after the arrival of the request
 * it is written. All other paths get `ok`.
 */
export class StreamTarget implements AsyncDisposable {
  readonly counts: StreamCounts = { begun: 0, complete: 0, left: 0, events: 0 };
  readonly host: string;
  readonly #server: Server;
  readonly #defaults: Readonly<Record<string, string>>;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, defaults: Readonly<Record<string, string>>) {
    this.#server = server;
    this.#defaults = defaults;
    this.host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => {});
    });
  }

  /**
   * @param version of HTTP; 2 is without TLS.
   * @param defaults parameters of streams whose query does not have them.
   */
  static async start(
    version: 1 | 2 = 1,
    defaults: Readonly<Record<string, string>> = {},
  ): Promise<StreamTarget> {
    const answer = (request: Request, response: unknown): void =>
      target.#answer(request, response as Response);
    const server = version === 1
      ? createServer(answer)
      : createHttp2Server(answer as (one: Http2ServerRequest, two: Http2ServerResponse) => void);
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const target: StreamTarget = new StreamTarget(server as Server, defaults);
    return target;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: Request, response: Response): void {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://target");
    request.resume();
    if (pathname === "/counts") return void response.end(JSON.stringify(this.counts));
    if (pathname === "/moved") {
      response.writeHead(302, { location: `/events?${searchParams}` });
      return void response.end();
    }
    if (pathname !== "/events") return void response.end("ok");
    this.#stream(searchParams, response, performance.now());
  }

  #stream(parameters: URLSearchParams, response: Response, from: number): void {
    const { counts } = this;
    const number = (name: string, otherwise: number): number =>
      Number(parameters.get(name) ?? this.#defaults[name] ?? otherwise);
    const [events, ms, cut] = [number("n", 10), number("ms", 10), number("cut", Infinity)];
    counts.begun++;
    const gzip = parameters.get("gzip") === "1" ? createGzip() : null;
    gzip?.on("data", (bytes: Uint8Array) => response.write(bytes));
    gzip?.on("end", () => response.end());
    response.writeHead(200, {
      "content-type": "text/event-stream",
      ...(gzip === null ? {} : { "content-encoding": "gzip" }),
    });
    let sent = 0;
    let timer: ReturnType<typeof setTimeout>;
    const next = (): void => {
      if (sent === events) {
        counts.complete++;
        sent = NaN;
        return void (gzip ?? response).end();
      }
      if (sent === cut) {
        sent = NaN;
        const { stream, socket } = response as unknown as { stream: Closable; socket: Socket };
        if (stream?.close === undefined) socket.destroy();
        else stream.close(INTERNAL_ERROR);
        return;
      }
      const waitedMs = performance.now() - from;
      const text = `data: ${JSON.stringify({ n: sent++, waitedMs })}\n\n`;
      counts.events++;
      if (gzip === null) response.write(text);
      else {
        gzip.write(text);
        gzip.flush();
      }
      const due = from + delay + sent * ms;
      timer = setTimeout(next, Math.max(0, due - performance.now()));
    };
    const delay = number("delay", ms);
    timer = setTimeout(next, delay);
    response.on("close", () => {
      clearTimeout(timer);
      if (!Number.isNaN(sent)) counts.left++;
    });
  }
}

/** A stream of HTTP/2. */
interface Closable {
  close?(code: number): void;
}

const INTERNAL_ERROR = 2;
