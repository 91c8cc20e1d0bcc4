import { PairCap } from "./cap.ts";
import type { Counted } from "./counted.ts";
import { EntryTable } from "./entry_table.ts";
import { PairMap } from "./pair_map.ts";
import { Passes } from "./passes.ts";

/**
 * What was counted under each name and of each user error, put together; its memory grows with the
 * names, of which there are 1,000 at most, and not with what is added.
 *
 * ```ts
 * import { Interval } from "./interval.ts";
 * import { MergedCounts } from "./merged_counts.ts";
 * import assert from "node:assert/strict";
 *
 * const counts = new MergedCounts();
 * for (const second of [0, 1]) {
 *   const interval = new Interval(second, 1);
 *   interval.userErrors.set("TestBuyer", "no token", 2);
 *   counts.add(interval);
 * }
 * assert.deepEqual([...counts.userErrors], [["TestBuyer", "no token", 4]]);
 * ```
 */
export class MergedCounts {
  /** Of 1,000 distinct methods and names, the rest under `(other)`. */
  readonly entries = new EntryTable();
  /** By class and error; of 1,000 distinct ones, the rest under `(other)`. */
  readonly userErrors = new PairMap<number>();
  #passes: Passes | null = null;
  readonly #names = new PairCap();
  readonly #userErrorCap = new PairCap();

  /** Null as long as none was counted. */
  get passes(): Passes | null {
    return this.#passes;
  }

  /** Whether so many names came, here or on a node, that later ones are under `(other)`. */
  get namesCapped(): boolean {
    return this.#names.reached;
  }

  /** Adds what a node counted. */
  add({ entries, userErrors, passes }: Omit<Counted, "from" | "to" | "seconds">): void {
    for (const [method, name, code, entry] of entries) {
      this.entries.at(method, this.#names.admit(method, name)).of(code).merge(entry);
    }
    if (passes !== null) (this.#passes ??= new Passes()).merge(passes);
    for (const [user, error, count] of userErrors) {
      const text = this.#userErrorCap.admit(user, error);
      this.userErrors.set(user, text, (this.userErrors.get(user, text) ?? 0) + count);
    }
  }
}
