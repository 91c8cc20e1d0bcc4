/**
 * Lists of stages: constant loads, one after the other.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { type Curve, ONE_MODEL } from "./curve.ts";
import {
  isObject,
  isPositive,
  type Load,
  LOAD_KEYS,
  loadProblem,
  mustBe,
  unknownKey,
} from "./load.ts";

/** One part of a load, for some time. */
export type Stage = UserStage | ArrivalStage;

/** When a stage ends. All stages of a list say it in the same way. */
export type StageEnd =
  | {
    /** How long this stage lasts, in seconds: over 0. */
    readonly duration: number;
    /** Not together with a duration. */
    readonly untilSeconds?: undefined;
  }
  | {
    /** When this stage ends, in seconds since the first one started: later than the stage before. */
    readonly untilSeconds: number;
    /** Not together with untilSeconds. */
    readonly duration?: undefined;
  };

/** A stage with a number of users. */
export type UserStage = StageEnd & {
  /** How many users run: a whole number of 0 or more. */
  readonly users: number;
  /** Users started or stopped per second: over 0, may be a fraction. */
  readonly rate: number;
};

/** A stage with an arrival rate. */
export type ArrivalStage = StageEnd & {
  /** Iterations per second: 0 or more, may be a fraction. */
  readonly arrivalRate: number;
  /** The most users that may be busy at once: a whole number of 1 or more, default 1,000. */
  readonly maxUsers?: number;
};

/**
 * Several constant loads, one after the other, each for its own `duration` or until its `untilSeconds`. The
 * number of users changes at the rate of the stage that starts.
 *
 * ```ts
 * import { stages } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * const curve = stages([
 *   { duration: 60, users: 100, rate: 10 },
 *   { duration: 30, users: 300, rate: 50 },
 * ]);
 * assert.equal(curve.seconds, 90);
 * assert.deepEqual(curve.at(60), { users: 300, rate: 50 });
 *
 * const same = stages([
 *   { untilSeconds: 60, users: 100, rate: 10 },
 *   { untilSeconds: 90, users: 300, rate: 50 },
 * ]);
 * assert.deepEqual([same.seconds, same.at(60)], [90, curve.at(60)]);
 * ```
 *
 * @throws UsageError if a stage is invalid, if users and arrivals are mixed, or if `duration` and
 *   `untilSeconds` are.
 */
export function stages(list: readonly Stage[]): Curve {
  const problem = stagesProblem(list);
  if (problem !== null) throw new UsageError(`stages${problem}`);
  const loads: readonly Load[] = list.map(({ duration: _, untilSeconds: __, ...load }) => load);
  let end = 0;
  const ends = list.map(({ duration, untilSeconds }) => end = untilSeconds ?? end + duration);
  const curve: Curve = {
    seconds: end,
    at: (t) => loads[ends.findIndex((end) => t < end)] ?? null,
  };
  return lookLikeEnds(list) ? { ...curve, [DOUBTFUL]: [list] } as Curve : curve;
}

/** What is wrong with a list of stages, in words that follow its name; `null` if it is valid. */
export function stagesProblem(list: unknown): string | null {
  if (!Array.isArray(list)) {
    return mustBe("", "a list of { duration, users, rate }", list);
  }
  for (const [index, stage] of list.entries()) {
    const problem = stageProblem(stage, list[0], list[index - 1]);
    if (problem !== null) return `[${index}]: ${problem}`;
  }
  return null;
}

function stageProblem(stage: unknown, first: Stage, before: Stage | undefined): string | null {
  if (!isObject(stage)) return mustBe("the stage", "{ duration, users, rate }", stage);
  const unknown = unknownKey(stage, ["duration", "untilSeconds", ...LOAD_KEYS]);
  if (unknown !== null) return unknown;
  const problem = stageEndProblem(stage, first, before) ?? loadProblem(stage);
  if (problem !== null) return problem;
  return "users" in stage === "users" in first
    ? null
    : `users and arrivals are mixed: ${ONE_MODEL}`;
}

function stageEndProblem(
  { duration, untilSeconds }: Readonly<Record<string, unknown>>,
  first: Stage,
  before: Stage | undefined,
): string | null {
  if (duration !== undefined && untilSeconds !== undefined) {
    return "give either duration, the length of the stage, or untilSeconds, when it ends";
  }
  if ((untilSeconds === undefined) !== (first.untilSeconds === undefined)) {
    return "duration and untilSeconds are mixed: all stages need the same one";
  }
  if (untilSeconds === undefined) {
    return isPositive(duration) ? null : mustBe("duration", "a number of seconds over 0", duration);
  }
  const start = before?.untilSeconds ?? 0;
  if (isPositive(untilSeconds) && untilSeconds > start) return null;
  const least = before === undefined
    ? "a number of seconds over 0"
    : `more than the ${start} s before`;
  return mustBe("untilSeconds", least, untilSeconds);
}

/** Marks curves with the stages in them whose durations are probably meant as ends. */
const DOUBTFUL = Symbol("aiotest.doubtfulStages");

/**
 * Whether the durations of stages look like the times at which the stages end, as in Locust: three or more
 * of them rise. If each is at least twice the one before, they are more likely those of a load that is held
 * longer and longer.
 */
function lookLikeEnds(list: readonly Stage[]): boolean {
  const durations = list.map(({ duration }) => duration ?? 0);
  const pairs = durations.slice(1).map((duration, index) => duration / durations[index]!);
  return pairs.length > 1 && pairs.every((ratio) => ratio > 1) && pairs.some((ratio) => ratio < 2);
}

/**
 * Sentences about stages in a curve whose durations are probably meant as the times at which they end.
 *
 * @param what names the curve.
 */
export function stageWarnings(what: string, curve: Curve): string[] {
  return doubtfulStages(curve).map((list) => {
    const durations = list.map(({ duration }) => duration!);
    let end = 0;
    const ends = durations.map((duration) => end += duration);
    return `${what}: the durations of its stages rise (${
      some(durations)
    }), like the times at which ` +
      `stages end in a Locust file. Here, a duration is the length of its own stage, and these stages ` +
      `last ${end} s. If the times are meant, write untilSeconds in place of duration. If the lengths ` +
      `are meant, untilSeconds: ${some(ends)} is the same load without this warning.`;
  });
}

/** The first few of some numbers. */
function some(numbers: readonly number[]): string {
  return numbers.length > NUMBERS_SHOWN
    ? `${numbers.slice(0, NUMBERS_SHOWN).join(", ")} …`
    : numbers.join(", ");
}

const NUMBERS_SHOWN = 5;

function doubtfulStages(curve: Curve): readonly (readonly Stage[])[] {
  return (curve as { readonly [DOUBTFUL]?: readonly (readonly Stage[])[] })[DOUBTFUL] ?? [];
}

/** A curve that is made of others, with what is doubtful about these. */
export function madeOf(curve: Curve, parts: readonly Curve[]): Curve {
  const doubtful = [...new Set(parts.flatMap(doubtfulStages))];
  return doubtful.length === 0 ? curve : { ...curve, [DOUBTFUL]: doubtful } as Curve;
}
