/**
 * Connections of TLS: over the runtime's own TLS where it can do what is asked, because it costs least, and
 * over `node:tls` otherwise.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { NodeTlsSocket, type TlsConnectOptions } from "./node_tls.ts";
import {
  hostAndPort,
  isResetError,
  type Socket,
  type SocketFacts,
  type SocketHandler,
} from "./socket.ts";
import { tlsFailure } from "./tls_errors.ts";
import { Turns } from "./turns.ts";

/**
 * Opens a connection of TLS. The handler learns when the handshake is done, or how it failed: with a
 * {@link TlsError} if TLS is the reason.
 */
export function openTls(options: TlsConnectOptions, handler: SocketHandler): Socket {
  return canUseRuntime(options)
    ? new RuntimeTlsSocket(options, handler)
    : new NodeTlsSocket(options, handler);
}

/**
 * `Deno.startTls` takes no client certificate, cannot be told to accept any certificate, and works only on the
 * runtime's own TCP connections, which cannot be bound to an address. `Deno.connectTls` takes a client
 * certificate, but delays small packets (no TCP_NODELAY) and cannot be aborted. Neither tells anything about the
 * handshake.
 */
function canUseRuntime({ settings, over, localAddress }: TlsConnectOptions): boolean {
  return over === null && localAddress === null && settings.cert === null && !settings.insecure &&
    settings.minVersion !== "TLSv1.3" && settings.isInspected !== true;
}

/** Most responses fit. If one does not, the next read can be larger. */
const FIRST_BUFFER = 1024;
const MAX_BUFFER = 65_536;

let hasCertificates = false;

/**
 * The runtime reads the system's certificates from files when it needs them for the first time. If it finds
 * no file descriptor then, it may do without them for good. So it reads them before connections take all
 * descriptors.
 */
function loadCertificates(): void {
  if (hasCertificates) return;
  Deno.createHttpClient({}).close();
  hasCertificates = true;
}

/**
 * Lets a number of handshakes run at the same time. Each takes over 100 KB while it runs, which the process
 * keeps afterwards: thousands of users that start in the same second would need twice the memory for the
 * whole run, and none of their handshakes would end sooner. One that takes long, because the network or the
 * server is slow, no longer keeps others waiting.
 */
export class HandshakeLimit {
  readonly #limit: number;
  readonly #patienceMs: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /**
   * @param limit how many can run, as long as none takes longer than `patienceMs`.
   * @param patienceMs in milliseconds.
   */
  constructor(limit: number, patienceMs: number) {
    this.#limit = limit;
    this.#patienceMs = patienceMs;
  }

  /** Resolves when a handshake can begin, with a function to call when it has ended. */
  async enter(): Promise<() => void> {
    if (this.#running >= this.#limit) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    let isRunning = true;
    const leave = (): void => {
      if (!isRunning) return;
      isRunning = false;
      clearTimeout(timer);
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    };
    const timer = setTimeout(leave, this.#patienceMs);
    return leave;
  }
}

/** A process has one processor for its handshakes. 256 keep it busy, even if each waits for a distant server. */
const handshakes = new HandshakeLimit(256, 500);

/** The runtime completes the reads of many streams at once. */
const turns = new Turns();

class RuntimeTlsSocket implements Socket {
  handler: SocketHandler;
  protocol: string | null = null;
  unsent = 0;
  readonly #controller = new AbortController();
  #conn: Deno.Conn | null = null;
  #state: "opening" | "open" | "lost" | "closed" = "opening";
  #ended = false;
  /** Why writing has failed. It is reported when nothing more can be read. */
  #writeError: unknown = null;
  #buffer = new Uint8Array(FIRST_BUFFER);
  /** What the reader waits for, and how to end that; `null` unless reading is paused. */
  #pause: PromiseWithResolvers<void> | null = null;
  /** What is to be written after what is being written. */
  #queue: Uint8Array<ArrayBuffer>[] | null = null;
  #writing: Uint8Array<ArrayBuffer> | null = null;

  constructor(options: TlsConnectOptions, handler: SocketHandler) {
    this.handler = handler;
    this.#run(options);
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.#state !== "open" || this.#writeError !== null) return true;
    this.unsent += bytes.length;
    if (this.#writing === null) this.#write(bytes);
    else (this.#queue ??= []).push(bytes);
    return false;
  }

  async wasReset(probe: Uint8Array<ArrayBuffer>): Promise<boolean> {
    if (this.#conn === null || this.#state === "closed") return false;
    if (isResetError(this.#writeError)) return true;
    try {
      await this.#conn.write(probe);
      return false;
    } catch (error) {
      return isResetError(error);
    }
  }

  pause(): void {
    if (this.#state === "open") this.#pause ??= Promise.withResolvers();
  }

  resume(): void {
    this.#pause?.resolve();
    this.#pause = null;
  }

  /** The runtime does not tell anything about the handshake. */
  facts(): SocketFacts {
    const address = this.#conn?.remoteAddr;
    const isKnown = address?.transport === "tcp";
    return { remote: isKnown ? hostAndPort(address.hostname, address.port) : null, tls: null };
  }

  close(): void {
    const wasOpening = this.#state === "opening";
    this.#state = "closed";
    this.resume();
    if (wasOpening) this.#controller.abort();
    this.#closeConn();
  }

  #closeConn(): void {
    try {
      this.#conn?.close();
    } catch {
      // The handshake has taken over the connection.
    }
    this.#conn = null;
  }

  /** The only async function of a connection: one that reads costs less than a callback for each read. */
  async #run(options: TlsConnectOptions): Promise<void> {
    try {
      const conn = await this.#open(options);
      if (conn === null) return;
      this.#state = "open";
      this.handler.onOpen();
      // The promise jobs that opening starts run before anything else is delivered.
      await new Promise<void>((resolve) => setImmediate(resolve));
      // It changes while a handler runs.
      while (this.#isReading()) {
        const count = await conn.read(this.#buffer);
        if (!turns.take()) await new Promise<void>((resolve) => turns.wait(resolve));
        while (this.#pause !== null) await this.#pause.promise;
        if (!this.#isReading()) return;
        if (count === null) return this.#end();
        const buffer = this.#buffer;
        if (count === buffer.length && count < MAX_BUFFER) {
          this.#buffer = new Uint8Array(count * 4);
        }
        this.#deliver(buffer, count);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** An error that the handler throws is not one of the connection. It is reported like any uncaught one. */
  #deliver(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    try {
      this.handler.onData(bytes, length);
    } catch (error) {
      reportError(error);
    }
  }

  #isReading(): boolean {
    return this.#state === "open";
  }

  /** Connects, and makes the handshake. `null` if the socket has been closed meanwhile. */
  async #open(options: TlsConnectOptions): Promise<Deno.TlsConn | null> {
    // This also leaves the call of openTls, in which the handler must not be called.
    const leave = await handshakes.enter();
    try {
      return this.#isClosed() ? null : await this.#connect(options);
    } finally {
      leave();
    }
  }

  async #connect(options: TlsConnectOptions): Promise<Deno.TlsConn | null> {
    const { address, port, hostname, settings, protocols, onConnecting, onConnected } = options;
    loadCertificates();
    const { signal } = this.#controller;
    onConnecting?.();
    const tcp = await Deno.connect({ hostname: address, port, signal });
    this.#conn = tcp;
    if (this.#isClosed()) return this.#discard();
    // A request and its body can be two writes, and without this the second would be delayed.
    tcp.setNoDelay(true);
    onConnected?.();
    if (this.#isClosed()) return this.#discard();
    const tls = await Deno.startTls(tcp, {
      hostname: settings.serverName ?? hostname,
      alpnProtocols: protocols as string[],
      caCerts: settings.ca as string[],
    });
    this.#conn = tls;
    if (this.#isClosed()) return this.#discard();
    this.protocol = (await tls.handshake()).alpnProtocol;
    return this.#isClosed() ? this.#discard() : tls;
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #discard(): null {
    this.#closeConn();
    return null;
  }

  #end(): void {
    this.#ended = true;
    if (this.#writeError !== null) this.#fail(this.#writeError);
    else this.handler.onEnd();
  }

  #write(bytes: Uint8Array<ArrayBuffer>): void {
    this.#writing = bytes;
    this.#conn!.write(bytes).then(this.#onWritten, this.#onWriteError);
  }

  readonly #onWritten = (count: number): void => {
    if (this.#state !== "open") return;
    this.unsent -= count;
    const rest = this.#writing!;
    if (count < rest.length) return this.#write(rest.subarray(count));
    const next = this.#queue?.shift();
    if (next !== undefined) return this.#write(next);
    this.#writing = null;
    this.handler.onDrain();
  };

  readonly #onWriteError = (error: unknown): void => {
    if (this.#state !== "open") return;
    this.#writeError = error;
    this.unsent = 0;
    this.#writing = null;
    this.#queue = null;
    // Until the stream ends, there may be bytes that arrived before the connection was lost.
    if (this.#ended) this.#fail(error);
  };

  #fail(error: unknown): void {
    if (this.#state === "lost" || this.#state === "closed") return;
    const open = this.#state === "open";
    this.#state = "lost";
    if (isResetError(error)) this.#writeError ??= error;
    // Writing fails first after a reset, and what follows is then a mere end.
    const isEnd = error instanceof Deno.errors.UnexpectedEof && this.#writeError !== null;
    const reason = isEnd ? this.#writeError : error;
    this.handler.onError(tlsFailure(reason, { open, hasCertificate: false }));
  }
}
