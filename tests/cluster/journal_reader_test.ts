import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  encodeRecord,
  JOURNAL_HEAD,
  JournalReader,
  type JournalRecord,
  MAX_RECORD,
} from "../../src/cluster/journal.ts";
import { UsageError } from "../../src/core/errors.ts";
import { anyRecord, journalBytes, readJournal, RUN_RECORD } from "../support/journals.ts";
import { MemoryFile } from "../support/memory_file.ts";

const SMALL: readonly JournalRecord[] = [
  RUN_RECORD,
  { type: "worker", id: "w1", incarnation: "i1", index: 0, host: "box" },
  { type: "report", incarnation: "i1", payload: new Uint8Array([1, 0, 0, 0, 2]) },
  { type: "time", elapsedSeconds: 1.5, targetUsers: 10, runningUsers: 9 },
  { type: "ended" },
];

/** Where each record of a journal ends; first, where its head does. */
function endsOf(records: readonly JournalRecord[]): number[] {
  return [...records.keys(), records.length].map((n) => journalBytes(records.slice(0, n)).length);
}

/** A file that gives no more than a few bytes at once. */
function dripping(bytes: Uint8Array<ArrayBuffer>, most: number): Pick<MemoryFile, "read"> {
  const file = new MemoryFile(bytes);
  return { read: (into) => file.read(into.subarray(0, most)) };
}

function refusalOf(bytes: Uint8Array<ArrayBuffer> | string): Promise<[string, string]> {
  const file = new MemoryFile(
    typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes,
  );
  return readJournal(file).then(
    () => assert.fail("nothing was refused"),
    (error) => {
      assert.ok(error instanceof UsageError);
      return [error.message, error.hint];
    },
  );
}

Deno.test("all records are read, however the bytes come", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyRecord), fc.integer({ min: 1, max: 400 }), async (all, most) => {
      const bytes = journalBytes(all);
      assert.deepEqual(await readJournal(dripping(bytes, most)), {
        records: all,
        goodBytes: bytes.length,
        isBroken: false,
      });
    }),
  );
});

Deno.test("a journal that is cut anywhere gives the records that are whole", async () => {
  const bytes = journalBytes(SMALL);
  const ends = endsOf(SMALL);
  for (let length = JOURNAL_HEAD.length; length <= bytes.length; length++) {
    const whole = ends.filter((end) => end <= length).length - 1;
    assert.deepEqual(await readJournal(new MemoryFile(bytes.slice(0, length))), {
      records: SMALL.slice(0, whole),
      goodBytes: ends[whole],
      isBroken: false,
    });
  }
});

Deno.test("a byte that is changed anywhere gives no record that was not written", async () => {
  const bytes = journalBytes(SMALL);
  const ends = endsOf(SMALL);
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [1, 0x80, 0xff]) {
      const changed = bytes.slice();
      changed[at]! ^= flip;
      if (at < JOURNAL_HEAD.length) {
        await refusalOf(changed);
        continue;
      }
      const whole = ends.filter((end) => end <= at).length - 1;
      const { records, goodBytes } = await readJournal(new MemoryFile(changed));
      assert.deepEqual(records, SMALL.slice(0, whole), `byte ${at}`);
      assert.equal(goodBytes, ends[whole]);
    }
  }
});

Deno.test("a record that is whole but wrong is broken, and all behind it is left out", async () => {
  const bytes = journalBytes(SMALL);
  const [, , afterWorker = 0, afterReport = 0] = endsOf(SMALL);
  bytes[afterReport - 1]! ^= 1;
  assert.deepEqual(await readJournal(new MemoryFile(bytes)), {
    records: SMALL.slice(0, 2),
    goodBytes: afterWorker,
    isBroken: true,
  });
});

Deno.test("a length that no record has is broken", async () => {
  const good = journalBytes([RUN_RECORD]);
  for (const length of [0, MAX_RECORD + 1, 0xffff_ffff]) {
    const bytes = new Uint8Array(good.length + 8);
    bytes.set(good);
    new DataView(bytes.buffer).setUint32(good.length, length);
    assert.deepEqual(await readJournal(new MemoryFile(bytes)), {
      records: [RUN_RECORD],
      goodBytes: good.length,
      isBroken: true,
    });
  }
});

Deno.test("a file that has no run in it is refused", async () => {
  const empty = [
    "--resume run.journal: there is no run in the file",
    "It ended before it had begun; delete the file, and start with --journal.",
  ];
  assert.deepEqual(await refusalOf(""), empty);
  assert.deepEqual(await refusalOf("aiotest-jour"), empty);
});

Deno.test("a file that is no journal is refused", async () => {
  for (
    const text of [
      "x",
      "hello\n",
      "aiotest-journal x\n",
      "aiotest-journal 0\n",
      "PK\u0003".repeat(99),
    ]
  ) {
    assert.deepEqual(await refusalOf(text), [
      "--resume run.journal: the file is no journal of aiotest",
      "A run that was started with --journal FILE writes one.",
    ]);
  }
});

Deno.test("a journal of a later format is refused, and which one it has is said", async () => {
  for (const [text, format] of [["aiotest-journal 2\n", 2], ["aiotest-journal 10\nabc", 10]]) {
    assert.deepEqual(await refusalOf(String(text)), [
      `--resume run.journal: the journal has format ${format}, and this aiotest knows 1`,
      "Use the version of aiotest that wrote it.",
    ]);
  }
});

Deno.test("a record that is whole and right, but of no known type, is refused", async () => {
  const good = journalBytes([RUN_RECORD]);
  const nonsense = [0, 0, 0, 10, 0xd1, 0xf7, 0x8f, 0x1c, 0x91, 0xa8, ...Buffer.from("nonsense")];
  assert.deepEqual(await refusalOf(new Uint8Array([...good, ...nonsense])), [
    `--resume run.journal: what is written at byte ${good.length} cannot be read`,
    "Use the version of aiotest that wrote it.",
  ]);
});

Deno.test("a journal of 200 MB is read in little memory", async () => {
  const payload = new Uint8Array(100_000).fill(7);
  const record = encodeRecord({ type: "report", incarnation: "i1", payload });
  let chunks = 2001;
  const read = (into: Uint8Array): Promise<number | null> => {
    if (chunks-- === 0) return Promise.resolve(null);
    const chunk = chunks === 2000 ? JOURNAL_HEAD : record;
    into.set(chunk);
    return Promise.resolve(chunk.length);
  };
  const before = Deno.memoryUsage();
  let count = 0;
  let most = 0;
  for await (const { type } of new JournalReader({ read }, "").records()) {
    assert.equal(type, "report");
    count++;
    const { heapUsed, external } = Deno.memoryUsage();
    most = Math.max(most, heapUsed + external - before.heapUsed - before.external);
  }
  assert.equal(count, 2000);
  assert.ok(most < 100_000_000, `${most} bytes more`);
});
