/**
 * Bounds on what a run can fill the memory and the reports with: a test that puts an id into a
 * name, or into an error, makes a new one with every request.
 *
 * @module
 */

import { PairMap } from "./pair_map.ts";

/** How many distinct texts of one kind are kept. */
const MAX_DISTINCT = 1000;

/** What all further ones are counted under. */
const OTHER = "(other)";

/** Adds to the count of a text, or to that of {@link OTHER} where it would be one text too many. */
export function countText(counts: Map<string, number>, text: string, by: number): void {
  const key = counts.has(text) || distinct(counts) < MAX_DISTINCT ? text : OTHER;
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function distinct(counts: ReadonlyMap<string, number>): number {
  return counts.has(OTHER) ? counts.size - 1 : counts.size;
}

/**
 * Lets the first {@link MAX_DISTINCT} pairs of texts in.
 *
 * ```ts
 * import { PairCap } from "./cap.ts";
 * import assert from "node:assert/strict";
 *
 * const cap = new PairCap();
 * for (let id = 0; id < 1000; id++) assert.equal(cap.admit("GET", `/item/${id}`), `/item/${id}`);
 * assert.equal(cap.admit("GET", "/item/1000"), "(other)");
 * assert.equal(cap.admit("GET", "/item/7"), "/item/7");
 * assert.equal(cap.reached, true);
 * ```
 */
export class PairCap {
  readonly #known = new PairMap<true>();
  #reached = false;

  /** Whether a pair was turned away, here or by the cap of whoever sent it. */
  get reached(): boolean {
    return this.#reached;
  }

  /** What to count the pair under, beside its first text: its second, or {@link OTHER}. */
  admit(first: string, second: string): string {
    if (this.#known.get(first, second) !== undefined) return second;
    if (second === OTHER || this.#known.size >= MAX_DISTINCT) {
      this.#reached = true;
      return OTHER;
    }
    this.#known.set(first, second, true);
    return second;
  }
}
