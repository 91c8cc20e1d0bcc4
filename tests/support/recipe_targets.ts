/**
 * Services for the recipes of docs/recipes/, which verify what their clients do: each refuses what a strict
 * service would refuse, so a run without failures has done everything right.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type SeenRequest, Target } from "./target.ts";
import { sleep } from "./timing.ts";

/** What a request says in JSON. */
function jsonOf<Content>({ body }: SeenRequest): Content {
  return JSON.parse(new TextDecoder().decode(body));
}

/** What a request says in the fields of a form. */
function formOf({ body }: SeenRequest): URLSearchParams {
  return new URLSearchParams(new TextDecoder().decode(body));
}

/** The number of requests by method and path, where a path is shortened to its first part. */
export function countsOf({ requests }: Target): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { method, path } of requests) {
    const key = `${method} /${path.split("/")[1]}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function refused(status: number): Response {
  return new Response(null, { status });
}

/** Hands out a token for each login, with which orders can be read. */
export function loginTarget(): Target & { readonly tokens: ReadonlySet<string> } {
  const tokens = new Set<string>();
  const target = new Target({
    "/login": (request) => {
      const { username, password } = jsonOf<Record<string, string>>(request);
      if (username !== "admin" || password !== "secret") return refused(401);
      const token = crypto.randomUUID();
      tokens.add(token);
      return Response.json({ token });
    },
    "/orders": ({ headers }) => {
      const [scheme, token = ""] = headers.get("authorization")?.split(" ") ?? [];
      return scheme === "Bearer" && tokens.has(token) ? Response.json([]) : refused(401);
    },
  });
  return Object.assign(target, { tokens });
}

/** Accounts, each of which can log in once. Nothing works without a login. */
export function accountsTarget(): Target & { readonly names: ReadonlySet<string> } {
  const names = new Set<string>();
  const target = new Target({
    "/login": (request) => {
      const { name, password } = jsonOf<Record<string, string>>(request);
      if (password !== name!.replace("user", "secret")) return refused(401);
      if (names.has(name!)) return refused(409);
      names.add(name!);
      return Response.json({}, { headers: { "set-cookie": `name=${name}` } });
    },
    "/search": ({ headers }) =>
      names.has(/name=(\w+)/.exec(headers.get("cookie") ?? "")?.[1] ?? "")
        ? Response.json([])
        : refused(401),
  });
  return Object.assign(target, { names });
}

/** Pages with forms, whose tokens belong to a session and can be used once. */
export function formsTarget(): Target & { readonly comments: readonly string[] } {
  const tokens = new Map<string, string>();
  const members = new Set<string>();
  const comments: string[] = [];
  let sessions = 0;
  const sessionOf = ({ headers }: SeenRequest): string =>
    /session=(\w+)/.exec(headers.get("cookie") ?? "")?.[1] ?? "";
  const page = (action: string, session: string): Response => {
    const token = crypto.randomUUID();
    tokens.set(token, session);
    const html = `<!doctype html><form action="/search"><input name="q"></form>
      <form method="POST" action="${action}"><input type="hidden" name="authenticity" value="${token}">
      <input name="text"><select name="kind"><option>opinion<option selected>praise</select>
      <input type="submit" name="go" value="Send"></form>`;
    const headers = { "content-type": "text/html", "set-cookie": `session=${session}` };
    return new Response(html, { headers });
  };
  /** Whether a form may be submitted; its token is then used up. */
  const isGenuine = (request: SeenRequest): boolean => {
    const token = formOf(request).get("authenticity") ?? "";
    const session = tokens.get(token);
    tokens.delete(token);
    return session !== undefined && session === sessionOf(request);
  };
  const target = new Target({
    "/login": (request) => {
      if (request.method === "GET") return page("/login", `s${++sessions}`);
      if (!isGenuine(request)) return refused(403);
      members.add(sessionOf(request));
      return new Response(null, { status: 303, headers: { location: "/home" } });
    },
    "/home": () => new Response("welcome"),
    "/comments": (request) => {
      if (!members.has(sessionOf(request))) return refused(401);
      if (request.method === "GET") return page("", sessionOf(request));
      const form = formOf(request);
      if (!isGenuine(request) || form.get("kind") !== "praise" || form.has("go")) {
        return refused(403);
      }
      comments.push(form.get("text")!);
      return new Response("thank you");
    },
  });
  return Object.assign(target, { comments });
}

/** What a {@link tokenTarget} has seen. */
export interface TokenCounts {
  /** Requests for a token that were in progress at the same time. */
  mostAtOnce: number;
  /** Requests for reports by their token. */
  readonly uses: Map<string, number>;
}

/** Access tokens of OAuth 2.0 that should be replaced after a second, and reports that need one. */
export function tokenTarget(): Target & { readonly seen: TokenCounts } {
  const seen: TokenCounts = { mostAtOnce: 0, uses: new Map() };
  let inProgress = 0;
  const basic = `Basic ${btoa("load-test:secret")}`;
  const target = new Target({
    "/oauth/token": async (request) => {
      if (request.headers.get("authorization") !== basic) return refused(401);
      if (formOf(request).get("grant_type") !== "client_credentials") return refused(400);
      seen.mostAtOnce = Math.max(seen.mostAtOnce, ++inProgress);
      // Others would now ask, too, if they did not wait.
      await sleep(100);
      inProgress--;
      const token = crypto.randomUUID();
      seen.uses.set(token, 0);
      return Response.json({ access_token: token, token_type: "Bearer", expires_in: 1 });
    },
    "/reports": ({ headers }) => {
      const token = headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
      const uses = seen.uses.get(token);
      if (uses === undefined) return refused(401);
      seen.uses.set(token, uses + 1);
      return Response.json([]);
    },
  });
  return Object.assign(target, { seen });
}

/** Uploads: the hashes of what arrived. */
export interface Upload {
  readonly kind: "photo" | "video";
  readonly name: string;
  readonly size: number;
  readonly hash: string;
}

/** Takes photos in forms, and videos as they are. */
export function uploadsTarget(): Target & { readonly uploads: readonly Upload[] } {
  const uploads: Upload[] = [];
  const keep = (kind: Upload["kind"], name: string, bytes: Uint8Array): void => {
    const hash = createHash("sha256").update(bytes).digest("hex");
    uploads.push({ kind, name, size: bytes.length, hash });
  };
  const target = new Target({
    "/photos": async ({ headers, body }) => {
      const form = await new Response(body, { headers }).formData();
      const photo = form.get("photo");
      assert.ok(photo instanceof File && photo.type === "image/jpeg");
      keep("photo", String(form.get("title")), await photo.bytes());
      return Response.json({ size: photo.size });
    },
  });
  target.otherwise(({ method, path, headers, body }) => {
    const name = /^\/videos\/(.+)$/.exec(path)?.[1];
    if (method !== "PUT" || name === undefined) return refused(404);
    if (Number(headers.get("content-length")) !== body.length) return refused(411);
    keep("video", name, body);
    return refused(201);
  });
  return Object.assign(target, { uploads });
}

/** Jobs that are done after they have been asked for once, twice or three times. */
export function jobsTarget(): Target & { readonly asked: ReadonlyMap<string, number> } {
  const asked = new Map<string, number>();
  const target = new Target({
    "/exports": () => {
      const id = String(asked.size);
      asked.set(id, 0);
      return Response.json({ id }, { status: 202 });
    },
  });
  target.otherwise(({ path }) => {
    const id = /^\/exports\/(\d+)$/.exec(path)?.[1] ?? "";
    const times = asked.get(id);
    // A job is gone once it has been seen to be done.
    if (times === undefined || times > pollsOf(id)) return refused(404);
    asked.set(id, times + 1);
    return Response.json({ state: times + 1 >= pollsOf(id) ? "done" : "running" });
  });
  return Object.assign(target, { asked });
}

/** How often a job of {@link jobsTarget} must be asked for. */
export function pollsOf(id: string): number {
  return 1 + Number(id) % 3;
}

/** A list of four pages. A page can be read once, after the one before. */
export function pagesTarget(): Target & { readonly lists: () => number } {
  const open = new Map<string, number>();
  let lists = 0;
  const target = new Target({
    "/articles": ({ query }) => {
      const cursor = query.get("cursor");
      const page = cursor === null ? 0 : open.get(cursor);
      if (page === undefined || query.get("size") !== "20") return refused(410);
      if (cursor !== null) open.delete(cursor);
      const articles = Array.from({ length: 20 }, (_, n) => page * 20 + n);
      if (page === 3) {
        lists++;
        return Response.json({ articles, links: {} });
      }
      const next = crypto.randomUUID();
      open.set(next, page + 1);
      return Response.json({ articles, links: { next: `/articles?size=20&cursor=${next}` } });
    },
  });
  return Object.assign(target, { lists: () => lists });
}

/** What a {@link graphqlTarget} has executed. */
export interface Executed {
  readonly operations: Record<string, number>;
  /** Those that ended with an error. */
  refused: number;
}

/** Two operations of GraphQL; every fourth article is sold out. */
export function graphqlTarget(): Target & { readonly executed: Executed } {
  const executed: Executed = { operations: {}, refused: 0 };
  const { operations } = executed;
  const target = new Target({
    "/graphql": (request) => {
      interface Operation {
        operationName: string;
        query: string;
        variables: { id: string };
      }
      const { operationName, query, variables: { id } } = jsonOf<Operation>(request);
      assert.ok(query.includes(operationName));
      const count = operations[operationName] = (operations[operationName] ?? 0) + 1;
      if (operationName === "FindArticle") {
        return Response.json({ data: { article: { id, title: "Lamp" } } });
      }
      if (count % 4 !== 0) return Response.json({ data: { addToCart: { count } } });
      executed.refused++;
      const message = `article ${id} is sold out`;
      return Response.json({ data: null, errors: [{ message, extensions: { code: "SOLD_OUT" } }] });
    },
  });
  return Object.assign(target, { executed });
}

/** Milliseconds for which the language model thinks. */
export const THINKING_MS = 200;

/** A language model: ten tokens, after a time of thinking. */
export function modelTarget(): Target & { readonly answers: () => number } {
  let answers = 0;
  const encoder = new TextEncoder();
  const event = (data: unknown): Uint8Array => encoder.encode(`data: ${JSON.stringify(data)}\n\n`);
  const delta = (fields: object): unknown => ({ choices: [{ index: 0, delta: fields }] });
  async function* answer(): AsyncGenerator<Uint8Array> {
    yield event(delta({ role: "assistant", content: "" }));
    await sleep(THINKING_MS);
    for (let token = 0; token < 10; token++) {
      yield event(delta({ content: ` ${token}` }));
      await sleep(5);
    }
    yield event({ choices: [], usage: { completion_tokens: 10 } });
    yield encoder.encode("data: [DONE]\n\n");
    answers++;
  }
  const target = new Target({
    "/v1/chat/completions": (request) => {
      if (request.headers.get("authorization") !== "Bearer secret") {
        return new Response("no key", { status: 401 });
      }
      interface Question {
        stream: boolean;
        messages: { content: string }[];
      }
      const { stream, messages } = jsonOf<Question>(request);
      if (stream !== true || messages[0]!.content === "") return refused(400);
      const headers = { "content-type": "text/event-stream" };
      return new Response(ReadableStream.from(answer()), { headers });
    },
  });
  return Object.assign(target, { answers: () => answers });
}

/** Events of each connection of {@link feedTarget}. */
export const FEED_EVENTS = 5;

/** A feed that ends each connection after some events, and refuses clients that did not follow it. */
export function feedTarget(): Target & { readonly sent: () => number } {
  const lastIds = new Map<string, number>();
  let sent = 0;
  const target = new Target({
    "/feed": ({ headers }) => {
      const known = /user=(\w+)/.exec(headers.get("cookie") ?? "")?.[1];
      const user = known ?? `u${lastIds.size}`;
      const lastId = Number(headers.get("last-event-id") ?? 0);
      if (lastId !== (lastIds.get(user) ?? 0)) return refused(409);
      lastIds.set(user, lastId + FEED_EVENTS);
      let text = "retry: 20\n: hello\n\n";
      for (let id = lastId + 1; id <= lastId + FEED_EVENTS; id++) {
        text += `id: ${id}\ndata: {"price":${id}}\n\n`;
        sent++;
      }
      return new Response(text, {
        headers: { "content-type": "text/event-stream", "set-cookie": `user=${user}` },
      });
    },
  });
  return Object.assign(target, { sent: () => sent });
}

/** A proxy for plain HTTP that wants credentials. */
export class ForwardProxy implements AsyncDisposable {
  /** What it has forwarded. */
  readonly forwarded: string[] = [];
  readonly port: number;
  readonly #close: () => Promise<void>;

  private constructor(port: number, close: () => Promise<void>, forwarded: string[]) {
    this.port = port;
    this.#close = close;
    this.forwarded = forwarded;
  }

  /** @param credentials user and password with a colon between them. */
  static async start(credentials: string): Promise<ForwardProxy> {
    const forwarded: string[] = [];
    const server = createServer((request, response) => {
      const { url = "", headers } = request;
      // A request that was meant for the host itself has only a path.
      if (!url.startsWith("http://")) return void response.writeHead(400).end();
      if (headers["proxy-authorization"] !== `Basic ${btoa(credentials)}`) {
        return void response.writeHead(407).end();
      }
      forwarded.push(url);
      void fetch(url, { headers: { via: "1.1 proxy" } }).then(async (answer) => {
        response.writeHead(answer.status).end(await answer.bytes());
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const close = (): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));
    return new ForwardProxy((server.address() as AddressInfo).port, close, forwarded);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}
