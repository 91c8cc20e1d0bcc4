/**
 * How user classes share the users of a run, or its iterations in the open model.
 *
 * @module
 */

/** The part of a user class that decides how many users it gets. */
export interface ClassWeight {
  readonly name: string;
  /** Share relative to the other classes: a whole number, 0 for no users. */
  readonly weight: number;
  /** An exact number of users, whatever the weight: a whole number, 0 to go by weight. */
  readonly fixedCount: number;
}

/** The part of the load that one class has. */
export interface ClassShare {
  readonly name: string;
  /**
   * Share, from 0 to 1, of the users that remain after all fixed counts are filled; `null` if the class
   * has a fixed count.
   */
  readonly share: number | null;
  /** Users of this class once all of them run; `null` if the class goes by weight. */
  readonly fixedCount: number | null;
}

/**
 * Assigns a class to every user. The class of the i-th user depends only on i, so a growing load never
 * takes a user away from a class, and a shrinking one never adds one.
 *
 * Fixed counts are filled first, one of each class in turn. All further users go by weight, and after any
 * number of them each class is less than one user away from its exact share.
 */
export class ClassMix {
  /** The most users that can run: finite if every class has a fixed count. */
  readonly limit: number;
  readonly #classes: readonly ClassWeight[];
  readonly #totalWeight: number;
  /** How many classes go by weight. */
  readonly #weighted: number;
  readonly #fixedTotal: number;
  /** The class of each user that was requested so far; it only grows. */
  readonly #order: number[];
  /** Users in {@link #order} that each class received by its weight. */
  readonly #given: number[];
  /** The last result of {@link counts}: the next one usually differs by a few users. */
  #counted: { readonly users: number; readonly counts: readonly number[] };

  /** @param classes in the order of their export, which decides ties. */
  constructor(classes: readonly ClassWeight[]) {
    this.#classes = classes;
    const weights = classes.map(effectiveWeight).filter((weight) => weight > 0);
    this.#weighted = weights.length;
    this.#totalWeight = weights.reduce((sum, weight) => sum + weight, 0);
    this.#order = fixedOrder(classes);
    this.#fixedTotal = this.#order.length;
    this.#given = classes.map(() => 0);
    this.#counted = { users: 0, counts: this.#given.slice() };
    this.limit = this.#weighted > 0 ? Infinity : this.#fixedTotal;
  }

  /**
   * How many users of each class run if `users` run in total; in the order of the classes.
   *
   * @throws RangeError if `users` is not a whole number from 0 to {@link limit}.
   */
  counts(users: number): number[] {
    if (!Number.isInteger(users) || users < 0 || users > this.limit) {
      throw new RangeError(`counts(${users}): must be a whole number from 0 to ${this.limit}`);
    }
    this.#extend(users);
    const counts = [...this.#counted.counts];
    for (let user = this.#counted.users; user < users; user++) counts[this.#order[user]!]! += 1;
    for (let user = users; user < this.#counted.users; user++) counts[this.#order[user]!]! -= 1;
    this.#counted = { users, counts };
    return [...counts];
  }

  /**
   * The index of a user's class.
   *
   * @param user the index of the user, from 0.
   * @throws RangeError if `user` is not a whole number from 0 to below {@link limit}.
   */
  classOf(user: number): number {
    if (!Number.isInteger(user) || user < 0 || user >= this.limit) {
      throw new RangeError(
        `classOf(${user}): must be a whole number from 0 to below ${this.limit}`,
      );
    }
    this.#extend(user + 1);
    return this.#order[user]!;
  }

  /**
   * The classes that get no user if at most `users` run, and how many users it takes until each class has
   * one; `null` if each has one, or if it takes more than a million.
   */
  withoutUsers(users: number): { readonly names: string[]; readonly needed: number } | null {
    const most = Math.min(this.limit, MOST_EXAMINED);
    const missing = new Set(
      this.#classes.flatMap((one, index) => one.fixedCount > 0 || one.weight > 0 ? [index] : []),
    );
    let names: string[] = [];
    let needed = 0;
    for (; missing.size > 0 && needed < most; needed++) {
      if (needed === users) names = [...missing].map((index) => this.#classes[index]!.name);
      missing.delete(this.classOf(needed));
    }
    return names.length === 0 || missing.size > 0 ? null : { names, needed };
  }

  /**
   * A sentence if a node of the open model may have fewer users than there are classes; `null` if each class
   * can have one everywhere.
   *
   * @param maxUsers the most users that may be busy on all nodes together.
   * @param nodes those that run users.
   */
  crowding(maxUsers: number, nodes: number): string | null {
    const classes = this.#classes.filter((one) => one.fixedCount > 0 || one.weight > 0).length;
    // Nodes that may run no users have no iterations either.
    const each = Math.floor(maxUsers / Math.max(1, Math.min(nodes, maxUsers)));
    if (each >= classes) return null;
    const where = nodes > 1 ? " on a worker" : "";
    return `Only ${each === 1 ? "1 user" : `${each} users`} may be busy${where}, but there are ` +
      `${classes} user classes: a class without a user starts none of its iterations. ` +
      `Allow ${classes * nodes} users or more with --max-users, or with maxUsers of the shape.`;
  }

  /** A sentence if not as many users can run as were asked for; `null` if they can. */
  shortage(users: number): string | null {
    if (users <= this.limit) return null;
    return `${users} users were requested, but all classes have a fixed count: only ${this.limit} will run.`;
  }

  /** The part of the load that each class has, in the order of the classes, as values for JSON. */
  shares(): ClassShare[] {
    return this.#classes.map((one) => {
      const weight = effectiveWeight(one);
      return {
        name: one.name,
        share: one.fixedCount > 0 ? null : weight === 0 ? 0 : weight / this.#totalWeight,
        fixedCount: one.fixedCount > 0 ? one.fixedCount : null,
      };
    });
  }

  #extend(users: number): void {
    while (this.#order.length < users) {
      const index = this.#nextByWeight(this.#order.length - this.#fixedTotal + 1);
      this.#given[index]! += 1;
      this.#order.push(index);
    }
  }

  /**
   * The class of the n-th user by weight: Tijdeman's solution of the chairman assignment problem. Highest
   * averages (Sainte-Laguë) give the same order for common weights, but let a large class next to many
   * small ones drift several users away from its share.
   *
   * With k classes, consider those that are behind by at least 1/(2k-2) of a user; the one whose next
   * user is due first gets it. This keeps every class within 1 - 1/(2k-2) of a user. All terms are
   * multiplied out to compare whole numbers for as long as possible.
   */
  #nextByWeight(n: number): number {
    const parts = Math.max(1, 2 * this.#weighted - 2);
    let first = -1;
    let firstDue = Infinity;
    for (const [index, one] of this.#classes.entries()) {
      const weight = effectiveWeight(one);
      if (weight === 0) continue;
      const given = this.#given[index]!;
      const behind = n * weight - given * this.#totalWeight;
      if (behind * parts < this.#totalWeight) continue;
      const due = (given * parts + parts - 1) / weight;
      if (due < firstDue) {
        first = index;
        firstDue = due;
      }
    }
    return first;
  }
}

/** Weights are at most a million. */
const MOST_EXAMINED = 1_000_000;

/** The weight of a class among those that go by weight: 0 if its count is fixed. */
function effectiveWeight(one: ClassWeight): number {
  return one.fixedCount > 0 ? 0 : one.weight;
}

function fixedOrder(classes: readonly ClassWeight[]): number[] {
  const order: number[] = [];
  const most = Math.max(0, ...classes.map(({ fixedCount }) => fixedCount));
  for (let round = 0; round < most; round++) {
    for (const [index, { fixedCount }] of classes.entries()) {
      if (round < fixedCount) order.push(index);
    }
  }
  return order;
}

/**
 * Distributes the iterations of the open model among the user classes by weight (smooth weighted round
 * robin): after any number of iterations, each class is within two of its exact share. A class with a
 * fixed count and no weight counts as one of weight 1.
 */
export class IterationMix {
  readonly #names: readonly string[];
  readonly #weights: readonly number[];
  readonly #total: number;
  /** How far each class is behind its share, in parts of {@link #total}. */
  readonly #behind: number[];

  /** @param classes in the order of their export, which decides ties. */
  constructor(classes: readonly ClassWeight[]) {
    this.#names = classes.map(({ name }) => name);
    this.#weights = classes.map(({ weight, fixedCount }) =>
      Math.max(weight, fixedCount > 0 ? 1 : 0)
    );
    this.#total = this.#weights.reduce((sum, weight) => sum + weight, 0);
    this.#behind = classes.map(() => 0);
  }

  /**
   * The classes that get none of the first iterations; this uses them up.
   *
   * @param iterations how many iterations to look at; if there are more than a million, each class gets some.
   */
  withoutIterations(iterations: number): string[] {
    if (iterations > MOST_EXAMINED) return [];
    const missing = new Set(this.#weights.flatMap((weight, index) => weight > 0 ? [index] : []));
    for (let n = 0; n < iterations && missing.size > 0; n++) missing.delete(this.next());
    return [...missing].map((index) => this.#names[index]!);
  }

  /** The index of the class of the next iteration. */
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

  /**
   * Distributes many iterations at once, at a cost that does not depend on their number.
   *
   * @returns how many of them each class has, in the order of the classes.
   */
  skip(iterations: number): number[] {
    const counts = this.#weights.map(() => 0);
    for (const [index, weight] of this.#weights.entries()) {
      this.#behind[index]! += iterations * weight;
    }
    const some = [...this.#weights.keys()].filter((index) => this.#weights[index]! > 0);
    let left = iterations;
    // Whole shares first; less than one iteration per class remains after that.
    for (const isRest of [false, true]) {
      some.sort((a, b) => this.#behind[b]! - this.#behind[a]! || a - b);
      for (const index of some) {
        const due = isRest ? 1 : Math.max(0, Math.floor(this.#behind[index]! / this.#total));
        const given = Math.min(left, due);
        counts[index]! += given;
        this.#behind[index]! -= given * this.#total;
        left -= given;
      }
    }
    return counts;
  }
}
