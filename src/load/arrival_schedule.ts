/**
 * When the passes of the open model begin: in the whole cluster, and on one node of it.
 *
 * Passes are counted by what their rate adds up to. At 100 a second, two seconds are 200: that is the
 * position of the run, and with even spacing pass number 200 begins there. So the schedule stays the
 * same for all nodes, however often the rate changes, and whenever they hear of it.
 *
 * @module
 */

import type { Random } from "../core/clock.ts";
import type { Spacing } from "../core/run_info.ts";

/** A rate that holds from one moment on. Times are seconds since the test's start. */
export interface RatePeriod {
  /** Passes a second in the whole cluster: 0 or more. */
  readonly rate: number;
  readonly since: number;
  /** What all rates before have added up to. */
  readonly position: number;
  /** No pass begins at this time or later. */
  readonly until: number;
  /** The number of the first pass that there is not. */
  readonly limit: number;
}

/** Which passes are those of one node: of those numbered `from` and up, every `of`th, at this index. */
export interface ArrivalShare {
  readonly from: number;
  readonly of: number;
  /** 0 to below {@link of}. */
  readonly index: number;
}

/** The slice of a node that is alone. */
export const ALL_ARRIVALS: ArrivalShare = { from: 0, of: 1, index: 0 };

/** The position of a run at a moment, as long as the course holds. */
export function positionAt({ rate, since, position }: RatePeriod, seconds: number): number {
  return position + rate * Math.max(0, seconds - since);
}

/** Whatever is nearer than this to a bound has reached it: sums of rates are rounded. */
const ROUNDING = 1e-6;

/**
 * The passes of one node. It owns no clock: whoever asks compares {@link nextAt} with the time.
 *
 * A change of the course or of the slice is obeyed from where it says, whenever it comes: passes that
 * were taken already are not taken again. With Poisson spacing the gaps are drawn, and each node draws
 * its own: put together, they are a Poisson process again.
 */
export class ArrivalSchedule {
  readonly #spacing: Spacing;
  readonly #random: Random;
  /** The present one, and those that hold from a later position on. */
  #courses: RatePeriod[] = [];
  #slices: ArrivalShare[] = [];
  /** Where the next pass of this node begins, and its number; with even spacing they are the same. */
  #position = 0;
  #number = 0;
  #taken = { number: -1, position: 0 };
  #nextAt = Infinity;

  constructor(spacing: Spacing, random: Random) {
    this.#spacing = spacing;
    this.#random = random;
  }

  /** When the next pass begins, in seconds since the test's start; Infinity where none does. */
  get nextAt(): number {
    return this.#nextAt;
  }

  /** Whether all passes that there are have been taken. */
  get ended(): boolean {
    return this.#courses.length > 0 && this.#number >= this.#courses[0]!.limit;
  }

  /** Obeys another course, slice, or both. */
  follow(course: RatePeriod, slice: ArrivalShare): void {
    const [newest] = this.#courses.slice(-1);
    // What a course says of the end holds for all; its rate, from its own position on.
    const { until, limit } = course;
    this.#courses = this.#courses.map((one) => ({ ...one, until, limit }));
    if (newest === undefined || course.since > newest.since) this.#courses.push(course);
    else if (course.rate !== newest.rate) this.#courses = [course];
    const last = this.#slices.at(-1);
    if (last === undefined) {
      this.#slices = [slice];
      this.#enter(slice);
    } else if (!isSame(last, slice)) {
      // Where the rate falls, a slice may hold from before where one that is yet to come would have.
      const [present, ...others] = this.#slices;
      this.#slices = [present!, ...others.filter(({ from }) => from < slice.from), slice];
      this.#turnTo();
    }
    this.#look();
  }

  /** Forgets all that it was told; it begins anew with the next course. */
  forget(): void {
    this.#courses = [];
    this.#slices = [];
    this.#nextAt = Infinity;
  }

  /** Goes on to the pass after the next; returns when that next one begins. */
  next(): number {
    const at = this.#nextAt;
    const { of } = this.#slices[0]!;
    this.#taken = { number: this.#number, position: this.#position };
    this.#number += of;
    if (this.#spacing === "constant") this.#position = this.#number;
    else this.#position += of * this.#gap();
    this.#turnTo();
    this.#look();
    return at;
  }

  /** Goes over to the next slice where the present one has ended. */
  #turnTo(): void {
    while (this.#slices.length > 1 && this.#position >= this.#slices[1]!.from - ROUNDING) {
      this.#slices.shift();
      this.#enter(this.#slices[0]!);
    }
  }

  #enter({ from, of, index }: ArrivalShare): void {
    const least = Math.max(from, this.#taken.number + 1);
    this.#number = least + ((index - least) % of + of) % of;
    this.#position = this.#spacing === "constant"
      ? this.#number
      : Math.max(from, this.#taken.position) + of * this.#gap();
  }

  #look(): void {
    while (this.#courses.length > 1 && this.#courses[1]!.position <= this.#position + ROUNDING) {
      this.#courses.shift();
    }
    this.#nextAt = this.#timeOf(this.#position);
  }

  #timeOf(position: number): number {
    const [course, next] = this.#courses;
    if (course === undefined || this.#number >= course.limit) return Infinity;
    const { rate, since, until } = course;
    const ahead = position - course.position;
    const at = rate > 0 ? since + ahead / rate : Infinity;
    // A course that was replaced may have had less time than it would have needed.
    const bounded = next === undefined ? at : Math.min(at, next.since);
    return bounded < until - ROUNDING ? bounded : Infinity;
  }

  /** A gap of Poisson arrivals, 1 on average. */
  #gap(): number {
    return -Math.log1p(-this.#random());
  }
}

function isSame(one: ArrivalShare, other: ArrivalShare): boolean {
  return one.from === other.from && one.of === other.of && one.index === other.index;
}
