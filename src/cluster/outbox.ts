/**
 * The reports of a worker until the master has acknowledged them.
 *
 * @module
 */

import { errorText } from "../core/errors.ts";
import { emptyDelta, type StatsDelta } from "../stats/stats_delta.ts";
import { MergedStats } from "../stats/merged_stats.ts";
import type { UnstartedTests } from "../stats/unstarted_tests.ts";
import { encodeChecked } from "./codec.ts";
import { ProtocolError } from "./protocol.ts";
import { countedOf, MAX_SPAN_SECONDS } from "./report.ts";
import { type ReportMetadata, type ReportPart, reportParts } from "./report_parts.ts";

/** What a report says about the worker and its last second, besides the counts. */
export type SecondMetadata = Omit<ReportMetadata, "runId">;

/** If more reports or bytes than this are unacknowledged, seconds that are not sent yet are merged. */
const MAX_REPORTS = 64;
const MAX_BYTES = 16 * 1024 * 1024;

interface UnsentStats {
  readonly merged: MergedStats;
  metadata: SecondMetadata;
}

/** What the final report contains besides counts of seconds. */
export interface LastFacts extends Pick<StatsDelta, "userErrors"> {
  readonly warnings: readonly string[];
  readonly unstartedTests: readonly UnstartedTests[];
}

/**
 * Divides counts into reports, and keeps each until the master has acknowledged it. Nothing is dropped:
 * if more is counted than can be sent, seconds are merged before they are sent. Counts that cannot be
 * encoded are lost, and all reports after that say so.
 *
 * It has no clock and no connection. After each call, the caller sends the {@link next} frames until
 * there are none. Times are in milliseconds of any one clock.
 */
export class ReportOutbox {
  readonly #runId: string;
  readonly #sent = new SentReports();
  /** What is sent next, in order. */
  readonly #parts: ReportPart[] = [];
  /** What is sent after that: the merged counts between one reset and the next. */
  readonly #unsent: UnsentStats[] = [];
  readonly #onDamage: (reason: string) => void;
  #lastSecond = 0;
  #finished = false;
  /** For the final report. */
  #warnings: readonly string[] = [];
  #unstartedTests: readonly UnstartedTests[] = [];
  #isDamaged = false;

  /**
   * @param onDamage called once if something cannot be reported, with the reason. The other counts are
   *   reported, and all further reports say that the counts are incomplete.
   */
  constructor(runId: string, onDamage: (reason: string) => void = () => {}) {
    this.#runId = runId;
    this.#onDamage = onDamage;
  }

  /** How many reports were made so far; once the final one is sent, this is its number. */
  get lastSeq(): number {
    return this.#sent.lastSeq;
  }

  /** Whether the final report, and so all of them, are acknowledged. */
  get drained(): boolean {
    return this.#finished && this.#unsentCount === 0 && this.#sent.count === 0;
  }

  /**
   * Bytes of the reports that are not acknowledged, whether they are sent or not. Merged seconds that are
   * not divided into reports yet are not included.
   */
  get heldBytes(): number {
    return this.#sent.bytes + sumOfBytes(this.#parts);
  }

  /** Adds the counts of a second that is over; seconds must be added in order. */
  add(counted: StatsDelta, metadata: SecondMetadata): void {
    this.#lastSecond = counted.to;
    this.#orDamage(() => {
      const parts = this.#unsent.length === 0 ? this.#divide(counted, metadata) : [];
      if (parts.length > 0 && this.#fits(parts)) this.#parts.push(...parts);
      else this.#merge(counted, metadata);
    });
  }

  /**
   * Ends the counting. What is not sent yet is merged, so that it takes less time on a slow link.
   *
   * @param last what belongs to no second: errors of users, warnings, a sentence each, and the tests that
   *   never began.
   */
  finish(
    metadata: SecondMetadata,
    { userErrors, warnings, unstartedTests }: LastFacts = {
      userErrors: [],
      warnings: [],
      unstartedTests: [],
    },
  ): void {
    this.#warnings = warnings;
    this.#unstartedTests = unstartedTests;
    const parts = this.#parts.splice(0);
    const unsent = this.#unsent.splice(0);
    for (const { content } of parts) this.#orDamage(() => this.#merge(countedOf(content), content));
    for (const { merged, metadata } of unsent) {
      this.#orDamage(() => this.#merge(merged, metadata));
    }
    // This makes another report if there is none left that could be the final one.
    this.#merge({ ...emptyDelta(this.#lastSecond), userErrors }, metadata);
    this.#finished = true;
  }

  /** Returns the frame to send now; null until another method has been called. */
  next(nowMs: number): Uint8Array<ArrayBuffer> | null {
    if (this.#sent.mustResend) return this.#sent.resend(nowMs);
    for (;;) {
      if (this.#parts.length === 0 && this.#sent.hasRoom(0, nowMs)) {
        this.#orDamage(() => this.#divideUnsent());
      }
      const [part] = this.#parts;
      if (part === undefined || !this.#sent.hasRoom(part.bytes, nowMs)) return null;
      this.#parts.shift();
      const frame = this.#orDamage(() => this.#encode(part));
      if (frame !== undefined) return this.#sent.send(frame, nowMs);
      if (this.#finished && this.#unsentCount === 0) this.#addEmpty(part.content.resetCount);
    }
  }

  #encode({ content }: ReportPart): Uint8Array<ArrayBuffer> {
    const seq = this.lastSeq + 1;
    const final = this.#finished && this.#unsentCount === 0;
    const warnings = final ? this.#warnings : [];
    const unstartedTests = final ? this.#unstartedTests : [];
    return encodeChecked({
      ...content,
      seq,
      final,
      damaged: this.#isDamaged,
      warnings,
      unstartedTests,
    });
  }

  /** Adds a report without counts, in place of a final report that cannot be sent. */
  #addEmpty(resetCount: number): void {
    this.#parts.push(
      ...this.#divide(emptyDelta(this.#lastSecond), { resetCount, cpu: 0, lag: 0 }),
    );
  }

  /** Does something with counts; if that fails, they are lost, and all others are kept. */
  #orDamage<Result>(work: () => Result): Result | undefined {
    try {
      return work();
    } catch (error) {
      if (!this.#isDamaged) this.#onDamage(errorText(error));
      this.#isDamaged = true;
      return undefined;
    }
  }

  /**
   * The master has applied this report and all before it.
   *
   * @throws ProtocolError if it was never sent.
   */
  acknowledged(seq: number, nowMs: number): void {
    this.#sent.acknowledged(seq, nowMs);
  }

  /**
   * The master lacks this report, and has all before it: it and all after it are sent again.
   *
   * @throws ProtocolError if it was never sent, or was acknowledged.
   */
  resume(seq: number): void {
    this.#sent.resume(seq);
  }

  /**
   * There is a new connection: all reports that are not acknowledged are sent again.
   *
   * @throws ProtocolError if the report was never sent.
   */
  reconnected(ackedSeq: number, nowMs: number): void {
    this.#sent.reconnected(ackedSeq, nowMs);
  }

  get #unsentCount(): number {
    return this.#parts.length + this.#unsent.length;
  }

  #fits(parts: readonly ReportPart[]): boolean {
    const reports = this.#sent.count + this.#parts.length + parts.length;
    return reports <= MAX_REPORTS && this.heldBytes + sumOfBytes(parts) <= MAX_BYTES;
  }

  #merge(counted: StatsDelta, metadata: SecondMetadata): void {
    const last = this.#unsent.at(-1);
    if (
      last?.metadata.resetCount === metadata.resetCount &&
      counted.to - last.merged.from <= MAX_SPAN_SECONDS
    ) {
      last.merged.add(counted);
      last.metadata = metadata;
      return;
    }
    const merged = new MergedStats();
    merged.add(counted);
    this.#unsent.push({ merged, metadata });
  }

  #divideUnsent(): void {
    const first = this.#unsent.shift();
    if (first !== undefined) this.#parts.push(...this.#divide(first.merged, first.metadata));
  }

  #divide(counted: StatsDelta, { resetCount, cpu, lag }: SecondMetadata): ReportPart[] {
    return reportParts(counted, { runId: this.#runId, resetCount, cpu, lag });
  }
}

function sumOfBytes(parts: readonly ReportPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Bytes of reports that may be in flight. PINGs are queued behind them, and the lease must not expire in
 * the meantime.
 */
const WINDOW_BYTES = 32 * 1024;

/** If an acknowledgement takes this long, only one report is in flight at a time. */
const SLOW_MS = 1000;

interface Frame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  sentAt: number;
}

/**
 * The reports that were sent and are not acknowledged. They are numbered from 1, and each stays unchanged
 * until the master is known to have it.
 */
export class SentReports {
  /** The oldest first, without gaps in their numbers. */
  readonly #frames: Frame[] = [];
  /** How many of them are in flight; the others have to be sent again. */
  #inFlight = 0;
  #lastSeq = 0;
  #isSlow = false;

  /** The last report that was sent; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** How many reports there are. */
  get count(): number {
    return this.#frames.length;
  }

  /** Their size. */
  get bytes(): number {
    return bytesOf(this.#frames);
  }

  /** Whether a report has to be sent again, before any new one. */
  get mustResend(): boolean {
    return this.#inFlight < this.#frames.length;
  }

  /** Whether this many bytes may be sent now. */
  hasRoom(bytes: number, nowMs: number): boolean {
    const oldest = this.#frames[0];
    if (this.#inFlight === 0 || oldest === undefined) return true;
    if (this.#isSlow || nowMs - oldest.sentAt >= SLOW_MS) return false;
    return bytesOf(this.#frames.slice(0, this.#inFlight)) + bytes <= WINDOW_BYTES;
  }

  /** Sends a new report. There must be room for it, and none that must be sent again. */
  send(bytes: Uint8Array<ArrayBuffer>, nowMs: number): Uint8Array<ArrayBuffer> {
    this.#frames.push({ bytes, sentAt: nowMs });
    this.#lastSeq++;
    this.#inFlight++;
    return bytes;
  }

  /** Sends the first report again that has to be, if there is room for it. */
  resend(nowMs: number): Uint8Array<ArrayBuffer> | null {
    const frame = this.#frames[this.#inFlight];
    if (frame === undefined || !this.hasRoom(frame.bytes.length, nowMs)) return null;
    frame.sentAt = nowMs;
    this.#inFlight++;
    return frame.bytes;
  }

  /** Drops this report and all before it; they may have been acknowledged before. */
  acknowledged(seq: number, nowMs: number): void {
    const newest = this.#drop(seq);
    if (newest !== undefined) this.#isSlow = nowMs - newest.sentAt >= SLOW_MS;
  }

  /** Drops all before this report, which has to be sent again, like all after it. */
  resume(seq: number): void {
    const first = this.#lastSeq - this.count + 1;
    if (seq < first || seq > this.#lastSeq) {
      throw new ProtocolError(
        "protocol",
        `the master asks for report ${seq}, which does not exist`,
      );
    }
    this.#drop(seq - 1);
    this.#inFlight = 0;
  }

  /** Like {@link acknowledged}; all other reports have to be sent again. */
  reconnected(ackedSeq: number, nowMs: number): void {
    // This includes the time without a connection: the new one has to prove again that it is fast.
    this.acknowledged(ackedSeq, nowMs);
    this.#inFlight = 0;
  }

  /** Returns the newest of the dropped reports. */
  #drop(seq: number): Frame | undefined {
    if (seq > this.#lastSeq) {
      throw new ProtocolError(
        "protocol",
        `the master acknowledges report ${seq}, which was not sent`,
      );
    }
    const held = this.#lastSeq - seq;
    const dropped = this.#frames.splice(0, Math.max(0, this.#frames.length - held));
    this.#inFlight = Math.max(0, this.#inFlight - dropped.length);
    return dropped.at(-1);
  }
}

function bytesOf(frames: readonly Frame[]): number {
  return frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
