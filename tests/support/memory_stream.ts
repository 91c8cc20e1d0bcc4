import type { ByteStream } from "../../src/core/network.ts";

/** Calls `deliver` when bytes have arrived. Calls keep their order. */
export type Later = (deliver: () => void) => void;

/** One end of a connection in memory. */
export interface MemoryStream extends ByteStream {
  /** Whether this end was closed or the connection was cut. */
  readonly closed: boolean;
  /** Breaks the connection like a reset: bytes in transit are lost, and both ends reject from now on. */
  cut(): void;
}

/**
 * The two ends of a connection in memory. After one end is closed, the other reads what was written
 * before, then null; writing to a closed end rejects.
 *
 * @param capacity bytes per direction that are buffered before a write waits for a read.
 * @param later delivers what was written; without it, that takes no time.
 */
export function memoryStreams(
  capacity = Infinity,
  later: Later = (deliver) => deliver(),
): [MemoryStream, MemoryStream] {
  const [there, back] = [new Pipe(capacity, later), new Pipe(capacity, later)];
  return [end(there, back), end(back, there)];
}

function end(outgoing: Pipe, incoming: Pipe): MemoryStream {
  return {
    read: (into) => incoming.read(into),
    write: (bytes) => outgoing.write(bytes),
    close: () => {
      outgoing.finish();
      incoming.abandon();
    },
    get closed(): boolean {
      return incoming.abandoned;
    },
    cut: () => {
      outgoing.abandon();
      incoming.abandon();
    },
  };
}

/** One direction of a connection. */
class Pipe {
  readonly #capacity: number;
  readonly #later: Later;
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  #held = 0;
  #finished = false;
  #abandoned = false;
  /** Whether its writer has learned that its reader has closed. */
  #refused = false;
  #changed = Promise.withResolvers<void>();

  constructor(capacity: number, later: Later) {
    this.#capacity = capacity;
    this.#later = later;
  }

  /** Whether its reader has closed. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    while (this.#held === 0 && !this.#finished && !this.#abandoned) await this.#changed.promise;
    if (this.#abandoned) throw new Error("the connection is closed");
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return null;
    const count = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, count));
    if (count < chunk.length) this.#chunks.unshift(chunk.subarray(count));
    this.#held -= count;
    this.#notify();
    return count;
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    const isOpen = (): boolean => !this.#finished && !this.#refused;
    while (this.#held >= this.#capacity && isOpen()) await this.#changed.promise;
    if (!isOpen()) throw new Error("the connection is closed");
    const count = Math.min(bytes.length, this.#capacity - this.#held);
    const chunk = bytes.slice(0, count);
    this.#later(() => {
      if (count === 0 || this.#abandoned) return;
      this.#chunks.push(chunk);
      this.#held += count;
      this.#notify();
    });
    return count;
  }

  /** Ends writing. */
  finish(): void {
    this.#later(() => {
      this.#finished = true;
      this.#notify();
    });
  }

  /** Ends reading; later writes reject. */
  abandon(): void {
    this.#abandoned = true;
    this.#chunks.length = 0;
    this.#held = 0;
    this.#later(() => {
      this.#refused = true;
      this.#notify();
    });
    this.#notify();
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
