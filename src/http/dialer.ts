/**
 * Opening connections: names, addresses, proxies and TLS.
 *
 * @module
 */

import { type ByteStream, writeAll } from "../core/network.ts";
import type { Expiring } from "./connection_timers.ts";
import type { DnsCache } from "./dns_cache.ts";
import { insecureTls } from "./insecure_tls.ts";
import type { Origin, Proxies, Proxy } from "./proxies.ts";
import { WireError } from "./request_error.ts";
import { socketFailure } from "./socket_errors.ts";

/** What a dialer needs to know. */
export interface DialerOptions {
  readonly dns: DnsCache;
  readonly proxies: Proxies;
  /** Whether any certificate of a target is accepted; those of proxies are always checked. */
  readonly insecure: boolean;
  /** Certificates, in PEM, that are trusted beside the system's. */
  readonly caCerts: readonly string[];
}

/** Opens connections; holds none, and may be shared by any number of users. */
export class Dialer {
  readonly #options: DialerOptions;
  readonly #caCerts: string[];

  constructor(options: DialerOptions) {
    this.#options = options;
    this.#caCerts = [...options.caCerts];
  }

  /**
   * Opens a connection to an origin, TLS handshake included; to its proxy where the origin is plain
   * and has one, which is then to be sent the absolute form. Rejects with a WireError and nothing
   * else, and then whatever was opened is closed. (One exception, which only `insecure` does not have:
   * the runtime does not let go of a connection in the middle of a TLS handshake until the other side
   * answers or closes it.)
   *
   * @param signal ends it at any time: with the signal's reason where that is a WireError, else with
   *   `ABORTED`. Once this has resolved, the signal means nothing to the connection.
   */
  async dial(origin: Origin, signal: AbortSignal): Promise<ByteStream> {
    if (signal.aborted) throw abortion(signal);
    const opening = new PendingDial(signal);
    try {
      const proxy = this.#options.proxies.proxyFor(origin);
      const stream = proxy === null
        ? await this.#dialOrigin(origin, opening)
        : await this.#dialThrough(proxy, origin, opening);
      return opening.hold(stream);
    } catch (error) {
      opening.close();
      throw signal.aborted ? abortion(signal) : socketFailure(error, "connect");
    } finally {
      opening.end();
    }
  }

  async #dialOrigin(origin: Origin, opening: PendingDial): Promise<ByteStream> {
    const tcp = await this.#connect(origin.hostname, origin.port, opening);
    if (!origin.secure) return tcp;
    return this.#options.insecure
      ? await shakeHandsBlindly(tcp, origin.hostname, opening)
      : await this.#shakeHands(tcp, origin.hostname, opening);
  }

  async #dialThrough(proxy: Proxy, origin: Origin, opening: PendingDial): Promise<ByteStream> {
    const tcp = await reachProxy(proxy, () => {
      return this.#connect(proxy.hostname, proxy.port, opening);
    });
    const stream = !proxy.secure ? tcp : await reachProxy(proxy, () => {
      return this.#shakeHands(tcp, proxy.hostname, opening);
    });
    if (!origin.secure) return stream;
    if (proxy.secure && !this.#options.insecure) throw tlsInTls(proxy);
    await reachProxy(proxy, () => openTunnel(stream, proxy, origin));
    return this.#options.insecure
      ? await shakeHandsBlindly(stream, origin.hostname, opening)
      : await this.#shakeHands(tcp, origin.hostname, opening);
  }

  async #connect(hostname: string, port: number, opening: PendingDial): Promise<Deno.TcpConn> {
    const { signal } = opening;
    const addresses = await opening.wait(this.#options.dns.lookup(hostname));
    let failure: WireError | null = null;
    for (const address of addresses) {
      try {
        const tcp = opening.hold(await Deno.connect({ hostname: address, port, signal }));
        // A request and its body may be two writes, and the second would wait for an answer.
        tcp.setNoDelay(true);
        return tcp;
      } catch (error) {
        opening.close();
        if (signal.aborted) throw error;
        failure = socketFailure(error, "connect");
        if (address !== hostname) failure = at(address, failure);
      }
    }
    throw failure;
  }

  async #shakeHands(
    tcp: Deno.TcpConn,
    hostname: string,
    opening: PendingDial,
  ): Promise<Deno.TlsConn> {
    try {
      const tls = opening.hold(
        await Deno.startTls(tcp, {
          hostname,
          alpnProtocols: ["http/1.1"],
          caCerts: this.#caCerts,
        }),
      );
      await tls.handshake();
      return tls;
    } catch (error) {
      throw socketFailure(error, "tls");
    }
  }
}

/** Says of what goes wrong that it is about the proxy: the request's URL would mislead. */
async function reachProxy<T>(proxy: Proxy, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw at(`the proxy ${proxy.hostname}:${proxy.port}`, socketFailure(error, "exchange"));
  }
}

async function shakeHandsBlindly(
  transport: ByteStream,
  hostname: string,
  opening: PendingDial,
): Promise<ByteStream> {
  return opening.hold(await insecureTls(transport, hostname));
}

/** The opening of one connection, which must be over in time. */
export class ConnectAttempt implements Expiring {
  deadline: number;
  readonly #isConnectLimit: boolean;
  readonly #controller = new AbortController();

  /** @param connectDeadline for this connection; `deadline` for the whole exchange: in milliseconds. */
  constructor(connectDeadline: number, deadline: number) {
    this.deadline = Math.min(connectDeadline, deadline);
    this.#isConnectLimit = connectDeadline < deadline;
  }

  /** Aborted, with a WireError, when it has to end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  expire(): void {
    const code = this.#isConnectLimit ? "CONNECT_TIMEOUT" : "TIMEOUT";
    this.fail(new WireError(code, "no connection in time"));
  }

  /** Gives it up. */
  fail(failure: WireError): void {
    this.deadline = Infinity;
    this.#controller.abort(failure);
  }
}

/** What one dial has opened so far, which is closed when its signal says so. */
class PendingDial {
  readonly signal: AbortSignal;
  readonly #onAbort = (): void => this.#abort();
  #stream: ByteStream | null = null;
  #giveUp: ((reason: WireError) => void) | null = null;

  constructor(signal: AbortSignal) {
    this.signal = signal;
    signal.addEventListener("abort", this.#onAbort);
  }

  /** Takes charge of a stream, in place of the one that it was made from. */
  hold<T extends ByteStream>(stream: T): T {
    this.#stream = stream;
    // It may have been ready at the very moment at which nobody wanted it any more.
    if (this.signal.aborted) throw abortion(this.signal);
    return stream;
  }

  /** Waits for something that cannot be stopped, no longer than the signal allows. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      promise.then(resolve, reject);
    });
  }

  close(): void {
    try {
      this.#stream?.close();
    } catch {
      // The handshake has taken the connection over, or the abort has closed it.
    }
    this.#stream = null;
  }

  end(): void {
    this.signal.removeEventListener("abort", this.#onAbort);
  }

  #abort(): void {
    this.#giveUp?.(abortion(this.signal));
    this.close();
  }
}

function abortion(signal: AbortSignal): WireError {
  const reason: unknown = signal.reason;
  return reason instanceof WireError
    ? reason
    : new WireError("ABORTED", "its user had to stop", reason);
}

function at(place: string, { code, message, cause }: WireError): WireError {
  return new WireError(code, `${place}: ${message}`, cause);
}

function tlsInTls(proxy: Proxy): WireError {
  const detail =
    `the proxy ${proxy.hostname}:${proxy.port} is talked to over TLS, and TLS to the ` +
    "target inside of it is only possible with --insecure; an http:// proxy works";
  return new WireError("TLS", detail);
}

/** The most that a proxy may say before the tunnel is there. */
const MAX_HEAD = 65_536;

/**
 * Asks a proxy to pass bytes on to an origin; when this resolves, the stream leads there. Rejects
 * with a WireError: `ECONNREFUSED` where the proxy refuses, `BAD_RESPONSE` where its answer is not
 * HTTP; what the stream itself is rejected with passes through.
 *
 * @param stream a new connection to the proxy.
 */
export async function openTunnel(stream: ByteStream, proxy: Proxy, origin: Origin): Promise<void> {
  await writeAll(stream, connectRequest(proxy, origin));
  const head = await readHead(stream);
  const [, status, reason] = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?\r\n/.exec(head) ?? [];
  if (status === undefined) {
    throw new WireError("BAD_RESPONSE", "the answer to CONNECT is not HTTP");
  }
  if (status.startsWith("2")) return;
  throw new WireError("ECONNREFUSED", `it answered ${status} ${reason ?? ""}`.trimEnd());
}

function connectRequest(proxy: Proxy, origin: Origin): Uint8Array<ArrayBuffer> {
  const { hostname, port } = origin;
  const target = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  const authorization = proxy.authorization === null
    ? ""
    : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  const head = `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`;
  return new TextEncoder().encode(head);
}

async function readHead(stream: ByteStream): Promise<string> {
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(4096);
  for (let head = ""; head.length < MAX_HEAD;) {
    const count = await stream.read(buffer);
    if (count === null) {
      throw new WireError("ECONNRESET", "it closed the connection before it answered CONNECT");
    }
    head += decoder.decode(buffer.subarray(0, count));
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) continue;
    // In TLS the client speaks first, so nothing can have come from the origin yet. A refusal may
    // well have a body, which nobody needs.
    if (end + 4 < head.length && head.startsWith("2", 9)) {
      throw new WireError("BAD_RESPONSE", "something came behind the answer to CONNECT");
    }
    return head;
  }
  throw new WireError("BAD_RESPONSE", "the answer to CONNECT is too long");
}
