import assert from "node:assert/strict";
import {
  type ByteStream,
  connect,
  listen,
  serveWeb,
  type StreamListener,
  writeAll,
} from "../../src/core/network.ts";
import { identity, testAuthority } from "../support/certificates.ts";

const LOCAL = { hostname: "127.0.0.1", port: 0, tls: null };

async function readAll(stream: ByteStream, length: number): Promise<string> {
  const into = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await stream.read(into.subarray(at));
    if (count === null) throw new Error(`it ended after ${at} bytes`);
    at += count;
  }
  return new TextDecoder().decode(into);
}

/** Sends a word each way; with TLS, the first one completes the handshake. */
async function talk(listener: StreamListener, connecting: Promise<ByteStream>): Promise<string> {
  const accepted = await listener.accept();
  assert.ok(accepted !== null);
  const { stream: far, address } = accepted;
  const hearing = readAll(far, 4);
  const near = await connecting;
  const encoder = new TextEncoder();
  await writeAll(near, encoder.encode("ping"));
  const heard = await hearing;
  await writeAll(far, encoder.encode("pong"));
  const all = `${heard} ${await readAll(near, 4)} ${address}`;
  far.close();
  near.close();
  return all;
}

Deno.test("a listener on a free port accepts connections", async () => {
  const listener = listen(LOCAL);
  assert.ok(listener.port > 0);
  const near = connect({ ...LOCAL, port: listener.port });
  assert.equal(await talk(listener, near), "ping pong 127.0.0.1");
  listener.close();
});

Deno.test("a closed listener accepts nothing", async () => {
  const listener = listen(LOCAL);
  const waiting = listener.accept();
  listener.close();
  assert.equal(await waiting, null);
  assert.equal(await listener.accept(), null);
});

Deno.test("a port in use, and a port without a listener, are errors", async () => {
  const listener = listen(LOCAL);
  const { port } = listener;
  assert.throws(() => listen({ ...LOCAL, port }), Deno.errors.AddrInUse);
  listener.close();
  await assert.rejects(connect({ ...LOCAL, port }), Deno.errors.ConnectionRefused);
});

Deno.test("TLS: only a client that trusts the authority connects", async () => {
  const listener = listen({ ...LOCAL, tls: identity("good") });
  const to = { hostname: "localhost", port: listener.port };
  const near = connect({ ...to, tls: { caCerts: [testAuthority()] } });
  assert.match(await talk(listener, near), /^ping pong /);
  const refused = assert.rejects(connect({ ...to, tls: { caCerts: [] } }));
  const accepted = await listener.accept();
  const reading = accepted!.stream.read(new Uint8Array(1)).catch(() => null);
  await refused;
  assert.equal(await reading, null);
  accepted!.stream.close();
  listener.close();
});

Deno.test("TLS: a certificate for another host is refused", async () => {
  const listener = listen({ ...LOCAL, tls: identity("wrong_host") });
  const tls = { caCerts: [testAuthority()] };
  const refused = assert.rejects(connect({ hostname: "localhost", port: listener.port, tls }));
  const accepted = await listener.accept();
  const reading = accepted!.stream.read(new Uint8Array(1)).catch(() => null);
  await refused;
  await reading;
  accepted!.stream.close();
  listener.close();
});

Deno.test("all bytes are written in order, however few the stream takes at once", async () => {
  const written: number[] = [];
  const takes = [1, 0, 3, 2, 9];
  await writeAll({
    write: (bytes) => {
      const count = Math.min(takes.shift()!, bytes.length);
      written.push(...bytes.subarray(0, count));
      return Promise.resolve(count);
    },
  }, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  assert.deepEqual(written, [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(takes.length, 0);
});

Deno.test("no bytes cause no write", async () => {
  await writeAll({ write: () => Promise.reject(new Error("it was written")) }, new Uint8Array());
});

Deno.test("a failed write rejects", async () => {
  let writes = 0;
  const broken = {
    write: (): Promise<number> =>
      ++writes === 1 ? Promise.resolve(1) : Promise.reject(new Error("broken pipe")),
  };
  await assert.rejects(writeAll(broken, Uint8Array.of(1, 2)), /broken pipe/);
});

Deno.test("a web listener answers on a free port and knows the client's address", async () => {
  const listener = serveWeb(LOCAL, ({ url }, address) => {
    return new Response(`${new URL(url).pathname} ${address}`);
  });
  const response = await fetch(`http://127.0.0.1:${listener.port}/a`);
  assert.equal(await response.text(), "/a 127.0.0.1");
  await listener.close();
  await assert.rejects(fetch(`http://127.0.0.1:${listener.port}/a`));
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
    return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }));
  });
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
  await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  await conn.read(new Uint8Array(16));
  await listener.close();
  conn.close();
});
