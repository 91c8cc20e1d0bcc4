import assert from "node:assert/strict";
import { originOf, type Proxy, type SocksOptions } from "../../src/http/proxies.ts";
import { WireError } from "../../src/http/request_error.ts";
import { openSocks, openTunnel } from "../../src/http/tunnels.ts";
import type { Socket, SocketHandler } from "../../src/net/socket.ts";

const nothing = (): void => {};
const SILENT: SocketHandler = {
  onOpen: nothing,
  onData: nothing,
  onEnd: nothing,
  onDrain: nothing,
  onError: nothing,
};

const proxy: Proxy = {
  hostname: "proxy",
  port: 80,
  secure: false,
  authorization: null,
  socks: null,
};

/** A proxy that answers with these pieces, one at a time, and ends. */
class ScriptedProxy implements Socket {
  handler: SocketHandler = SILENT;
  readonly unsent = 0;
  sent = "";
  readonly #pieces: string[];

  constructor(...pieces: string[]) {
    this.#pieces = pieces;
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    this.sent += new TextDecoder().decode(bytes);
    queueMicrotask(() => this.#answer());
    return true;
  }

  wasReset(): Promise<boolean> {
    return Promise.resolve(false);
  }

  pause(): void {}

  resume(): void {}

  close(): void {}

  #answer(): void {
    for (const piece of this.#pieces) {
      const bytes = new TextEncoder().encode(piece);
      this.handler.onData(bytes, bytes.length);
    }
    this.handler.onEnd();
  }
}

async function tunnelFailure(...pieces: string[]): Promise<string> {
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

Deno.test("CONNECT always names host and port, and carries the proxy's credentials", async () => {
  assert.equal(
    await sentFor("https://target.test/path", null),
    "CONNECT target.test:443 HTTP/1.1\r\nHost: target.test:443\r\n\r\n",
  );
  assert.equal(
    await sentFor("https://[::1]:8443/", "Basic abc"),
    "CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\nProxy-Authorization: Basic abc\r\n\r\n",
  );
});

Deno.test("any 2xx opens the tunnel, however the answer is cut", async () => {
  const opened = "HTTP/1.0 299 \r\nVia: me\r\n\r\n";
  const target = originOf(new URL("https://target/"));
  await openTunnel(new ScriptedProxy(opened), proxy, target);
  await openTunnel(new ScriptedProxy(...opened), proxy, target);
});

Deno.test("a refusal reports the proxy's status and ignores its body", async () => {
  assert.equal(
    await tunnelFailure(
      "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nNo",
    ),
    "ECONNREFUSED: it answered 407 Proxy Authentication Required",
  );
  assert.equal(await tunnelFailure("HTTP/1.1 502\r\n\r\n"), "ECONNREFUSED: it answered 502");
});

Deno.test("invalid answers to CONNECT", async () => {
  assert.equal(
    await tunnelFailure("SSH-2.0-OpenSSH\r\n\r\n"),
    "BAD_RESPONSE: the answer to CONNECT is not HTTP",
  );
  assert.equal(
    await tunnelFailure("HTTP/1.1 200 OK\r\n\r\nmore"),
    "BAD_RESPONSE: unexpected bytes after the answer to CONNECT",
  );
  assert.equal(
    await tunnelFailure(...Array(17).fill("x".repeat(4096))),
    "BAD_RESPONSE: the answer to CONNECT is too long",
  );
  assert.equal(
    await tunnelFailure("HTTP/1.1 200 OK\r\n"),
    "ECONNRESET: it closed the connection before it answered CONNECT",
  );
});

/** A SOCKS proxy that answers each message with the next piece. */
class ScriptedSocks implements Socket {
  handler: SocketHandler = SILENT;
  readonly unsent = 0;
  readonly sent: number[][] = [];
  readonly #pieces: readonly (readonly number[])[];
  readonly #splits: boolean;

  constructor(pieces: readonly (readonly number[])[], splits = false) {
    this.#pieces = pieces;
    this.#splits = splits;
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    const piece = this.#pieces[this.sent.length];
    this.sent.push([...bytes]);
    queueMicrotask(() => {
      if (piece === undefined) return this.handler.onEnd();
      const parts = this.#splits ? piece.map((byte) => [byte]) : [piece];
      for (const part of parts) this.handler.onData(Uint8Array.from(part), part.length);
    });
    return true;
  }

  wasReset(): Promise<boolean> {
    return Promise.resolve(false);
  }

  pause(): void {}

  resume(): void {}

  close(): void {}
}

const OPEN: SocksOptions = { resolvesNames: true, credentials: null };
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const LOGIN: SocksOptions = {
  resolvesNames: true,
  credentials: { user: bytesOf("me"), password: bytesOf("key") },
};
const GRANTED = [5, 0, 0, 1, 127, 0, 0, 1, 4, 56];

async function socksSent(
  hostname: string,
  options: SocksOptions,
  ...pieces: number[][]
): Promise<number[][]> {
  for (const splits of [true, false]) {
    const socket = new ScriptedSocks(pieces, splits);
    await openSocks(socket, options, { hostname, port: 443 });
    if (!splits) return socket.sent;
  }
  return [];
}

async function socksFailure(options: SocksOptions, ...pieces: number[][]): Promise<string> {
  const opening = openSocks(new ScriptedSocks(pieces), options, { hostname: "a", port: 80 });
  const error: unknown = await opening.then(() => null, (error: unknown) => error);
  assert.ok(error instanceof WireError);
  return `${error.code}: ${error.message}`;
}

Deno.test("SOCKS: names, addresses of both families, and any form of the proxy's own address", async () => {
  const [greeting, toName] = await socksSent("a.test", OPEN, [5, 0], GRANTED);
  assert.deepEqual(greeting, [5, 1, 0]);
  assert.deepEqual(toName, [5, 1, 0, 3, 6, ...bytesOf("a.test"), 1, 187]);
  const [, toIpv4] = await socksSent("10.0.0.255", OPEN, [5, 0], [5, 0, 0, 3, 2, 97, 98, 0, 80]);
  assert.deepEqual(toIpv4, [5, 1, 0, 1, 10, 0, 0, 255, 1, 187]);
  const bound = [5, 0, 0, 4, ...Array<number>(16).fill(0), 0, 80];
  const [, toIpv6] = await socksSent("2001:db8::1.2.3.4", OPEN, [5, 0], bound);
  const address = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
  assert.deepEqual(toIpv6, [5, 1, 0, 4, ...address, 1, 187]);
});

Deno.test("SOCKS: the proxy chooses whether it wants user name and password", async () => {
  const login = await socksSent("a", LOGIN, [5, 2], [1, 0], GRANTED);
  assert.deepEqual(login.slice(0, 2), [[5, 2, 0, 2], [1, 2, 109, 101, 3, 107, 101, 121]]);
  assert.equal((await socksSent("a", LOGIN, [5, 0], GRANTED)).length, 2);
});

Deno.test("SOCKS: refusals say why, and other answers are invalid", async () => {
  assert.equal(
    await socksFailure(OPEN, [5, 255]),
    "ECONNREFUSED: it requires a user name and password",
  );
  assert.equal(
    await socksFailure(LOGIN, [5, 2], [1, 1]),
    "ECONNREFUSED: it does not accept the user name and password",
  );
  assert.equal(await socksFailure(LOGIN, [5, 255]), "ECONNREFUSED: it requires another login");
  assert.equal(
    await socksFailure(OPEN, [5, 0], [5, 4, 0, 1, 0, 0, 0, 0, 0, 0]),
    "ECONNREFUSED: it answered: host unreachable",
  );
  assert.equal(
    await socksFailure(OPEN, [5, 0], [5, 99, 0, 1]),
    "ECONNREFUSED: it answered: error 99",
  );
  assert.equal(
    await socksFailure(OPEN, [...bytesOf("HTTP/1.1 400")]),
    "BAD_RESPONSE: it does not speak SOCKS 5",
  );
  assert.equal(
    await socksFailure(OPEN, [5, 2]),
    "BAD_RESPONSE: it chose method 2, which was not offered",
  );
  assert.equal(
    await socksFailure(OPEN, [5, 0], [...GRANTED, 1]),
    "BAD_RESPONSE: unexpected bytes after its answer",
  );
  assert.equal(
    await socksFailure(OPEN, [5, 0]),
    "ECONNRESET: it closed the connection before it answered",
  );
});
