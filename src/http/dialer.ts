/**
 * Opening connections: names, addresses, proxies and TLS.
 *
 * @module
 */

import { type ByteStream, writeAll } from "../core/network.ts";
import { connectedEndpoint, type ConnectTo, type Endpoint } from "./connect_to.ts";
import type { Expiring } from "./connection_timers.ts";
import type { DnsCache } from "./dns_cache.ts";
import { insecureTls } from "./insecure_tls.ts";
import type { Origin, Proxies, Proxy } from "./proxies.ts";
import { WireError } from "./request_error.ts";
import { socketFailure } from "./socket_errors.ts";

/** Options of a {@link Dialer}. */
export interface DialerOptions {
  readonly dns: DnsCache;
  readonly proxies: Proxies;
  /** Whether to accept any certificate of a target. Certificates of proxies are always checked. */
  readonly insecure: boolean;
  /** Trusted certificates in PEM, in addition to those of the system. */
  readonly caCerts: readonly string[];
  /** Where connections lead instead of to the origin. It does not apply to proxies. */
  readonly connectTo: readonly ConnectTo[];
}

/** Opens connections. Any number of users can share it. */
export class Dialer {
  readonly #options: DialerOptions;
  readonly #caCerts: string[];
  #hasCertificates = false;

  constructor(options: DialerOptions) {
    this.#options = options;
    this.#caCerts = [...options.caCerts];
  }

  /**
   * Opens a connection to an origin, including the TLS handshake. For a plain origin with a proxy, the
   * connection leads to the proxy, and requests must be in absolute form. Rejects with a WireError and
   * nothing else, after closing what was opened. (Without `insecure`, there is one exception: the runtime
   * does not close a connection during a TLS handshake until the other side answers or closes it.)
   *
   * @param signal ends the attempt at any time: with the signal's reason if it is a WireError, else with
   *   `ABORTED`. It has no effect on a connection that is open.
   */
  async dial(origin: Origin, signal: AbortSignal): Promise<ByteStream> {
    if (signal.aborted) throw abortError(signal);
    const pending = new PendingDial(signal);
    try {
      const proxy = this.#options.proxies.proxyFor(origin);
      if (origin.secure || proxy?.secure === true) this.#loadCertificates();
      const stream = proxy === null
        ? await this.#dialOrigin(origin, pending)
        : await this.#dialThrough(proxy, origin, pending);
      return pending.hold(stream);
    } catch (error) {
      pending.close();
      throw signal.aborted ? abortError(signal) : socketFailure(error, "connect");
    } finally {
      pending.end();
    }
  }

  /**
   * The runtime reads the system's certificates from files when it needs them for the first time. If it
   * finds no file descriptor then, it may do without them for good. So it reads them before connections
   * take all descriptors.
   */
  #loadCertificates(): void {
    if (this.#hasCertificates) return;
    try {
      Deno.createHttpClient({}).close();
    } catch (error) {
      throw socketFailure(error, "tls");
    }
    this.#hasCertificates = true;
  }

  async #dialOrigin(origin: Origin, pending: PendingDial): Promise<ByteStream> {
    const { hostname, port } = connectedEndpoint(this.#options.connectTo, origin);
    const tcp = await this.#connect(hostname, port, pending);
    if (!origin.secure) return tcp;
    return this.#options.insecure
      ? await handshakeInsecurely(tcp, origin.hostname, pending)
      : await this.#handshake(tcp, origin.hostname, pending);
  }

  async #dialThrough(proxy: Proxy, origin: Origin, pending: PendingDial): Promise<ByteStream> {
    const tcp = await withProxyInErrors(proxy, () => {
      return this.#connect(proxy.hostname, proxy.port, pending);
    });
    const stream = !proxy.secure ? tcp : await withProxyInErrors(proxy, () => {
      return this.#handshake(tcp, proxy.hostname, pending);
    });
    if (!origin.secure) return stream;
    const to = connectedEndpoint(this.#options.connectTo, origin);
    if (proxy.secure && !this.#options.insecure) throw tlsInTlsError(proxy);
    await withProxyInErrors(proxy, () => openTunnel(stream, proxy, to));
    return this.#options.insecure
      ? await handshakeInsecurely(stream, origin.hostname, pending)
      : await this.#handshake(tcp, origin.hostname, pending);
  }

  async #connect(hostname: string, port: number, pending: PendingDial): Promise<Deno.TcpConn> {
    const { signal } = pending;
    const addresses = await pending.wait(this.#options.dns.lookup(hostname));
    let failure: WireError | null = null;
    for (const address of addresses) {
      try {
        const tcp = pending.hold(await Deno.connect({ hostname: address, port, signal }));
        // A request and its body can be two writes, and without this the second would be delayed.
        tcp.setNoDelay(true);
        return tcp;
      } catch (error) {
        pending.close();
        if (signal.aborted) throw error;
        failure = socketFailure(error, "connect");
        // The other addresses would fail as well, or hide that this machine is the reason.
        if (failure.code === "EMFILE" || failure.code === "ENOBUFS") throw failure;
        if (address !== hostname) failure = withPlace(address, failure);
      }
    }
    throw failure;
  }

  async #handshake(
    tcp: Deno.TcpConn,
    hostname: string,
    pending: PendingDial,
  ): Promise<Deno.TlsConn> {
    try {
      const tls = pending.hold(
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

/** Adds the proxy to errors, because the URL of the request alone would be misleading. */
async function withProxyInErrors<T>(proxy: Proxy, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw withPlace(`the proxy ${proxy.hostname}:${proxy.port}`, socketFailure(error, "exchange"));
  }
}

async function handshakeInsecurely(
  transport: ByteStream,
  hostname: string,
  pending: PendingDial,
): Promise<ByteStream> {
  return pending.hold(await insecureTls(transport, hostname));
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

/** What one dial has opened so far. It is closed when the signal is aborted. */
class PendingDial {
  readonly signal: AbortSignal;
  readonly #onAbort = (): void => this.#abort();
  #stream: ByteStream | null = null;
  #giveUp: ((reason: WireError) => void) | null = null;

  constructor(signal: AbortSignal) {
    this.signal = signal;
    signal.addEventListener("abort", this.#onAbort);
  }

  /** Takes over a stream, replacing the one that it was created from. */
  hold<T extends ByteStream>(stream: T): T {
    this.#stream = stream;
    // The stream can become ready just after the signal was aborted.
    if (this.signal.aborted) throw abortError(this.signal);
    return stream;
  }

  /** Waits for something that cannot be aborted, but not beyond the signal. */
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
      // The handshake has taken over the connection, or the abort has closed it.
    }
    this.#stream = null;
  }

  end(): void {
    this.signal.removeEventListener("abort", this.#onAbort);
  }

  #abort(): void {
    this.#giveUp?.(abortError(this.signal));
    this.close();
  }
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

function tlsInTlsError(proxy: Proxy): WireError {
  const detail =
    `the connection to the proxy ${proxy.hostname}:${proxy.port} uses TLS, and TLS to the ` +
    "target inside it is only possible with --insecure; an http:// proxy works";
  return new WireError("TLS", detail);
}

/** The largest answer to CONNECT, in bytes. */
const MAX_HEAD = 65_536;

/**
 * Asks a proxy to forward bytes. When this resolves, the stream leads there. Rejects with a
 * WireError: `ECONNREFUSED` if the proxy refuses, `BAD_RESPONSE` if its answer is not HTTP. Errors of
 * the stream pass through.
 *
 * @param stream a new connection to the proxy.
 */
export async function openTunnel(stream: ByteStream, proxy: Proxy, to: Endpoint): Promise<void> {
  await writeAll(stream, connectRequest(proxy, to));
  const head = await readHead(stream);
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
    // In TLS the client speaks first, so the origin cannot have sent anything yet. A refusal can have a
    // body, which is ignored.
    if (end + 4 < head.length && head.startsWith("2", 9)) {
      throw new WireError("BAD_RESPONSE", "unexpected bytes after the answer to CONNECT");
    }
    return head;
  }
  throw new WireError("BAD_RESPONSE", "the answer to CONNECT is too long");
}
