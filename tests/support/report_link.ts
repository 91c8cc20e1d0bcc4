import assert from "node:assert/strict";
import { decodeMessage } from "../../src/cluster/codec.ts";
import { ReportOutbox } from "../../src/cluster/outbox.ts";
import { type Message, ProtocolError } from "../../src/cluster/protocol.ts";
import { countedOf } from "../../src/cluster/report.ts";
import { RunState } from "../../src/cluster/run_state.ts";
import { MergedStats } from "../../src/stats/totals.ts";

type Answer = { readonly type: "ACK" | "RESUME"; readonly seq: number };

/** The report in a frame. */
export function reportIn(frame: Uint8Array): Message<"REPORT"> {
  const message = decodeMessage(frame.subarray(4));
  assert.ok(message.type === "REPORT");
  return message;
}

/**
 * A worker's outbox and its master's book, with a connection between them that loses, repeats and
 * delays what it is told to.
 */
export class ReportLink {
  readonly outbox = new ReportOutbox("run");
  readonly book = new RunState("run", "e3b0");
  readonly member = this.book.addWorker({ id: "w1", incarnation: "i1", host: "box" });
  /** All that the master has applied. */
  readonly applied = new MergedStats();
  nowMs = 0;
  #toMaster: Uint8Array[] = [];
  #toWorker: Answer[] = [];
  readonly #sent = new Map<number, Uint8Array>();

  /** The worker writes so many frames, or as many as it may. */
  write(limit = Infinity): number {
    let count = 0;
    for (; count < limit; count++) {
      const frame = this.outbox.next(this.nowMs);
      if (frame === null) break;
      this.#check(frame);
      this.#toMaster.push(frame);
    }
    return count;
  }

  /** The master reads and answers so many frames, or all that are there. */
  read(limit = Infinity): void {
    for (const frame of this.#toMaster.splice(0, limit)) {
      const report = reportIn(frame);
      const { member: { reports } } = this;
      const verdict = this.book.apply(this.member, report);
      if (verdict === "apply") this.applied.add(countedOf(report));
      this.#toWorker.push(
        verdict === "gap"
          ? { type: "RESUME", seq: reports.lastSeq + 1 }
          : { type: "ACK", seq: report.seq },
      );
    }
  }

  /** The worker reads so many answers, or all that are there. */
  hear(limit = Infinity): void {
    for (const { type, seq } of this.#toWorker.splice(0, limit)) {
      try {
        if (type === "ACK") this.outbox.acknowledged(seq, this.nowMs);
        else this.outbox.resume(seq);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return this.cut();
      }
    }
  }

  /** The next frame gets lost. */
  lose(): void {
    this.#toMaster.shift();
  }

  /** All that is on its way arrives twice. */
  repeat(): void {
    this.#toMaster = this.#toMaster.flatMap((frame) => [frame, frame]);
    this.#toWorker = this.#toWorker.flatMap((answer) => [answer, answer]);
  }

  /** All that is on its way is lost, and there is another connection. */
  cut(): void {
    this.#toMaster = [];
    this.#toWorker = [];
    this.outbox.reconnected(this.member.reports.lastSeq, this.nowMs);
  }

  /** Goes on without a fault until everything is acknowledged. */
  drain(): void {
    this.cut();
    for (let round = 0; round < 100_000 && !this.outbox.drained; round++) {
      assert.ok(this.write() > 0, "there is nothing to write, and something left");
      this.read();
      this.hear();
    }
    assert.equal(this.outbox.drained, true);
  }

  /** What has been sent never changes. */
  #check(frame: Uint8Array): void {
    const { seq } = reportIn(frame);
    const before = this.#sent.get(seq);
    if (before === undefined) assert.equal(seq, this.#sent.size + 1);
    else assert.deepEqual(frame, before);
    this.#sent.set(seq, frame.slice());
  }
}
