import assert from "node:assert/strict";
import { decodeMessage } from "../../src/cluster/codec.ts";
import { type JournalRecord, NO_JOURNAL } from "../../src/cluster/journal.ts";
import { WorkerState } from "../../src/cluster/run_state.ts";
import { JournalWriter } from "../../src/runner/worker_manager.ts";
import { report } from "../support/reports.ts";
import { assignment } from "../support/assignments.ts";

const MEMBER = new WorkerState({ id: "w1", incarnation: "i1", index: 4, host: "box" });

Deno.test("what becomes of a worker is written down at once", () => {
  const records: JournalRecord[] = [];
  const diary = new JournalWriter({
    append: (...more) => void records.push(...more),
    close: () => {},
  });
  diary.entered(MEMBER);
  diary.assigned(MEMBER, assignment({ revision: 7, classes: { A: 3 } }));
  diary.moved(MEMBER);
  assert.deepEqual(records, [
    { type: "worker", id: "w1", incarnation: "i1", index: 4, host: "box" },
    { type: "assigned", incarnation: "i1", classes: { A: 3 } },
    { type: "membership", incarnation: "i1", membership: "present" },
  ]);
});

Deno.test("a report is written down as it was sent", () => {
  const records: JournalRecord[] = [];
  const diary = new JournalWriter({
    append: (...more) => void records.push(...more),
    close: () => {},
  });
  diary.counted(MEMBER, report({ seq: 3 }));
  const [record] = records;
  assert.ok(record?.type === "report");
  assert.equal(record.incarnation, "i1");
  assert.deepEqual(decodeMessage(record.payload), report({ seq: 3 }));
});

Deno.test("without a journal, nothing is encoded for it", () => {
  // A report that cannot be encoded would be an error.
  new JournalWriter(NO_JOURNAL).counted(MEMBER, report({ runId: "x".repeat(2_000_000) }));
});
