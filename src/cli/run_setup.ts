/**
 * Turns a test file and options into what a run needs, and finds every mistake in them.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { listed } from "../core/text.ts";
import type { ConnectionOptions } from "../http/shared_http_state.ts";
import { ClassMix, type ClassWeight, IterationMix } from "../load/class_mix.ts";
import { forecast } from "../load/forecast.ts";
import { isArrivals } from "../load/load.ts";
import { type LoadPart, loadParts, partWeight, weightsOf } from "../load/load_parts.ts";
import { isOpen, type LoadProfile, plannedSeconds } from "../load/load_profile.ts";
import { SpawnPacer } from "../load/spawn_pacer.ts";
import { loadedClasses } from "../runner/load_generator.ts";
import type { TestFunctions } from "../runner/setup_teardown.ts";
import { ThresholdSet } from "../stats/thresholds.ts";
import { type DiscoveredClass, selectClasses, selectTests } from "../user/discovery.ts";
import { checkOptions } from "../user/user.ts";
import { fixedSeconds } from "../user/wait_time.ts";
import type { Options } from "./options.ts";
import { flagOf } from "./setting_types.ts";
import type { TestFile } from "./test_file.ts";

/** Everything that a run needs. */
export interface RunSetup {
  /**
   * The parts of the load: what options and shape ask for, unless each class has a load of its own, and the
   * loads of classes.
   */
  readonly parts: readonly LoadPart[];
  readonly classes: readonly DiscoveredClass[];
  readonly connections: ConnectionOptions;
  /** Thresholds of the command line and of the test file. */
  readonly thresholds: ThresholdSet;
  /** The functions of the test file that are called once. */
  readonly functions: TestFunctions;
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
  const chosen = selectClasses(testFile.userClasses, options.userClasses);
  const classes = selectTests(chosen, options);
  const { host } = options;
  for (const { name, userClass } of classes) userClass[checkOptions]({ name, host, connections });
  const thresholds = new ThresholdSet(options.threshold).with(testFile.thresholds);
  thresholds.checkMetrics(testFile.metrics);
  thresholds.checkClasses(classes.map(({ name }) => name));
  if (options.once) return passSetup(testFile, options, { classes, connections });
  const loaded = loadedClasses(classes);
  const hasOwnLoads = loaded.some(({ load }) => load !== null);
  const profile: LoadProfile = {
    load: options.arrivalRate === null
      ? { users: options.users, rate: options.rate }
      : { arrivalRate: options.arrivalRate, maxUsers: options.maxUsers },
    // A shape decides about the duration, unless it is one of several loads.
    runTime: shapeClass === null || hasOwnLoads ? options.runTime : null,
    stopTimeout: options.stopTimeout,
    shape: shapeClass === null ? null : new shapeClass(),
    spacing: options.arrivals,
    onBusy: options.onBusy,
    iterations: options.iterations,
  };
  const parts = loadParts(loaded, profile);
  // A forecast uses up the shapes.
  const foreseen = loadParts(loaded, {
    ...profile,
    shape: shapeClass === null ? null : new shapeClass(),
  });
  const workers = Math.max(options.expectWorkers, options.processes ?? 1);
  const warnings = [
    ...testFile.warnings,
    ...ignoredFlags({
      ...options,
      shape: shapeClass?.name ?? null,
      thresholds: thresholds.expressions,
      canAbort: thresholds.expressions.some((one) => thresholds.endsRunFrom(one, options) !== null),
      ownLoads: ownLoadsOf(foreseen),
    }),
    ...foreseen.flatMap((part) => {
      const own = part.classes.map((index) => classes[index]!);
      return [...longWaits(own, part), ...rareTests(own, part.profile.iterations)];
    }),
    ...foreseen.flatMap(({ classes, profile }) =>
      unreachedUsers(new ClassMix(weightsOf(loaded.map(partWeight), classes)).limit, profile)
    ),
    ...foreseen.flatMap((part) =>
      idleClasses(weightsOf(loaded.map(partWeight), part.classes), { ...part.profile, workers })
    ),
  ];
  return {
    parts,
    classes,
    connections,
    thresholds,
    functions: testFile.functions,
    warnings,
  };
}

/** Options that say how much load there is, and how results are judged, which a pass does not do. */
const OF_LOADS: readonly string[] = [
  ...["users", "rate", "runTime", "requests", "arrivalRate", "maxUsers", "arrivals", "onBusy"],
  ...["iterations", "resetStats", "threshold", "abortOnThreshold", "abortAfter"],
];

/** What a pass needs: one user of each class, and no thresholds. */
function passSetup(
  { warnings, functions }: TestFile,
  options: Options,
  { classes, connections }: Pick<RunSetup, "classes" | "connections">,
): RunSetup {
  const users = classes.map(({ name }) => ({ name, weight: 0, fixedCount: 1, load: null }));
  const { stopTimeout, arrivals: spacing, onBusy } = options;
  const parts = loadParts(users, {
    load: { users: users.length, rate: ALL_AT_ONCE },
    runTime: null,
    stopTimeout,
    shape: null,
    spacing,
    onBusy,
    iterations: null,
  });
  const reason = "with --once, one user of each class runs once.";
  return {
    parts,
    classes,
    connections,
    thresholds: new ThresholdSet([]),
    functions,
    warnings: [...warnings, ...ignored(options, OF_LOADS, reason)],
  };
}

/** Users started per second: the last one starts with the first. */
const ALL_AT_ONCE = 1e9;

/**
 * Which classes wait for longer than their load lasts, a sentence each: such a wait is usually meant in
 * milliseconds. Infinity is not, and says what it does.
 */
function longWaits(
  classes: readonly DiscoveredClass[],
  { ownClass, profile }: LoadPart,
): string[] {
  const runSeconds = plannedSeconds(profile);
  if (runSeconds === null) return [];
  const what = ownClass === null ? "the run" : "its load";
  return classes.flatMap(({ name, userClass: { waitTime } }) => {
    const seconds = fixedSeconds(waitTime) ?? 0;
    if (seconds <= runSeconds || seconds === Infinity) return [];
    return [
      `${name}.waitTime is longer than ${what}: ${seconds} s of ${runSeconds} s. ` +
      "Waits are in seconds.",
    ];
  });
}

/**
 * Says that the run is too short for all users to start. One that ends after a number of iterations may need only
 * some of them.
 *
 * @param limit the most users that the classes can have.
 */
function unreachedUsers(
  limit: number,
  { load, shape, runTime, iterations }: LoadProfile,
): string[] {
  if (shape !== null || isArrivals(load) || runTime === null || iterations !== null) return [];
  const users = Math.min(load.users, limit);
  const pacer = new SpawnPacer(0);
  pacer.retarget({ users, rate: load.rate }, 0);
  // A user that is due when the run ends does not start.
  const started = pacer.usersAt(runTime - 0.001);
  if (started >= users) return [];
  return [
    `Only ${started} of ${users} users start within ${runTime} s: at --rate ${load.rate}, the last one starts ` +
    `after ${Math.ceil((users - 1) / load.rate)} s.`,
  ];
}

/** Tests in random order that are not even expected once, a sentence for each class. */
function rareTests(classes: readonly DiscoveredClass[], iterations: number | null): string[] {
  if (iterations === null) return [];
  return classes.flatMap(({ name, userClass: { order }, tests }) => {
    if (order !== "random") return [];
    const all = tests.reduce((sum, { weight }) => sum + weight, 0);
    const rare = tests.filter(({ weight }) => weight * iterations < all).map((test) => test.name);
    if (rare.length === 0) return [];
    const more = rare.length - NAMES_SHOWN;
    const names = more > 1 ? [...rare.slice(0, NAMES_SHOWN), `${more} more`] : rare;
    return [
      `${name} runs one test per iteration, by weight: with --iterations ${iterations}, ` +
      `${listed(names)} may never run.`,
    ];
  });
}

/** Names in one warning. */
const NAMES_SHOWN = 5;

/** Classes that get no user, or no iteration, because the load is too small for their share. */
function idleClasses(
  classes: readonly ClassWeight[],
  profile: LoadProfile & { readonly workers: number },
): string[] {
  const mix = new ClassMix(classes);
  const { load, shape, workers } = profile;
  const planned = forecastOf(profile, mix.limit);
  if (planned === null) {
    return shape === null && isArrivals(load) ? crowding(mix, load.maxUsers, workers) : [];
  }
  if (planned.iterations === null) return withoutUsers(mix, planned.users, profile.iterations);
  const all = Math.min(planned.iterations, profile.iterations ?? Infinity);
  // Each worker divides its own iterations.
  const names = new IterationMix(classes).withoutIterations(Math.ceil(all / profile.workers));
  if (names.length === 0) return crowding(mix, planned.users, workers);
  const where = profile.workers > 1 ? " on each worker" : "";
  return [
    `${listed(names)} ${verb(names)} no iteration: the test starts about ` +
    `${Math.round(all / profile.workers)}${where}, which are divided by weight.`,
  ];
}

function crowding(mix: ClassMix, maxUsers: number, workers: number): string[] {
  const problem = mix.crowding(maxUsers, workers);
  return problem === null ? [] : [problem];
}

function withoutUsers(mix: ClassMix, users: number, iterations: number | null): string[] {
  const few = iterations !== null && iterations < users
    ? [`--iterations ${iterations} is less than ${users} users: some of them run no iteration.`]
    : [];
  const missing = mix.withoutUsers(users);
  if (missing === null) return few;
  const { names, needed } = missing;
  return [
    `${listed(names)} ${verb(names)} no user: ${
      users === 1 ? "1 user is" : `${users} users are`
    } ` +
    `divided by weight and fixed count. From ${needed} users on, each class has one.`,
    ...few,
  ];
}

function verb(names: readonly string[]): string {
  return names.length === 1 ? "gets" : "get";
}

/**
 * The most users, and in the open model all iterations, that a load has; `null` if that is not known
 * beforehand. The code of a shape is not called.
 */
function forecastOf(
  profile: LoadProfile,
  limit: number,
): { readonly users: number; readonly iterations: number | null } | null {
  const { load, shape } = profile;
  if (shape === null && !isArrivals(load)) return { users: load.users, iterations: null };
  if (plannedSeconds(profile) === null) return null;
  try {
    const { users, iterations } = forecast(profile, limit);
    return { users: users.reduce((most, one) => Math.max(most, one), 0), iterations };
  } catch {
    // The driver asks again, and reports the error.
    return null;
  }
}

/**
 * Checks that a load which increases up to a breaking point has a threshold to break, and is the only one.
 *
 * @throws UsageError if it has none, or if several loads increase in this way.
 */
export function checkBreakable(
  { parts, thresholds }: Pick<RunSetup, "parts" | "thresholds">,
): void {
  const names = parts.flatMap(({ ownClass, profile: { shape } }) =>
    shape === null || shape.breakingPoint === null
      ? []
      : [ownClass === null ? `The shape ${shape.constructor.name}` : `The load of ${ownClass}`]
  );
  const [name, other] = names;
  if (other !== undefined) {
    throw new UsageError(
      `${name} and ${other} both increase until a threshold is crossed`,
      "Only one load of a run can search for its breaking point: use another curve for the others.",
    );
  }
  if (name === undefined || thresholds.expressions.length > 0) return;
  throw new UsageError(
    `${name} increases the load until a threshold is crossed, but there is none`,
    "Set one: --threshold 'p95<200ms', or export const thresholds = [\"p95<200ms\"].",
  );
}

/** The load that the options and the test file ask for. */
export interface RequestedLoad extends Pick<Options, "given" | "arrivalRate" | "abortOnThreshold"> {
  /** Name of the test file's shape; `null` if it has none. */
  readonly shape: string | null;
  /** Thresholds of the command line and of the test file. */
  readonly thresholds: readonly string[];
  /** Whether one of them ends the run when it is crossed. */
  readonly canAbort: boolean;
  readonly ownLoads: OwnLoads;
}

/** The loads that user classes have of their own. */
interface OwnLoads {
  /** The names of these classes. */
  readonly classes: readonly string[];
  /** Whether no class follows options or a shape. */
  readonly isAll: boolean;
  /** Whether one of the loads is an arrival rate. */
  readonly hasArrivals: boolean;
}

function ownLoadsOf(parts: readonly LoadPart[]): OwnLoads {
  const own = parts.filter(({ ownClass }) => ownClass !== null);
  return {
    classes: own.map(({ ownClass }) => ownClass!),
    isAll: own.length === parts.length,
    hasArrivals: own.some(({ profile }) => isOpen(profile)),
  };
}

/** Options that a shape overrides. */
const DECIDED_BY_SHAPE = ["users", "rate", "runTime", "arrivalRate", "maxUsers"] as const;

/** Options of the closed and of the open model. */
const CLOSED = ["users", "rate"] as const;
const OPEN = ["maxUsers", "arrivals", "onBusy"] as const;

/** Options that apply to classes without a load of their own. */
const SHARED = ["users", "rate", "arrivalRate", "maxUsers", "iterations"] as const;

/** Options that apply to every arrival rate. */
const SPACING = ["arrivals", "onBusy"] as const;

/** Which of the options given have no effect, and why; a sentence each. */
export function ignoredFlags(requested: RequestedLoad): string[] {
  const { abortOnThreshold, canAbort, thresholds, ownLoads } = requested;
  const warnings = [
    ...(ownLoads.isAll ? ignoredByClasses(requested) : ignoredLoadFlags(requested)),
    ...(canAbort ? [] : ignored(requested, ["abortAfter"], "no threshold ends the run.")),
  ];
  return abortOnThreshold && thresholds.length === 0
    ? [...warnings, "--abort-on-threshold is ignored: there is no threshold."]
    : warnings;
}

/** If every class has a load of its own. */
function ignoredByClasses(requested: RequestedLoad): string[] {
  const { shape, ownLoads } = requested;
  const reason = "every user class has a load of its own.";
  return [
    ...(shape === null ? [] : [`The shape ${shape} has no effect: ${reason}`]),
    ...ignored(requested, SHARED, reason),
    ...(ownLoads.hasArrivals ? [] : ignored(requested, SPACING, "no load is an arrival rate.")),
  ];
}

/** If some classes follow the options or a shape. */
function ignoredLoadFlags(requested: RequestedLoad): string[] {
  const { shape, given, arrivalRate, ownLoads: { classes, hasArrivals } } = requested;
  const unlimited = given.has("iterations") && classes.length > 0
    ? [`--iterations does not limit ${listed(classes)}: loads of classes have their own end.`]
    : [];
  if (shape !== null) {
    // Among several loads, --run-time limits all of them.
    const decided = DECIDED_BY_SHAPE.filter((one) => one !== "runTime" || classes.length === 0);
    return [
      ...ignored(requested, decided, `the shape ${shape} determines the load.`),
      ...unlimited,
    ];
  }
  const others = arrivalRate !== null
    ? ignored(requested, CLOSED, "with --arrival-rate, users are started as needed.")
    : ignored(requested, hasArrivals ? ["maxUsers"] : OPEN, "there is no --arrival-rate.");
  return [...others, ...unlimited];
}

function ignored(
  { given }: { readonly given: ReadonlySet<string> },
  names: readonly string[],
  reason: string,
): string[] {
  const flags = names.filter((name) => given.has(name)).map(flagOf);
  if (flags.length === 0) return [];
  return [`${flags.join(", ")} ${flags.length === 1 ? "is" : "are"} ignored: ${reason}`];
}
