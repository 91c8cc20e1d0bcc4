/**
 * Imports the test file, finds its user classes, shape and thresholds, and describes what is wrong with it
 * by its own paths and lines.
 *
 * @module
 */

import { extname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import {
  type Clock,
  EventLoopMonitor,
  systemClock,
  systemRandom,
  type Timer,
} from "../core/clock.ts";
import { errorFields, errorText, isError, UsageError } from "../core/errors.ts";
import { Events } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import { Lease } from "../core/lease.ts";
import { PauseGate } from "../core/pause_gate.ts";
import { logger } from "../core/logger.ts";
import type { RunInfo } from "../core/run_info.ts";
import { didYouMean, nearestWord } from "../core/spelling.ts";
import { listed, shown } from "../core/text.ts";
import type { ThresholdRule } from "../core/threshold_rule.ts";
import { fileFrames, isOwnFrame, userFrame } from "../core/user_code.ts";
import { currentUser, UserLifetime } from "../core/user_lifetime.ts";
import { DEFAULT_CONNECTIONS } from "../http/shared_http_state.ts";
import {
  checkShape,
  LoadUserShape,
  type ShapeClass,
  shapeWarnings,
} from "../load/load_user_shape.ts";
import { misspelledShapeMembers } from "../load/shape_members.ts";
import { ThresholdSet } from "../stats/thresholds.ts";
import { nodeContext } from "../user/context.ts";
import {
  discover,
  type DiscoveredClass,
  exportedClassName,
  isClass,
  isTestClassName,
  oldClassName,
  type Warn,
  wasTestName,
} from "../user/discovery.ts";
import type { TestFunctions } from "../runner/setup_teardown.ts";
import { ErrorPlaces } from "../user/error_places.ts";
import { type DeclaredMetric, metrics } from "../user/metrics.ts";
import { STREAM_METRICS } from "../user/streams.ts";
import { closeMetrics } from "../user/websocket_metrics.ts";
import { NO_OBSERVERS } from "../user/observers.ts";
import { Recorder } from "../user/recorder.ts";
import { TestStarts } from "../user/test_starts.ts";
import type { User, UserClass } from "../user/user.ts";
import { UserRequests } from "../user/user_requests.ts";
import * as aiotest from "../../mod.ts";
import { misspelledExports } from "./misspelled_exports.ts";

/** The exports of a test file, by name. */
export type TestFileExports = Readonly<Record<string, unknown>>;

/** The parts of a test file that a run needs. */
export interface TestFile {
  readonly userClasses: readonly DiscoveredClass[];
  /** `null` if the load is constant. */
  readonly shapeClass: ShapeClass | null;
  /** Empty if the file has none. */
  readonly thresholds: ThresholdSet;
  /** The metrics that it has made. */
  readonly metrics: readonly DeclaredMetric[];
  readonly functions: TestFunctions;
  /** What is probably misspelled, a sentence each. */
  readonly warnings: readonly string[];
}

const EXTENSIONS = [".ts", ".js", ".mts", ".mjs"];

/** Whether there is a file of this name, relative to the working directory or absolute. */
export function isTestFile(host: Host, path: string): Promise<boolean> {
  return host.isFile(resolve(host.cwd, path));
}

/** An import that takes longer is logged, in milliseconds. */
const SLOW_IMPORT_MS = 3_000;

/**
 * Imports a test file, which runs its top-level code, such as event listeners.
 *
 * @param path relative to the working directory, or absolute.
 * @param limitSeconds how long it may take; 0 or `Infinity` for no limit.
 * @throws UsageError if the file is missing, is not a module, throws, or takes too long.
 */
export async function importTestFile(
  host: Host,
  path: string,
  limitSeconds: number,
  clock: Pick<Clock, "setTimer" | "clearTimer"> = systemClock,
): Promise<TestFileExports> {
  const fullPath = resolve(host.cwd, path);
  if (!await isTestFile(host, path)) {
    if ((await host.listFolder(fullPath)).length > 0) {
      throw new UsageError(`${fullPath} is a directory`, "Name a test file in it with -f.");
    }
    throw new UsageError(
      `Test file not found: ${fullPath}`,
      "Name a test file with -f, or create a first one with aiotest init.",
    );
  }
  if (!EXTENSIONS.includes(extname(fullPath))) {
    throw new UsageError(
      `${fullPath}: the name of a test file must end in ${EXTENSIONS.join(", ")}`,
    );
  }
  const timers: Timer[] = [];
  try {
    const exports = await new Promise<TestFileExports>((resolve, reject) => {
      timers.push(
        clock.setTimer(() => logger.info(`Still importing ${fullPath}.`), SLOW_IMPORT_MS),
      );
      if (limitSeconds > 0 && limitSeconds < Infinity) {
        // While this timer is set, the runtime does not end because nothing is left to wait for.
        const overdue = (): void => reject(new ImportOverdue(fullPath, limitSeconds));
        timers.push(clock.setTimer(overdue, limitSeconds * 1000));
      }
      host.importModule(fullPath).then(resolve, reject);
    });
    // A promise that the file has left rejected is an error of the import. Later ones are a run's own.
    await host.rejectionsReported();
    return exports;
  } catch (error) {
    throw error instanceof ImportOverdue ? error : importError(fullPath, error);
  } finally {
    for (const timer of timers) clock.clearTimer(timer);
  }
}

/** The import of a test file takes too long. */
class ImportOverdue extends UsageError {
  constructor(path: string, limitSeconds: number) {
    super(
      `${path}: the import has not ended after ${limitSeconds} s`,
      "An await outside of functions, in this file or in one that it imports, waits for too long, or " +
        "for something that never happens. --import-timeout sets the limit.",
    );
  }
}

/**
 * Finds the user classes, the shape, the thresholds and the functions of a test file. Creates one user of each class, and
 * discards it, to find tests that are fields. Therefore it must be called after the event `init`, because
 * constructors may use what the test file has loaded there.
 *
 * @throws UsageError if there is no user class or more than one shape, or if the shape or a threshold is
 * invalid, or if one of the functions is none.
 */
export function readTestFile(exports: TestFileExports): TestFile {
  const lifetime = new AbortController();
  try {
    const warnings = misspelledExports(exports);
    const warn = (text: string): void => void warnings.push(text);
    const userClasses = discover(
      exports,
      (userClass) => makeProbe(userClass, lifetime.signal),
      warn,
    );
    return {
      userClasses,
      shapeClass: findShape(exports, warn),
      thresholds: readThresholds(exports),
      metrics: [...metrics.declared, ...STREAM_METRICS, ...closeMetrics(metrics.declared)],
      functions: {
        setup: readFunction(exports, "setup"),
        teardown: readFunction(exports, "teardown"),
      },
      warnings,
    };
  } finally {
    lifetime.abort();
  }
}

function findShape(exports: TestFileExports, warn: Warn): ShapeClass | null {
  const shapes = new Set<ShapeClass>();
  const misnamed: ShapeClass[] = [];
  for (const [exportName, value] of Object.entries(exports)) {
    if (!isShapeClass(value)) continue;
    const name = exportedClassName(value, exportName);
    if (!isTestClassName(name) && wasTestName(name)) warn(oldClassName(name));
    if (isTestClassName(name) || wasTestName(name)) shapes.add(value);
    else misnamed.push(value);
  }
  for (const { name } of misnamed) {
    if (shapes.size > 0) break;
    warn(
      `${name} extends LoadUserShape, but its name neither starts nor ends with Test, so it is not used.`,
    );
  }
  const [shapeClass = null, ...others] = shapes;
  if (shapeClass === null) return null;
  if (others.length > 0) {
    throw new UsageError(
      `The test file has more than one shape: ${[...shapes].map(({ name }) => name).join(", ")}`,
      "Export only the one to use.",
    );
  }
  const misspelled = misspelledShapeMembers(shapeClass);
  const problem = checkShape(shapeClass);
  if (problem !== null) throw new UsageError(problem, misspelled.join("\n"));
  for (const text of [...misspelled, ...shapeWarnings(shapeClass)]) warn(text);
  return shapeClass;
}

function readThresholds({ thresholds = [] }: TestFileExports): ThresholdSet {
  if (!Array.isArray(thresholds)) throw invalidThresholds(thresholds, "a list");
  for (const one of thresholds) checkThreshold(one);
  return new ThresholdSet(thresholds, "The test file's threshold");
}

/** What an object in the thresholds may have. */
const RULE: Readonly<Record<keyof ThresholdRule, { types: readonly string[]; expected: string }>> =
  {
    threshold: { types: ["string"], expected: "a string like p95<200ms" },
    abort: { types: ["boolean", "undefined"], expected: "true or false" },
    after: { types: ["number", "string", "undefined"], expected: "seconds, or a text like 10s" },
  };

/** What other programs call these properties. */
const OTHER_RULES: ReadonlyMap<string, keyof ThresholdRule> = new Map([
  ["abortOnFail", "abort"],
  ["delayAbortEval", "after"],
]);

/** @throws UsageError if it is neither a string nor a {@link ThresholdRule}. */
function checkThreshold(one: unknown): void {
  if (typeof one === "string") return;
  if (typeof one !== "object" || one === null) {
    throw invalidThresholds(one, "strings and objects");
  }
  for (const name of Object.keys(one)) {
    if (name in RULE) continue;
    const meant = OTHER_RULES.get(name);
    throw invalidThresholds(
      one,
      `${meant === undefined ? "" : `${meant} instead of ${name}: `}threshold, abort and after`,
    );
  }
  for (const [name, { types, expected }] of Object.entries(RULE)) {
    const value = (one as Record<string, unknown>)[name];
    if (!types.includes(typeof value)) throw invalidThresholds(one, `${name} to be ${expected}`);
  }
}

function invalidThresholds(value: unknown, expected: string): UsageError {
  return new UsageError(
    `Invalid thresholds in the test file: ${shown(value)}; expected ${expected}`,
    'Example: export const thresholds = ["p95<200ms", { threshold: "error_rate<1%", abort: true }];',
  );
}

/** A function that a test file may export; `null` if it does not. */
function readFunction(
  exports: TestFileExports,
  name: keyof TestFunctions,
): ((data?: unknown) => unknown) | null {
  const value = exports[name];
  if (value === undefined) return null;
  if (typeof value === "function" && !isClass(value)) return value as () => unknown;
  throw new UsageError(
    `Invalid ${name} in the test file: ${shown(value)}; expected a function`,
    `Example: export async function ${name}(${name === "setup" ? "" : "data"}) { … }`,
  );
}

function isShapeClass(value: unknown): value is ShapeClass {
  return typeof value === "function" && value.prototype instanceof LoadUserShape;
}

/** Creates a user that never runs. What it measures is discarded. */
function makeProbe(userClass: UserClass, signal: AbortSignal): User {
  const table = {
    record(): void {},
    unfinished(): void {},
    userError(): void {},
    group(): void {},
    unfinishedGroup(): void {},
    check(): void {},
    traced(): void {},
    completions: { count: 0 },
  };
  const run: RunInfo = {
    id: "",
    node: "local",
    host: null,
    userCount: 0,
    runTime: 0,
    data: null,
    stop(): void {},
    fail(): void {},
    annotate(): void {},
  };
  const node = nodeContext({
    env: () => undefined,
    host: null,
    connections: DEFAULT_CONNECTIONS,
    run,
    clock: systemClock,
    eventLoop: new EventLoopMonitor(),
    lease: Lease.endless(),
    pauseGate: new PauseGate(),
    activity: new Int32Array(1),
    testStarts: new TestStarts([]),
    random: systemRandom,
    observers: NO_OBSERVERS,
    recorder: new Recorder(table, userClass.name, {
      events: new Events(),
      run,
      clock: systemClock,
      places: new ErrorPlaces("."),
      observers: [],
      onLocalFailure: () => {},
      onUnprepared: () => {},
    }),
  });
  const progress = { iterations: 0, isStopping: false };
  // Its lifetime has ended, so its calls to shared services are ignored as well.
  const lifetime = new UserLifetime();
  lifetime.end();
  return currentUser.run(
    lifetime,
    () =>
      new userClass({
        ...node,
        id: 0,
        signal,
        iterationSlot: null,
        progress,
        requests: new UserRequests(node.recorder, 0, progress),
      }),
  );
}

/** SHA-256 of a test file's text, as hexadecimal digits. Nodes compare it to detect different files. */
export async function testFileHash(host: Host, path: string): Promise<string> {
  const bytes = await host.readFile(resolve(host.cwd, path));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** The start of a message from the runtime's parser. */
const UNPARSABLE = "SyntaxError: ";

/**
 * Describes why the import of a test file failed, as `path:line:column: message`. The runtime's own errors
 * contain colours, file URLs, and a stack through aiotest.
 *
 * @param path the test file's full path.
 * @param isExecutable whether this is the executable, which contains only its own packages.
 */
export function importError(
  path: string,
  thrown: unknown,
  isExecutable = Deno.build.standalone,
): UsageError {
  if (!isError(thrown)) return threw(path, errorText(thrown), thrown);
  const { name, message, stack } = errorFields(thrown);
  const { text, place } = splitMessage(message);
  const at = place ?? path;
  if (text.startsWith(UNPARSABLE)) {
    return syntaxError(at, text.slice(UNPARSABLE.length), thrown);
  }
  // Code that parses JSON may throw a SyntaxError as well, but without a place in the message.
  if (name === "SyntaxError" && place !== null) {
    return text.includes("does not provide an export")
      ? importFailed(at, text, thrown, isExecutable)
      : syntaxError(at, text, thrown);
  }
  if (thrown instanceof TypeError && "code" in thrown && thrown.code === "ERR_MODULE_NOT_FOUND") {
    return importFailed(at, text, thrown, isExecutable);
  }
  return threw(placeOfThrow(stack) ?? path, described(name, text), thrown);
}

/** The error to show for what code of the test file has thrown; `null` if aiotest has thrown it. */
export function testFileError(thrown: unknown): UsageError | null {
  // aiotest throws nothing but errors.
  if (!isError(thrown)) return new UsageError(`The test file threw ${errorText(thrown)}`);
  const { name, message, stack } = errorFields(thrown);
  const [place] = fileFrames(stack);
  if (place === undefined || isOwnFrame(place)) return null;
  const { text } = splitMessage(message);
  return new UsageError(`${withPaths(place)}: ${described(name, text)}`, "", thrown);
}

function described(name: string, text: string): string {
  return text === "" ? name : `${name}: ${text}`;
}

function syntaxError(place: string, text: string, cause: Error): UsageError {
  return new UsageError(`${place}: syntax error: ${text}`, "", cause);
}

function importFailed(
  place: string,
  text: string,
  cause: Error,
  isExecutable: boolean,
): UsageError {
  const [, specifier = "", name = ""] = MISSING_EXPORT.exec(text) ?? [];
  if (AIOTEST.test(specifier)) {
    return new UsageError(
      `${place}: import failed: aiotest does not export ${name}`,
      exportHint(name),
      cause,
    );
  }
  const missing = NOT_EMBEDDED.exec(text)?.[1];
  if (missing !== undefined) {
    return new UsageError(
      `${place}: import failed: ${missing} is not part of the executable`,
      BUNDLE_HINT,
      cause,
    );
  }
  const bare = /^Import "([^"]+)" not a dependency/.exec(text)?.[1];
  if (bare === undefined) {
    return new UsageError(`${place}: import failed: ${withoutDetails(text)}`, "", cause);
  }
  const [tool, page] = OTHER_TOOLS.find(([, , names]) => names.test(bare)) ?? [];
  if (tool !== undefined) {
    return new UsageError(
      `${place}: import failed: ${bare} is part of ${tool}, whose scripts aiotest cannot run`,
      `docs/${page} shows what to write instead.`,
      cause,
    );
  }
  return new UsageError(
    `${place}: import failed: ${bare} is neither a file nor a known package`,
    isExecutable
      ? `${BUNDLE_HINT}\nTo import a file in the same directory, write "./${bare}".`
      : `To import an npm package, write "npm:${bare}"; to import a file in the same directory, "./${bare}".`,
    cause,
  );
}

/** Modules of other load generators, by their names, and the page about each. */
const OTHER_TOOLS: readonly (readonly [tool: string, page: string, names: RegExp])[] = [
  ["k6", "from-k6.md", /^k6(?:\/|$)/],
  ["Locust", "from-locust.md", /^locust(?:\/|$)/],
  ["Gatling", "from-gatling.md", /^@gatling\.io\//],
  ["Artillery", "from-artillery.md", /^artillery(?:[-/]|$)/],
];

/** What the runtime of the executable says about `npm:` packages that are not embedded. */
const NOT_EMBEDDED = /^Could not find constraint '(.+)' in the list of packages/;

const BUNDLE_HINT =
  "The executable does not read node_modules and does not download packages. Bundle those that the test\n" +
  "needs into it, such as with: deno bundle --external aiotest -o bundle.js FILE";

/** What the runtime says if a module lacks what is imported from it. */
const MISSING_EXPORT = /^The requested module '(.+)' does not provide an export named '(.+)'$/;

/** How test files import aiotest. */
const AIOTEST = /^(?:aiotest|jsr:@[^/]+\/aiotest(?:@[^/]*)?)$/;

/** Names of other programs' modules, and of older versions. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["httplocust", "HttpUser"],
  ["fasthttplocust", "FastHttpUser"],
  ["locust", "User"],
  ["loadtestshape", "LoadUserShape"],
  ["loadshape", "LoadUserShape"],
  ["task", "weight"],
  ["counter", "metrics"],
  ["gauge", "metrics"],
  ["rate", "metrics"],
  ["trend", "metrics"],
]);

function exportHint(name: string): string {
  if (name === "default") {
    return 'aiotest has no default export. Name what you import: import { FastHttpUser } from "aiotest".';
  }
  const names = Object.keys(aiotest);
  return didYouMean(
    nearestWord(name, names, { otherNames: OTHER_NAMES }),
    `It exports ${listed(names)}, and types.`,
  );
}

function threw(place: string, text: string, cause: unknown): UsageError {
  const hint = COMMON_JS.test(text) ? "A test file is an ES module: use import and export." : "";
  return new UsageError(`${place}: error during import: ${text}`, hint, cause);
}

/** What CommonJS modules use, and ES modules do not have. */
const COMMON_JS = /^ReferenceError: (?:require|module|exports|__dirname|__filename) is not defined/;

/** A message without colours, and the place at its end, if there is one. */
function splitMessage(message: string): { readonly text: string; readonly place: string | null } {
  const plain = stripVTControlCharacters(message).trimEnd();
  // With an import map, the runtime names the same place twice.
  const end = /(?:\s+at \w+:\/\/\S+:\d+:\d+)+$/.exec(plain);
  if (end === null) return { text: withPaths(plain), place: null };
  const [, place = ""] = end[0].trim().split(/\s*\bat /);
  return { text: withPaths(plain.slice(0, end.index)), place: withPaths(place.trim()) };
}

/** Removes hints that apply only to the runtime's command line, and all causes but the first. */
function withoutDetails(text: string): string {
  return text
    .replaceAll(/\n\s*hint: .*/g, "")
    .replace(/\n\s*0: /, " ")
    .replaceAll(/\n\s*\d+: .*/g, "");
}

/** The place in the user's own code at which an error was thrown. */
function placeOfThrow(stack: string): string | null {
  const frame = userFrame(stack);
  return frame === null ? null : withPaths(frame);
}

function withPaths(text: string): string {
  return text.replaceAll(/file:\/\/[^\s"')]+/g, (url) => {
    // Line and column are not part of the path, but survive the conversion.
    return URL.canParse(url) ? fileURLToPath(url) : url;
  });
}
