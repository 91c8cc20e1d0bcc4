/**
 * From a test file and options to what a run needs; all that can be wrong is found here.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { ClassMix } from "../load/class_mix.ts";
import type { Plan } from "../load/plan.ts";
import { classWeights } from "../runner/class_weights.ts";
import { ThresholdSet } from "../stats/threshold_set.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import { FastHttpUser } from "../user/fast_http_user.ts";
import { HttpUser, insecureProblem } from "../user/http_user.ts";
import { checkHosts } from "../user/target_host.ts";
import { selectTests } from "../user/test_selection.ts";
import { ignoredFlags } from "./ignored_flags.ts";
import type { Options } from "./options.ts";
import type { TestFile } from "./test_file.ts";

/** What a run is made of. */
export interface Preparation {
  readonly plan: Plan;
  readonly classes: readonly DiscoveredClass[];
  /** How the classes share the users. */
  readonly mix: ClassMix;
  /** What must hold for the run to pass: as the command line says, and as the test file does. */
  readonly thresholds: ThresholdSet;
  /** What the person at the command line should know, and what does not keep the run from starting. */
  readonly warnings: readonly string[];
}

/** @throws UsageError where the test file cannot be run with these options. */
export function prepare(testFile: TestFile, options: Options): Preparation {
  const { shapeClass } = testFile;
  const classes = selectTests(testFile.userClasses, options);
  const speaksHttp = (one: unknown): boolean =>
    typeof one === "function" &&
    (one.prototype instanceof HttpUser || one.prototype instanceof FastHttpUser);
  checkHosts(classes, options.host, speaksHttp);
  if (options.insecure) {
    for (const { userClass } of classes) {
      const problem = insecureProblem(userClass);
      if (problem !== null) throw new UsageError(problem);
    }
  }
  const thresholds = new ThresholdSet(options.threshold).with(testFile.thresholds);
  return {
    plan: {
      users: options.users,
      rate: options.rate,
      runTime: options.runTime,
      stopTimeout: options.stopTimeout,
      shape: shapeClass === null ? null : new shapeClass(),
      arrivals: options.arrivalRate === null
        ? null
        : { rate: options.arrivalRate, maxUsers: options.maxUsers },
      spacing: options.arrivals,
      onBusy: options.onBusy,
      iterations: options.iterations,
    },
    classes,
    mix: new ClassMix(classWeights(classes)),
    thresholds,
    warnings: ignoredFlags({
      ...options,
      shape: shapeClass?.name ?? null,
      thresholds: thresholds.expressions,
    }),
  };
}

/**
 * Checks that a load which is raised until something breaks can break.
 *
 * @throws UsageError where nothing says what breaks.
 */
export function checkBreakable({ plan, thresholds }: Preparation): void {
  const { shape } = plan;
  if (shape === null || shape.breakingPoint === null || thresholds.expressions.length > 0) return;
  throw new UsageError(
    `The shape ${shape.constructor.name} raises the load until a threshold is crossed, and there is none`,
    "Say what must hold: --threshold 'p95<200ms', or export const thresholds = [\"p95<200ms\"].",
  );
}
