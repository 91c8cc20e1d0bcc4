/**
 * Shapes: loads that change over time, as a test file describes them.
 *
 * @module
 */

import { errorText, UsageError } from "../core/errors.ts";
import { isOverZero, shown, type Target, targetProblem } from "./target.ts";

/** How many users should run, and how many are started or stopped a second on the way there. */
export type Tick = readonly [users: number, rate: number];

/** One part of a shape's time. */
export interface Stage {
  /** Seconds that this stage lasts, whatever came before it: over 0. */
  readonly duration: number;
  /** Users that should run: a whole number of 0 or more. */
  readonly users: number;
  /** Users started or stopped a second: over 0, may be a fraction. */
  readonly rate: number;
}

/** A shape class: what a test file exports. */
export interface ShapeClass {
  new (): LoadUserShape;
  readonly prototype: LoadUserShape;
  readonly name: string;
  readonly stages: readonly Stage[];
}

/**
 * A load that changes over time. Extend it, and list `stages`, or say in `tick` what the load is.
 *
 * ```ts
 * import { LoadUserShape } from "./load_user_shape.ts";
 * import assert from "node:assert/strict";
 *
 * class TestSteps extends LoadUserShape {
 *   static override stages = [
 *     { duration: 60, users: 100, rate: 10 },
 *     { duration: 30, users: 300, rate: 50 },
 *   ];
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
 * assert.deepEqual(new TestGrowth().at(130), { users: 60, rate: 5 });
 * ```
 */
export class LoadUserShape {
  /** What the load is, part after part; the test ends after the last one. */
  static stages: readonly Stage[] = [];

  #runTime = 0;

  /**
   * The load at this moment, asked for about once a second; null ends the test. Without one of its own,
   * a class follows its `stages`.
   */
  tick(): Tick | null {
    let end = 0;
    for (const { duration, users, rate } of (this.constructor as ShapeClass).stages) {
      end += duration;
      if (this.#runTime < end) return [users, rate];
    }
    return null;
  }

  /** Seconds since the test's start. */
  getRunTime(): number {
    return this.#runTime;
  }

  /**
   * Called by the runner: the target when the test has run for so long, exactly as `tick` gave it; null
   * ends the test.
   *
   * @throws UsageError where `tick` threw, or returned neither a target nor null.
   * @internal
   */
  at(runTimeSeconds: number): Target | null {
    this.#runTime = runTimeSeconds;
    const what = `${this.constructor.name}.tick() at ${runTimeSeconds.toFixed(1)} s`;
    const tick = this.#askTick(what);
    if (tick === null) return null;
    // A test file may be JavaScript, or run without a look at its types: nothing is certain of it.
    const problem = Array.isArray(tick) && tick.length === 2
      ? targetProblem(tick[0], tick[1])
      : "[users, rate] is needed, or null to end the test";
    if (problem !== null) throw new UsageError(`${what} returned ${shown(tick)}: ${problem}`);
    const [users, rate] = tick;
    return { users, rate };
  }

  #askTick(what: string): Tick | null {
    try {
      return this.tick();
    } catch (error) {
      throw new UsageError(`${what} threw: ${errorText(error)}`, "", error);
    }
  }
}

/** The stages that a shape follows, or null where its class has a `tick` of its own. */
export function stagesOf(shape: LoadUserShape): readonly Stage[] | null {
  return shape.tick === LoadUserShape.prototype.tick
    ? (shape.constructor as ShapeClass).stages
    : null;
}

/**
 * What is wrong with a shape class, as a sentence that names the value and what is accepted, or null
 * where it can be run. Nothing of it is called.
 *
 * ```ts
 * import { checkShape, LoadUserShape } from "./load_user_shape.ts";
 * import assert from "node:assert/strict";
 *
 * class TestShape extends LoadUserShape {
 *   static override stages = [{ duration: 0, users: 10, rate: 1 }];
 * }
 * assert.equal(
 *   checkShape(TestShape),
 *   "TestShape.stages[0]: duration is 0, a number of seconds over 0 is needed.",
 * );
 * ```
 */
export function checkShape(shapeClass: ShapeClass): string | null {
  const { name } = shapeClass;
  const stages: unknown = shapeClass.stages;
  if (!Array.isArray(stages)) {
    return `${name}.stages is ${shown(stages)}, a list of { duration, users, rate } is needed.`;
  }
  if (stages.length === 0 && shapeClass.prototype.tick === LoadUserShape.prototype.tick) {
    return `${name} has neither a tick() method of its own nor stages, one of them is needed.`;
  }
  for (const [index, stage] of stages.entries()) {
    const problem = stageProblem(stage);
    if (problem !== null) return `${name}.stages[${index}]: ${problem}.`;
  }
  return null;
}

function stageProblem(stage: unknown): string | null {
  if (typeof stage !== "object" || stage === null) {
    return `the stage is ${shown(stage)}, { duration, users, rate } is needed`;
  }
  const { duration, users, rate } = stage as Partial<Record<keyof Stage, unknown>>;
  return isOverZero(duration)
    ? targetProblem(users, rate)
    : `duration is ${shown(duration)}, a number of seconds over 0 is needed`;
}
