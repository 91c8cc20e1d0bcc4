import assert from "node:assert/strict";
import type { ByteStream } from "../../src/core/network.ts";
import { insecureTls } from "../../src/http/insecure_tls.ts";
import { WireError } from "../../src/http/request_error.ts";
import { IDENTITIES, identity } from "../support/certificates.ts";
import { settle } from "../support/fake_clock.ts";
import { answering, type ConnectionScript, RawServer, silent } from "../support/raw_server.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

async function open(server: RawServer): Promise<ByteStream> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  return await insecureTls(tcp, "localhost");
}

async function readText(stream: ByteStream, bufferSize: number, length: number): Promise<string> {
  const buffer = new Uint8Array(bufferSize);
  let text = "";
  while (text.length < length) {
    const count = await stream.read(buffer);
    if (count === null) break;
    text += decoder.decode(buffer.subarray(0, count));
  }
  return text;
}

async function failureOf(promise: Promise<unknown>): Promise<WireError> {
  const error: unknown = await promise.then(() => null, (error: unknown) => error);
  assert.ok(error instanceof WireError, String(error));
  return error;
}

for (const name of IDENTITIES) {
  Deno.test(`a certificate is believed: ${name}`, async () => {
    await using server = new RawServer(answering("HTTP/1.1 204 \r\n\r\n"), identity(name));
    const stream = await open(server);
    assert.equal(await stream.write(encoder.encode("GET / HTTP/1.1\r\n\r\n")), 18);
    assert.equal(await readText(stream, 100, 17), "HTTP/1.1 204 \r\n\r\n");
    stream.close();
  });
}

Deno.test("what does not fit into the buffer is returned by the next reads, and the end as null", async () => {
  const body = "0123456789".repeat(10_000);
  await using server = new RawServer((connection) => connection.write(body), identity("good"));
  const stream = await open(server);
  assert.equal(await readText(stream, 7, 100), body.slice(0, 105));
  assert.equal(await readText(stream, 65_536, Infinity), body.slice(105));
  assert.equal(await stream.read(new Uint8Array(10)), null);
  assert.equal(await stream.read(new Uint8Array(10)), null);
  stream.close();
});

Deno.test("a body of 3 MB is sent completely", async () => {
  const taken = Promise.withResolvers<number>();
  await using server = new RawServer(async (connection) => {
    taken.resolve((await connection.readText(3_000_000)).length);
  }, identity("good"));
  const stream = await open(server);
  assert.equal(await stream.write(new Uint8Array(3_000_000)), 3_000_000);
  assert.equal(await taken.promise, 3_000_000);
  stream.close();
});

Deno.test("a write waits for a peer that does not read, and closing ends it", async () => {
  const finished = Promise.withResolvers<void>();
  await using server = new RawServer(() => finished.promise, identity("good"));
  const stream = await open(server);
  let written = false;
  const writing = failureOf(stream.write(new Uint8Array(50_000_000)).then(() => written = true));
  for (let turn = 0; turn < 100; turn++) await settle();
  assert.ok(!written);
  stream.close();
  assert.equal((await writing).code, "ABORTED");
  finished.resolve();
});

Deno.test("closing ends a pending read and the connection", async () => {
  const ended = Promise.withResolvers<void>();
  await using server = new RawServer(async (connection) => {
    await silent(connection).finally(ended.resolve);
  }, identity("good"));
  const stream = await open(server);
  const reading = failureOf(stream.read(new Uint8Array(10)));
  stream.close();
  stream.close();
  assert.equal((await reading).code, "ABORTED");
  await ended.promise;
  assert.equal((await failureOf(stream.read(new Uint8Array(10)))).code, "ABORTED");
  assert.equal((await failureOf(stream.write(new Uint8Array(10)))).code, "ABORTED");
});

async function handshakeFailure(play: ConnectionScript): Promise<WireError> {
  await using server = new RawServer(play);
  return await failureOf(open(server));
}

Deno.test("a peer that does not speak TLS: TLS", async () => {
  const { code, message } = await handshakeFailure(async (connection) => {
    await connection.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    await connection.readToEnd();
  });
  assert.equal(code, "TLS");
  assert.match(message, /^the server does not speak TLS on this port/);
});

Deno.test("closed during the handshake: TLS", async () => {
  const { code, message } = await handshakeFailure(async (connection) => {
    await connection.readText(1);
  });
  assert.equal(code, "TLS");
  assert.match(message, /^the server closed the connection during the TLS handshake/);
});

Deno.test("an alert during the handshake: TLS", async () => {
  const { code } = await handshakeFailure(async (connection) => {
    await connection.write(new Uint8Array([21, 3, 3, 0, 2, 2, 40]));
    await connection.readToEnd();
  });
  assert.equal(code, "TLS");
});

Deno.test("closed on this side during the handshake: ABORTED", async () => {
  const greeted = Promise.withResolvers<void>();
  await using server = new RawServer(async (connection) => {
    await connection.readText(1);
    greeted.resolve();
    await connection.readToEnd();
  });
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const opening = failureOf(insecureTls(tcp, "127.0.0.1"));
  await greeted.promise;
  tcp.close();
  assert.equal((await opening).code, "ABORTED");
});

Deno.test("a lost connection: ECONNRESET", async () => {
  await using server = new RawServer(silent, identity("good"));
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  let lost = false;
  const stream = await insecureTls({
    read: async (into) => {
      if (!lost) return await tcp.read(into);
      throw new Deno.errors.ConnectionReset("Connection reset by peer (os error 104)");
    },
    write: async (bytes) => {
      if (!lost) return await tcp.write(bytes);
      throw new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
    },
    close: () => tcp.close(),
  }, "127.0.0.1");
  lost = true;
  const reading = failureOf(stream.read(new Uint8Array(10)));
  // At first, Node can report a successful write although the bytes were lost.
  await stream.write(new Uint8Array(10)).catch(() => {});
  assert.equal((await reading).code, "ECONNRESET");
  assert.equal((await failureOf(stream.write(new Uint8Array(10)))).code, "ECONNRESET");
  stream.close();
});
