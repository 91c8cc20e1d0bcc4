import assert from "node:assert/strict";
import { EVEN_REQUESTS, QueuedTransport, type RequestQueue } from "../../src/http/request_queue.ts";
import { type FetchFailure, fetchFailure, FetchTransport } from "../../src/http/fetch_transport.ts";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { settle } from "../support/fake_clock.ts";
import { World } from "./contract/world.ts";
import { MAX_BODY_SIZE } from "../../src/http/transport.ts";
import { testTransport } from "./transport_contract.ts";

testTransport({
  name: "fetch",
  create: (clock, node) =>
    new FetchTransport(clock, node.deadlines, MAX_BODY_SIZE, node.options.tls),
  cannot: {
    "a GET can have a body": "fetch refuses it, and the request is BAD_REQUEST",
    "a POST is not sent again when a kept connection ends":
      "fetch sends it again by itself and does not say so",
    "an invalid chunk size: BAD_RESPONSE": "fetch does not tell it from a body that breaks off",
    "interim responses that never end: BAD_RESPONSE": "fetch reads them until the timeout",
    "all members of a gzip body are decoded": "fetch decodes the first one only",
    "for gzip of unknown length, the size on the wire is counted":
      "fetch hides what it has decoded",
  },
});

Deno.test("fetch: a body over the limit is TOO_LARGE, and the connection is closed", async () => {
  await using world = new World((clock, node) => new FetchTransport(clock, node.deadlines, 1000));
  const { target, session, samples } = world;
  let ended = 0;
  const send = (path: string, body: () => BodyInit, coding: string | null = null): void =>
    target.route(
      path,
      () =>
        new Response(body(), { headers: coding === null ? {} : { "content-encoding": coding } }),
    );
  const endless = (): ReadableStream =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(500)),
      cancel: () => void ended++,
    });
  const long = new Uint8Array(1001);
  send("/long", () => long);
  send("/endless", endless);
  send("/gzip", () => new Uint8Array(gzipSync(long)), "gzip");
  send("/br", () => new Uint8Array(brotliCompressSync(long)), "br");
  send("/deflate", () => new Uint8Array(deflateSync(long)), "deflate");
  for (const path of ["/long", "/endless", "/gzip", "/br", "/deflate"]) {
    await session.get(path, {}, async (res) => void await res.bytes()).catch(() => {});
    assert.equal(samples.at(-1)!.error, "TOO_LARGE", path);
  }
  while (ended === 0) await settle();
  send("/fits", () => new Uint8Array(gzipSync(long.subarray(1))), "gzip");
  const body = await (await session.get("/fits")).bytes();
  assert.deepEqual([body.length, body.buffer.byteLength], [1000, 1000]);
});

/** A world in which as many fetches of other users are under way as can be without waiting. */
function busyWorld(): { world: World; queue: RequestQueue } {
  const queues: RequestQueue[] = [];
  const world = new World((clock, node) => {
    queues.push(node.fetchQueue);
    return new QueuedTransport(new FetchTransport(clock, node.deadlines), node.fetchQueue);
  });
  const [queue] = queues;
  for (let i = 0; i < EVEN_REQUESTS; i++) queue!.start();
  return { world, queue: queue! };
}

Deno.test("fetch: the time limit of a request that waits begins when it is sent", async () => {
  const { world, queue } = busyWorld();
  await using _world = world;
  const { clock, session, target } = world;
  const { promise: hangs, resolve } = Promise.withResolvers<Response>();
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  target.route("/slow", () => {
    arrive();
    return hangs;
  });
  const error = session.get("/slow", { timeout: 1 }).catch((error: unknown) => error);
  clock.block(5_000);
  queue.end();
  await arrived;
  await clock.advance(950);
  const before = world.samples.length;
  await clock.advance(150);
  const { code } = await error as { code: string };
  resolve(new Response());
  assert.deepEqual([before, code], [0, "TIMEOUT"]);
  // The time for which it has waited is part of its latency.
  assert(world.sample.latencyMs >= 6_000);
});

Deno.test("fetch: a request that waits is never sent if its user is stopped", async () => {
  const { world, queue } = busyWorld();
  await using _world = world;
  const { clock, session, target } = world;
  void session.get("/");
  await clock.advance(0);
  world.endUsers();
  queue.end();
  await clock.advance(10);
  assert.deepEqual([target.requests.length, queue.underWay], [0, EVEN_REQUESTS - 1]);
  assert.equal(world.unfinished.length, 1);
});

async function failureOf(
  url: string,
  options: Deno.CreateHttpClientOptions,
): Promise<FetchFailure> {
  using client = Deno.createHttpClient(options);
  const error: unknown = await fetch(url, { client }).catch((error: unknown) => error);
  return fetchFailure(error, false);
}

// Errors that a server can cause are part of the transports' contract. Here are the others.

Deno.test("a local address that the machine does not have is EADDRNOTAVAIL", async () => {
  const { code, detail } = await failureOf("http://127.0.0.1:65000/", {
    localAddress: "203.0.113.1",
  });
  assert.equal(code, "EADDRNOTAVAIL");
  assert.match(detail, /^tcp bind local error: Cannot assign requested address/);
});

Deno.test("the error numbers of all systems are recognized", () => {
  const codes = ["61", "10061", "54", "10054", "49", "10049", "60", "10060"].map((number) => {
    const cause = new Error(
      `client error (Connect): tcp connect error: words (os error ${number})`,
    );
    return fetchFailure(new TypeError("fetch failed", { cause }), false).code;
  });
  assert.deepEqual(codes, [
    ...Array(2).fill("ECONNREFUSED"),
    ...Array(2).fill("ECONNRESET"),
    ...Array(2).fill("EADDRNOTAVAIL"),
    ...Array(2).fill("CONNECT_TIMEOUT"),
  ]);
});

Deno.test("an unknown error gets the code of its phase", () => {
  const code = (cause: string): string =>
    fetchFailure(new TypeError("fetch failed", { cause: new Error(cause) }), false).code;
  assert.equal(code("client error (Connect): tcp connect error: odd"), "ECONNREFUSED");
  assert.equal(code("client error (Connect): odd"), "TLS");
  assert.equal(code("client error (SendRequest): odd"), "ECONNRESET");
  assert.equal(fetchFailure("odd", false).code, "BAD_REQUEST");
  assert.equal(fetchFailure(new TypeError("odd"), true).code, "BAD_ENCODING");
});
