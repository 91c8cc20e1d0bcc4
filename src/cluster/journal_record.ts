/**
 * What a master writes down, so that another one can go on with its run. On disk, each record is the
 * length of its payload and the payload's CRC-32, both as big-endian u32, and then the payload: a
 * msgpack array of the record's type and its fields, in the order in which they stand here.
 *
 * @module
 */

import { decode, encode } from "@msgpack/msgpack";
import { crc32 } from "node:zlib";
import { list, row } from "./compound_field.ts";
import { amount, bytes, clipped, count, counts, type Field, text, word } from "./field.ts";
import { MESSAGE_LIMIT } from "./frame_reader.ts";
import type { Membership } from "./member.ts";
import { msgpackProblem } from "./msgpack_scan.ts";
import type { SharedCall } from "./shared_call.ts";

/** First of all: the run. */
export interface RunRecord {
  readonly type: "run";
  readonly runId: string;
  /** SHA-256 of the test file's text, as hexadecimal digits. */
  readonly testfileHash: string;
  /** Version of aiotest. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Another master has taken the run over. */
export interface EpochRecord {
  readonly type: "epoch";
  readonly epoch: number;
}

/** A worker takes part for the first time. */
export interface WorkerRecord {
  readonly type: "worker";
  readonly id: string;
  readonly incarnation: string;
  /** Its number in the run; they come in order. */
  readonly index: number;
  readonly host: string;
}

/** The test has begun. */
export interface BeginRecord {
  readonly type: "begin";
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** A report was counted. */
export interface ReportRecord {
  readonly type: "report";
  readonly incarnation: string;
  /** The REPORT's frame, without its length. */
  readonly payload: Uint8Array;
}

/** What was counted until now does not count; see `Started.phase`. */
export interface PhaseRecord {
  readonly type: "phase";
  readonly phase: number;
  readonly elapsedSeconds: number;
}

/** How far the test is, every second. */
export interface TimeRecord {
  readonly type: "time";
  readonly elapsedSeconds: number;
  readonly targetUsers: number;
  readonly runningUsers: number;
}

/** What a worker was told to run. */
export interface AssignedRecord {
  readonly type: "assigned";
  readonly incarnation: string;
  /** Users by class. */
  readonly classes: Readonly<Record<string, number>>;
}

/** A worker stands to the run in another way than before. */
export interface MembershipRecord {
  readonly type: "membership";
  readonly incarnation: string;
  readonly membership: Membership;
}

/** The first target number of users runs. */
export interface StartedRecord {
  readonly type: "started";
  readonly userCount: number;
}

/** Somebody has changed the load by hand. */
export interface SteeredRecord {
  readonly type: "steered";
  readonly elapsedSeconds: number;
  readonly model: "closed" | "open";
  /** Users; in the open model, the most of them. */
  readonly users: number;
  /** Users started or stopped a second; in the open model, passes that start in one. */
  readonly rate: number;
}

/** All users are to stop. */
export interface StoppingRecord {
  readonly type: "stopping";
  /** Users that ran when this was decided, and how long the test had lasted. */
  readonly finalUsers: number;
  readonly elapsedSeconds: number;
}

/** The run is over. */
export interface EndedRecord {
  readonly type: "ended";
}

/** Something that all nodes share was changed. */
export interface CallRecord extends SharedCall {
  readonly type: "call";
  /** Whose call it was; empty where the master's own. */
  readonly incarnation: string;
  readonly id: number;
}

/** A worker has got what it was given. */
export interface SettledRecord {
  readonly type: "settled";
  readonly incarnation: string;
  readonly ids: readonly number[];
}

/** What happened next could not be written down, so that nobody can go on with the run. */
export interface AbandonedRecord {
  readonly type: "abandoned";
  readonly reason: string;
}

/** Any record. */
export type JournalRecord =
  | RunRecord
  | EpochRecord
  | WorkerRecord
  | BeginRecord
  | ReportRecord
  | PhaseRecord
  | TimeRecord
  | AssignedRecord
  | MembershipRecord
  | StartedRecord
  | SteeredRecord
  | StoppingRecord
  | EndedRecord
  | CallRecord
  | SettledRecord
  | AbandonedRecord;

/** Bytes before a record's payload: its length and its CRC-32. */
export const RECORD_HEAD = 8;

/** The longest payload: a report of the most that a frame may have, and its worker's name. */
export const MAX_RECORD = 2 * 1024 * 1024;

/**
 * The bytes of a record, as they stand in the file.
 *
 * ```ts
 * import { decodeRecord, encodeRecord, RECORD_HEAD } from "./journal_record.ts";
 * import assert from "node:assert/strict";
 *
 * const bytes = encodeRecord({ type: "epoch", epoch: 2 });
 * assert.deepEqual(decodeRecord(bytes.subarray(RECORD_HEAD)), { type: "epoch", epoch: 2 });
 * ```
 */
export function encodeRecord(record: JournalRecord): Uint8Array<ArrayBuffer> {
  const fields: Field<JournalRecord> = RECORD_FIELDS[record.type];
  const payload = encode(fields.write(record));
  const whole = new Uint8Array(RECORD_HEAD + payload.length);
  const head = new DataView(whole.buffer);
  head.setUint32(0, payload.length);
  head.setUint32(4, crc32(payload));
  whole.set(payload, RECORD_HEAD);
  return whole;
}

/** The record of a payload; null where it is none. A report's bytes stay those of the payload. */
export function decodeRecord(payload: Uint8Array): JournalRecord | null {
  if (msgpackProblem(payload) !== null) return null;
  const sent = decoded(payload);
  return FIELDS.get(Array.isArray(sent) ? sent[0] : undefined)?.read(sent) ?? null;
}

function decoded(payload: Uint8Array): unknown {
  try {
    // The decoder's own cache of keys is shared with whoever else decodes something.
    return decode(payload, { keyDecoder: null });
  } catch {
    return undefined;
  }
}

/** As long as what workers say of themselves. */
const id = text(256);

const RECORD_FIELDS: {
  readonly [Type in JournalRecord["type"]]: Field<Extract<JournalRecord, { type: Type }>>;
} = {
  run: row<RunRecord>({
    type: word({ run: true }),
    runId: id,
    testfileHash: id,
    version: id,
    createdAt: amount(),
  }),
  epoch: row<EpochRecord>({ type: word({ epoch: true }), epoch: count }),
  worker: row<WorkerRecord>({
    type: word({ worker: true }),
    id,
    incarnation: id,
    index: count,
    host: id,
  }),
  begin: row<BeginRecord>({ type: word({ begin: true }), startedAt: amount() }),
  report: row<ReportRecord>({
    type: word({ report: true }),
    incarnation: id,
    payload: bytes(1, MESSAGE_LIMIT),
  }),
  phase: row<PhaseRecord>({ type: word({ phase: true }), phase: count, elapsedSeconds: amount() }),
  time: row<TimeRecord>({
    type: word({ time: true }),
    elapsedSeconds: amount(),
    targetUsers: count,
    runningUsers: count,
  }),
  assigned: row<AssignedRecord>({
    type: word({ assigned: true }),
    incarnation: id,
    classes: counts(2000),
  }),
  membership: row<MembershipRecord>({
    type: word({ membership: true }),
    incarnation: id,
    membership: word<Membership>({ present: true, left: true, lost: true }),
  }),
  started: row<StartedRecord>({ type: word({ started: true }), userCount: count }),
  steered: row<SteeredRecord>({
    type: word({ steered: true }),
    elapsedSeconds: amount(),
    model: word({ closed: true, open: true }),
    users: count,
    rate: amount(),
  }),
  stopping: row<StoppingRecord>({
    type: word({ stopping: true }),
    finalUsers: count,
    elapsedSeconds: amount(),
  }),
  ended: row<EndedRecord>({ type: word({ ended: true }) }),
  call: row<CallRecord>({
    type: word({ call: true }),
    incarnation: id,
    id: count,
    service: id,
    name: id,
    operation: id,
    args: text(MESSAGE_LIMIT),
  }),
  settled: row<SettledRecord>({
    type: word({ settled: true }),
    incarnation: id,
    ids: list(count),
  }),
  abandoned: row<AbandonedRecord>({ type: word({ abandoned: true }), reason: clipped(1000) }),
};

const FIELDS = new Map<unknown, Field<JournalRecord>>(Object.entries(RECORD_FIELDS));
