import type fc from "fast-check";
import {
  encodeRecord,
  JOURNAL_HEAD,
  JournalReader,
  type JournalRecord,
  RECORD,
  type RunRecord,
} from "../../src/cluster/journal.ts";
import type { DiskFile } from "../../src/core/files.ts";
import { arbitraryOf } from "./arbitraries.ts";

/** The first record of journals. */
export const RUN_RECORD: JournalRecord<"run"> = {
  type: "run",
  runId: "r1",
  testfileHash: "e3b0c442",
  version: "0.1.0",
  createdAt: 1_700_000_000_000,
};

/** A record of any type. */
export const anyRecord: fc.Arbitrary<JournalRecord> = arbitraryOf(RECORD);

/** The bytes of a journal. */
export function journalBytes(records: readonly JournalRecord[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([JOURNAL_HEAD, ...records.map(encodeRecord)].flatMap((one) => [...one]));
}

/** The content of a journal. */
export interface ReadJournal {
  readonly records: RunRecord[];
  readonly goodBytes: number;
}

/** A record of any type that does not end the journal. */
export const anyRunRecord: fc.Arbitrary<RunRecord> = anyRecord.filter((record) =>
  record.type !== "abandoned"
);

/** Reads a whole journal. */
export async function readJournal(file: Pick<DiskFile, "read">): Promise<ReadJournal> {
  const reader = new JournalReader(file, "--resume run.journal");
  const records: RunRecord[] = [];
  for await (const record of reader.records()) records.push(record);
  return { records, goodBytes: reader.goodBytes };
}
