/**
 * The files that say what became of a run, each written at its end.
 *
 * @module
 */

import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { VERSION } from "../core/version.ts";
import { CSV_FILES } from "../report/csv.ts";
import { junit } from "../report/junit.ts";
import { summary, summaryJson } from "../report/summary.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { RunMetadata } from "../web/report_content.ts";
import type { ResultSettings } from "./settings.ts";

/** A file that was asked for. */
export interface ReportFile {
  /** The option that asks for it. */
  readonly flag: string;
  /** As it was named: may be relative to the working directory. */
  readonly path: string;
  /**
   * Its text.
   *
   * @param result a run that has ended.
   * @param exitCode what the process is about to exit with.
   */
  make(result: Snapshot, exitCode: number): string | Promise<string>;
}

/** What a file says of a run; takes what {@link ReportFile.make} does. */
type Report = ReportFile["make"];

/**
 * Those that some options ask for, in the order in which they are written.
 *
 * @param facts what is to be said of a run beside its counts.
 */
export function reportFiles(options: ResultSettings, facts: () => RunMetadata): ReportFile[] {
  return [
    ...file("json", options.json, jsonReport),
    ...file("html", options.html, htmlReport(facts)),
    ...csvFiles(options.csv),
    ...file("junit", options.junit, junitReport),
  ];
}

function file(flag: string, path: string | null, make: Report): ReportFile[] {
  return path === null ? [] : [{ flag, path, make }];
}

function csvFiles(prefix: string | null): ReportFile[] {
  if (prefix === null) return [];
  return CSV_FILES.map(({ suffix, make }) => ({ flag: "csv", path: `${prefix}${suffix}`, make }));
}

function jsonReport(result: Snapshot, exitCode: number): string {
  return summaryJson(summary(result, { version: VERSION, exitCode }));
}

/** Most runs have no such report, so what makes it is not loaded with the rest. */
function htmlReport(facts: () => RunMetadata): Report {
  return async (result, exitCode) => {
    const { htmlReport } = await import("../web/html_report.ts");
    return await htmlReport(result, exitCode, facts());
  };
}

function junitReport(result: Snapshot): string {
  return junit(result);
}

/**
 * Makes sure that a file can be written before anything is started: a run must not be lost for a
 * report that cannot be written at its end.
 *
 * @param flag the option that names the file.
 * @throws UsageError that names option and file.
 */
export async function checkWritable(host: Host, flag: string, path: string): Promise<void> {
  try {
    await host.touch(path);
  } catch (error) {
    throw new UsageError(`--${flag} ${path}: the file cannot be written (${errorText(error)})`);
  }
}
