import { ProtocolError } from "./protocol_error.ts";

/**
 * How many bytes of reports may be on the way. PINGs travel behind them, and the lease must not run
 * out while they do.
 */
const WINDOW_BYTES = 32 * 1024;

/** Where an acknowledgement takes as long, there is one report on the way at a time. */
const SLOW_MS = 1000;

interface Frame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  sentAt: number;
}

/**
 * The reports that were sent and are not acknowledged. They are numbered as they come, from 1; each
 * stays as it was until the master is known to have it.
 *
 * ```ts
 * import { ReportFlight } from "./report_flight.ts";
 * import assert from "node:assert/strict";
 *
 * const flight = new ReportFlight();
 * const frame = flight.launch(new Uint8Array(20_000), 0);
 * assert.deepEqual([flight.admits(12_000, 10), flight.admits(13_000, 10)], [true, false]);
 * flight.reconnected(0, 500);
 * assert.equal(flight.grounded, true);
 * assert.equal(flight.relaunch(500), frame);
 * flight.acknowledged(1, 600);
 * assert.equal(flight.count, 0);
 * ```
 */
export class ReportFlight {
  /** The oldest first, without a gap in their numbers. */
  readonly #frames: Frame[] = [];
  /** How many of them are on the way; the ones behind have to go again. */
  #flying = 0;
  #lastSeq = 0;
  #slow = false;

  /** The last report that was sent; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** How many reports there are. */
  get count(): number {
    return this.#frames.length;
  }

  /** What they take. */
  get bytes(): number {
    return bytesOf(this.#frames);
  }

  /** Whether one of them has to go again, before any new one. */
  get grounded(): boolean {
    return this.#flying < this.#frames.length;
  }

  /** Whether so many bytes may be sent now. */
  admits(bytes: number, nowMs: number): boolean {
    const oldest = this.#frames[0];
    if (this.#flying === 0 || oldest === undefined) return true;
    if (this.#slow || nowMs - oldest.sentAt >= SLOW_MS) return false;
    return bytesOf(this.#frames.slice(0, this.#flying)) + bytes <= WINDOW_BYTES;
  }

  /** Sends a new report, which {@link admits} was asked for while none was grounded. */
  launch(bytes: Uint8Array<ArrayBuffer>, nowMs: number): Uint8Array<ArrayBuffer> {
    this.#frames.push({ bytes, sentAt: nowMs });
    this.#lastSeq++;
    this.#flying++;
    return bytes;
  }

  /** Sends the first one that has to go again, if it may be sent now. */
  relaunch(nowMs: number): Uint8Array<ArrayBuffer> | null {
    const frame = this.#frames[this.#flying];
    if (frame === undefined || !this.admits(frame.bytes.length, nowMs)) return null;
    frame.sentAt = nowMs;
    this.#flying++;
    return frame.bytes;
  }

  /** Forgets this report and all before it; those that are forgotten already do not matter. */
  acknowledged(seq: number, nowMs: number): void {
    const newest = this.#free(seq);
    if (newest !== undefined) this.#slow = nowMs - newest.sentAt >= SLOW_MS;
  }

  /** Forgets all before this report, and lets it and all behind it go again. */
  resume(seq: number): void {
    const first = this.#lastSeq - this.count + 1;
    if (seq < first || seq > this.#lastSeq) {
      throw new ProtocolError("protocol", `report ${seq} is asked for, which is not there`);
    }
    this.#free(seq - 1);
    this.#flying = 0;
  }

  /** As {@link acknowledged}, and lets all others go again. */
  reconnected(ackedSeq: number, nowMs: number): void {
    // The time without a connection counts: a link that was cut has to prove again that it is quick.
    this.acknowledged(ackedSeq, nowMs);
    this.#flying = 0;
  }

  /** Returns the newest of those that it has freed. */
  #free(seq: number): Frame | undefined {
    if (seq > this.#lastSeq) {
      throw new ProtocolError("protocol", `report ${seq} is acknowledged, which was not sent`);
    }
    const held = this.#lastSeq - seq;
    const freed = this.#frames.splice(0, Math.max(0, this.#frames.length - held));
    this.#flying = Math.max(0, this.#flying - freed.length);
    return freed.at(-1);
  }
}

function bytesOf(frames: readonly Frame[]): number {
  return frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
