import fc from "fast-check";
import assert from "node:assert/strict";
import {
  ANY_ADDRESS,
  type ByteStream,
  connect,
  ConnectionLimiter,
  listen,
  localAddressProblem,
  type StreamListener,
  urlHost,
  writeAll,
} from "../../src/core/network.ts";
import { identity, testAuthority } from "../support/certificates.ts";

Deno.test("an IPv6 address is written in brackets in a URL", () => {
  assert.deepEqual(["::1", "10.0.0.1", "shop"].map(urlHost), ["[::1]", "10.0.0.1", "shop"]);
});

Deno.test("connections can leave from addresses of this machine only", () => {
  assert.equal(localAddressProblem("127.0.0.1"), null);
  assert.match(
    // Reserved for documentation.
    localAddressProblem("203.0.113.1") ?? "none",
    /^not an address of this machine, which has (.*, )?127\.0\.0\.1\b/,
  );
});

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

Deno.test("the 11th connection of an address is rejected until one of the ten ends", () => {
  const limiter = new ConnectionLimiter(10);
  for (let count = 0; count < 10; count++) assert.equal(limiter.enter("10.0.0.1"), true);
  assert.equal(limiter.enter("10.0.0.1"), false);
  assert.equal(limiter.enter("10.0.0.2"), true);
  limiter.leave("10.0.0.1");
  assert.equal(limiter.enter("10.0.0.1"), true);
  assert.equal(limiter.enter("10.0.0.1"), false);
});

Deno.test("leaving more often than entering does not raise the limit", () => {
  const limiter = new ConnectionLimiter(1);
  limiter.leave("10.0.0.1");
  limiter.leave("10.0.0.1");
  assert.equal(limiter.enter("10.0.0.1"), true);
  assert.equal(limiter.enter("10.0.0.1"), false);
});

Deno.test("the open connections of an address are always those that have entered and not left", () => {
  const steps = fc.array(
    fc.record({ address: fc.constantFrom("a", "b", "c"), enter: fc.boolean() }),
  );
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 4 }), (steps, limit) => {
    const limiter = new ConnectionLimiter(limit);
    const inside: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (const { address, enter } of steps) {
      const before = inside[address]!;
      if (enter) {
        assert.equal(limiter.enter(address), before < limit);
        inside[address] = Math.min(limit, before + 1);
      } else if (before > 0) {
        limiter.leave(address);
        inside[address] = before - 1;
      }
    }
  }));
});

Deno.test("the connections of all addresses have a limit, too", () => {
  const limiter = new ConnectionLimiter(2, 3);
  for (const address of ["10.0.0.1", "10.0.0.1", "10.0.0.2"]) {
    assert.equal(limiter.isFull, false);
    assert.equal(limiter.enter(address), true);
  }
  assert.equal(limiter.isFull, true);
  assert.equal(limiter.enter("10.0.0.3"), false);
  limiter.leave("10.0.0.3");
  assert.equal(limiter.isFull, true);
  limiter.leave("10.0.0.1");
  assert.equal(limiter.enter("10.0.0.3"), true);
});

/** Whether this machine has IPv6 on its loopback interface. */
function hasIpv6(): boolean {
  try {
    listen({ ...LOCAL, hostname: "::1" }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("* listens on all addresses, of IPv4 and of IPv6", async () => {
  const listener = listen({ ...LOCAL, hostname: ANY_ADDRESS });
  const { port } = listener;
  for (const hostname of hasIpv6() ? ["127.0.0.1", "::1"] : ["127.0.0.1"]) {
    const near = connect({ hostname, port, tls: null });
    assert.equal(await talk(listener, near), `ping pong ${hostname}`);
  }
  assert.throws(() => listen({ ...LOCAL, hostname: ANY_ADDRESS, port }), Deno.errors.AddrInUse);
  listener.close();
  assert.equal(await listener.accept(), null);
});
