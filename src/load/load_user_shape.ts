/**
 * Shapes: loads that change over time, as a test file describes them.
 *
 * @module
 */

import { errorText, UsageError } from "../core/errors.ts";
import {
  type Curve,
  curveProblem,
  type Stage,
  stages as curveOf,
  stagesProblem,
} from "./curves.ts";
import {
  isArrivals,
  isObject,
  type Load,
  loadProblem,
  type ResolvedLoad,
  resolveLoad,
  shown,
} from "./load.ts";
import { SpawnPacer } from "./spawn_pacer.ts";

/** The step that a load is in which is raised until something breaks. */
export interface LoadStep {
  /** The first one's is 0. */
  readonly index: number;
  /** The load when it began. */
  readonly load: ResolvedLoad;
  /** Seconds from the test's start to the step's. */
  readonly startedAt: number;
}

/** What a load that is raised until something breaks has shown. */
export interface BrokenLoad {
  /** The highest load that passed; null where not even the first one did. */
  readonly passed: ResolvedLoad | null;
  /** The first load that did not; null where nothing broke. */
  readonly broke: ResolvedLoad | null;
  /** The threshold that was crossed then. */
  readonly threshold: string | null;
}

/**
 * A curve on its way: all that a run adds to it. Where something breaks, the curve's time jumps to what
 * comes after its steps; else it is the test's own.
 */
export class CurveRun {
  readonly #curve: Curve;
  /** The curve's time and the test's, at the last jump. */
  #jump = { to: 0, at: 0 };
  #askedAt = -1;
  #passed: ResolvedLoad | null = null;
  #broke: { readonly target: ResolvedLoad; readonly threshold: string } | null = null;

  constructor(curve: Curve) {
    this.#curve = curve;
  }

  /** Null where the curve is none that is raised until something breaks. */
  get brokenLoad(): BrokenLoad | null {
    if (this.#curve.stepAt === undefined) return null;
    return {
      passed: this.#passed,
      broke: this.#broke?.target ?? null,
      threshold: this.#broke?.threshold ?? null,
    };
  }

  /**
   * The curve's load when the test has run for so long; null when the curve is over.
   *
   * @param seconds since the test's start; they never go back.
   * @param crossed the threshold that the step until now has crossed; null: none.
   */
  at(seconds: number, crossed: string | null): Load | null {
    if (seconds > this.#askedAt) {
      const step = this.stepAt(this.#askedAt);
      if (step !== null) this.#judge(step, seconds, crossed);
      this.#askedAt = seconds;
    }
    return this.#loadAt(this.#curveTime(seconds));
  }

  /** The step that the load is in at this moment, which is none before the last one asked for. */
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

  /** What is known of the step until now, at the first moment after its last second. */
  #judge(step: LoadStep, now: number, crossed: string | null): void {
    const { skipTo } = this.#curve.stepAt!(this.#curveTime(this.#askedAt))!;
    if (crossed !== null) {
      this.#broke ??= { target: step.load, threshold: crossed };
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

/** Sums of times may be rounded to just before the step that they are meant to lie in. */
const ROUNDING_SECONDS = 1e-6;

function isHigher(one: ResolvedLoad, other: ResolvedLoad | null): boolean {
  return other === null || amount(one) > amount(other);
}

function amount(load: ResolvedLoad): number {
  return "users" in load ? load.users : load.arrivalRate;
}

/** How many users should run, and how many are started or stopped a second on the way there. */
export type Tick = readonly [users: number, rate: number];

/** What a shape may know of the run that it shapes. */
export interface ShapeView {
  /**
   * The expression of a threshold that the seconds of the current step cross, null where none is crossed.
   * The step is the one that the load was in until now.
   */
  readonly crossed: string | null;
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
 * A load that changes over time. Extend it, and name its `curve`, list its `stages`, or say in `tick`
 * what the load is: users, or in the open model an arrival rate.
 *
 * ```ts
 * import { LoadUserShape } from "./load_user_shape.ts";
 * import { ramp } from "./curves.ts";
 * import assert from "node:assert/strict";
 *
 * class TestSteps extends LoadUserShape {
 *   static override stages = [
 *     { duration: 60, users: 100, rate: 10 },
 *     { duration: 30, users: 300, rate: 50 },
 *   ];
 * }
 *
 * class TestRamp extends LoadUserShape {
 *   static override curve = ramp({ seconds: 60, arrivalRate: { from: 0, to: 120 }, maxUsers: 50 });
 * }
 *
 * class TestGrowth extends LoadUserShape {
 *   override tick(): [users: number, rate: number] | null {
 *     const minutes = Math.floor(this.getRunTime() / 60);
 *     return minutes < 5 ? [(minutes + 1) * 20, 5] : null;
 *   }
 * }
 *
 * assert.deepEqual(new TestSteps().at(60), { users: 300, rate: 50 });
 * assert.equal(new TestSteps().at(90), null);
 * assert.deepEqual(new TestRamp().at(30), { arrivalRate: 61, maxUsers: 50 });
 * assert.deepEqual(new TestGrowth().at(130), { users: 60, rate: 5 });
 * ```
 */
export class LoadUserShape {
  /** What the load is, part after part; the test ends after the last one. */
  static stages: readonly Stage[] = [];
  /** What the load is over time; the test ends where the curve does. Goes before `stages`. */
  static curve: Curve | null = null;

  #runTime = 0;
  #view: ShapeView = NOTHING_CROSSED;
  #run: CurveRun | null = null;
  /** The users that run as the targets until now would have it. */
  readonly #pacer = new SpawnPacer(0);
  #last: { readonly at: number; readonly target: ResolvedLoad } | null = null;

  /**
   * The load at this moment, asked for about once a second; null ends the test. Without one of its own,
   * a class follows its `curve` or its `stages`.
   */
  tick(): Tick | Load | null {
    return this.#curveRun.at(this.#runTime, this.#view.crossed);
  }

  /** Seconds since the test's start. */
  getRunTime(): number {
    return this.#runTime;
  }

  /**
   * Called by the runner: the target when the test has run for so long, as `tick` gave it; null ends the
   * test. Times never go back; the same one twice gets the same answer.
   *
   * @throws UsageError where `tick` threw, or returned neither a load nor null, or where it went over
   * from users to arrivals or back.
   * @internal
   */
  at(runTimeSeconds: number, view: ShapeView = NOTHING_CROSSED): ResolvedLoad | null {
    if (this.#last?.at === runTimeSeconds) return this.#last.target;
    this.#runTime = runTimeSeconds;
    this.#view = view;
    const what = `${this.constructor.name}.${memberOf(this)} at ${runTimeSeconds.toFixed(1)} s`;
    const tick = this.#askTick(what);
    if (tick === null) return null;
    const target = this.#targetOf(tick, what);
    if (this.#last !== null && isArrivals(this.#last.target) !== isArrivals(target)) {
      throw new UsageError(
        `${what} returned ${shown(tick)}: the load had ${modelOf(this.#last.target)} until then`,
        "A test has either users or an arrival rate, from its beginning to its end.",
      );
    }
    if (!isArrivals(target)) this.#pacer.retarget(target, runTimeSeconds);
    this.#last = { at: runTimeSeconds, target };
    return target;
  }

  /**
   * Called by the runner: the step that the load is in, where it is raised until something breaks; else
   * null.
   *
   * @param runTimeSeconds a moment not before the last one that {@link at} was asked for.
   * @internal
   */
  stepAt(runTimeSeconds: number): LoadStep | null {
    return this.#curveRun.stepAt(runTimeSeconds);
  }

  /**
   * Called by the runner: what is known so far of the load that something breaks at; null where the load
   * is not raised until then.
   *
   * @internal
   */
  get breakingPoint(): BrokenLoad | null {
    return this.#curveRun.brokenLoad;
  }

  /** How long the load lasts if nothing breaks, in seconds; null where nobody knows. @internal */
  plannedSeconds(): number | null {
    return hasOwnTick(this) ? null : curveOfClass(this.constructor as ShapeClass).seconds;
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

  #targetOf(tick: Tick | Load, what: string): ResolvedLoad {
    // A test file may be JavaScript, or run without a look at its types: nothing is certain of it.
    const load: unknown = Array.isArray(tick) && tick.length === 2
      ? { users: tick[0], rate: tick[1] }
      : tick;
    const target = isObject(load)
      ? resolveLoad(load as Load, this.#pacer.usersAt(this.#runTime))
      : null;
    const problem = target === null
      ? "[users, rate] is needed, { users, rate }, { arrivalRate, maxUsers }, or null to end the test"
      : loadProblem({ ...load as Load, ...target });
    if (problem !== null) throw new UsageError(`${what} returned ${shown(tick)}: ${problem}`);
    return target!;
  }
}

const NOTHING_CROSSED: ShapeView = { crossed: null };

/** The curve that a shape follows, unless it has a `tick` of its own. */
function curveOfClass({ curve, stages }: ShapeClass): Curve {
  return curve ?? curveOf(stages);
}

function hasOwnTick({ tick }: Pick<LoadUserShape, "tick">): boolean {
  return tick !== LoadUserShape.prototype.tick;
}

/** What decides a shape's load, for messages. */
function memberOf(shape: LoadUserShape): string {
  if (hasOwnTick(shape)) return "tick()";
  return (shape.constructor as ShapeClass).curve === null ? "stages" : "curve";
}

function modelOf(target: ResolvedLoad): string {
  return isArrivals(target) ? "arrivals" : "users";
}

/**
 * What is wrong with a shape class, as a sentence that names the value and what is accepted, or null
 * where it can be run. Nothing of it is called.
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
    return `${name} has no tick() method of its own, no curve and no stages, one of them is needed.`;
  }
  return null;
}
