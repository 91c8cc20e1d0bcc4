/**
 * `aiotest report`: makes reports from the summary of a run that `--json` has written.
 *
 * @module
 */

import { ExitCode, UsageError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { consoleAbilities, reportColumns } from "../../report/console.ts";
import { finalReport } from "../../report/final_report.ts";
import { readRun } from "../../report/summary_snapshot.ts";
import { commandFlags, parseAll } from "../flag_parser.ts";
import { openOutputs, removeOld, requestedFiles, writeOutput } from "../report_files.ts";
import { REPORT_SETTINGS, type SettingsOf } from "../settings.ts";
import { Sources } from "../sources.ts";
import { parsedSummary } from "../summary_file.ts";

const HELP = "aiotest report --help";

/** Variables that are set for runs do not apply to their reports. */
const NO_ENVIRONMENT = { env: (): undefined => undefined };

/**
 * Prints the tables of a run, and writes the reports that are asked for. Resolves with the exit code, which says
 * whether they could be written: that of the run is in the verdict.
 *
 * @throws UsageError if the file is missing or not a summary, or a flag is invalid.
 */
export async function runReport(host: Host): Promise<number> {
  const { file, ...options } = readArguments(host);
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
  const { snapshot, exitCode } = run;
  const { color, panel: bars } = consoleAbilities(host.stdout, (name) => host.env(name));
  const columns = reportColumns(host.stdout);
  host.stdout.write(finalReport(snapshot, { exitCode, columns, color, bars }));
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

interface ReportArguments extends SettingsOf<"report"> {
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
      "Tables, --html, --csv and --junit can be made from it.",
    );
  }
  const { values } = new Sources(flags, NO_ENVIRONMENT, null).readAll(REPORT_SETTINGS);
  return { ...values, file };
}
