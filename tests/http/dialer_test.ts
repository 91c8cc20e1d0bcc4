import assert from "node:assert/strict";
import { systemClock } from "../../src/core/clock.ts";
import type { ByteStream } from "../../src/core/network.ts";
import { Dialer } from "../../src/http/dialer.ts";
import { DnsCache, type Lookup } from "../../src/http/dns_cache.ts";
import { originOf, Proxies } from "../../src/http/proxies.ts";
import { WireError } from "../../src/http/request_error.ts";
import { identity, testAuthority } from "../support/certificates.ts";
import { settle } from "../support/fake_clock.ts";
import { answering, RawServer, silent } from "../support/raw_server.ts";

interface Setup {
  readonly lookup?: Lookup;
  readonly environment?: Record<string, string>;
  readonly insecure?: boolean;
  readonly caCerts?: readonly string[];
}

const never = new AbortController().signal;
const answer = "HTTP/1.1 204 No Content\r\n\r\n";

function dial(url: string, setup: Setup = {}, signal = never): Promise<ByteStream> {
  const { lookup, environment = {}, insecure = false, caCerts = [testAuthority()] } = setup;
  const addresses = new DnsCache(systemClock, lookup);
  const proxies = new Proxies((name) => environment[name]);
  const dialer = new Dialer({ addresses, proxies, insecure, caCerts });
  return dialer.dial(originOf(new URL(url)), signal);
}

async function dialFailure(url: string, setup?: Setup, signal?: AbortSignal): Promise<WireError> {
  const error: unknown = await dial(url, setup, signal).then(() => null, (error: unknown) => error);
  assert.ok(error instanceof WireError, String(error));
  return error;
}

/** Asks a server that answers with {@link answer}, and closes. */
async function ask(dialing: Promise<ByteStream>): Promise<void> {
  const stream = await dialing;
  await stream.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  const buffer = new Uint8Array(100);
  const count = await stream.read(buffer);
  assert.equal(new TextDecoder().decode(buffer.subarray(0, count ?? 0)), answer);
  stream.close();
}

function unusedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("an address, and a name that the system knows", async () => {
  await using server = new RawServer(answering(answer));
  await ask(dial(server.url));
  await ask(dial(`http://localhost:${server.port}`));
});

Deno.test("an IPv6 address", async () => {
  await using server = new RawServer(answering(answer), undefined, "::1");
  await ask(dial(`http://[::1]:${server.port}`));
});

Deno.test("of several addresses, the first that takes the connection", async () => {
  await using server = new RawServer(answering(answer));
  const lookup: Lookup = () => Promise.resolve(["127.0.0.2", "::1", "127.0.0.1"]);
  await ask(dial(`http://target.test:${server.port}`, { lookup }));
  assert.equal(server.connections, 1);
});

Deno.test("none takes the connection: the last one's failure, with its address", async () => {
  const lookup: Lookup = () => Promise.resolve(["127.0.0.1", "127.0.0.2"]);
  const { code, message } = await dialFailure(`http://target.test:${unusedPort()}`, { lookup });
  assert.equal(code, "ECONNREFUSED");
  assert.match(message, /^127\.0\.0\.2: .*refused/);
  assert.match((await dialFailure(`http://127.0.0.1:${unusedPort()}`)).message, /^Connection/);
});

Deno.test("a name without address: ENOTFOUND", async () => {
  const lookup: Lookup = () => Promise.resolve([]);
  const { code, message } = await dialFailure("http://target.test", { lookup });
  assert.equal(code, "ENOTFOUND");
  assert.equal(message, "the name target.test has no address");
});

Deno.test("TLS, to a name and to an address", async () => {
  await using server = new RawServer(answering(answer), identity("good"));
  await ask(dial(server.url));
  await ask(dial(`https://localhost:${server.port}`));
});

/** The first bytes that a server sees of a secure connection. */
async function helloFor(hostname: string, insecure: boolean): Promise<string> {
  const hello = Promise.withResolvers<string>();
  await using server = new RawServer(async (connection) => {
    const header = await connection.readText(5);
    hello.resolve(header + await connection.readText(header.charCodeAt(4)));
  });
  await dialFailure(`https://${hostname}:${server.port}`, { insecure });
  return await hello.promise;
}

for (const insecure of [false, true]) {
  Deno.test(`the hello has ALPN, and SNI for names only; insecure: ${insecure}`, async () => {
    const toName = await helloFor("localhost", insecure);
    assert.ok(toName.includes("http/1.1") && toName.includes("localhost"));
    const toAddress = await helloFor("127.0.0.1", insecure);
    assert.ok(toAddress.includes("http/1.1") && !toAddress.includes("127.0.0.1"));
  });
}

Deno.test("certificates: TLS_EXPIRED, TLS_HOSTNAME, TLS_UNTRUSTED", async () => {
  const codeFor = async (name: Parameters<typeof identity>[0], setup?: Setup): Promise<string> => {
    await using server = new RawServer(silent, identity(name));
    return (await dialFailure(server.url, setup)).code;
  };
  assert.equal(await codeFor("expired"), "TLS_EXPIRED");
  assert.equal(await codeFor("wrong_host"), "TLS_HOSTNAME");
  assert.equal(await codeFor("good", { caCerts: [] }), "TLS_UNTRUSTED");
  assert.equal(await codeFor("self_signed"), "TLS_UNTRUSTED");
  // An authority's own certificate is none for a server, so it does not help to trust it.
  const { cert } = identity("self_signed");
  assert.equal(await codeFor("self_signed", { caCerts: [cert] }), "TLS_UNTRUSTED");
});

for (const name of ["expired", "wrong_host", "self_signed"] as const) {
  Deno.test(`insecure: a certificate that is ${name}`, async () => {
    await using server = new RawServer(answering(answer), identity(name));
    await ask(dial(server.url, { insecure: true }));
    await ask(dial(`https://localhost:${server.port}`, { insecure: true }));
  });
}

Deno.test("no TLS there: TLS, and the connection is closed", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = new RawServer(async (connection) => {
    await connection.write("SSH-2.0-OpenSSH_9.2\r\n");
    await connection.readToEnd().finally(closed.resolve);
  });
  const { code } = await dialFailure(`https://127.0.0.1:${server.port}`);
  assert.equal(code, "TLS");
  await closed.promise;
});

Deno.test("to a plain origin, the connection leads to the proxy, and nothing is sent", async () => {
  const heads: (string | null)[] = [];
  await using proxy = new RawServer(async (connection) => {
    heads.push(await connection.readHead());
    await connection.write(answer);
  });
  // A name that has no address: it is the proxy's business.
  const HTTP_PROXY = `http://me:secret@127.0.0.1:${proxy.port}`;
  await ask(dial("http://target.invalid:81", { environment: { HTTP_PROXY } }));
  assert.deepEqual(heads, ["GET / HTTP/1.1\r\n\r\n"]);
});

Deno.test("to a plain origin through a proxy that is talked to over TLS", async () => {
  await using proxy = new RawServer(answering(answer), identity("good"));
  const HTTP_PROXY = `https://127.0.0.1:${proxy.port}`;
  await ask(dial("http://target.invalid", { environment: { HTTP_PROXY } }));
});

Deno.test("aborted before it begins: nothing is opened", async () => {
  await using server = new RawServer(silent);
  const failure = new WireError("CONNECT_TIMEOUT", "no connection in time");
  assert.equal(await dialFailure(server.url, {}, AbortSignal.abort(failure)), failure);
  assert.equal(server.connections, 0);
});

Deno.test("aborted while the name is looked up: the reason where it is a WireError", async () => {
  const asked = Promise.withResolvers<void>();
  const lookup: Lookup = () => {
    asked.resolve();
    return new Promise(() => {});
  };
  const controller = new AbortController();
  const dialing = dialFailure("http://target.test", { lookup }, controller.signal);
  await asked.promise;
  const failure = new WireError("CONNECT_TIMEOUT", "no connection in time");
  controller.abort(failure);
  assert.equal(await dialing, failure);
});

Deno.test({
  name: "aborted while nobody answers the connection: ABORTED where the reason is anything else",
  // Elsewhere a full queue of connections refuses further ones.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
    const url = `http://127.0.0.1:${listener.addr.port}`;
    // Linux lets in one more than the queue is long.
    const queued = [await dial(url), await dial(url)];
    const controller = new AbortController();
    const dialing = dialFailure(url, {}, controller.signal);
    for (let turn = 0; turn < 10; turn++) await settle();
    controller.abort("enough");
    const { code, message, cause } = await dialing;
    assert.deepEqual({ code, message, cause }, {
      code: "ABORTED",
      message: "its user had to stop",
      cause: "enough",
    });
    for (const stream of queued) stream.close();
  },
});

/** A server that has seen a client's hello and never answers it. */
function unanswering(): { server: RawServer; greeted: Promise<void>; closed: Promise<void> } {
  const greeted = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const server = new RawServer(async (connection) => {
    await connection.readText(1);
    greeted.resolve();
    await connection.readToEnd().finally(closed.resolve);
  });
  return { server, greeted: greeted.promise, closed: closed.promise };
}

Deno.test("aborted within the handshake: ABORTED at once", async () => {
  const { server, greeted } = unanswering();
  await using _ = server;
  const controller = new AbortController();
  const dialing = dialFailure(`https://127.0.0.1:${server.port}`, {}, controller.signal);
  await greeted;
  controller.abort();
  assert.equal((await dialing).code, "ABORTED");
});

Deno.test("aborted within the handshake, insecure: ABORTED and closed at once", async () => {
  const { server, greeted, closed } = unanswering();
  await using _ = server;
  const controller = new AbortController();
  const url = `https://127.0.0.1:${server.port}`;
  const dialing = dialFailure(url, { insecure: true }, controller.signal);
  await greeted;
  controller.abort();
  assert.equal((await dialing).code, "ABORTED");
  await closed;
});

for (const secure of [false, true]) {
  Deno.test(`aborted at any moment, everything is closed; secure: ${secure}`, async () => {
    let closed = 0;
    await using server = new RawServer(async (connection) => {
      await connection.readToEnd().finally(() => closed++);
    }, secure ? identity("good") : undefined);
    for (let moment = 0; moment < 60; moment++) {
      const controller = new AbortController();
      const dialing = dial(server.url, {}, controller.signal).then(
        (stream) => stream.close(),
        (error) => assert.equal(error.code, "ABORTED"),
      );
      const iteration = moment % 2 === 0 ? Promise.resolve.bind(Promise) : settle;
      for (let step = 0; step < moment; step++) await iteration();
      controller.abort();
      await dialing;
    }
    for (let turn = 0; turn < 10_000 && closed < server.connections; turn++) await settle();
    assert.equal(closed, server.connections);
  });
}

Deno.test("an abort after it does not touch the connection", async () => {
  await using server = new RawServer(answering(answer), identity("good"));
  const controller = new AbortController();
  const stream = await dial(server.url, {}, controller.signal);
  controller.abort();
  await ask(Promise.resolve(stream));
});
