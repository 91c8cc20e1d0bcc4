/**
 * Wait times between the tests of a user.
 *
 * @module
 */

import { shown } from "../core/text.ts";

/** The situation in which a user is about to wait. */
export interface Turn {
  /** The current time in seconds, on a clock that never goes back. */
  readonly now: number;
  /** When the iteration started, in seconds on the same clock. */
  readonly iterationStart: number;
  /** Whether this is the last wait of the iteration. */
  readonly endsIteration: boolean;
  /** @deprecated The former name of `iterationStart`; removed in the next release. */
  readonly passStart: number;
  /** @deprecated The former name of `endsIteration`; removed in the next release. */
  readonly endsPass: boolean;
  /** Returns a random number in [0, 1). */
  readonly random: () => number;
}

/** Returns the seconds to wait: 0 or more; with Infinity, the user waits until it must stop. */
// deno-lint-ignore no-explicit-any -- a wait function can be written for a single user class
export type WaitFunction = (user: any, turn: Turn) => number | Promise<number>;

/** The type of `static waitTime`: seconds, or a function that returns them. */
export type WaitTime = number | WaitFunction;

/**
 * The same wait each time.
 *
 * @param seconds 0 or more; with Infinity, the user waits until it must stop.
 * @throws RangeError if the seconds are negative or not a number.
 */
export function constant(seconds: number): WaitFunction {
  if (typeof seconds !== "number" || !(seconds >= 0)) throw invalidWait("constant", seconds);
  return Object.assign((): number => seconds, { [FIXED_SECONDS]: seconds });
}

/**
 * A uniformly distributed random wait.
 *
 * ```ts
 * import { between, FastHttpUser } from "aiotest";
 *
 * export class ShopTest extends FastHttpUser {
 *   static override waitTime = between(1, 3);
 *
 *   async testFrontPage(): Promise<void> {
 *     await this.session.get("/");
 *   }
 * }
 * ```
 *
 * @param min seconds, 0 or more.
 * @param max seconds, `min` or more.
 * @throws RangeError if the seconds are negative or not finite, or if `max` is below `min`.
 */
export function between(min: number, max: number): WaitFunction {
  checkSeconds("between", min);
  checkSeconds("between", max);
  if (max < min) throw new RangeError(`between(${min}, ${max}): the maximum is below the minimum`);
  return (_user, turn) => min + turn.random() * (max - min);
}

/**
 * An exponentially distributed random wait: many short ones, few long ones.
 *
 * @param mean the average in seconds, 0 or more.
 * @throws RangeError if it is negative or not finite.
 */
export function exponential(mean: number): WaitFunction {
  checkSeconds("exponential", mean);
  return (_user, turn) => -mean * Math.log1p(-turn.random());
}

/**
 * Starts an iteration every `seconds`, however long the tests take. There is no wait between the tests of
 * an iteration; after the last one, the user waits for the rest of the time. If an iteration takes longer,
 * the next one starts immediately.
 *
 * ```ts
 * import { constantPacing, FastHttpUser } from "aiotest";
 *
 * export class PollTest extends FastHttpUser {
 *   // Each user polls every five seconds, however long a response takes.
 *   static override waitTime = constantPacing(5);
 *
 *   async testPoll(): Promise<void> {
 *     await this.session.get("/poll");
 *   }
 * }
 * ```
 *
 * @param seconds over 0; with Infinity, there is one iteration.
 * @throws RangeError if the seconds are not over 0.
 */
export function constantPacing(seconds: number): WaitFunction {
  if (typeof seconds !== "number" || !(seconds > 0)) {
    throw new RangeError(`constantPacing(${shown(seconds)}): expected more than 0 seconds`);
  }
  // When the next iteration of each user is due. It is calculated from the previous due time, not from
  // the actual start, so that late timers do not slow down the pace.
  const due = new WeakMap<object, number>();
  const wait: WaitFunction = (user, turn) => {
    if (!turn.endsIteration) return 0;
    const next = (due.get(user) ?? turn.iterationStart) + seconds;
    // A user that has fallen behind does not catch up.
    due.set(user, Math.max(next, turn.now));
    return Math.max(0, next - turn.now);
  };
  return Object.assign(wait, { [FIXED_SECONDS]: seconds });
}

/**
 * Runs a constant number of iterations per second and user, if the tests are fast enough.
 *
 * @param iterationsPerSecond over 0; can be a fraction.
 * @throws RangeError if the number is not over 0, or not finite.
 */
export function constantThroughput(iterationsPerSecond: number): WaitFunction {
  if (!Number.isFinite(iterationsPerSecond) || iterationsPerSecond <= 0) {
    throw new RangeError(
      `constantThroughput(${
        shown(iterationsPerSecond)
      }): expected more than 0 iterations per second`,
    );
  }
  return constantPacing(1 / iterationsPerSecond);
}

function checkSeconds(what: string, seconds: number): void {
  if (!Number.isFinite(seconds) || seconds < 0) throw invalidWait(what, seconds);
}

function invalidWait(what: string, seconds: unknown): RangeError {
  return new RangeError(`${what}(${shown(seconds)}): expected 0 or more seconds`);
}

/** Set on wait functions that always wait for the same time. */
const FIXED_SECONDS = Symbol("aiotest.fixedSeconds");

/** The seconds between two iterations at least, if a wait time states them; otherwise `null`. */
export function fixedSeconds(waitTime: WaitTime): number | null {
  if (typeof waitTime === "number") return waitTime;
  const { [FIXED_SECONDS]: seconds } = waitTime as { readonly [FIXED_SECONDS]?: number };
  return seconds ?? null;
}
