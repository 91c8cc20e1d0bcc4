/** A request as it arrived at a target. */
export interface SeenRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** The same for all requests of one connection, and for no other's. */
  readonly connection: string;
}

/** What a target answers on one path. */
export type Route = (request: SeenRequest) => Response | Promise<Response>;

/** An HTTP server on this machine that remembers every request, and answers 404 where it has no route. */
export class Target implements AsyncDisposable {
  /** In the order in which their bodies were in. */
  readonly requests: SeenRequest[] = [];
  /** Without a slash at its end. */
  readonly url: string;
  readonly #routes: Map<string, Route>;
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

  /** Adds a route, or replaces it. */
  route(path: string, answer: Route): void {
    this.#routes.set(path, answer);
  }

  /** How many requests a path got. */
  count(path: string): number {
    return this.requests.filter((request) => request.path === path).length;
  }

  /** The last request. */
  get last(): SeenRequest {
    const last = this.requests.at(-1);
    if (last === undefined) throw new Error("the target has seen no request");
    return last;
  }

  /** How many connections there were. */
  get connections(): number {
    return new Set(this.requests.map(({ connection }) => connection)).size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request, connection: string): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const seen: SeenRequest = {
      method: request.method,
      path: pathname,
      query: searchParams,
      headers: request.headers,
      body: await request.bytes(),
      connection,
    };
    this.requests.push(seen);
    const route = this.#routes.get(pathname);
    return route === undefined ? new Response("no such page", { status: 404 }) : await route(seen);
  }
}

/** A redirect, as a target answers it; `location` need not be a URL. */
export function redirect(status: number, location: string): Response {
  return new Response(null, { status, headers: { location } });
}
