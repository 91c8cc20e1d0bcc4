import assert from "node:assert/strict";
import type { JournalRecord } from "../../src/cluster/journal.ts";
import { createJournal, resumeJournal } from "../../src/cluster/restore.ts";
import { UsageError } from "../../src/core/errors.ts";
import type { DiskFile, OpenOptions } from "../../src/core/files.ts";
import { FakeHost } from "../support/fake_host.ts";
import { journalBytes, readJournal, RUN_RECORD } from "../support/journals.ts";
import { MemoryFile } from "../support/memory_file.ts";

const PATH = "/tmp/run.journal";
const OPTIONS = { path: PATH, onFailure: assert.fail };
const WORKER: JournalRecord = {
  type: "worker",
  id: "w1",
  incarnation: "i1",
  index: 0,
  host: "box",
};
const EPOCH_2: JournalRecord = { type: "epoch", epoch: 2 };

/** A machine with one file. */
function hostWith(bytes: Uint8Array<ArrayBuffer>): { host: FakeHost; file: MemoryFile } {
  const host = new FakeHost();
  const file = new MemoryFile(bytes);
  host.disk.set(PATH, file);
  return { host, file };
}

async function refusalOf(opening: Promise<unknown>): Promise<[string, string]> {
  const error = await opening.then(() => assert.fail("nothing was refused"), (thrown) => thrown);
  assert.ok(error instanceof UsageError, String(error));
  return [error.message, error.hint];
}

Deno.test("a new journal holds its run", async () => {
  for (const host of [new FakeHost(), hostWith(new Uint8Array()).host]) {
    const journal = await createJournal(host, RUN_RECORD, OPTIONS);
    const file = host.disk.get(PATH)!;
    assert.deepEqual(file.bytes, journalBytes([RUN_RECORD]));
    journal.append(WORKER);
    assert.deepEqual(file.bytes, journalBytes([RUN_RECORD, WORKER]));
    journal.close();
    assert.equal(file.isOpen, false);
  }
});

Deno.test("a run that is gone on with has what was written, and another epoch", async () => {
  const { host, file } = hostWith(journalBytes([RUN_RECORD, WORKER]));
  const { run, journal, brokenBytes } = await resumeJournal(host, OPTIONS);
  assert.equal(run.book.runId, "r1");
  assert.equal(run.book.testfileHash, "e3b0c442");
  assert.deepEqual(run.book.members.map(({ id }) => id), ["w1"]);
  assert.equal(run.book.epoch, 2);
  assert.equal(brokenBytes, 0);
  journal.append({ type: "started", userCount: 3 });
  journal.close();
  const again = await resumeJournal(host, OPTIONS);
  assert.equal(again.run.book.epoch, 3);
  assert.equal(again.run.startedUsers, 3);
  assert.deepEqual(
    file.bytes,
    journalBytes([RUN_RECORD, WORKER, EPOCH_2, { type: "started", userCount: 3 }, {
      type: "epoch",
      epoch: 3,
    }]),
  );
});

Deno.test("a record that was not finished is cut off before anything is added", async () => {
  const { host, file } = hostWith(journalBytes([RUN_RECORD, WORKER]).slice(0, -1));
  const { run, brokenBytes } = await resumeJournal(host, OPTIONS);
  assert.deepEqual(run.book.members, []);
  assert.equal(brokenBytes, 0);
  assert.deepEqual((await readJournal(new MemoryFile(file.bytes))).records, [RUN_RECORD, EPOCH_2]);
});

Deno.test("bytes that cannot be read are cut off and counted", async () => {
  const bytes = journalBytes([RUN_RECORD, WORKER, EPOCH_2]);
  const good = journalBytes([RUN_RECORD]).length;
  bytes[good + 20]! ^= 1;
  const { host, file } = hostWith(bytes);
  const { run, brokenBytes } = await resumeJournal(host, OPTIONS);
  assert.deepEqual(run.book.members, []);
  assert.equal(brokenBytes, bytes.length - good);
  assert.deepEqual(file.bytes, journalBytes([RUN_RECORD, EPOCH_2]));
});

Deno.test("a file that has something in it is never taken for a new journal", async () => {
  for (
    const [bytes, what, hint] of [
      [
        journalBytes([RUN_RECORD, WORKER]),
        "the file holds the run r1",
        `To go on with it use --resume ${PATH}; for a new run name another file.`,
      ],
      [
        new TextEncoder().encode("dear diary"),
        "the file exists, and is not overwritten",
        "Name a file that does not exist yet.",
      ],
      [
        journalBytes([]),
        "the file exists, and is not overwritten",
        "Name a file that does not exist yet.",
      ],
    ] as const
  ) {
    const { host, file } = hostWith(bytes);
    assert.deepEqual(await refusalOf(createJournal(host, RUN_RECORD, OPTIONS)), [
      `--journal ${PATH}: ${what}`,
      hint,
    ]);
    assert.deepEqual(file.bytes, bytes);
    assert.equal(file.isOpen, false);
  }
});

Deno.test("a disk that is full already refuses a new journal", async () => {
  const { host, file } = hostWith(new Uint8Array());
  file.room = 30;
  assert.deepEqual(await refusalOf(createJournal(host, RUN_RECORD, OPTIONS)), [
    `--journal ${PATH}: the file cannot be written (No space left on device)`,
    "",
  ]);
  assert.equal(file.isOpen, false);
});

Deno.test("a disk that fills up later leaves a journal that nobody goes on with", async () => {
  const host = new FakeHost();
  const failures: string[] = [];
  const journal = await createJournal(host, RUN_RECORD, {
    path: PATH,
    onFailure: (reason) => failures.push(reason),
  });
  host.disk.get(PATH)!.room = 5;
  journal.append(WORKER);
  assert.deepEqual(failures, ["No space left on device"]);
  assert.deepEqual(await refusalOf(resumeJournal(host, OPTIONS)), [
    `--resume ${PATH}: nobody can go on with the run, as it could not be written down to its end ` +
    "(No space left on device)",
    "Start a new run with --journal and another file.",
  ]);
});

Deno.test("what cannot be gone on with is refused, and left as it is", async () => {
  for (
    const [bytes, what] of [
      [new Uint8Array(), "there is no run in the file"],
      [journalBytes([]), "there is no run in the file"],
      [new TextEncoder().encode("dear diary"), "the file is no journal of aiotest"],
      [journalBytes([RUN_RECORD, { type: "ended" }]), "the run r1 has ended already"],
    ] as const
  ) {
    const { host, file } = hostWith(bytes);
    const [message, hint] = await refusalOf(resumeJournal(host, OPTIONS));
    assert.equal(message, `--resume ${PATH}: ${what}`);
    assert.notEqual(hint, "");
    assert.deepEqual(file.bytes, bytes);
    assert.equal(file.isOpen, false);
  }
});

Deno.test("a file that is not there, or in use, or not to be had is refused", async () => {
  assert.deepEqual(await refusalOf(resumeJournal(new FakeHost(), OPTIONS)), [
    `--resume ${PATH}: there is no such file`,
    "A run that was started with --journal FILE writes one.",
  ]);
  const { host, file } = hostWith(journalBytes([RUN_RECORD]));
  file.open();
  const busy = "another aiotest is using the file";
  assert.deepEqual(await refusalOf(resumeJournal(host, OPTIONS)), [
    `--resume ${PATH}: ${busy}`,
    "End that one first.",
  ]);
  assert.equal(
    (await refusalOf(createJournal(host, RUN_RECORD, OPTIONS)))[0],
    `--journal ${PATH}: ${busy}`,
  );
  const files = {
    openFile(path: string, { create }: OpenOptions): DiskFile {
      throw create ? new Deno.errors.NotFound(path) : new Deno.errors.PermissionDenied("not yours");
    },
  };
  assert.deepEqual(await refusalOf(resumeJournal(files, OPTIONS)), [
    `--resume ${PATH}: the file cannot be opened (PermissionDenied: not yours)`,
    "",
  ]);
  assert.deepEqual(await refusalOf(createJournal(files, RUN_RECORD, OPTIONS)), [
    `--journal ${PATH}: the file cannot be opened (NotFound: ${PATH})`,
    "",
  ]);
});
