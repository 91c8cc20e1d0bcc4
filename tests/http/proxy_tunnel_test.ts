import assert from "node:assert/strict";
import { systemClock } from "../../src/core/clock.ts";
import type { ByteStream } from "../../src/core/network.ts";
import { Dialer, openTunnel } from "../../src/http/dialer.ts";
import { DnsCache } from "../../src/http/dns_cache.ts";
import { originOf, Proxies, type Proxy } from "../../src/http/proxies.ts";
import { WireError } from "../../src/http/request_error.ts";
import { identity, testAuthority } from "../support/certificates.ts";
import { answering, answeringOnce, RawServer } from "../support/raw_server.ts";
import { TunnelProxy } from "../support/tunnel_proxy.ts";

const proxy: Proxy = { hostname: "proxy", port: 80, secure: false, authorization: null };

/** A proxy that answers with these pieces, one a read, and closes; takes 10 bytes a write. */
class ScriptedProxy implements ByteStream {
  sent = "";
  readonly #pieces: string[];

  constructor(...pieces: string[]) {
    this.#pieces = pieces;
  }

  read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    const piece = this.#pieces.shift();
    return Promise.resolve(
      piece === undefined ? null : new TextEncoder().encodeInto(piece, into).written,
    );
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    const taken = bytes.subarray(0, 10);
    this.sent += new TextDecoder().decode(taken);
    return Promise.resolve(taken.length);
  }

  close(): void {}
}

async function failure(...pieces: string[]): Promise<string> {
  const opening = openTunnel(
    new ScriptedProxy(...pieces),
    proxy,
    originOf(new URL("https://target/")),
  );
  const error: unknown = await opening.then(() => null, (error: unknown) => error);
  assert.ok(error instanceof WireError);
  return `${error.code}: ${error.message}`;
}

async function sentFor(url: string, authorization: string | null): Promise<string> {
  const stream = new ScriptedProxy("HTTP/1.1 200 OK\r\n\r\n");
  await openTunnel(stream, { ...proxy, authorization }, originOf(new URL(url)));
  return stream.sent;
}

Deno.test("CONNECT names host and port, always, and has the proxy's credentials", async () => {
  assert.equal(
    await sentFor("https://target.test/path", null),
    "CONNECT target.test:443 HTTP/1.1\r\nHost: target.test:443\r\n\r\n",
  );
  assert.equal(
    await sentFor("https://[::1]:8443/", "Basic abc"),
    "CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\nProxy-Authorization: Basic abc\r\n\r\n",
  );
});

Deno.test("any 2xx opens the tunnel, however it is cut", async () => {
  const answer = "HTTP/1.0 299 \r\nVia: me\r\n\r\n";
  const target = originOf(new URL("https://target/"));
  await openTunnel(new ScriptedProxy(answer), proxy, target);
  await openTunnel(new ScriptedProxy(...answer), proxy, target);
});

Deno.test("a refusal says the proxy's status, and its body does not matter", async () => {
  assert.equal(
    await failure("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nNo"),
    "ECONNREFUSED: it answered 407 Proxy Authentication Required",
  );
  assert.equal(await failure("HTTP/1.1 502\r\n\r\n"), "ECONNREFUSED: it answered 502");
});

Deno.test("what is no answer to CONNECT", async () => {
  assert.equal(
    await failure("SSH-2.0-OpenSSH\r\n\r\n"),
    "BAD_RESPONSE: the answer to CONNECT is not HTTP",
  );
  assert.equal(
    await failure("HTTP/1.1 200 OK\r\n\r\nmore"),
    "BAD_RESPONSE: something came behind the answer to CONNECT",
  );
  assert.equal(
    await failure(...Array(17).fill("x".repeat(4096))),
    "BAD_RESPONSE: the answer to CONNECT is too long",
  );
  assert.equal(
    await failure("HTTP/1.1 200 OK\r\n"),
    "ECONNRESET: it closed the connection before it answered CONNECT",
  );
});

// From here on with a dialer, and real connections.

const answer = "HTTP/1.1 204 No Content\r\n\r\n";
const request = "GET / HTTP/1.1\r\nHost: target.test\r\n\r\n";

/** Dials an origin through the proxy of its scheme. */
function dial(
  url: string,
  proxy: string,
  insecure = false,
  signal = new AbortController().signal,
): Promise<ByteStream> {
  const dialer = new Dialer({
    addresses: new DnsCache(systemClock),
    proxies: new Proxies((name) => name === "ALL_PROXY" ? proxy : undefined),
    insecure,
    caCerts: [testAuthority()],
  });
  return dialer.dial(originOf(new URL(url)), signal);
}

async function dialFailure(dialing: Promise<ByteStream>): Promise<WireError> {
  const error: unknown = await dialing.then(() => null, (error: unknown) => error);
  assert.ok(error instanceof WireError, String(error));
  return error;
}

async function ask(dialing: Promise<ByteStream>): Promise<void> {
  const stream = await dialing;
  await stream.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(100);
  const count = await stream.read(buffer);
  assert.equal(new TextDecoder().decode(buffer.subarray(0, count ?? 0)), answer);
  stream.close();
}

Deno.test("to a secure origin through a tunnel: the proxy alone sees its credentials", async () => {
  const seen: string[] = [];
  await using server = new RawServer(async (connection) => {
    seen.push(await connection.readText(request.length));
    await connection.write(answer);
    await connection.readToEnd();
  }, identity("good"));
  await using proxy = new TunnelProxy(server.port);
  await ask(dial("https://localhost:8443/path", `http://me:secret@127.0.0.1:${proxy.port}`));
  assert.deepEqual(proxy.heads, [
    "CONNECT localhost:8443 HTTP/1.1\r\nHost: localhost:8443\r\n" +
    `Proxy-Authorization: Basic ${btoa("me:secret")}\r\n\r\n`,
  ]);
  assert.deepEqual(seen, [request]);
});

Deno.test("certificates are the origin's inside a tunnel, and insecure believes them", async () => {
  await using server = new RawServer(answering(answer), identity("good"));
  await using proxy = new TunnelProxy(server.port);
  const through = `http://127.0.0.1:${proxy.port}`;
  const { code, message } = await dialFailure(dial("https://target.invalid", through));
  assert.equal(code, "TLS_HOSTNAME");
  assert.doesNotMatch(message, /proxy/);
  await ask(dial("https://target.invalid", through, true));
});

Deno.test("TLS inside TLS to the proxy: with insecure only, which still checks the proxy", async () => {
  await using server = new RawServer(answering(answer), identity("wrong_host"));
  await using proxy = new TunnelProxy(server.port, identity("good"));
  const through = `https://127.0.0.1:${proxy.port}`;
  const { code, message } = await dialFailure(dial("https://target.invalid", through));
  assert.equal(code, "TLS");
  assert.match(message, /is only possible with --insecure/);
  await ask(dial("https://target.invalid", through, true));

  await using expired = new TunnelProxy(server.port, identity("expired"));
  const expiredProxy = `https://127.0.0.1:${expired.port}`;
  assert.equal(
    (await dialFailure(dial("https://target.invalid", expiredProxy, true))).code,
    "TLS_EXPIRED",
  );
});

Deno.test("failures of the proxy say that they are its own", async () => {
  await using refusing = new RawServer(
    answeringOnce("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
  );
  const refusal = await dialFailure(dial("https://target.invalid", `127.0.0.1:${refusing.port}`));
  assert.equal(refusal.code, "ECONNREFUSED");
  assert.equal(
    refusal.message,
    `the proxy 127.0.0.1:${refusing.port}: it answered 407 Proxy Authentication Required`,
  );

  const unknown = await dialFailure(dial("http://target.invalid", "proxy.invalid:3128"));
  assert.equal(unknown.code, "ENOTFOUND");
  assert.match(unknown.message, /^the proxy proxy\.invalid:3128: the name proxy\.invalid /);

  await using plain = new RawServer((connection) => connection.write(answer));
  const noTls = await dialFailure(dial("http://target.invalid", `https://127.0.0.1:${plain.port}`));
  assert.equal(noTls.code, "TLS");
});

Deno.test("aborted while the proxy thinks: the connection to it is closed", async () => {
  const asked = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  await using proxy = new RawServer(async (connection) => {
    await connection.readHead();
    asked.resolve();
    await connection.readToEnd().finally(closed.resolve);
  });
  const controller = new AbortController();
  const dialing = dialFailure(
    dial("https://target.invalid", `127.0.0.1:${proxy.port}`, false, controller.signal),
  );
  await asked.promise;
  const failure = new WireError("CONNECT_TIMEOUT", "no connection in time");
  controller.abort(failure);
  assert.equal(await dialing, failure);
  await closed.promise;
});
