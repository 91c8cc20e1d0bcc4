/**
 * From a test file and options to what a run needs; all that can be wrong is found here.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { ClassMix } from "../load/class_mix.ts";
import type { LoadProfile } from "../load/load_profile.ts";
import { classWeights } from "../runner/load_generator.ts";
import { ThresholdSet } from "../stats/thresholds.ts";
import { type DiscoveredClass, selectTests } from "../user/discovery.ts";
import { checkOptions } from "../user/user.ts";
import type { Options } from "./options.ts";
import { flagOf, type Settings } from "./settings.ts";
import type { TestFile } from "./test_file.ts";

/** What was asked for, and what a test file has of its own. */
export interface AskedLoad extends Pick<Options, "given" | "arrivalRate" | "abortOnThreshold"> {
  /** The name of the test file's shape; null: it has none. */
  readonly shape: string | null;
  /** What must hold, wherever that was said. */
  readonly thresholds: readonly string[];
}

/** Flags that a shape decides instead. */
const DECIDED_BY_SHAPE = ["users", "rate", "runTime", "arrivalRate", "maxUsers"] as const;

/** Flags of the closed model, and of the open one. */
const CLOSED = ["users", "rate"] as const;
const OPEN = ["maxUsers", "arrivals", "onBusy"] as const;

/**
 * Flags that were given and that change nothing, and why; a sentence each.
 */
export function ignoredFlags(asked: AskedLoad): string[] {
  const { shape, arrivalRate, abortOnThreshold, thresholds } = asked;
  const warnings = shape !== null
    ? ignored(asked, DECIDED_BY_SHAPE, `the shape ${shape} decides the load.`)
    : arrivalRate !== null
    ? ignored(asked, CLOSED, "users come as --arrival-rate needs them.")
    : ignored(asked, OPEN, "there is no --arrival-rate.");
  return abortOnThreshold && thresholds.length === 0
    ? [...warnings, "--abort-on-threshold is ignored: there is no threshold."]
    : warnings;
}

function ignored(
  { given }: AskedLoad,
  names: readonly (keyof Settings)[],
  reason: string,
): string[] {
  const flags = names.filter((name) => given.has(name)).map(flagOf);
  if (flags.length === 0) return [];
  return [`${flags.join(", ")} ${flags.length === 1 ? "is" : "are"} ignored: ${reason}`];
}

/** What a run is made of. */
export interface RunSetup {
  readonly profile: LoadProfile;
  readonly classes: readonly DiscoveredClass[];
  /** How the classes share the users. */
  readonly mix: ClassMix;
  /** What must hold for the run to pass: as the command line says, and as the test file does. */
  readonly thresholds: ThresholdSet;
  /** What the person at the command line should know, and what does not keep the run from starting. */
  readonly warnings: readonly string[];
}

/** @throws UsageError where the test file cannot be run with these options. */
export function setUpRun(testFile: TestFile, options: Options): RunSetup {
  const { shapeClass } = testFile;
  const classes = selectTests(testFile.userClasses, options);
  const { host, insecure } = options;
  for (const { name, userClass } of classes) userClass[checkOptions]({ name, host, insecure });
  const thresholds = new ThresholdSet(options.threshold).with(testFile.thresholds);
  return {
    profile: {
      load: options.arrivalRate === null
        ? { users: options.users, rate: options.rate }
        : { arrivalRate: options.arrivalRate, maxUsers: options.maxUsers },
      runTime: options.runTime,
      stopTimeout: options.stopTimeout,
      shape: shapeClass === null ? null : new shapeClass(),
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
export function checkBreakable({ profile, thresholds }: RunSetup): void {
  const { shape } = profile;
  if (shape === null || shape.breakingPoint === null || thresholds.expressions.length > 0) return;
  throw new UsageError(
    `The shape ${shape.constructor.name} raises the load until a threshold is crossed, and there is none`,
    "Say what must hold: --threshold 'p95<200ms', or export const thresholds = [\"p95<200ms\"].",
  );
}
