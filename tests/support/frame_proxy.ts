import { sleep } from "./timing.ts";
import { decodeMessage } from "../../src/cluster/codec.ts";
import { FrameReader, LENGTH_BYTES } from "../../src/cluster/frames.ts";
import { type Message, MESSAGE_LIMIT } from "../../src/cluster/protocol.ts";
import { writeAll } from "../../src/core/network.ts";

/** Which way a frame goes. */
export type Direction = "toMaster" | "toWorker";

/** A message that the proxy has read, before anything else is done with it. */
export interface SeenFrame {
  readonly direction: Direction;
  readonly message: Message;
  /** The worker whose connection it is; null until it has said its name. */
  readonly workerId: string | null;
  /** Bytes, those of the length included. */
  readonly bytes: number;
}

/** What the proxy does with every frame, on the connections that stand and on those to come. */
export interface Weather {
  delayMs: number;
  duplicating: boolean;
  readonly held: Set<Direction>;
  readonly bytesPerSecond: Map<Direction, number>;
  onFrame: (frame: SeenFrame) => void;
}

/** What one direction may hold back; beyond that it reads no more, as a network would not. */
const LANE_BYTES = 32 * 1024;

/** Between two looks whether something may go on. */
const LOOK_MS = 5;

/** A limited direction writes so often. */
const SLICE_MS = 50;

/** One worker's connection, and the one to the master that belongs to it. */
export class ProxyLink {
  workerId: string | null = null;
  /** Whether the next frame of some direction is its last, and not whole. */
  doomed = false;
  readonly #worker: Deno.TcpConn;
  readonly #master: Deno.TcpConn;
  readonly #weather: Weather;
  readonly #lanes: Readonly<Record<Direction, Lane>> = {
    toMaster: new Lane(),
    toWorker: new Lane(),
  };
  #torn: { readonly direction: Direction; readonly part: number } | null = null;
  #closed = false;

  constructor(worker: Deno.TcpConn, master: Deno.TcpConn, weather: Weather) {
    this.#worker = worker;
    this.#master = master;
    this.#weather = weather;
    worker.setNoDelay(true);
    master.setNoDelay(true);
  }

  /** Passes frames on until either side has gone, or it is closed. */
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

  /** Ends it inside the next frame of a direction. @param part of that frame that gets through. */
  tear(direction: Direction, part: number): void {
    this.doomed = true;
    this.#torn = { direction, part };
  }

  /** Sends bytes of somebody else's in a direction, behind the frames that are on their way. */
  inject(direction: Direction, bytes: Uint8Array<ArrayBuffer>): void {
    this.#lanes[direction].put(bytes, performance.now());
  }

  async #carry(direction: Direction, from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const lane = this.#lanes[direction];
    const writing = this.#write(direction, lane, to);
    try {
      await this.#read(direction, from, lane);
    } catch {
      // Either side has gone, or it was closed here.
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
        const { onFrame, delayMs, duplicating } = this.#weather;
        onFrame({ direction, message, workerId: this.workerId, bytes: bytes.length });
        for (let n = 0; n < (duplicating ? 2 : 1); n++) {
          lane.put(bytes, performance.now() + delayMs);
        }
      }
      await this.#until(() => lane.bytes < LANE_BYTES);
    }
  }

  async #write(direction: Direction, lane: Lane, to: Deno.TcpConn): Promise<void> {
    const { held } = this.#weather;
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
      const rate = this.#weather.bytesPerSecond.get(direction);
      const size = rate === undefined
        ? bytes.length
        : Math.max(1, Math.floor(rate * SLICE_MS / 1000));
      const slice = bytes.subarray(at, at + size);
      await writeAll(to, slice);
      if (rate !== undefined) await sleep(slice.length / rate * 1000);
      at += slice.length;
    }
  }

  /** @throws Error where the link is closed first. */
  async #until(condition: () => boolean): Promise<void> {
    for (;;) {
      if (this.#closed) throw new Error("the link is closed");
      if (condition()) return;
      await sleep(LOOK_MS);
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

  /** Resolves when there is something to take, or nothing comes any more. */
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

/** Who cuts connections waits so long for one. */
const ALONE_MS = 10_000;

/**
 * A stretch of network between workers and their master that does what it is told. It knows frames, and
 * passes each on whole and in order, unless told otherwise. Plain TCP only; workers connect to
 * {@link port} in place of the master's.
 *
 * - counting: {@link connections} (ever), {@link open} (now), {@link count} (frames by type and
 *   direction), {@link onFrame} (each frame as it is read)
 * - cutting: {@link cut} (a worker's connections, or all), {@link cutAtRandom} (so many, over some time;
 *   half of them in the middle of a frame)
 * - slowing: {@link delayMs}, {@link limit} (bytes a second, in one direction)
 * - repeating: {@link duplicating} (every frame goes out twice, both ways)
 * - a black hole: {@link hold} (nothing is passed on, nothing is closed), {@link release}; what was held
 *   is passed on then, as TCP does
 * - forging: {@link inject} (frames of its own, on the connections of a worker)
 * - another master: {@link masterPort} may be set; it holds for connections that are opened later
 *
 * All of them may be changed at any time. A connection ends when either side ends it; a master that
 * cannot be reached ends the worker's connection at once.
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
  /** Where workers find it, on 127.0.0.1. */
  readonly port: number;
  /** Where it finds the master, on 127.0.0.1. */
  masterPort: number;
  /** Connections that workers have opened. */
  connections = 0;
  readonly #listener: Deno.TcpListener;
  readonly #links = new Set<ProxyLink>();
  readonly #ended = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #counts = new Map<string, number>();
  readonly #weather: Weather = {
    delayMs: 0,
    duplicating: false,
    held: new Set(),
    bytesPerSecond: new Map(),
    onFrame: (frame) => this.#note(frame),
  };
  #closed = false;
  #onFrame: (frame: SeenFrame) => void = () => {};

  /** @param masterPort where the master listens, on 127.0.0.1. */
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

  /** Connections that stand now. */
  get open(): number {
    return this.#links.size;
  }

  /** Milliseconds that every frame takes longer, in each direction. */
  set delayMs(ms: number) {
    this.#weather.delayMs = ms;
  }

  /** Whether every frame is sent twice, one right behind the other. */
  set duplicating(on: boolean) {
    this.#weather.duplicating = on;
  }

  /** Called with every frame that comes in, at once, whatever is then done with it. */
  set onFrame(hook: (frame: SeenFrame) => void) {
    this.#onFrame = hook;
  }

  /** Frames of a type that have come in; without a direction, in both. */
  count(type: Message["type"], direction?: Direction): number {
    const directions: Direction[] = direction === undefined
      ? ["toMaster", "toWorker"]
      : [direction];
    return directions.reduce((sum, way) => sum + (this.#counts.get(`${way} ${type}`) ?? 0), 0);
  }

  /** Passes on so many bytes a second in one direction, each connection by itself; null: all. */
  limit(direction: Direction, bytesPerSecond: number | null): void {
    if (bytesPerSecond === null) this.#weather.bytesPerSecond.delete(direction);
    else this.#weather.bytesPerSecond.set(direction, bytesPerSecond);
  }

  /** Passes on nothing, in one direction or in both, and closes nothing. */
  hold(direction?: Direction): void {
    for (const way of ["toMaster", "toWorker"] as const) {
      if (direction === undefined || direction === way) this.#weather.held.add(way);
    }
  }

  /** Passes on what was held, and all that comes. */
  release(): void {
    this.#weather.held.clear();
  }

  /** Cuts all connections of a worker, or of all workers, now; returns how many those were. */
  cut(workerId?: string): number {
    const links = [...this.#links].filter((link) =>
      workerId === undefined || link.workerId === workerId
    );
    for (const link of links) link.close();
    return links.length;
  }

  /** Sends bytes of its own to a worker, or as if they were of it; returns on how many connections. */
  inject(workerId: string, direction: Direction, bytes: Uint8Array<ArrayBuffer>): number {
    const links = [...this.#links].filter((link) => link.workerId === workerId);
    for (const link of links) link.inject(direction, bytes);
    return links.length;
  }

  /**
   * Cuts so many connections, one by one, each a random one that stands; resolves after the last, and
   * rejects where none has stood for 10 s. A worker waits for up to 2 s before it connects again, so
   * many cuts in a short time need many workers.
   *
   * @param random decides; a seeded one decides the same again.
   * @param options.meanMs between two cuts; it is random between 0 and twice that.
   */
  async cutAtRandom(
    random: () => number,
    { cuts, meanMs }: { readonly cuts: number; readonly meanMs: number },
  ): Promise<void> {
    let cutAt = performance.now();
    for (let done = 0; done < cuts;) {
      await sleep(random() * 2 * meanMs);
      if (performance.now() - cutAt > ALONE_MS) throw new Error(`nobody came back for cut ${done}`);
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
    const link = new ProxyLink(worker, master, this.#weather);
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
