import type { AcceptedStream, ByteStream, StreamListener } from "../../src/core/network.ts";
import { type Later, type MemoryStream, memoryStreams } from "./memory_stream.ts";

/** A network in memory with one machine that listens. */
export class MemoryNetwork {
  #listener: MemoryListener | null = null;

  /** Listens, replacing an earlier listener. */
  listen(): StreamListener {
    this.#listener?.close();
    return this.#listener = new MemoryListener();
  }

  /**
   * A route from an address to the machine that listens.
   *
   * @param capacity bytes per direction that are buffered before a write waits for a read.
   * @param later delivers what was written; without it, that takes no time.
   */
  line(address: string, capacity = Infinity, later?: Later): MemoryLine {
    return new MemoryLine(() => {
      const stream = this.#listener?.dial(address, capacity, later) ?? null;
      if (stream === null) throw new Deno.errors.ConnectionRefused("nothing listens");
      return stream;
    });
  }
}

/** A route between two machines, with faults. */
export class MemoryLine {
  /** The number of opened connections. */
  opened = 0;
  readonly #dial: () => MemoryStream;
  readonly #streams = new Set<MemoryStream>();
  #isDown = false;
  #flowing: Promise<void> = Promise.resolve();
  #flow: () => void = () => {};

  constructor(dial: () => MemoryStream) {
    this.#dial = dial;
  }

  /** Opens a connection. */
  // deno-lint-ignore require-await -- errors must be rejections
  async connect(): Promise<ByteStream> {
    if (this.#isDown) throw new Deno.errors.ConnectionRefused("no way there");
    const stream = this.#dial();
    this.opened++;
    this.#streams.add(stream);
    return this.#held(stream);
  }

  /** Breaks all connections; new ones can be opened immediately. */
  cut(): void {
    for (const stream of this.#streams) stream.cut();
    this.#streams.clear();
  }

  /** Breaks all connections and refuses new ones until {@link mend}. */
  break(): void {
    this.#isDown = true;
    this.cut();
  }

  /** Opens connections again. */
  mend(): void {
    this.#isDown = false;
  }

  /** Silently holds back all bytes in both directions until {@link resume}. */
  stall(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#flow;
    this.#flowing = promise;
    // A route that is stalled twice is resumed by a single call.
    this.#flow = () => {
      before();
      resolve();
    };
  }

  /** Delivers everything that was held back, in order. */
  resume(): void {
    this.#flow();
  }

  #held(stream: MemoryStream): ByteStream {
    const closed = Promise.withResolvers<never>();
    closed.promise.catch(() => {});
    const whenFlowing = (): Promise<void> => Promise.race([this.#flowing, closed.promise]);
    return {
      read: async (into) => {
        const count = await stream.read(into);
        await whenFlowing();
        return count;
      },
      write: async (bytes) => {
        await whenFlowing();
        return await stream.write(bytes);
      },
      close: () => {
        closed.reject(new Error("the connection is closed"));
        stream.close();
        this.#streams.delete(stream);
      },
    };
  }
}

/** Listens for connections in memory. */
export class MemoryListener implements StreamListener {
  readonly port = 5557;
  readonly #waiting: AcceptedStream[] = [];
  #closed = false;
  #wake: () => void = () => {};

  /** The near end of a new connection; null if nothing listens. */
  dial(address: string, capacity = Infinity, later?: Later): MemoryStream | null {
    if (this.#closed) return null;
    const [near, far] = memoryStreams(capacity, later);
    this.#waiting.push({ stream: far, address });
    this.#wake();
    return near;
  }

  async accept(): Promise<AcceptedStream | null> {
    while (!this.#closed) {
      const next = this.#waiting.shift();
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return null;
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }
}
