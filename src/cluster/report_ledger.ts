/** What is to be done with a report. */
export type LedgerVerdict =
  /** It is the next one. */
  | "apply"
  /** It was applied before: to be acknowledged again, and not to be counted again. */
  | "again"
  /** One before it is missing. */
  | "gap";

/**
 * Which reports of one worker have been applied: each once, in their order.
 *
 * ```ts
 * import { ReportLedger } from "./report_ledger.ts";
 * import assert from "node:assert/strict";
 *
 * const ledger = new ReportLedger();
 * assert.equal(ledger.judge(1), "apply");
 * ledger.applied(1);
 * assert.deepEqual([1, 2, 3].map((seq) => ledger.judge(seq)), ["again", "apply", "gap"]);
 * ```
 */
export class ReportLedger {
  #lastSeq = 0;

  /** The last report that was applied; 0 where none was. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Says what to do with a report. */
  judge(seq: number): LedgerVerdict {
    if (seq <= this.#lastSeq) return "again";
    return seq === this.#lastSeq + 1 ? "apply" : "gap";
  }

  /** Notes that a report which was to be applied has been. */
  applied(seq: number): void {
    if (this.judge(seq) !== "apply") throw new RangeError(`report ${seq} is not the next one`);
    this.#lastSeq = seq;
  }
}
