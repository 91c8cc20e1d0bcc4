/** What a target saw of one kind of request. */
export interface Seen {
  requests: number;
  bytesIn: number;
  bytesOut: number;
}

/** A request whose sender said who it is. */
export interface Visit {
  readonly path: string;
  /** The node that the user runs on. */
  readonly node: string;
  readonly user: string;
  /** When its body was in, by `performance.now()`. */
  readonly atMs: number;
}

/** An HTTP server that counts what it answers, and knows who asked where the headers say it. */
export class CountingTarget implements AsyncDisposable {
  readonly url: string;
  /** By the name under which aiotest reports them. */
  readonly seen = new Map<string, Seen>();
  /** In the order in which they were answered. */
  readonly visits: Visit[] = [];
  total = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #watchers = new Set<() => void>();

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  /** Resolves when so many requests have been answered. */
  reached(total: number): Promise<void> {
    return this.until(() => this.total >= total);
  }

  /** Resolves when the condition holds; it is looked at with every request. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** The sum over all kinds of requests. */
  get sum(): Seen {
    const sum = (field: keyof Seen): number =>
      [...this.seen.values()].reduce((total, row) => total + row[field], 0);
    return { requests: sum("requests"), bytesIn: sum("bytesIn"), bytesOut: sum("bytesOut") };
  }

  async #answer(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname;
    const name = path.startsWith("/item/") ? "GET /item/:id" : `${request.method} ${path}`;
    const sent = await request.bytes();
    const body = path === "/echo" ? sent : new Uint8Array(path === "/plain" ? 100 : path.length);
    const row = this.seen.get(name) ?? { requests: 0, bytesIn: 0, bytesOut: 0 };
    this.seen.set(name, row);
    row.requests++;
    row.bytesIn += sent.length;
    row.bytesOut += body.length;
    this.total++;
    const node = request.headers.get("x-node");
    if (node !== null) {
      const user = request.headers.get("x-user") ?? "";
      this.visits.push({ path, node, user, atMs: performance.now() });
    }
    for (const watcher of this.#watchers) watcher();
    return new Response(body, { status: path === "/broken" ? 500 : 200 });
  }
}
