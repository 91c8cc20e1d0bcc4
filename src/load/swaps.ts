import type { UserGrid } from "./first_spread.ts";

/**
 * Improves a spread of users over workers until no better one exists.
 *
 * What may not change is kept by every step: how many users each class has, and how many places each
 * worker has. A step is a ring of swaps: one worker runs a user of class B instead of one of A, some
 * worker one of C instead of B, and so on, until some worker runs one of A again. A place without a
 * user counts as one more class, of which a worker has at most one; so a worker's total may change too,
 * and stays within one user of the others'.
 *
 * Each user that is started has its price. Being uneven has one too, the squares of all numbers, but
 * whatever a ring may gain by that is less than one start: it only decides between equally many.
 *
 * Why the end is the minimum: the difference between a spread and any better one falls apart into such
 * rings. As each number's cost is convex, the costs of the rings, each taken alone, add up to no more
 * than the whole difference, so at least one of them is below nothing. Therefore, where there is no such
 * ring, no spread is better: it is the rule of negative cycles in flows of minimal cost. And it ends, as
 * each ring lowers the whole cost, which is a whole number and never below 0.
 *
 * There are as many ways from one class to another as there are workers, and only the cheapest matters,
 * so the search for a ring runs over the classes alone, of which there are few.
 *
 * ```ts
 * import { Swaps } from "./swaps.ts";
 * import assert from "node:assert/strict";
 *
 * // Two workers and two classes: a spread that moves everybody, for nothing.
 * const before = Int32Array.of(2, 0, 0, 2);
 * const best = new Swaps(Int32Array.of(0, 2, 2, 0), before, 2).run();
 * assert.deepEqual(best, before);
 * ```
 */
export class Swaps {
  /** Users, and behind the last class the free places. */
  readonly #users: UserGrid;
  readonly #before: UserGrid;
  readonly #workers: number;
  /** Classes, the free places among them. */
  readonly #classes: number;
  readonly #startCost: number;
  /** What one user more, and one fewer, would cost: by class and worker. */
  readonly #more: Float64Array;
  readonly #fewer: Float64Array;
  /** The cheapest swap from a class (row) to another (column): its cost, and its worker. */
  readonly #cost: Float64Array;
  readonly #via: Int32Array;

  /**
   * @param spread the one to begin with; any two workers' totals differ by at most one user
   * @param before who runs now, of the same shape
   * @param workers how many there are, 1 or more
   */
  constructor(spread: UserGrid, before: UserGrid, workers: number) {
    const size = spread.length + workers;
    const total = spread.reduce((sum, count) => sum + count, 0);
    this.#users = new Int32Array(size).fill(Math.floor(total / workers) + 1, spread.length);
    this.#users.set(spread);
    for (const [at, count] of spread.entries()) {
      this.#users[spread.length + at % workers]! -= count;
    }
    this.#before = before;
    this.#workers = workers;
    this.#classes = size / workers;
    // A ring has at most one swap a class, and a swap changes the squares by at most 4 x the total.
    this.#startCost = 1 + 4 * this.#classes * total;
    this.#more = new Float64Array(size);
    this.#fewer = new Float64Array(size);
    this.#cost = new Float64Array(this.#classes ** 2).fill(Infinity);
    this.#via = new Int32Array(this.#classes ** 2);
  }

  /** The best spread. */
  run(): UserGrid {
    for (const at of this.#users.keys()) this.#price(at);
    let changed: ReadonlySet<number> = new Set(Array(this.#classes).keys());
    while (changed.size > 0) {
      this.#compare(changed);
      changed = this.#turn(this.#findRing());
    }
    return this.#users.slice(0, this.#before.length);
  }

  #price(at: number): void {
    const users = this.#users[at]!;
    if (at >= this.#before.length) {
      this.#more[at] = users === 0 ? 0 : Infinity;
      this.#fewer[at] = users === 0 ? Infinity : 0;
      return;
    }
    const before = this.#before[at]!;
    this.#more[at] = 2 * users + 1 + (users >= before ? this.#startCost : 0);
    this.#fewer[at] = users === 0
      ? Infinity
      : 1 - 2 * users - (users > before ? this.#startCost : 0);
  }

  /** Finds the cheapest swap again wherever one of these classes takes part. */
  #compare(changed: ReadonlySet<number>): void {
    for (let from = 0; from < this.#classes; from++) {
      for (let to = 0; to < this.#classes; to++) {
        if (from !== to && (changed.has(from) || changed.has(to))) this.#compareSwap(from, to);
      }
    }
  }

  #compareSwap(from: number, to: number): void {
    const workers = this.#workers;
    const fewer = this.#fewer.subarray(from * workers, (from + 1) * workers);
    const more = this.#more.subarray(to * workers, (to + 1) * workers);
    let cheapest = Infinity;
    let via = 0;
    for (let worker = 0; worker < workers; worker++) {
      const cost = fewer[worker]! + more[worker]!;
      if (cost < cheapest) {
        cheapest = cost;
        via = worker;
      }
    }
    this.#cost[from * this.#classes + to] = cheapest;
    this.#via[from * this.#classes + to] = via;
  }

  /** The classes of a ring that costs less than nothing, last to first; none where none exists. */
  #findRing(): number[] {
    const classes = this.#classes;
    const distance = new Float64Array(classes);
    const previous = new Int32Array(classes).fill(-1);
    let last = 0;
    // Bellman and Ford: who still gets nearer in the last round hangs on a ring.
    for (let round = 0; round < classes && last >= 0; round++) {
      last = -1;
      for (let from = 0; from < classes; from++) {
        for (let to = 0; to < classes; to++) {
          const through = distance[from]! + this.#cost[from * classes + to]!;
          if (through >= distance[to]!) continue;
          distance[to] = through;
          previous[to] = from;
          last = to;
        }
      }
    }
    if (last < 0) return [];
    // As many steps back as there are classes end on the ring itself.
    for (let step = 0; step < classes; step++) last = previous[last]!;
    const ring = [last];
    for (let cls = previous[last]!; cls !== last; cls = previous[cls]!) ring.push(cls);
    return ring;
  }

  /** Does the swaps of a ring, and returns the classes that took part. */
  #turn(ring: readonly number[]): ReadonlySet<number> {
    for (const [i, to] of ring.entries()) {
      const from = ring[(i + 1) % ring.length]!;
      const worker = this.#via[from * this.#classes + to]!;
      this.#change(from * this.#workers + worker, -1);
      this.#change(to * this.#workers + worker, 1);
    }
    return new Set(ring);
  }

  #change(at: number, by: number): void {
    this.#users[at]! += by;
    this.#price(at);
  }
}
