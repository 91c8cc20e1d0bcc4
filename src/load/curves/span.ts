/**
 * What curves have in common that go from one load to another.
 *
 * @module
 */

import { UsageError } from "../../core/errors.ts";
import type { Curve } from "../curve.ts";
import { isObject, isOverZero, type Load, loadTargetProblem, shown } from "../target.ts";

/** Two loads, in users or in passes a second. */
export interface Span {
  /** Where the curve begins. */
  readonly from: number;
  /** Where it leads to. */
  readonly to: number;
}

/** How long a curve lasts, and between which loads: of users, or of passes that start a second. */
export type SpanOptions<S extends Span = Span> =
  & {
    /** How long it lasts, in seconds: over 0. */
    readonly seconds: number;
  }
  & (UserOption<S> | ArrivalOption<S>);

/** A curve's loads, as users. */
export interface UserOption<S> {
  /** Whole numbers of 0 or more. */
  readonly users: S;
}

/** A curve's loads, as passes of the open model. */
export interface ArrivalOption<S> {
  /** Passes a second: 0 or more, may be fractions. */
  readonly arrivalRate: S;
  /** The most users that may be busy at once: a whole number of 1 or more, default 1,000. */
  readonly maxUsers?: number;
}

/** Loads by their size: users or passes a second, whatever the curve is of. */
export interface Sizes<S> {
  readonly sizes: S;
  /** The load of a size; users are rounded. */
  load(size: number): Load;
}

/**
 * Reads the loads that a curve was given.
 *
 * @param maker the curve's name, for messages.
 * @param keys what a span has.
 * @throws UsageError where one of them is no load, or both users and arrivals are given.
 */
export function readSizes<S extends Span>(
  maker: string,
  options: UserOption<S> | ArrivalOption<S>,
  keys: readonly (keyof S & string)[],
): Sizes<S> {
  const given = options as Partial<UserOption<S> & ArrivalOption<S>>;
  const { users, arrivalRate, maxUsers } = given;
  if ((users === undefined) === (arrivalRate === undefined)) {
    throw new UsageError(`${maker}: either users or an arrivalRate is needed`);
  }
  const name = users === undefined ? "arrivalRate" : "users";
  const sizes = (users ?? arrivalRate)!;
  const needed = `{ ${keys.join(", ")} }`;
  if (!isObject(sizes)) {
    throw new UsageError(`${maker}: ${name} is ${shown(sizes)}, ${needed} is needed`);
  }
  const limit = maxUsers === undefined ? {} : { maxUsers };
  for (const key of keys) {
    const load = { [name]: sizes[key], ...limit };
    const problem = loadTargetProblem(users === undefined ? load : { ...load, rate: 1 });
    // The problem begins with the name of what is wrong, which here is a part of it.
    if (problem !== null) {
      throw new UsageError(`${maker}: ${problem.replace(RegExp(`^${name}\\b`), `${name}.${key}`)}`);
    }
  }
  return {
    sizes,
    load: (size) =>
      users === undefined ? { arrivalRate: size, ...limit } : { users: Math.round(size) },
  };
}

/**
 * A curve that moves between two loads without a jump.
 *
 * Users head for where the curve is a second later, so that they are on it all the time; arrivals come at
 * the mean rate of the coming second, so that there are as many of them as the curve has.
 *
 * @param maker the curve's name, for messages.
 * @param height where between the loads the curve is, from 0 to 1, after a part of its time from 0 to 1.
 * @throws UsageError where the options are none.
 */
export function spanCurve(
  maker: string,
  options: SpanOptions,
  height: (part: number) => number,
): Curve {
  const { seconds } = options;
  checkSeconds(maker, seconds);
  const { sizes: { from, to }, load } = readSizes(maker, options, ["from", "to"]);
  const sizeAt = (t: number): number => from + (to - from) * height(t / seconds);
  const isUsers = "users" in load(from);
  const at = (t: number): Load | null => {
    if (t >= seconds) return null;
    const next = Math.min(t + 1, seconds);
    return load(isUsers ? sizeAt(next) : (sizeAt(t) + sizeAt(next)) / 2);
  };
  return { seconds, at };
}

/** @throws UsageError where a time is no number over 0. */
export function checkSeconds(maker: string, seconds: unknown, name = "seconds"): void {
  if (!isOverZero(seconds)) {
    throw new UsageError(`${maker}: ${name} is ${shown(seconds)}, a number over 0 is needed`);
  }
}
