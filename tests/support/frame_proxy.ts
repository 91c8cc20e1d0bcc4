import { sleep } from "./timing.ts";
import { decodeMessage } from "../../src/cluster/codec.ts";
import { FrameReader, LENGTH_BYTES } from "../../src/cluster/frames.ts";
import { type Message, MESSAGE_LIMIT } from "../../src/cluster/protocol.ts";
import { writeAll } from "../../src/core/network.ts";

/** The direction of a frame. */
export type Direction = "toMaster" | "toWorker";

/** A message that the proxy has just read. */
export interface SeenFrame {
  readonly direction: Direction;
  readonly message: Message;
  /** The worker of the connection; null before its JOIN. */
  readonly workerId: string | null;
  /** Bytes, including those of the length. */
  readonly bytes: number;
}

/** How the proxy treats frames, on existing and on future connections. */
interface NetworkConditions {
  delayMs: number;
  duplicating: boolean;
  readonly held: Set<Direction>;
  readonly bytesPerSecond: Map<Direction, number>;
  onFrame: (frame: SeenFrame) => void;
}

/** How many bytes a direction buffers before it stops reading, like a network. */
const LANE_BYTES = 32 * 1024;

/** Milliseconds between two checks of the conditions. */
const POLL_MS = 5;

/** Milliseconds between two writes in a limited direction. */
const SLICE_MS = 50;

/** A worker's connection, and its counterpart to the master. */
class ProxyLink {
  workerId: string | null = null;
  /** Whether it will be closed within the next frame of a direction. */
  doomed = false;
  readonly #worker: Deno.TcpConn;
  readonly #master: Deno.TcpConn;
  readonly #conditions: NetworkConditions;
  readonly #lanes: Readonly<Record<Direction, Lane>> = {
    toMaster: new Lane(),
    toWorker: new Lane(),
  };
  #torn: { readonly direction: Direction; readonly part: number } | null = null;
  #closed = false;

  constructor(worker: Deno.TcpConn, master: Deno.TcpConn, conditions: NetworkConditions) {
    this.#worker = worker;
    this.#master = master;
    this.#conditions = conditions;
    worker.setNoDelay(true);
    master.setNoDelay(true);
  }

  /** Forwards frames until either side ends the connection, or {@link close} is called. */
  async run(): Promise<void> {
    await Promise.all([
      this.#carry("toMaster", this.#worker, this.#master),
      this.#carry("toWorker", this.#master, this.#worker),
    ]);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#worker.close();
    this.#master.close();
  }

  /**
   * Closes it within the next frame of a direction.
   *
   * @param part the part of that frame that is forwarded.
   */
  tear(direction: Direction, part: number): void {
    this.doomed = true;
    this.#torn = { direction, part };
  }

  /** Sends forged bytes in a direction, after the buffered frames. */
  inject(direction: Direction, bytes: Uint8Array<ArrayBuffer>): void {
    this.#lanes[direction].put(bytes, performance.now());
  }

  async #carry(direction: Direction, from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const lane = this.#lanes[direction];
    const writing = this.#write(direction, lane, to);
    try {
      await this.#read(direction, from, lane);
    } catch {
      // Either side has ended the connection, or it was closed here.
    }
    lane.ended = true;
    await writing;
    this.close();
  }

  async #read(direction: Direction, from: Deno.TcpConn, lane: Lane): Promise<void> {
    const reader = new FrameReader(MESSAGE_LIMIT);
    const buffer = new Uint8Array(16 * 1024);
    for (let count; (count = await from.read(buffer)) !== null;) {
      reader.push(buffer.subarray(0, count));
      for (let payload; (payload = reader.next()) !== null;) {
        const bytes = framed(payload);
        const message = decodeMessage(payload);
        if (message.type === "JOIN") this.workerId = message.workerId;
        const { onFrame, delayMs, duplicating } = this.#conditions;
        onFrame({ direction, message, workerId: this.workerId, bytes: bytes.length });
        for (let n = 0; n < (duplicating ? 2 : 1); n++) {
          lane.put(bytes, performance.now() + delayMs);
        }
      }
      await this.#until(() => lane.bytes < LANE_BYTES);
    }
  }

  async #write(direction: Direction, lane: Lane, to: Deno.TcpConn): Promise<void> {
    const { held } = this.#conditions;
    try {
      for (;;) {
        await lane.filled();
        const frame = lane.take();
        if (frame === null) return;
        const { bytes, dueAt } = frame;
        if (dueAt > performance.now()) await sleep(dueAt - performance.now());
        await this.#until(() => !held.has(direction));
        if (this.#torn?.direction === direction) {
          await writeAll(to, bytes.subarray(0, Math.floor(bytes.length * this.#torn.part)));
          return this.close();
        }
        await this.#writeSlices(direction, bytes, to);
        lane.bytes -= bytes.length;
      }
    } catch {
      this.close();
    }
  }

  async #writeSlices(
    direction: Direction,
    bytes: Uint8Array<ArrayBuffer>,
    to: Deno.TcpConn,
  ): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const rate = this.#conditions.bytesPerSecond.get(direction);
      const size = rate === undefined
        ? bytes.length
        : Math.max(1, Math.floor(rate * SLICE_MS / 1000));
      const slice = bytes.subarray(at, at + size);
      await writeAll(to, slice);
      if (rate !== undefined) await sleep(slice.length / rate * 1000);
      at += slice.length;
    }
  }

  /** @throws Error if the link is closed first. */
  async #until(condition: () => boolean): Promise<void> {
    for (;;) {
      if (this.#closed) throw new Error("the link is closed");
      if (condition()) return;
      await sleep(POLL_MS);
    }
  }
}

/** Frames of one direction that were read and are not written yet. */
class Lane {
  /** What was put and has not been written to its end. */
  bytes = 0;
  readonly #frames: { readonly bytes: Uint8Array<ArrayBuffer>; readonly dueAt: number }[] = [];
  #ended = false;
  #wake: () => void = () => {};

  /** Nothing more is put. */
  set ended(ended: boolean) {
    this.#ended = ended;
    this.#wake();
  }

  put(bytes: Uint8Array<ArrayBuffer>, dueAt: number): void {
    this.#frames.push({ bytes, dueAt });
    this.bytes += bytes.length;
    this.#wake();
  }

  /** Resolves when a frame can be taken, or when no more will arrive. */
  filled(): Promise<void> {
    if (this.#frames.length > 0 || this.#ended) return Promise.resolve();
    return new Promise((resolve) => this.#wake = resolve);
  }

  take(): { readonly bytes: Uint8Array<ArrayBuffer>; readonly dueAt: number } | null {
    return this.#frames.shift() ?? null;
  }
}

function framed(payload: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(LENGTH_BYTES + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, LENGTH_BYTES);
  return frame;
}

/** How long cutting waits for a connection, in milliseconds. */
const WAIT_MS = 10_000;

/**
 * A controllable network between workers and their master. It parses frames, and by default forwards each one
 * complete and in order. It supports plain TCP only. Workers connect to {@link port} instead of the master's
 * port.
 *
 * - counting: {@link connections} (ever), {@link open} (now), {@link count} (frames by type and
 *   direction), {@link onFrame} (each frame as it is read)
 * - cutting: {@link cut} (the connections of a worker, or all), {@link cutAtRandom} (several over some time,
 *   half of them within a frame)
 * - slowing: {@link delayMs}, {@link limit} (bytes per second, in one direction)
 * - repeating: {@link duplicating} (every frame is sent twice, in both directions)
 * - a dead network: {@link hold} (forwards nothing and closes nothing), {@link release} (forwards what was
 *   held, as TCP does)
 * - forging: {@link inject} (additional frames on the connections of a worker)
 * - another master: {@link masterPort} can be set, and applies to later connections
 *
 * All of them can be changed at any time. If the master cannot be reached, the worker's connection is closed at
 * once.
 *
 * ```ts
 * await using proxy = new FrameProxy(masterPort);
 * // aiotest --worker --master-port ${proxy.port}
 * proxy.duplicating = true;
 * await proxy.cutAtRandom(seeded(1), { cuts: 200, meanMs: 50 });
 * assert.ok(proxy.connections > 200);
 * ```
 */
export class FrameProxy implements AsyncDisposable {
  /** The port for workers, on 127.0.0.1. */
  readonly port: number;
  /** The port of the master, on 127.0.0.1. */
  masterPort: number;
  /** Connections that workers have opened. */
  connections = 0;
  readonly #listener: Deno.TcpListener;
  readonly #links = new Set<ProxyLink>();
  readonly #ended = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #counts = new Map<string, number>();
  readonly #conditions: NetworkConditions = {
    delayMs: 0,
    duplicating: false,
    held: new Set(),
    bytesPerSecond: new Map(),
    onFrame: (frame) => this.#note(frame),
  };
  #closed = false;
  #onFrame: (frame: SeenFrame) => void = () => {};

  /** @param masterPort the port of the master, on 127.0.0.1. */
  constructor(masterPort: number) {
    this.masterPort = masterPort;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#listener.close();
    await this.#accepting;
    this.cut();
    await Promise.all(this.#ended);
  }

  /** The number of open connections. */
  get open(): number {
    return this.#links.size;
  }

  /** The delay of every frame in each direction, in milliseconds. */
  set delayMs(ms: number) {
    this.#conditions.delayMs = ms;
  }

  /** Whether every frame is sent twice in succession. */
  set duplicating(on: boolean) {
    this.#conditions.duplicating = on;
  }

  /** Called with every frame as soon as it is read. */
  set onFrame(hook: (frame: SeenFrame) => void) {
    this.#onFrame = hook;
  }

  /** The number of frames of a type that were read; without a direction, in both. */
  count(type: Message["type"], direction?: Direction): number {
    const directions: Direction[] = direction === undefined
      ? ["toMaster", "toWorker"]
      : [direction];
    return directions.reduce((sum, way) => sum + (this.#counts.get(`${way} ${type}`) ?? 0), 0);
  }

  /** Limits a direction of each connection to this many bytes per second; null removes the limit. */
  limit(direction: Direction, bytesPerSecond: number | null): void {
    if (bytesPerSecond === null) this.#conditions.bytesPerSecond.delete(direction);
    else this.#conditions.bytesPerSecond.set(direction, bytesPerSecond);
  }

  /** Forwards nothing in one direction or in both, and closes nothing. */
  hold(direction?: Direction): void {
    for (const way of ["toMaster", "toWorker"] as const) {
      if (direction === undefined || direction === way) this.#conditions.held.add(way);
    }
  }

  /** Forwards what was held, and all later frames. */
  release(): void {
    this.#conditions.held.clear();
  }

  /** Closes all connections of a worker, or of all workers; returns their number. */
  cut(workerId?: string): number {
    const links = [...this.#links].filter((link) =>
      workerId === undefined || link.workerId === workerId
    );
    for (const link of links) link.close();
    return links.length;
  }

  /** Sends forged bytes to a worker, or in its name; returns the number of connections. */
  inject(workerId: string, direction: Direction, bytes: Uint8Array<ArrayBuffer>): number {
    const links = [...this.#links].filter((link) => link.workerId === workerId);
    for (const link of links) link.inject(direction, bytes);
    return links.length;
  }

  /**
   * Cuts random connections, one after another. Resolves after the last cut, and rejects if there is no
   * connection for 10 s. A worker waits for up to 2 s before it reconnects, so many cuts in a short time
   * need many workers.
   *
   * @param random a source of random numbers; a seeded one repeats its decisions.
   * @param options.meanMs the mean time between two cuts, which is random between 0 and twice that.
   */
  async cutAtRandom(
    random: () => number,
    { cuts, meanMs }: { readonly cuts: number; readonly meanMs: number },
  ): Promise<void> {
    let cutAt = performance.now();
    for (let done = 0; done < cuts;) {
      await sleep(random() * 2 * meanMs);
      if (performance.now() - cutAt > WAIT_MS) throw new Error(`no connection for cut ${done}`);
      const links = [...this.#links].filter(({ doomed }) => !doomed);
      const link = links[Math.floor(random() * links.length)];
      if (link === undefined) continue;
      cutAt = performance.now();
      if (random() < 0.5) link.close();
      else link.tear(random() < 0.5 ? "toMaster" : "toWorker", random());
      done++;
    }
    while ([...this.#links].some(({ doomed }) => doomed)) await sleep(5);
  }

  async #accept(): Promise<void> {
    for await (const worker of this.#listener) {
      this.connections++;
      const ended = this.#serve(worker).finally(() => this.#ended.delete(ended));
      this.#ended.add(ended);
    }
  }

  async #serve(worker: Deno.TcpConn): Promise<void> {
    let master: Deno.TcpConn;
    try {
      master = await Deno.connect({ hostname: "127.0.0.1", port: this.masterPort });
    } catch {
      worker.close();
      return;
    }
    const link = new ProxyLink(worker, master, this.#conditions);
    if (this.#closed) link.close();
    this.#links.add(link);
    await link.run();
    this.#links.delete(link);
  }

  #note(frame: SeenFrame): void {
    const key = `${frame.direction} ${frame.message.type}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.#onFrame(frame);
  }
}
