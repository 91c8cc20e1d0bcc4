/**
 * How many from one address are inside at the same time. It remembers only addresses that have
 * somebody inside.
 *
 * ```ts
 * import { Door } from "./door.ts";
 * import assert from "node:assert/strict";
 *
 * const door = new Door(2);
 * assert.deepEqual([1, 2, 3].map(() => door.enter("10.0.0.1")), [true, true, false]);
 * assert.equal(door.enter("10.0.0.2"), true);
 * door.leave("10.0.0.1");
 * assert.equal(door.enter("10.0.0.1"), true);
 * ```
 */
export class Door {
  readonly #limit: number;
  readonly #inside = new Map<string, number>();

  /** @param limit how many an address, at least 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Lets one in, and returns true; or false where there are enough of its address already. */
  enter(address: string): boolean {
    const inside = this.#inside.get(address) ?? 0;
    if (inside >= this.#limit) return false;
    this.#inside.set(address, inside + 1);
    return true;
  }

  /** One that was let in is gone. */
  leave(address: string): void {
    const inside = this.#inside.get(address) ?? 0;
    if (inside > 1) this.#inside.set(address, inside - 1);
    else this.#inside.delete(address);
  }
}
