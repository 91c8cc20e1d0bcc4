import { connect, type Socket } from "node:net";
import type { ByteStream } from "../../src/core/network.ts";

/** Where to connect to, and from where. */
export interface NodeStreamOptions {
  readonly port: number;
  /** The address that the connection leaves from; without it, the system chooses one. */
  readonly localAddress?: string;
}

/**
 * Opens a connection to this machine over `node:net`. If a process has very many connections, `node:net`
 * serves all that are ready, while `Deno.connect` keeps some of them waiting.
 */
export function connectNodeStream(options: NodeStreamOptions): Promise<ByteStream> {
  const { promise, resolve, reject } = Promise.withResolvers<ByteStream>();
  const socket = connect({ host: "127.0.0.1", noDelay: true, ...options });
  socket.once("error", reject);
  socket.once("connect", () => {
    socket.off("error", reject);
    resolve(new NodeStream(socket));
  });
  return promise;
}

class NodeStream implements ByteStream {
  readonly #socket: Socket;
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  #isEnded = false;
  #error: unknown = null;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array<ArrayBuffer>) => {
      this.#chunks.push(bytes);
      this.#wake();
    });
    socket.on("error", (error) => this.#error = error);
    socket.on("end", () => this.#end());
    socket.on("close", () => this.#end());
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) return this.#copy(chunk, into);
      if (this.#error !== null) throw this.#error;
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
  }

  close(): void {
    this.#error ??= new Error("the connection is closed");
    this.#socket.destroy();
    this.#wake();
  }

  #copy(chunk: Uint8Array<ArrayBuffer>, into: Uint8Array<ArrayBuffer>): number {
    const count = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, count));
    if (count < chunk.length) this.#chunks.unshift(chunk.subarray(count));
    return count;
  }

  #end(): void {
    this.#isEnded = true;
    this.#wake();
  }
}
