/**
 * The load at one moment: users in the closed model, arrivals in the open model.
 *
 * @module
 */

import { MAX_USERS } from "../core/run_info.ts";
import { nearestWord } from "../core/spelling.ts";
import { listed, shown } from "../core/text.ts";

/** A load as a test file gives it. */
export type Load =
  | {
    /** A whole number of 0 or more. */
    readonly users: number;
    /** Users started or stopped per second; by default all changes are spread over one second. */
    readonly rate?: number;
  }
  | {
    /** Iterations per second: 0 or more, may be a fraction. */
    readonly arrivalRate: number;
    /** The most users that may be busy at once; default 1,000. */
    readonly maxUsers?: number;
  };

/** A load of the closed model: how many users run, and how fast their number changes. */
export interface UserLoad {
  /** A whole number of 0 or more. */
  readonly users: number;
  /** Users started or stopped per second: over 0, may be a fraction, may exceed the users. */
  readonly rate: number;
}

/** A load of the open model: how many iterations start, no matter how the target responds. */
export interface ArrivalLoad {
  /** Iterations per second: 0 or more, may be a fraction. */
  readonly arrivalRate: number;
  /** The most users that may be busy at once: a whole number of 1 or more. */
  readonly maxUsers: number;
}

/** A load with nothing left out. */
export type ResolvedLoad = UserLoad | ArrivalLoad;

/** Some parts of a load. The others stay as they are. */
export type PartialLoad = Partial<UserLoad> | Partial<ArrivalLoad>;

/** `maxUsers` of a load that does not give it. */
export const DEFAULT_MAX_USERS = 1000;

/** Whether a load is one of the open model. */
export function isArrivals(load: ResolvedLoad): load is ArrivalLoad {
  return "arrivalRate" in load;
}

/**
 * Fills in what a load leaves out.
 *
 * @param usersNow how many users run: without a rate, the difference to them is spread over one second.
 */
export function resolveLoad(load: Load, usersNow = 0): ResolvedLoad {
  if ("arrivalRate" in load) {
    return { arrivalRate: load.arrivalRate, maxUsers: load.maxUsers ?? DEFAULT_MAX_USERS };
  }
  const { users, rate = Math.max(1, Math.abs(users - usersNow)) } = load;
  return { users, rate };
}

/** What is wrong with a load from a test file, or `null` if it is valid. Only `maxUsers` may be missing. */
export function loadProblem(value: unknown): string | null {
  if (!isObject(value)) return "a load must be { users, rate } or { arrivalRate, maxUsers }";
  const { users, rate, arrivalRate, maxUsers } = value;
  if (!("arrivalRate" in value)) {
    if (!isWhole(users, 0)) return mustBe("users", "a whole number of 0 or more", users);
    if (users > MAX_USERS) return mustBe("users", `at most ${MAX_USERS}`, users);
    return isPositive(rate) ? null : mustBe("rate", "a number over 0", rate);
  }
  if (users !== undefined || rate !== undefined) {
    return "a load cannot have both users and an arrivalRate";
  }
  if (!Number.isFinite(arrivalRate) || (arrivalRate as number) < 0) {
    return mustBe("arrivalRate", "a number of 0 or more", arrivalRate);
  }
  return maxUsers === undefined || isWhole(maxUsers, 1)
    ? null
    : mustBe("maxUsers", "a whole number of 1 or more", maxUsers);
}

/** The properties of a load. */
export const LOAD_KEYS = ["users", "rate", "arrivalRate", "maxUsers"] as const;

/** What other programs call properties of loads, stages and curves. */
const OTHER_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ["spawnrate", ["rate"]],
  ["hatchrate", ["rate"]],
  ["target", ["users"]],
  ["vus", ["users"]],
  ["usercount", ["users"]],
  ["maxvus", ["maxUsers"]],
  ["rps", ["arrivalRate"]],
  ["time", ["duration", "seconds"]],
  ["duration", ["seconds"]],
  ["seconds", ["duration"]],
  ["until", ["untilSeconds"]],
  ["endsat", ["untilSeconds"]],
]);

/** A message about a property that is not known, or `null`: it would have no effect. */
export function unknownKey(value: object, known: readonly string[]): string | null {
  const key = Object.entries(value)
    .find(([key, value]) => value !== undefined && !known.includes(key))?.[0];
  if (key === undefined) return null;
  const other = OTHER_KEYS.get(key.toLowerCase().replaceAll("_", ""))
    ?.find((one) => known.includes(one));
  const meant = other ?? nearestWord(key, known);
  const hint = meant === null ? `expected ${listed(known)}` : `perhaps you mean ${meant}`;
  return `${JSON.stringify(key)} is unknown: ${hint}`;
}

/** A message about an invalid value, which starts with its name. */
export function mustBe(name: string, expected: string, value: unknown): string {
  return `${name} must be ${expected}, not ${shown(value)}`;
}

/** Whether a value is a finite number over 0. */
export function isPositive(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) > 0;
}

/** Whether a value is an object other than an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown, min: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min;
}
