/**
 * Load shapes: loads that change over time, as a test file describes them.
 *
 * @module
 */

import { errorText, UsageError } from "../core/errors.ts";
import { shown } from "../core/text.ts";
import { type Curve, curveProblem, ONE_MODEL } from "./curve.ts";
import { type Stage, stages as curveOf, stagesProblem, stageWarnings } from "./stages.ts";
import {
  isArrivals,
  isObject,
  type Load,
  LOAD_KEYS,
  loadProblem,
  type ResolvedLoad,
  resolveLoad,
  unknownKey,
} from "./load.ts";
import { SpawnPacer } from "./spawn_pacer.ts";

/** How many users should run, and how many are started or stopped per second to get there. */
export type Tick = readonly [users: number, rate: number];

/** What a shape is told about its run. */
export interface ShapeView {
  /**
   * The expression of a threshold that is crossed by the seconds of the step up to now; `null` if none
   * is.
   */
  readonly crossed: string | null;
}

/** A step of a load that is raised until something breaks. */
export interface LoadStep {
  /** The number of the step, from 0. */
  readonly index: number;
  /** The load when it started. */
  readonly load: ResolvedLoad;
  /** When the step started, in seconds since the start of the test. */
  readonly startedAt: number;
}

/** The result of a load that is raised until something breaks. */
export interface BreakingLoads {
  /** The highest load that passed; `null` if not even the first one did. */
  readonly passed: ResolvedLoad | null;
  /** The first load that did not pass; `null` if nothing broke. */
  readonly broke: ResolvedLoad | null;
  /** The threshold that was crossed; `null` if none was. */
  readonly threshold: string | null;
}

/** A shape class: what a test file exports. */
export interface ShapeClass {
  new (): LoadUserShape;
  readonly prototype: LoadUserShape;
  readonly name: string;
  readonly stages: readonly Stage[];
  readonly curve: Curve | null;
}

/**
 * A load that changes over time. Extend this class and set its `curve`, list its `stages`, or return the
 * load from `tick`: users or, in the open model, an arrival rate.
 *
 * ```ts
 * import { LoadUserShape, ramp } from "aiotest";
 *
 * export class TestSteps extends LoadUserShape {
 *   static override stages = [
 *     { duration: 60, users: 100, rate: 10 },
 *     { duration: 30, users: 300, rate: 50 },
 *   ];
 * }
 *
 * export class TestRamp extends LoadUserShape {
 *   static override curve = ramp({ seconds: 60, arrivalRate: { from: 0, to: 120 }, maxUsers: 50 });
 * }
 *
 * export class TestGrowth extends LoadUserShape {
 *   override tick(): [users: number, rate: number] | null {
 *     const minutes = Math.floor(this.getRunTime() / 60);
 *     return minutes < 5 ? [(minutes + 1) * 20, 5] : null;
 *   }
 * }
 * ```
 */
export class LoadUserShape {
  /** The parts of the load, one after the other; the test ends after the last one. */
  static stages: readonly Stage[] = [];
  /** The load over time; the test ends when the curve does. If set, `stages` is ignored. */
  static curve: Curve | null = null;

  #runTime = 0;
  #view: ShapeView = NOTHING_CROSSED;
  #run: CurveRun | null = null;
  #lastRise: number | null = null;
  /** Tracks how many users should run according to the loads up to now. */
  readonly #pacer = new SpawnPacer(0);
  #last: { readonly at: number; readonly load: ResolvedLoad } | null = null;

  /**
   * Returns the load at this moment, or `null` to end the test. It is called about once a second. If you do
   * not override it, the load follows `curve` or `stages`.
   */
  tick(): Tick | Load | null {
    return this.#curveRun.at(this.#runTime, this.#view.crossed);
  }

  /** Seconds since the start of the test. */
  getRunTime(): number {
    return this.#runTime;
  }

  /**
   * Called by the runner: the load at a moment, as `tick` returned it; `null` ends the test. Times never go
   * back; the same time gives the same load.
   *
   * @throws UsageError if `tick` throws, returns neither a load nor `null`, or changes between users and
   * arrivals.
   * @internal
   */
  at(runTimeSeconds: number, view: ShapeView = NOTHING_CROSSED): ResolvedLoad | null {
    if (this.#last?.at === runTimeSeconds) return this.#last.load;
    this.#runTime = runTimeSeconds;
    this.#view = view;
    const what = `${this.constructor.name}.${memberOf(this)} at ${runTimeSeconds.toFixed(1)} s`;
    const tick = this.#askTick(what);
    if (tick === null) return null;
    const load = this.#resolve(tick, what);
    if (this.#last !== null && isArrivals(this.#last.load) !== isArrivals(load)) {
      throw new UsageError(
        `${what} returned ${shown(tick)} after ${modelOf(this.#last.load)}: ${ONE_MODEL}`,
      );
    }
    if (!isArrivals(load)) this.#pacer.retarget(load, runTimeSeconds);
    this.#last = { at: runTimeSeconds, load };
    return load;
  }

  /**
   * Called by the runner: the step at a moment if the load is raised until something breaks, otherwise
   * `null`.
   *
   * @param runTimeSeconds not before the last call of {@link at}.
   * @internal
   */
  stepAt(runTimeSeconds: number): LoadStep | null {
    return this.#curveRun.stepAt(runTimeSeconds);
  }

  /**
   * Called by the runner: the result so far if the load is raised until something breaks, otherwise
   * `null`.
   *
   * @internal
   */
  get breakingPoint(): BreakingLoads | null {
    return this.#curveRun.breakingPoint;
  }

  /** How long the load lasts if nothing breaks, in seconds; `null` if not known. @internal */
  plannedSeconds(): number | null {
    return hasOwnTick(this) ? null : curveOfClass(this.constructor as ShapeClass).seconds;
  }

  /**
   * Called by the runner: the last whole second at which the load is of more users than a second before; 0 if
   * there is none, `Infinity` if that is not known.
   *
   * @internal
   */
  lastRise(): number {
    return this.#lastRise ??= hasOwnTick(this)
      ? Infinity
      : lastRiseOf(curveOfClass(this.constructor as ShapeClass));
  }

  get #curveRun(): CurveRun {
    return this.#run ??= new CurveRun(curveOfClass(this.constructor as ShapeClass));
  }

  #askTick(what: string): Tick | Load | null {
    try {
      return this.tick();
    } catch (error) {
      throw new UsageError(`${what} threw: ${errorText(error)}`, "", error);
    }
  }

  #resolve(tick: Tick | Load, what: string): ResolvedLoad {
    // A test file may be JavaScript, or may not have been type-checked.
    let resolved: ResolvedLoad | null = null;
    let problem: string | null;
    try {
      const load: unknown = Array.isArray(tick) && tick.length === 2
        ? { users: tick[0], rate: tick[1] }
        : tick;
      if (isObject(load)) resolved = resolveLoad(load as Load, this.#pacer.usersAt(this.#runTime));
      problem = resolved === null
        ? NO_LOAD
        : unknownKey(load as Load, LOAD_KEYS) ?? loadProblem({ ...load as Load, ...resolved });
    } catch {
      // Symbols and bigints cannot be calculated with, and an object may refuse to be read.
      problem = NO_LOAD;
    }
    if (problem !== null) throw new UsageError(`${what} returned ${shown(tick)}: ${problem}`);
    return resolved!;
  }
}

/**
 * The state of a curve in a run. The curve's time is the time of the test, except that it jumps past the
 * steps of the curve when something breaks.
 */
export class CurveRun {
  readonly #curve: Curve;
  /** The time of the curve and that of the test at the last jump. */
  #jump = { to: 0, at: 0 };
  #askedAt = -1;
  #passed: ResolvedLoad | null = null;
  #broke: { readonly load: ResolvedLoad; readonly threshold: string } | null = null;

  constructor(curve: Curve) {
    this.#curve = curve;
  }

  /** The result so far; `null` if the curve is not raised until something breaks. */
  get breakingPoint(): BreakingLoads | null {
    if (this.#curve.stepAt === undefined) return null;
    return {
      passed: this.#passed,
      broke: this.#broke?.load ?? null,
      threshold: this.#broke?.threshold ?? null,
    };
  }

  /**
   * The load at a moment; `null` if the curve is over.
   *
   * @param seconds since the start of the test; they never go back.
   * @param crossed the threshold that the step up to now has crossed; `null` if none.
   */
  at(seconds: number, crossed: string | null): Load | null {
    if (seconds > this.#askedAt) {
      const step = this.stepAt(this.#askedAt);
      if (step !== null) this.#judge(step, seconds, crossed);
      this.#askedAt = seconds;
    }
    return this.#loadAt(this.#curveTime(seconds));
  }

  /** The step at a moment, which must not be before the last call of {@link at}; `null` if there is none. */
  stepAt(seconds: number): LoadStep | null {
    if (seconds < 0) return null;
    const step = this.#curve.stepAt?.(this.#curveTime(seconds)) ?? null;
    if (step === null) return null;
    return {
      index: step.index,
      load: resolveLoad(this.#curve.at(step.startsAt + ROUNDING_SECONDS)!),
      startedAt: Math.max(this.#jump.at, this.#jump.at + step.startsAt - this.#jump.to),
    };
  }

  /** Records whether the step up to now has passed or broken something. */
  #judge(step: LoadStep, now: number, crossed: string | null): void {
    const { skipTo } = this.#curve.stepAt!(this.#curveTime(this.#askedAt))!;
    if (crossed !== null) {
      this.#broke ??= { load: step.load, threshold: crossed };
      if (this.#curveTime(now) < skipTo) this.#jump = { to: skipTo, at: now };
      return;
    }
    const isOver = this.stepAt(now)?.startedAt !== step.startedAt;
    if (isOver && this.#broke === null && isHigher(step.load, this.#passed)) {
      this.#passed = step.load;
    }
  }

  #curveTime(seconds: number): number {
    return this.#jump.to + (seconds - this.#jump.at);
  }

  #loadAt(t: number): Load | null {
    return this.#curve.seconds !== null && t >= this.#curve.seconds ? null : this.#curve.at(t);
  }
}

/** Sums of times may be rounded to just before the step that they belong to. */
const ROUNDING_SECONDS = 1e-6;

function isHigher(one: ResolvedLoad, other: ResolvedLoad | null): boolean {
  return other === null || amount(one) > amount(other);
}

function amount(load: ResolvedLoad): number {
  return "users" in load ? load.users : load.arrivalRate;
}

const NO_LOAD =
  "it must be [users, rate], { users, rate }, { arrivalRate, maxUsers }, or null to end the test";

const NOTHING_CROSSED: ShapeView = { crossed: null };

/** The curve that a shape follows unless it overrides `tick`. */
function curveOfClass({ curve, stages }: ShapeClass): Curve {
  return curve ?? curveOf(stages);
}

/** Curves without an end, and longer ones, are looked at for a day. */
const LOOK_AHEAD_SECONDS = 86_400;

/** See {@link LoadUserShape.lastRise}. */
function lastRiseOf(curve: Curve): number {
  // A step that breaks something is followed by what comes after the steps.
  if (curve.stepAt !== undefined) return Infinity;
  const seconds = Math.min(curve.seconds ?? Infinity, LOOK_AHEAD_SECONDS);
  let [last, before] = [0, Infinity];
  try {
    for (let second = 0; second < seconds; second++) {
      const load = curve.at(second);
      if (load === null) break;
      const resolved = resolveLoad(load);
      if (isArrivals(resolved)) return Infinity;
      if (resolved.users > before) last = second;
      before = resolved.users;
    }
  } catch {
    // The driver calls it as well, and reports the error.
    return Infinity;
  }
  return last;
}

function hasOwnTick({ tick }: Pick<LoadUserShape, "tick">): boolean {
  return tick !== LoadUserShape.prototype.tick;
}

/** The member that decides the load of a shape, for messages. */
function memberOf(shape: LoadUserShape): string {
  if (hasOwnTick(shape)) return "tick()";
  if (LOADS_OF_CLASSES.has(shape)) return "load";
  return (shape.constructor as ShapeClass).curve === null ? "stages" : "curve";
}

/** The shapes that {@link shapeOfClass} has made. */
const LOADS_OF_CLASSES = new WeakSet<LoadUserShape>();

/** A shape that follows the load of a user class. Its messages name the class. */
export function shapeOfClass(name: string, load: Curve): LoadUserShape {
  class ClassShape extends LoadUserShape {
    static override curve = load;
  }
  Object.defineProperty(ClassShape, "name", { value: name });
  const shape = new ClassShape();
  LOADS_OF_CLASSES.add(shape);
  return shape;
}

function modelOf(load: ResolvedLoad): string {
  return isArrivals(load) ? "arrivals" : "users";
}

/**
 * What is wrong with a shape class, as a sentence, or `null` if it is valid. None of its methods are
 * called.
 */
export function checkShape(shapeClass: ShapeClass): string | null {
  const { name, prototype, curve } = shapeClass;
  const stages: unknown = shapeClass.stages;
  if (curve !== null) {
    const problem = curveProblem(curve);
    return problem === null ? null : `${name}.curve: ${problem}.`;
  }
  const problem = stagesProblem(stages);
  if (problem !== null) return `${name}.stages${problem}.`;
  if ((stages as readonly Stage[]).length === 0 && !hasOwnTick(prototype)) {
    return `${name} must have a curve, stages or a tick() method.`;
  }
  return null;
}

/**
 * What is probably a mistake in a shape that is valid, a sentence each. None of its methods are called.
 */
export function shapeWarnings(shapeClass: ShapeClass): string[] {
  // Code of its own decides what durations mean.
  if (hasOwnTick(shapeClass.prototype)) return [];
  const member = shapeClass.curve === null ? "stages" : "curve";
  return stageWarnings(`${shapeClass.name}.${member}`, curveOfClass(shapeClass));
}
