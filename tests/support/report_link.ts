import assert from "node:assert/strict";
import { decodeMessage } from "../../src/cluster/codec.ts";
import { ReportOutbox } from "../../src/cluster/outbox.ts";
import { type Message, ProtocolError } from "../../src/cluster/protocol.ts";
import { countedOf } from "../../src/cluster/report.ts";
import { RunState } from "../../src/cluster/run_state.ts";
import { MergedStats } from "../../src/stats/merged_stats.ts";

type Answer = { readonly type: "ACK" | "RESUME"; readonly seq: number };

/** The report in a frame. */
export function reportIn(frame: Uint8Array): Message<"REPORT"> {
  const message = decodeMessage(frame.subarray(4));
  assert.ok(message.type === "REPORT");
  return message;
}

/**
 * A worker's outbox and its master's state, with a connection between them that loses, repeats and
 * delays frames on demand.
 */
export class ReportLink {
  readonly outbox = new ReportOutbox("run");
  readonly state = new RunState("run", "e3b0");
  readonly worker = this.state.addWorker({ id: "w1", incarnation: "i1", host: "box" });
  /** Everything that the master has applied. */
  readonly applied = new MergedStats();
  nowMs = 0;
  #toMaster: Uint8Array[] = [];
  #toWorker: Answer[] = [];
  readonly #sent = new Map<number, Uint8Array>();

  /** The worker writes this many frames, or as many as there is room for. */
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

  /** The master reads and answers this many frames, or all that have arrived. */
  read(limit = Infinity): void {
    for (const frame of this.#toMaster.splice(0, limit)) {
      const report = reportIn(frame);
      const { worker: { reports } } = this;
      const verdict = this.state.apply(this.worker, report);
      if (verdict === "apply") this.applied.add(countedOf(report));
      this.#toWorker.push(
        verdict === "gap"
          ? { type: "RESUME", seq: reports.lastSeq + 1 }
          : { type: "ACK", seq: report.seq },
      );
    }
  }

  /** The worker reads this many answers, or all that have arrived. */
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

  /** Loses the next frame. */
  lose(): void {
    this.#toMaster.shift();
  }

  /** Delivers everything in flight twice. */
  repeat(): void {
    this.#toMaster = this.#toMaster.flatMap((frame) => [frame, frame]);
    this.#toWorker = this.#toWorker.flatMap((answer) => [answer, answer]);
  }

  /** Loses everything in flight, and opens another connection. */
  cut(): void {
    this.#toMaster = [];
    this.#toWorker = [];
    this.outbox.reconnected(this.worker.reports.lastSeq, this.nowMs);
  }

  /** Continues without faults until everything is acknowledged. */
  drain(): void {
    this.cut();
    for (let round = 0; round < 100_000 && !this.outbox.drained; round++) {
      assert.ok(this.write() > 0, "there is nothing to write, and something left");
      this.read();
      this.hear();
    }
    assert.equal(this.outbox.drained, true);
  }

  /** Reports that were sent never change. */
  #check(frame: Uint8Array): void {
    const { seq } = reportIn(frame);
    const before = this.#sent.get(seq);
    if (before === undefined) assert.equal(seq, this.#sent.size + 1);
    else assert.deepEqual(frame, before);
    this.#sent.set(seq, frame.slice());
  }
}
