/**
 * `aiotest compare`: two summaries side by side.
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
import { compareFlags, parseAll } from "../flag_parser.ts";
import { checkWritable } from "../report_files.ts";
import { COMPARE_SETTINGS, MAX_REGRESSION } from "../settings.ts";
import { Sources } from "../sources.ts";

// The summaries that `--json` has written, read again.

/**
 * Reads a summary, as far as a comparison needs it.
 *
 * @param path relative to the working directory.
 * @throws UsageError where there is no such file, it is no summary, or one that cannot be compared.
 */
export async function readSummaryFile(host: Host, path: string): Promise<ComparedRun> {
  const content = parse(path, await readText(host, path));
  if (!isRecord(content) || !("schema" in content) || !("aiotest" in content)) {
    throw new UsageError(`${path} is no summary of a run`, HINT);
  }
  if (content.schema !== SCHEMA) {
    const schema = JSON.stringify(content.schema);
    throw new UsageError(
      `${path} has schema ${schema}, and this version of aiotest reads schema ${SCHEMA}`,
      "Both runs have to be of versions whose summaries are alike.",
    );
  }
  if ("maxRegression" in content) {
    throw new UsageError(`${path} is a comparison, and no summary of a run`, HINT);
  }
  if (isRecord(content.totals) && !("histogram" in content.totals)) {
    throw new UsageError(
      `${path} was written by aiotest ${content.aiotest}, and has no histograms`,
      "Runs can be compared from the version on that writes them.",
    );
  }
  const problem = problemOf(content, SUMMARY, "");
  if (problem !== null) throw new UsageError(`${path} is no summary of a run: ${problem}`, HINT);
  // What the shape says has been found there.
  return content as unknown as ComparedRun;
}

const SCHEMA = 1;
const HINT = "A file is needed that aiotest has written with --json.";

async function readText(host: Host, path: string): Promise<string> {
  const fullPath = resolve(host.cwd, path);
  if (!await host.isFile(fullPath)) throw new UsageError(`there is no file ${fullPath}`, HINT);
  try {
    return await host.readTextFile(fullPath);
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${errorText(error)}`, "", error);
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser quotes the text around the error, line ends included.
    const reason = (error as SyntaxError).message.replaceAll(/\s+/g, " ");
    throw new UsageError(`${path} is not JSON: ${reason}`, HINT, error);
  }
}

/** What a value has to be: one of these, a list of one shape, or an object with at least these fields. */
type Shape = Kind | readonly [Shape] | { readonly [name: string]: Shape };
type Kind = keyof typeof KINDS;

const KINDS = {
  "a text": (value: unknown) => typeof value === "string",
  "a text or null": (value: unknown) => value === null || typeof value === "string",
  "local or distributed": (value: unknown) => value === "local" || value === "distributed",
  "true or false": (value: unknown) => typeof value === "boolean",
  "a number of 0 or more": isAmount,
  "a number of 0 or more, or null": (value: unknown) => value === null || isAmount(value),
  "a whole number of 0 or more": isCount,
  "a second of a run": (value: unknown) => isCount(value) && (value as number) < LONGEST_RUN_S,
  "a histogram": (value: unknown) => typeof value === "string" && isHistogram(value),
} satisfies Record<string, (value: unknown) => boolean>;

/** Seconds of four months: no run takes longer, and a list of so many fits into memory. */
const LONGEST_RUN_S = 1e7;

const TOTALS = {
  requests: "a whole number of 0 or more",
  failures: "a whole number of 0 or more",
  errorRate: "a number of 0 or more",
  rate: "a number of 0 or more",
  latencyMs: {
    mean: "a number of 0 or more, or null",
    p50: "a number of 0 or more, or null",
    p95: "a number of 0 or more, or null",
    p99: "a number of 0 or more, or null",
  },
  histogram: "a histogram",
} satisfies Shape;

const SUMMARY: Shape = {
  runId: "a text",
  startedAt: "a text or null",
  mode: "local or distributed",
  durationSeconds: "a number of 0 or more",
  complete: "true or false",
  users: { peak: "a whole number of 0 or more" },
  totals: TOTALS,
  requests: [{ method: "a text", name: "a text", ...TOTALS }],
  timeline: [{
    second: "a second of a run",
    requests: "a whole number of 0 or more",
    failures: "a whole number of 0 or more",
    p50: "a number of 0 or more, or null",
    p95: "a number of 0 or more, or null",
    p99: "a number of 0 or more, or null",
  }],
};

/** What is wrong with a value, by its place; null where nothing is. */
function problemOf(value: unknown, shape: Shape, place: string): string | null {
  if (typeof shape === "string") {
    return KINDS[shape](value) ? null : `${place} has to be ${shape}`;
  }
  if (isList(shape)) {
    if (!Array.isArray(value)) return `${place} has to be a list`;
    return firstProblem(
      value.entries(),
      ([at, item]) => problemOf(item, shape[0], `${place}[${at}]`),
    );
  }
  if (!isRecord(value)) return `${place} has to be an object`;
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

function isList(shape: Exclude<Shape, Kind>): shape is readonly [Shape] {
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

const HELP = "aiotest compare --help";

/** Nothing is taken from the environment: what is set there for runs is not meant for their comparison. */
const NO_ENVIRONMENT = { env: (): undefined => undefined };

/**
 * Compares the runs of two summary files, and prints how they differ. Resolves with the exit code.
 *
 * @throws UsageError where a file is missing or no summary, or a flag is no good.
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

interface CompareArguments {
  readonly maxRegression: number;
  readonly json: string | null;
  readonly files: readonly [a: string, b: string];
}

function readArguments(host: Host): CompareArguments {
  const { flags, operands } = parseAll(host.args, compareFlags(), HELP);
  const [, a, b, stray] = operands;
  if (a === undefined || b === undefined) {
    throw new UsageError(
      `compare: two summaries are needed, and ${a === undefined ? "none" : `only ${a}`} is given`,
      "Try: aiotest compare before.json after.json",
    );
  }
  if (stray !== undefined) {
    throw new UsageError(
      `compare: two summaries are needed, and ${stray} is a third one`,
      `${HELP} shows the options.`,
    );
  }
  const { values } = new Sources(flags, NO_ENVIRONMENT, null).readAll(COMPARE_SETTINGS);
  const { maxRegression, json } = values;
  if (json !== null && [a, b].some((file) => resolve(host.cwd, file) === resolve(host.cwd, json))) {
    throw new UsageError(`--json ${json}: this file is one of those that are compared`);
  }
  return { maxRegression: maxRegression ?? MAX_REGRESSION, json, files: [a, b] };
}
