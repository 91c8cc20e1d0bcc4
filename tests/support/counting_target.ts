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
  readonly #visitCounts = new Map<string, number>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #watchers = new Set<() => void>();
  readonly #delayMs: number;

  /** @param delayMs how long it takes for every answer. */
  constructor(delayMs = 0) {
    this.#delayMs = delayMs;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  /** Resolves when so many requests have been answered; rejects as {@link until}. */
  reached(total: number): Promise<void> {
    return this.until(() => this.total >= total, 60_000);
  }

  /** Resolves when the condition holds, which is looked at with every request; rejects after so long. */
  until(condition: () => boolean, limitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
      };
      const look = (): void => {
        if (!condition()) return;
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`not within ${limitMs / 1000} s and ${this.total} requests`));
      }, limitMs);
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

  /** How many requests of a path came from these nodes, as far as they said so. */
  visitsOf(path: string, nodes: readonly string[]): number {
    return nodes.reduce((sum, node) => sum + (this.#visitCounts.get(`${node} ${path}`) ?? 0), 0);
  }

  /** All requests that came from a node. */
  totalOf(node: string): number {
    return this.visits.filter((visit) => visit.node === node).length;
  }

  /** Users that have visited since then, and where they ran: one line each, sorted. */
  usersSince(atMs: number): string[] {
    const recent = this.visits.filter((visit) => visit.atMs >= atMs);
    return [...new Set(recent.map(({ node, user }) => `${node} ${user}`))].sort();
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
      const key = `${node} ${path}`;
      this.#visitCounts.set(key, (this.#visitCounts.get(key) ?? 0) + 1);
      this.visits.push({ path, node, user, atMs: performance.now() });
    }
    for (const watcher of this.#watchers) watcher();
    if (this.#delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#delayMs));
    return new Response(body, { status: path === "/broken" ? 500 : 200 });
  }
}
