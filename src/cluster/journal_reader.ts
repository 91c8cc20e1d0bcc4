import { crc32 } from "node:zlib";
import type { DiskFile } from "../core/disk_file.ts";
import { UsageError } from "../core/errors.ts";
import { decodeRecord, type JournalRecord, MAX_RECORD, RECORD_HEAD } from "./journal_record.ts";

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
 *
 * ```ts
 * import { JOURNAL_HEAD, JournalReader } from "./journal_reader.ts";
 * import { encodeRecord } from "./journal_record.ts";
 * import assert from "node:assert/strict";
 *
 * const whole = encodeRecord({ type: "epoch", epoch: 2 });
 * const chunks = [JOURNAL_HEAD, whole, encodeRecord({ type: "ended" }).subarray(0, 9)];
 * const read = (into: Uint8Array<ArrayBuffer>): Promise<number | null> => {
 *   const chunk = chunks.shift();
 *   if (chunk !== undefined) into.set(chunk);
 *   return Promise.resolve(chunk?.length ?? null);
 * };
 * const reader = new JournalReader({ read }, "--resume run.journal");
 * const records = [];
 * for await (const record of reader.records()) records.push(record);
 * assert.deepEqual(records, [{ type: "epoch", epoch: 2 }]);
 * assert.equal(reader.goodBytes, JOURNAL_HEAD.length + whole.length);
 * assert.equal(reader.isBroken, false);
 * ```
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
