/** Some requests fail, always the same number of them. */
const EVERY_THIRD_SEARCH = 3;
const EVERY_FOURTH_ORDER = 4;
const MISSING_ARTICLE = "3";

/**
 * A small shop that counts what it is asked for: `POST /login`, `GET /`, `/old` (which leads to `/`),
 * `/articles/[id]` (3 is missing), `/search` (every third finds nothing), `/missing`, and `POST /orders`
 * (every fourth is refused).
 */
export class ShopTarget implements AsyncDisposable {
  readonly url: string;
  /** Requests by method and path, such as `GET /articles/[id]`. */
  readonly seen: Record<string, number> = {};
  /** Requests for `/articles/3`. */
  missingArticles = 0;
  /** Who has logged in. */
  readonly usernames: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

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

  /** Searches that found nothing. */
  get emptySearches(): number {
    return Math.floor((this.seen["GET /search"] ?? 0) / EVERY_THIRD_SEARCH);
  }

  /** Orders that were refused. */
  get refusedOrders(): number {
    return Math.floor((this.seen["POST /orders"] ?? 0) / EVERY_FOURTH_ORDER);
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const body = await request.text();
    const [, article] = /^\/articles\/(\d+)$/.exec(pathname) ?? [];
    const name = `${request.method} ${article === undefined ? pathname : "/articles/[id]"}`;
    const count = (this.seen[name] ?? 0) + 1;
    this.seen[name] = count;
    if (article === MISSING_ARTICLE) this.missingArticles++;
    switch (name) {
      case "POST /login":
        this.usernames.push(JSON.parse(body).username);
        return Response.json({ token: "t" }, { headers: { "set-cookie": "session=1" } });
      case "GET /old":
        return new Response(null, { status: 302, headers: { location: "/" } });
      case "GET /search":
        return Response.json({ found: count % EVERY_THIRD_SEARCH !== 0 });
      case "GET /articles/[id]":
        return article === MISSING_ARTICLE
          ? new Response("no such article", { status: 404 })
          : Response.json({ id: Number(article) });
      case "GET /missing":
        return new Response("no such page", { status: 404 });
      case "POST /orders":
        if (request.headers.get("authorization") !== "t") {
          return new Response("log in first", { status: 401 });
        }
        return count % EVERY_FOURTH_ORDER === 0
          ? new Response("sold out", { status: 503 })
          : Response.json({ ordered: true });
      default:
        return new Response("ok");
    }
  }
}
