/**
 * When iterations of the open model are due: in the whole cluster, and on one node of it.
 *
 * The schedule counts iterations, not seconds. Its position at a moment is the integral of the arrival
 * rate up to then: two seconds at 100 per second lead to position 200, and with constant spacing,
 * iteration 200 is due there. All nodes compute the same schedule from this, no matter how often the
 * rate changes or when each node learns of a change.
 *
 * @module
 */

import type { Random } from "../core/clock.ts";
import type { Spacing } from "../core/run_info.ts";

/** An arrival rate that applies from a moment on. Times are in seconds since the start of the test. */
export interface RatePeriod {
  /** Iterations per second in the whole cluster: 0 or more. */
  readonly rate: number;
  readonly since: number;
  /** The position of the schedule at {@link since}. */
  readonly position: number;
  /** No iteration starts at this time or later. */
  readonly until: number;
  /** How many iterations the run has. They are numbered from 0. */
  readonly limit: number;
}

/** The part of all iterations that one node starts: one in {@link of}, from number {@link from} on. */
export interface ArrivalShare {
  readonly from: number;
  readonly of: number;
  /** The remainder of the node's iteration numbers when divided by {@link of}. */
  readonly index: number;
}

/** The share of a node that runs alone. */
export const ALL_ARRIVALS: ArrivalShare = { from: 0, of: 1, index: 0 };

/** The position of the schedule at a moment within a period. */
export function positionAt({ rate, since, position }: RatePeriod, seconds: number): number {
  return position + rate * Math.max(0, seconds - since);
}

/** Positions and times closer than this to a bound count as having reached it: sums are rounded. */
const ROUNDING = 1e-6;

/**
 * The iterations that one node starts. It has no clock: the caller compares {@link nextAt} with the time.
 *
 * A change of the rate or of the share applies from the moment or number that it names, even if it
 * arrives late; iterations that were taken already are not taken again. With Poisson spacing each node
 * draws its own gaps: several Poisson processes add up to one.
 */
export class ArrivalSchedule {
  readonly #spacing: Spacing;
  readonly #random: Random;
  /** The current period, and those that start at a later position. */
  #periods: RatePeriod[] = [];
  #shares: ArrivalShare[] = [];
  /** Where this node's next iteration is due, and its number: the same with constant spacing. */
  #position = 0;
  #number = 0;
  #taken = { number: -1, position: 0 };
  #nextAt = Infinity;

  constructor(spacing: Spacing, random: Random) {
    this.#spacing = spacing;
    this.#random = random;
  }

  /** When the next iteration is due, in seconds since the start of the test; Infinity if none is. */
  get nextAt(): number {
    return this.#nextAt;
  }

  /** Whether every iteration of the run has been taken. */
  get ended(): boolean {
    return this.#periods.length > 0 && this.#number >= this.#periods[0]!.limit;
  }

  /** Applies another period, another share, or both. */
  follow(period: RatePeriod, share: ArrivalShare): void {
    const newest = this.#periods.at(-1);
    // The end of a period applies to all of them; its rate, from its own position on.
    const { until, limit } = period;
    this.#periods = this.#periods.map((one) => ({ ...one, until, limit }));
    if (newest === undefined || period.since > newest.since) this.#periods.push(period);
    else if (period.rate !== newest.rate) {
      // It replaces those that start no earlier. Iterations of the earlier ones may still be due.
      this.#periods = [...this.#periods.filter(({ since }) => since < period.since), period];
    }
    const last = this.#shares.at(-1);
    if (last === undefined) {
      this.#shares = [share];
      this.#enter(share);
    } else if (!isSame(last, share)) {
      // If the rate falls, the new share may start before one that is still to come would have.
      const [current, ...others] = this.#shares;
      this.#shares = [current!, ...others.filter(({ from }) => from < share.from), share];
      this.#advanceShare();
    }
    this.#update();
  }

  /** Discards all periods and shares; the next {@link follow} starts over. */
  forget(): void {
    this.#periods = [];
    this.#shares = [];
    this.#nextAt = Infinity;
  }

  /** Takes the next iteration; returns when it is due. */
  next(): number {
    const at = this.#nextAt;
    this.#advance(1, this.#position);
    return at;
  }

  /**
   * Takes many iterations that are due before a moment, and returns how many. The cost does not depend on
   * their number. A few iterations near the bound may remain for {@link next}; 0 means that only such
   * are left.
   */
  skip(seconds: number): number {
    const [period, nextPeriod] = this.#periods;
    const [share, nextShare] = this.#shares;
    if (period === undefined || share === undefined) return 0;
    const end = Math.min(
      positionAt(period, Math.min(seconds, period.until)),
      nextPeriod?.position ?? Infinity,
      nextShare?.from ?? Infinity,
    );
    const expected = (end - this.#position) / share.of;
    // One fewer than would fit, so that rounding never takes an iteration that is not due.
    const due = this.#spacing === "constant" ? Math.floor(expected) - 1 : this.#arrivals(expected);
    const count = Math.min(due, Math.ceil((period.limit - this.#number) / share.of));
    // Not `count <= 0`: a share that makes no sense gives NaN.
    if (!(count > 0)) return 0;
    this.#advance(count, end);
    return count;
  }

  /** @param position where the last of these iterations was due at the latest. */
  #advance(count: number, position: number): void {
    const { of } = this.#shares[0]!;
    const last = this.#number + (count - 1) * of;
    this.#number = last + of;
    if (this.#spacing === "constant") {
      this.#taken = { number: last, position: last };
      this.#position = this.#number;
    } else {
      this.#taken = { number: last, position };
      this.#position = position + of * this.#gap();
    }
    this.#advanceShare();
    this.#update();
  }

  /** Switches to the next share if the current one has ended. */
  #advanceShare(): void {
    while (this.#shares.length > 1 && this.#position >= this.#shares[1]!.from - ROUNDING) {
      this.#shares.shift();
      this.#enter(this.#shares[0]!);
    }
  }

  #enter({ from, of, index }: ArrivalShare): void {
    const least = Math.max(from, this.#taken.number + 1);
    this.#number = least + ((index - least) % of + of) % of;
    this.#position = this.#spacing === "constant"
      ? this.#number
      : Math.max(from, this.#taken.position) + of * this.#gap();
  }

  #update(): void {
    while (this.#periods.length > 1 && this.#periods[1]!.position <= this.#position + ROUNDING) {
      this.#periods.shift();
    }
    this.#nextAt = this.#timeOf(this.#position);
  }

  #timeOf(position: number): number {
    const [period, next] = this.#periods;
    if (period === undefined || this.#number >= period.limit) return Infinity;
    const { rate, since, until } = period;
    const ahead = position - period.position;
    const at = rate > 0 ? since + ahead / rate : Infinity;
    // A period that was replaced may have been shorter than its iterations needed.
    const bounded = next === undefined ? at : Math.min(at, next.since);
    return bounded < until - ROUNDING ? bounded : Infinity;
  }

  /** A gap between Poisson arrivals, 1 on average. */
  #gap(): number {
    return -Math.log1p(-this.#random());
  }

  /**
   * How many arrivals a Poisson process has where `mean` are expected, beside the one at its start; 0
   * if few are expected. Many are drawn from the normal distribution, which is then close to exact.
   */
  #arrivals(mean: number): number {
    if (!(mean > 1_000)) return 0;
    const normal = Math.sqrt(2 * this.#gap()) * Math.cos(2 * Math.PI * this.#random());
    return Math.round(1 + mean + Math.sqrt(mean) * normal);
  }
}

function isSame(one: ArrivalShare, other: ArrivalShare): boolean {
  return one.from === other.from && one.of === other.of && one.index === other.index;
}
