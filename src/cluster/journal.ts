import { decode, encode } from "@msgpack/msgpack";
import { crc32 } from "node:zlib";
import { errorText, UsageError } from "../core/errors.ts";
import type { DiskFile } from "../core/files.ts";
import { msgpackProblem } from "./codec.ts";
import { MESSAGE_LIMIT } from "./frames.ts";
import {
  amount,
  bytes,
  clipped,
  count,
  counts,
  type Field,
  list,
  row,
  text,
  word,
} from "./schema.ts";
import type { SharedCall } from "./shared_call.ts";
import type { WorkerMembership } from "./workers.ts";

// What a master writes down, so that another one can go on with its run. On disk, each record is the
// length of its payload and the payload's CRC-32, both as big-endian u32, and then the payload: a
// msgpack array of the record's type and its fields, in the order in which they stand here.

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
  readonly membership: WorkerMembership;
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
    membership: word<WorkerMembership>({ present: true, left: true, lost: true }),
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

/** The first line of a journal, up to the number of its format. */
const MAGIC = "aiotest-journal ";
const FORMAT = 1;

/** What a journal begins with. */
export const JOURNAL_HEAD: Uint8Array<ArrayBuffer> = new TextEncoder().encode(
  `${MAGIC}${FORMAT}\n`,
);

/** Bytes that are read at once. */
const CHUNK = 1024 * 1024;

/**
 * Reads a journal from its beginning, a part of it at a time: it may be larger than the memory.
 *
 * A master that was killed may have left half a record at the end. Nobody was told that it is there,
 * so leaving it out loses nothing.
 */
export class JournalReader {
  readonly #file: Pick<DiskFile, "read">;
  readonly #what: string;
  readonly #buffer = new Uint8Array(RECORD_HEAD + MAX_RECORD + CHUNK);
  readonly #view = new DataView(this.#buffer.buffer);
  /** What is in the buffer and was not used yet. */
  #start = 0;
  #end = 0;
  #goodBytes = 0;
  #isBroken = false;

  /** @param what option and file, as errors name them. */
  constructor(file: Pick<DiskFile, "read">, what: string) {
    this.#file = file;
    this.#what = what;
  }

  /** Bytes from the beginning up to the end of the last record that was read. */
  get goodBytes(): number {
    return this.#goodBytes;
  }

  /**
   * Whether what is behind {@link goodBytes} is something else than one record which was not finished:
   * then records may be lost that others rely on.
   */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /**
   * All records up to the first one that is not whole. They may be kept: none shares its bytes.
   *
   * @throws UsageError where the file is no journal, or one that this version cannot read.
   */
  async *records(): AsyncGenerator<JournalRecord, void> {
    await this.#readHead();
    while (await this.#has(RECORD_HEAD)) {
      const length = this.#view.getUint32(this.#start);
      if (length === 0 || length > MAX_RECORD) return this.#break();
      if (!await this.#has(RECORD_HEAD + length)) return;
      const from = this.#start + RECORD_HEAD;
      const payload = this.#buffer.slice(from, from + length);
      if (crc32(payload) !== this.#view.getUint32(this.#start + 4)) return this.#break();
      const record = decodeRecord(payload);
      if (record === null) throw this.#unreadable();
      this.#use(RECORD_HEAD + length);
      yield record;
    }
  }

  async #readHead(): Promise<void> {
    await this.#has(JOURNAL_HEAD.length);
    const text = new TextDecoder().decode(this.#buffer.subarray(0, JOURNAL_HEAD.length));
    const line = new TextDecoder().decode(JOURNAL_HEAD);
    if (this.#end < JOURNAL_HEAD.length && line.startsWith(text.slice(0, this.#end))) {
      throw new UsageError(
        `${this.#what}: there is no run in the file`,
        "It ended before it had begun; delete the file, and start with --journal.",
      );
    }
    if (text === line) return this.#use(JOURNAL_HEAD.length);
    const format = text.startsWith(MAGIC) ? Number.parseInt(text.slice(MAGIC.length)) : 0;
    if (format > FORMAT) {
      throw new UsageError(
        `${this.#what}: the journal has format ${format}, and this aiotest knows ${FORMAT}`,
        "Use the version of aiotest that wrote it.",
      );
    }
    throw new UsageError(
      `${this.#what}: the file is no journal of aiotest`,
      "A run that was started with --journal FILE writes one.",
    );
  }

  /** Reads until so many bytes are there; false where the file ends before. */
  async #has(bytes: number): Promise<boolean> {
    while (this.#end - this.#start < bytes) {
      if (this.#end + CHUNK > this.#buffer.length) {
        this.#buffer.copyWithin(0, this.#start, this.#end);
        this.#end -= this.#start;
        this.#start = 0;
      }
      const count = await this.#file.read(this.#buffer.subarray(this.#end, this.#end + CHUNK));
      if (count === null) return false;
      this.#end += count;
    }
    return true;
  }

  #use(bytes: number): void {
    this.#start += bytes;
    this.#goodBytes += bytes;
  }

  #break(): void {
    this.#isBroken = true;
  }

  #unreadable(): UsageError {
    return new UsageError(
      `${this.#what}: what is written at byte ${this.#goodBytes} cannot be read`,
      "Use the version of aiotest that wrote it.",
    );
  }
}

/** Where a master writes down what another one needs to go on with its run. */
export interface RunJournal {
  /** Writes records down before it returns; whoever is told of them after that may rely on them. */
  append(...records: readonly JournalRecord[]): void;
  close(): void;
}

/** For a run that nobody will go on with. */
export const NO_JOURNAL: RunJournal = { append: () => {}, close: () => {} };

/**
 * A journal in a file. What is in it outlives a master that is killed, but not a machine that loses its
 * power.
 *
 * A disk that is full does not end the run: whoever watches it would rather have its results. But a
 * journal that lacks something would make up wrong ones, so from then on it says that nobody can go on
 * with the run.
 */
export class Journal implements RunJournal {
  readonly #onFailure: (reason: string) => void;
  /** Null once nothing more can be written. */
  #file: Pick<DiskFile, "append" | "truncate" | "close"> | null;

  /**
   * @param file with a whole journal in it, which is continued.
   * @param onFailure called once at most: from then on nothing is written down.
   */
  constructor(
    file: Pick<DiskFile, "append" | "truncate" | "close">,
    onFailure: (reason: string) => void,
  ) {
    this.#file = file;
    this.#onFailure = onFailure;
  }

  append(...records: readonly JournalRecord[]): void {
    if (this.#file === null) return;
    try {
      this.#file.append(joined(records.map(encodeRecord)));
    } catch (error) {
      this.#abandon(errorText(error));
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #abandon(reason: string): void {
    try {
      // An empty file has room, on a full disk too.
      this.#file?.truncate(0);
      this.#file?.append(joined([JOURNAL_HEAD, encodeRecord({ type: "abandoned", reason })]));
    } catch {
      // The file is empty then, and has no run in it; or nothing at all can be done about it.
    }
    this.close();
    this.#onFailure(reason);
  }
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
