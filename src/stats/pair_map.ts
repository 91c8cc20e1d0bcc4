/**
 * Values by two texts. A map of maps, because building one key out of two texts costs more than
 * looking up both, and this is done for every sample.
 *
 * ```ts
 * import { PairMap } from "./pair_map.ts";
 * import assert from "node:assert/strict";
 *
 * const pairs = new PairMap<number>();
 * pairs.set("GET", "search", 1);
 * pairs.set("POST", "search", 2);
 * assert.equal(pairs.get("POST", "search"), 2);
 * assert.deepEqual([...pairs], [["GET", "search", 1], ["POST", "search", 2]]);
 * ```
 */
export class PairMap<Value> {
  readonly #outer = new Map<string, Map<string, Value>>();
  #size = 0;

  /** How many pairs have a value. */
  get size(): number {
    return this.#size;
  }

  /** The pair's value, or undefined. */
  get(first: string, second: string): Value | undefined {
    return this.#outer.get(first)?.get(second);
  }

  /** Gives the pair a value, in place of any that it has. */
  set(first: string, second: string, value: Value): void {
    let inner = this.#outer.get(first);
    if (inner === undefined) {
      inner = new Map();
      this.#outer.set(first, inner);
    }
    if (!inner.has(second)) this.#size++;
    inner.set(second, value);
  }

  /** All pairs with their values, those with the same first text together. */
  *[Symbol.iterator](): IterableIterator<[first: string, second: string, value: Value]> {
    for (const [first, inner] of this.#outer) {
      for (const [second, value] of inner) yield [first, second, value];
    }
  }
}
