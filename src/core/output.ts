/**
 * Standard output and standard error, which may be full, closed, or slow to read.
 *
 * @module
 */

import { asciiText } from "./charset.ts";
import { type Clock, sleep } from "./clock.ts";
import { systemReason } from "./errors.ts";

/** Standard output or standard error. */
export interface Output {
  readonly isTerminal: boolean;
  /** Characters per line; 80 if it is not a terminal. */
  readonly columns: number;
  /** Lines on the screen; `Infinity` if it is not a terminal. */
  readonly rows: number;
  /** Why the latest text could not be written, in plain words; `null` if it was. */
  readonly problem: string | null;
  /**
   * Writes the whole text before it returns, unless the reader is slow and the stream does not wait for
   * it: then the rest follows as soon as it is read. Never throws; see {@link problem}.
   */
  write(text: string): void;
  /** Resolves when everything has been written, or could not be. */
  flush(): Promise<void>;
}

/** The part of `Deno.stdout` and `Deno.stderr` that is used. */
export interface SyncStream {
  /** Writes some bytes and returns their number; throws errors of the system. */
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

/** How often a stream that was full is tried again, in milliseconds. */
const RETRY_MS = 10;

/** A reader that reads nothing for this long, in milliseconds, does not get the rest. */
const PATIENCE_MS = 60_000;

/** What is kept for a slow reader, in bytes. Panels of a long run must not fill the memory. */
const MAX_PENDING = 16 * 1024 * 1024;

/** Errors after which a stream can never be written again: its reader or its terminal is gone. */
const LASTING: ReadonlySet<string> = new Set(["EPIPE", "EIO", "EBADF", "ECONNRESET"]);

/** An {@link Output} that writes to a stream of this process. */
export class StreamOutput implements Output {
  readonly #stream: SyncStream;
  readonly #size: () => { readonly columns: number; readonly rows: number };
  readonly #clock: Clock;
  readonly #isAscii: boolean;
  readonly #encoder = new TextEncoder();
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #isScheduled = false;
  #isClosed = false;
  #problem: string | null = null;

  /**
   * @param size the size of the terminal; may throw if it is gone.
   * @param utf8 whether terminals show UTF-8. Others get ASCII.
   */
  constructor(
    stream: SyncStream,
    size: () => { readonly columns: number; readonly rows: number },
    clock: Clock,
    utf8 = true,
  ) {
    this.#stream = stream;
    this.#size = size;
    this.#clock = clock;
    this.#isAscii = !utf8 && stream.isTerminal();
  }

  get isTerminal(): boolean {
    return this.#stream.isTerminal();
  }

  get columns(): number {
    return this.#terminal?.columns ?? 80;
  }

  get rows(): number {
    return this.#terminal?.rows ?? Infinity;
  }

  get problem(): string | null {
    return this.#problem;
  }

  write(text: string): void {
    if (this.#isClosed || text === "") return;
    this.#problem = null;
    const bytes = this.#encoder.encode(this.#isAscii ? asciiText(text) : text);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    // What is waiting for its turn goes first.
    if (!this.#isScheduled) this.#drain();
    if (this.#pendingBytes > MAX_PENDING) this.#close("the reader is too slow");
  }

  async flush(): Promise<void> {
    let left = this.#pendingBytes;
    let since = this.#clock.now();
    while (this.#pendingBytes > 0) {
      await sleep(this.#clock, RETRY_MS);
      this.#drain();
      if (this.#pendingBytes !== left) {
        left = this.#pendingBytes;
        since = this.#clock.now();
      } else if (this.#clock.now() - since >= PATIENCE_MS) {
        this.#close("the reader does not read");
      }
    }
  }

  get #terminal(): { readonly columns: number; readonly rows: number } | null {
    if (!this.isTerminal) return null;
    try {
      return this.#size();
    } catch {
      return null;
    }
  }

  /** Writes as much as the stream takes now. */
  #drain(): void {
    try {
      for (let bytes = this.#pending[0]; bytes !== undefined; bytes = this.#pending[0]) {
        const count = this.#stream.writeSync(bytes);
        if (count === 0) return this.#schedule();
        this.#pendingBytes -= count;
        if (count === bytes.length) this.#pending.shift();
        else this.#pending[0] = bytes.subarray(count);
      }
    } catch (error) {
      if (error instanceof Deno.errors.WouldBlock) return this.#schedule();
      if (error instanceof Deno.errors.Interrupted) return this.#schedule();
      const { code } = error as { readonly code?: string };
      if (code !== undefined && LASTING.has(code)) return this.#close(systemReason(error));
      this.#drop(systemReason(error));
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.setTimer(() => {
      this.#isScheduled = false;
      this.#drain();
    }, RETRY_MS);
  }

  #close(problem: string): void {
    this.#isClosed = true;
    this.#drop(problem);
  }

  #drop(problem: string): void {
    this.#problem = problem;
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}
