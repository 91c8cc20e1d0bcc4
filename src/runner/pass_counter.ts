import type { PassQuota } from "./quota_gate.ts";

/**
 * Passes that are all this node's own.
 *
 * ```ts
 * import { PassCounter } from "./pass_counter.ts";
 * import assert from "node:assert/strict";
 *
 * const passes = new PassCounter(2);
 * assert.deepEqual([passes.take(), passes.take(), passes.take()], [true, true, false]);
 * passes.putBack();
 * assert.deepEqual([passes.take(), passes.take()], [true, false]);
 * ```
 */
export class PassCounter implements PassQuota {
  #left: number;

  constructor(passes: number) {
    this.#left = passes;
  }

  take(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }

  begun(): void {}

  putBack(): void {
    this.#left++;
  }
}
