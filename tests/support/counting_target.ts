import assert from "node:assert/strict";
import type { Summary, SummaryTotals } from "../../src/report/summary.ts";

/** What a target saw of one kind of request. */
export interface Seen {
  requests: number;
  bytesIn: number;
  bytesOut: number;
}

/** A request whose headers name the node and the user. */
export interface Visit {
  readonly path: string;
  /** The node that the user runs on. */
  readonly node: string;
  readonly user: string;
  /** When its body had arrived, by `performance.now()`. */
  readonly atMs: number;
}

/** An HTTP server that counts requests, by node and user if their headers name them. */
export class CountingTarget implements AsyncDisposable {
  readonly url: string;
  /** By their names in reports of aiotest. */
  readonly seen = new Map<string, Seen>();
  /** In the order of the answers. */
  readonly visits: Visit[] = [];
  total = 0;
  readonly #visitCounts = new Map<string, number>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #watchers = new Set<() => void>();
  readonly #delayMs: number;

  /** @param delayMs the latency of every answer. */
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

  /** Resolves when this many requests have been answered; rejects like {@link until}. */
  reached(total: number): Promise<void> {
    return this.until(() => this.total >= total, 60_000);
  }

  /** Resolves when the condition holds, which is checked at every request; rejects after `limitMs`. */
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

/** A target that answers at once, except during a stall. */
export class StallingTarget implements AsyncDisposable {
  readonly url: string;
  total = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stallAfter: number;
  readonly #stallMs: number;
  /** Resolves when the stall is over; null before it. */
  #stall: Promise<void> | null = null;

  /**
   * @param stallAfter the number of requests before the stall.
   * @param stallMs the duration of the stall.
   */
  constructor(stallAfter: number, stallMs: number) {
    this.#stallAfter = stallAfter;
    this.#stallMs = stallMs;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => this.#answer(),
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(): Promise<Response> {
    this.total++;
    if (this.total > this.#stallAfter) {
      await (this.#stall ??= new Promise((resolve) => void setTimeout(resolve, this.#stallMs)));
    }
    return new Response("ok");
  }
}

/** Asserts that a summary has exactly the requests and bytes of its target. */
export function assertEqualCounts(summary: Summary, target: CountingTarget): void {
  const reported = new Map(
    summary.requests.map((row) => [`${row.method} ${row.name}`, countsOf(row)]),
  );
  assert.deepEqual(reported, target.seen);
  assert.deepEqual(countsOf(summary.totals), target.sum);
  const broken = target.seen.get("GET /broken")?.requests ?? 0;
  assert.equal(summary.totals.failures, broken);
  assert.deepEqual(
    summary.failures,
    broken === 0 ? [] : [{ method: "GET", name: "/broken", error: "HTTP 500", count: broken }],
  );
  assert.deepEqual(summary.userErrors, []);
  const bySecond = summary.timeline.reduce((total, { requests }) => total + requests, 0);
  assert.equal(bySecond, summary.totals.requests);
}

/** The number of requests that a target has read. */
export function sentIn({ requests, retries, unfinished }: SummaryTotals): number {
  return requests + retries + unfinished.count;
}

function countsOf(row: SummaryTotals): Seen {
  return { requests: sentIn(row), bytesIn: row.bytesSent, bytesOut: row.bytesReceived };
}
