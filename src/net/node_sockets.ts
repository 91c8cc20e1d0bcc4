/**
 * Sockets of the runtime's `node:net`, for systems without epoll. They cost more than epoll's, and serve all
 * connections evenly, which `Deno.connect` does not.
 *
 * @module
 */

import { Socket as Stream, type SocketConstructorOpts } from "node:net";
import util from "node:util";
import {
  hostAndPort,
  isResetError,
  type Socket,
  type SocketAddress,
  type SocketFacts,
  type SocketHandler,
  type Sockets,
} from "./socket.ts";
import { Turns } from "./turns.ts";

/** Opens TCP connections through `node:net`. */
export function nodeSockets(): Sockets {
  return new NodeSockets();
}

/** How many bytes one read takes. */
const READ_SIZE = 65_536;

class NodeSockets implements Sockets {
  readonly kind = "node:net";
  readonly #reads = new Reads();

  open(to: SocketAddress, handler: SocketHandler): Socket {
    return new NodeSocket(to, handler, this.#reads);
  }

  drain(): Promise<void> {
    return drainRuntime(this.#reads);
  }
}

/** What the sockets of a process share. */
class Reads implements Deliveries {
  count = 0;
  readonly turns = new Turns();
  /** All sockets read into the same memory, because a handler uses the bytes during its call only. */
  readonly buffer = new Uint8Array(READ_SIZE);
  readonly #copies = new Uint8Array(READ_SIZE);
  #copied = 0;
  #held = 0;

  /** Copies the first bytes of the buffer, for as long as it takes until {@link release} is called. */
  hold(length: number): Uint8Array<ArrayBuffer> {
    if (this.#held++ === 0) this.#copied = 0;
    const end = this.#copied + length;
    if (end > READ_SIZE) return this.buffer.slice(0, length);
    const bytes = this.#copies.subarray(this.#copied, end);
    bytes.set(this.buffer.subarray(0, length));
    this.#copied = end;
    return bytes;
  }

  release(): void {
    this.#held--;
  }
}

/** Counts what is delivered to handlers. */
interface Deliveries {
  count: number;
}

/** Enough for 16,000 sockets that are all ready: the runtime takes 1,024 from the system at once. */
const MAX_TURNS = 32;

/** The runtime asks the system for ready sockets at least once in as many turns. */
const QUIET_TURNS = 4;

/**
 * The length of a turn. The runtime asks the system only when it has nothing to do: if the processor is busy,
 * a shorter timer is due again before that.
 */
const TURN_MS = 5;

/**
 * Lets the event loop turn once. Only a timer makes the runtime ask the system for ready sockets: with
 * `setImmediate`, it would serve the callbacks of immediates alone.
 */
export function runtimeTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TURN_MS));
}

/** Lets the event loop turn until all is delivered that the runtime's own sockets had received. */
async function drainRuntime(deliveries: Readonly<Deliveries>): Promise<void> {
  let quiet = 0;
  for (let turn = 0; turn < MAX_TURNS && quiet < QUIET_TURNS; turn++) {
    const before = deliveries.count;
    await runtimeTurn();
    quiet = deliveries.count === before ? quiet + 1 : 0;
  }
}

/** What was reported last: after `lost`, nothing is. */
type State = "opening" | "open" | "lost" | "closed";

class NodeSocket implements Socket {
  handler: SocketHandler;
  readonly #reads: Reads;
  readonly #stream: PatientStream | null;
  #state: State = "opening";
  #ended = false;
  #wasReset = false;
  #awaitsDrain = false;
  /** Events that wait for their turn. All later ones follow them. */
  #held = 0;
  /** Events that wait until reading goes on; `null` unless it is paused. */
  #paused: (() => void)[] | null = null;

  constructor(to: SocketAddress, handler: SocketHandler, reads: Reads) {
    this.handler = handler;
    this.#reads = reads;
    this.#stream = this.#open(to);
  }

  get unsent(): number {
    return this.#state === "open" ? this.#stream!.writableLength : 0;
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.#state !== "open" && this.#state !== "opening") return true;
    const stream = this.#stream;
    // Without a stream, the error of opening it has not been reported yet.
    if (stream === null || stream.writeError !== null) return true;
    stream.write(bytes);
    if (stream.writableLength === 0) return true;
    if (!this.#awaitsDrain) {
      this.#awaitsDrain = true;
      this.#notifyWhenWritten(stream);
    }
    return false;
  }

  wasReset(probe: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const stream = this.#stream;
    if (this.#wasReset || stream === null || stream.destroyed || stream.connecting) {
      return Promise.resolve(this.#wasReset);
    }
    return new Promise((resolve) => {
      stream.write(probe, () => resolve(isResetError(stream.writeError)));
    });
  }

  pause(): void {
    if (this.#state !== "open" || this.#paused !== null) return;
    this.#paused = [];
    this.#stream!.pause();
  }

  resume(): void {
    const events = this.#paused;
    if (events === null) return;
    this.#paused = null;
    for (const event of events) this.#hold(event);
    this.#stream!.resume();
  }

  facts(): SocketFacts {
    const { remoteAddress, remotePort } = this.#stream ?? {};
    const isKnown = remoteAddress !== undefined && remotePort !== undefined;
    return { remote: isKnown ? hostAndPort(remoteAddress, remotePort) : null, tls: null };
  }

  close(): void {
    this.#state = "closed";
    this.resume();
    this.#stream?.destroy();
  }

  #open(to: SocketAddress): PatientStream | null {
    const options: StreamOptions = {
      allowHalfOpen: true,
      noDelay: true,
      onread: { buffer: this.#reads.buffer, callback: this.#onRead },
    };
    const stream = new PatientStream(options);
    stream.on("connect", this.#onConnect);
    stream.on("end", this.#onEnd);
    stream.on("error", this.#onError);
    stream.onWriteError = this.#onWriteError;
    try {
      const { address, port, localAddress } = to;
      stream.connect({
        host: address,
        port,
        ...(localAddress === null ? {} : { localAddress }),
      });
      return stream;
    } catch (error) {
      // An invalid address, for example. Callbacks are not called from inside a call.
      stream.destroy();
      queueMicrotask(() => this.#onError(error));
      return null;
    }
  }

  readonly #onConnect = (): void => {
    if (this.#state !== "opening") return;
    this.#reads.count++;
    this.#state = "open";
    this.handler.onOpen();
  };

  readonly #onRead = (length: number): boolean => {
    if (this.#state !== "open") return true;
    const reads = this.#reads;
    reads.count++;
    if (this.#paused === null && this.#held === 0 && reads.turns.take()) {
      this.handler.onData(reads.buffer, length);
      return true;
    }
    const bytes = reads.hold(length);
    this.#hold(() => {
      reads.release();
      if (this.#state === "open") this.handler.onData(bytes, length);
    });
    return true;
  };

  /** Lets an event wait for its turn. */
  #hold(event: () => void): void {
    this.#held++;
    this.#reads.turns.wait(() => {
      this.#held--;
      if (this.#paused !== null) return void this.#paused.push(event);
      try {
        event();
      } catch (error) {
        reportError(error);
      }
    });
  }

  readonly #onEnd = (): void => {
    if (this.#held > 0 || this.#paused !== null) return this.#hold(this.#onEnd);
    this.#ended = true;
    if (this.#state !== "open") return;
    this.#reads.count++;
    // If writing has failed, then this is how the reset shows after the last bytes.
    const failure = this.#stream!.writeError;
    if (failure === null) this.handler.onEnd();
    else this.#onError(failure);
  };

  readonly #onWriteError = (failure: NodeJS.ErrnoException): void => {
    if (isResetError(failure)) this.#wasReset = true;
    // Until the stream ends, there may be bytes that arrived before the connection was lost.
    if (this.#ended || !isResetError(failure)) this.#onError(failure);
  };

  readonly #onError = (error: unknown): void => {
    if (isResetError(error)) this.#wasReset = true;
    if (this.#held > 0 || this.#paused !== null) return this.#hold(() => this.#onError(error));
    if (this.#state === "lost" || this.#state === "closed") return;
    this.#reads.count++;
    this.#state = "lost";
    this.handler.onError(inWords(error));
  };

  /** An empty write is done when all before it are. */
  #notifyWhenWritten(stream: PatientStream): void {
    stream.write(NOTHING, () => {
      if (this.#state !== "open") return;
      if (stream.writableLength > 0) return this.#notifyWhenWritten(stream);
      this.#awaitsDrain = false;
      if (stream.writeError !== null) return;
      this.#reads.count++;
      this.handler.onDrain();
    });
  }
}

const NOTHING = new Uint8Array(0);

/** The declaration of the constructor leaves out what it takes for `connect`. */
type StreamOptions = SocketConstructorOpts & { readonly noDelay: boolean };

/**
 * A stream that goes on reading after a write has failed. Node would destroy it, together with what arrived
 * before the connection was lost: often the answer that says why.
 */
class PatientStream extends Stream {
  /** Why writing failed. Nothing is written after that. */
  writeError: NodeJS.ErrnoException | null = null;
  /** Learns of {@link writeError}. */
  onWriteError: (error: NodeJS.ErrnoException) => void = () => {};
  #written: WriteCallback | null = null;

  override _write(chunk: unknown, encoding: BufferEncoding, done: WriteCallback): void {
    if (this.writeError !== null) return done();
    this.#written = done;
    super._write(chunk, encoding, this.#onWritten);
  }

  override _writev(chunks: WriteChunks, done: WriteCallback): void {
    if (this.writeError !== null) return done();
    this.#written = done;
    super._writev!(chunks, this.#onWritten);
  }

  readonly #onWritten = (error?: Error | null): void => {
    const written = this.#written!;
    if (error !== undefined && error !== null && !this.destroyed) {
      this.writeError = error;
      // Not now: it may be inside the call that writes.
      queueMicrotask(() => this.onWriteError(error));
    }
    written();
  };
}

type WriteCallback = (error?: Error | null) => void;
type WriteChunks = Parameters<NonNullable<Stream["_writev"]>>[0];

/** The texts of the system's errors by number. Not every version of Deno has them. */
const systemErrors = (util as Partial<typeof util>).getSystemErrorMap?.();

/** Replaces a message such as `connect ECONNREFUSED 127.0.0.1:80`: the code is reported anyway. */
function inWords(error: unknown): unknown {
  if (!(error instanceof Error) || !("errno" in error) || typeof error.errno !== "number") {
    return error;
  }
  const [, text] = systemErrors?.get(error.errno) ?? [];
  if (text !== undefined) error.message = text.slice(0, 1).toUpperCase() + text.slice(1);
  return error;
}
