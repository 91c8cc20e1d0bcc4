/**
 * The test file: importing it, and finding out what it has.
 *
 * @module
 */

import { extname, resolve } from "node:path";
import { systemClock } from "../core/clock.ts";
import { UsageError } from "../core/errors.ts";
import { Events } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import { Lease } from "../core/lease.ts";
import { LoopTurns } from "../core/loop_turns.ts";
import { systemRandom } from "../core/random.ts";
import type { RunInfo } from "../core/run_info.ts";
import { currentStay, UserStay } from "../core/user_stay.ts";
import { checkShape, LoadUserShape, type ShapeClass } from "../load/load_user_shape.ts";
import { shown } from "../load/target.ts";
import { ThresholdSet } from "../stats/threshold_set.ts";
import {
  discover,
  type DiscoveredClass,
  exportedClassName,
  isTestName,
} from "../user/discovery.ts";
import { nodeContext } from "../user/node_context.ts";
import { Recorder } from "../user/recorder.ts";
import type { User, UserClass } from "../user/user.ts";
import { importError } from "./import_error.ts";

/** What a test file exports, by name. */
export type TestFileExports = Readonly<Record<string, unknown>>;

/** What a test file has to run. */
export interface TestFile {
  readonly userClasses: readonly DiscoveredClass[];
  /** Null where the load is constant. */
  readonly shapeClass: ShapeClass | null;
  /** What must hold for the test to pass; empty where the file says nothing of it. */
  readonly thresholds: ThresholdSet;
}

const EXTENSIONS = [".ts", ".js", ".mts", ".mjs"];

/** Whether there is a file of this name, relative to the working directory or absolute. */
export function isTestFile(host: Host, path: string): Promise<boolean> {
  return host.isFile(resolve(host.cwd, path));
}

/**
 * Imports a test file. Whatever it does at the top of its module, like listening to events, has
 * happened when this resolves.
 *
 * @param path relative to the working directory, or absolute.
 * @throws UsageError where the file is missing, is no module, or throws.
 */
export async function importTestFile(host: Host, path: string): Promise<TestFileExports> {
  const fullPath = resolve(host.cwd, path);
  if (!await isTestFile(host, path)) {
    throw new UsageError(
      `There is no test file ${fullPath}`,
      "Name the test file with -f; aiotest init writes a first one.",
    );
  }
  if (!EXTENSIONS.includes(extname(fullPath))) {
    throw new UsageError(`${fullPath}: a test file ends in ${EXTENSIONS.join(", ")}`);
  }
  try {
    return await host.importModule(fullPath);
  } catch (error) {
    throw importError(fullPath, error);
  }
}

/**
 * Finds the user classes and the shape among a test file's exports. Makes one user of each class, and
 * gives it back at once, to see which tests are fields; so it belongs behind the event `init`, when a
 * constructor may rely on what the test file has read there.
 *
 * @throws UsageError where there is no user class, more than one shape, or one that cannot be run,
 * or where a threshold cannot be read.
 */
export function readTestFile(exports: TestFileExports): TestFile {
  const lifetime = new AbortController();
  try {
    const userClasses = discover(exports, (userClass) => makeProbe(userClass, lifetime.signal));
    return { userClasses, shapeClass: findShape(exports), thresholds: readThresholds(exports) };
  } finally {
    lifetime.abort();
  }
}

function findShape(exports: TestFileExports): ShapeClass | null {
  const shapes = new Set<ShapeClass>();
  for (const [exportName, value] of Object.entries(exports)) {
    if (isShapeClass(value) && isTestName(exportedClassName(value, exportName))) shapes.add(value);
  }
  const [shapeClass = null, ...others] = shapes;
  if (shapeClass === null) return null;
  if (others.length > 0) {
    throw new UsageError(
      `The test file has more than one shape: ${[...shapes].map(({ name }) => name).join(", ")}`,
      "A test has one shape: export only the one to be used.",
    );
  }
  const problem = checkShape(shapeClass);
  if (problem !== null) throw new UsageError(problem);
  return shapeClass;
}

function readThresholds({ thresholds = [] }: TestFileExports): ThresholdSet {
  if (!Array.isArray(thresholds) || !thresholds.every((one) => typeof one === "string")) {
    throw new UsageError(
      `The test file's thresholds are ${shown(thresholds)}, a list of texts is needed`,
      'Like: export const thresholds = ["p95<200ms", "error_rate<1%"];',
    );
  }
  return new ThresholdSet(thresholds, "The test file's threshold");
}

function isShapeClass(value: unknown): value is ShapeClass {
  return typeof value === "function" && value.prototype instanceof LoadUserShape;
}

/** A user that never runs: what it measures, if it does, is dropped. */
function makeProbe(userClass: UserClass, signal: AbortSignal): User {
  const run: RunInfo = { id: "", node: "local", userCount: 0, runTime: 0 };
  const table = { record(): void {}, userError(): void {} };
  const node = nodeContext({
    env: () => undefined,
    host: null,
    insecure: false,
    run,
    clock: systemClock,
    turns: new LoopTurns(),
    lease: Lease.endless(),
    random: systemRandom,
    recorder: new Recorder(table, new Events(), run),
  });
  // What it shares with others is dropped too: nobody is there.
  const stay = new UserStay();
  stay.end();
  return currentStay.run(stay, () => new userClass({ ...node, id: 0, signal, passes: null }));
}
