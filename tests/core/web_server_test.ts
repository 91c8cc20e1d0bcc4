import assert from "node:assert/strict";
import { systemClock } from "../../src/core/clock.ts";
import { serveWeb, type WebHandler, WebServer } from "../../src/core/web_server.ts";
import { identity, testAuthority } from "../support/certificates.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryListener } from "../support/memory_network.ts";
import type { MemoryStream } from "../support/memory_stream.ts";

const LOCAL = { hostname: "127.0.0.1", port: 0, maxConnections: 256 };

Deno.test("a web listener answers on a free port and knows the client's address", async () => {
  const listener = serveWeb(LOCAL, ({ url }, address) => {
    return new Response(`${new URL(url).pathname} ${address}`);
  });
  const response = await fetch(`http://127.0.0.1:${listener.port}/a`);
  assert.equal(await response.text(), "/a 127.0.0.1");
  await listener.close();
  await assert.rejects(fetch(`http://127.0.0.1:${listener.port}/a`));
});

Deno.test("with a certificate, a web listener serves HTTPS, and nothing else", async () => {
  const large = "x".repeat(1 << 20);
  const listener = serveWeb({ ...LOCAL, tls: identity("good") }, ({ url }) => {
    return new Response(`${url} ${large}`);
  });
  const { port } = listener;
  const client = Deno.createHttpClient({ caCerts: [testAuthority()] });
  const texts = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const response = await fetch(`https://127.0.0.1:${port}/a`, { client });
      return await response.text();
    }),
  );
  client.close();
  for (const text of texts) assert.equal(text === `https://127.0.0.1:${port}/a ${large}`, true);
  // Plain HTTP, and something that is no protocol at all.
  for (const sent of ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x16\x03\x01\xff\xff", "\0"]) {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(new TextEncoder().encode(sent));
    await conn.closeWrite();
    const answer = await new Response(conn.readable).text().catch(() => "");
    assert.doesNotMatch(answer, /HTTP/);
  }
  await listener.close();
});

Deno.test("a web listener rejects a port in use", async () => {
  const listener = serveWeb(LOCAL, () => new Response());
  const { port } = listener;
  assert.throws(
    () => serveWeb({ ...LOCAL, port }, () => new Response()),
    Deno.errors.AddrInUse,
  );
  await listener.close();
});

Deno.test("an error of a handler is not sent to the client", async () => {
  const listener = serveWeb(LOCAL, () => {
    throw new Error("secret");
  });
  const response = await fetch(`http://127.0.0.1:${listener.port}/`);
  assert.equal(response.status, 500);
  assert.equal(await response.text(), "");
  await listener.close();
});

Deno.test("closing does not wait for a client that does not read", async () => {
  const chunk = new Uint8Array(1 << 20);
  const listener = serveWeb(LOCAL, () => {
    const body = new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
  await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  await conn.read(new Uint8Array(16));
  await listener.close();
  conn.close();
});

/** A server in memory. */
class Scene {
  readonly clock = new FakeClock();
  readonly listener = new MemoryListener();
  readonly server: WebServer;

  constructor(
    maxConnections: number,
    handle: WebHandler = ({ url }) => new Response(new URL(url).pathname),
  ) {
    this.server = new WebServer(this.listener, maxConnections, handle, this.clock);
  }

  /** A new connection, which the server has accepted. */
  async connect(address = "10.0.0.1", capacity = Infinity): Promise<Client> {
    const client = new Client(this.listener.dial(address, capacity)!);
    await turns();
    return client;
  }
}

/** Lets the streams of the runtime pass on what they have. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await systemClock.nextTurn();
}

/** A client that reads all it gets. */
class Client {
  readonly stream: MemoryStream;
  text = "";
  isClosed = false;

  constructor(stream: MemoryStream, reads = true) {
    this.stream = stream;
    if (reads) void this.read();
  }

  async send(text: string): Promise<void> {
    await this.stream.write(new TextEncoder().encode(text)).catch(() => {});
    await turns();
  }

  get(path: string): Promise<void> {
    return this.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  }

  async read(): Promise<void> {
    const bytes = new Uint8Array(1024);
    const decoder = new TextDecoder();
    for (;;) {
      const count = await this.stream.read(bytes).catch(() => null);
      if (count === null) break;
      this.text += decoder.decode(bytes.subarray(0, count), { stream: true });
    }
    this.isClosed = true;
  }
}

Deno.test("a connection carries one request", async () => {
  const scene = new Scene(8);
  const client = await scene.connect();
  await client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(client.text, /\r\nConnection: close\r\n/);
  assert.match(client.text, /\r\nContent-Length: 2\r\n(.*\r\n)*\r\n\/a$/);
  assert.equal(client.isClosed, true);
  await scene.server.close();
});

Deno.test("what is not a request is answered with 400", async () => {
  const scene = new Scene(8);
  for (
    const text of [
      "GARBAGE\r\n\r\n",
      "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
      "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    ]
  ) {
    const client = await scene.connect();
    await client.send(text);
    assert.match(client.text, /^HTTP\/1\.1 400 /, text);
    assert.equal(client.isClosed, true, text);
  }
  await scene.server.close();
});

Deno.test("a connection without a complete head is closed after 5 s, however it trickles", async () => {
  const scene = new Scene(8);
  const silent = await scene.connect();
  const slow = await scene.connect();
  for (const text of ["GET / HT", "TP/1.1\r\nHo", "st: a\r\n", "X: y\r\n"]) {
    await slow.send(text);
    await scene.clock.advance(1_249);
  }
  await scene.clock.advance(3);
  assert.deepEqual([silent.isClosed, slow.isClosed], [false, false]);
  await scene.clock.advance(1);
  await turns();
  assert.deepEqual([silent.isClosed, slow.isClosed], [true, true]);
  assert.equal(slow.text, "");
  await scene.server.close();
});

Deno.test("a new client displaces the oldest idle connection of its address, not that of others", async () => {
  const scene = new Scene(8);
  const other = await scene.connect("10.0.0.2");
  const idle: Client[] = [];
  for (let count = 0; count < 4; count++) idle.push(await scene.connect("10.0.0.1"));
  const fifth = await scene.connect("10.0.0.1");
  await turns();
  assert.deepEqual(idle.map(({ isClosed }) => isClosed), [true, false, false, false]);
  await fifth.get("/fifth");
  assert.match(fifth.text, /\/fifth$/);
  await other.get("/other");
  assert.match(other.text, /\/other$/);
  await scene.server.close();
});

Deno.test("a thousand idle connections stay within the limit and do not shut out a new client", async () => {
  const scene = new Scene(8);
  const idle = Array.from({ length: 1000 }, (_, count) => {
    return new Client(scene.listener.dial(`10.0.${count % 7}.1`)!);
  });
  await turns();
  assert.equal(idle.filter(({ isClosed }) => !isClosed).length, 8);
  const visitor = await scene.connect("10.1.0.1");
  await visitor.get("/");
  assert.match(visitor.text, /^HTTP\/1\.1 200 OK/);
  await scene.clock.advance(5_000);
  await turns();
  assert.equal(idle.filter(({ isClosed }) => !isClosed).length, 0);
  await scene.server.close();
});

Deno.test("requests in progress are not displaced: a client too many is disconnected", async () => {
  const { promise: answer, resolve } = Promise.withResolvers<Response>();
  const scene = new Scene(4, () => answer.then((response) => response.clone()));
  const busy: Client[] = [];
  for (const address of ["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.2"]) {
    const client = await scene.connect(address);
    await client.get("/");
    busy.push(client);
  }
  assert.equal((await scene.connect("10.0.0.3")).isClosed, true);
  await scene.clock.advance(60_000);
  resolve(new Response("late"));
  await turns();
  for (const { text } of busy) assert.match(text, /late$/);
  await scene.server.close();
});

Deno.test("a client that takes nothing for 30 s is disconnected, a slow one is not", async () => {
  const scene = new Scene(8, () => new Response("x".repeat(100_000)));
  const stream = scene.listener.dial("10.0.0.1", 1_000)!;
  const stuck = new Client(stream, false);
  await stuck.get("/");
  const slow = new Client(scene.listener.dial("10.0.0.1", 1_000)!, false);
  await slow.get("/");
  const bytes = new Uint8Array(1_000);
  for (let second = 0; second < 29; second++) {
    await slow.stream.read(bytes);
    await scene.clock.advance(1_000);
  }
  await turns();
  void stuck.read();
  await turns();
  // It gets the rest, because it was not disconnected yet.
  assert.ok(stuck.text.endsWith("x".repeat(100_000)));
  const gone = new Client(scene.listener.dial("10.0.0.1", 1_000)!, false);
  await gone.get("/");
  for (let second = 0; second < 30; second++) {
    await slow.stream.read(bytes);
    await scene.clock.advance(1_000);
  }
  await turns();
  void gone.read();
  void slow.read();
  await turns();
  assert.equal(gone.text.length < 2_000, true);
  assert.equal(gone.isClosed, true);
  assert.ok(slow.text.endsWith("x".repeat(40_000)));
  await scene.server.close();
});

Deno.test("an event stream is sent as it comes, and cancelled when its client leaves", async () => {
  const cancelled: string[] = [];
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const scene = new Scene(8, () => {
    const body = new ReadableStream<Uint8Array>({
      start: (created) => {
        controller = created;
      },
      cancel: () => void cancelled.push("cancelled"),
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  const client = await scene.connect();
  await client.get("/");
  assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n/);
  controller!.enqueue(new TextEncoder().encode("data: 1\n\n"));
  await turns();
  assert.match(client.text, /data: 1/);
  // No time limit applies to it, as long as the client reads.
  await scene.clock.advance(3_600_000);
  controller!.enqueue(new TextEncoder().encode("data: 2\n\n"));
  await turns();
  assert.match(client.text, /data: 2/);
  client.stream.close();
  await turns();
  assert.deepEqual(cancelled, ["cancelled"]);
  await scene.server.close();
});

Deno.test("a body is read as it is asked for, and a refused one does not prevent the answer", async () => {
  const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n";
  const scene = new Scene(8, async (request) => {
    const reader = request.body!.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    return new Response(`read ${value!.length > 0}`, { status: 413 });
  });
  const client = await scene.connect();
  await client.send(post + "x".repeat(100_000));
  assert.match(client.text, /^HTTP\/1\.1 413 [^]*read true$/);
  const whole = new Scene(8, async (request) => new Response((await request.text()).length + ""));
  const other = await whole.connect();
  await other.send(post);
  await other.send("x".repeat(299_999));
  assert.equal(other.text, "");
  await other.send("x");
  assert.match(other.text, /\r\n\r\n300000$/);
  await scene.server.close();
  await whole.server.close();
});

Deno.test("a client that still sends its body when the answer arrives is not reset", async () => {
  const listener = serveWeb(LOCAL, () => new Response("too long", { status: 413 }));
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
  const send = (text: string): Promise<number> => conn.write(new TextEncoder().encode(text));
  await send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
  const bytes = new Uint8Array(1024);
  const count = await conn.read(bytes);
  assert.match(new TextDecoder().decode(bytes.subarray(0, count!)), /^HTTP\/1\.1 413 /);
  // Fails if the connection is reset.
  for (let sent = 0; sent < 10; sent++) assert.equal(await send("x"), 1);
  while (await conn.read(bytes) !== null);
  conn.close();
  await listener.close();
});

Deno.test("the rest of a body that is not wanted is read for half a second", async () => {
  const scene = new Scene(8, () => new Response("too long", { status: 413 }));
  const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n";
  const [slow, quick] = [await scene.connect(), await scene.connect()];
  for (const client of [slow, quick]) await client.send(head);
  await scene.clock.advance(499);
  await quick.send("x".repeat(30) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await turns();
  assert.deepEqual([slow.isClosed, quick.isClosed], [false, true]);
  await scene.clock.advance(1);
  await turns();
  assert.equal(slow.isClosed, true);
  for (const { text } of [slow, quick]) {
    assert.match(text, /^HTTP\/1\.1 413 [^]*too long$/);
  }
  await scene.server.close();
});

Deno.test("a client that waits for 100 Continue gets it when its body is wanted, and only then", async () => {
  const scene = new Scene(8, async (request) => {
    const isWanted = new URL(request.url).pathname === "/wanted";
    return new Response(isWanted ? await request.text() : "unwanted");
  });
  const head = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`;
  const wanted = await scene.connect();
  await wanted.send(head("/wanted"));
  assert.equal(wanted.text, "HTTP/1.1 100 Continue\r\n\r\n");
  await wanted.send("hello");
  assert.match(wanted.text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*hello$/);
  const unwanted = await scene.connect();
  await unwanted.send(head("/unwanted"));
  assert.match(unwanted.text, /^HTTP\/1\.1 200 OK\r\n[^]*unwanted$/);
  await scene.server.close();
});

Deno.test("a body that is invalid fails the handler that reads it", async () => {
  const scene = new Scene(8, async (request) => {
    const text = await request.text().catch((error) => error.message);
    return new Response(text, { status: 400 });
  });
  const client = await scene.connect();
  await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  await client.send("5\r\nhello\r\n");
  assert.equal(client.text, "");
  await client.send("-1\r\nhello");
  assert.match(client.text, /^HTTP\/1\.1 400 [^]*the body is invalid$/);
  assert.equal(client.isClosed, true);
  await scene.server.close();
});

Deno.test("a response has the length of its body, and none where it has no body", async () => {
  const scene = new Scene(8, ({ method }) => {
    if (method === "DELETE") return new Response(null, { status: 204 });
    const headers = new Headers({ "Content-Length": "9", "Connection": "keep-alive", "X-A": "b" });
    headers.append("Set-Cookie", "a=b");
    headers.append("Set-Cookie", "c=d");
    return new Response(method === "HEAD" ? null : "four", { headers });
  });
  const texts: string[] = [];
  for (const method of ["GET", "HEAD", "DELETE"]) {
    const client = await scene.connect();
    await client.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(client.isClosed, true);
    texts.push(client.text.replace(/Date: .*/, "Date: D"));
  }
  const [get = "", head = "", none] = texts;
  const start = "HTTP/1.1 200 OK\r\nDate: D\r\nConnection: close\r\n";
  assert.ok(get.startsWith(`${start}Content-Length: 4\r\n`), get);
  assert.ok(get.endsWith("set-cookie: a=b\r\nset-cookie: c=d\r\nx-a: b\r\n\r\nfour"), get);
  assert.doesNotMatch(head, /content-length/i);
  assert.ok(head.endsWith("x-a: b\r\n\r\n"), head);
  assert.equal(none, "HTTP/1.1 204 No Content\r\nDate: D\r\nConnection: close\r\n\r\n");
  await scene.server.close();
});

Deno.test("an event stream is sent in chunks, and to a client of HTTP/1.0 without", async () => {
  const scene = new Scene(8, () => {
    const body = ReadableStream.from(["data: 1\n\n", "", "data: 2\n\n"])
      .pipeThrough(new TextEncoderStream());
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  const [chunked, plain] = [await scene.connect(), await scene.connect()];
  await chunked.get("/");
  await plain.send("GET / HTTP/1.0\r\n\r\n");
  const chunks = "9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n";
  assert.ok(chunked.text.endsWith(`\r\n\r\n${chunks}`), chunked.text);
  assert.match(chunked.text, /^Transfer-Encoding: chunked\r$/m);
  assert.ok(plain.text.endsWith("\r\n\r\ndata: 1\n\ndata: 2\n\n"), plain.text);
  assert.doesNotMatch(plain.text, /^Transfer-Encoding/im);
  assert.deepEqual([chunked.isClosed, plain.isClosed], [true, true]);
  await scene.server.close();
});

Deno.test("a stream that fails after its start is cut off, and does not look complete", async () => {
  const scene = new Scene(8, () => {
    const body = new ReadableStream({
      pull: (controller) => controller.error(new Error("secret")),
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  const client = await scene.connect();
  await client.get("/");
  assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
  assert.equal(client.isClosed, true);
  await scene.server.close();
});

Deno.test("a head that is too large is answered with 431, and an empty Host is no host", async () => {
  const scene = new Scene(8, ({ url }) => new Response(url));
  const large = await scene.connect();
  await large.send(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(17_000)}\r\n\r\n`);
  assert.match(large.text, /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
  // Without this, the first part of the path would become the host.
  const hostless = await scene.connect();
  await hostless.send("GET /localhost/api HTTP/1.1\r\nHost:\r\n\r\n");
  assert.match(hostless.text, /\r\n\r\nhttp:\/\/no-host\.invalid\/localhost\/api$/);
  await scene.server.close();
});
