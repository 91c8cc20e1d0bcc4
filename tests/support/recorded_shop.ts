/** What the shop was asked. */
export interface ShopRequest {
  readonly method: string;
  readonly host: string;
  /** With its query; identifiers that the shop has made are written as `:id`. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
  readonly status: number;
}

/** Where the shop listens. */
interface ShopOptions {
  readonly password: string;
  /** Certificate and key in PEM; without them, it is plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Where pages find the API; by default, on the same host. */
  readonly api?: (port: number) => string;
}

/** A visitor, as the shop knows it by its cookie. */
interface Visitor {
  csrf: string;
  token: string;
}

/**
 * A web shop as recordings know it: a page with a form and a hidden field, a login that redirects, a page
 * whose script has a token, and an API that wants this token and the identifiers that it has made. All of these are
 * different for each visitor, and wrong ones are refused.
 */
export class RecordedShop implements AsyncDisposable {
  readonly port: number;
  /** In the order in which they arrived. */
  readonly requests: ShopRequest[] = [];
  readonly #options: ShopOptions;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #visitors = new Map<string, Visitor>();
  readonly #tokens = new Set<string>();
  readonly #carts = new Map<string, string>();
  readonly #orders = new Set<string>();
  #nextId = 40_000 + Math.floor(Math.random() * 10_000);

  constructor(options: ShopOptions) {
    this.#options = options;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...options.tls },
      (request) => this.#serve(request),
    );
    this.port = this.#server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  /** `POST /orders 201` for each request. */
  summary(): string[] {
    return this.requests.map(({ method, path, status }) => `${method} ${path} ${status}`);
  }

  async #serve(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const body = await request.text();
    const { response, path = url.pathname } = this.#answer(request, url, body);
    // Deno takes the host of the URL from the header.
    this.requests.push({
      method: request.method,
      host: request.headers.get("host") ?? "",
      path: path + url.search,
      headers: request.headers,
      body,
      status: response.status,
    });
    const origin = request.headers.get("origin");
    if (origin !== null) {
      response.headers.set("access-control-allow-origin", origin);
      response.headers.set("access-control-allow-headers", "authorization, content-type");
    }
    return response;
  }

  #answer(request: Request, url: URL, body: string): { response: Response; path?: string } {
    const { method, headers } = request;
    const cookies = new Map(
      (headers.get("cookie") ?? "").split(/; */).map((pair) => pair.split("=") as [string, string]),
    );
    const visitor = this.#visitors.get(cookies.get("visitor") ?? "");
    const path = url.pathname;
    if (method === "OPTIONS") return { response: new Response(null, { status: 204 }) };
    if (/\.(css|png|js|ico)$/.test(path)) {
      const type = path.endsWith("css")
        ? "text/css"
        : path.endsWith("js")
        ? "text/javascript"
        : "image/png";
      return { response: new Response("/* */", { headers: { "content-type": type } }) };
    }
    switch (`${method} ${path}`) {
      case "GET /":
        return {
          response: page(
            `<link rel="stylesheet" href="/app.css"><img src="/logo.png"><a href="/login">Sign in</a>`,
          ),
        };
      case "GET /login": {
        const id = crypto.randomUUID();
        const csrf = crypto.randomUUID().replaceAll("-", "");
        this.#visitors.set(id, { csrf, token: "" });
        const response = page(`<link rel="stylesheet" href="/app.css"><form method="post">
          <input type="hidden" name="csrf" value="${csrf}"><input name="username"><input type="password" name="password">
          <button>Sign in</button></form>`);
        response.headers.append("set-cookie", `visitor=${id}; Path=/; HttpOnly`);
        return { response };
      }
      case "POST /login": {
        const form = new URLSearchParams(body);
        if (visitor === undefined || form.get("csrf") !== visitor.csrf) {
          return { response: new Response("wrong token", { status: 403 }) };
        }
        if (form.get("username") !== "ada" || form.get("password") !== this.#options.password) {
          return { response: new Response("wrong password", { status: 401 }) };
        }
        visitor.token = `tk_${crypto.randomUUID().replaceAll("-", "")}`;
        this.#tokens.add(visitor.token);
        return { response: new Response(null, { status: 303, headers: { location: "/account" } }) };
      }
      case "GET /account":
        if (visitor === undefined || visitor.token === "") {
          return { response: new Response("sign in first", { status: 401 }) };
        }
        return { response: page(accountPage(visitor.token, this.#options.api?.(this.port) ?? "")) };
    }
    return path.startsWith("/v1/") ? this.#api(request, path, body) : { response: notFound() };
  }

  #api(request: Request, path: string, body: string): { response: Response; path?: string } {
    const { method, headers } = request;
    const token = /^Bearer (.+)$/.exec(headers.get("authorization") ?? "")?.[1] ?? "";
    if (!this.#tokens.has(token)) return { response: new Response("no token", { status: 401 }) };
    const json = headers.get("content-type")?.startsWith("application/json")
      ? JSON.parse(body)
      : null;
    const [, , kind, id, rest] = path.split("/");
    switch (
      `${method} ${kind}${id === undefined ? "" : "/:id"}${rest === undefined ? "" : `/${rest}`}`
    ) {
      case "GET items":
        return {
          response: Response.json({ items: [{ id: this.#nextId++, name: "boots", price: 4 }] }),
        };
      case "GET news":
      case "GET profile":
        return { response: Response.json({ kind }) };
      case "GET coupons/:id":
        return { response: notFound() };
      case "POST carts": {
        const cart = String(this.#nextId++);
        const key = crypto.randomUUID();
        this.#carts.set(cart, key);
        return { response: Response.json({ cart: { id: Number(cart), key } }, { status: 201 }) };
      }
      case "POST carts/:id/items": {
        const isRight = this.#carts.get(id!) === json?.cartKey &&
          typeof json?.itemId === "number" &&
          json.itemId >= 40_000 && json.amount === 2;
        return {
          path: "/v1/carts/:id/items",
          response: isRight ? Response.json({ ok: true }) : new Response("wrong", { status: 422 }),
        };
      }
      case "POST orders": {
        if (!this.#carts.has(String(json?.cart))) {
          return { response: new Response("no such cart", { status: 422 }) };
        }
        const order = crypto.randomUUID();
        this.#orders.add(order);
        const location = `/v1/orders/${order}`;
        return {
          response: new Response(null, {
            status: 201,
            headers: { location, "access-control-expose-headers": "location" },
          }),
        };
      }
      case "POST photos": {
        const isRight =
          /^multipart\/form-data; boundary=/.test(headers.get("content-type") ?? "") &&
          /name="title"\r\n\r\nBoots\r\n/.test(body) &&
          /name="photo"; filename="boots.txt"\r\nContent-Type: text\/plain\r\n\r\nbrown, size 42\n\r\n/
            .test(body);
        return {
          response: isRight ? Response.json({ ok: true }) : new Response("wrong", { status: 422 }),
        };
      }
      case "GET orders/:id":
        return {
          path: "/v1/orders/:id",
          response: this.#orders.has(id!) ? Response.json({ state: "new" }) : notFound(),
        };
    }
    return { response: notFound() };
  }
}

function notFound(): Response {
  return Response.json({ error: "not found" }, { status: 404 });
}

function page(content: string): Response {
  return new Response(`<!DOCTYPE html><title>Shop</title>${content}`, {
    headers: { "content-type": "text/html; charset=utf-8" },
  });
}

/** A page that loads data, and buys something when its button is pressed. */
function accountPage(token: string, api: string): string {
  return `<link rel="stylesheet" href="/app.css"><button id="buy">Buy</button><p id="state"></p>
<script>
const config = { apiToken: "${token}", debug: false };
const headers = { authorization: "Bearer " + config.apiToken };
const call = (path, init) => fetch("${api}" + path, { headers, ...init });
const post = (path, data) => call(path, {
  method: "POST", body: JSON.stringify(data),
  headers: { ...headers, "content-type": "application/json" },
});
const loaded = call("/v1/items").then((res) => res.json());
loaded.then(() => Promise.all([call("/v1/news"), call("/v1/profile")]))
  .then(() => document.getElementById("state").textContent = "loaded");
document.getElementById("buy").onclick = async () => {
  const { items: [item] } = await loaded;
  await call("/v1/coupons/NONE");
  const { cart } = await (await post("/v1/carts", {})).json();
  await post("/v1/carts/" + cart.id + "/items", { itemId: item.id, cartKey: cart.key, amount: 2 });
  const order = await post("/v1/orders", { cart: cart.id });
  await call(order.headers.get("location"));
  document.getElementById("state").textContent = "bought";
};
</script>`;
}

/** What a visit to the shop is, apart from resources. */
export const SHOP_VISIT: readonly string[] = [
  "GET / 200",
  "GET /login 200",
  "POST /login 303",
  "GET /account 200",
  "GET /v1/items 200",
  "GET /v1/news 200",
  "GET /v1/profile 200",
  "GET /v1/coupons/NONE 404",
  "POST /v1/carts 201",
  "POST /v1/carts/:id/items 200",
  "POST /v1/orders 201",
  "GET /v1/orders/:id 200",
];
