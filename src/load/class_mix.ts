/**
 * Which user classes the users of a run belong to.
 *
 * @module
 */

/** The part of a user class that decides how many users it gets. */
export interface ClassWeight {
  readonly name: string;
  /** Share beside the other classes: a whole number, 0 for no users. */
  readonly weight: number;
  /** Exactly so many users, whatever the weight: a whole number, 0 for by weight. */
  readonly fixedCount: number;
}

/** How much of the load one class is. */
export interface ClassShare {
  readonly name: string;
  /**
   * Share, from 0 to 1, of the users that are left when all fixed counts are filled; null where the
   * class has a fixed count.
   */
  readonly share: number | null;
  /** Users of this class once all of them run; null where the class goes by weight. */
  readonly fixedCount: number | null;
}

/**
 * Gives every user a class. The i-th user's class depends on nothing but i, so a load that grows never
 * takes a user away from a class, and one that shrinks never adds one.
 *
 * Fixed counts come first, one of each class in turn. All further users go by weight, and after any
 * number of them each class is less than one user away from its exact share.
 */
export class ClassMix {
  /** The most users that can run: finite where every class has a fixed count. */
  readonly limit: number;
  readonly #classes: readonly ClassWeight[];
  readonly #totalWeight: number;
  /** How many classes go by weight. */
  readonly #weighted: number;
  readonly #fixedTotal: number;
  /** The class of each user that was asked for so far; it only ever grows. */
  readonly #order: number[];
  /** Users in {@link #order} that each class got by its weight. */
  readonly #given: number[];
  /** The last answer of {@link counts}: from it to the next one it is a few users only. */
  #counted: { readonly users: number; readonly counts: readonly number[] };

  /** @param classes in the order of their export, which decides between equals. */
  constructor(classes: readonly ClassWeight[]) {
    this.#classes = classes;
    const weights = classes.map(weightBeside).filter((weight) => weight > 0);
    this.#weighted = weights.length;
    this.#totalWeight = weights.reduce((sum, weight) => sum + weight, 0);
    this.#order = fixedOrder(classes);
    this.#fixedTotal = this.#order.length;
    this.#given = classes.map(() => 0);
    this.#counted = { users: 0, counts: this.#given.slice() };
    this.limit = this.#weighted > 0 ? Infinity : this.#fixedTotal;
  }

  /**
   * How many users of each class run when `users` run in all; in the order of the classes.
   *
   * @throws RangeError where `users` is no whole number from 0 to {@link limit}.
   */
  counts(users: number): number[] {
    if (!Number.isInteger(users) || users < 0 || users > this.limit) {
      throw new RangeError(`counts(${users}): a whole number from 0 to ${this.limit} is needed`);
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
   * @param user the user's index; the first one's is 0.
   * @throws RangeError where `user` is no whole number from 0 to below {@link limit}.
   */
  classOf(user: number): number {
    if (!Number.isInteger(user) || user < 0 || user >= this.limit) {
      throw new RangeError(
        `classOf(${user}): a whole number from 0 to below ${this.limit} is needed`,
      );
    }
    this.#extend(user + 1);
    return this.#order[user]!;
  }

  /** Why not so many users can run as were asked for, as a sentence; null where they can. */
  shortage(users: number): string | null {
    if (users <= this.limit) return null;
    return `${users} users were asked for, but every class has a fixed count: ${this.limit} run.`;
  }

  /** How much of the load each class is; in the order of the classes, and plain enough for JSON. */
  shares(): ClassShare[] {
    return this.#classes.map((one) => {
      const weight = weightBeside(one);
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
   * The class of the n-th user by weight, as Tijdeman solved the chairman assignment problem. Highest
   * averages (Sainte-Laguë) give the same for the usual weights, but let a large class beside many
   * small ones drift several users away from its share.
   *
   * Of the classes that have fallen behind by 1/(2k-2) of a user or more, k classes in all, the one
   * whose next user is due first gets it. That keeps all of them within 1 - 1/(2k-2) of a user. All
   * terms are multiplied out, so that whole numbers are compared as long as that is possible.
   */
  #nextByWeight(n: number): number {
    const parts = Math.max(1, 2 * this.#weighted - 2);
    let first = -1;
    let firstDue = Infinity;
    for (const [index, one] of this.#classes.entries()) {
      const weight = weightBeside(one);
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

/** A class's weight beside those that go by weight: 0 where its count is fixed. */
function weightBeside(one: ClassWeight): number {
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
 * Gives passes of the open model to the user classes, by their weights: after any number of passes, each
 * class is within one or two passes of its exact share. A class with a fixed count and no weight gets
 * passes as one of weight 1.
 */
export class IterationMix {
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
