import assert from "node:assert/strict";
import { systemClock } from "../../src/core/clock.ts";
import { parseConnectTo } from "../../src/http/connect_to.ts";
import { AddressOrder, type DnsOrder } from "../../src/http/address_order.ts";
import { DeadlineSweep } from "../../src/http/connection_timers.ts";
import { Dialer } from "../../src/http/dialer.ts";
import { DNS_TTL_MS, DnsCache, type Lookup } from "../../src/http/dns_cache.ts";
import { originOf, Proxies } from "../../src/http/proxies.ts";
import { WireError } from "../../src/http/request_error.ts";
import { nodeSockets } from "../../src/net/node_sockets.ts";
import { chooseSockets } from "../../src/net/choose_sockets.ts";
import type { Socket, SocketHandler, Sockets } from "../../src/net/socket.ts";
import { DEFAULT_TLS } from "../../src/net/tls_settings.ts";
import { identity, testAuthority } from "../support/certificates.ts";
import { settle } from "../support/fake_clock.ts";
import { answering, answeringOnce, RawServer, silent } from "../support/raw_server.ts";
import { SocksProxy } from "../support/socks_proxy.ts";
import { TunnelProxy } from "../support/tunnel_proxy.ts";

interface Setup {
  readonly lookup?: Lookup;
  readonly environment?: Record<string, string>;
  readonly insecure?: boolean;
  readonly caCerts?: readonly string[];
  readonly localAddresses?: readonly string[];
  readonly connectTo?: readonly string[];
  readonly dns?: DnsOrder;
  readonly sockets?: Sockets;
}

const never = new AbortController().signal;
const request = "GET / HTTP/1.1\r\nHost: target.test\r\n\r\n";
const answer = "HTTP/1.1 204 No Content\r\n\r\n";

async function dial(url: string, setup: Setup = {}, signal = never): Promise<Socket> {
  const [socket] = await dialAll([url], setup, signal);
  return socket!;
}

/** Dials one after another. */
async function dialAll(
  urls: readonly string[],
  setup: Setup = {},
  signal = never,
): Promise<Socket[]> {
  const { lookup, environment = {}, insecure = false, caCerts = [testAuthority()] } = setup;
  const { localAddresses = [], connectTo = [], dns = "first" } = setup;
  const sockets = setup.sockets ?? chooseSockets();
  const dialer = new Dialer({
    clock: systemClock,
    sockets,
    dns: new DnsCache(systemClock, DNS_TTL_MS, lookup),
    // Names keep the order of their addresses, unless a test asks for another one.
    addressOrder: new AddressOrder(systemClock, () => 0),
    deadlines: new DeadlineSweep(systemClock, () => sockets.drain()),
    proxies: new Proxies((name) => environment[name]),
    connectTo: connectTo.map((rule) => parseConnectTo(rule)!),
  });
  const settings = {
    protocols: ["http/1.1"],
    tls: { ...DEFAULT_TLS, ca: caCerts, insecure },
    localAddresses,
    dns,
  };
  const dialed: Socket[] = [];
  for (const url of urls) {
    dialed.push((await dialer.dial(originOf(new URL(url)), settings, signal)).socket);
  }
  return dialed;
}

/** Dials an origin through a proxy. */
function dialThrough(
  url: string,
  proxy: string,
  insecure = false,
  signal = never,
): Promise<Socket> {
  return dial(url, { environment: { ALL_PROXY: proxy }, insecure }, signal);
}

async function failureOf(dialing: Promise<Socket>): Promise<WireError> {
  const error: unknown = await dialing.then(() => null, (error: unknown) => error);
  assert.ok(error instanceof WireError, String(error));
  return error;
}

function dialFailure(url: string, setup?: Setup, signal?: AbortSignal): Promise<WireError> {
  return failureOf(dial(url, setup, signal));
}

/** Receives an answer. */
class Answer implements SocketHandler {
  readonly #text = Promise.withResolvers<string>();
  readonly text: Promise<string> = this.#text.promise;

  onOpen(): void {}
  onDrain(): void {}

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.#text.resolve(new TextDecoder().decode(bytes.subarray(0, length)));
  }

  onEnd(): void {
    this.#text.resolve("");
  }

  onError(error: unknown): void {
    this.#text.reject(error);
  }
}

/** Sends {@link request} to a server that answers with {@link answer}, and closes. */
async function ask(dialing: Promise<Socket>): Promise<void> {
  const socket = await dialing;
  const received = new Answer();
  socket.handler = received;
  socket.write(new TextEncoder().encode(request));
  assert.equal(await received.text, answer);
  socket.close();
}

function unusedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("an address, and a name that the system resolves", async () => {
  await using server = new RawServer(answering(answer));
  await ask(dial(server.url));
  await ask(dial(`http://localhost:${server.port}`));
});

Deno.test("an IPv6 address", async () => {
  await using server = new RawServer(answering(answer), undefined, "::1");
  await ask(dial(`http://[::1]:${server.port}`));
});

Deno.test("of several addresses, the first that accepts the connection", async () => {
  await using server = new RawServer(answering(answer));
  const lookup: Lookup = () => Promise.resolve(["127.0.0.2", "::1", "127.0.0.1"]);
  await ask(dial(`http://target.test:${server.port}`, { lookup }));
  assert.equal(server.connections, 1);
});

/** A port on which 127.0.0.2 lets connections hang and 127.0.0.3 is a server. */
async function halfHanging(secure: boolean): Promise<AsyncDisposable & { server: RawServer }> {
  const server = new RawServer(
    answering(answer),
    secure ? identity("good") : undefined,
    "127.0.0.3",
  );
  const { port } = server;
  const listener = Deno.listen({ hostname: "127.0.0.2", port, tcpBacklog: 1 });
  // Linux accepts one connection more than the backlog.
  const queued = await Promise.all(
    Array.from({ length: 2 }, () => Deno.connect({ hostname: "127.0.0.2", port })),
  );
  return {
    server,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const conn of queued) conn.close();
      listener.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const WAYS: [name: string, secure: boolean, setup: Setup][] = [
  ["epoll", false, {}],
  ["node:net", false, { sockets: nodeSockets() }],
  ["TLS of the runtime", true, {}],
  ["node:tls", true, { insecure: true }],
];

for (const [name, secure, setup] of WAYS) {
  for (const proxied of secure ? [false] : [false, true]) {
    Deno.test({
      name: `${name}: if an address hangs, the next one is tried; proxy: ${proxied}`,
      // Other systems refuse connections when the backlog is full.
      ignore: Deno.build.os !== "linux",
      fn: async () => {
        await using half = await halfHanging(secure);
        const { server } = half;
        const lookup: Lookup = () => Promise.resolve(["127.0.0.2", "127.0.0.3"]);
        // The certificate is that of localhost.
        const host = secure ? "localhost" : "half.test";
        const startedAt = performance.now();
        await ask(dial(
          proxied ? "http://target.invalid" : `http${secure ? "s" : ""}://${host}:${server.port}`,
          {
            ...setup,
            lookup,
            ...(proxied ? { environment: { ALL_PROXY: `http://half.test:${server.port}` } } : {}),
          },
        ));
        assert.ok(performance.now() - startedAt >= 250);
        assert.equal(server.connections, 1);
      },
    });
  }
}

Deno.test("connections go round the addresses of a name", async () => {
  const sockets = nodeSockets();
  const opened: string[] = [];
  const recording: Sockets = {
    kind: sockets.kind,
    open: (to, handler) => {
      opened.push(to.address);
      return sockets.open(to, handler);
    },
    drain: () => sockets.drain(),
  };
  await using server = new RawServer(answering(answer), undefined, "0.0.0.0");
  const lookup: Lookup = () => Promise.resolve(["127.0.0.4", "127.0.0.2", "127.0.0.3"]);
  const url = `http://three.test:${server.port}`;
  const setup: Setup = { lookup, dns: "rotate", sockets: recording };
  for (const socket of await dialAll(Array<string>(6).fill(url), setup)) socket.close();
  assert.deepEqual(opened.map((address) => address.at(-1)), ["2", "3", "4", "3", "4", "2"]);
});

Deno.test("if no address accepts the connection, the error names the last one", async () => {
  const lookup: Lookup = () => Promise.resolve(["127.0.0.1", "127.0.0.2"]);
  const { code, message } = await dialFailure(`http://target.test:${unusedPort()}`, { lookup });
  assert.equal(code, "ECONNREFUSED");
  assert.match(message, /^127\.0\.0\.2: .*refused/);
  assert.match((await dialFailure(`http://127.0.0.1:${unusedPort()}`)).message, /^Connection/);
});

Deno.test("a name without an address: ENOTFOUND", async () => {
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

/** The TLS ClientHello that a server receives. */
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
  // The certificate is an authority's, not a server's, so trusting it does not help.
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

Deno.test("a server that does not speak TLS: TLS, and the connection is closed", async () => {
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
  // The name has no address here: the proxy resolves it.
  const HTTP_PROXY = `http://me:secret@127.0.0.1:${proxy.port}`;
  await ask(dial("http://target.invalid:81", { environment: { HTTP_PROXY } }));
  assert.deepEqual(heads, [request]);
});

Deno.test("to a plain origin through a TLS proxy", async () => {
  await using proxy = new RawServer(answering(answer), identity("good"));
  const HTTP_PROXY = `https://127.0.0.1:${proxy.port}`;
  await ask(dial("http://target.invalid", { environment: { HTTP_PROXY } }));
});

Deno.test("aborted before it starts: nothing is opened", async () => {
  await using server = new RawServer(silent);
  const failure = new WireError("CONNECT_TIMEOUT", "no connection in time");
  assert.equal(await dialFailure(server.url, {}, AbortSignal.abort(failure)), failure);
  assert.equal(server.connections, 0);
});

Deno.test("aborted during the lookup: the reason, if it is a WireError", async () => {
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
  name: "aborted while connecting: ABORTED, if the reason is not a WireError",
  // Other systems refuse connections when the backlog is full.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
    const url = `http://127.0.0.1:${listener.addr.port}`;
    // Linux accepts one connection more than the backlog.
    const queued = [await dial(url), await dial(url)];
    const controller = new AbortController();
    const dialing = dialFailure(url, {}, controller.signal);
    for (let turn = 0; turn < 10; turn++) await settle();
    controller.abort("enough");
    const { code, message, cause } = await dialing;
    assert.deepEqual({ code, message, cause }, {
      code: "ABORTED",
      message: "the user was stopped",
      cause: "enough",
    });
    for (const socket of queued) socket.close();
  },
});

/** A server that receives a ClientHello and never answers it. */
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

Deno.test("aborted during the handshake: ABORTED at once", async () => {
  const { server, greeted } = unanswering();
  await using _ = server;
  const controller = new AbortController();
  const dialing = dialFailure(`https://127.0.0.1:${server.port}`, {}, controller.signal);
  await greeted;
  controller.abort();
  assert.equal((await dialing).code, "ABORTED");
});

Deno.test("aborted during the handshake, insecure: ABORTED and closed at once", async () => {
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
        (socket) => socket.close(),
        (error) => assert.equal(error.code, "ABORTED"),
      );
      const turn = moment % 2 === 0 ? Promise.resolve.bind(Promise) : settle;
      for (let step = 0; step < moment; step++) await turn();
      controller.abort();
      await dialing;
    }
    for (let turn = 0; turn < 10_000 && closed < server.connections; turn++) await settle();
    assert.equal(closed, server.connections);
  });
}

Deno.test("an abort after the dial leaves the connection open", async () => {
  await using server = new RawServer(answering(answer), identity("good"));
  const controller = new AbortController();
  const stream = await dial(server.url, {}, controller.signal);
  controller.abort();
  await ask(Promise.resolve(stream));
});

Deno.test("through a tunnel to a secure origin, only the proxy sees its credentials", async () => {
  const seen: string[] = [];
  await using server = new RawServer(async (connection) => {
    seen.push(await connection.readText(request.length));
    await connection.write(answer);
    await connection.readToEnd();
  }, identity("good"));
  await using proxy = new TunnelProxy(server.port);
  await ask(
    dialThrough("https://localhost:8443/path", `http://me:secret@127.0.0.1:${proxy.port}`),
  );
  assert.deepEqual(proxy.heads, [
    "CONNECT localhost:8443 HTTP/1.1\r\nHost: localhost:8443\r\n" +
    `Proxy-Authorization: Basic ${btoa("me:secret")}\r\n\r\n`,
  ]);
  assert.deepEqual(seen, [request]);
});

Deno.test("inside a tunnel the origin's certificate is checked, unless insecure", async () => {
  await using server = new RawServer(answering(answer), identity("good"));
  await using proxy = new TunnelProxy(server.port);
  const through = `http://127.0.0.1:${proxy.port}`;
  const { code, message } = await failureOf(dialThrough("https://target.invalid", through));
  assert.equal(code, "TLS_HOSTNAME", message);
  assert.doesNotMatch(message, /proxy/);
  await ask(dialThrough("https://target.invalid", through, true));
});

Deno.test("TLS inside TLS: both certificates are checked, and insecure excuses the origin's", async () => {
  await using server = new RawServer(answering(answer), identity("good"));
  await using proxy = new TunnelProxy(server.port, identity("good"));
  const through = `https://127.0.0.1:${proxy.port}`;
  await ask(dialThrough("https://localhost", through));
  const { code } = await failureOf(dialThrough("https://target.invalid", through));
  assert.equal(code, "TLS_HOSTNAME");
  await ask(dialThrough("https://target.invalid", through, true));

  await using expired = new TunnelProxy(server.port, identity("expired"));
  const expiredProxy = `https://127.0.0.1:${expired.port}`;
  assert.equal(
    (await failureOf(dialThrough("https://target.invalid", expiredProxy, true))).code,
    "TLS_EXPIRED",
  );
});

Deno.test("errors of the proxy name the proxy", async () => {
  await using refusing = new RawServer(
    answeringOnce("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
  );
  const refusal = await failureOf(
    dialThrough("https://target.invalid", `127.0.0.1:${refusing.port}`),
  );
  assert.equal(refusal.code, "ECONNREFUSED");
  assert.equal(
    refusal.message,
    `the proxy 127.0.0.1:${refusing.port}: it answered 407 Proxy Authentication Required`,
  );

  const unknown = await failureOf(dialThrough("http://target.invalid", "proxy.invalid:3128"));
  assert.equal(unknown.code, "ENOTFOUND");
  assert.match(unknown.message, /^the proxy proxy\.invalid:3128: the name proxy\.invalid /);

  await using plain = new RawServer((connection) => connection.write(answer));
  const noTls = await failureOf(
    dialThrough("http://target.invalid", `https://127.0.0.1:${plain.port}`),
  );
  assert.equal(noTls.code, "TLS");
});

for (const secure of [false, true]) {
  Deno.test(`through SOCKS, the proxy or this machine looks up names; TLS: ${secure}`, async () => {
    await using server = new RawServer(answering(answer), secure ? identity("good") : undefined);
    await using proxy = await SocksProxy.start(server.port, "10.0.0.1");
    const scheme = secure ? "https" : "http";
    const lookup: Lookup = (hostname) =>
      Promise.resolve(hostname === "proxy.test" ? ["127.0.0.1"] : ["10.0.0.1", "10.0.0.2"]);
    const through = async (socks: string): Promise<string[]> => {
      const environment = { ALL_PROXY: `${socks}://proxy.test:${proxy.port}` };
      await ask(dial(`${scheme}://localhost:81`, { environment, lookup }));
      return proxy.asked.splice(0);
    };
    assert.deepEqual(await through("socks5h"), ["localhost:81"]);
    // The proxy cannot reach the first address.
    assert.deepEqual(await through("socks5"), ["10.0.0.1:81", "10.0.0.2:81"]);
    const environment = { ALL_PROXY: `socks5h://127.0.0.1:${proxy.port}` };
    const { code, message } = await dialFailure("http://10.0.0.1", { environment });
    assert.equal(code, "ECONNREFUSED");
    assert.equal(message, `the proxy 127.0.0.1:${proxy.port}: it answered: host unreachable`);
  });
}

Deno.test("aborted while the proxy answers: the connection to it is closed", async () => {
  const asked = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  await using proxy = new RawServer(async (connection) => {
    await connection.readHead();
    asked.resolve();
    await connection.readToEnd().finally(closed.resolve);
  });
  const controller = new AbortController();
  const dialing = failureOf(
    dialThrough("https://target.invalid", `127.0.0.1:${proxy.port}`, false, controller.signal),
  );
  await asked.promise;
  const failure = new WireError("CONNECT_TIMEOUT", "no connection in time");
  controller.abort(failure);
  assert.equal(await dialing, failure);
  await closed.promise;
});

for (const secure of [false, true]) {
  Deno.test(`connections leave from the local addresses in turn; TLS: ${secure}`, async () => {
    const seen: string[] = [];
    await using server = new RawServer(async (connection) => {
      seen.push(connection.remoteAddress);
      await answering(answer)(connection, 0);
    }, secure ? identity("good") : undefined);
    const localAddresses = ["127.0.0.2", "127.0.0.3"];
    const dialed = await dialAll(Array<string>(4).fill(server.url), { localAddresses });
    for (const socket of dialed) await ask(Promise.resolve(socket));
    assert.deepEqual(seen.toSorted(), ["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3"]);
  });
}

Deno.test("with local addresses, only addresses of the same family are tried", async () => {
  await using server = new RawServer(answering(answer));
  const localAddresses = ["127.0.0.2"];
  const both: Lookup = () => Promise.resolve(["::1", "127.0.0.1"]);
  await ask(dial(`http://both.test:${server.port}`, { lookup: both, localAddresses }));
  const lookup: Lookup = () => Promise.resolve(["::1"]);
  const { code, message } = await dialFailure("http://six.test", { lookup, localAddresses });
  assert.equal(code, "BAD_REQUEST");
  assert.equal(message, "six.test has no IPv4 address, and connections leave from 127.0.0.2");
});

Deno.test("a rule leads a connection elsewhere, and the certificate is still that of the name", async () => {
  await using server = new RawServer(answering(answer), identity("good"));
  const connectTo = [
    `localhost:443:127.0.0.1:${server.port}`,
    `shop.test::127.0.0.1:${server.port}`,
  ];
  await ask(dial("https://localhost", { connectTo }));
  assert.equal((await dialFailure("https://shop.test", { connectTo })).code, "TLS_HOSTNAME");
});

Deno.test("a rule changes which address a proxy is asked for", async () => {
  await using server = new RawServer(answering(answer), identity("good"));
  await using proxy = new TunnelProxy(server.port);
  const environment = { ALL_PROXY: `http://127.0.0.1:${proxy.port}` };
  await ask(dial("https://localhost", { environment, connectTo: ["localhost:443:[::1]:8443"] }));
  assert.match(proxy.heads[0]!, /^CONNECT \[::1\]:8443 HTTP\/1\.1\r\nHost: \[::1\]:8443\r\n/);
});
