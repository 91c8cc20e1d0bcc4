/**
 * `aiotest report`: makes reports from the summary of a run: a file of `--json`, or a run of the history.
 *
 * @module
 */

import { ExitCode, UsageError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { consoleAbilities, reportColumns } from "../../report/console.ts";
import { finalReport } from "../../report/final_report.ts";
import { readRun, type SummarizedRun } from "../../report/summary_snapshot.ts";
import { commandFlags, parseAll } from "../flag_parser.ts";
import { historyEnvironment } from "../history.ts";
import { openOutputs, removeOld, requestedFiles, writeOutput } from "../report_files.ts";
import { REPORT_SETTINGS, type SettingsOf } from "../settings.ts";
import { Sources } from "../sources.ts";
import { parsedSummary, summaryPath } from "../summary_file.ts";

const HELP = "aiotest report --help";

/**
 * Prints the tables of a run, and writes the reports that are asked for. Resolves with the exit code, which says
 * whether they could be written: that of the run is in the verdict.
 *
 * @throws UsageError if the file is missing or not a summary, or a flag is invalid.
 */
export async function runReport(host: Host): Promise<number> {
  const { file: argument, ...options } = readArguments(host);
  const file = await summaryPath(host, argument, options.history);
  const { hasWaits, ...run } = readRun(await parsedSummary(host, file), file);
  if (options.csv !== null && !hasWaits) {
    throw new UsageError(
      `--csv: ${file} was written by an earlier version, and has unfinished requests`,
      "It does not say how long each of them had waited, which the percentiles in CSV files include.",
    );
  }
  const summary = [{ what: "the summary", path: file }];
  const outputs = await openOutputs(host, requestedFiles(options), summary);
  for (const output of outputs) removeOld(output);
  const { snapshot } = run;
  printRun(host, run);
  const reported = {
    ...run,
    metadata: () => run.metadata,
    fullHistory: options.csvFullHistory,
  };
  let code: number = ExitCode.passed;
  for (const output of outputs) {
    if (output.isEmpty?.(snapshot) === true) continue;
    const problem = await writeOutput(output, () => output.make(reported));
    if (problem === null) continue;
    host.stderr.write(`aiotest: ${problem}\n`);
    code = ExitCode.failures;
  }
  return code;
}

/**
 * Prints the tables of a run.
 *
 * @param file the path of its summary.
 * @throws UsageError if the file is missing or not a summary.
 */
export async function printReport(host: Host, file: string): Promise<void> {
  printRun(host, readRun(await parsedSummary(host, file), file));
}

function printRun(
  host: Host,
  { snapshot, exitCode }: Pick<SummarizedRun, "snapshot" | "exitCode">,
): void {
  const { color, panel: bars } = consoleAbilities(host.stdout, (name) => host.env(name));
  const columns = reportColumns(host.stdout);
  host.stdout.write(finalReport(snapshot, { exitCode, columns, color, bars }));
}

interface ReportArguments extends SettingsOf<"report"> {
  /** A file, or a run of the history. */
  readonly file: string;
}

function readArguments(host: Host): ReportArguments {
  const { flags, operands } = parseAll(host.args, commandFlags("report"), HELP);
  const [, file, stray] = operands;
  if (file === undefined) {
    throw new UsageError(
      "report: expected the summary of a run",
      "Try: aiotest report summary.json --html report.html",
    );
  }
  if (stray !== undefined) {
    throw new UsageError(
      `report: expected one summary, but there is a second one: ${stray}`,
      `For all options, run ${HELP}.`,
    );
  }
  if (flags.has("json")) {
    throw new UsageError(
      "--json cannot be used with report, which reads the summary",
      "Tables, --html, --csv, --junit and --markdown can be made from it.",
    );
  }
  // Variables that are set for runs do not apply to their reports.
  const { values } = new Sources(flags, historyEnvironment(host), null).readAll(REPORT_SETTINGS);
  return { ...values, file };
}
