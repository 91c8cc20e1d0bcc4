/**
 * From a test file and options to what a run needs; all that can be wrong is found here.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { ClassMix } from "../load/class_mix.ts";
import type { Plan } from "../load/plan.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import { FastHttpUser } from "../user/fast_http_user.ts";
import { HttpUser, insecureProblem } from "../user/http_user.ts";
import { checkHosts } from "../user/target_host.ts";
import { selectTests } from "../user/test_selection.ts";
import type { Options } from "./options.ts";
import type { TestFile } from "./test_file.ts";

/** What a run is made of. */
export interface Preparation {
  readonly plan: Plan;
  readonly classes: readonly DiscoveredClass[];
  /** How the classes share the users. */
  readonly mix: ClassMix;
  /** What the person at the command line should know, and what does not keep the run from starting. */
  readonly warnings: readonly string[];
}

/** Flags that a shape decides instead. */
const DECIDED_BY_SHAPE = [
  ["users", "--users"],
  ["rate", "--rate"],
  ["runTime", "--run-time"],
] as const;

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
  return {
    plan: {
      users: options.users,
      rate: options.rate,
      runTime: options.runTime,
      stopTimeout: options.stopTimeout,
      shape: shapeClass === null ? null : new shapeClass(),
    },
    classes,
    mix: new ClassMix(classes.map(({ name, userClass: { weight, fixedCount } }) => ({
      name,
      weight,
      fixedCount,
    }))),
    warnings: shapeClass === null ? [] : ignoredFlags(shapeClass.name, options),
  };
}

function ignoredFlags(shape: string, { given }: Options): string[] {
  const ignored = DECIDED_BY_SHAPE.filter(([name]) => given.has(name)).map(([, flag]) => flag);
  if (ignored.length === 0) return [];
  const verb = ignored.length === 1 ? "is" : "are";
  return [`${ignored.join(", ")} ${verb} ignored: the shape ${shape} decides the load.`];
}
