import type { FeederMode, FeederOptions, RowFile, WhenEmpty } from "../core/cluster.ts";

/** A feeder as the test file has made it. */
export interface FeederDefinition {
  readonly name: string;
  readonly rows: readonly unknown[] | RowFile;
  readonly mode: FeederMode;
  readonly onEmpty: WhenEmpty;
}

const MODES: readonly unknown[] = ["unique", "circular", "random"] satisfies FeederMode[];
const WHEN_EMPTY: readonly unknown[] = ["stop", "wait", "throw"] satisfies WhenEmpty[];

/**
 * What a test file wants of a feeder, with all that it left out.
 *
 * ```ts
 * import { feederDefinition } from "./feeder_definition.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(
 *   feederDefinition("names", ["ann"], {}),
 *   { name: "names", rows: ["ann"], mode: "unique", onEmpty: "stop" },
 * );
 * assert.throws(
 *   () => feederDefinition("names", ["ann"], { mode: "circular", onEmpty: "wait" }),
 *   /^TypeError: feeder names: onEmpty is only for the mode unique/,
 * );
 * ```
 *
 * @throws TypeError where an argument makes no sense.
 */
export function feederDefinition(
  name: string,
  rows: readonly unknown[] | RowFile,
  { mode = "unique", onEmpty }: FeederOptions,
): FeederDefinition {
  const fail = (why: string): never => {
    throw new TypeError(`feeder ${name}: ${why}`);
  };
  if (!MODES.includes(mode)) fail(`mode must be one of ${MODES.join(", ")}`);
  if (onEmpty !== undefined) {
    if (!WHEN_EMPTY.includes(onEmpty)) fail(`onEmpty must be one of ${WHEN_EMPTY.join(", ")}`);
    if (mode !== "unique") fail("onEmpty is only for the mode unique");
  }
  if (!Array.isArray(rows) && !isRowFile(rows)) fail("rows must be a list, csv(…) or jsonl(…)");
  return { name, rows, mode, onEmpty: onEmpty ?? "stop" };
}

function isRowFile(rows: unknown): boolean {
  const { format, path } = Object(rows);
  return (format === "csv" || format === "jsonl") && typeof path === "string";
}
