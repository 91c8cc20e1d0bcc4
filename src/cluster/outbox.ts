/**
 * What a worker has counted, on its way to the master.
 *
 * @module
 */

import type { StatsDelta } from "../stats/stats_delta.ts";
import { MergedStats } from "../stats/totals.ts";
import { encodeMessage } from "./codec.ts";
import { ProtocolError } from "./protocol.ts";
import {
  countedOf,
  MAX_SPAN_SECONDS,
  type ReportFacts,
  type ReportPart,
  reportParts,
} from "./report.ts";

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
 */
export class ReportsInFlight {
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

/** What a report says of the worker and its second beside the counts. */
export type SecondFacts = Omit<ReportFacts, "runId">;

/** Beyond either of them, what is not yet sent is put together. */
const MAX_REPORTS = 64;
const MAX_BYTES = 16 * 1024 * 1024;

interface Waiting {
  readonly stretch: MergedStats;
  facts: SecondFacts;
}

/**
 * Makes reports of what was counted, and keeps each until the master has acknowledged it. Nothing is
 * dropped: where more comes than goes, seconds are put together before they are sent.
 *
 * It owns no clock and no connection: whoever has them asks for the {@link next} frame until there is
 * none, after each other call. Moments are in milliseconds on any one clock.
 */
export class ReportOutbox {
  readonly #runId: string;
  readonly #flight = new ReportsInFlight();
  /** What goes next, in this order. */
  readonly #parts: ReportPart[] = [];
  /** What goes behind that: for each part of the run, what was put together of it. */
  readonly #waiting: Waiting[] = [];
  #lastSecond = 0;
  #finished = false;

  constructor(runId: string) {
    this.#runId = runId;
  }

  /** How many reports were made so far; once the final one is out, that is its number. */
  get lastSeq(): number {
    return this.#flight.lastSeq;
  }

  /** Whether the final report, and so all of them, are acknowledged. */
  get drained(): boolean {
    return this.#finished && this.#unsent === 0 && this.#flight.count === 0;
  }

  /**
   * Bytes of the reports that are not acknowledged, sent or not. Seconds that were put together and
   * are no report yet are not in it: they take what their names take.
   */
  get heldBytes(): number {
    return this.#flight.bytes + sumOfBytes(this.#parts);
  }

  /** Takes in a second that is over; in their order. */
  add(counted: StatsDelta, facts: SecondFacts): void {
    this.#lastSecond = counted.to;
    const parts = this.#waiting.length === 0 ? this.#cut(counted, facts) : [];
    if (parts.length > 0 && this.#fit(parts)) this.#parts.push(...parts);
    else this.#putTogether(counted, facts);
  }

  /**
   * Says that nothing comes after this. What is not yet sent is put together: it gets over a slow link
   * all the sooner.
   */
  finish(facts: SecondFacts): void {
    const parts = this.#parts.splice(0);
    const waiting = this.#waiting.splice(0);
    for (const { content } of parts) this.#putTogether(countedOf(content), content);
    for (const { stretch, facts } of waiting) this.#putTogether(stretch, facts);
    // Makes one more report where there is none that could be the final one.
    this.#putTogether(nothingAt(this.#lastSecond), facts);
    this.#finished = true;
  }

  /** The frame to write now; null until something else has been called. */
  next(nowMs: number): Uint8Array<ArrayBuffer> | null {
    if (this.#flight.grounded) return this.#flight.relaunch(nowMs);
    if (this.#parts.length === 0 && this.#flight.admits(0, nowMs)) this.#cutWaiting();
    const [part] = this.#parts;
    if (part === undefined || !this.#flight.admits(part.bytes, nowMs)) return null;
    this.#parts.shift();
    const seq = this.lastSeq + 1;
    const final = this.#finished && this.#unsent === 0;
    return this.#flight.launch(encodeMessage({ ...part.content, seq, final }), nowMs);
  }

  /**
   * The master has applied this report and all before it.
   *
   * @throws ProtocolError where it was never sent.
   */
  acknowledged(seq: number, nowMs: number): void {
    this.#flight.acknowledged(seq, nowMs);
  }

  /**
   * The master lacks this report, and has all before it: it and all behind it go again.
   *
   * @throws ProtocolError where it was never sent, or was acknowledged.
   */
  resume(seq: number): void {
    this.#flight.resume(seq);
  }

  /**
   * There is another connection; whatever was sent on the one before and is not acknowledged goes
   * again.
   *
   * @throws ProtocolError where the report was never sent.
   */
  reconnected(ackedSeq: number, nowMs: number): void {
    this.#flight.reconnected(ackedSeq, nowMs);
  }

  get #unsent(): number {
    return this.#parts.length + this.#waiting.length;
  }

  #fit(parts: readonly ReportPart[]): boolean {
    const reports = this.#flight.count + this.#parts.length + parts.length;
    return reports <= MAX_REPORTS && this.heldBytes + sumOfBytes(parts) <= MAX_BYTES;
  }

  #putTogether(counted: StatsDelta, facts: SecondFacts): void {
    const last = this.#waiting.at(-1);
    if (
      last?.facts.phase === facts.phase && counted.to - last.stretch.from <= MAX_SPAN_SECONDS
    ) {
      last.stretch.add(counted);
      last.facts = facts;
      return;
    }
    const stretch = new MergedStats();
    stretch.add(counted);
    this.#waiting.push({ stretch, facts });
  }

  #cutWaiting(): void {
    const first = this.#waiting.shift();
    if (first !== undefined) this.#parts.push(...this.#cut(first.stretch, first.facts));
  }

  #cut(counted: StatsDelta, { phase, cpu, lag }: SecondFacts): ReportPart[] {
    return reportParts(counted, { runId: this.#runId, phase, cpu, lag });
  }
}

function sumOfBytes(parts: readonly ReportPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

function nothingAt(second: number): StatsDelta {
  return { from: second, to: second, seconds: [], entries: [], userErrors: [], iterations: null };
}
