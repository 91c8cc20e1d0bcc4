/**
 * Stream sockets with callbacks. A promise per read or write costs more than the read itself, and the
 * runtime's own TCP streams starve users as soon as a few hundred of them are busy.
 *
 * @module
 */

/** What happens on a {@link Socket}. Callbacks are never called from inside a call to the socket. */
export interface SocketHandler {
  /**
   * The connection is open. Called once, before all others except {@link onError}. The promise jobs that it
   * starts run before anything else is delivered.
   */
  onOpen(): void;
  /** Bytes have arrived: the first `length` of `bytes`, which are valid only during this call. */
  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void;
  /** The other side has ended its stream. It can still receive. */
  onEnd(): void;
  /** Everything is written that an earlier {@link Socket.write} could not write immediately. */
  onDrain(): void;
  /**
   * The connection could not be opened, or is lost. What arrived before the loss has been delivered.
   * Nothing is called after it. The socket must still be closed.
   *
   * @param error of the system (with `code`, such as `ECONNRESET`), or of TLS.
   */
  onError(error: unknown): void;
}

/** A connection of TCP or TLS. */
export interface Socket {
  /** Receives everything from now on. It can be replaced at any time. */
  handler: SocketHandler;
  /** The protocol that both sides have agreed on in TLS (ALPN), such as `h2`; `null` for none. Missing without TLS. */
  readonly protocol?: string | null;
  /** How many bytes were given to {@link write} that the system has not taken yet. */
  readonly unsent: number;
  /**
   * Sends bytes. Returns `true` if the system has taken all of them; otherwise the rest follows as soon as
   * possible, and then {@link SocketHandler.onDrain} is called. Does nothing on a connection that is lost or
   * closed, and returns `true` there, because nothing will follow. Errors are reported to the handler.
   *
   * @param bytes must not be changed before they are sent.
   */
  write(bytes: Uint8Array<ArrayBuffer>): boolean;
  /**
   * Sends bytes and tells whether the other side had reset the connection by then. Resolves with `false` if
   * that cannot be known. It can also be called after {@link SocketHandler.onEnd} and
   * {@link SocketHandler.onError}.
   */
  wasReset(probe: Uint8Array<ArrayBuffer>): Promise<boolean>;
  /**
   * Stops reading, so that the other side has to wait as soon as the buffers of both systems are full. Until
   * {@link resume}, nothing is called but {@link SocketHandler.onDrain}, and not even the end or the loss of the
   * connection is noticed.
   */
  pause(): void;
  /** Reads again. Does nothing if the socket is not paused. */
  resume(): void;
  /** What is known about it while it is open. Missing if nothing is. */
  facts?(): SocketFacts;
  /** Closes the connection at once. No callback is called afterwards. */
  close(): void;
}

/** What is known about the TLS of a connection. */
export interface TlsFacts {
  /** Such as `TLSv1.3`. */
  readonly version: string;
  /** The standard's name of the cipher suite. */
  readonly cipher: string;
  /** Whom the certificate is for, such as `CN=shop.example`; empty if that is not known. */
  readonly subject: string;
  /** Who has signed it. */
  readonly issuer: string;
  /** Until when it is valid. */
  readonly validTo: string;
}

/** What is known about an open connection. */
export interface SocketFacts {
  /** Address and port of the other side; `null` if they are not known. */
  readonly remote: string | null;
  /** `null` without TLS, and if the runtime does not tell. */
  readonly tls: TlsFacts | null;
}

/** An address and a port as in a URL. */
export function hostAndPort(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** Where to open a TCP connection to, and from where. */
export interface SocketAddress {
  /** An IP address; an IPv6 address can have a zone, but no brackets. */
  readonly address: string;
  readonly port: number;
  /** The IP address that the connection leaves from; `null` for the system's choice. */
  readonly localAddress: string | null;
}

/** How sockets are implemented: by the system's epoll, called directly, or by the runtime's `node:net`. */
export type SocketKind = "epoll" | "node:net";

/** Opens TCP connections. */
export interface Sockets {
  readonly kind: SocketKind;
  /** Opens a connection; the handler learns how that ends. Small writes are sent without delay. */
  open(to: SocketAddress, handler: SocketHandler): Socket;
  /**
   * Delivers what the system has received until now, on the runtime's own streams as well. Resolves when
   * that is done, and the callbacks' own promises have been served. Used before a time limit is enforced, so
   * that no limit is exceeded only because this process was late.
   */
  drain(): Promise<void>;
  /**
   * What the system knows about up to `max` open connections, about other ones each time. Missing if the
   * implementation cannot ask for it.
   */
  tcpInfo?(max: number): readonly TcpInfo[];
}

/** What the system knows about a TCP connection. */
export interface TcpInfo {
  /** The smoothed round-trip time, in milliseconds. */
  readonly rttMs: number;
  /** Segments sent again since the connection was opened. */
  readonly retransmits: number;
}

/** The system's codes and the runtime's error classes of a reset. */
const RESETS: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ConnectionReset",
  "ConnectionAborted",
  "BrokenPipe",
]);

/** Whether the other side has reset the connection, as opposed to a mere end of its stream. */
export function isResetError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return RESETS.has(error.name) || ("code" in error && RESETS.has(String(error.code)));
}
