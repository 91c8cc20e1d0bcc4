/**
 * Functions that make curves, and that combine them.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { type Curve, curveProblem, type CurveStep, ONE_MODEL } from "./curve.ts";
import {
  DEFAULT_MAX_USERS,
  isObject,
  isPositive,
  type Load,
  LOAD_KEYS,
  loadProblem,
  mustBe,
  resolveLoad,
  unknownKey,
} from "./load.ts";
import { madeOf } from "./stages.ts";

/** Two loads, in users or in iterations per second. */
export interface Span {
  /** Where the curve starts. */
  readonly from: number;
  /** Where the curve leads. */
  readonly to: number;
}

/** How long a curve lasts, and its loads: in users, or in iterations per second. */
export type SpanOptions<S extends Span = Span> =
  & {
    /** How long the curve lasts, in seconds: over 0. */
    readonly seconds: number;
  }
  & (UserOption<S> | ArrivalOption<S>);

/** The loads of a curve in the closed model. */
export interface UserOption<S> {
  /** Whole numbers of 0 or more. */
  readonly users: S;
}

/** The loads of a curve in the open model. */
export interface ArrivalOption<S> {
  /** Iterations per second: 0 or more, may be fractions. */
  readonly arrivalRate: S;
  /** The most users that may be busy at once: a whole number of 1 or more, default 1,000. */
  readonly maxUsers?: number;
}

/** A constant load, and how long it lasts. */
export type HoldOptions = Load & {
  /** How long the load lasts, in seconds: over 0; by default it has no end. */
  readonly seconds?: number;
};

/**
 * A constant load.
 *
 * ```ts
 * import { hold } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(hold({ seconds: 60, users: 100, rate: 5 }).at(59), { users: 100, rate: 5 });
 * assert.deepEqual(hold({ arrivalRate: 2.5 }).at(1e6), { arrivalRate: 2.5 });
 * ```
 *
 * @throws UsageError if the options are invalid.
 */
export function hold(options: HoldOptions): Curve {
  checkKeys("hold", options, ["seconds", ...LOAD_KEYS]);
  const { seconds, ...load } = options;
  if (seconds !== undefined) checkSeconds("hold", seconds);
  const problem = loadProblem({ ...resolveLoad(load), ...load });
  if (problem !== null) throw new UsageError(`hold: ${problem}`);
  return { seconds: seconds ?? null, at: (t) => t < (seconds ?? Infinity) ? load : null };
}

/**
 * A straight line from one load to another, up or down.
 *
 * ```ts
 * import { ramp } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * const curve = ramp({ seconds: 60, users: { from: 0, to: 120 } });
 * // Users head for the value one second later, so all of them have started when the ramp ends.
 * assert.deepEqual(curve.at(0), { users: 2 });
 * assert.deepEqual(curve.at(59), { users: 120 });
 * assert.equal(curve.at(60), null);
 * ```
 *
 * @throws UsageError if the options are invalid.
 */
export function ramp(options: SpanOptions): Curve {
  return spanCurve("ramp", options, (part) => part);
}

/**
 * Several curves, one after the other.
 *
 * ```ts
 * import { hold, inSequence, ramp } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * const curve = inSequence(
 *   ramp({ seconds: 60, users: { from: 0, to: 100 } }),
 *   hold({ seconds: 30, users: 100 }),
 * );
 * assert.equal(curve.seconds, 90);
 * assert.deepEqual(curve.at(75), { users: 100 });
 * ```
 *
 * @throws UsageError if a curve other than the last has no end, or if users and arrivals are mixed.
 */
export function inSequence(...curves: readonly Curve[]): Curve {
  checkCurves("inSequence", curves);
  const starts = [0];
  for (const [index, { seconds }] of curves.slice(0, -1).entries()) {
    if (seconds === null) {
      throw new UsageError(
        `inSequence: the curve at index ${index} has no end, but only the last may have none`,
      );
    }
    starts.push(starts[index]! + seconds);
  }
  const { seconds: lastSeconds } = curves.at(-1)!;
  const seconds = lastSeconds === null ? null : starts.at(-1)! + lastSeconds;
  /** The index of the current curve, and the time within that curve. */
  const partAt = (t: number): { readonly index: number; readonly own: number } => {
    const index = Math.max(0, starts.findLastIndex((start) => t >= start));
    // Rounding must not move a time just before the end of a curve to the end itself.
    const last = (curves[index]!.seconds ?? Infinity) * (1 - 2 ** -53);
    return { index, own: Math.min(t - starts[index]!, last) };
  };

  const at = (t: number): Load | null => {
    if (seconds !== null && t >= seconds) return null;
    const { index, own } = partAt(t);
    return curves[index]!.at(own);
  };
  if (curves.every(({ stepAt }) => stepAt === undefined)) return madeOf({ seconds, at }, curves);

  const stepAt = (t: number): CurveStep | null => {
    if (seconds !== null && t >= seconds) return null;
    const { index, own } = partAt(t);
    const step = curves[index]!.stepAt?.(own) ?? null;
    if (step === null) return null;
    const start = starts[index]!;
    // The exact start of the next curve: a sum could be rounded to just before it.
    const isLast = step.skipTo === curves[index]!.seconds;
    const skipTo = isLast ? starts[index + 1] ?? seconds! : start + step.skipTo;
    return { ...step, startsAt: start + step.startsAt, skipTo };
  };
  return madeOf({ seconds, at, stepAt }, curves);
}

/** How long a spike lasts, its loads, and how long its peak is. */
export type SpikeOptions = SpanOptions & {
  /** Seconds in the middle at the second load: less than the whole; default: a third of it. */
  readonly peakSeconds?: number;
};

/**
 * A load that jumps to another in the middle of its time, stays there, and returns.
 *
 * ```ts
 * import { spike } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * const rush = spike({ seconds: 60, peakSeconds: 10, users: { from: 50, to: 500 } });
 * assert.deepEqual([24, 25, 34, 35].map((t) => rush.at(t)), [
 *   { users: 50 },
 *   { users: 500 },
 *   { users: 500 },
 *   { users: 50 },
 * ]);
 * ```
 *
 * @throws UsageError if the options are invalid.
 */
export function spike(options: SpikeOptions): Curve {
  checkKeys("spike", options, [...SPAN_KEYS, "peakSeconds"]);
  const { seconds } = options;
  checkSeconds("spike", seconds);
  const { peakSeconds = seconds / 3 } = options;
  checkSeconds("spike", peakSeconds, "peakSeconds");
  if (peakSeconds >= seconds) {
    throw new UsageError(
      `spike: ${mustBe("peakSeconds", `less than the ${seconds} s of the whole`, peakSeconds)}`,
    );
  }
  const { sizes: { from, to }, load } = readSizes("spike", options, ["from", "to"]);
  const around = hold({ ...load(from), seconds: (seconds - peakSeconds) / 2 });
  return inSequence(around, hold({ ...load(to), seconds: peakSeconds }), around);
}

/**
 * A bell: from one load to another, reached in the middle of the time, and back the same way. The change is
 * slow at both ends and at the peak, and fastest in between.
 *
 * ```ts
 * import { wave } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * const day = wave({ seconds: 600, users: { from: 20, to: 100 } });
 * assert.deepEqual(day.at(0), { users: 20 });
 * assert.deepEqual(day.at(299), { users: 100 });
 * assert.deepEqual(day.at(599), { users: 20 });
 * ```
 *
 * @throws UsageError if the options are invalid.
 */
export function wave(options: SpanOptions): Curve {
  return spanCurve("wave", options, (part) => (1 - Math.cos(2 * Math.PI * part)) / 2);
}

/** The loads of a curve with two peaks. */
export interface DoubleSpan extends Span {
  /** The second peak; by default equal to the first. */
  readonly thenTo?: number;
}

/**
 * Two bells, one after the other, each for half of the time: a morning and an evening peak.
 *
 * ```ts
 * import { doubleWave } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * const day = doubleWave({ seconds: 1200, users: { from: 20, to: 100, thenTo: 60 } });
 * assert.deepEqual([0, 299, 600, 899].map((t) => day.at(t)), [
 *   { users: 20 },
 *   { users: 100 },
 *   { users: 20 },
 *   { users: 60 },
 * ]);
 * ```
 *
 * @throws UsageError if the options are invalid.
 */
export function doubleWave(options: SpanOptions<DoubleSpan>): Curve {
  checkKeys("doubleWave", options, SPAN_KEYS);
  checkSeconds("doubleWave", options.seconds);
  const { from, to, thenTo = to } =
    readSizes("doubleWave", options, ["from", "to"], ["thenTo"]).sizes;
  if (thenTo !== to) readSizes("doubleWave", options, ["thenTo"], ["from", "to"]);
  const half = (span: Span): Curve => {
    const seconds = options.seconds / 2;
    return wave(
      "users" in options ? { seconds, users: span } : { ...options, seconds, arrivalRate: span },
    );
  };
  return inSequence(half({ from, to }), half({ from, to: thenTo }));
}

/** The loads of a curve that goes up in steps. */
export interface SteppedSpan extends Span {
  /** How much each step adds to the one before: over 0. */
  readonly step: number;
}

/** How long each step lasts, and how high the steps are: in users, or in iterations per second. */
export type StepOptions =
  & {
    /** Seconds per step, 1 or more: long enough to judge the thresholds by one step alone. */
    readonly stepSeconds: number;
  }
  & (UserOption<SteppedSpan> | ArrivalOption<SteppedSpan>);

/**
 * Raises the load step by step until a threshold of the test is crossed, or until the last step, which has
 * the highest load, has passed. The report gives the highest load that passed.
 *
 * Each step is judged by its own seconds alone. If it crosses a threshold, the curve ends, and the next
 * curve of a sequence starts.
 *
 * ```ts
 * import { stepUntilItBreaks } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * const curve = stepUntilItBreaks({
 *   stepSeconds: 30,
 *   arrivalRate: { from: 100, step: 100, to: 250 },
 * });
 * assert.equal(curve.seconds, 90);
 * assert.deepEqual([0, 30, 60].map((t) => curve.at(t)), [
 *   { arrivalRate: 100 },
 *   { arrivalRate: 200 },
 *   { arrivalRate: 250 },
 * ]);
 * ```
 *
 * @throws UsageError if the options are invalid.
 */
export function stepUntilItBreaks(options: StepOptions): Curve {
  checkKeys("stepUntilItBreaks", options, ["stepSeconds", ...SIZE_KEYS]);
  const { stepSeconds } = options;
  if (!isPositive(stepSeconds) || stepSeconds < 1) {
    throw new UsageError(
      `stepUntilItBreaks: ${mustBe("stepSeconds", "a number of 1 or more", stepSeconds)}`,
    );
  }
  const { sizes: { from, to, step }, load } = readSizes(
    "stepUntilItBreaks",
    options,
    ["from", "step", "to"],
  );
  if (step === 0 || to < from) {
    throw new UsageError(
      `stepUntilItBreaks: there are no steps from ${from} to ${to} by ${step}`,
      "The load can only rise: step must be over 0, and to must not be below from.",
    );
  }
  // A rounding error must not add a step.
  const count = 1 + Math.ceil((to - from) / step - 1e-9);
  const seconds = count * stepSeconds;
  const indexAt = (t: number): number => Math.min(count - 1, Math.floor(t / stepSeconds));
  return {
    seconds,
    at: (t: number): Load | null =>
      t < seconds ? load(Math.min(to, from + indexAt(t) * step)) : null,
    stepAt: (t: number): CurveStep | null => {
      if (t >= seconds) return null;
      const index = indexAt(t);
      return { index, startsAt: index * stepSeconds, skipTo: seconds };
    },
  };
}

/**
 * The sum of several curves: of their users, or of their arrival rates and `maxUsers`. It lasts as long as
 * the longest curve. The number of users changes at the sum of the rates if all loads have one, otherwise
 * within a second.
 *
 * ```ts
 * import { hold, plus, spike } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * const curve = plus(
 *   hold({ seconds: 60, users: 100 }),
 *   spike({ seconds: 30, users: { from: 0, to: 50 } }),
 * );
 * assert.deepEqual(curve.at(15), { users: 150 });
 * assert.deepEqual(curve.at(45), { users: 100 });
 * ```
 *
 * @throws UsageError if users and arrivals are mixed.
 */
export function plus(...curves: readonly Curve[]): Curve {
  checkCurves("plus", curves);
  const seconds = curves.some((curve) => curve.seconds === null)
    ? null
    : Math.max(...curves.map((curve) => curve.seconds!));
  const at = (t: number): Load | null =>
    curves
      .map((curve) => curve.seconds !== null && t >= curve.seconds ? null : curve.at(t))
      .filter((load) => load !== null)
      .reduce<Load | null>((sum, load) => sum === null ? load : sumOf(sum, load), null);
  const stepping = curves.filter(({ stepAt }) => stepAt !== undefined);
  if (stepping.length === 0) return madeOf({ seconds, at }, curves);
  const stepAt = (t: number): CurveStep | null =>
    stepping.values().map((curve) => curve.stepAt!(t)).find((step) => step !== null) ?? null;
  return madeOf({ seconds, at, stepAt }, curves);
}

function sumOf(one: Load, other: Load): Load {
  if ("users" in one && "users" in other) {
    if (one === NO_USERS) return other;
    if (other === NO_USERS) return one;
    const users = one.users + other.users;
    const { rate } = one;
    return rate === undefined || other.rate === undefined
      ? { users }
      : { users, rate: rate + other.rate };
  }
  if ("users" in one || "users" in other) throw mixed("plus");
  const { maxUsers = DEFAULT_MAX_USERS } = one;
  return {
    arrivalRate: one.arrivalRate + other.arrivalRate,
    maxUsers: maxUsers + (other.maxUsers ?? DEFAULT_MAX_USERS),
  };
}

/**
 * A curve that starts later: there are no users, or no arrivals, for the first seconds. `maxUsers` is then
 * that of the curve's start. In a sum, a curve that has not started does not change the rate of the others.
 *
 * ```ts
 * import { delayed, hold } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * const curve = delayed(30, hold({ seconds: 60, users: 5 }));
 * assert.equal(curve.seconds, 90);
 * assert.deepEqual([0, 29, 30].map((t) => curve.at(t)), [{ users: 0 }, { users: 0 }, { users: 5 }]);
 * ```
 *
 * @param seconds 0 or more.
 * @throws UsageError if the seconds are invalid.
 */
export function delayed(seconds: number, curve: Curve): Curve {
  if (seconds !== 0 && !isPositive(seconds)) {
    throw new UsageError(
      `delayed: ${mustBe("the delay", "a number of seconds, 0 or more", seconds)}`,
      "Write delayed(30, curve).",
    );
  }
  checkCurves("delayed", [curve]);
  if (seconds === 0) return curve;
  const nothing = nothingOf(curve.at(0));
  return inSequence({ seconds, at: (t) => t < seconds ? nothing : null }, curve);
}

/** The load of a curve that has not started. */
const NO_USERS: Load = { users: 0 };

/** No load, in the model of another one. */
function nothingOf(load: Load | null): Load {
  if (load === null || !("arrivalRate" in load)) return NO_USERS;
  return load.maxUsers === undefined
    ? { arrivalRate: 0 }
    : { arrivalRate: 0, maxUsers: load.maxUsers };
}

/**
 * A curve multiplied by a factor: users, rates and `maxUsers`. Its duration stays the same.
 *
 * ```ts
 * import { hold, scaled } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * const half = scaled(hold({ seconds: 60, users: 25, rate: 5 }), 0.5);
 * assert.deepEqual(half.at(0), { users: 13, rate: 2.5 });
 * ```
 *
 * @param factor over 0; users are rounded, and `maxUsers` is rounded up.
 * @throws UsageError if the factor is invalid.
 */
export function scaled(curve: Curve, factor: number): Curve {
  checkCurves("scaled", [curve]);
  if (!isPositive(factor)) {
    throw new UsageError(`scaled: ${mustBe("the factor", "a number over 0", factor)}`);
  }
  const at = (t: number): Load | null => {
    const load = curve.at(t);
    return load === null ? null : times(load, factor);
  };
  return madeOf({ ...steps(curve), seconds: curve.seconds, at }, [curve]);
}

function times(load: Load, factor: number): Load {
  if (load === NO_USERS) return load;
  if ("users" in load) {
    const users = Math.round(load.users * factor);
    return load.rate === undefined ? { users } : { users, rate: load.rate * factor };
  }
  const { arrivalRate, maxUsers = DEFAULT_MAX_USERS } = load;
  return { arrivalRate: arrivalRate * factor, maxUsers: Math.ceil(maxUsers * factor) };
}

function steps(curve: Curve): Pick<Curve, "stepAt"> {
  return curve.stepAt === undefined ? {} : { stepAt: (t) => curve.stepAt!(t) };
}

/**
 * A curve, several times in sequence.
 *
 * ```ts
 * import { repeated, wave } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * const week = repeated(wave({ seconds: 600, users: { from: 20, to: 100 } }), 7);
 * assert.equal(week.seconds, 4200);
 * assert.deepEqual(week.at(2099), { users: 100 });
 * ```
 *
 * @param times a whole number from 1 to 1,000.
 * @throws UsageError if the number is invalid, or if the curve has no end.
 */
export function repeated(curve: Curve, times: number): Curve {
  checkCurves("repeated", [curve]);
  if (!Number.isSafeInteger(times) || times < 1 || times > MAX_TIMES) {
    throw new UsageError(
      `repeated: ${mustBe("times", `a whole number from 1 to ${MAX_TIMES}`, times)}`,
    );
  }
  if (curve.seconds === null) throw new UsageError("repeated: the curve must have an end");
  return inSequence(...Array.from({ length: times }, () => curve));
}

/** More than any test needs, and few enough to search every second. */
const MAX_TIMES = 1000;

/** Loads by their size: users or iterations per second, depending on the curve. */
interface Sizes<S> {
  readonly sizes: S;
  /** The load of a size; users are rounded. */
  load(size: number): Load;
}

/**
 * Reads the loads of a curve's options.
 *
 * @param maker the name of the curve, for messages.
 * @param keys the properties that a span must have.
 * @param optional those that it may have.
 * @throws UsageError if a load is invalid, or if both users and an arrivalRate are given.
 */
function readSizes<S extends Span>(
  maker: string,
  options: UserOption<S> | ArrivalOption<S>,
  keys: readonly (keyof S & string)[],
  optional: readonly (keyof S & string)[] = [],
): Sizes<S> {
  const given = options as Partial<UserOption<S> & ArrivalOption<S>>;
  const { users, arrivalRate, maxUsers } = given;
  if ((users === undefined) === (arrivalRate === undefined)) {
    throw new UsageError(`${maker}: give either users or an arrivalRate`);
  }
  const name = users === undefined ? "arrivalRate" : "users";
  const sizes = (users ?? arrivalRate)!;
  const expected = `{ ${keys.join(", ")} }`;
  if (!isObject(sizes)) {
    throw new UsageError(`${maker}: ${mustBe(name, expected, sizes)}`);
  }
  const unknown = unknownKey(sizes, [...keys, ...optional]);
  if (unknown !== null) throw new UsageError(`${maker}: ${name}: ${unknown}`);
  const limit = maxUsers === undefined ? {} : { maxUsers };
  for (const key of keys) {
    const load = { [name]: sizes[key], ...limit };
    const problem = loadProblem(users === undefined ? load : { ...load, rate: 1 });
    // The problem starts with the name of the invalid property, which here is part of a span.
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
 * Users head for the value one second later, so that they are on the curve all the time. Iterations start
 * at the mean rate of the coming second, so that their number is exact.
 *
 * @param maker the name of the curve, for messages.
 * @param height the position between the loads, from 0 to 1, after a part of the time from 0 to 1.
 * @throws UsageError if the options are invalid.
 */
function spanCurve(
  maker: string,
  options: SpanOptions,
  height: (part: number) => number,
): Curve {
  checkKeys(maker, options, SPAN_KEYS);
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

const SIZE_KEYS = ["users", "arrivalRate", "maxUsers"] as const;
const SPAN_KEYS = ["seconds", ...SIZE_KEYS] as const;

/** @throws UsageError if options have a property that is not known. */
function checkKeys(maker: string, options: object, known: readonly string[]): void {
  const problem = unknownKey(options, known);
  if (problem !== null) throw new UsageError(`${maker}: ${problem}`);
}

/** @throws UsageError if a time is not a number over 0. */
function checkSeconds(maker: string, seconds: unknown, name = "seconds"): void {
  if (!isPositive(seconds)) {
    throw new UsageError(`${maker}: ${mustBe(name, "a number over 0", seconds)}`);
  }
}

/**
 * Checks the parts of a combined curve: a test file may be JavaScript.
 *
 * @param maker the name of the combined curve, for messages.
 * @throws UsageError if a part is not a curve, or if users and arrivals are mixed.
 */
function checkCurves(maker: string, curves: readonly unknown[]): void {
  if (curves.length === 0) throw new UsageError(`${maker}: no curve was given`);
  for (const curve of curves) {
    const problem = curveProblem(curve);
    if (problem !== null) throw new UsageError(`${maker}: ${problem}`);
  }
  const [first, ...others] = (curves as readonly Curve[]).map((curve) => curve.at(0));
  if (others.some((load) => first && load && "users" in first !== "users" in load)) {
    throw mixed(maker);
  }
}

function mixed(maker: string): UsageError {
  return new UsageError(`${maker}: users and arrivals are mixed: ${ONE_MODEL}`);
}
