/**
 * Which worker runs how many users of which class.
 *
 * @module
 */

import { firstSpread } from "./first_spread.ts";
import { Swaps } from "./swaps.ts";

/** Users by class, in the order of the classes. */
export type ClassCounts = readonly number[];

/**
 * Spreads users over workers, and remembers how. Each time:
 *
 * 1. every class has exactly as many users as it should, over all workers;
 * 2. no two workers differ by more than one user;
 * 3. as few users as that allows are started anywhere: a ramp moves nobody, a lost worker's users are
 *    started elsewhere, and a new worker gets its share and no more;
 * 4. as far as all that allows, each class is spread evenly, so that all workers run the same mix.
 *
 * The same calls give the same answers; where workers are equal, the one that is named first comes first.
 *
 * ```ts
 * import { Dispatcher } from "./dispatcher.ts";
 * import assert from "node:assert/strict";
 *
 * const dispatcher = new Dispatcher(2);
 * const two = dispatcher.assign([6, 2], ["a", "b"]);
 * assert.deepEqual([...two], [["a", [3, 1]], ["b", [3, 1]]]);
 * // The newcomer gets two of the eight; each of the others loses one.
 * const three = dispatcher.assign([6, 2], ["a", "b", "c"]);
 * assert.deepEqual([...three], [["a", [2, 1]], ["b", [2, 1]], ["c", [2, 0]]]);
 * ```
 */
export class Dispatcher {
  readonly #classCount: number;
  #assigned: ReadonlyMap<string, ClassCounts> = new Map();

  /** @param classCount how many numbers each {@link ClassCounts} has. */
  constructor(classCount: number) {
    this.#classCount = classCount;
  }

  /** Takes up what runs already, such as after a restart; what was known before is forgotten. */
  restore(assigned: ReadonlyMap<string, ClassCounts>): void {
    this.#assigned = new Map(assigned);
  }

  /**
   * Spreads users over workers. Without workers nobody runs anything, and nothing is remembered.
   *
   * @param counts users by class over the whole cluster: whole numbers, 0 and up
   * @param workers ids, each once; those that are not named any more lose their users
   * @returns the users of every worker, in the order of the workers
   * @throws RangeError where `counts` is anything else.
   */
  assign(counts: ClassCounts, workers: readonly string[]): ReadonlyMap<string, ClassCounts> {
    if (counts.length !== this.#classCount || !counts.every(isCount)) {
      throw new RangeError(
        `assign([${counts}]): ${this.#classCount} whole numbers from 0 up are needed`,
      );
    }
    this.#assigned = workers.length === 0 ? new Map() : this.#spread(counts, workers);
    return this.#assigned;
  }

  #spread(counts: ClassCounts, workers: readonly string[]): Map<string, ClassCounts> {
    const classes = [...Array(this.#classCount).keys()];
    const before = new Int32Array(classes.length * workers.length);
    for (const [w, worker] of workers.entries()) {
      const known = this.#assigned.get(worker);
      if (known === undefined) continue;
      for (const cls of classes) before[cls * workers.length + w] = known[cls]!;
    }
    const first = firstSpread(before, counts, workers.length);
    const users = new Swaps(first, before, workers.length).run();
    return new Map(workers.map((worker, w) => [
      worker,
      classes.map((cls) => users[cls * workers.length + w]!),
    ]));
  }
}

function isCount(count: number): boolean {
  return Number.isInteger(count) && count >= 0;
}
