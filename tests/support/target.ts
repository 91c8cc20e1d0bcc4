/** A request as it arrived at a target. */
export interface SeenRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Identifies the connection. */
  readonly connection: string;
}

/** Answers the requests to one path. */
export type Route = (request: SeenRequest) => Response | Promise<Response>;

/** An HTTP server on this machine that records all requests. Without a route, it answers 404. */
export class Target implements AsyncDisposable {
  /** In the order in which they were complete. */
  readonly requests: SeenRequest[] = [];
  /** Without a trailing slash. */
  readonly url: string;
  readonly #routes: Map<string, Route>;
  #otherwise: Route = () => new Response("no such page", { status: 404 });
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(routes: Readonly<Record<string, Route>> = {}, hostname = "127.0.0.1") {
    this.#routes = new Map(Object.entries(routes));
    this.#server = Deno.serve(
      { hostname, port: 0, onListen: () => {} },
      (request, { remoteAddr }) =>
        this.#answer(request, `${remoteAddr.hostname}:${remoteAddr.port}`),
    );
    this.url = `http://${hostname}:${this.#server.addr.port}`;
  }

  /** Adds or replaces a route. */
  route(path: string, answer: Route): void {
    this.#routes.set(path, answer);
  }

  /** Replaces the answer to requests without a route. */
  otherwise(answer: Route): void {
    this.#otherwise = answer;
  }

  /** The number of requests to a path. */
  count(path: string): number {
    return this.requests.filter((request) => request.path === path).length;
  }

  /** The last request. */
  get last(): SeenRequest {
    const last = this.requests.at(-1);
    if (last === undefined) throw new Error("the target has seen no request");
    return last;
  }

  /** The number of connections. */
  get connections(): number {
    return new Set(this.requests.map(({ connection }) => connection)).size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request, connection: string): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    // Over HTTP/2, those of a request cannot be read after its end, and the authority is no header.
    const headers = new Headers(request.headers);
    if (!headers.has("host")) headers.set("host", new URL(request.url).host);
    const seen: SeenRequest = {
      method: request.method,
      path: pathname,
      query: searchParams,
      headers,
      body: await request.bytes(),
      connection,
    };
    this.requests.push(seen);
    return await (this.#routes.get(pathname) ?? this.#otherwise)(seen);
  }
}

/** A redirect as an answer of a target. `location` need not be a URL. */
export function redirect(status: number, location: string): Response {
  return new Response(null, { status, headers: { location } });
}
