/**
 * Opening connections: names, addresses, proxies and TLS.
 *
 * @module
 */

import { isIP } from "node:net";
import type { Clock } from "../core/clock.ts";
import type { Socket, SocketAddress, Sockets } from "../net/socket.ts";
import { DEFAULT_TLS, type TlsSettings } from "../net/tls_settings.ts";
import type { TlsConnectOptions } from "../net/node_tls.ts";
import { openTls } from "../net/tls_sockets.ts";
import type { AddressOrder, DnsOrder } from "./address_order.ts";
import { ConnectRace, type Entrant, failureAt, Opening } from "./connect_race.ts";
import { connectedEndpoint, type ConnectTo, type Endpoint } from "./connect_to.ts";
import { logUnreachable } from "./connection_log.ts";
import type { DeadlineSweep } from "./connection_timers.ts";
import type { DnsCache } from "./dns_cache.ts";
import type { Origin, Proxies, Proxy, SocksOptions } from "./proxies.ts";
import { WireError } from "./request_error.ts";
import { socketFailure } from "./socket_errors.ts";
import { openSocks, openTunnel } from "./tunnels.ts";

/** Options of a {@link Dialer}. */
export interface DialerOptions {
  readonly clock: Clock;
  readonly sockets: Sockets;
  readonly dns: DnsCache;
  readonly addressOrder: AddressOrder;
  /** Tells when to try the next address of a name. */
  readonly deadlines: DeadlineSweep;
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
  /** Which address of a name is tried first. */
  readonly dns: DnsOrder;
  /** The protocols to offer over TLS (ALPN), the preferred one first. */
  readonly protocols: readonly string[];
  /** Whether connections to plain origins go through a tunnel if there is a proxy, as those to secure ones do. */
  readonly tunnelsPlain?: boolean;
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
   * connection leads to the proxy, and requests must be in absolute form, unless the settings ask for a tunnel.
   * Rejects with a WireError and nothing else, after closing what was opened.
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

/** One dial, with everything that it has opened so far. It is closed when the signal is aborted. */
class PendingDial {
  readonly #options: DialerOptions;
  readonly #settings: DialSettings;
  readonly #signal: AbortSignal;
  readonly #takeTurn: () => number;
  readonly #main = new Opening();
  readonly #onAbort = (): void => this.#main.giveUp(abortError(this.#signal));
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
    // Several attempts through a proxy can look up its name at the same time.
    return { socket, dnsMs: this.#dnsMs, connectMs: Math.max(connectMs, 0), tlsMs: this.#tlsMs };
  }

  close(): void {
    this.#main.close();
  }

  end(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
  }

  #dialOrigin(origin: Origin): Promise<Socket> {
    const to = connectedEndpoint(this.#options.connectTo, origin);
    const tls = origin.secure ? this.#settings.tls : null;
    return this.#connect(this.#main, to, origin.hostname, tls);
  }

  async #dialThrough(proxy: Proxy, origin: Origin): Promise<Socket> {
    const { tls } = this.#settings;
    const main = this.#main;
    if (proxy.socks !== null) return await this.#dialThroughSocks(proxy, proxy.socks, origin);
    const socket = await withProxyInErrors(proxy, () => {
      return this.#connect(main, proxy, proxy.hostname, proxy.secure ? forProxy(tls) : null);
    });
    if (!origin.secure && !this.#settings.tunnelsPlain) return socket;
    const to = connectedEndpoint(this.#options.connectTo, origin);
    await withProxyInErrors(proxy, () => main.wait(() => openTunnel(socket, proxy, to)));
    if (!origin.secure) return socket;
    return await this.#openTlsThrough(proxy, origin, socket);
  }

  async #dialThroughSocks(proxy: Proxy, socks: SocksOptions, origin: Origin): Promise<Socket> {
    const to = connectedEndpoint(this.#options.connectTo, origin);
    const { hostname, port } = to;
    const main = this.#main;
    const connect = (opening: Opening, address: string): Promise<Socket> => {
      return this.#connectThroughSocks(opening, proxy, socks, { hostname: address, port });
    };
    let addresses: readonly string[] = [hostname];
    if (!socks.resolvesNames && isIP(hostname) === 0) {
      const known = await this.#lookup(main, hostname);
      addresses = this.#options.addressOrder.arrange(to, known, this.#settings.dns);
    }
    const socket = addresses.length > 1
      ? await this.#race(main, addresses, port, (address, entrant) => {
        entrant.onConnecting();
        return connect(entrant.opening, address);
      })
      : await connect(main, addresses[0]!);
    return origin.secure ? await this.#openTlsThrough(proxy, origin, socket) : socket;
  }

  #connectThroughSocks(
    opening: Opening,
    proxy: Proxy,
    socks: SocksOptions,
    to: Endpoint,
  ): Promise<Socket> {
    return withProxyInErrors(proxy, async () => {
      const socket = await this.#connect(opening, proxy, proxy.hostname, null);
      await opening.wait(() => openSocks(socket, socks, to));
      return socket;
    });
  }

  #openTlsThrough(proxy: Proxy, origin: Origin, socket: Socket): Promise<Socket> {
    const via = { address: proxy.hostname, port: proxy.port, localAddress: null };
    return this.#openTls(this.#main, via, origin.hostname, this.#settings.tls, socket, null);
  }

  /**
   * Opens a connection to one of the addresses of a name.
   *
   * @param serverName whose certificate is expected.
   */
  async #connect(
    opening: Opening,
    endpoint: Endpoint,
    serverName: string,
    tls: TlsSettings | null,
  ): Promise<Socket> {
    const { hostname, port } = endpoint;
    const addresses = await this.#addressesOf(opening, endpoint);
    const [first = ""] = addresses;
    if (addresses.length > 1) {
      return await this.#race(opening, addresses, port, (address, entrant) => {
        return this.#connectTo(entrant.opening, address, port, serverName, tls, entrant);
      });
    }
    try {
      return await this.#connectTo(opening, first, port, serverName, tls, null);
    } catch (error) {
      throw first === hostname || error instanceof WireError
        ? error
        : failureAt(first, socketFailure(error, "connect"));
    }
  }

  /** Rejects with a WireError if TLS has failed, and with the error of the socket before that. */
  async #connectTo(
    opening: Opening,
    address: string,
    port: number,
    serverName: string,
    tls: TlsSettings | null,
    entrant: Entrant | null,
  ): Promise<Socket> {
    const to = { address, port, localAddress: this.#localAddress() };
    if (tls !== null) return await this.#openTls(opening, to, serverName, tls, null, entrant);
    entrant?.onConnecting();
    return await opening.open((handler) => this.#options.sockets.open(to, handler));
  }

  /** Tries several addresses. */
  async #race(
    opening: Opening,
    addresses: readonly string[],
    port: number,
    connect: (address: string, entrant: Entrant) => Promise<Socket>,
  ): Promise<Socket> {
    const { clock, deadlines, addressOrder } = this.#options;
    const race = new ConnectRace(addresses, { clock, deadlines, connect }, {
      onAccepted: (address) => addressOrder.accept(address, port),
      onFailed: (address) => {
        addressOrder.avoid(address, port);
        logUnreachable(address, port);
      },
    });
    return await opening.run(race);
  }

  /** The addresses of a name in the order in which to try them, or an address itself. */
  async #addressesOf(opening: Opening, endpoint: Endpoint): Promise<readonly string[]> {
    const { hostname } = endpoint;
    if (isIP(hostname) !== 0) return this.#withinReach(hostname, [hostname]);
    const usable = this.#withinReach(hostname, await this.#lookup(opening, hostname));
    return this.#options.addressOrder.arrange(endpoint, usable, this.#settings.dns);
  }

  async #lookup(opening: Opening, hostname: string): Promise<readonly string[]> {
    const { clock, dns } = this.#options;
    const startedAt = clock.now();
    const addresses = await opening.wait(() => dns.lookup(hostname));
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
    opening: Opening,
    to: SocketAddress,
    hostname: string,
    settings: TlsSettings,
    over: Socket | null,
    entrant: Entrant | null,
  ): Promise<Socket> {
    const { clock, sockets } = this.#options;
    const protocols = settings === this.#settings.tls ? this.#settings.protocols : TO_PROXIES;
    let connectedAt = over === null ? null : clock.now();
    const onConnecting = (): void => entrant?.onConnecting();
    const onConnected = (): void => {
      connectedAt = clock.now();
      entrant?.onConnected();
    };
    try {
      const socket = await opening.open((handler) => {
        const options: TlsConnectOptions = {
          sockets,
          ...to,
          hostname,
          settings,
          protocols,
          over,
          onConnecting,
          onConnected,
        };
        return openTls(options, handler);
      });
      const now = clock.now();
      this.#tlsMs = Math.max(this.#tlsMs, 0) + now - (connectedAt ?? now);
      return socket;
    } catch (error) {
      throw connectedAt === null ? error : socketFailure(error, "tls");
    }
  }
}

/** Adds the proxy to errors, because the URL of the request alone would be misleading. */
async function withProxyInErrors<T>(proxy: Proxy, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw failureAt(`the proxy ${proxy.hostname}:${proxy.port}`, socketFailure(error, "exchange"));
  }
}

function abortError(signal: AbortSignal): WireError {
  const reason: unknown = signal.reason;
  return reason instanceof WireError
    ? reason
    : new WireError("ABORTED", "the user was stopped", reason);
}

/** What is offered to proxies that are reached over TLS. */
const TO_PROXIES = ["http/1.1"];

/** Certificates of proxies are always checked, and proxies do not get the client's certificate. */
function forProxy({ ca }: TlsSettings): TlsSettings {
  return { ...DEFAULT_TLS, ca };
}
