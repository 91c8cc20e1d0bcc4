import type { HeadFraming } from "./head_framing.ts";
import { HeadScanner, MAX_HEAD } from "./head_scanner.ts";

const FIRST_SIZE = 1024;
const NOTHING = new Uint8Array(0);

/**
 * Reads heads, and trailers, that may come in several parts.
 *
 * Mostly a head comes whole; then it is scanned where it is, and nothing is copied.
 *
 * ```ts
 * import { HeadReader } from "./head_reader.ts";
 * import assert from "node:assert/strict";
 *
 * const bytes = new TextEncoder().encode("HTTP/1.1 204 No Content\r\n\r\n");
 * const reader = new HeadReader();
 * reader.begin();
 * assert.equal(reader.read(bytes, 0, 10), -1);
 * assert.equal(reader.read(bytes.slice(10), 0, bytes.length - 10), bytes.length - 10);
 * assert.deepEqual(reader.gathered?.subarray(0, reader.length), bytes);
 * ```
 */
export class HeadReader {
  readonly framing: HeadFraming;
  /** The array that the head begins in, unless it came whole; may have other bytes behind it. */
  gathered: Uint8Array<ArrayBuffer> | null = null;
  readonly #scanner = new HeadScanner();
  #count = 0;

  constructor() {
    this.framing = this.#scanner.framing;
  }

  /** Where the head begins, in what it was read from. */
  get start(): number {
    return this.#scanner.start;
  }

  /** Bytes of the head, when it is over. */
  get length(): number {
    return this.#scanner.at - this.#scanner.start;
  }

  /** A head begins. */
  begin(): void {
    this.#restart();
    this.#scanner.begin();
  }

  /** Trailers begin, of which nothing is remembered. */
  beginTrailers(): void {
    this.#restart();
    this.#scanner.beginTrailers();
  }

  /**
   * Goes on with the bytes from `from` up to `end`.
   *
   * @returns where in `bytes` the head ends; negative where it does not.
   * @throws WireError as {@link HeadScanner.scan} does.
   */
  read(bytes: Uint8Array<ArrayBuffer>, from: number, end: number): number {
    const scanner = this.#scanner;
    if (this.gathered === null) {
      scanner.moveTo(from);
      if (scanner.scan(bytes, end)) return scanner.at;
      this.#gather(bytes, from, end);
      scanner.moveTo(0);
      return -1;
    }
    const before = this.#count;
    const gathered = this.#gather(bytes, from, Math.min(end, from + MAX_HEAD - before));
    return scanner.scan(gathered, this.#count) ? from + scanner.at - before : -1;
  }

  #restart(): void {
    this.gathered = null;
    this.#count = 0;
  }

  #gather(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): Uint8Array {
    const before = this.#count;
    const after = before + to - from;
    let gathered = this.gathered ?? NOTHING;
    if (after > gathered.length) {
      const grown = new Uint8Array(Math.max(FIRST_SIZE, after, gathered.length * 2));
      grown.set(gathered.subarray(0, before));
      gathered = grown;
    }
    gathered.set(bytes.subarray(from, to), before);
    this.gathered = gathered;
    this.#count = after;
    return gathered;
  }
}
