/**
 * TLS that accepts any certificate. `Deno.startTls` cannot do this for a single connection. `node:tls` can,
 * though slower, and also inside a tunnel or another TLS connection.
 *
 * @module
 */

import { isIP } from "node:net";
import { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { type ByteStream, writeAll } from "../core/network.ts";
import { WireError } from "./request_error.ts";
import { socketFailure } from "./socket_errors.ts";

/** The size of a TLS record. Each connection that waits for an answer holds one such buffer. */
const READ_SIZE = 16_384;

const DISCONNECTED = /disconnected before secure TLS connection/;

/**
 * Performs a TLS handshake and accepts any certificate. Rejects with a WireError if the handshake fails
 * or if `transport` is closed.
 *
 * @param transport belongs to the returned stream from now on, and is closed with it.
 * @param hostname the server name to send; an address is not sent.
 */
export function insecureTls(transport: ByteStream, hostname: string): Promise<ByteStream> {
  const socket = connect({
    socket: duplexOver(transport),
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
    ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
  });
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.destroy();
      // If a connection ends during the handshake, Node reports a reset.
      const ended = DISCONNECTED.test(error.message);
      reject(socketFailure(ended ? new Deno.errors.UnexpectedEof(error.message) : error, "tls"));
    };
    const end = (): void => fail(new Deno.errors.UnexpectedEof("unexpected end of file"));
    socket.on("error", fail);
    socket.on("close", end);
    socket.once("secureConnect", () => {
      const stream = new NodeStream(socket);
      socket.off("error", fail);
      socket.off("close", end);
      resolve(stream);
    });
  });
}

/** Adapts a connection for `node:tls`. */
function duplexOver(transport: ByteStream): Duplex {
  const buffer = new Uint8Array(READ_SIZE);
  return new Duplex({
    async read(): Promise<void> {
      try {
        const count = await transport.read(buffer);
        this.push(count === null ? null : buffer.slice(0, count));
      } catch (error) {
        this.destroy(error as Error);
      }
    },
    async write(chunk: Uint8Array<ArrayBuffer>, _encoding, done): Promise<void> {
      try {
        const { buffer, byteOffset, byteLength } = chunk;
        await writeAll(transport, new Uint8Array(buffer, byteOffset, byteLength));
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    destroy(error, done): void {
      try {
        transport.close();
      } catch {
        // The transport was already closed, possibly causing this call.
      }
      done(error);
    },
  });
}

/** Adapts a socket of Node to a {@link ByteStream}. */
class NodeStream implements ByteStream {
  readonly #socket: TLSSocket;
  /** The rest of a chunk that did not fit into the reader's buffer. */
  #rest: Uint8Array | null = null;
  #ended = false;
  #failure: WireError | null = null;
  #wakeReader: (() => void) | null = null;
  /** Rejects pending reads and writes, because Node can forget a write when its socket ends. */
  readonly #rejects = new Set<(failure: WireError) => void>();

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("readable", () => this.#wake());
    socket.on("end", () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on("error", (error) => this.#fail(socketFailure(error, "exchange")));
    socket.on("close", () => {
      if (!this.#ended) this.#fail(new WireError("ECONNRESET", "the connection was lost"));
    });
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const chunk = this.#rest ?? this.#socket.read() as Uint8Array | null;
      if (chunk !== null) return this.#take(chunk, into);
      if (this.#ended) return null;
      await this.#pending<void>((resolve) => this.#wakeReader = resolve);
    }
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    if (this.#failure !== null) throw this.#failure;
    return await this.#pending<number>((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error === null || error === undefined) resolve(bytes.length);
        else reject(socketFailure(error, "exchange"));
      });
    });
  }

  close(): void {
    this.#fail(new WireError("ABORTED", "the connection was closed on this side"));
    this.#socket.destroy();
  }

  #take(chunk: Uint8Array, into: Uint8Array): number {
    const count = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, count));
    this.#rest = count < chunk.length ? chunk.subarray(count) : null;
    return count;
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeReader = null;
  }

  async #pending<T>(
    begin: (resolve: (value: T) => void, reject: (failure: WireError) => void) => void,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#rejects.add(reject);
    try {
      begin(resolve, reject);
      return await promise;
    } finally {
      this.#rejects.delete(reject);
    }
  }

  #fail(failure: WireError): void {
    this.#failure ??= failure;
    for (const reject of this.#rejects) reject(this.#failure);
  }
}
