/**
 * TLS of `node:tls` on top of any socket. It costs more than the runtime's own TLS, and can do what that
 * cannot: client certificates, accepting any certificate, a minimum version, and TLS inside a tunnel or another
 * connection of TLS.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers";
import { connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import type {
  Socket,
  SocketAddress,
  SocketFacts,
  SocketHandler,
  Sockets,
  TlsFacts,
} from "./socket.ts";
import { AUTHORITY_AS_SERVER, TlsError, tlsFailure } from "./tls_errors.ts";
import type { TlsSettings } from "./tls_settings.ts";

/** Which connection of TLS to open. */
export interface TlsConnectOptions extends SocketAddress {
  /** Opens the TCP connection, unless the runtime does. */
  readonly sockets: Sockets;
  /** The name or address that the certificate is checked against. A name is sent, too (SNI). */
  readonly hostname: string;
  readonly settings: TlsSettings;
  /** The protocols to offer (ALPN), the preferred one first. */
  readonly protocols: readonly string[];
  /**
   * An open socket to put TLS on, such as a tunnel through a proxy, instead of a new connection. It belongs
   * to the returned socket.
   */
  readonly over: Socket | null;
  /** Called when the TCP connection begins to be opened. Not called for {@link over}. */
  readonly onConnecting?: () => void;
  /** Called when the TCP connection is open and the handshake begins. Not called for {@link over}. */
  readonly onConnected?: () => void;
}

const NOTHING = new Uint8Array(0);

/** A connection of TLS over another socket. */
export class NodeTlsSocket implements Socket {
  handler: SocketHandler;
  readonly #options: TlsConnectOptions;
  readonly #lower: Socket;
  readonly #carrier: Carrier;
  #tls: TLSSocket | null = null;
  #state: "opening" | "open" | "lost" | "closed" = "opening";
  #ended = false;
  #awaitsDrain = false;
  #isPaused = false;

  constructor(options: TlsConnectOptions, handler: SocketHandler) {
    this.handler = handler;
    this.#options = options;
    this.#carrier = new Carrier({
      onOpen: () => {
        if (this.#state === "closed") return;
        options.onConnected?.();
        this.#start();
      },
      onEnd: () => this.#lowerEnded(),
      onLost: (error) => this.#fail(error),
      onWritten: this.#onWritten,
    });
    if (options.over === null) options.onConnecting?.();
    this.#lower = options.over ?? options.sockets.open(options, this.#carrier);
    this.#carrier.lower = this.#lower;
    if (options.over !== null) {
      options.over.handler = this.#carrier;
      queueMicrotask(() => this.#start());
    }
  }

  get protocol(): string | null {
    return this.#tls?.alpnProtocol || null;
  }

  get unsent(): number {
    return this.#state === "open" ? this.#tls!.writableLength + this.#lower.unsent : 0;
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.#state !== "open") return true;
    this.#awaitsDrain = true;
    this.#tls!.write(bytes, this.#onWritten);
    return false;
  }

  async wasReset(probe: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const tls = this.#tls;
    if (this.#state === "closed" || tls === null) return false;
    const isUsable = !tls.destroyed && tls.writable && tls.writableLength === 0;
    if (!isUsable || this.#carrier.error !== null) return await this.#lower.wasReset(probe);
    // As TLS, because a server that still listens would complain about anything else.
    tls.write(probe);
    await new Promise<void>((resolve) => setImmediate(resolve));
    return await this.#lower.wasReset(NOTHING);
  }

  pause(): void {
    if (this.#state !== "open") return;
    this.#isPaused = true;
    this.#tls!.pause();
    this.#lower.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#state !== "open") return;
    this.#lower.resume();
    this.#tls!.resume();
  }

  facts(): SocketFacts {
    const remote = this.#lower.facts?.().remote ?? null;
    return { remote, tls: this.#tls === null ? null : factsOf(this.#tls) };
  }

  close(): void {
    this.#state = "closed";
    this.#tls?.destroy();
    this.#lower.close();
  }

  #start(): void {
    if (this.#state !== "opening") return;
    const { hostname, settings, protocols } = this.#options;
    const name = settings.serverName ?? hostname;
    try {
      const tls = connect({
        socket: this.#carrier,
        host: name,
        // An address is checked, but not sent.
        ...(isIP(name) === 0 ? { servername: name } : {}),
        ALPNProtocols: [...protocols],
        rejectUnauthorized: !settings.insecure,
        secureContext: contextOf(settings),
      });
      this.#tls = tls;
      tls.on("secureConnect", () => this.#opened());
      tls.on("data", (chunk: unknown) => this.#received(chunk as Uint8Array<ArrayBuffer>));
      tls.on("end", () => this.#end());
      tls.on("error", (error) => this.#fail(this.#carrier.error ?? error));
      tls.on("close", () => this.#fail(this.#carrier.error ?? unexpectedEnd()));
    } catch (error) {
      this.#fail(error);
    }
  }

  #opened(): void {
    if (this.#state !== "opening") return;
    if (this.#runtimeWouldRefuse()) {
      this.#fail(new TlsError("TLS_UNTRUSTED", AUTHORITY_AS_SERVER, null));
      this.#tls!.destroy();
      return;
    }
    this.#state = "open";
    // The promise jobs that opening starts run before anything is delivered: a server may speak first.
    const tls = this.#tls!;
    tls.pause();
    setImmediate(() => {
      if (!this.#isPaused) tls.resume();
    });
    this.handler.onOpen();
  }

  /**
   * Whether the runtime would refuse the certificate, if it is only used in its place to learn about the
   * handshake: what works with `--once` has to work in the run.
   */
  #runtimeWouldRefuse(): boolean {
    const { settings, over, localAddress } = this.#options;
    if (settings.isInspected !== true || settings.insecure) return false;
    if (settings.cert !== null || over !== null || localAddress !== null) return false;
    return isOfAuthority(this.#tls!);
  }

  #received(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#state !== "open") return;
    // A plain array: methods of a Buffer behave otherwise.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    this.handler.onData(bytes, bytes.length);
  }

  #end(): void {
    if (this.#state !== "open" || this.#ended) return;
    this.#ended = true;
    this.handler.onEnd();
  }

  /** In TLS, a stream has an end of its own. Without it, anything may be missing. */
  #lowerEnded(): void {
    if (!this.#ended) this.#fail(unexpectedEnd());
  }

  readonly #onWritten = (): void => {
    if (!this.#awaitsDrain || this.#state !== "open" || this.unsent > 0) return;
    this.#awaitsDrain = false;
    this.handler.onDrain();
  };

  #fail(error: unknown): void {
    if (this.#state === "lost" || this.#state === "closed") return;
    const open = this.#state === "open";
    this.#state = "lost";
    const hasCertificate = this.#options.settings.cert !== null;
    this.handler.onError(tlsFailure(error, { open, hasCertificate }));
  }
}

/** What the runtime tells about a handshake; `null` if it tells nothing. */
function factsOf(tls: TLSSocket): TlsFacts | null {
  try {
    const { subject, issuer, valid_to: validTo } = tls.getPeerCertificate();
    return {
      version: tls.getProtocol() ?? "",
      cipher: tls.getCipher().standardName,
      subject: distinguishedName(subject),
      issuer: distinguishedName(issuer),
      validTo,
    };
  } catch {
    return null;
  }
}

function isOfAuthority(tls: TLSSocket): boolean {
  try {
    return new X509Certificate(tls.getPeerCertificate().raw).ca;
  } catch {
    return false;
  }
}

function distinguishedName(parts: object): string {
  return Object.entries(parts).map(([key, value]) => `${key}=${String(value)}`).join(", ");
}

function unexpectedEnd(): Error {
  return new Deno.errors.UnexpectedEof("unexpected end of file");
}

/** The context of each settings object, of which all users of a class share one. */
const contexts = new WeakMap<TlsSettings, SecureContext>();

function contextOf(settings: TlsSettings): SecureContext {
  const known = contexts.get(settings);
  if (known !== undefined) return known;
  const { cert, key, ca, minVersion } = settings;
  const context = createSecureContext({
    ...(cert === null ? {} : { cert, key: key! }),
    ...(minVersion === null ? {} : { minVersion }),
  });
  // The option `ca` would replace the system's authorities.
  for (const text of ca) context.context.addCACert(text);
  contexts.set(settings, context);
  return context;
}

/** What a {@link Carrier} reports. */
interface CarrierEvents {
  onOpen(): void;
  onEnd(): void;
  onLost(error: unknown): void;
  onWritten(): void;
}

/** Carries the bytes between `node:tls` and the socket below. */
class Carrier extends Duplex implements SocketHandler {
  lower: Socket | null = null;
  /** Why the socket below was lost. */
  error: unknown = null;
  readonly #events: CarrierEvents;
  #done: (() => void) | null = null;

  constructor(events: CarrierEvents) {
    super();
    this.#events = events;
  }

  override _read(): void {
    // Everything is pushed when it arrives.
  }

  override _write(chunk: Uint8Array<ArrayBuffer>, _encoding: string, done: () => void): void {
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.lower!.write(bytes)) done();
    else this.#done = done;
  }

  override _final(done: () => void): void {
    done();
  }

  onOpen(): void {
    this.#events.onOpen();
  }

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.push(bytes.slice(0, length));
  }

  onEnd(): void {
    // The end that TLS has found in the last bytes is reported first.
    setImmediate(() => this.#events.onEnd());
  }

  onDrain(): void {
    const done = this.#done;
    this.#done = null;
    done?.();
    this.#events.onWritten();
  }

  onError(error: unknown): void {
    this.error = error;
    this.#events.onLost(error);
  }
}
