/**
 * `aiotest compare`: compares two summaries: files of `--json`, or runs of the history.
 *
 * @module
 */

import { atLeastFailed, UsageError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { VERSION } from "../../core/version.ts";
import { compareRuns, comparisonExitCode } from "../../report/compare.ts";
import { comparisonJson, comparisonReport } from "../../report/compare_report.ts";
import { consoleAbilities } from "../../report/console.ts";
import { comparisonMarkdown } from "../../report/markdown.ts";
import { type ComparedRun, readSummary } from "../../report/summary_reader.ts";
import { commandFlags, parseAll } from "../flag_parser.ts";
import { historyEnvironment } from "../history.ts";
import { openOutputs, removeOld, writeOutput } from "../report_files.ts";
import { COMPARE_SETTINGS, type SettingsOf } from "../settings.ts";
import { Sources } from "../sources.ts";
import { parsedSummary, summaryPath } from "../summary_file.ts";

const HELP = "aiotest compare --help";

/**
 * Compares two runs and prints the differences. Resolves with the exit code.
 *
 * @throws UsageError if a file is missing or not a summary, or a flag is invalid.
 */
export async function runCompare(host: Host): Promise<number> {
  const { runs, maxRegression, json, markdown, history } = readArguments(host);
  const files = [
    await summaryPath(host, runs[0], history),
    await summaryPath(host, runs[1], history),
  ] as const;
  const [a, b] = [
    { file: files[0], run: await readSummaryFile(host, files[0]) },
    { file: files[1], run: await readSummaryFile(host, files[1]) },
  ];
  const compared = files.map((path) => ({ what: "one of the two files to compare", path }));
  const requested = Object.entries({ json, markdown })
    .flatMap(([option, path]) => path === null ? [] : [{ option, path }]);
  const outputs = await openOutputs(host, requested, compared);
  for (const output of outputs) removeOld(output);
  const comparison = compareRuns(a.run, b.run, maxRegression);
  const { color } = consoleAbilities(host.stdout, (name) => host.env(name));
  const { columns } = host.stdout;
  host.stdout.write(comparisonReport(comparison, { a, b }, { columns, color }));
  let exitCode = comparisonExitCode(comparison);
  for (const output of outputs) {
    const problem = await writeOutput(
      output,
      () =>
        output.option === "json"
          ? comparisonJson(comparison, { a, b }, VERSION)
          : comparisonMarkdown(comparison, { a, b }),
    );
    if (problem === null) continue;
    host.stderr.write(`aiotest: ${problem}\n`);
    exitCode = atLeastFailed(exitCode);
  }
  return exitCode;
}

interface CompareArguments extends SettingsOf<"compare"> {
  /** Each is a file, or a run of the history. */
  readonly runs: readonly [a: string, b: string];
}

function readArguments(host: Host): CompareArguments {
  const { flags, operands } = parseAll(host.args, commandFlags("compare"), HELP);
  const [, a, b, stray] = operands;
  if (a === undefined || b === undefined) {
    throw new UsageError(
      `compare: expected two summaries, but there is ${a === undefined ? "none" : `only ${a}`}`,
      "Try: aiotest compare before.json after.json, or: aiotest compare last~1 last",
    );
  }
  if (stray !== undefined) {
    throw new UsageError(
      `compare: expected two summaries, but there is a third one: ${stray}`,
      `For all options, run ${HELP}.`,
    );
  }
  // Variables that are set for runs do not apply to their comparison.
  const { values } = new Sources(flags, historyEnvironment(host), null).readAll(COMPARE_SETTINGS);
  return { ...values, runs: [a, b] };
}

/**
 * Reads a summary, and validates what a comparison needs of it.
 *
 * @param path relative to the working directory.
 * @throws UsageError if the file is missing, not a summary, or one that cannot be compared.
 */
export async function readSummaryFile(host: Host, path: string): Promise<ComparedRun> {
  return readSummary(await parsedSummary(host, path), path);
}
