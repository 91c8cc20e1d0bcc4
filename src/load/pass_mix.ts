import type { ClassWeight } from "./class_mix.ts";

/**
 * Gives passes of the open model to the user classes, by their weights: after any number of passes, each
 * class is within one or two passes of its exact share. A class with a fixed count and no weight gets
 * passes as one of weight 1.
 *
 * ```ts
 * import { PassMix } from "./pass_mix.ts";
 * import assert from "node:assert/strict";
 *
 * const mix = new PassMix([
 *   { name: "TestBuyer", weight: 1, fixedCount: 0 },
 *   { name: "TestReader", weight: 3, fixedCount: 0 },
 * ]);
 * assert.deepEqual(Array.from({ length: 8 }, () => mix.next()), [1, 0, 1, 1, 1, 0, 1, 1]);
 * ```
 */
export class PassMix {
  readonly #weights: readonly number[];
  readonly #total: number;
  /** How far each class is behind its share, in parts of {@link #total}. */
  readonly #behind: number[];

  /** @param classes in the order of their export, which decides between equals. */
  constructor(classes: readonly ClassWeight[]) {
    this.#weights = classes.map(({ weight, fixedCount }) =>
      Math.max(weight, fixedCount > 0 ? 1 : 0)
    );
    this.#total = this.#weights.reduce((sum, weight) => sum + weight, 0);
    this.#behind = classes.map(() => 0);
  }

  /** The class of the next pass, by its place among the classes. */
  next(): number {
    let most = -Infinity;
    let chosen = 0;
    for (const [index, weight] of this.#weights.entries()) {
      const behind = this.#behind[index]! + weight;
      this.#behind[index] = behind;
      if (weight > 0 && behind > most) [most, chosen] = [behind, index];
    }
    this.#behind[chosen]! -= this.#total;
    return chosen;
  }
}
