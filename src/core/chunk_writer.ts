/**
 * Writes a file from a limited number of buffers: while some are written, others are filled.
 *
 * @module
 */

import { errorText } from "./errors.ts";
import type { StreamFile } from "./stream_files.ts";

/** What a {@link ChunkWriter} may use. */
export interface ChunkWriterOptions {
  /** The size of a buffer in bytes. */
  readonly chunkBytes: number;
  /** The most buffers: at least 3, one of which is filled, and one of which is written. */
  readonly maxChunks: number;
  /** Called once, when the file can no longer be written, with the reason in plain words. */
  readonly onProblem: (problem: string) => void;
}

/** A buffer that was filled. */
interface Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly length: number;
  /** How many lines it contains. */
  lines: number;
}

/** Writes buffers in their order, and lends those that were written again. */
export class ChunkWriter {
  /** Lines in buffers that could not be written. */
  lost = 0;
  readonly #file: StreamFile;
  readonly #options: ChunkWriterOptions;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  #created = 0;
  readonly #waiting: Chunk[] = [];
  /** The one that is being written. */
  #current: Chunk | null = null;
  /** Whether everything before the first of {@link #waiting} is to be removed. */
  #mustClear = false;
  #problem: string | null = null;
  /** Resolves when nothing is waiting any more; `null` if nothing is. */
  #writing: Promise<void> | null = null;
  #isClosed = false;

  constructor(file: StreamFile, options: ChunkWriterOptions) {
    this.#file = file;
    this.#options = options;
  }

  /** Why the file can no longer be written; `null` if it can. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Whether everything that was handed over has been written. */
  get isIdle(): boolean {
    return this.#writing === null;
  }

  /** Lends a buffer, which {@link put} gives back; `null` if all are waiting to be written. */
  take(): Uint8Array<ArrayBuffer> | null {
    const { maxChunks, chunkBytes } = this.#options;
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#created === maxChunks || this.#isClosed || this.#problem !== null) return null;
    this.#created++;
    return new Uint8Array(chunkBytes);
  }

  /** Writes the first bytes of a buffer, soon. @param lines how many lines these are. */
  put(bytes: Uint8Array<ArrayBuffer>, length: number, lines: number): void {
    this.#waiting.push({ bytes, length, lines });
    this.#writing ??= this.#write();
  }

  /** Removes everything that was handed over until now. */
  clear(): void {
    this.lost = 0;
    if (this.#current !== null) this.#current.lines = 0;
    for (const { bytes } of this.#waiting.splice(0)) this.#free.push(bytes);
    this.#mustClear = true;
    this.#writing ??= this.#write();
  }

  /** Writes what is waiting, and closes the file. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    const isComplete = this.#problem === null;
    await this.#file.close().catch((error) => {
      if (isComplete) this.#fail(error);
    });
  }

  async #write(): Promise<void> {
    for (;;) {
      if (this.#mustClear) {
        this.#mustClear = false;
        await this.#try(() => this.#file.clear());
        continue;
      }
      const chunk = this.#current = this.#waiting.shift() ?? null;
      if (chunk === null) break;
      const { bytes, length } = chunk;
      await this.#try(() => this.#file.write(bytes.subarray(0, length)));
      if (this.#problem !== null) this.lost += chunk.lines;
      this.#free.push(bytes);
    }
    this.#writing = null;
  }

  /** After a problem, nothing more is written: parts would be missing in between. */
  async #try(access: () => Promise<void>): Promise<void> {
    if (this.#problem !== null) return;
    try {
      await access();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#problem = errorText(error);
    this.#options.onProblem(this.#problem);
  }
}
