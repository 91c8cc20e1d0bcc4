/**
 * Curves: loads over time that can be put together.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import {
  DEFAULT_MAX_USERS,
  isObject,
  isPositive,
  type Load,
  loadProblem,
  resolveLoad,
  shown,
} from "./load.ts";

/**
 * A load over time. The ready-made ones are curves, and any object with these two members is one:
 *
 * ```ts
 * import type { Curve } from "./curves.ts";
 * import assert from "node:assert/strict";
 *
 * const sawtooth: Curve = { seconds: 90, at: (t) => ({ users: 10 + Math.floor(t % 30) }) };
 * assert.deepEqual(sawtooth.at(31), { users: 11 });
 * ```
 */
export interface Curve {
  /** How long it lasts, in seconds: over 0, and null where it has no end. */
  readonly seconds: number | null;
  /**
   * What to head for from this moment on, until about a second later; null where the curve is over. The
   * same moment always gets the same answer.
   *
   * @param t seconds since the curve began, from 0 to below {@link seconds}.
   */
  at(t: number): Load | null;
  /**
   * Only where a curve raises its load until something breaks: the step that it is in, and null where it
   * is in none.
   */
  stepAt?(t: number): CurveStep | null;
}

/** One step of a load that is raised until something breaks; times in seconds since the curve began. */
export interface CurveStep {
  /** The first one's is 0. */
  readonly index: number;
  /** When it begins. */
  readonly startsAt: number;
  /** Where the curve goes on once this step has broken something. */
  readonly skipTo: number;
}

/**
 * Makes sure that a curve is being built of curves: a test file may be JavaScript.
 *
 * @param maker who was given them, for the message.
 * @throws UsageError where one is none, or where some have users and others arrivals.
 */
export function checkCurves(maker: string, curves: readonly unknown[]): void {
  if (curves.length === 0) throw new UsageError(`${maker}: no curve was given, one is needed`);
  for (const curve of curves) {
    const problem = curveProblem(curve);
    if (problem !== null) throw new UsageError(`${maker}: ${problem}`);
  }
  const [first, ...others] = (curves as readonly Curve[]).map((curve) => curve.at(0));
  if (others.some((load) => first && load && "users" in first !== "users" in load)) {
    throw mixed(maker);
  }
}

/** Why curves cannot be put together of which some have users and others arrivals. */
function mixed(maker: string): UsageError {
  return new UsageError(
    `${maker}: users and arrivals were mixed`,
    "A test has either users or an arrival rate, from its beginning to its end.",
  );
}

/** What keeps a value from being a curve, or null where it is one. */
export function curveProblem(value: unknown): string | null {
  if (!isObject(value) || typeof value.at !== "function") {
    return `${shown(value)} is no curve, { seconds, at(t) } is needed`;
  }
  return value.seconds === null || isPositive(value.seconds)
    ? null
    : `a curve's seconds are ${shown(value.seconds)}, a number over 0 is needed, or null`;
}

// What curves have in common that go from one load to another.

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
interface Sizes<S> {
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
function readSizes<S extends Span>(
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
    const problem = loadProblem(users === undefined ? load : { ...load, rate: 1 });
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
function spanCurve(
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
function checkSeconds(maker: string, seconds: unknown, name = "seconds"): void {
  if (!isPositive(seconds)) {
    throw new UsageError(`${maker}: ${name} is ${shown(seconds)}, a number over 0 is needed`);
  }
}

/** One load, and how long it lasts. */
export type HoldOptions = Load & {
  /** In seconds: over 0; default: without end. */
  readonly seconds?: number;
};

/**
 * The same load all the time.
 *
 * ```ts
 * import { hold } from "./curves.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(hold({ seconds: 60, users: 100, rate: 5 }).at(59), { users: 100, rate: 5 });
 * assert.deepEqual(hold({ arrivalRate: 2.5 }).at(1e6), { arrivalRate: 2.5 });
 * ```
 *
 * @throws UsageError where the options are none.
 */
export function hold(options: HoldOptions): Curve {
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
 * import { ramp } from "./curves.ts";
 * import assert from "node:assert/strict";
 *
 * const curve = ramp({ seconds: 60, users: { from: 0, to: 120 } });
 * // Users are told where to be a second later, so the last of them has started when the ramp is over.
 * assert.deepEqual(curve.at(0), { users: 2 });
 * assert.deepEqual(curve.at(59), { users: 120 });
 * assert.equal(curve.at(60), null);
 * ```
 *
 * @throws UsageError where the options are none.
 */
export function ramp(options: SpanOptions): Curve {
  return spanCurve("ramp", options, (part) => part);
}

/**
 * Curves one after the other.
 *
 * ```ts
 * import { hold } from "./curves.ts";
 * import { inSequence } from "./curves.ts";
 * import { ramp } from "./curves.ts";
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
 * @throws UsageError where one but the last has no end, or some have users and others arrivals.
 */
export function inSequence(...curves: readonly Curve[]): Curve {
  checkCurves("inSequence", curves);
  const starts = [0];
  for (const [index, { seconds }] of curves.slice(0, -1).entries()) {
    if (seconds === null) {
      throw new UsageError(`inSequence: the curve at index ${index} has no end, only the last may`);
    }
    starts.push(starts[index]! + seconds);
  }
  const { seconds: lastSeconds } = curves.at(-1)!;
  const seconds = lastSeconds === null ? null : starts.at(-1)! + lastSeconds;
  /** The curve that it is the time of, and that curve's own time. */
  const partAt = (t: number): { readonly index: number; readonly own: number } => {
    const index = Math.max(0, starts.findLastIndex((start) => t >= start));
    // Rounding must not take a moment just before a curve's end to the end itself.
    const last = (curves[index]!.seconds ?? Infinity) * (1 - 2 ** -53);
    return { index, own: Math.min(t - starts[index]!, last) };
  };

  const at = (t: number): Load | null => {
    if (seconds !== null && t >= seconds) return null;
    const { index, own } = partAt(t);
    return curves[index]!.at(own);
  };
  if (curves.every(({ stepAt }) => stepAt === undefined)) return { seconds, at };

  const stepAt = (t: number): CurveStep | null => {
    if (seconds !== null && t >= seconds) return null;
    const { index, own } = partAt(t);
    const step = curves[index]!.stepAt?.(own) ?? null;
    if (step === null) return null;
    const start = starts[index]!;
    // The next curve's own start, not a sum that may be rounded to just before it.
    const isLast = step.skipTo === curves[index]!.seconds;
    const skipTo = isLast ? starts[index + 1] ?? seconds! : start + step.skipTo;
    return { ...step, startsAt: start + step.startsAt, skipTo };
  };
  return { seconds, at, stepAt };
}

/** A spike's time, its loads, and how much of the time it is at its height. */
export type SpikeOptions = SpanOptions & {
  /** Seconds in the middle at the higher load: less than all; default: a third of them. */
  readonly peakSeconds?: number;
};

/**
 * A load that jumps to another one in the middle of its time, stays there, and falls back.
 *
 * ```ts
 * import { spike } from "./curves.ts";
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
 * @throws UsageError where the options are none.
 */
export function spike(options: SpikeOptions): Curve {
  const { seconds } = options;
  checkSeconds("spike", seconds);
  const { peakSeconds = seconds / 3 } = options;
  checkSeconds("spike", peakSeconds, "peakSeconds");
  if (peakSeconds >= seconds) {
    throw new UsageError(
      `spike: peakSeconds is ${shown(peakSeconds)}, less than the ${seconds} s of all is needed`,
    );
  }
  const { sizes: { from, to }, load } = readSizes("spike", options, ["from", "to"]);
  const around = hold({ ...load(from), seconds: (seconds - peakSeconds) / 2 });
  return inSequence(around, hold({ ...load(to), seconds: peakSeconds }), around);
}

/**
 * A bell: from one load slowly, then faster to another, which it has reached in the middle of its time,
 * and back the same way.
 *
 * ```ts
 * import { wave } from "./curves.ts";
 * import assert from "node:assert/strict";
 *
 * const day = wave({ seconds: 600, users: { from: 20, to: 100 } });
 * assert.deepEqual(day.at(0), { users: 20 });
 * assert.deepEqual(day.at(299), { users: 100 });
 * assert.deepEqual(day.at(599), { users: 20 });
 * ```
 *
 * @throws UsageError where the options are none.
 */
export function wave(options: SpanOptions): Curve {
  return spanCurve("wave", options, (part) => (1 - Math.cos(2 * Math.PI * part)) / 2);
}

/** The loads of a curve with two peaks. */
export interface DoubleSpan extends Span {
  /** The second peak; default: as high as the first. */
  readonly thenTo?: number;
}

/**
 * Two bells, one after the other, each in half of the time: a morning and an evening.
 *
 * ```ts
 * import { doubleWave } from "./curves.ts";
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
 * @throws UsageError where the options are none.
 */
export function doubleWave(options: SpanOptions<DoubleSpan>): Curve {
  checkSeconds("doubleWave", options.seconds);
  const { from, to, thenTo = to } = readSizes("doubleWave", options, ["from", "to"]).sizes;
  if (thenTo !== to) readSizes("doubleWave", options, ["thenTo"]);
  const half = (span: Span): Curve => {
    const seconds = options.seconds / 2;
    return wave(
      "users" in options ? { seconds, users: span } : { ...options, seconds, arrivalRate: span },
    );
  };
  return inSequence(half({ from, to }), half({ from, to: thenTo }));
}

/** One part of a load's time. */
export type Stage = UserStage | ArrivalStage;

/** A part in which so many users should run. */
export interface UserStage {
  /** Seconds that this stage lasts, whatever came before it: over 0. */
  readonly duration: number;
  /** Users that should run: a whole number of 0 or more. */
  readonly users: number;
  /** Users started or stopped a second: over 0, may be a fraction. */
  readonly rate: number;
}

/** A part in which so many passes should start. */
export interface ArrivalStage {
  /** Seconds that this stage lasts, whatever came before it: over 0. */
  readonly duration: number;
  /** Passes a second: 0 or more, may be a fraction. */
  readonly arrivalRate: number;
  /** The most users that may be busy at once: a whole number of 1 or more, default 1,000. */
  readonly maxUsers?: number;
}

/**
 * Loads one after the other, each for its own duration. Users go from one to the next at the rate of the
 * later one.
 *
 * ```ts
 * import { stages } from "./curves.ts";
 * import assert from "node:assert/strict";
 *
 * const curve = stages([
 *   { duration: 60, users: 100, rate: 10 },
 *   { duration: 30, users: 300, rate: 50 },
 * ]);
 * assert.equal(curve.seconds, 90);
 * assert.deepEqual(curve.at(60), { users: 300, rate: 50 });
 * ```
 *
 * @throws UsageError where one of them is no stage, or some have users and others arrivals.
 */
export function stages(list: readonly Stage[]): Curve {
  const problem = stagesProblem(list);
  if (problem !== null) throw new UsageError(`stages${problem}`);
  const loads: readonly Load[] = list.map(({ duration: _, ...load }) => load);
  const seconds = list.reduce((sum, { duration }) => sum + duration, 0);
  const at = (t: number): Load | null => {
    let end = 0;
    const index = list.findIndex(({ duration }) => t < (end += duration));
    return index < 0 ? null : loads[index]!;
  };
  return { seconds, at };
}

/** What is wrong with a list of stages, to follow its name; null where it can be run. */
export function stagesProblem(list: unknown): string | null {
  if (!Array.isArray(list)) {
    return ` is ${shown(list)}, a list of { duration, users, rate } is needed`;
  }
  for (const [index, stage] of list.entries()) {
    const problem = stageProblem(stage, list[0]);
    if (problem !== null) return `[${index}]: ${problem}`;
  }
  return null;
}

function stageProblem(stage: unknown, first: Stage): string | null {
  if (!isObject(stage)) return `the stage is ${shown(stage)}, { duration, users, rate } is needed`;
  const { duration } = stage;
  if (!isPositive(duration)) {
    return `duration is ${shown(duration)}, a number of seconds over 0 is needed`;
  }
  const problem = loadProblem(stage);
  if (problem !== null) return problem;
  return "users" in stage === "users" in first
    ? null
    : "users and arrivals are mixed, a test has one of them from its beginning to its end";
}

/** The loads of a curve that goes up in steps. */
export interface SteppedSpan extends Span {
  /** How much higher each step is than the one before: over 0. */
  readonly step: number;
}

/** How long each step lasts, and how high the steps are: of users, or of passes that start a second. */
export type StepOptions =
  & {
    /** Seconds, 1 or more: enough for thresholds to be judged by what a step alone has shown. */
    readonly stepSeconds: number;
  }
  & (UserOption<SteppedSpan> | ArrivalOption<SteppedSpan>);

/**
 * Raises the load step by step until a threshold of the test is crossed, or until the highest load, with
 * which the last step is made, has passed too. The report names the highest load that passed.
 *
 * Each step is judged by its own seconds alone. Where it crosses a threshold the curve is over, and what
 * follows it in a sequence begins.
 *
 * ```ts
 * import { stepUntilItBreaks } from "./curves.ts";
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
 * @throws UsageError where the options are none.
 */
export function stepUntilItBreaks(options: StepOptions): Curve {
  const { stepSeconds } = options;
  if (!isPositive(stepSeconds) || stepSeconds < 1) {
    throw new UsageError(
      `stepUntilItBreaks: stepSeconds is ${shown(stepSeconds)}, a number of 1 or more is needed`,
    );
  }
  const { sizes: { from, to, step }, load } = readSizes(
    "stepUntilItBreaks",
    options,
    ["from", "step", "to"],
  );
  if (step === 0 || to < from) {
    throw new UsageError(
      `stepUntilItBreaks: from ${from} in steps of ${step} to ${to} leads nowhere`,
      "The steps go up: step is over 0, and to is not below from.",
    );
  }
  // What is a whole number of steps but for rounding has no step more.
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
 * Curves one upon the other: the sum of their users, or of their arrival rates and most users. It lasts
 * as long as the longest one. Users change at the sum of the rates where each has one, else within a
 * second.
 *
 * ```ts
 * import { hold } from "./curves.ts";
 * import { plus } from "./curves.ts";
 * import { spike } from "./curves.ts";
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
 * @throws UsageError where some have users and others arrivals.
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
  if (stepping.length === 0) return { seconds, at };
  return {
    seconds,
    at,
    stepAt: (t) =>
      stepping.values().map((curve) => curve.stepAt!(t)).find((step) => step !== null) ?? null,
  };
}

function sumOf(one: Load, other: Load): Load {
  if ("users" in one && "users" in other) {
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
 * A curve of another size: users, rates and most users times a factor, in the same time.
 *
 * ```ts
 * import { hold } from "./curves.ts";
 * import { scaled } from "./curves.ts";
 * import assert from "node:assert/strict";
 *
 * const half = scaled(hold({ seconds: 60, users: 25, rate: 5 }), 0.5);
 * assert.deepEqual(half.at(0), { users: 13, rate: 2.5 });
 * ```
 *
 * @param factor over 0; users are rounded, and most users rounded up.
 * @throws UsageError where the factor is anything else.
 */
export function scaled(curve: Curve, factor: number): Curve {
  checkCurves("scaled", [curve]);
  if (!isPositive(factor)) {
    throw new UsageError(`scaled: the factor is ${shown(factor)}, a number over 0 is needed`);
  }
  const at = (t: number): Load | null => {
    const load = curve.at(t);
    return load === null ? null : times(load, factor);
  };
  return { ...steps(curve), seconds: curve.seconds, at };
}

function times(load: Load, factor: number): Load {
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
 * A curve several times in sequence.
 *
 * ```ts
 * import { repeated } from "./curves.ts";
 * import { wave } from "./curves.ts";
 * import assert from "node:assert/strict";
 *
 * const week = repeated(wave({ seconds: 600, users: { from: 20, to: 100 } }), 7);
 * assert.equal(week.seconds, 4200);
 * assert.deepEqual(week.at(2099), { users: 100 });
 * ```
 *
 * @param times how often: a whole number of 1 or more.
 * @throws UsageError where it is anything else, or the curve has no end.
 */
export function repeated(curve: Curve, times: number): Curve {
  checkCurves("repeated", [curve]);
  if (!Number.isSafeInteger(times) || times < 1 || times > MOST_TIMES) {
    throw new UsageError(
      `repeated: times is ${shown(times)}, a whole number from 1 to ${MOST_TIMES} is needed`,
    );
  }
  if (curve.seconds === null) throw new UsageError("repeated: the curve has no end, one is needed");
  return inSequence(...Array.from({ length: times }, () => curve));
}

/** Far more than any test lasts, and few enough to be looked through every second. */
const MOST_TIMES = 1000;
