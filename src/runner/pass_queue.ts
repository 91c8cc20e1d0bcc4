/** More passes than so many do not wait: they would fill the memory. */
const LONGEST = 1_000_000;

/** What was taken from the front is let go in portions. */
const PORTION = 4096;

/**
 * Passes that are due and that no user was free for, the oldest first: when each was meant to begin, in
 * milliseconds.
 *
 * ```ts
 * import { PassQueue } from "./pass_queue.ts";
 * import assert from "node:assert/strict";
 *
 * const queue = new PassQueue();
 * queue.push(10);
 * queue.push(20);
 * assert.deepEqual([queue.shift(), queue.size, queue.shift(), queue.shift()], [10, 1, 20, null]);
 * ```
 */
export class PassQueue {
  #moments: number[] = [];
  #first = 0;

  get size(): number {
    return this.#moments.length - this.#first;
  }

  /** Whether there was room for it. */
  push(intendedAt: number): boolean {
    if (this.size >= LONGEST) return false;
    this.#moments.push(intendedAt);
    return true;
  }

  /** Takes the oldest; null where there is none. */
  shift(): number | null {
    const intendedAt = this.#moments[this.#first];
    if (intendedAt === undefined) return null;
    this.#first++;
    if (this.#first === PORTION || this.size === 0) {
      this.#moments.splice(0, this.#first);
      this.#first = 0;
    }
    return intendedAt;
  }

  clear(): void {
    this.#moments = [];
    this.#first = 0;
  }
}
