/**
 * How long users wait between their tests.
 *
 * @module
 */

/** Where a user stands when it is about to wait. */
export interface Turn {
  /** Seconds on a clock that never goes back. */
  readonly now: number;
  /** Seconds on the same clock when the pass began. */
  readonly iterationStart: number;
  /** Whether this wait is the last one of the pass. */
  readonly endsIteration: boolean;
  /** Gives a random number in [0, 1). */
  readonly random: () => number;
}

/** Seconds to wait; `user` is the one that waits. */
// deno-lint-ignore no-explicit-any -- a wait may be written for one user class alone
export type WaitFunction = (user: any, turn: Turn) => number | Promise<number>;

/** What `static waitTime` takes: seconds, or how to find them. */
export type WaitTime = number | WaitFunction;

/**
 * Always the same wait.
 *
 * @param seconds 0 or more.
 */
export function constant(seconds: number): WaitFunction {
  checkSeconds("constant", seconds);
  return () => seconds;
}

/**
 * A wait anywhere between two bounds, all equally likely.
 *
 * @param min seconds, 0 or more.
 * @param max seconds, `min` or more.
 */
export function between(min: number, max: number): WaitFunction {
  checkSeconds("between", min);
  checkSeconds("between", max);
  if (max < min) throw new RangeError(`between(${min}, ${max}): the second is less than the first`);
  return (_user, turn) => min + turn.random() * (max - min);
}

/**
 * Waits as independent arrivals have them: many short, few long, `mean` on average.
 *
 * @param mean seconds, 0 or more.
 */
export function exponential(mean: number): WaitFunction {
  checkSeconds("exponential", mean);
  return (_user, turn) => -mean * Math.log1p(-turn.random());
}

/**
 * A pass every so many seconds, however long its tests take: no wait between the tests of a pass, and
 * behind the last one just what is left. A pass that took longer is followed by the next at once.
 *
 * @param seconds over 0.
 */
export function constantPacing(seconds: number): WaitFunction {
  if (!(seconds > 0) || !Number.isFinite(seconds)) {
    throw new RangeError(`constantPacing(${seconds}): seconds over 0 are needed`);
  }
  // When each user's next pass is due. Counted on from the one before, not from when that really
  // began, so that timers which come late do not make the pace slower than what was asked for.
  const due = new WeakMap<object, number>();
  return (user, turn) => {
    if (!turn.endsIteration) return 0;
    const next = (due.get(user) ?? turn.iterationStart) + seconds;
    // One that fell behind starts anew from now, rather than hurry to catch up.
    due.set(user, Math.max(next, turn.now));
    return Math.max(0, next - turn.now);
  };
}

/**
 * So many passes a second for each user, as long as its tests are quick enough.
 *
 * @param iterationsPerSecond over 0, may be a fraction.
 */
export function constantThroughput(iterationsPerSecond: number): WaitFunction {
  if (!(iterationsPerSecond > 0) || !Number.isFinite(iterationsPerSecond)) {
    throw new RangeError(`constantThroughput(${iterationsPerSecond}): passes over 0 are needed`);
  }
  return constantPacing(1 / iterationsPerSecond);
}

function checkSeconds(what: string, seconds: number): void {
  if (!(seconds >= 0) || !Number.isFinite(seconds)) {
    throw new RangeError(`${what}(${seconds}): seconds of 0 or more are needed`);
  }
}
