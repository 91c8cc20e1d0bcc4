import assert from "node:assert/strict";
import { RequestError, type RequestErrorCode } from "../../src/http/request_error.ts";
import type { BodyContent } from "../../src/http/request_options.ts";
import { SocketTransport, type TransportSettings } from "../../src/http/socket_transport.ts";
import { settle } from "../support/fake_clock.ts";
import { identity, testAuthority } from "../support/certificates.ts";
import { answering, type RawConnection, RawServer } from "../support/raw_server.ts";
import { World } from "./contract/world.ts";
import { testTransport } from "./transport_contract.ts";
import { TRANSPORT_SETTINGS } from "../support/transport_settings.ts";

testTransport({
  name: "socket engine",
  create: (clock, node) =>
    new SocketTransport(clock, node, { ...TRANSPORT_SETTINGS, tls: node.options.tls }),
  cannot: {},
});

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function engine(settings: Partial<TransportSettings> = {}): World {
  return new World((clock, node) =>
    new SocketTransport(clock, node, { ...TRANSPORT_SETTINGS, tls: node.options.tls, ...settings })
  );
}

Deno.test("without keep-alive, each request has a connection, and says that it will be closed", async () => {
  const heads: string[] = [];
  let closed = 0;
  await using server = new RawServer(async (connection) => {
    heads.push(await connection.readHead() ?? "");
    // The server would keep it.
    await connection.write(OK);
    await connection.readToEnd();
    closed++;
  });
  await using world = engine({ keepAlive: false });
  const { session } = world.user({ host: server.url });
  await session.get("/");
  await session.get("/", { headers: { connection: "upgrade" } });
  await session.post("/", { body: "x" });
  assert.deepEqual(heads.map((head) => /\r\nconnection: (.*)\r\n/i.exec(head)?.[1]), [
    "close",
    "upgrade",
    "close",
  ]);
  assert.equal(server.connections, 3);
  await until(() => closed === 3);
  // Other users of the same target keep theirs.
  await using keeping = engine();
  await keeping.user({ host: server.url }).session.get("/");
  assert.doesNotMatch(heads.at(-1)!, /\r\nconnection:/i);
});

async function codeOf(request: Promise<unknown>): Promise<RequestErrorCode | "none"> {
  try {
    await request;
    return "none";
  } catch (error) {
    if (error instanceof RequestError) return error.code;
    throw error;
  }
}

/** Waits until `done`, at most a second. */
async function until(done: () => boolean): Promise<void> {
  for (const end = performance.now() + 1000; !done() && performance.now() < end;) await settle();
  assert.ok(done(), "it did not come to that");
}

/** Answers `first` requests of each connection, reads one more, and closes without a response. */
function closingAfter(
  first: number,
  heads: string[],
): (connection: RawConnection) => Promise<void> {
  return async (connection) => {
    for (let i = 0;; i++) {
      const head = await connection.readHead();
      if (head === null) return;
      heads.push(head);
      if (i === first) return;
      await connection.write(OK);
    }
  };
}

Deno.test("the end of a new connection is an error, without a retry", async () => {
  await using world = engine();
  await using server = new RawServer(closingAfter(0, []));
  assert.equal(await codeOf(world.session.get(server.url)), "ECONNRESET");
  assert.equal(server.connections, 1);
  assert.equal(world.sample.retries, 0);
});

for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]) {
  Deno.test(`an end on a kept connection: ${method} is sent once more, and counted so`, async () => {
    await using world = engine();
    const heads: string[] = [];
    const play = closingAfter(1, heads);
    await using server = new RawServer((connection, index) =>
      index === 0
        ? play(connection)
        : answering("HTTP/1.1 204 No Content\r\n\r\n")(connection, index)
    );
    await world.session.get(server.url);
    const res = await world.session.request(method, server.url);
    assert.equal(res.status, 204);
    assert.equal(server.connections, 2);
    assert.deepEqual(world.samples.map(({ retries, error }) => [retries, error]), [
      [0, null],
      [1, null],
    ]);
  });
}

/** Waits in real time; the world's clock is virtual. */
function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

for (const secure of [false, true]) {
  for (const [way, serverMs, clientMs] of [["before", 0, 20], ["after", 20, 0]] as const) {
    const scheme = secure ? "https" : "http";
    Deno.test(`${scheme}: a server that closes ${way} a request arrives has not read it`, async () => {
      await using world = engine();
      const { session } = world.user({ caCerts: secure ? [testAuthority()] : [] });
      let read = 0;
      await using server = new RawServer(async (connection) => {
        if (await connection.readHead() === null) return;
        read++;
        await connection.write(OK);
        await delay(serverMs);
      }, secure ? identity("good") : undefined);
      for (let i = 0; i < 3; i++) {
        assert.equal((await session.put(server.url, { body: "x" })).status, 200);
        await delay(clientMs);
      }
      assert.equal(server.connections, 3);
      assert.equal(read, 3);
      assert.deepEqual(world.samples.map(({ retries }) => retries), [0, 0, 0]);
    });
  }
}

Deno.test("a large request may have been read in part before the connection was lost", async () => {
  for (const size of [2000, 100_000]) {
    await using world = engine();
    await using server = new RawServer(async (connection) => {
      await connection.readHead();
      await connection.readText(size);
      await connection.write(OK);
      await connection.readHead();
    });
    const body = new Uint8Array(size);
    assert.equal((await world.session.put(server.url, { body })).status, 200);
    assert.equal((await world.session.put(server.url, { body })).status, 200);
    assert.deepEqual(world.samples.map(({ retries }) => retries), [0, 1]);
  }
});

Deno.test("a retry that is aborted ends, and so do its connections", async () => {
  await using world = engine();
  const { session, abort } = world.user();
  const waiting = Promise.withResolvers<void>();
  await using server = new RawServer(async (connection, index) => {
    await connection.readHead();
    if (index === 0) return await connection.write(OK);
    waiting.resolve();
    await connection.readToEnd();
  });
  await session.get(server.url);
  const request = codeOf(session.get(server.url));
  await waiting.promise;
  abort();
  assert.equal(await request, "ABORTED");
});

Deno.test("a retry counts when it is sent, even if its user ends before the response", async () => {
  await using world = engine();
  const waiting = Promise.withResolvers<void>();
  let total = 0;
  await using server = new RawServer(async (connection, index) => {
    while (await connection.readHead() !== null && ++total !== 2) {
      if (index > 0) return waiting.resolve(), await connection.readToEnd();
      await connection.write(OK);
    }
  });
  await world.session.get(server.url);
  void world.session.get(server.url);
  await waiting.promise;
  world.endUsers();
  assert.equal(total, 3);
  assert.deepEqual(world.unfinished.map(({ retries }) => retries), [1]);
  assert.equal(world.samples.length, 1);
});

Deno.test("a request whose retry cannot be sent was sent once", async () => {
  await using world = engine();
  await using server = new RawServer(closingAfter(1, []));
  await world.session.get(server.url);
  server.stopListening();
  assert.equal(await codeOf(world.session.get(server.url)), "ECONNREFUSED");
  assert.deepEqual(world.samples.map(({ retries }) => retries), [0, 0]);
});

for (const method of ["POST", "PATCH"]) {
  Deno.test(`an end on a kept connection: ${method} is not sent again`, async () => {
    await using world = engine();
    const heads: string[] = [];
    await using server = new RawServer(closingAfter(1, heads));
    await world.session.get(server.url);
    assert.equal(await codeOf(world.session.request(method, server.url)), "ECONNRESET");
    assert.equal(heads.length, 2);
    assert.equal(server.connections, 1);
  });
}

Deno.test("a stream is not sent again", async () => {
  await using world = engine();
  await using server = new RawServer(closingAfter(1, []));
  await world.session.get(server.url);
  const body = new Blob(["once"]).stream();
  assert.equal(await codeOf(world.session.put(server.url, { body })), "ECONNRESET");
  assert.equal(server.connections, 1);
});

Deno.test("a failed retry is counted as a retry", async () => {
  await using world = engine();
  let total = 0;
  await using server = new RawServer(async (connection) => {
    while (await connection.readHead() !== null && ++total === 1) await connection.write(OK);
  });
  await world.session.get(server.url);
  assert.equal(await codeOf(world.session.get(server.url)), "ECONNRESET");
  assert.equal(total, 3);
  assert.deepEqual(world.samples.map(({ retries }) => retries), [0, 1]);
});

Deno.test("after a part of the response there is no retry", async () => {
  for (
    const part of ["H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"]
  ) {
    await using world = engine();
    let total = 0;
    await using server = new RawServer(async (connection) => {
      await connection.readHead();
      total++;
      await connection.write(OK);
      await connection.readHead();
      total++;
      await connection.write(part);
    });
    await world.session.get(server.url);
    const code = await codeOf(world.session.get(server.url));
    assert.equal(code, part.endsWith("ab") ? "INCOMPLETE_BODY" : "ECONNRESET");
    assert.equal(total, 2);
    assert.equal(server.connections, 1);
  }
});

Deno.test("a connection that ended or received bytes while idle is not reused", async () => {
  for (const last of ["", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"]) {
    await using world = engine();
    let gone = 0;
    await using server = new RawServer(async (connection) => {
      await connection.readHead();
      await connection.write(OK);
      await new Promise((resolve) => setTimeout(resolve, 5));
      await connection.write(last);
      gone++;
    });
    for (let i = 1; i <= 3; i++) {
      assert.equal((await world.session.post(server.url)).status, 200);
      await until(() => gone === i);
      await world.clock.advance(5);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(server.connections, 3);
    assert.deepEqual(world.samples.map(({ retries, error }) => [retries, error]), [
      [0, null],
      [0, null],
      [0, null],
    ]);
  }
});

Deno.test("with bytes after a response, it is delivered and the connection dropped", async () => {
  await using world = engine();
  await using server = new RawServer(answering(`${OK}HTTP/1.1 500 Smuggled\r\n\r\n`));
  for (let i = 0; i < 3; i++) {
    const res = await world.session.post(server.url);
    assert.deepEqual([res.status, await res.text()], [200, "ok"]);
  }
  assert.equal(server.connections, 3);
});

Deno.test("bytes that arrive after the next request are taken for its response, and then noticed", async () => {
  await using world = engine();
  await using server = new RawServer(async (connection, index) => {
    await connection.readHead();
    await connection.write(OK);
    await connection.readHead();
    await connection.write(
      index === 0 ? `HTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n${OK}` : OK,
    );
    await connection.readToEnd();
  });
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) statuses.push((await world.session.get(server.url)).status);
  assert.deepEqual(statuses, [200, 500, 200, 200]);
  assert.equal(server.connections, 2);
});

/** A server whose every answer has the same Keep-Alive field. */
function keepingAlive(value: string): RawServer {
  return new RawServer(
    answering(`HTTP/1.1 200 OK\r\nKeep-Alive: ${value}\r\nContent-Length: 0\r\n\r\n`),
  );
}

for (
  const [value, idleMs] of [["timeout=5, max=100", 4000], ["timeout=2", 1000], ["timeout=1", 500]]
    .map(([value, idleMs]) => [String(value), Number(idleMs)] as const)
) {
  Deno.test(`with Keep-Alive: ${value}, a connection is not reused after ${idleMs} ms`, async () => {
    await using world = engine();
    await using server = keepingAlive(value);
    await world.session.get(server.url);
    for (let i = 0; i < 3; i++) {
      await world.clock.advance(idleMs - 1);
      await world.session.get(server.url);
    }
    assert.equal(server.connections, 1);
    await world.clock.advance(idleMs);
    await world.session.get(server.url);
    assert.equal(server.connections, 2);
  });
}

Deno.test("with Keep-Alive: max=n, a connection gets n requests; a malformed field says nothing", async () => {
  const connectionsFor = async (value: string): Promise<number> => {
    await using world = engine();
    await using server = keepingAlive(value);
    for (let i = 0; i < 6; i++) await world.session.post(server.url);
    return server.connections;
  };
  assert.equal(await connectionsFor("timeout=5, max=3"), 2);
  assert.equal(await connectionsFor("max=1"), 6);
  assert.equal(await connectionsFor("max=0"), 6);
  assert.equal(await connectionsFor("timeout=0"), 6);
  assert.equal(await connectionsFor("max=x, timeout=-1"), 1);
});

Deno.test("a server that counts `max` down gets no request too many, and may stop saying it", async () => {
  await using world = engine();
  let last = 0;
  await using server = new RawServer(async (connection) => {
    for (let left = 4; await connection.readHead() !== null; left--) {
      const field = left === 1 ? "" : `Keep-Alive: max=${left}\r\n`;
      await connection.write(`HTTP/1.1 200 OK\r\n${field}Content-Length: 0\r\n\r\n`);
      last = left;
    }
  });
  for (let i = 0; i < 4; i++) await world.session.post(server.url);
  assert.deepEqual([server.connections, last], [1, 1]);
  await world.session.post(server.url);
  assert.equal(server.connections, 2);
});

const CLOSING: [string, string][][] = [
  [["Connection", "close"]],
  [["connection", "CLOSE"]],
  [["Connection", "keep-alive, close"]],
  [["Connection", "te , Close\t, x"], ["TE", "trailers"]],
  [["Connection", "keep-alive"], ["connection", "close"]],
];

for (const headers of CLOSING) {
  const title = headers.map((header) => header.join(": ")).join(", ");
  Deno.test(`a request with ${title} is the last one of its connection`, async () => {
    let closed = 0;
    await using server = new RawServer(async (connection, index) => {
      await answering(OK)(connection, index);
      closed++;
    });
    await using world = engine();
    for (let i = 0; i < 2; i++) await world.session.post(server.url, { headers });
    await world.session.post(server.url, { body: "x", headers });
    await until(() => closed === 3);
    assert.equal(server.connections, 3);
    // It is about this request, not about its user.
    for (let i = 0; i < 3; i++) await world.session.get(server.url);
    assert.equal(server.connections, 4);
    assert.deepEqual(world.samples.map(({ retries, error }) => [retries, error]), [
      ...Array(6).fill([0, null]),
    ]);
  });
}

Deno.test("other options of Connection keep the connection, and so does Proxy-Connection without a proxy", async () => {
  await using world = engine();
  await using server = new RawServer(answering(OK));
  for (const option of ["keep-alive", "Upgrade", "closed", "x-close", "te"]) {
    await world.session.post(server.url, { headers: { connection: option } });
  }
  await world.session.post(server.url, { headers: { "proxy-connection": "close" } });
  assert.equal(server.connections, 1);
});

const NOT_REUSED = [
  "HTTP/1.1 200 OK\r\nconnection: CLOSE\r\nContent-Length: 2\r\n\r\nok",
  "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\nok",
  "HTTP/1.1 200 OK\r\nConnection: foo\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
  "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
];

for (const answer of NOT_REUSED) {
  Deno.test(`no reuse after ${JSON.stringify(answer.slice(0, 60))}`, async () => {
    await using world = engine();
    await using server = new RawServer(answering(answer));
    await world.session.post(server.url);
    await world.session.post(server.url);
    assert.equal(server.connections, 2);
  });
}

Deno.test("a target that redirects to ever more origins does not make a user keep ever more connections", async () => {
  const origins = 60;
  let open = 0;
  await using server = new RawServer(
    async (connection) => {
      open++;
      while (await connection.readHead() !== null) await connection.write(OK);
      open--;
    },
    undefined,
    "0.0.0.0",
  );
  await using world = engine();
  const visit = async (host: number): Promise<void> => {
    const res = await world.session.get(`http://127.0.0.${host}:${server.port}/`);
    assert.equal(await res.text(), "ok");
  };
  for (let host = 1; host <= origins; host++) await visit(host);
  await until(() => open <= 33);
  assert.equal(server.connections, origins);
  for (const host of [1, origins, origins - 20]) await visit(host);
  assert.equal(server.connections, origins);
  await visit(2);
  assert.equal(server.connections, origins + 1);
});

Deno.test("an HTTP/1.0 connection with keep-alive is reused", async () => {
  await using world = engine();
  await using server = new RawServer(
    answering("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok"),
  );
  await world.session.get(server.url);
  await world.session.get(server.url);
  assert.equal(server.connections, 1);
});

Deno.test("a final response ends the sending of the body", async () => {
  await using world = engine();
  await using server = new RawServer(async (connection) => {
    await connection.readHead();
    await connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
    // The server reads nothing more, so the body cannot be sent completely.
    await new Promise((resolve) => setTimeout(resolve, 50));
  });
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller): void {
      pulled++;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  const res = await world.session.post(server.url, { body });
  assert.deepEqual([res.status, await res.text()], [413, "big"]);
  assert.ok(world.sample.bytesSent < 50_000_000, String(world.sample.bytesSent));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = pulled;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(pulled, before, "the stream is still being read");
  await world.session.get(server.url).catch(() => {});
  assert.equal(server.connections, 2);
});

/** A stream of pieces of 64 KiB. */
function pieces(count: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller): void {
      if (sent++ === count) controller.close();
      else controller.enqueue(new Uint8Array(65_536));
    },
  });
}

const SIZE = 4 << 20;

const UPLOADS: [kind: string, body: () => BodyContent, wireSize: number][] = [
  ["bytes", () => new Uint8Array(SIZE), SIZE],
  ["a stream", () => pieces(64), 64 * ("10000".length + 65_536 + 4) + "0\r\n\r\n".length],
];

for (const [kind, body, wireSize] of UPLOADS) {
  Deno.test(`an early 2xx lets an upload finish, and the connection is kept: ${kind}`, async () => {
    await using world = engine();
    await using server = new RawServer(async (connection) => {
      while (await connection.readHead() !== null) {
        await connection.write(OK);
        await delay(20);
        assert.equal((await connection.readText(wireSize)).length, wireSize);
      }
    });
    for (let i = 0; i < 2; i++) {
      const res = await world.session.post(server.url, { body: body() });
      assert.deepEqual([res.status, await res.text()], [200, "ok"]);
    }
    assert.deepEqual(world.samples.map(({ bytesSent, error }) => [bytesSent, error]), [
      [SIZE, null],
      [SIZE, null],
    ]);
    assert.equal(server.connections, 1);
  });
}

const STOPPING: [name: string, answer: string][] = [
  ["2xx that closes", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"],
  ["2xx of HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
  ["2xx and more bytes", `${OK}x`],
  ["3xx", "HTTP/1.1 304 Not Modified\r\n\r\n"],
  ["4xx", "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"],
  ["5xx", "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno"],
];

for (const [name, answer] of STOPPING) {
  Deno.test(`an early ${name} stops an upload and closes the connection`, async () => {
    await using world = engine();
    const done = Promise.withResolvers<void>();
    await using server = new RawServer(async (connection) => {
      await connection.readHead();
      await connection.write(answer);
      await done.promise;
    });
    const res = await world.session.post(server.url, { body: pieces(Infinity) });
    assert.equal(res.status, Number(answer.slice(9, 12)));
    assert.ok(world.sample.bytesSent < 50_000_000, String(world.sample.bytesSent));
    await world.session.post(server.url, { body: "x" });
    assert.equal(server.connections, 2);
    done.resolve();
  });
}

Deno.test("an upload stops at the head of a refusal, before all of its body has arrived", async () => {
  await using world = engine();
  let stopped = false;
  const body = pieces(Infinity);
  const counted = body.pipeThrough(new TransformStream({ cancel: () => void (stopped = true) }));
  await using server = new RawServer(async (connection) => {
    await connection.readHead();
    await connection.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n");
    await until(() => stopped);
    await connection.write("no");
  });
  const res = await world.session.post(server.url, { body: counted });
  assert.deepEqual([res.status, await res.text()], [403, "no"]);
});

Deno.test("after an early 2xx, a lost connection ends the upload, and the response is delivered", async () => {
  for (const way of ["end", "reset"]) {
    await using world = engine();
    await using server = new RawServer(async (connection) => {
      await connection.readHead();
      await connection.write(OK);
      await delay(10);
      if (way === "reset") await connection.reset();
    });
    const res = await world.session.post(server.url, { body: new Uint8Array(16 << 20) });
    assert.deepEqual([res.status, await res.text()], [200, "ok"]);
    const { error, bytesSent } = world.sample;
    assert.equal(error, null);
    assert.ok(bytesSent < 16 << 20, String(bytesSent));
  }
});

Deno.test("after an early 2xx, an upload without an end is bounded by the timeout", async () => {
  await using world = engine({ bodyMs: 500 });
  const { session } = world.user({ timeout: 5 });
  const answered = Promise.withResolvers<void>();
  await using server = new RawServer(async (connection) => {
    await connection.readHead();
    await connection.write(OK);
    answered.resolve();
    await connection.readToEnd();
  });
  let next: ReadableStreamDefaultController<Uint8Array> | null = null;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (next = controller) });
  const request = session.post(server.url, { body }).then(() => "none", String);
  await answered.promise;
  await delay(20);
  await world.clock.advance(4_000);
  next!.enqueue(new Uint8Array(10));
  await delay(5);
  await world.clock.advance(1_100);
  assert.match(
    await request,
    /TIMEOUT: the response is complete, but the request could not be sent/,
  );
});

Deno.test("after an early 2xx, a request takes until its upload ends, and its first byte counts", async () => {
  await using world = engine();
  const answered = Promise.withResolvers<void>();
  await using server = new RawServer(async (connection) => {
    await connection.readHead();
    await connection.write(OK);
    answered.resolve();
    await connection.readToEnd();
  });
  let next: ReadableStreamDefaultController<Uint8Array> | null = null;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (next = controller) });
  await world.clock.advance(1);
  const request = world.session.post(server.url, { body });
  await answered.promise;
  await delay(20);
  await world.clock.advance(3_000);
  next!.close();
  const { timings } = await request;
  assert.deepEqual([timings.ttfbMs, timings.downloadMs], [0, 3_000]);
});

Deno.test("a stream is sent with back-pressure, and never buffered completely", async () => {
  await using world = engine();
  const go = Promise.withResolvers<void>();
  await using server = new RawServer(async (connection) => {
    await connection.readHead();
    await go.promise;
    await connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    await connection.readToEnd();
  });
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller): void {
      if (++pulled > 1000) controller.close();
      else controller.enqueue(new Uint8Array(65_536));
    },
  });
  const request = world.session.post(server.url, { body });
  await new Promise((resolve) => setTimeout(resolve, 100));
  // The system's loopback buffers hold some of the 65 megabytes.
  assert.ok(pulled < 400, `${pulled} pieces were taken from the stream`);
  go.resolve();
  assert.equal((await request).status, 200);
});

Deno.test("a large body arrives completely and is counted", async () => {
  await using world = engine();
  world.target.route("/upload", ({ body }) => new Response(String(body.length)));
  const bytes = new Uint8Array(5_000_000).map((_, index) => index % 251);
  const res = await world.session.post("/upload", { body: bytes });
  assert.equal(await res.text(), "5000000");
  assert.deepEqual(world.target.last.body, bytes);
  assert.equal(world.sample.bytesSent, 5_000_000);
  await world.session.get("/upload");
  assert.equal(world.target.connections, 1);
});

Deno.test("with Expect: 100-continue, the body waits for 100", async () => {
  await using world = engine();
  const seen: string[] = [];
  await using server = new RawServer(async (connection) => {
    await connection.readHead();
    seen.push("head");
    await connection.write("HTTP/1.1 100 Continue\r\n\r\n");
    seen.push(await connection.readText(5));
    await connection.write(OK);
  });
  const headers = { expect: "100-continue" };
  const res = await world.session.post(server.url, { headers, body: "hello" });
  assert.equal(res.status, 200);
  assert.deepEqual(seen, ["head", "hello"]);
  assert.equal(world.sample.bytesSent, 5);
});

Deno.test("with Expect: 100-continue and a final status, the body is not sent", async () => {
  await using world = engine();
  let rest = "?";
  await using server = new RawServer(async (connection) => {
    await connection.readHead();
    await connection.write("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    rest = await connection.readText(5);
  });
  const headers = { expect: "100-continue" };
  const res = await world.session.post(server.url, { headers, body: "hello" });
  assert.equal(res.status, 417);
  await until(() => rest !== "?");
  assert.equal(rest, "");
  assert.equal(world.sample.bytesSent, 0);
});

Deno.test("with Expect: 100-continue and a final 2xx, the body is not sent, and the connection is closed", async () => {
  await using world = engine();
  await using server = new RawServer(async (connection) => {
    await connection.readHead();
    await connection.write(OK);
    await connection.readToEnd();
  });
  for (let i = 0; i < 2; i++) {
    const headers = { expect: "100-continue" };
    await world.session.post(server.url, { headers, body: "hello" });
  }
  assert.equal(server.connections, 2);
  assert.deepEqual(world.samples.map(({ bytesSent }) => bytesSent), [0, 0]);
});

Deno.test("with Expect: 100-continue and no answer, the body is sent after a second", async () => {
  await using world = engine();
  let body = "";
  await using server = new RawServer(async (connection) => {
    await connection.readHead();
    body = await connection.readText(5);
    await connection.write(OK);
  });
  const headers = { expect: "100-continue" };
  const request = world.session.post(server.url, { headers, body: "hello" });
  await until(() => server.connections === 1);
  await world.clock.advance(999);
  assert.equal(body, "");
  await until(() => world.clock.pending > 0);
  await world.clock.advance(10);
  assert.equal((await request).status, 200);
  assert.equal(body, "hello");
});

/** What a server does, the code of the timeout, and the limit that causes it. */
const TIMEOUTS: [
  code: RequestErrorCode,
  limits: Partial<TransportSettings>,
  play: (connection: RawConnection) => Promise<void>,
][] = [
  ["TIMEOUT", {}, (connection) => connection.readToEnd()],
  ["HEADERS_TIMEOUT", { headersMs: 500 }, (connection) => connection.readToEnd()],
  ["BODY_TIMEOUT", { bodyMs: 500 }, async (connection) => {
    await connection.readHead();
    await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    await connection.readToEnd();
  }],
  ["TIMEOUT", { bodyMs: 5000 }, async (connection) => {
    await connection.readHead();
    await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    await connection.readToEnd();
  }],
];

for (const [code, limits, play] of TIMEOUTS) {
  Deno.test(`${code} with the limits ${JSON.stringify(limits)}`, async () => {
    await using world = engine(limits);
    let read = false;
    await using server = new RawServer(async (connection) => {
      read = true;
      await play(connection);
    });
    const request = codeOf(world.session.get(server.url, { timeout: 1 }));
    await until(() => read);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await world.clock.advance(1100);
    assert.equal(await request, code);
    assert.equal(world.sample.error, code);
  });
}

Deno.test("a server that never completes the handshake: CONNECT_TIMEOUT", async () => {
  await using world = engine({ connectMs: 500 });
  await using server = new RawServer((connection) => connection.readToEnd());
  const request = codeOf(world.session.get(`https://127.0.0.1:${server.port}/`, { timeout: 5 }));
  await until(() => server.connections === 1);
  await world.clock.advance(600);
  assert.equal(await request, "CONNECT_TIMEOUT");
});

Deno.test("an IPv6 address has brackets in the Host header only", async () => {
  await using world = engine();
  let head: string | null = "";
  await using server = new RawServer(
    async (connection) => {
      head = await connection.readHead();
      await connection.write(OK);
    },
    undefined,
    "::1",
  );
  const { session } = world.user({ host: `http://[::1]:${server.port}` });
  await session.get("/a?b=c");
  const [line, host] = head.split("\r\n");
  assert.equal(line, "GET /a?b=c HTTP/1.1");
  assert.equal(host?.toLowerCase(), `host: [::1]:${server.port}`);
});

Deno.test("line ends in method, target or headers are refused before a byte is sent", async () => {
  await using world = engine();
  await using server = new RawServer(answering(OK));
  const { session } = world;
  const refused = [
    session.get(server.url, { headers: { a: "b\r\nc: d" } }),
    session.get(server.url, { headers: [["a\r\nb", "c"]] }),
    session.request("GET / HTTP/1.1\r\nx:", server.url),
    session.get(server.url, { headers: { a: "\0" } }),
  ];
  for (const request of refused) assert.equal(await codeOf(request), "BAD_REQUEST");
  assert.equal(server.connections, 0);
});

Deno.test("a body over the limit: TOO_LARGE, before or after decoding", async () => {
  await using world = engine({ maxBodySize: 1000 });
  world.target.route("/long", () => new Response("x".repeat(1001)));
  world.target.route("/endless", () =>
    new Response(
      new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(500)) }),
    ));
  world.target.route("/fits", () => new Response("x".repeat(1000)));
  assert.equal(await codeOf(world.session.get("/long")), "TOO_LARGE");
  assert.equal(await codeOf(world.session.get("/endless")), "TOO_LARGE");
  assert.equal((await (await world.session.get("/fits")).bytes()).length, 1000);
});
