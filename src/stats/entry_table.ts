/**
 * Entries by method, name and code.
 *
 * @module
 */

import type { CodedEntry } from "./counted.ts";
import { Entry } from "./entry.ts";
import { PairMap } from "./pair_map.ts";

/** Codes of one name that are told apart; HTTP has some forty. */
const MAX_CODES = 50;

/** What all further codes of a name are counted under. */
export const OTHER_CODE = 1000;

/**
 * The entries of one method and name, one for each code that came. Nearly every name has a single code
 * all the time, so that one is at hand without a look-up.
 */
export class NameEntries {
  #code = -1;
  #entry: Entry | null = null;
  /** All of them, once there is a second one. */
  #all: Map<number, Entry> | null = null;
  /** What {@link whole} gave last where there are several. */
  #whole: Entry | null = null;

  /** The entry of a code; a new one where there is none yet. */
  of(code: number): Entry {
    return code === this.#code ? this.#entry! : this.#switchTo(code);
  }

  /** All codes together; good until something is added. */
  get whole(): Entry {
    if (this.#all === null) return this.#entry ?? new Entry();
    const requests = this.requests;
    if (this.#whole === null || this.#whole.requests !== requests) {
      this.#whole = new Entry();
      for (const entry of this.#all.values()) this.#whole.merge(entry);
    }
    return this.#whole;
  }

  /** How many samples there are. */
  get requests(): number {
    let sum = 0;
    for (const [, entry] of this) sum += entry.requests;
    return sum;
  }

  /** Each code with its entry, in the order of their coming. */
  *[Symbol.iterator](): IterableIterator<[code: number, entry: Entry]> {
    if (this.#all !== null) yield* this.#all;
    else if (this.#entry !== null) yield [this.#code, this.#entry];
  }

  #switchTo(code: number): Entry {
    if (this.#entry === null) {
      this.#code = code;
      return this.#entry = new Entry();
    }
    this.#all ??= new Map([[this.#code, this.#entry]]);
    const key = this.#all.has(code) || this.#all.size < MAX_CODES ? code : OTHER_CODE;
    let entry = this.#all.get(key);
    if (entry === undefined) {
      entry = new Entry();
      this.#all.set(key, entry);
    }
    this.#code = key;
    this.#entry = entry;
    return entry;
  }
}

/**
 * Entries by method and name, and for each of these by code.
 *
 * ```ts
 * import { EntryTable } from "./entry_table.ts";
 * import assert from "node:assert/strict";
 *
 * const table = new EntryTable();
 * const sample = {
 *   method: "GET", name: "search", latencyMs: 12, endedAt: 0, bytesReceived: 0, bytesSent: 0,
 *   retries: 0, error: null,
 * };
 * for (const status of [200, 200, 304]) {
 *   table.at("GET", "search").of(status).add({ ...sample, status });
 * }
 * assert.equal(table.get("GET", "search")?.whole.requests, 3);
 * assert.deepEqual([...table].map(([, , code, { requests }]) => [code, requests]), [[200, 2], [304, 1]]);
 * ```
 */
export class EntryTable {
  readonly #names = new PairMap<NameEntries>();

  /** How many methods and names there are. */
  get size(): number {
    return this.#names.size;
  }

  /** What there is of a method and name, or undefined. */
  get(method: string, name: string): NameEntries | undefined {
    return this.#names.get(method, name);
  }

  /** As {@link get}; where there is nothing yet, a place for it. */
  at(method: string, name: string): NameEntries {
    const known = this.#names.get(method, name);
    if (known !== undefined) return known;
    const entries = new NameEntries();
    this.#names.set(method, name, entries);
    return entries;
  }

  /** Every method and name with its entries. */
  names(): Iterable<readonly [method: string, name: string, entries: NameEntries]> {
    return this.#names;
  }

  /** Every entry. */
  *[Symbol.iterator](): IterableIterator<CodedEntry & { readonly 3: Entry }> {
    for (const [method, name, entries] of this.#names) {
      for (const [code, entry] of entries) yield [method, name, code, entry];
    }
  }
}
