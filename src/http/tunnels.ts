/**
 * Tunnels through proxies.
 *
 * @module
 */

import { isIP } from "node:net";
import { urlHost } from "../core/network.ts";
import type { Socket, SocketHandler } from "../net/socket.ts";
import type { Endpoint } from "./connect_to.ts";
import { MAX_SOCKS_TEXT, type Proxy, type SocksOptions } from "./proxies.ts";
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
  const target = `${urlHost(hostname)}:${port}`;
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

const SOCKS_5 = 5;
const NO_AUTHENTICATION = 0;
const USER_AND_PASSWORD = 2;
const NOTHING_ACCEPTABLE = 0xff;
const CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;

/** The reasons of RFC 1928, by their codes. */
const SOCKS_REASONS: Readonly<Record<number, string>> = {
  1: "general failure",
  2: "connections there are not allowed",
  3: "network unreachable",
  4: "host unreachable",
  5: "connection refused",
  6: "TTL expired",
  7: "command not supported",
  8: "type of address not supported",
};

/**
 * Asks a SOCKS proxy to forward bytes (RFC 1928, with user name and password as of RFC 1929). When this
 * resolves, the socket leads there. Rejects with a WireError: `ECONNREFUSED` if the proxy refuses,
 * `BAD_RESPONSE` if it does not speak SOCKS 5. Errors of the socket pass through.
 *
 * @param socket a new connection to the proxy.
 * @param to an address, or a name that the proxy looks up.
 */
export async function openSocks(
  socket: Socket,
  { credentials }: SocksOptions,
  to: Endpoint,
): Promise<void> {
  const request = socksRequest(to);
  const reader = new SocksReader();
  socket.handler = reader;
  const methods = credentials === null
    ? [NO_AUTHENTICATION]
    : [NO_AUTHENTICATION, USER_AND_PASSWORD];
  socket.write(Uint8Array.of(SOCKS_5, methods.length, ...methods));
  const [version, method] = await reader.read(2);
  checkVersion(version);
  if (method === USER_AND_PASSWORD && credentials !== null) {
    const { user, password } = credentials;
    socket.write(Uint8Array.of(1, user.length, ...user, password.length, ...password));
    const [, status] = await reader.read(2);
    if (status !== 0) throw refused("it does not accept the user name and password");
  } else if (method === NOTHING_ACCEPTABLE) {
    throw refused(
      credentials === null ? "it requires a user name and password" : "it requires another login",
    );
  } else if (method !== NO_AUTHENTICATION) {
    throw new WireError("BAD_RESPONSE", `it chose method ${method}, which was not offered`);
  }
  socket.write(request);
  const [again, reply, , type] = await reader.read(4);
  checkVersion(again);
  if (reply !== 0) throw refused(`it answered: ${SOCKS_REASONS[reply!] ?? `error ${reply}`}`);
  await reader.read(type === IPV4 ? 6 : type === IPV6 ? 18 : (await reader.read(1))[0]! + 2);
  // The client speaks first, so the origin cannot have sent anything yet.
  if (reader.hasMore) throw new WireError("BAD_RESPONSE", "unexpected bytes after its answer");
}

function checkVersion(version: number | undefined): void {
  if (version !== SOCKS_5) throw new WireError("BAD_RESPONSE", "it does not speak SOCKS 5");
}

function refused(detail: string): WireError {
  return new WireError("ECONNREFUSED", detail);
}

function socksRequest({ hostname, port }: Endpoint): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(SOCKS_5, CONNECT, 0, ...socksAddress(hostname), port >> 8, port & 0xff);
}

function socksAddress(hostname: string): number[] {
  const [address = ""] = hostname.split("%");
  if (isIP(hostname) === 4) return [IPV4, ...hostname.split(".").map(Number)];
  if (isIP(hostname) === 6) return [IPV6, ...ipv6Bytes(address)];
  const name = new TextEncoder().encode(hostname);
  if (name.length > MAX_SOCKS_TEXT) {
    throw new WireError("BAD_REQUEST", `the name of the host has over ${MAX_SOCKS_TEXT} bytes`);
  }
  return [NAME, name.length, ...name];
}

function ipv6Bytes(address: string): number[] {
  // A URL has the address in its shortest form, without dots.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const words = (text: string): number[] => {
    return text === "" ? [] : text.split(":").map((word) => parseInt(word, 16));
  };
  const [first, last] = [words(head), words(tail ?? "")];
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  return all.flatMap((word) => [word >> 8, word & 0xff]);
}

/** Hands out the bytes of a SOCKS proxy as they are asked for. */
class SocksReader implements SocketHandler {
  readonly #bytes: number[] = [];
  #failure: unknown = null;
  #wake: (() => void) | null = null;

  /** Whether bytes have arrived that were not read. */
  get hasMore(): boolean {
    return this.#bytes.length > 0;
  }

  /** Rejects with a WireError at the end of the stream, and with the error of the socket. */
  async read(count: number): Promise<number[]> {
    while (this.#bytes.length < count) {
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#bytes.splice(0, count);
  }

  onOpen(): void {}
  onDrain(): void {}

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    if (this.#bytes.length + length > MAX_HEAD) {
      return this.onError(new WireError("BAD_RESPONSE", "its answer is too long"));
    }
    for (let i = 0; i < length; i++) this.#bytes.push(bytes[i]!);
    this.#wake?.();
  }

  onEnd(): void {
    this.onError(new WireError("ECONNRESET", "it closed the connection before it answered"));
  }

  onError(error: unknown): void {
    this.#failure ??= error;
    this.#wake?.();
  }
}
