/**
 * `aiotest compare`: two summaries side by side.
 *
 * @module
 */

import { resolve } from "node:path";
import { UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { VERSION } from "../core/version.ts";
import { compareRuns, comparisonExitCode } from "../report/comparison.ts";
import { comparisonJson } from "../report/comparison_json.ts";
import { comparisonReport } from "../report/comparison_report.ts";
import { consoleAbilities } from "../report/console.ts";
import { COMPARE_SETTINGS, compareFlags, MAX_REGRESSION } from "./compare_settings.ts";
import { parseAll } from "./flag_parser.ts";
import { Sources } from "./sources.ts";
import { readSummaryFile } from "./summary_file.ts";
import { checkWritable } from "./writable.ts";

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
