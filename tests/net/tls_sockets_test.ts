import assert from "node:assert/strict";
import { connect, createServer, type Server, type Socket as Peer } from "node:net";
import { createServer as createTlsServer, type TlsOptions, TLSSocket } from "node:tls";
import { nodeSockets } from "../../src/net/node_sockets.ts";
import type { Socket, SocketHandler, Sockets } from "../../src/net/socket.ts";
import { TlsError } from "../../src/net/tls_errors.ts";
import { DEFAULT_TLS, type TlsSettings } from "../../src/net/tls_settings.ts";
import { HandshakeLimit, openTls } from "../../src/net/tls_sockets.ts";
import { clientIdentity, IDENTITIES, identity, testAuthority } from "../support/certificates.ts";
import { RawServer, silent } from "../support/raw_server.ts";
import { Recorder, ReportedErrors, socketContract } from "./socket_contract.ts";

const sockets = nodeSockets();
const trusting: TlsSettings = { ...DEFAULT_TLS, ca: [testAuthority()] };

/** The connections of TCP below those of TLS. */
const lower = new WeakMap<Peer, Peer>();

function listen(track: (peer: Peer) => void, accept: (peer: Peer) => void): Server {
  return createServer({ allowHalfOpen: true }, (raw) => {
    const peer = new TLSSocket(raw, { isServer: true, ...identity("good") });
    lower.set(peer, raw);
    // Neither of the two closes the other one in all cases.
    peer.on("error", () => {});
    peer.on("close", () => raw.destroy());
    raw.on("error", () => {});
    raw.on("close", () => peer.destroy());
    track(peer);
    peer.on("secure", () => accept(peer));
  });
}

const common = {
  listen,
  reset: (peer: Peer) => void lower.get(peer)!.resetAndDestroy(),
  drain: () => sockets.drain(),
};

function to(port: number, settings: TlsSettings): Parameters<typeof openTls>[0] {
  return {
    sockets,
    address: "127.0.0.1",
    port,
    localAddress: null,
    hostname: "localhost",
    settings,
    protocols: ["http/1.1"],
    over: null,
  };
}

socketContract({
  ...common,
  name: "TLS of the runtime",
  open: (port, handler) => openTls(to(port, trusting), handler),
  writesAtOnce: false,
  knowsResets: true,
});

socketContract({
  ...common,
  name: "node:tls",
  open: (port, handler) =>
    openTls({ ...to(port, { ...trusting, minVersion: "TLSv1.3" }) }, handler),
  writesAtOnce: false,
  knowsResets: true,
});

// What differs from plain sockets: certificates, names, and how a handshake fails.

type Way = "the runtime" | "node:tls";
const WAYS: readonly Way[] = ["the runtime", "node:tls"];

/** Settings that make a connection go this way. */
function settingsFor(way: Way, more: Partial<TlsSettings> = {}): TlsSettings {
  return { ...trusting, minVersion: way === "node:tls" ? "TLSv1.3" : null, ...more };
}

/** Opens a connection and waits until it is open, or has failed. */
async function opened(
  port: number,
  settings: TlsSettings,
  hostname = "localhost",
  more: Partial<Parameters<typeof openTls>[0]> = {},
): Promise<Recorder & Disposable> {
  const recorder = new Recorder();
  const socket = openTls({ ...to(port, settings), hostname, ...more }, recorder);
  recorder.socket = socket;
  await recorder.until(({ events }) => events.length > 0);
  return Object.assign(recorder, { [Symbol.dispose]: () => socket.close() });
}

async function failure(
  port: number,
  settings: TlsSettings,
  hostname?: string,
): Promise<TlsError> {
  using recorder = await opened(port, settings, hostname);
  await recorder.has("error");
  assert.ok(recorder.error instanceof TlsError, String(recorder.error));
  return recorder.error;
}

/** A server of `node:tls`, which says `hello` and then its certificate's client. */
async function tlsServer(
  options: TlsOptions,
  onPeer: (peer: TLSSocket) => void = () => {},
): Promise<AsyncDisposable & { readonly port: number }> {
  const peers = new Set<Peer>();
  const server = createTlsServer({ ...identity("good"), ...options }, (peer) => {
    onPeer(peer);
    const { subject } = peer.getPeerCertificate() as { subject?: { CN?: string } };
    peer.write(`hello ${subject?.CN ?? "stranger"} ${peer.getProtocol()}`);
  });
  server.on("connection", (raw) => {
    peers.add(raw);
    raw.on("error", () => {});
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const peer of peers) peer.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

Deno.test("a server with an authority's certificate fails where handshakes are shown, too", async () => {
  const ca = [identity("self_signed").cert];
  await using server = new RawServer(silent, identity("self_signed"));
  const ends: string[] = [];
  for (const isInspected of [false, true]) {
    const settings = settingsFor("the runtime", { ca, isInspected });
    ends.push(String(await failure(server.port, settings, "127.0.0.1")));
  }
  assert.match(ends[0]!, /uses a certificate for an authority \(CA:TRUE\)/);
  assert.equal(ends[1], ends[0]);
});

for (const way of WAYS) {
  Deno.test(`${way}: certificates that are not valid`, async () => {
    const codeOf = async (
      name: Parameters<typeof identity>[0],
      more?: Partial<TlsSettings>,
    ): Promise<string> => {
      await using server = new RawServer(silent, identity(name));
      return (await failure(server.port, settingsFor(way, more), "127.0.0.1")).code;
    };
    // node:tls does not tell the two apart, and the message says so.
    assert.equal(
      await codeOf("expired"),
      way === "node:tls" ? "TLS_UNTRUSTED" : "TLS_EXPIRED",
    );
    assert.equal(await codeOf("wrong_host"), "TLS_HOSTNAME");
    assert.equal(await codeOf("good", { ca: [] }), "TLS_UNTRUSTED");
    assert.equal(await codeOf("self_signed"), "TLS_UNTRUSTED");
  });

  Deno.test(`${way}: the certificate is checked against the server name`, async () => {
    await using server = new RawServer((peer) => peer.write("hello"), identity("wrong_host"));
    using client = await opened(server.port, settingsFor(way, { serverName: "other.test" }));
    assert.deepEqual(client.events, ["open"]);
    await using good = new RawServer((peer) => peer.write("hello"), identity("good"));
    const { code } = await failure(good.port, settingsFor(way, { serverName: "other.test" }));
    assert.equal(code, "TLS_HOSTNAME");
  });

  Deno.test(`${way}: a server that does not speak TLS`, async () => {
    await using server = new RawServer(async (peer) => {
      await peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
      await peer.readToEnd();
    });
    const { code, message } = await failure(server.port, settingsFor(way));
    assert.equal(code, "TLS");
    assert.match(message, /^the server does not speak TLS on this port \(/);
  });

  Deno.test(`${way}: closed during the handshake`, async () => {
    await using server = new RawServer(async (peer) => void await peer.readText(1));
    const { code, message } = await failure(server.port, settingsFor(way));
    assert.equal(code, "TLS");
    assert.match(message, /^the server closed the connection during the TLS handshake/);
  });

  Deno.test(`${way}: an alert during the handshake`, async () => {
    await using server = new RawServer(async (peer) => {
      await peer.write(new Uint8Array([21, 3, 3, 0, 2, 2, 40]));
      await peer.readToEnd();
    });
    const { code, message } = await failure(server.port, settingsFor(way));
    assert.equal(code, "TLS");
    assert.match(
      message,
      /perhaps because it requires a client certificate \(.* HandshakeFailure\)$/,
    );
  });

  Deno.test(`${way}: hooks tell when the connection and the handshake begin`, async () => {
    await using server = new RawServer(silent, identity("good"));
    const events: string[] = [];
    const onConnected = (): void => void events.push("connected");
    const onConnecting = (): void => void events.push("connecting");
    const hooks = { onConnecting, onConnected };
    using client = await opened(server.port, settingsFor(way), undefined, hooks);
    assert.deepEqual([...events, ...client.events], ["connecting", "connected", "open"]);
  });

  Deno.test(`${way}: closed during the handshake on this side, nothing follows`, async () => {
    const greeted = Promise.withResolvers<void>();
    await using server = new RawServer(async (peer) => {
      await peer.readText(1);
      greeted.resolve();
      await peer.readToEnd();
    });
    const client = new Recorder();
    const socket = openTls(to(server.port, settingsFor(way)), client);
    await greeted.promise;
    socket.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(client.events, []);
  });
}

for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
  const asking: TlsOptions = { requestCert: true, ca: testAuthority(), maxVersion };

  Deno.test(`a client certificate, over ${maxVersion}`, async () => {
    await using server = await tlsServer({ ...asking, rejectUnauthorized: true });
    using client = await opened(server.port, { ...trusting, ...clientIdentity("client") });
    await client.has("data");
    assert.equal(client.text, `hello client ${maxVersion}`);
  });

  Deno.test(`a client certificate of version 1, over ${maxVersion}`, async () => {
    // Servers of this runtime accept it only if they accept all.
    await using server = await tlsServer({ ...asking, rejectUnauthorized: false });
    using client = await opened(server.port, { ...trusting, ...clientIdentity("client_v1") });
    await client.has("data");
    assert.equal(client.text, `hello client_v1 ${maxVersion}`);
  });

  Deno.test(`no client certificate where one is required, over ${maxVersion}`, async () => {
    await using server = await tlsServer({ ...asking, rejectUnauthorized: true });
    const { code, message } = await failure(server.port, trusting);
    assert.equal(code, "TLS_CLIENT_CERT");
    assert.equal(
      message,
      "the server requires a client certificate (received fatal alert: CertificateRequired)",
    );
  });
}

Deno.test("a minimum version", async () => {
  await using server = await tlsServer({ maxVersion: "TLSv1.2" });
  using client = await opened(server.port, settingsFor("the runtime", { minVersion: "TLSv1.2" }));
  await client.has("data");
  assert.equal(client.text, "hello stranger TLSv1.2");
  const { code, message } = await failure(server.port, settingsFor("node:tls"));
  assert.deepEqual([code, message], ["TLS", "received fatal alert: ProtocolVersion"]);
});

for (const name of IDENTITIES) {
  Deno.test(`insecure, any certificate is accepted: ${name}`, async () => {
    await using server = new RawServer((peer) => peer.write("hello"), identity(name));
    for (const hostname of ["localhost", "127.0.0.1"]) {
      using client = await opened(server.port, { ...DEFAULT_TLS, insecure: true }, hostname);
      await client.has("data");
      assert.equal(client.text, "hello");
    }
  });
}

Deno.test("from a local address", async () => {
  if (Deno.build.os !== "linux") return;
  const peers: string[] = [];
  const server = createServer((raw) => {
    peers.push(raw.remoteAddress ?? "");
    raw.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  using client = await opened(port, trusting, "localhost", { localAddress: "127.0.0.7" });
  assert.match(client.events[0]!, /^error TLS/);
  assert.deepEqual(peers, ["127.0.0.7"]);
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("TLS inside TLS", async () => {
  await using inner = await tlsServer({});
  await using outer = await relayServer(inner.port);
  using lowerSocket = await opened(outer.port, trusting);
  using client = await opened(inner.port, trusting, "localhost", { over: lowerSocket.socket });
  await client.has("data");
  assert.equal(client.text, "hello stranger TLSv1.3");
});

/** A server of TLS that passes everything on to a port, and back. */
async function relayServer(port: number): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createTlsServer(identity("good"), (peer) => {
    const onward = connect(port, "127.0.0.1");
    peer.on("error", () => onward.destroy());
    peer.on("close", () => onward.destroy());
    onward.on("error", () => peer.destroy());
    onward.on("close", () => peer.destroy());
    peer.pipe(onward).pipe(peer);
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose](): Promise<void> {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

Deno.test("names are sent, addresses are not, and neither is more than http/1.1 offered", async () => {
  const helloFor = async (hostname: string, settings: TlsSettings): Promise<string> => {
    const hello = Promise.withResolvers<string>();
    await using server = new RawServer(async (peer) => {
      const header = await peer.readText(5);
      hello.resolve(
        header + await peer.readText(header.charCodeAt(3) * 256 + header.charCodeAt(4)),
      );
    });
    await failure(server.port, settings, hostname);
    return await hello.promise;
  };
  for (const way of WAYS) {
    const toName = await helloFor("localhost", settingsFor(way));
    assert.ok(toName.includes("\x08http/1.1") && toName.includes("localhost"));
    const toAddress = await helloFor("127.0.0.1", settingsFor(way));
    assert.ok(toAddress.includes("http/1.1") && !toAddress.includes("127.0.0.1"));
    assert.ok(
      (await helloFor("127.0.0.1", settingsFor(way, { serverName: "shop.test" }))).includes(
        "shop.test",
      ),
    );
  }
});

Deno.test("no connection resumes a session", async () => {
  const resumed: boolean[] = [];
  await using server = await tlsServer({}, (peer) => resumed.push(peer.isSessionReused()));
  for (
    const settings of [...WAYS.map((way) => settingsFor(way)), { ...DEFAULT_TLS, insecure: true }]
  ) {
    for (let round = 0; round < 3; round++) {
      using client = await opened(server.port, settings);
      await client.has("data");
    }
  }
  assert.deepEqual(resumed, Array(9).fill(false));
});

/** A thread that serves TLS: it says hello to each connection, and closes it. */
const GREETER = `
  self.onmessage = async ({ data }) => {
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...data });
    self.postMessage(listener.addr.port);
    for await (const conn of listener) {
      await conn.write(new TextEncoder().encode("hello"));
      conn.close();
    }
  };`;

for (const minVersion of [null, "TLSv1.3"] as const) {
  const name = minVersion === null ? "TLS of the runtime" : "node:tls";

  Deno.test(`${name}: what follows the handshake at once waits for promise jobs`, async () => {
    const greeter = new Worker(`data:text/javascript,${encodeURIComponent(GREETER)}`, {
      type: "module",
    });
    const listening = new Promise<number>((resolve) => {
      greeter.onmessage = ({ data }) => resolve(data);
    });
    greeter.postMessage(identity("good"));
    const opened = Promise.withResolvers<void>();
    const ignored = { onData(): void {}, onEnd(): void {}, onDrain(): void {}, onError(): void {} };
    const socket = openTls(to(await listening, { ...trusting, minVersion }), {
      ...ignored,
      onOpen(): void {
        // The server says it meanwhile, so that reading has a result at once.
        for (const end = performance.now() + 100; performance.now() < end;);
        opened.resolve();
      },
    });
    await opened.promise;
    for (let job = 0; job < 30; job++) await null;
    const said = Promise.withResolvers<string>();
    let text = "";
    socket.handler = {
      ...ignored,
      onOpen(): void {},
      onData: (bytes, length) => text += new TextDecoder().decode(bytes.subarray(0, length)),
      onEnd: () => said.resolve(text),
      onError: (error) => said.reject(error),
    };
    assert.equal(await said.promise, "hello");
    socket.close();
    greeter.terminate();
  });
}

Deno.test("node:tls: what arrives with the end of the handshake waits for promise jobs", async () => {
  // In TLS 1.2, the server ends the handshake, and a server of HTTP/2 speaks at once.
  await using server = await tlsServer({ maxVersion: "TLSv1.2" });
  const joined: Sockets = {
    kind: sockets.kind,
    drain: () => sockets.drain(),
    open(options, handler): Socket {
      let held: number[] = [];
      return sockets.open(options, {
        onOpen: () => handler.onOpen(),
        onData(bytes, length): void {
          if (held.length === 0) {
            setTimeout(() => {
              const all = Uint8Array.from(held);
              held = [];
              handler.onData(all, all.length);
            }, 50);
          }
          held.push(...bytes.subarray(0, length));
        },
        onEnd: () => handler.onEnd(),
        onDrain: () => handler.onDrain(),
        onError: (error) => handler.onError(error),
      });
    },
  };
  const isOpen = Promise.withResolvers<void>();
  const received = Promise.withResolvers<string>();
  const first: SocketHandler = {
    onOpen: () => isOpen.resolve(),
    onData: () => received.resolve("too early"),
    onEnd(): void {},
    onDrain(): void {},
    onError: (error: unknown) => isOpen.reject(error),
  };
  const settings = { ...DEFAULT_TLS, insecure: true };
  const socket = openTls({ ...to(server.port, settings), sockets: joined }, first);
  await isOpen.promise;
  for (let job = 0; job < 30; job++) await null;
  socket.handler = {
    ...first,
    onData: (bytes, length) =>
      received.resolve(new TextDecoder().decode(bytes.subarray(0, length))),
  };
  assert.equal(await received.promise, "hello stranger TLSv1.2");
  socket.close();
});

Deno.test("handshakes beyond the limit wait, in their order", async () => {
  const limit = new HandshakeLimit(2, 1e6);
  const order: number[] = [];
  const enter = async (index: number): Promise<() => void> => {
    const leave = await limit.enter();
    order.push(index);
    return leave;
  };
  const [first, second, third, fourth] = [1, 2, 3, 4].map(enter);
  const leaveFirst = await first!;
  const leaveSecond = await second!;
  assert.deepEqual(order, [1, 2]);
  leaveFirst();
  leaveFirst();
  const leaveThird = await third!;
  assert.deepEqual(order, [1, 2, 3]);
  leaveThird();
  (await fourth!)();
  leaveSecond();
  for (const leave of await Promise.all([enter(5), enter(6)])) leave();
});

Deno.test("a handshake that takes long does not keep others waiting", async () => {
  const limit = new HandshakeLimit(1, 5);
  const slow = await limit.enter();
  (await limit.enter())();
  slow();
  (await limit.enter())();
});

Deno.test("TLS of the runtime: what a handler throws is reported, and is no error of the connection", async () => {
  await using server = new RawServer(async (connection) => {
    await connection.write("one");
  }, identity("good"));
  using reported = new ReportedErrors();
  const thrown = new Error("of a handler");
  const ended = Promise.withResolvers<string>();
  const socket = openTls(to(server.port, trusting), {
    onOpen: () => {},
    onData: () => {
      throw thrown;
    },
    onEnd: () => ended.resolve("end"),
    onDrain: () => {},
    onError: () => ended.resolve("error"),
  });
  assert.equal(await ended.promise, "end");
  assert.deepEqual(reported.errors, [thrown]);
  socket.close();
});
