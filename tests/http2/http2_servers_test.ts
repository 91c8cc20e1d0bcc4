import assert from "node:assert/strict";
import http2, { type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { debugLog } from "../../src/core/debug_log.ts";
import { configureLog } from "../../src/core/logger.ts";
import { USER_AGENT } from "../../src/http/request_encoder.ts";
import type { SharedHttpState } from "../../src/http/shared_http_state.ts";
import { Http2Transport } from "../../src/http2/http2_transport.ts";
import { ObservedHttp2Pool } from "../../src/http2/observed_http2_pool.ts";
import { type ExchangeObserver, observedTransport } from "../../src/user/observers.ts";
import { World } from "../http/contract/world.ts";
import { numbers } from "../support/mutations.ts";
import { TRANSPORT_SETTINGS } from "../support/transport_settings.ts";

/** A server of `node:http2` that counts what it has seen. */
class NodeServer implements AsyncDisposable {
  readonly sessions = new Set<ServerHttp2Session>();
  streams = 0;
  connections = 0;
  readonly #server: Http2Server;

  private constructor(server: Http2Server) {
    this.#server = server;
  }

  /** @param answer gets the number of the stream, from 1, once its request is complete. */
  static async start(
    answer: (stream: http2.ServerHttp2Stream, number: number, body: number) => void,
    settings: http2.Settings = {},
  ): Promise<NodeServer> {
    const raw = http2.createServer({ settings });
    const server = new NodeServer(raw);
    raw.on("session", (session) => {
      server.connections++;
      server.sessions.add(session);
      session.on("error", () => {});
      session.on("close", () => server.sessions.delete(session));
    });
    raw.on("stream", (stream: http2.ServerHttp2Stream) => {
      const number = ++server.streams;
      let body = 0;
      stream.on("error", () => {});
      stream.on("data", (chunk: Uint8Array) => body += chunk.length);
      stream.on("end", () => answer(stream, number, body));
    });
    await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) session.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** @param isShared whether all users share their connections. */
function engine(isShared = false): World {
  let first: SharedHttpState | null = null;
  return new World((clock, node) => {
    const shared = first ??= node;
    const settings = { ...TRANSPORT_SETTINGS, tls: node.options.tls };
    return isShared
      ? new Http2Transport(clock, shared, settings, null, TRANSPORT_SETTINGS)
      : new Http2Transport(clock, node, settings, null, null);
  });
}

function ok(stream: http2.ServerHttp2Stream, _number: number, body: number): void {
  stream.respond({ ":status": 200 });
  stream.end(`ok ${body}`);
}

Deno.test("large bodies pass in both directions", async () => {
  await using server = await NodeServer.start((stream, _, body) => {
    stream.respond({ ":status": 200, "x-length": String(body) });
    stream.end(new Uint8Array(3_000_000).fill(7));
  });
  await using world = engine();
  const { session } = world.user({ host: server.url });
  const res = await session.post("/", { body: new Uint8Array(2_000_000).fill(1) });
  assert.equal(res.headers.get("x-length"), "2000000");
  const bytes = await res.bytes();
  assert.equal(bytes.length, 3_000_000);
  assert.ok(bytes.every((byte) => byte === 7));
});

Deno.test("requests wait for the server's limit of streams, on one connection", async () => {
  let [under, most] = [0, 0];
  await using server = await NodeServer.start((stream) => {
    most = Math.max(most, ++under);
    setTimeout(() => {
      under--;
      stream.respond({ ":status": 204 });
      stream.end();
    }, 1);
  }, { maxConcurrentStreams: 3 });
  await using world = engine();
  const { session } = world.user({ host: server.url });
  // The server's settings arrive with its first answer.
  await session.get("/");
  await Promise.all(Array.from({ length: 12 }, () => session.get("/")));
  assert.equal(server.streams, 13);
  assert.equal(server.connections, 1);
  assert.equal(most, 3);
  assert.equal(world.samples.length, 13);
});

Deno.test("users of a class can share connections, and close them together", async () => {
  await using server = await NodeServer.start(ok, { maxConcurrentStreams: 4 });
  await using world = engine(true);
  const users = Array.from({ length: 10 }, () => world.user({ host: server.url }).session);
  await users[0]!.get("/");
  await Promise.all(users.flatMap((user) => [user.get("/a"), user.get("/b")]));
  assert.equal(server.streams, 21);
  assert.ok(server.connections >= 2, `${server.connections} connections`);
  assert.ok(server.connections <= 5, `${server.connections} connections`);
});

Deno.test("one of several users that share a connection can be stopped", async () => {
  const waiting: http2.ServerHttp2Stream[] = [];
  let arrived = (): void => {};
  const both = new Promise<void>((resolve) => arrived = resolve);
  await using server = await NodeServer.start((stream) => {
    waiting.push(stream);
    if (waiting.length === 2) arrived();
  });
  await using world = engine(true);
  const [first, second] = [world.user({ host: server.url }), world.user({ host: server.url })];
  const aborted = first.session.get("/a").catch((error: { code: string }) => error.code);
  const answered = second.session.get("/b");
  await both;
  first.abort();
  assert.equal(await aborted, "ABORTED");
  for (const stream of waiting) if (!stream.closed) ok(stream, 0, 0);
  assert.equal((await answered).status, 200);
  assert.equal(world.unfinished.length, 1);
});

Deno.test("counts are exact while the server resets streams and ends connections at random", async () => {
  const below = numbers(17);
  await using server = await NodeServer.start((stream, number, body) => {
    if (below(20) === 0) return stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    ok(stream, number, body);
    if (below(30) === 0) stream.session!.close();
  });
  await using world = engine();
  const users = Array.from({ length: 4 }, () => world.user({ host: server.url }).session);
  await Promise.all(users.map(async (session) => {
    for (let i = 0; i < 60; i++) {
      await session.batch([`/${i}/a`, ["POST", `/${i}/b`, { body: "x".repeat(20_000) }], `/${i}/c`])
        .catch(() => {});
    }
  }));
  const retries = world.samples.reduce((sum, sample) => sum + sample.retries, 0);
  assert.equal(world.samples.length, 720);
  assert.equal(server.streams, 720 + retries);
  assert.ok(server.connections > 4, "connections were ended");
  const failed = world.samples.filter(({ error }) => error !== null);
  assert.ok(failed.length > 0 && failed.every(({ error }) => error === "ECONNRESET"));
});

Deno.test("observers learn how requests were sent, and on which connection", async () => {
  await using server = await NodeServer.start(ok);
  const observed: string[] = [];
  const observer: ExchangeObserver = {
    wants: () => true,
    ended: ({ attempts }) => {
      for (const { head, connection, isReused, failure } of attempts) {
        observed.push(head, `${connection.remote} ${isReused} ${failure}`);
      }
    },
  };
  await using world = new World((clock, node) => {
    const settings = { ...TRANSPORT_SETTINGS, tls: node.options.tls };
    const engine = new Http2Transport(clock, node, settings, null, null, ObservedHttp2Pool);
    return observedTransport(engine, "ShopTest", {
      requests: { id: 1, iteration: 0, stage: 1, closed: false },
      observers: { requests: [], exchanges: [observer] },
    });
  });
  const { session } = world.user({ host: server.url });
  await session.get("/a?b=1");
  await session.post("/c", { json: { d: 2 }, headers: { "user-agent": "x" } });
  const { host } = new URL(server.url);
  assert.deepEqual(observed, [
    [
      "GET /a?b=1 HTTP/2",
      ":scheme: http",
      `:authority: ${host}`,
      "accept: */*",
      "accept-encoding: gzip, deflate, br",
      `user-agent: ${USER_AGENT}`,
    ].join("\r\n"),
    `${host} false null`,
    [
      "POST /c HTTP/2",
      ":scheme: http",
      `:authority: ${host}`,
      "user-agent: x",
      "content-type: application/json",
      "accept: */*",
      "accept-encoding: gzip, deflate, br",
      "content-length: 7",
    ].join("\r\n"),
    `${host} true null`,
  ]);
});

Deno.test("the debug log names connections, why they end, and what is sent again", async () => {
  await using server = await NodeServer.start((stream, number) => {
    if (number === 2) stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    else ok(stream, 0, 0);
  });
  const { host } = new URL(server.url);
  const lines: string[] = [];
  await configureLog("DEBUG", (_, { text }) => {
    lines.push(text.replaceAll(host, "HOST").replaceAll(/\d+\.\d+ (m?s)/g, "T $1"));
  });
  try {
    await using world = engine();
    const { session } = world.user({ host: server.url });
    await session.get("/");
    await session.get("/again?token=secret");
  } finally {
    debugLog.flush();
    await configureLog("INFO", () => {});
  }
  assert.deepEqual(lines, [
    "Connection 1 to http://HOST at HOST is open: connect T ms.",
    "GET http://HOST/again is sent again: the server reset the stream: REFUSED_STREAM; " +
    "the server has not read it, so this does not count as a retry.",
    "Connection 1 to http://HOST is closed after T s: its user is done with it.",
  ]);
});
