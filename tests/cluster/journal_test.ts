import assert from "node:assert/strict";
import { Journal, type JournalRecord, NO_JOURNAL } from "../../src/cluster/journal.ts";
import { openFile } from "../../src/core/files.ts";
import { journalBytes, readJournal, RUN_RECORD } from "../support/journals.ts";
import { MemoryFile } from "../support/memory_file.ts";
import { fromFileUrl } from "../support/paths.ts";

const EPOCH: JournalRecord = { type: "epoch", epoch: 2 };
const ENDED: JournalRecord = { type: "ended" };

/** A journal with its run in it, and what it said of failures. */
function begun(): { file: MemoryFile; journal: Journal; failures: string[] } {
  const file = new MemoryFile(journalBytes([RUN_RECORD]));
  file.open();
  const failures: string[] = [];
  return { file, journal: new Journal(file, (reason) => failures.push(reason)), failures };
}

Deno.test("what is appended is in the file at once", () => {
  const { file, journal } = begun();
  journal.append(EPOCH);
  assert.deepEqual(file.bytes, journalBytes([RUN_RECORD, EPOCH]));
  journal.append(ENDED);
  assert.deepEqual(file.bytes, journalBytes([RUN_RECORD, EPOCH, ENDED]));
});

Deno.test("several records are one write", () => {
  const writes: number[] = [];
  const file = {
    append: (bytes: Uint8Array) => void writes.push(bytes.length),
    truncate: () => assert.fail(),
    close: () => assert.fail(),
  };
  const journal = new Journal(file, assert.fail);
  journal.append(EPOCH, ENDED, EPOCH);
  assert.deepEqual(writes, [journalBytes([EPOCH, ENDED, EPOCH]).length - journalBytes([]).length]);
});

Deno.test("a journal that cannot be written says so once, and that nobody can go on with it", async () => {
  const { file, journal, failures } = begun();
  file.room = 10;
  journal.append(EPOCH);
  journal.append(ENDED);
  assert.deepEqual(failures, ["No space left on device"]);
  assert.equal(file.isOpen, false);
  const bytes = file.bytes.slice();
  assert.deepEqual((await readJournal(new MemoryFile(bytes))).records, [
    { type: "abandoned", reason: "No space left on device" },
  ]);
});

Deno.test("a disk that takes nothing at all leaves a file without a run", () => {
  const { file, journal, failures } = begun();
  file.room = -Infinity;
  journal.append(EPOCH);
  assert.deepEqual(failures, ["No space left on device"]);
  assert.equal(file.bytes.length, 0);
  assert.equal(file.isOpen, false);
});

Deno.test("a closed journal takes nothing more, and closing it again does nothing", () => {
  const { file, journal } = begun();
  journal.close();
  assert.equal(file.isOpen, false);
  journal.append(ENDED);
  journal.close();
  assert.deepEqual(file.bytes, journalBytes([RUN_RECORD]));
  NO_JOURNAL.append(ENDED);
  NO_JOURNAL.close();
});

Deno.test("all that a master wrote down before kill -9 is there, and no more than one record behind", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (let round = 0; round < 3; round++) {
      const path = `${folder}/${round}.journal`;
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", fromFileUrl("../support/journal_child.ts"), path],
        stdin: "null",
        stdout: "piped",
      }).spawn();
      let said = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        said += text;
        // As many as it has written, and is writing, by then: another moment each round.
        if (said.length > 2000 * (round + 1)) child.kill("SIGKILL");
      }
      await child.status;
      const announced = Number(said.slice(0, said.lastIndexOf("\n")).split("\n").at(-1));
      assert.ok(announced > 100);
      const file = openFile(path, { create: false });
      const { records, goodBytes, isBroken } = await readJournal(file);
      const left = file.size() - goodBytes;
      file.close();
      assert.ok(records.length === announced || records.length === announced + 1);
      assert.ok(left < 2100 && !isBroken);
      assert.deepEqual(records[0], RUN_RECORD);
      const payload = new Uint8Array(2000).fill(7);
      for (const [i, record] of records.slice(1).entries()) {
        assert.deepEqual(record, { type: "report", incarnation: `i${i + 2}`, payload });
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
