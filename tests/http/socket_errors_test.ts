import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { type RequestErrorCode, WireError } from "../../src/http/request_error.ts";
import { socketFailure, type SocketPhase } from "../../src/http/socket_errors.ts";
import { TlsError } from "../../src/net/tls_errors.ts";
import { identity, testAuthority } from "../support/certificates.ts";
import { RawServer, silent } from "../support/raw_server.ts";

async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => assert.fail("nothing was thrown"), (error: unknown) => error);
}

function code(error: unknown, phase: SocketPhase): RequestErrorCode {
  return socketFailure(error, phase).code;
}

Deno.test("a port without a listener: ECONNREFUSED", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await thrownBy(Deno.connect({ hostname: "127.0.0.1", port }));
  const failure = socketFailure(error, "connect");
  assert.equal(failure.code, "ECONNREFUSED");
  assert.match(failure.message, /refused/i);
  assert.equal(failure.cause, error);
});

Deno.test("a reset during a read, and a write after it: ECONNRESET", async () => {
  // Deno's listeners cannot reset a connection: they end it first.
  const server = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    const error = await thrownBy(conn.read(new Uint8Array(10)));
    assert.ok(error instanceof Deno.errors.ConnectionReset);
    assert.equal(code(error, "exchange"), "ECONNRESET");
    const second = await thrownBy(conn.write(new Uint8Array(10)));
    assert.ok(second instanceof Deno.errors.BrokenPipe);
    assert.equal(code(second, "exchange"), "ECONNRESET");
  }
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("closed on this side: ABORTED", async () => {
  await using server = new RawServer(silent);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const reading = thrownBy(conn.read(new Uint8Array(10)));
  conn.close();
  assert.equal(code(await reading, "exchange"), "ABORTED");
  const failure = socketFailure(await thrownBy(conn.read(new Uint8Array(10))), "exchange");
  assert.equal(failure.code, "ABORTED");
  assert.equal(failure.message, "the connection was closed on this side");
});

Deno.test("TLS that ends without close_notify: ECONNRESET in an exchange", async () => {
  await using server = new RawServer(silent, identity("good"));
  using between = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const relay = async (): Promise<void> => {
    using client = await between.accept();
    const origin = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const hello = new Uint8Array(65_536);
    await origin.write(hello.subarray(0, await client.read(hello) ?? 0));
    const answering = pump(origin, client);
    // Neither the client's end of the stream nor close_notify is forwarded.
    await client.read(hello);
    origin.close();
    await answering;
  };
  const relaying = relay();
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: between.addr.port });
  using tls = await Deno.startTls(tcp, { hostname: "127.0.0.1", caCerts: [testAuthority()] });
  await tls.handshake();
  const error = await thrownBy(tls.read(new Uint8Array(10)));
  assert.ok(
    error instanceof Deno.errors.UnexpectedEof || error instanceof Deno.errors.ConnectionReset,
    String(error),
  );
  assert.equal(code(error, "exchange"), "ECONNRESET");
  await relaying;
});

async function pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    for (let count; (count = await from.read(buffer)) !== null;) {
      await to.write(buffer.subarray(0, count));
    }
  } catch {
    // One of the two connections has been closed.
  }
}

Deno.test("a local address that the machine does not have: EADDRNOTAVAIL", () => {
  const listening = (): unknown => Deno.listen({ hostname: "203.0.113.1", port: 0 });
  assert.throws(listening, (error) => code(error, "connect") === "EADDRNOTAVAIL");
});

Deno.test("the runtime's error classes and the system's codes are recognized", () => {
  const named = (name: string): Error => Object.assign(new Error("words"), { code: name });
  assert.equal(code(new Deno.errors.ConnectionAborted("words"), "exchange"), "ECONNRESET");
  assert.equal(code(new Deno.errors.BrokenPipe("words"), "exchange"), "ECONNRESET");
  assert.equal(code(new Deno.errors.AddrNotAvailable("words"), "connect"), "EADDRNOTAVAIL");
  assert.equal(code(named("EPIPE"), "exchange"), "ECONNRESET");
  assert.equal(code(named("ECONNREFUSED"), "connect"), "ECONNREFUSED");
  assert.equal(code(named("ENFILE"), "connect"), "EMFILE");
  // Ports of a local address, and sockets that epoll watches, are limited on this machine.
  assert.equal(code(named("EADDRINUSE"), "connect"), "EADDRNOTAVAIL");
  assert.equal(code(new Deno.errors.AddrInUse("words"), "connect"), "EADDRNOTAVAIL");
  assert.equal(code(named("ENOSPC"), "connect"), "ENOBUFS");
});

Deno.test("the system's timeout is CONNECT_TIMEOUT only while connecting", () => {
  const error = new Deno.errors.TimedOut("Connection timed out (os error 110)");
  assert.equal(code(error, "connect"), "CONNECT_TIMEOUT");
  assert.equal(code(error, "tls"), "CONNECT_TIMEOUT");
  assert.equal(code(error, "exchange"), "ECONNRESET");
});

Deno.test("an unknown error gets the code of its phase", () => {
  assert.equal(code(new Deno.errors.NetworkUnreachable("words"), "connect"), "ECONNREFUSED");
  assert.equal(code("odd", "connect"), "ECONNREFUSED");
  assert.equal(code(new TypeError("Invalid hostname"), "tls"), "TLS");
  assert.equal(code(new Error("odd"), "exchange"), "ECONNRESET");
});

Deno.test("errors of TLS keep their code and words", () => {
  const error = new TlsError("TLS_EXPIRED", "words", null);
  const failure = socketFailure(error, "exchange");
  assert.deepEqual([failure.code, failure.message], ["TLS_EXPIRED", "words"]);
  assert.equal(failure.cause, error);
});

Deno.test("a WireError is returned unchanged", () => {
  const failure = new WireError("BAD_RESPONSE", "odd");
  assert.equal(socketFailure(failure, "connect"), failure);
});
