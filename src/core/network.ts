/**
 * TCP and TLS streams for everything that is not a request of a test: the cluster's connections and the
 * dashboard.
 *
 * @module
 */

import { systemReason } from "./errors.ts";

/** A plain or TLS connection: the part of `Deno.Conn` that aiotest uses. */
export interface ByteStream {
  /** Reads some bytes; resolves with their number, or `null` at the end of the stream. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Writes some of the bytes; resolves with their number. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  /** Closes the connection; pending reads and writes reject. */
  close(): void;
}

/** A name or address as it is written in a URL. */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Writes all bytes, with as many writes as the stream needs. */
export async function writeAll(
  stream: Pick<ByteStream, "write">,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await stream.write(rest));
}

/** Where to connect to. */
export interface ConnectOptions {
  readonly hostname: string;
  readonly port: number;
  /** TLS with additional trusted authorities in PEM; `null` for plain TCP. */
  readonly tls: { readonly caCerts: readonly string[] } | null;
}

/**
 * Opens a connection. Rejects with `Deno.errors.ConnectionRefused` and other errors of the system, and
 * with `Deno.errors.InvalidData` if the TLS handshake fails.
 */
export async function connect({ hostname, port, tls }: ConnectOptions): Promise<ByteStream> {
  const conn = tls === null
    ? await Deno.connect({ hostname, port })
    : await connectTls(hostname, port, tls.caCerts);
  disableNagle(conn);
  return conn;
}

/** Completes the handshake first. Otherwise an untrusted certificate would look like a closed connection. */
async function connectTls(
  hostname: string,
  port: number,
  caCerts: readonly string[],
): Promise<Deno.TlsConn> {
  const conn = await Deno.connectTls({ hostname, port, caCerts: [...caCerts] });
  try {
    await conn.handshake();
    return conn;
  } catch (error) {
    conn.close();
    throw error;
  }
}

/**
 * Why connections cannot leave from an IP address, in words; `null` if they can.
 *
 * @param address can be IPv6 with a zone, but without brackets.
 */
export function localAddressProblem(address: string): string | null {
  try {
    // What an interface lists is not all: on Linux, the whole of 127.0.0.0/8 works.
    Deno.listen({ hostname: address, port: 0 }).close();
    return null;
  } catch (error) {
    // The address is this machine's, but all of its ports are in use at the moment.
    if (error instanceof Deno.errors.AddrInUse) return null;
    if (!(error instanceof Deno.errors.AddrNotAvailable)) return systemReason(error);
    // Addresses of a link are the same on each, and need its name.
    const own = Deno.networkInterfaces()
      .map(({ name, address }) => /^fe[89ab]/i.test(address) ? `${address}%${name}` : address);
    return `not an address of this machine, which has ${own.join(", ")}`;
  }
}

/** In place of an address to listen on: all addresses of the machine, of IPv4 and of IPv6. */
export const ANY_ADDRESS = "*";

/** Where to listen. */
export interface ListenOptions {
  /** A name, an address, or {@link ANY_ADDRESS}. */
  readonly hostname: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Certificate and key in PEM; `null` for plain TCP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

/** An accepted connection. */
export interface AcceptedStream {
  readonly stream: ByteStream;
  /** The peer's address without the port. An IPv4 address is written as such on every listener. */
  readonly address: string;
}

/** Accepts connections. */
export interface StreamListener {
  readonly port: number;
  /** The next connection; `null` once the listener is closed. */
  accept(): Promise<AcceptedStream | null>;
  close(): void;
}

/** The wait after a failed accept: out of file descriptors, or a connection that was reset. */
const ACCEPT_RETRY_MS = 50;

/**
 * Listens for TCP or TLS connections.
 *
 * @throws `Deno.errors.AddrInUse` and other errors of the system.
 */
export function listen(options: ListenOptions): StreamListener {
  return options.hostname === ANY_ADDRESS ? listenEverywhere(options) : listenAt(options);
}

/** On a machine without IPv6, only IPv4. */
function listenEverywhere(options: ListenOptions): StreamListener {
  let ipv6: StreamListener;
  try {
    ipv6 = listenAt({ ...options, hostname: "::" });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    return listenAt({ ...options, hostname: "0.0.0.0" });
  }
  try {
    return bothOf(ipv6, listenAt({ ...options, hostname: "0.0.0.0", port: ipv6.port }));
  } catch {
    // On most systems, the first listener accepts IPv4 as well, and the port is therefore in use.
    return ipv6;
  }
}

/** For systems on which each IP version needs its own listener. */
function bothOf(one: StreamListener, other: StreamListener): StreamListener {
  const pending = new Map<StreamListener, Promise<AcceptedStream | null>>();
  return {
    port: one.port,
    async accept(): Promise<AcceptedStream | null> {
      const next = [one, other].map(async (listener) => {
        if (!pending.has(listener)) pending.set(listener, listener.accept());
        return { listener, accepted: await pending.get(listener)! };
      });
      const { listener, accepted } = await Promise.race(next);
      pending.delete(listener);
      return accepted;
    },
    close(): void {
      one.close();
      other.close();
    },
  };
}

function listenAt({ hostname, port, tls }: ListenOptions): StreamListener {
  const listener = tls === null
    ? Deno.listen({ hostname, port })
    : Deno.listenTls({ hostname, port, ...tls });
  return {
    port: listener.addr.port,
    async accept(): Promise<AcceptedStream | null> {
      for (;;) {
        try {
          const conn = await listener.accept();
          disableNagle(conn);
          return { stream: conn, address: plainAddress(conn.remoteAddr.hostname) };
        } catch (error) {
          if (
            error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted
          ) {
            return null;
          }
          // The error affects one connection, or is temporary. The listener continues.
          await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_MS));
        }
      }
    },
    close: () => listener.close(),
  };
}

/** An address, but an IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) as IPv4. */
export function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

/** Small messages are sent immediately. Deno's TLS streams do not offer this option. */
function disableNagle(conn: Deno.Conn): void {
  if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
}

/** Limits how many connections are open at the same time, for each address and in total. */
export class ConnectionLimiter {
  readonly #perAddress: number;
  readonly #total: number;
  /** Only addresses with open connections. */
  readonly #open = new Map<string, number>();
  #count = 0;

  /**
   * @param perAddress connections per address, at least 1.
   * @param total connections of all addresses.
   */
  constructor(perAddress: number, total = Infinity) {
    this.#perAddress = perAddress;
    this.#total = total;
  }

  /** Whether the connections of all addresses have reached the limit. */
  get isFull(): boolean {
    return this.#count >= this.#total;
  }

  /** Counts a new connection and returns true; false if a limit is reached. */
  enter(address: string): boolean {
    const open = this.#open.get(address) ?? 0;
    if (this.isFull || open >= this.#perAddress) return false;
    this.#open.set(address, open + 1);
    this.#count++;
    return true;
  }

  /** Counts the end of a connection that has entered. */
  leave(address: string): void {
    const open = this.#open.get(address) ?? 0;
    if (open > 1) this.#open.set(address, open - 1);
    else this.#open.delete(address);
    if (open > 0) this.#count--;
  }
}
