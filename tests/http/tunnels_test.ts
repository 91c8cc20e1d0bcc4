import assert from "node:assert/strict";
import { originOf, type Proxy } from "../../src/http/proxies.ts";
import { WireError } from "../../src/http/request_error.ts";
import { openTunnel } from "../../src/http/tunnels.ts";
import type { Socket, SocketHandler } from "../../src/net/socket.ts";

const nothing = (): void => {};
const SILENT: SocketHandler = {
  onOpen: nothing,
  onData: nothing,
  onEnd: nothing,
  onDrain: nothing,
  onError: nothing,
};

const proxy: Proxy = { hostname: "proxy", port: 80, secure: false, authorization: null };

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
