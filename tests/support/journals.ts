import fc from "fast-check";
import {
  encodeRecord,
  JOURNAL_HEAD,
  JournalReader,
  type JournalRecord,
  type RunRecord,
} from "../../src/cluster/journal.ts";
import type { DiskFile } from "../../src/core/files.ts";

/** How journals begin. */
export const RUN_RECORD: RunRecord = {
  type: "run",
  runId: "r1",
  testfileHash: "e3b0c442",
  version: "0.1.0",
  createdAt: 1_700_000_000_000,
};

const id = fc.string({ maxLength: 40, unit: "grapheme" });
const seconds = fc.double({ min: 0, max: 1e6, noNaN: true, noDefaultInfinity: true });
const classes = fc.dictionary(fc.stringMatching(/^[A-Z]\w{0,9}$/), fc.nat(1000), {
  noNullPrototype: true,
});

const FIELDS: Readonly<
  Record<JournalRecord["type"], Readonly<Record<string, fc.Arbitrary<unknown>>>>
> = {
  run: { runId: id, testfileHash: id, version: id, createdAt: seconds },
  epoch: { epoch: fc.nat() },
  worker: { id, incarnation: id, index: fc.nat(1000), host: id },
  begin: { startedAt: seconds },
  report: { incarnation: id, payload: fc.uint8Array({ minLength: 1, maxLength: 300 }) },
  phase: { phase: fc.nat(9), elapsedSeconds: seconds },
  time: { elapsedSeconds: seconds, targetUsers: fc.nat(), runningUsers: fc.nat() },
  assigned: { incarnation: id, classes },
  membership: { incarnation: id, membership: fc.constantFrom("present", "left", "lost") },
  started: { userCount: fc.nat() },
  steered: {
    elapsedSeconds: seconds,
    model: fc.constantFrom("closed", "open"),
    users: fc.nat(),
    rate: seconds,
  },
  stopping: { finalUsers: fc.nat(), elapsedSeconds: seconds },
  ended: {},
  call: {
    incarnation: id,
    id: fc.nat(),
    service: fc.constantFrom("counter", "queue", "feeder", "call"),
    name: id,
    operation: fc.string({ maxLength: 32 }),
    args: fc.json(),
  },
  settled: { incarnation: id, ids: fc.array(fc.nat(), { maxLength: 20 }) },
  abandoned: { reason: id },
};

/** A record of any type. */
export const anyRecord: fc.Arbitrary<JournalRecord> = fc.oneof(
  ...Object.entries(FIELDS).map(([type, fields]) =>
    fc.record({ type: fc.constant(type), ...fields }, { noNullPrototype: true })
  ),
) as unknown as fc.Arbitrary<JournalRecord>;

/** The bytes of a journal. */
export function journalBytes(records: readonly JournalRecord[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([JOURNAL_HEAD, ...records.map(encodeRecord)].flatMap((one) => [...one]));
}

/** What was read of a journal. */
export interface ReadJournal {
  readonly records: JournalRecord[];
  readonly goodBytes: number;
  readonly isBroken: boolean;
}

/** Reads a journal to its end. */
export async function readJournal(file: Pick<DiskFile, "read">): Promise<ReadJournal> {
  const reader = new JournalReader(file, "--resume run.journal");
  const records: JournalRecord[] = [];
  for await (const record of reader.records()) records.push(record);
  const { goodBytes, isBroken } = reader;
  return { records, goodBytes, isBroken };
}
