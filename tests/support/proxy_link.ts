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

/** Lets so much time pass. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
