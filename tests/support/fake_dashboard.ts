import { isAsset, readAsset } from "../../src/web/assets.ts";
import type { LiveLog, LiveUpdate, LiveView } from "../../src/web/live_view.ts";

/** A command that the page sent. */
export interface SentCommand {
  readonly path: string;
  readonly body: unknown;
}

/** How a {@link FakeDashboard} behaves. */
export interface FakeDashboardOptions {
  /** What it asks for; null: nothing. */
  readonly token?: string | null;
  /** 0, or one that it had before. */
  readonly port?: number;
}

const HEADERS = {
  "Content-Security-Policy":
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-store",
};

/** Serves the page as the dashboard's server does, but shows whatever a test wants to see. */
export class FakeDashboard implements AsyncDisposable {
  readonly port: number;
  /** The commands that came, in order. */
  readonly commands: SentCommand[] = [];
  /** What a command is answered with instead of "ok". */
  refusal: { readonly status: number; readonly error: string } | null = null;
  #view: LiveView;
  readonly #token: string | null;
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(view: LiveView, options: FakeDashboardOptions = {}) {
    this.#view = view;
    this.#token = options.token ?? null;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: options.port ?? 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
    this.port = this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Pages that are connected. */
  get watchers(): number {
    return this.#streams.size;
  }

  /** Shows another view, to those who watch and those who come. */
  show(view: LiveView): void {
    this.#view = view;
    this.#tell("view", view);
  }

  update(update: LiveUpdate): void {
    this.#tell("update", update);
  }

  log(log: LiveLog): void {
    this.#tell("log", log);
  }

  /** Goes away, in the midst of whatever it is sending. */
  async close(): Promise<void> {
    for (const stream of this.#streams) {
      try {
        stream.close();
      } catch {
        // Its reader was faster.
      }
    }
    this.#streams.clear();
    await this.#server.shutdown();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #tell(event: string, data: unknown): void {
    for (const stream of this.#streams) stream.enqueue(eventBytes(event, data));
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (isAsset(pathname)) return await asset(pathname);
    if (pathname === "/api/login") return await this.#login(request);
    if (this.#token !== null && request.headers.get("cookie") !== "aiotest=let-in") {
      return json(401, { error: "A token is needed." });
    }
    if (pathname === "/api/stream") return this.#stream();
    if (pathname === "/api/summary") return json(200, this.#view);
    if (request.method !== "POST" || request.headers.get("x-aiotest") !== "1") {
      return json(404, { error: "There is nothing." });
    }
    this.commands.push({ path: pathname, body: await request.json() });
    return this.refusal === null
      ? json(200, { ok: true })
      : json(this.refusal.status, { error: this.refusal.error });
  }

  async #login(request: Request): Promise<Response> {
    const { token } = await request.json();
    return token === this.#token
      ? json(200, { ok: true }, {
        "Set-Cookie": "aiotest=let-in; HttpOnly; SameSite=Strict; Path=/",
      })
      : json(401, { error: "That is not the token." });
  }

  #stream(): Response {
    const streams = this.#streams;
    let own: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        own = controller;
        streams.add(controller);
        controller.enqueue(eventBytes("view", this.#view));
      },
      cancel: () => void streams.delete(own),
    });
    return new Response(body, { headers: { ...HEADERS, "Content-Type": "text/event-stream" } });
  }
}

async function asset(path: string): Promise<Response> {
  const { type, text } = await readAsset(path);
  return new Response(text, { headers: { ...HEADERS, "Content-Type": type } });
}

function json(status: number, content: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(content, { status, headers: { ...HEADERS, ...headers } });
}

function eventBytes(event: string, data: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
