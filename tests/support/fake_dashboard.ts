import { isAsset, readAsset } from "../../src/web/assets.ts";
import { eventBytes } from "../../src/web/feed.ts";
import type { RunForm } from "../../src/web/control.ts";
import { errorReply, jsonReply, reply } from "../../src/web/http.ts";
import type { LiveLog, LiveUpdate, LiveView } from "../../src/web/live_view.ts";

/** A command that the page sent. */
export interface SentCommand {
  readonly path: string;
  readonly body: unknown;
}

/** How a {@link FakeDashboard} behaves. */
export interface FakeDashboardOptions {
  /** Null: no token is required. */
  readonly token?: string | null;
  /** 0: any free port. */
  readonly port?: number;
}

/** Serves the real page with data from a test. */
export class FakeDashboard implements AsyncDisposable {
  readonly port: number;
  /** The commands received, in order. */
  readonly commands: SentCommand[] = [];
  /** The response to every command; null: success. */
  commandError: { readonly status: number; readonly error: string } | null = null;
  /** What a further run can be started with; null: there is none. */
  form: RunForm | null = null;
  #view: LiveView;
  readonly #token: string | null;
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(view: LiveView, options: FakeDashboardOptions = {}) {
    this.#view = view;
    this.#token = options.token ?? null;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: options.port ?? 0, onListen: () => {} },
      (request) => this.#handle(request),
    );
    this.port = this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** How many pages are connected. */
  get clients(): number {
    return this.#streams.size;
  }

  /** Sends another view, also to pages that connect later. */
  show(view: LiveView): void {
    this.#view = view;
    this.#send("view", view);
  }

  update(update: LiveUpdate): void {
    this.#send("update", update);
  }

  log(log: LiveLog): void {
    this.#send("log", log);
  }

  /** Stops the server and ends all streams. */
  async close(): Promise<void> {
    for (const stream of this.#streams) {
      try {
        stream.close();
      } catch {
        // The client has already disconnected.
      }
    }
    this.#streams.clear();
    await this.#server.shutdown();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(event: string, data: unknown): void {
    for (const stream of this.#streams) stream.enqueue(eventBytes(event, JSON.stringify(data)));
  }

  async #handle(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (isAsset(pathname)) {
      const { mediaType, text } = await readAsset(pathname);
      return reply(mediaType, text);
    }
    if (pathname === "/api/login") return await this.#login(request);
    if (this.#token !== null && request.headers.get("cookie") !== "aiotest=let-in") {
      return errorReply({ status: 401, error: "A token is required." });
    }
    if (pathname === "/api/stream") return this.#stream();
    if (pathname === "/api/summary") return jsonReply(this.#view);
    if (pathname === "/api/form" && this.form !== null) return jsonReply(this.form);
    if (pathname === "/api/runs") return jsonReply({ runs: [] });
    if (request.method !== "POST" || request.headers.get("x-aiotest") !== "1") {
      return errorReply({ status: 404, error: "Not found." });
    }
    this.commands.push({ path: pathname, body: await request.json() });
    return this.commandError === null ? jsonReply({ ok: true }) : errorReply(this.commandError);
  }

  async #login(request: Request): Promise<Response> {
    const { token } = await request.json();
    return token === this.#token
      ? jsonReply({ ok: true }, {
        headers: { "Set-Cookie": "aiotest=let-in; HttpOnly; SameSite=Strict; Path=/" },
      })
      : errorReply({ status: 401, error: "The token is wrong." });
  }

  #stream(): Response {
    const streams = this.#streams;
    let own: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        own = controller;
        streams.add(controller);
        controller.enqueue(eventBytes("view", JSON.stringify(this.#view)));
      },
      cancel: () => void streams.delete(own),
    });
    return reply("text/event-stream", body);
  }
}
