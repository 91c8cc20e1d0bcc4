import assert from "node:assert/strict";
import { ReportSequence } from "../../src/cluster/workers.ts";

function ledgerAt(seq: number): ReportSequence {
  const ledger = new ReportSequence();
  for (let next = 1; next <= seq; next++) ledger.applied(next);
  return ledger;
}

Deno.test("the first report is number 1", () => {
  const ledger = new ReportSequence();
  assert.equal(ledger.lastSeq, 0);
  assert.deepEqual([0, 1, 2].map((seq) => ledger.judge(seq)), ["again", "apply", "gap"]);
});

Deno.test("what was applied is not applied again, and what is too early has to wait", () => {
  const ledger = ledgerAt(3);
  assert.equal(ledger.lastSeq, 3);
  const verdicts = [1, 3, 4, 5, 1000].map((seq) => ledger.judge(seq));
  assert.deepEqual(verdicts, ["again", "again", "apply", "gap", "gap"]);
});

Deno.test("judging a report changes nothing", () => {
  const ledger = ledgerAt(3);
  assert.deepEqual([4, 4, 5, 4].map((seq) => ledger.judge(seq)), [
    "apply",
    "apply",
    "gap",
    "apply",
  ]);
  assert.equal(ledger.lastSeq, 3);
});

Deno.test("only the next report can have been applied", () => {
  const ledger = ledgerAt(3);
  for (const seq of [0, 3, 5]) assert.throws(() => ledger.applied(seq), RangeError);
  assert.equal(ledger.lastSeq, 3);
});
