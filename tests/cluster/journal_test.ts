import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import {
  decodeRecord,
  encodeRecord,
  Journal,
  JOURNAL_HEAD,
  JournalReader,
  type JournalRecord,
  MAX_RECORD,
  NO_JOURNAL,
  RECORD_HEAD,
  type RunRecord,
} from "../../src/cluster/journal.ts";
import { UsageError } from "../../src/core/errors.ts";
import {
  anyRecord,
  anyRunRecord,
  journalBytes,
  readJournal,
  RUN_RECORD,
} from "../support/journals.ts";
import { MemoryFile } from "../support/memory_file.ts";

const EPOCH = { type: "epoch", epoch: 2 } as const;
const ENDED = { type: "ended" } as const;
const REPORT = { type: "report", incarnation: "i1", payload: new Uint8Array(200) } as const;

/** A journal that contains its run, and the failures that it reported. */
function begun(): { file: MemoryFile; journal: Journal; failures: string[] } {
  const file = new MemoryFile(journalBytes([RUN_RECORD]));
  file.open();
  const failures: string[] = [];
  const journal = new Journal(file, file.size(), (reason) => failures.push(reason));
  return { file, journal, failures };
}

Deno.test("appended records are in the file immediately", () => {
  const { file, journal } = begun();
  journal.append(EPOCH);
  assert.deepEqual(file.bytes, journalBytes([RUN_RECORD, EPOCH]));
  journal.append(ENDED);
  assert.deepEqual(file.bytes, journalBytes([RUN_RECORD, EPOCH, ENDED]));
});

Deno.test("several records are appended in one write", () => {
  const writes: number[] = [];
  const file = {
    append: (bytes: Uint8Array) => void writes.push(bytes.length),
    truncate: () => assert.fail(),
    close: () => assert.fail(),
  };
  const journal = new Journal(file, 0, assert.fail);
  journal.append(EPOCH, ENDED, EPOCH);
  assert.deepEqual(writes, [journalBytes([EPOCH, ENDED, EPOCH]).length - journalBytes([]).length]);
});

const FULL = "No space left on device";
const NEW_RUN = "Start a new run with --journal and another file.";

/** How to continue without what follows the first `bytes` of a journal. */
function cutHint(bytes: number): string {
  return `To continue without what was recorded later, keep only the first ${bytes} bytes ` +
    `(truncate -s ${bytes} FILE); those results are then lost.`;
}

Deno.test("a journal that cannot be written reports it once, and can no longer be resumed", async () => {
  const { file, journal, failures } = begun();
  journal.append(EPOCH);
  const good = file.bytes.slice();
  file.room = 100;
  journal.append(REPORT);
  journal.append(ENDED);
  assert.deepEqual(failures, [FULL]);
  assert.equal(file.isOpen, false);
  assert.deepEqual(await refusalOf(file.bytes), [
    `--resume run.journal: the run cannot be resumed because the journal is incomplete: ${FULL}`,
    `${NEW_RUN} ${cutHint(good.length)}`,
  ]);
  const cut = new MemoryFile(file.bytes.slice(0, good.length));
  assert.deepEqual((await readJournal(cut)).records, [RUN_RECORD, EPOCH]);
});

Deno.test("if there is no space for the reason, it replaces what was recorded", async () => {
  const { file, journal, failures } = begun();
  file.room = 10;
  journal.append(REPORT);
  assert.deepEqual(failures, [FULL]);
  assert.deepEqual(await refusalOf(file.bytes), [
    `--resume run.journal: the run cannot be resumed because the journal is incomplete: ${FULL}`,
    NEW_RUN,
  ]);
});

Deno.test("a record that is too long to be read again is a failure", async () => {
  const { file, journal, failures } = begun();
  journal.append({ type: "report", incarnation: "i1", payload: new Uint8Array(MAX_RECORD) });
  assert.deepEqual(failures, ["RangeError: a record of type report has 2097168 bytes"]);
  await refusalOf(file.bytes);
});

Deno.test("if nothing can be written at all, the file contains no run", () => {
  const { file, journal, failures } = begun();
  file.room = -Infinity;
  journal.append(EPOCH);
  assert.deepEqual(failures, ["No space left on device"]);
  assert.equal(file.bytes.length, 0);
  assert.equal(file.isOpen, false);
});

Deno.test("a closed journal ignores records, and can be closed again", () => {
  const { file, journal } = begun();
  journal.close();
  assert.equal(file.isOpen, false);
  journal.append(ENDED);
  journal.close();
  assert.deepEqual(file.bytes, journalBytes([RUN_RECORD]));
  NO_JOURNAL.append(ENDED);
  NO_JOURNAL.close();
});

const SMALL: readonly RunRecord[] = [
  RUN_RECORD,
  { type: "worker", id: "w1", incarnation: "i1", index: 0, host: "box" },
  { type: "report", incarnation: "i1", payload: new Uint8Array([1, 0, 0, 0, 2]) },
  { type: "time", elapsedSeconds: 1.5, targetUsers: 10, runningUsers: 9 },
  { type: "ended" },
];

/** The end of the head of a journal, and of each record. */
function endsOf(records: readonly JournalRecord[]): number[] {
  return [...records.keys(), records.length].map((n) => journalBytes(records.slice(0, n)).length);
}

/** A file that returns only a few bytes per read. */
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

/** Asserts that a journal is refused because it is damaged after its first `good` bytes. */
async function assertDamaged(
  bytes: Uint8Array<ArrayBuffer>,
  good: number,
  what = "damage",
): Promise<void> {
  assert.deepEqual(await refusalOf(bytes), [
    `--resume run.journal: the journal is damaged at byte ${good}`,
    `Restore an undamaged copy of the file. ${cutHint(good)}`,
  ], what);
}

/** Asserts that a journal with a changed byte is refused, and at which of its parts. */
async function assertChangeRefused(
  changed: Uint8Array<ArrayBuffer>,
  at: number,
  ends: readonly number[],
): Promise<void> {
  if (at < JOURNAL_HEAD.length) await refusalOf(changed);
  else await assertDamaged(changed, ends.findLast((end) => end <= at)!, `byte ${at}`);
}

function joined(...parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)));
}

const anyJournal = fc.array(anyRunRecord, { minLength: 1, maxLength: 20 });
/** A position in a journal: from 0 to 1. */
const anyShare = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

Deno.test("all records are read, whatever the sizes of the reads", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyRunRecord),
      fc.integer({ min: 1, max: 400 }),
      async (all, most) => {
        const bytes = journalBytes(all);
        assert.deepEqual(await readJournal(dripping(bytes, most)), {
          records: all,
          goodBytes: bytes.length,
        });
      },
    ),
  );
});

Deno.test("records of any size are read", async () => {
  const sizes = [1, 1_000_000, 65_536, 2, 131_072, 1_048_576, 3];
  const records = sizes.map((size): RunRecord => (
    { type: "report", incarnation: "i1", payload: new Uint8Array(size).fill(size) }
  ));
  const file = new MemoryFile(Buffer.concat([JOURNAL_HEAD, ...records.map(encodeRecord)]));
  assert.deepEqual((await readJournal(file)).records, records);
});

Deno.test("a journal that is truncated anywhere yields its complete records", async () => {
  const bytes = journalBytes(SMALL);
  const ends = endsOf(SMALL);
  for (let length = JOURNAL_HEAD.length; length <= bytes.length; length++) {
    const whole = ends.filter((end) => end <= length).length - 1;
    assert.deepEqual(await readJournal(new MemoryFile(bytes.slice(0, length))), {
      records: SMALL.slice(0, whole),
      goodBytes: ends[whole],
    });
  }
});

Deno.test("any journal that is truncated anywhere yields its complete records", async () => {
  await fc.assert(
    fc.asyncProperty(anyJournal, anyShare, async (all, share) => {
      const bytes = journalBytes(all);
      const ends = endsOf(all);
      const length = JOURNAL_HEAD.length +
        Math.floor(share * (bytes.length - JOURNAL_HEAD.length));
      const whole = ends.filter((end) => end <= length).length - 1;
      assert.deepEqual(await readJournal(new MemoryFile(bytes.slice(0, length))), {
        records: all.slice(0, whole),
        goodBytes: ends[whole],
      });
    }),
  );
});

Deno.test("every flipped bit is refused, with the byte at which its record starts", async () => {
  const bytes = journalBytes(SMALL);
  const ends = endsOf(SMALL);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    await assertChangeRefused(changed, bit >> 3, ends);
  }
});

Deno.test("any changed byte of any journal is refused", async () => {
  await fc.assert(
    fc.asyncProperty(
      anyJournal,
      anyShare,
      fc.integer({ min: 1, max: 255 }),
      async (all, share, change) => {
        const bytes = journalBytes(all);
        const at = Math.floor(share * bytes.length);
        bytes[at]! ^= change;
        await assertChangeRefused(bytes, at, endsOf(all));
      },
    ),
  );
});

Deno.test("a hole of zeros is refused", async () => {
  await fc.assert(
    fc.asyncProperty(anyJournal, anyShare, anyShare, async (all, from, to) => {
      const good = journalBytes(all);
      const bytes = good.slice();
      bytes.fill(0, Math.floor(from * bytes.length), Math.ceil(to * bytes.length));
      const at = bytes.findIndex((byte, index) => byte !== good[index]);
      if (at >= 0) await assertChangeRefused(bytes, at, endsOf(all));
    }),
  );
});

Deno.test("what follows the last record is refused, unless it is shorter than a record's head", async () => {
  const good = journalBytes(SMALL);
  for (
    const rest of [new Uint8Array(4096), new Uint8Array(RECORD_HEAD), good, Buffer.from("x\n")]
  ) {
    const bytes = joined(good, rest);
    if (rest.length >= RECORD_HEAD) await assertDamaged(bytes, good.length);
    else assert.equal((await readJournal(new MemoryFile(bytes))).goodBytes, good.length);
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: RECORD_HEAD }), async (garbage) => {
      await assertDamaged(joined(good, garbage), good.length);
    }),
  );
});

Deno.test("two journals in one file are refused where the second one starts", async () => {
  const first = journalBytes(SMALL.slice(0, 3));
  await assertDamaged(joined(first, journalBytes(SMALL)), first.length);
});

Deno.test("a file that contains no run is refused", async () => {
  const empty = [
    "--resume run.journal: the file contains no run",
    "The master ended before the run started. Delete the file, and start again with --journal.",
  ];
  assert.deepEqual(await refusalOf(""), empty);
  assert.deepEqual(await refusalOf("aiotest-jour"), empty);
});

Deno.test("a file that is not a journal is refused", async () => {
  for (
    const text of [
      "x",
      "hello\n",
      "aiotest-journal x\n",
      "aiotest-journal 5\r",
      "aiotest-journal 0\n",
      "PK\u0003".repeat(99),
    ]
  ) {
    assert.deepEqual(await refusalOf(text), [
      "--resume run.journal: the file is not an aiotest journal",
      "Runs with --journal FILE write one.",
    ]);
  }
});

Deno.test("a journal of another format is refused with its format", async () => {
  for (
    const [text, format] of [
      ["aiotest-journal 1\n", 1],
      ["aiotest-journal 2\n", 2],
      ["aiotest-journal 3\n", 3],
      ["aiotest-journal 4\n", 4],
      ["aiotest-journal 10\nabc", 10],
    ]
  ) {
    assert.deepEqual(await refusalOf(String(text)), [
      `--resume run.journal: the journal has format ${format}, but this version supports format 5`,
      "Use the version of aiotest that wrote it.",
    ]);
  }
});

/** A record with this payload. */
function rawRecord(payload: Uint8Array, length = payload.length): Uint8Array {
  const head = new DataView(new ArrayBuffer(RECORD_HEAD));
  head.setUint32(0, length);
  head.setUint32(4, crc32(payload));
  head.setUint32(8, crc32(new Uint8Array(head.buffer, 0, 8)));
  return joined(new Uint8Array(head.buffer), payload);
}

Deno.test("a valid record of an unknown type, or a longer one than expected, is refused", async () => {
  const good = journalBytes([RUN_RECORD]);
  for (
    const record of [
      rawRecord(encode(["nonsense"])),
      rawRecord(new Uint8Array()),
      rawRecord(new Uint8Array(), MAX_RECORD + 1),
    ]
  ) {
    assert.deepEqual(await refusalOf(joined(good, record)), [
      `--resume run.journal: the record at byte ${good.length} cannot be read`,
      "Use the version of aiotest that wrote it.",
    ]);
  }
});

Deno.test("a journal of 200 MB is read with little memory", async () => {
  const payload = new Uint8Array(100_000).fill(7);
  const record = encodeRecord({ type: "report", incarnation: "i1", payload });
  let left = 2000;
  let rest: Uint8Array = JOURNAL_HEAD;
  const read = (into: Uint8Array): Promise<number | null> => {
    if (rest.length === 0) {
      if (left-- === 0) return Promise.resolve(null);
      rest = record;
    }
    const part = rest.subarray(0, into.length);
    into.set(part);
    rest = rest.subarray(part.length);
    return Promise.resolve(part.length);
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

/** Decodes any values as a record. */
function decodedFrom(values: unknown): unknown {
  return decodeRecord(encode(values));
}

Deno.test("every record is decoded as it was encoded", () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      assert.deepEqual(decodeRecord(encodeRecord(record).subarray(RECORD_HEAD)), record);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a record consists of length, two checksums and payload", () => {
  assert.deepEqual(
    [...encodeRecord({ type: "ended" })],
    [
      0,
      0,
      0,
      7,
      0x0a,
      0xa2,
      0x03,
      0xf9,
      0x8d,
      0x0f,
      0x73,
      0x68,
      0x91,
      0xa5,
      ...Buffer.from("ended"),
    ],
  );
});

/** Each record, and the list that is written for it, on which other versions rely. */
const WRITTEN: {
  readonly [T in JournalRecord["type"]]: readonly [JournalRecord<T>, readonly unknown[]];
} = {
  run: [
    { type: "run", runId: "r1", testfileHash: "ab", version: "0.1.0", createdAt: 1.5 },
    ["run", "r1", "ab", "0.1.0", 1.5],
  ],
  epoch: [{ type: "epoch", epoch: 2 }, ["epoch", 2]],
  worker: [
    { type: "worker", id: "w1", incarnation: "i1", index: 3, host: "h1" },
    ["worker", "w1", "i1", 3, "h1"],
  ],
  begin: [{ type: "begin", startedAt: 2.5 }, ["begin", 2.5]],
  report: [
    { type: "report", incarnation: "i1", payload: new Uint8Array([1, 2]) },
    ["report", "i1", new Uint8Array([1, 2])],
  ],
  phase: [{ type: "phase", resetCount: 1, elapsedSeconds: 2.5 }, ["phase", 1, 2.5]],
  time: [
    { type: "time", elapsedSeconds: 2.5, targetUsers: 10, runningUsers: 9 },
    ["time", 2.5, 10, 9],
  ],
  assigned: [
    { type: "assigned", incarnation: "i1", classes: { Buyer: 3 } },
    ["assigned", "i1", { Buyer: 3 }],
  ],
  membership: [
    { type: "membership", incarnation: "i1", membership: "lost" },
    ["membership", "i1", "lost"],
  ],
  started: [{ type: "started", userCount: 10 }, ["started", 10]],
  steered: [
    { type: "steered", elapsedSeconds: 2.5, model: "open", users: 10, rate: 1.5 },
    ["steered", 2.5, "open", 10, 1.5],
  ],
  pause: [{ type: "pause", isPaused: true, elapsedSeconds: 2.5 }, ["pause", true, 2.5]],
  stopping: [
    { type: "stopping", finalUsers: 10, elapsedSeconds: 2.5 },
    ["stopping", 10, 2.5],
  ],
  ended: [{ type: "ended" }, ["ended"]],
  call: [
    {
      type: "call",
      incarnation: "i1",
      id: 4,
      service: "counter",
      name: "hits",
      operation: "add",
      args: "[1]",
    },
    ["call", "i1", 4, "counter", "hits", "add", "[1]"],
  ],
  settled: [{ type: "settled", incarnation: "i1", ids: [4, 5] }, ["settled", "i1", [4, 5]]],
  metrics: [
    {
      type: "metrics",
      metrics: [{ type: "counter", name: "logins", value: 3 }],
    },
    ["metrics", [["counter", "logins", 3]]],
  ],
  setup: [{ type: "setup", data: '{"id":1}' }, ["setup", '{"id":1}']],
  runEnd: [
    { type: "runEnd", kind: "fail", reason: "no stock", node: "w1" },
    ["runEnd", "fail", "no stock", "w1"],
  ],
  annotation: [
    { type: "annotation", kind: "worker", atSeconds: 4.5, text: "Worker w1 lost", node: "" },
    ["annotation", "worker", 4.5, "Worker w1 lost", ""],
  ],
  abandoned: [{ type: "abandoned", reason: "disk full" }, ["abandoned", "disk full"]],
};

for (
  const [record, written] of Object.values<readonly [JournalRecord, readonly unknown[]]>(WRITTEN)
) {
  Deno.test(`a record of type ${record.type} is written with its fields in order`, () => {
    const payload = encodeRecord(record).subarray(RECORD_HEAD);
    assert.deepEqual(decode(payload), written);
    assert.deepEqual(decodeRecord(payload), record);
  });
}

Deno.test("lists of any other shape are not records", () => {
  assert.deepEqual(decodedFrom(["epoch", 2]), { type: "epoch", epoch: 2 });
  for (
    const values of [
      "epoch",
      null,
      [],
      ["epoch"],
      ["epoch", 2, 3],
      ["epoch", "2"],
      ["epoch", 2.5],
      ["epoch", -1],
      ["toString", 2],
      ["begin", Infinity],
      ["report", "i1", "text"],
      ["report", "i1", new Uint8Array()],
      ["assigned", "i1", [1]],
      ["assigned", "i1", { A: "1" }],
      ["membership", "i1", "gone"],
      ["steered", 1, "half-open", 5, 1],
      ["steered", 1, "open", 0.5, 1],
      ["steered", 1, "open", 5, Infinity],
      ["worker", "x".repeat(257), "i1", 0, "box"],
    ]
  ) {
    assert.equal(decodedFrom(values), null, JSON.stringify(values));
  }
});

Deno.test("invalid and oversized msgpack are not records", () => {
  const ended = encodeRecord({ type: "ended" }).subarray(RECORD_HEAD);
  assert.equal(decodeRecord(ended.subarray(0, 5)), null);
  assert.equal(decodeRecord(new Uint8Array([...ended, 0])), null);
  assert.equal(decodeRecord(new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff, 1])), null);
  const proto = encode(["assigned", "i1", { xxproto__: 1 }]);
  proto.set([0x5f, 0x5f], proto.length - 10);
  assert.equal(new TextDecoder().decode(proto.subarray(-10, -1)), "__proto__");
  assert.equal(decodeRecord(proto), null);
});
