/**
 * Requests by method, name and tags, of one class or of all.
 *
 * @module
 */

import { EntryTable, PairMap } from "./request_stats.ts";
import type { KeyedEntry, KeyedPhases, KeyedUnfinished } from "./stats_delta.ts";
import type { Unfinished } from "./unanswered.ts";

/** Requests by method and name, and again those of each combination of tags. */
export class RequestTable {
  readonly entries = new EntryTable();
  /** Requests that were cut off. */
  readonly unfinished = new PairMap<Unfinished>();
  #tagged: Map<string, RequestTable> | null = null;

  /** Those with the same tags, which are part of the others. */
  get tagged(): ReadonlyMap<string, RequestTable> {
    return this.#tagged ?? NONE_TAGGED;
  }

  /** Those with these tags, to add to. */
  openTagged(tags: string): RequestTable {
    this.#tagged ??= new Map();
    let table = this.#tagged.get(tags);
    if (table === undefined) this.#tagged.set(tags, table = new RequestTable());
    return table;
  }

  /** Whether nothing was counted. */
  get isEmpty(): boolean {
    return this.entries.size === 0 && this.unfinished.size === 0;
  }

  /** Every entry with its key. */
  *keyedEntries(className?: string): IterableIterator<KeyedEntry> {
    for (const [method, name, code, entry] of this.entries) {
      yield [method, name, code, entry, className];
    }
    for (const [tags, table] of this.tagged) {
      for (const [method, name, code, entry] of table.entries) {
        yield [method, name, code, entry, className, tags];
      }
    }
  }

  /** As {@link keyedEntries}, where the time went. */
  *keyedPhases(className?: string): IterableIterator<KeyedPhases> {
    for (const [method, name, counts] of this.entries.phases) {
      yield [method, name, counts, className];
    }
    for (const [tags, table] of this.tagged) {
      for (const [method, name, counts] of table.entries.phases) {
        yield [method, name, counts, className, tags];
      }
    }
  }

  /** As {@link keyedEntries}, requests that were cut off. */
  *keyedUnfinished(className?: string): IterableIterator<KeyedUnfinished> {
    for (const [method, name, counts] of this.unfinished) yield [method, name, counts, className];
    for (const [tags, table] of this.tagged) {
      for (const [method, name, counts] of table.unfinished) {
        yield [method, name, counts, className, tags];
      }
    }
  }
}

const NONE_TAGGED: ReadonlyMap<string, RequestTable> = new Map();
