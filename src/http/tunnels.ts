/**
 * Tunnels through proxies.
 *
 * @module
 */

import type { Socket, SocketHandler } from "../net/socket.ts";
import type { Endpoint } from "./connect_to.ts";
import type { Proxy } from "./proxies.ts";
import { WireError } from "./request_error.ts";

/** The largest answer to CONNECT, in bytes. */
const MAX_HEAD = 65_536;

/**
 * Asks a proxy to forward bytes. When this resolves, the socket leads there. Rejects with a
 * WireError: `ECONNREFUSED` if the proxy refuses, `BAD_RESPONSE` if its answer is not HTTP. Errors of
 * the socket pass through.
 *
 * @param socket a new connection to the proxy.
 */
export async function openTunnel(socket: Socket, proxy: Proxy, to: Endpoint): Promise<void> {
  const answer = new TunnelAnswer();
  socket.handler = answer;
  socket.write(connectRequest(proxy, to));
  const head = await answer.head;
  const [, status, reason] = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?\r\n/.exec(head) ?? [];
  if (status === undefined) {
    throw new WireError("BAD_RESPONSE", "the answer to CONNECT is not HTTP");
  }
  if (status.startsWith("2")) return;
  throw new WireError("ECONNREFUSED", `it answered ${status} ${reason ?? ""}`.trimEnd());
}

function connectRequest(proxy: Proxy, { hostname, port }: Endpoint): Uint8Array<ArrayBuffer> {
  const target = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  const authorization = proxy.authorization === null
    ? ""
    : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  const head = `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`;
  return new TextEncoder().encode(head);
}

/** Gathers the head of a proxy's answer to CONNECT. */
class TunnelAnswer implements SocketHandler {
  /** Resolves with the head; rejects with a WireError, or with the error of the socket. */
  readonly head: Promise<string>;
  readonly #resolve: (head: string) => void;
  readonly #reject: (error: unknown) => void;
  readonly #decoder = new TextDecoder("latin1");
  #text = "";

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.head = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onOpen(): void {}
  onDrain(): void {}

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    const text = this.#text += this.#decoder.decode(bytes.subarray(0, length));
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) {
      // In TLS the client speaks first, so the origin cannot have sent anything yet. A refusal can have a
      // body, which is ignored.
      const isEarly = end + 4 < text.length && text.startsWith("2", 9);
      if (isEarly) this.#fail("unexpected bytes after the answer to CONNECT");
      else this.#resolve(text);
    } else if (text.length >= MAX_HEAD) {
      this.#fail("the answer to CONNECT is too long");
    }
  }

  onEnd(): void {
    const detail = "it closed the connection before it answered CONNECT";
    this.#reject(new WireError("ECONNRESET", detail));
  }

  onError(error: unknown): void {
    this.#reject(error);
  }

  #fail(detail: string): void {
    this.#reject(new WireError("BAD_RESPONSE", detail));
  }
}
