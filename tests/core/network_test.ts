import assert from "node:assert/strict";
import {
  type ByteStream,
  connect,
  listen,
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

/** Says a word each way; what is said first shakes hands where there is TLS. */
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

Deno.test("what listens at a free port gets what connects to it", async () => {
  const listener = listen(LOCAL);
  assert.ok(listener.port > 0);
  const near = connect({ ...LOCAL, port: listener.port });
  assert.equal(await talk(listener, near), "ping pong 127.0.0.1");
  listener.close();
});

Deno.test("a listener that is closed has no further connection", async () => {
  const listener = listen(LOCAL);
  const waiting = listener.accept();
  listener.close();
  assert.equal(await waiting, null);
  assert.equal(await listener.accept(), null);
});

Deno.test("a port that is taken, and one where nobody listens, are errors", async () => {
  const listener = listen(LOCAL);
  const { port } = listener;
  assert.throws(() => listen({ ...LOCAL, port }), Deno.errors.AddrInUse);
  listener.close();
  await assert.rejects(connect({ ...LOCAL, port }), Deno.errors.ConnectionRefused);
});

Deno.test("TLS: who trusts the authority gets through, and nobody else", async () => {
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

Deno.test("TLS: a certificate of another host is refused", async () => {
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
