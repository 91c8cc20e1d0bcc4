import type { AcceptedStream, ByteStream, StreamListener } from "../../src/core/network.ts";
import { type MemoryStream, memoryStreams } from "./memory_stream.ts";

/** One machine that listens, and all that connect to it, in memory. */
export class MemoryNetwork {
  #listener: MemoryListener | null = null;

  /** Listens, in place of whoever listened before. */
  listen(): StreamListener {
    this.#listener?.close();
    return this.#listener = new MemoryListener();
  }

  /**
   * A way to the machine that listens, from an address.
   *
   * @param capacity bytes a direction that are taken before a write has to wait for a read.
   */
  line(address: string, capacity = Infinity): MemoryLine {
    return new MemoryLine(() => {
      const stream = this.#listener?.dial(address, capacity) ?? null;
      if (stream === null) throw new Deno.errors.ConnectionRefused("nobody listens");
      return stream;
    });
  }
}

/** The way from one machine to another, with the faults that ways have. */
export class MemoryLine {
  /** Connections that were opened. */
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
  // deno-lint-ignore require-await -- what it throws has to be a rejection
  async connect(): Promise<ByteStream> {
    if (this.#isDown) throw new Deno.errors.ConnectionRefused("no way there");
    const stream = this.#dial();
    this.opened++;
    this.#streams.add(stream);
    return this.#held(stream);
  }

  /** Breaks all connections; the next one may be opened at once. */
  cut(): void {
    for (const stream of this.#streams) stream.cut();
    this.#streams.clear();
  }

  /** Breaks all connections, and opens none until {@link mend}. */
  break(): void {
    this.#isDown = true;
    this.cut();
  }

  /** Opens connections again. */
  mend(): void {
    this.#isDown = false;
  }

  /** Lets nothing through in either direction, without a word, until {@link resume}. */
  stall(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#flow;
    this.#flowing = promise;
    // Stalled twice, all of it goes on at once.
    this.#flow = () => {
      before();
      resolve();
    };
  }

  /** Lets everything through, what has waited first. */
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

class MemoryListener implements StreamListener {
  readonly port = 5557;
  readonly #waiting: AcceptedStream[] = [];
  #closed = false;
  #wake: () => void = () => {};

  /** The near end of a new connection; null where nobody listens any more. */
  dial(address: string, capacity: number): MemoryStream | null {
    if (this.#closed) return null;
    const [near, far] = memoryStreams(capacity);
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
