/**
 * Turns a test file and options into what a run needs, and finds every mistake in them.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import type { ConnectionOptions } from "../http/shared_http_state.ts";
import { ClassMix } from "../load/class_mix.ts";
import { type LoadProfile, plannedSeconds } from "../load/load_profile.ts";
import { classWeights } from "../runner/load_generator.ts";
import { ThresholdSet } from "../stats/thresholds.ts";
import { type DiscoveredClass, selectTests } from "../user/discovery.ts";
import { checkOptions } from "../user/user.ts";
import { fixedSeconds } from "../user/wait_time.ts";
import type { Options } from "./options.ts";
import { flagOf } from "./setting_types.ts";
import type { Settings } from "./settings.ts";
import type { TestFile } from "./test_file.ts";

/** Everything that a run needs. */
export interface RunSetup {
  readonly profile: LoadProfile;
  readonly classes: readonly DiscoveredClass[];
  readonly connections: ConnectionOptions;
  /** The share of users of each class. */
  readonly mix: ClassMix;
  /** Thresholds of the command line and of the test file. */
  readonly thresholds: ThresholdSet;
  /** What has no effect or is probably wrong in options and test file, a sentence each. */
  readonly warnings: readonly string[];
}

/** @throws UsageError if the test file cannot be run with these options. */
export function setUpRun(
  testFile: TestFile,
  options: Options,
  connections: ConnectionOptions,
): RunSetup {
  const { shapeClass } = testFile;
  const classes = selectTests(testFile.userClasses, options);
  const { host } = options;
  for (const { name, userClass } of classes) userClass[checkOptions]({ name, host, connections });
  const thresholds = new ThresholdSet(options.threshold).with(testFile.thresholds);
  const profile: LoadProfile = {
    load: options.arrivalRate === null
      ? { users: options.users, rate: options.rate }
      : { arrivalRate: options.arrivalRate, maxUsers: options.maxUsers },
    runTime: options.runTime,
    stopTimeout: options.stopTimeout,
    shape: shapeClass === null ? null : new shapeClass(),
    spacing: options.arrivals,
    onBusy: options.onBusy,
    iterations: options.iterations,
  };
  const warnings = [
    ...testFile.warnings,
    ...ignoredFlags({
      ...options,
      shape: shapeClass?.name ?? null,
      thresholds: thresholds.expressions,
    }),
    ...longWaits(classes, plannedSeconds(profile)),
  ];
  return {
    profile,
    classes,
    connections,
    mix: new ClassMix(classWeights(classes)),
    thresholds,
    warnings,
  };
}

/**
 * Which classes wait for longer than the run lasts, a sentence each: such a wait is usually meant in
 * milliseconds. Infinity is not, and says what it does.
 */
function longWaits(classes: readonly DiscoveredClass[], runSeconds: number | null): string[] {
  if (runSeconds === null) return [];
  return classes.flatMap(({ name, userClass: { waitTime } }) => {
    const seconds = fixedSeconds(waitTime) ?? 0;
    if (seconds <= runSeconds || seconds === Infinity) return [];
    return [
      `${name}.waitTime is longer than the run: ${seconds} s of ${runSeconds} s. ` +
      "Waits are in seconds.",
    ];
  });
}

/**
 * Checks that a shape which increases the load up to a breaking point has a threshold to break.
 *
 * @throws UsageError if it has none.
 */
export function checkBreakable({ profile, thresholds }: RunSetup): void {
  const { shape } = profile;
  if (shape === null || shape.breakingPoint === null || thresholds.expressions.length > 0) return;
  throw new UsageError(
    `The shape ${shape.constructor.name} increases the load until a threshold is crossed, but there is none`,
    "Set one: --threshold 'p95<200ms', or export const thresholds = [\"p95<200ms\"].",
  );
}

/** The load that the options and the test file ask for. */
export interface RequestedLoad extends Pick<Options, "given" | "arrivalRate" | "abortOnThreshold"> {
  /** Name of the test file's shape; `null` if it has none. */
  readonly shape: string | null;
  /** Thresholds of the command line and of the test file. */
  readonly thresholds: readonly string[];
}

/** Options that a shape overrides. */
const DECIDED_BY_SHAPE = ["users", "rate", "runTime", "arrivalRate", "maxUsers"] as const;

/** Options of the closed and of the open model. */
const CLOSED = ["users", "rate"] as const;
const OPEN = ["maxUsers", "arrivals", "onBusy"] as const;

/** Which of the options given have no effect, and why; a sentence each. */
export function ignoredFlags(requested: RequestedLoad): string[] {
  const { shape, arrivalRate, abortOnThreshold, thresholds } = requested;
  const warnings = shape !== null
    ? ignored(requested, DECIDED_BY_SHAPE, `the shape ${shape} determines the load.`)
    : arrivalRate !== null
    ? ignored(requested, CLOSED, "with --arrival-rate, users are started as needed.")
    : ignored(requested, OPEN, "there is no --arrival-rate.");
  return abortOnThreshold && thresholds.length === 0
    ? [...warnings, "--abort-on-threshold is ignored: there is no threshold."]
    : warnings;
}

function ignored(
  { given }: RequestedLoad,
  names: readonly (keyof Settings)[],
  reason: string,
): string[] {
  const flags = names.filter((name) => given.has(name)).map(flagOf);
  if (flags.length === 0) return [];
  return [`${flags.join(", ")} ${flags.length === 1 ? "is" : "are"} ignored: ${reason}`];
}
