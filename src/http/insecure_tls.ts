/**
 * TLS that believes any certificate, which `Deno.startTls` cannot do for one connection. `node:tls`
 * can, at some cost, and also inside a tunnel or another TLS connection.
 *
 * @module
 */

import { isIP } from "node:net";
import { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { type ByteStream, writeAll } from "../core/network.ts";
import { WireError } from "./request_error.ts";
import { socketFailure } from "./socket_errors.ts";

/** A record of TLS; connections that wait for an answer hold one such buffer each. */
const READ_SIZE = 16_384;

const DISCONNECTED = /disconnected before secure TLS connection/;

/**
 * Shakes hands over a connection, and believes whatever certificate the other side shows. Rejects
 * with a WireError where there is no TLS on the other side, or where `transport` is closed meanwhile.
 *
 * @param transport is the stream's from now on, and closed with it.
 * @param hostname what the other side is asked to be; an address is not sent.
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
      // Node calls the end of a connection a reset, where it comes within a handshake.
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

/** A connection as `node:tls` wants it. */
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
        // It has been closed already, which may be why this stream is.
      }
      done(error);
    },
  });
}

/** A socket of Node's that is read when somebody wants to. */
class NodeStream implements ByteStream {
  readonly #socket: TLSSocket;
  /** What came in one piece and did not fit into the reader's buffer. */
  #rest: Uint8Array | null = null;
  #ended = false;
  #failure: WireError | null = null;
  #wakeReader: (() => void) | null = null;
  /** Of reads and writes under way: Node may forget a write that its socket's end comes upon. */
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
      await this.#underWay<void>((resolve) => this.#wakeReader = resolve);
    }
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    if (this.#failure !== null) throw this.#failure;
    return await this.#underWay<number>((resolve, reject) => {
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

  async #underWay<T>(
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
