/**
 * `aiotest compare`: compares two summaries that `--json` has written.
 *
 * @module
 */

import { resolve } from "node:path";
import { errorText, UsageError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { VERSION } from "../../core/version.ts";
import {
  compareRuns,
  comparisonExitCode,
  comparisonJson,
  comparisonReport,
} from "../../report/compare.ts";
import type { ComparedRun } from "../../report/compare_stats.ts";
import { consoleAbilities } from "../../report/console.ts";
import { histogramOf } from "../../report/summary.ts";
import { commandFlags, parseAll } from "../flag_parser.ts";
import { checkWritable } from "../report_files.ts";
import { COMPARE_SETTINGS, type SettingsOf } from "../settings.ts";
import { Sources } from "../sources.ts";

const HELP = "aiotest compare --help";

/** Variables that are set for runs do not apply to their comparison. */
const NO_ENVIRONMENT = { env: (): undefined => undefined };

/**
 * Compares the runs of two summary files and prints the differences. Resolves with the exit code.
 *
 * @throws UsageError if a file is missing or not a summary, or a flag is invalid.
 */
export async function runCompare(host: Host): Promise<number> {
  const { files, maxRegression, json } = readArguments(host);
  const [a, b] = [
    { file: files[0], run: await readSummaryFile(host, files[0]) },
    { file: files[1], run: await readSummaryFile(host, files[1]) },
  ];
  if (json !== null) await checkWritable(host, "json", json);
  const comparison = compareRuns(a.run, b.run, maxRegression);
  const { color } = consoleAbilities(host.stdout, (name) => host.env(name));
  const { columns } = host.stdout;
  host.stdout.write(comparisonReport(comparison, { a, b }, { columns, color }));
  if (json !== null) {
    await host.writeTextFile(json, comparisonJson(comparison, { a, b }, VERSION));
  }
  return comparisonExitCode(comparison);
}

interface CompareArguments extends SettingsOf<"compare"> {
  readonly files: readonly [a: string, b: string];
}

function readArguments(host: Host): CompareArguments {
  const { flags, operands } = parseAll(host.args, commandFlags("compare"), HELP);
  const [, a, b, stray] = operands;
  if (a === undefined || b === undefined) {
    throw new UsageError(
      `compare: expected two summaries, but there is ${a === undefined ? "none" : `only ${a}`}`,
      "Try: aiotest compare before.json after.json",
    );
  }
  if (stray !== undefined) {
    throw new UsageError(
      `compare: expected two summaries, but there is a third one: ${stray}`,
      `For all options, run ${HELP}.`,
    );
  }
  const { values } = new Sources(flags, NO_ENVIRONMENT, null).readAll(COMPARE_SETTINGS);
  const { json } = values;
  if (json !== null && [a, b].some((file) => resolve(host.cwd, file) === resolve(host.cwd, json))) {
    throw new UsageError(`--json ${json}: this file is one of the two to compare`);
  }
  return { ...values, files: [a, b] };
}

/**
 * Reads a summary, and validates what a comparison needs of it.
 *
 * @param path relative to the working directory.
 * @throws UsageError if the file is missing, not a summary, or one that cannot be compared.
 */
export async function readSummaryFile(host: Host, path: string): Promise<ComparedRun> {
  const content = parse(path, await readText(host, path));
  if (!isRecord(content) || !("schema" in content) || !("aiotest" in content)) {
    throw new UsageError(`${path} is not a summary of a run`, HINT);
  }
  if (content.schema !== SCHEMA) {
    const schema = JSON.stringify(content.schema);
    throw new UsageError(
      `${path} has schema ${schema}, but this version of aiotest reads schema ${SCHEMA}`,
      "Compare runs of versions that write the same schema.",
    );
  }
  if ("maxRegression" in content) {
    throw new UsageError(`${path} is a comparison, not a summary of a run`, HINT);
  }
  if (isRecord(content.totals) && !("histogram" in content.totals)) {
    throw new UsageError(
      `${path} was written by aiotest ${content.aiotest}, which did not write histograms`,
      "Repeat the run with a newer version.",
    );
  }
  const problem = problemOf(content, SUMMARY, "");
  if (problem !== null) throw new UsageError(`${path} is not a summary of a run: ${problem}`, HINT);
  // The shape has been checked.
  return content as unknown as ComparedRun;
}

const SCHEMA = 1;
const HINT = "Compare files that aiotest has written with --json.";

async function readText(host: Host, path: string): Promise<string> {
  const fullPath = resolve(host.cwd, path);
  if (!await host.isFile(fullPath)) throw new UsageError(`file not found: ${fullPath}`, HINT);
  try {
    return await host.readTextFile(fullPath);
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${errorText(error)}`, "", error);
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser quotes the text around the error, including line breaks.
    const reason = (error as SyntaxError).message.replaceAll(/\s+/g, " ");
    throw new UsageError(`${path} is not valid JSON: ${reason}`, HINT, error);
  }
}

/** What a value must be: of a type, a list of one shape, or an object with at least these fields. */
type Shape = ValueType | readonly [Shape] | { readonly [name: string]: Shape };
type ValueType = keyof typeof VALUE_TYPES;

const VALUE_TYPES = {
  "a text": (value: unknown) => typeof value === "string",
  "a text or null": (value: unknown) => value === null || typeof value === "string",
  "local or distributed": (value: unknown) => value === "local" || value === "distributed",
  "true or false": (value: unknown) => typeof value === "boolean",
  "a number of at least 0": isAmount,
  "a number of at least 0, or null": (value: unknown) => value === null || isAmount(value),
  "a whole number of at least 0": isCount,
  "a second of a run": (value: unknown) => isCount(value) && (value as number) < LONGEST_RUN_S,
  "a histogram": (value: unknown) => typeof value === "string" && isHistogram(value),
} satisfies Record<string, (value: unknown) => boolean>;

/** Four months, in seconds: no run takes longer, and a list of that many seconds fits into memory. */
const LONGEST_RUN_S = 1e7;

const TOTALS = {
  requests: "a whole number of at least 0",
  failures: "a whole number of at least 0",
  errorRate: "a number of at least 0",
  rate: "a number of at least 0",
  latencyMs: {
    mean: "a number of at least 0, or null",
    p50: "a number of at least 0, or null",
    p95: "a number of at least 0, or null",
    p99: "a number of at least 0, or null",
  },
  histogram: "a histogram",
} satisfies Shape;

const SUMMARY: Shape = {
  runId: "a text",
  startedAt: "a text or null",
  mode: "local or distributed",
  durationSeconds: "a number of at least 0",
  complete: "true or false",
  users: { peak: "a whole number of at least 0" },
  totals: TOTALS,
  requests: [{ method: "a text", name: "a text", ...TOTALS }],
  timeline: [{
    second: "a second of a run",
    requests: "a whole number of at least 0",
    failures: "a whole number of at least 0",
    p50: "a number of at least 0, or null",
    p95: "a number of at least 0, or null",
    p99: "a number of at least 0, or null",
  }],
};

/** What is wrong with a value, and where in the file; `null` if it is valid. */
function problemOf(value: unknown, shape: Shape, place: string): string | null {
  if (typeof shape === "string") {
    return VALUE_TYPES[shape](value) ? null : `${place} must be ${shape}`;
  }
  if (isList(shape)) {
    if (!Array.isArray(value)) return `${place} must be a list`;
    return firstProblem(
      value.entries(),
      ([at, item]) => problemOf(item, shape[0], `${place}[${at}]`),
    );
  }
  if (!isRecord(value)) return `${place} must be an object`;
  const prefix = place === "" ? "" : `${place}.`;
  return firstProblem(
    Object.entries(shape),
    ([name, part]) => problemOf(value[name], part, `${prefix}${name}`),
  );
}

function firstProblem<Item>(
  items: Iterable<Item>,
  find: (item: Item) => string | null,
): string | null {
  for (const item of items) {
    const problem = find(item);
    if (problem !== null) return problem;
  }
  return null;
}

function isList(shape: Exclude<Shape, ValueType>): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isHistogram(text: string): boolean {
  try {
    histogramOf(text);
    return true;
  } catch {
    return false;
  }
}
