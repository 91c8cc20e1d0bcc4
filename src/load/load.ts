/**
 * What the load should be at one moment.
 *
 * @module
 */

import { inspect } from "node:util";

/** How many users should run, and how fast to get there: a load of the closed model. */
export interface UserLoad {
  /** A whole number of 0 or more. */
  readonly users: number;
  /** Users started or stopped a second: over 0, may be a fraction, may exceed the users. */
  readonly rate: number;
}

/** How many passes should start, whatever the target does: a load of the open model. */
export interface ArrivalLoad {
  /** Passes a second: 0 or more, may be a fraction. */
  readonly arrivalRate: number;
  /** The most users that may be busy at once: a whole number of 1 or more. */
  readonly maxUsers: number;
}

/** The load at one moment, in either model. */
export type ResolvedLoad = UserLoad | ArrivalLoad;

/** A load as a test file says it. */
export type Load =
  | {
    /** A whole number of 0 or more. */
    readonly users: number;
    /** Users started or stopped a second; without it, all changes are spread over one second. */
    readonly rate?: number;
  }
  | {
    /** Passes a second: 0 or more, may be a fraction. */
    readonly arrivalRate: number;
    /** The most users that may be busy at once; default 1,000. */
    readonly maxUsers?: number;
  };

/** The most users of an open load that names no limit. */
export const DEFAULT_MAX_USERS = 1000;

/** Whether a load is one of the open model. */
export function isArrivals(target: ResolvedLoad): target is ArrivalLoad {
  return "arrivalRate" in target;
}

/**
 * What keeps an object that a test file gave from being a load, or null where it is one. The text names
 * the value and what is accepted. An open load may leave out `maxUsers`.
 */
export function loadProblem(value: unknown): string | null {
  if (!isObject(value)) return "{ users, rate } or { arrivalRate, maxUsers } is needed";
  const { users, rate, arrivalRate, maxUsers } = value;
  if (!("arrivalRate" in value)) {
    if (!isWhole(users, 0)) {
      return `users is ${shown(users)}, a whole number of 0 or more is needed`;
    }
    return isPositive(rate) ? null : `rate is ${shown(rate)}, a number over 0 is needed`;
  }
  if (users !== undefined || rate !== undefined) {
    return "either users or an arrivalRate can be given, not both";
  }
  if (!Number.isFinite(arrivalRate) || (arrivalRate as number) < 0) {
    return `arrivalRate is ${shown(arrivalRate)}, a number of 0 or more is needed`;
  }
  return maxUsers === undefined || isWhole(maxUsers, 1)
    ? null
    : `maxUsers is ${shown(maxUsers)}, a whole number of 1 or more is needed`;
}

/**
 * A load with what it left out.
 *
 * @param usersNow those that run: without a rate, so many more or fewer are a second's work.
 */
export function resolveLoad(load: Load, usersNow = 0): ResolvedLoad {
  if ("arrivalRate" in load) {
    return { arrivalRate: load.arrivalRate, maxUsers: load.maxUsers ?? DEFAULT_MAX_USERS };
  }
  const { users, rate = Math.max(1, Math.abs(users - usersNow)) } = load;
  return { users, rate };
}

/** Whether a value is a finite number over 0. */
export function isPositive(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) > 0;
}

/** Whether a value is an object, and no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value in one line, as it would be written in a test file. */
export function shown(value: unknown): string {
  return inspect(value, { breakLength: Infinity, compact: true, depth: 1 });
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}
