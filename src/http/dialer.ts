/**
 * Opening connections: names, addresses, proxies and TLS.
 *
 * @module
 */

import { isIP } from "node:net";
import type { Clock } from "../core/clock.ts";
import type { Socket, SocketAddress, SocketHandler, Sockets } from "../net/socket.ts";
import { DEFAULT_TLS, type TlsSettings } from "../net/tls_settings.ts";
import { openTls } from "../net/tls_sockets.ts";
import { connectedEndpoint, type ConnectTo, type Endpoint } from "./connect_to.ts";
import type { Expiring } from "./connection_timers.ts";
import type { DnsCache } from "./dns_cache.ts";
import type { Origin, Proxies, Proxy } from "./proxies.ts";
import { WireError } from "./request_error.ts";
import { socketFailure } from "./socket_errors.ts";

/** Options of a {@link Dialer}. */
export interface DialerOptions {
  readonly clock: Clock;
  readonly sockets: Sockets;
  readonly dns: DnsCache;
  readonly proxies: Proxies;
  /** Where connections lead instead of to the origin. It does not apply to proxies. */
  readonly connectTo: readonly ConnectTo[];
}

/** What a class of users asks of its connections. */
export interface DialSettings {
  /** For targets. Certificates of proxies are checked with {@link TlsSettings.ca} alone. */
  readonly tls: TlsSettings;
  /** IP addresses of this machine that connections leave from, in turn; empty for the system's choice. */
  readonly localAddresses: readonly string[];
}

/** An open connection, and how long each step of opening it has taken. */
export interface DialedSocket {
  readonly socket: Socket;
  /** The lookup of the name in milliseconds; -1 for an address. */
  readonly dnsMs: number;
  /** Opening the TCP connection, and the tunnel through a proxy, in milliseconds. */
  readonly connectMs: number;
  /** The TLS handshake in milliseconds; -1 without TLS. */
  readonly tlsMs: number;
}

/** Opens connections. Any number of users can share it. */
export class Dialer {
  readonly #options: DialerOptions;
  /** How many connections were opened from a local address of a list. */
  #turn = 0;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /**
   * Opens a connection to an origin, including the TLS handshake. For a plain origin with a proxy, the
   * connection leads to the proxy, and requests must be in absolute form. Rejects with a WireError and
   * nothing else, after closing what was opened.
   *
   * @param signal ends the attempt at any time: with the signal's reason if it is a WireError, else with
   *   `ABORTED`. It has no effect on a connection that is open.
   */
  async dial(origin: Origin, settings: DialSettings, signal: AbortSignal): Promise<DialedSocket> {
    if (signal.aborted) throw abortError(signal);
    const dial = new PendingDial(this.#options, settings, signal, () => this.#turn++);
    try {
      return await dial.run(origin);
    } catch (error) {
      dial.close();
      throw signal.aborted ? abortError(signal) : socketFailure(error, "connect");
    } finally {
      dial.end();
    }
  }
}

/** What one dial has opened so far. It is closed when the signal is aborted. */
class PendingDial {
  readonly #options: DialerOptions;
  readonly #settings: DialSettings;
  readonly #signal: AbortSignal;
  readonly #takeTurn: () => number;
  readonly #onAbort = (): void => this.#abort();
  #socket: Socket | null = null;
  #giveUp: ((reason: WireError) => void) | null = null;
  #dnsMs = -1;
  #tlsMs = -1;

  constructor(
    options: DialerOptions,
    settings: DialSettings,
    signal: AbortSignal,
    takeTurn: () => number,
  ) {
    this.#options = options;
    this.#settings = settings;
    this.#signal = signal;
    this.#takeTurn = takeTurn;
    signal.addEventListener("abort", this.#onAbort);
  }

  async run(origin: Origin): Promise<DialedSocket> {
    const { clock, proxies } = this.#options;
    const startedAt = clock.now();
    const proxy = proxies.proxyFor(origin);
    const socket = proxy === null
      ? await this.#dialOrigin(origin)
      : await this.#dialThrough(proxy, origin);
    const connectMs = clock.now() - startedAt - Math.max(this.#dnsMs, 0) - Math.max(this.#tlsMs, 0);
    return { socket, dnsMs: this.#dnsMs, connectMs, tlsMs: this.#tlsMs };
  }

  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  end(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
  }

  #dialOrigin(origin: Origin): Promise<Socket> {
    const to = connectedEndpoint(this.#options.connectTo, origin);
    return this.#connect(to, origin.hostname, origin.secure ? this.#settings.tls : null);
  }

  async #dialThrough(proxy: Proxy, origin: Origin): Promise<Socket> {
    const { tls } = this.#settings;
    const socket = await withProxyInErrors(proxy, () => {
      return this.#connect(proxy, proxy.hostname, proxy.secure ? forProxy(tls) : null);
    });
    if (!origin.secure) return socket;
    const to = connectedEndpoint(this.#options.connectTo, origin);
    await withProxyInErrors(proxy, () => this.#wait(openTunnel(socket, proxy, to)));
    const via = { address: proxy.hostname, port: proxy.port, localAddress: null };
    return await this.#openTls(via, origin.hostname, tls, socket);
  }

  /**
   * Opens a connection to the first address of a name that accepts one.
   *
   * @param serverName whose certificate is expected.
   */
  async #connect(
    { hostname, port }: Endpoint,
    serverName: string,
    tls: TlsSettings | null,
  ): Promise<Socket> {
    const addresses = this.#withinReach(hostname, await this.#lookup(hostname));
    let failure: WireError | null = null;
    for (const address of addresses) {
      const to = { address, port, localAddress: this.#localAddress() };
      try {
        return tls === null
          ? await this.#open((handler) => this.#options.sockets.open(to, handler))
          : await this.#openTls(to, serverName, tls, null);
      } catch (error) {
        this.close();
        // The server has answered, and would answer at its other addresses alike.
        if (this.#signal.aborted || error instanceof WireError) throw error;
        failure = socketFailure(error, "connect");
        // The other addresses would fail as well, or hide that this machine is the reason.
        if (failure.code === "EMFILE" || failure.code === "ENOBUFS") throw failure;
        if (address !== hostname) failure = withPlace(address, failure);
      }
    }
    throw failure;
  }

  async #lookup(hostname: string): Promise<readonly string[]> {
    const { clock, dns } = this.#options;
    if (isIP(hostname) !== 0) return [hostname];
    const startedAt = clock.now();
    const addresses = await this.#wait(dns.lookup(hostname));
    this.#dnsMs = Math.max(this.#dnsMs, 0) + clock.now() - startedAt;
    return addresses;
  }

  /** The addresses that are of the same family as the local ones. */
  #withinReach(hostname: string, addresses: readonly string[]): readonly string[] {
    const [local] = this.#settings.localAddresses;
    if (local === undefined) return addresses;
    const family = isIP(local);
    const usable = addresses.filter((address) => isIP(address) === family);
    if (usable.length > 0) return usable;
    throw new WireError(
      "BAD_REQUEST",
      `${hostname} has no IPv${family} address, and connections leave from ${local}`,
    );
  }

  #localAddress(): string | null {
    const { localAddresses } = this.#settings;
    if (localAddresses.length === 0) return null;
    return localAddresses[this.#takeTurn() % localAddresses.length]!;
  }

  /**
   * Opens a TLS connection. Rejects with a WireError if the handshake fails, and with the error of the
   * socket before that.
   *
   * @param over the connection to put it on; `null` for a new one.
   */
  async #openTls(
    to: SocketAddress,
    hostname: string,
    settings: TlsSettings,
    over: Socket | null,
  ): Promise<Socket> {
    const { clock, sockets } = this.#options;
    let connectedAt = over === null ? null : clock.now();
    const onConnected = (): void => void (connectedAt = clock.now());
    try {
      const socket = await this.#open((handler) => {
        return openTls({ sockets, ...to, hostname, settings, over, onConnected }, handler);
      });
      const now = clock.now();
      this.#tlsMs = Math.max(this.#tlsMs, 0) + now - (connectedAt ?? now);
      return socket;
    } catch (error) {
      throw connectedAt === null ? error : socketFailure(error, "tls");
    }
  }

  /** Waits for a socket to open. */
  async #open(start: (handler: SocketHandler) => Socket): Promise<Socket> {
    const opening = new OpeningSocket();
    const socket = this.#socket = start(opening);
    await this.#wait(opening.opened);
    return socket;
  }

  /** Waits for something that cannot be aborted, but not beyond the signal. */
  #wait<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      promise.then(resolve, reject);
    });
  }

  #abort(): void {
    this.#giveUp?.(abortError(this.#signal));
    this.close();
  }
}

/** Adds the proxy to errors, because the URL of the request alone would be misleading. */
async function withProxyInErrors<T>(proxy: Proxy, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw withPlace(`the proxy ${proxy.hostname}:${proxy.port}`, socketFailure(error, "exchange"));
  }
}

/** An attempt to open a connection, with a time limit. */
export class ConnectAttempt implements Expiring {
  deadline: number;
  readonly #isConnectLimit: boolean;
  readonly #controller = new AbortController();

  /** @param connectDeadline of this attempt; `deadline` is that of the whole exchange. In milliseconds. */
  constructor(connectDeadline: number, deadline: number) {
    this.deadline = Math.min(connectDeadline, deadline);
    this.#isConnectLimit = connectDeadline < deadline;
  }

  /** Aborted with a WireError when the attempt has to end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  expire(): void {
    const code = this.#isConnectLimit ? "CONNECT_TIMEOUT" : "TIMEOUT";
    this.fail(new WireError(code, "no connection in time"));
  }

  /** Ends the attempt. */
  fail(failure: WireError): void {
    this.deadline = Infinity;
    this.#controller.abort(failure);
  }
}

/** Receives what happens on a socket until a connection takes it over. */
class OpeningSocket implements SocketHandler {
  /** Resolves when the socket is open. */
  readonly opened: Promise<void>;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.opened = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onOpen(): void {
    this.#resolve();
  }

  onError(error: unknown): void {
    this.#reject(error);
  }

  // The promise jobs after onOpen run before anything else happens on the socket.
  onData(): void {}
  onEnd(): void {}
  onDrain(): void {}
}

function abortError(signal: AbortSignal): WireError {
  const reason: unknown = signal.reason;
  return reason instanceof WireError
    ? reason
    : new WireError("ABORTED", "the user was stopped", reason);
}

function withPlace(place: string, { code, message, cause }: WireError): WireError {
  return new WireError(code, `${place}: ${message}`, cause);
}

/** Certificates of proxies are always checked, and proxies do not get the client's certificate. */
function forProxy({ ca }: TlsSettings): TlsSettings {
  return { ...DEFAULT_TLS, ca };
}

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
