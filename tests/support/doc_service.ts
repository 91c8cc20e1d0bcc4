/** How many requests show that a run is at work. */
const BUSY = 20;

/** A service that has whatever the pages of the documentation ask for. */
export class DocService implements AsyncDisposable {
  /** Resolves when some users are at work. */
  readonly busy: Promise<void>;
  /** Its host and port. */
  readonly address: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    const busy = Promise.withResolvers<void>();
    this.busy = busy.promise;
    let served = 0;
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      if (++served === BUSY) busy.resolve();
      return answer(request);
    });
    this.address = `127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function answer({ method, url, headers }: Request): Response {
  const { pathname, searchParams } = new URL(url);
  switch (`${method} ${pathname}`) {
    case "GET /login":
      return page('<form><input name="csrf" value="c1"></form>');
    case "GET /profile":
      return page('<form id="profile"><input name="city" value="Paris"></form>');
    case "GET /missing":
      return new Response("none", { status: 404 });
    case "POST /completions":
      return events(
        Array.from({ length: 30 }, (_, i) => `data: {"text": "word${i}"}\n\n`),
        "data: [DONE]\n\n",
      );
    case "GET /feed": {
      const last = Number(headers.get("last-event-id") ?? 0);
      return events(["retry: 10\n\n"], `id: ${last + 1}\ndata: news\n\n`);
    }
  }
  const found = searchParams.get("q") === "boots" ? 3 : true;
  const response = Response.json({ token: "t", found, items: [] }, {
    headers: { "x-cache": "HIT" },
  });
  response.headers.append("set-cookie", "session=1");
  response.headers.append("set-cookie", "cart=1; Max-Age=600");
  return response;
}

function page(body: string): Response {
  return new Response(`<!doctype html>${body}`, { headers: { "content-type": "text/html" } });
}

function events(first: readonly string[], last: string): Response {
  return new Response([...first, last].join(""), {
    headers: { "content-type": "text/event-stream" },
  });
}
