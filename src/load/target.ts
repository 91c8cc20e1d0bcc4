/**
 * What the load should be at one moment.
 *
 * @module
 */

import { inspect } from "node:util";

/** How many users should run, and how fast to get there. */
export interface Target {
  /** A whole number of 0 or more. */
  readonly users: number;
  /** Users started or stopped a second: over 0, may be a fraction, may exceed the users. */
  readonly rate: number;
}

/**
 * What keeps two values that a test file gave from being a target, or null where they are one. The text
 * names the value and what is accepted.
 *
 * ```ts
 * import { targetProblem } from "./target.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(targetProblem(10, 0.5), null);
 * assert.equal(targetProblem(1.5, 1), "users is 1.5, a whole number of 0 or more is needed");
 * assert.equal(targetProblem(10, 0), "rate is 0, a number over 0 is needed");
 * ```
 */
export function targetProblem(users: unknown, rate: unknown): string | null {
  if (!Number.isSafeInteger(users) || (users as number) < 0) {
    return `users is ${shown(users)}, a whole number of 0 or more is needed`;
  }
  return isOverZero(rate) ? null : `rate is ${shown(rate)}, a number over 0 is needed`;
}

/** Whether a value is a finite number over 0. */
export function isOverZero(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) > 0;
}

/** A value in one line, as it would be written in a test file. */
export function shown(value: unknown): string {
  return inspect(value, { breakLength: Infinity, compact: true, depth: 1 });
}
