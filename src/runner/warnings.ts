/**
 * What the person who runs a test should know, each once.
 *
 * ```ts
 * import { Warnings } from "./warnings.ts";
 * import assert from "node:assert/strict";
 *
 * const told: string[] = [];
 * const warnings = new Warnings((text) => told.push(text));
 * warnings.add("The target is slow.");
 * warnings.add("The target is slow.");
 * assert.deepEqual(told, ["The target is slow."]);
 * assert.deepEqual(warnings.texts, told);
 * ```
 */
export class Warnings {
  readonly #onNew: (text: string) => void;
  readonly #texts = new Set<string>();

  /** @param onNew called with each warning, when it comes for the first time. */
  constructor(onNew: (text: string) => void) {
    this.#onNew = onNew;
  }

  /** All of them, in the order in which they came. */
  get texts(): string[] {
    return [...this.#texts];
  }

  /** Adds one, unless it is there already. */
  add(text: string): void {
    if (this.#texts.has(text)) return;
    this.#texts.add(text);
    this.#onNew(text);
  }

  /** Adds some, each unless it is there already. */
  addAll(texts: Iterable<string>): void {
    for (const text of texts) this.add(text);
  }
}
