/**
 * The journal: what a master writes to disk so that another master can resume its run. It starts with a
 * line that names the format. Each record has a head of three big-endian u32: the length of its payload,
 * the CRC-32 of the payload, and the CRC-32 of these two. The payload follows: a msgpack array of the
 * record's type and its fields, in the order in which they are declared.
 *
 * The head has its own checksum because its length decides where the file may end: with it, a record that
 * the master was writing when it was killed cannot be confused with damage.
 *
 * @module
 */

import { MAX_WORKER_NAME } from "../core/run_info.ts";
import { MAX_ANNOTATION } from "../stats/annotations.ts";
import { encode } from "@msgpack/msgpack";
import { crc32 } from "node:zlib";
import { systemReason, UsageError } from "../core/errors.ts";
import type { DiskFile } from "../core/files.ts";
import { unpack } from "./codec.ts";
import { concatenated } from "./frames.ts";
import { membership, MESSAGE_LIMIT, reportMetric } from "./protocol.ts";
import { MAX_SETUP_DATA } from "./setup_data.ts";
import {
  amount,
  bytes,
  clipped,
  count,
  counts,
  flag,
  json,
  list,
  text,
  union,
  type ValueOf,
  word,
} from "./schema.ts";

/** As long as the names by which workers identify themselves. */
const id = text(256);
const seconds = amount();

/** Every record, by its type. New fields go to the end, as {@link optional} ones. */
export const RECORD = union({
  /** The run; the first record. */
  run: {
    runId: id,
    /** SHA-256 of the test file in hexadecimal. */
    testfileHash: id,
    /** The version of aiotest. */
    version: id,
    /** Milliseconds since 1970. */
    createdAt: amount(),
  },
  /** Another master has taken over the run. */
  epoch: { epoch: count },
  /** A worker has joined for the first time. */
  worker: {
    id,
    incarnation: id,
    /** The number of the worker in the run; workers are numbered in the order of their records. */
    index: count,
    host: id,
  },
  /** The test has started. */
  begin: {
    /** Milliseconds since 1970. */
    startedAt: amount(),
  },
  /** A report was counted. */
  report: {
    incarnation: id,
    /** The frame of the REPORT without its length. */
    payload: bytes(1, MESSAGE_LIMIT),
  },
  /** The counts were reset. The record keeps its first name, so that older journals can be read. */
  phase: { resetCount: count, elapsedSeconds: seconds },
  /** The progress of the test, every second. */
  time: { elapsedSeconds: seconds, targetUsers: count, runningUsers: count },
  /** A worker was told what to run. */
  assigned: {
    incarnation: id,
    /** Users by class. */
    classes: counts(2000),
  },
  /** A worker's membership has changed. */
  membership: { incarnation: id, membership },
  /** The first target number of users is running. */
  started: { userCount: count },
  /** The load was changed by hand. */
  steered: {
    elapsedSeconds: seconds,
    model: word("closed", "open"),
    /** Users; in the open model, the maximum. */
    users: count,
    /** Users started or stopped per second; in the open model, iterations started per second. */
    rate: amount(),
  },
  /** The run was paused, or has gone on after a pause. */
  pause: { isPaused: flag, elapsedSeconds: seconds },
  /** All users are to stop. */
  stopping: {
    /** Users that were running when this was decided, and the seconds since the start of the test. */
    finalUsers: count,
    elapsedSeconds: seconds,
  },
  /** The run is over. */
  ended: {},
  /** A call has changed state that the nodes share. */
  call: {
    /** The worker that has called; empty for the master itself. */
    incarnation: id,
    id: count,
    service: id,
    name: id,
    operation: id,
    args: json(MESSAGE_LIMIT),
  },
  /** A worker has received the answers to these calls. */
  settled: { incarnation: id, ids: list(count) },
  /** Something was added to metrics on the master itself. */
  metrics: { metrics: list(reportMetric) },
  /** `setup` of the test file has returned this, as JSON. It is not called again. */
  setup: { data: json(MAX_SETUP_DATA) },
  /** Code of the test has ended the run. Of several records, the last one counts. */
  runEnd: { kind: word("stop", "fail"), reason: clipped(1000), node: id },
  /** Something has happened that no report of a worker contains; empty without a node. */
  annotation: {
    kind: word("note", "threshold", "worker"),
    atSeconds: seconds,
    text: clipped(MAX_ANNOTATION),
    node: text(MAX_WORKER_NAME),
  },
  /** What happened next could not be written, so the run cannot be resumed. */
  abandoned: { reason: clipped(1000) },
});

/** A record of any type, or of the given one: `JournalRecord<"report">`. */
export type JournalRecord<T extends keyof typeof RECORD.variants = keyof typeof RECORD.variants> =
  Extract<ValueOf<typeof RECORD>, { readonly type: T }>;

/** What can be recorded of a run that can be resumed. */
export type RunRecord = Exclude<JournalRecord, { type: "abandoned" }>;

/** Bytes before a record's payload: its length and two checksums. */
export const RECORD_HEAD = 12;

/** Bytes of a head that its own checksum covers. */
const CHECKED_HEAD = 8;

/** The longest payload: the longest report that a frame may hold, and the name of its worker. */
export const MAX_RECORD = 2 * 1024 * 1024;

/**
 * Encodes a record as it is written to the file.
 *
 * @throws RangeError if it is longer than {@link MAX_RECORD}, because it could not be read again.
 */
export function encodeRecord(record: JournalRecord): Uint8Array<ArrayBuffer> {
  const payload = encode(RECORD.write(record));
  if (payload.length > MAX_RECORD) {
    throw new RangeError(`a record of type ${record.type} has ${payload.length} bytes`);
  }
  const whole = new Uint8Array(RECORD_HEAD + payload.length);
  const head = new DataView(whole.buffer);
  head.setUint32(0, payload.length);
  head.setUint32(4, crc32(payload));
  head.setUint32(CHECKED_HEAD, crc32(whole.subarray(0, CHECKED_HEAD)));
  whole.set(payload, RECORD_HEAD);
  return whole;
}

/**
 * Decodes the payload of a record; null if it is not one. A report's bytes share the payload's memory.
 */
export function decodeRecord(payload: Uint8Array): JournalRecord | null {
  try {
    return RECORD.read(unpack(payload)) ?? null;
  } catch {
    return null;
  }
}

/** The first line of a journal, up to the number of the format. */
const MAGIC = "aiotest-journal ";
const FORMAT = 5;

/** The start of every journal. */
export const JOURNAL_HEAD: Uint8Array<ArrayBuffer> = new TextEncoder().encode(
  `${MAGIC}${FORMAT}\n`,
);

/** Bytes that are read from the file at once. */
const CHUNK = 65_536;

/**
 * Reads a journal from its start in chunks, because it may not fit in memory.
 *
 * A master that was killed may have left an incomplete record at the end. It has not acknowledged what
 * that record says, so nothing is lost without it. Anything else that is not a record is damage.
 */
export class JournalReader {
  readonly #file: Pick<DiskFile, "read">;
  readonly #what: string;
  /** Grows with the longest record. */
  #buffer = new Uint8Array(2 * CHUNK);
  #view = new DataView(this.#buffer.buffer);
  /** Bounds of the unused bytes in the buffer. */
  #start = 0;
  #end = 0;
  #goodBytes = 0;

  /** @param what the option and the file, for errors. */
  constructor(file: Pick<DiskFile, "read">, what: string) {
    this.#file = file;
    this.#what = what;
  }

  /** Bytes from the start to the end of the last record that was read. */
  get goodBytes(): number {
    return this.#goodBytes;
  }

  /**
   * Yields all complete records. None of them shares memory with the buffer.
   *
   * @throws UsageError if the file is not a journal, is damaged, is of another version, or if its run was
   *   abandoned.
   */
  async *records(): AsyncGenerator<RunRecord, void> {
    await this.#readHead();
    while (await this.#has(RECORD_HEAD)) {
      const head = this.#buffer.subarray(this.#start, this.#start + CHECKED_HEAD);
      if (crc32(head) !== this.#view.getUint32(this.#start + CHECKED_HEAD)) throw this.#damaged();
      const length = this.#view.getUint32(this.#start);
      if (length > MAX_RECORD) throw this.#unreadable();
      if (!await this.#has(RECORD_HEAD + length)) return;
      // Reading on can have moved the bytes in the buffer.
      const payloadAt = this.#start + RECORD_HEAD;
      const payload = this.#buffer.slice(payloadAt, payloadAt + length);
      if (crc32(payload) !== this.#view.getUint32(this.#start + 4)) throw this.#damaged();
      const record = decodeRecord(payload);
      if (record === null) throw this.#unreadable();
      if (record.type === "abandoned") throw this.#abandoned(record.reason);
      this.#use(RECORD_HEAD + length);
      yield record;
    }
  }

  async #readHead(): Promise<void> {
    await this.#has(JOURNAL_HEAD.length);
    const text = new TextDecoder().decode(this.#buffer.subarray(0, JOURNAL_HEAD.length));
    const line = new TextDecoder().decode(JOURNAL_HEAD);
    if (this.#end < JOURNAL_HEAD.length && line.startsWith(text.slice(0, this.#end))) {
      throw noRun(this.#what);
    }
    if (text === line) return this.#use(JOURNAL_HEAD.length);
    const format = text.startsWith(MAGIC) ? Number.parseInt(text.slice(MAGIC.length)) : 0;
    if (format > 0 && format !== FORMAT) {
      throw new UsageError(
        `${this.#what}: the journal has format ${format}, but this version supports format ${FORMAT}`,
        "Use the version of aiotest that wrote it.",
      );
    }
    throw new UsageError(
      `${this.#what}: the file is not an aiotest journal`,
      "Runs with --journal FILE write one.",
    );
  }

  /** Reads until this many unused bytes are in the buffer; false if the file ends before. */
  async #has(bytes: number): Promise<boolean> {
    while (this.#end - this.#start < bytes) {
      if (this.#end + CHUNK > this.#buffer.length) this.#makeRoom(bytes);
      const count = await this.#file.read(this.#buffer.subarray(this.#end, this.#end + CHUNK));
      if (count === null) return false;
      this.#end += count;
    }
    return true;
  }

  /** Moves the unused bytes to the front of a buffer for this many bytes and another chunk. */
  #makeRoom(bytes: number): void {
    const unused = this.#buffer.subarray(this.#start, this.#end);
    if (bytes + CHUNK > this.#buffer.length) {
      this.#buffer = new Uint8Array(bytes + CHUNK);
      this.#view = new DataView(this.#buffer.buffer);
    }
    this.#buffer.set(unused);
    this.#end -= this.#start;
    this.#start = 0;
  }

  #use(bytes: number): void {
    this.#start += bytes;
    this.#goodBytes += bytes;
  }

  #damaged(): UsageError {
    return new UsageError(
      `${this.#what}: the journal is damaged at byte ${this.#goodBytes}`,
      `Restore an undamaged copy of the file. ${this.#cutHint()}`,
    );
  }

  #abandoned(reason: string): UsageError {
    return new UsageError(
      `${this.#what}: the run cannot be resumed because the journal is incomplete: ${reason}`,
      this.#goodBytes > JOURNAL_HEAD.length
        ? `Start a new run with --journal and another file. ${this.#cutHint()}`
        : "Start a new run with --journal and another file.",
    );
  }

  #cutHint(): string {
    const bytes = this.#goodBytes;
    return `To continue without what was recorded later, keep only the first ${bytes} bytes ` +
      `(truncate -s ${bytes} FILE); those results are then lost.`;
  }

  #unreadable(): UsageError {
    return new UsageError(
      `${this.#what}: the record at byte ${this.#goodBytes} cannot be read`,
      "Use the version of aiotest that wrote it.",
    );
  }
}

/** The error for a journal whose run never started. */
export function noRun(what: string): UsageError {
  return new UsageError(
    `${what}: the file contains no run`,
    "The master ended before the run started. Delete the file, and start again with --journal.",
  );
}

/** Where a master writes what another one needs to resume its run. */
export interface RunJournal {
  /** Writes records before it returns, so they may be acknowledged after that. */
  append(...records: readonly RunRecord[]): void;
  close(): void;
}

/** For runs that are not to be resumed. */
export const NO_JOURNAL: RunJournal = { append: () => {}, close: () => {} };

/**
 * A journal in a file. It survives a master that is killed, but not a machine that loses power.
 *
 * A full disk does not end the run, because its results are worth more than its journal. But resuming
 * from an incomplete journal would produce wrong results, so the journal then ends with a record that the
 * run cannot be resumed.
 */
export class Journal implements RunJournal {
  readonly #onFailure: (reason: string) => void;
  /** Null once nothing more can be written. */
  #file: Pick<DiskFile, "append" | "truncate" | "close"> | null;
  /** Bytes up to the end of the last complete record. */
  #size: number;

  /**
   * @param file contains a complete journal, which is continued.
   * @param size of the file in bytes.
   * @param onFailure is called at most once: from then on nothing is written.
   */
  constructor(
    file: Pick<DiskFile, "append" | "truncate" | "close">,
    size: number,
    onFailure: (reason: string) => void,
  ) {
    this.#file = file;
    this.#size = size;
    this.#onFailure = onFailure;
  }

  append(...records: readonly RunRecord[]): void {
    if (this.#file === null) return;
    try {
      const bytes = concatenated(records.map(encodeRecord));
      this.#file.append(bytes);
      this.#size += bytes.length;
    } catch (error) {
      this.#abandon(systemReason(error));
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #abandon(reason: string): void {
    const record = encodeRecord({ type: "abandoned", reason });
    // On a full disk, there may be no space for the record until the file is empty.
    if (!this.#replace(this.#size, record)) {
      this.#replace(0, concatenated([JOURNAL_HEAD, record]));
    }
    this.close();
    this.#onFailure(reason);
  }

  /** Replaces everything after the first `size` bytes; false if that fails. */
  #replace(size: number, bytes: Uint8Array<ArrayBuffer>): boolean {
    try {
      this.#file?.truncate(size);
      this.#file?.append(bytes);
      return true;
    } catch {
      return false;
    }
  }
}
