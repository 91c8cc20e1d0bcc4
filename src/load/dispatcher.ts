/**
 * Which worker runs how many users of which class.
 *
 * @module
 */

/**
 * Users by class and worker: class after class, each with one number a worker. So the number of class
 * `c` on worker `w` is at `c * workers + w`.
 */
type UserGrid = Int32Array;

/**
 * Spreads users over workers: every class's count is exact, and no two workers differ by more than one
 * user. Users mostly stay where they run, and classes are mostly even, but neither is the best there is:
 * it is where the search for the best one begins, so that it is a short one.
 *
 * @param before who runs now: as many classes as there are counts
 * @param counts users wanted by class
 * @param workers how many there are, 1 or more
 */
function firstSpread(
  before: UserGrid,
  counts: readonly number[],
  workers: number,
): UserGrid {
  const users: UserGrid = new Int32Array(before.length);
  const left = [...counts];
  const room = roomFor(before, counts, workers);
  const add = (cls: number, worker: number, wanted: number): void => {
    const added = Math.min(wanted, room[worker]!, left[cls]!);
    if (added <= 0) return;
    users[cls * workers + worker]! += added;
    room[worker]! -= added;
    left[cls]! -= added;
  };
  const addUpTo = (wanted: (at: number, cls: number) => number): void => {
    for (let cls = 0; cls < counts.length; cls++) {
      for (let worker = 0; worker < workers; worker++) {
        const at = cls * workers + worker;
        add(cls, worker, wanted(at, cls) - users[at]!);
      }
    }
  };
  const even = counts.map((count) => Math.floor(count / workers));

  // Those that stay where they are in an even spread; those that can stay besides; who has to start.
  addUpTo((at, cls) => Math.min(before[at]!, even[cls]!));
  addUpTo((at) => before[at]!);
  addUpTo((_, cls) => even[cls]!);
  for (let cls = 0; cls < counts.length; cls++) {
    const of = (worker: number): number => users[cls * workers + worker]!;
    let open = left[cls] === 0 ? [] : [...room.keys()].filter((worker) => room[worker]! > 0);
    open.sort((a, b) => of(a) - of(b) || room[b]! - room[a]! || a - b);
    while (left[cls]! > 0) {
      for (const worker of open) add(cls, worker, 1);
      open = open.filter((worker) => room[worker]! > 0);
    }
  }
  return users;
}

/** How many users each worker gets; one more is for those that have the most already. */
function roomFor(before: UserGrid, counts: readonly number[], workers: number): Int32Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const running = new Int32Array(workers);
  for (let at = 0; at < before.length; at++) running[at % workers]! += before[at]!;
  const order = [...running.keys()].sort((a, b) => running[b]! - running[a]! || a - b);
  const room = new Int32Array(workers).fill(Math.floor(total / workers));
  for (const worker of order.slice(0, total % workers)) room[worker]! += 1;
  return room;
}

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
 */
class Swaps {
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
