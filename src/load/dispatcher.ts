/**
 * Distributes users by class among workers.
 *
 * @module
 */

/** Users by class, in the order of the classes. */
export type ClassCounts = readonly number[];

/**
 * Distributes users among workers, and remembers how. Each time, in this order of priority:
 *
 * 1. every class has its exact number of users over all workers;
 * 2. the totals of two workers differ by at most one user;
 * 3. as few users as possible are started: a ramp moves no users, the users of a lost worker are started
 *    elsewhere, and a new worker gets its share and no more;
 * 4. each class is spread evenly, so that all workers run the same mix.
 *
 * The result depends only on the calls. Ties go to the worker that is named first.
 */
export class Dispatcher {
  readonly #classCount: number;
  #assigned: ReadonlyMap<string, ClassCounts> = new Map();

  /** @param classCount the length of each {@link ClassCounts}. */
  constructor(classCount: number) {
    this.#classCount = classCount;
  }

  /** Replaces what is remembered by what runs already, such as after a restart. */
  restore(assigned: ReadonlyMap<string, ClassCounts>): void {
    this.#assigned = new Map(assigned);
  }

  /**
   * Distributes users among workers. Without workers, no users run and nothing is remembered.
   *
   * @param counts users by class in the whole cluster: whole numbers of 0 or more
   * @param workers ids without duplicates; workers that are no longer named lose their users
   * @returns the users of every worker, in the order of the workers
   * @throws RangeError if `counts` is not valid.
   */
  assign(counts: ClassCounts, workers: readonly string[]): ReadonlyMap<string, ClassCounts> {
    if (counts.length !== this.#classCount || !counts.every(isCount)) {
      throw new RangeError(
        `assign([${counts}]): must be ${this.#classCount} whole numbers of 0 or more`,
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
    const users = new CycleSearch(first, before, workers.length).run();
    return new Map(workers.map((worker, w) => [
      worker,
      classes.map((cls) => users[cls * workers.length + w]!),
    ]));
  }
}

function isCount(count: number): boolean {
  return Number.isInteger(count) && count >= 0;
}

/** Users by class and worker: the number of class `c` on worker `w` is at `c * workers + w`. */
type UserGrid = Int32Array;

/**
 * A good distribution, from which the search for the best one is short. The count of every class is exact,
 * and the totals of two workers differ by at most one user. Most users stay where they run, and most
 * classes are even.
 *
 * @param before the users that run now, of as many classes as there are counts
 * @param counts users wanted by class
 * @param workers how many workers there are: 1 or more
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

  // Users that stay in an even spread; others that can stay; then those that have to start.
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

/** How many users each worker gets; those that run the most already get the one user more. */
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
 * Improves a distribution until none is better.
 *
 * Every step keeps the number of users of each class and the number of places on each worker. A step is a
 * cycle of swaps: one worker runs a user of class B instead of A, a second one of C instead of B, and so
 * on, until some worker runs one of A again. A free place counts as one more class, of which a worker has
 * at most one; so the total of a worker may change, and stays within one user of the others.
 *
 * Each user that is started has a cost. Unevenness has a cost too, the squares of all numbers, but the
 * most that a cycle can gain by it is less than one start: it only decides between equal numbers of
 * starts.
 *
 * Why the result is the minimum: the difference between a distribution and any better one decomposes into
 * such cycles. As the cost of each number is convex, the costs of the single cycles add up to no more than
 * the whole difference, so at least one of them is negative. Therefore a distribution without a negative
 * cycle is optimal, as in minimum-cost flows. The search ends because each cycle lowers the total cost,
 * which is a whole number and never negative.
 *
 * There is one way per worker from one class to another, and only the cheapest matters, so the search for
 * a cycle runs over the classes alone, of which there are few.
 */
class CycleSearch {
  /** Users, followed by the free places as the last class. */
  readonly #users: UserGrid;
  readonly #before: UserGrid;
  readonly #workers: number;
  /** How many classes there are, including the free places. */
  readonly #classes: number;
  readonly #startCost: number;
  /** The cost of one user more, and of one fewer, by class and worker. */
  readonly #more: Float64Array;
  readonly #fewer: Float64Array;
  /** The cheapest swap from a class (row) to another (column): its cost and its worker. */
  readonly #cost: Float64Array;
  readonly #via: Int32Array;

  /**
   * @param spread the distribution to start with; the totals of two workers differ by at most one user
   * @param before the users that run now, of the same shape
   * @param workers how many workers there are: 1 or more
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
    // A cycle has at most one swap per class, and a swap changes the squares by at most 4 x the total.
    this.#startCost = 1 + 4 * this.#classes * total;
    this.#more = new Float64Array(size);
    this.#fewer = new Float64Array(size);
    this.#cost = new Float64Array(this.#classes ** 2).fill(Infinity);
    this.#via = new Int32Array(this.#classes ** 2);
  }

  /** Returns the best distribution. */
  run(): UserGrid {
    for (const at of this.#users.keys()) this.#price(at);
    let changed: ReadonlySet<number> = new Set(Array(this.#classes).keys());
    while (changed.size > 0) {
      this.#compare(changed);
      changed = this.#apply(this.#findCycle());
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

  /** Updates the cheapest swaps in which one of these classes takes part. */
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

  /** The classes of a cycle with a negative cost, last to first; empty if there is none. */
  #findCycle(): number[] {
    const classes = this.#classes;
    const distance = new Float64Array(classes);
    const previous = new Int32Array(classes).fill(-1);
    let last = 0;
    // Bellman-Ford: a class whose distance still falls in the last round is reached from a cycle.
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
    // Going back as many steps as there are classes leads onto the cycle itself.
    for (let step = 0; step < classes; step++) last = previous[last]!;
    const cycle = [last];
    for (let cls = previous[last]!; cls !== last; cls = previous[cls]!) cycle.push(cls);
    return cycle;
  }

  /** Makes the swaps of a cycle; returns the classes that took part. */
  #apply(cycle: readonly number[]): ReadonlySet<number> {
    for (const [i, to] of cycle.entries()) {
      const from = cycle[(i + 1) % cycle.length]!;
      const worker = this.#via[from * this.#classes + to]!;
      this.#change(from * this.#workers + worker, -1);
      this.#change(to * this.#workers + worker, 1);
    }
    return new Set(cycle);
  }

  #change(at: number, by: number): void {
    this.#users[at]! += by;
    this.#price(at);
  }
}
