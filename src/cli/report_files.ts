/**
 * The report files that the options of a run ask for.
 *
 * @module
 */

import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import {
  REPORT_FORMATS,
  type ReportFile,
  type ReportFormat,
  type ReportOption,
} from "../web/report_formats.ts";

/** A report file that an option asks for. */
export interface RequestedFile extends Pick<ReportFile, "make"> {
  /** The option, without its dashes. */
  readonly option: string;
  /** As the user gave it; may be relative to the working directory. */
  readonly path: string;
}

/** The files that the options ask for, in the order in which they are written. */
export function requestedFiles(
  options: Readonly<Record<ReportOption, string | null>>,
): RequestedFile[] {
  return Object.entries<ReportFormat>(REPORT_FORMATS).flatMap(([option, { takes, files }]) => {
    const value = options[option as ReportOption];
    if (value === null) return [];
    return files.map(({ suffix, make }) => ({
      option,
      path: takes === "PREFIX" ? `${value}${suffix}` : value,
      make,
    }));
  });
}

/**
 * Checks that a file can be written before the run starts, so that no result is lost because its
 * report cannot be written at the end.
 *
 * @param option the option that names the file.
 * @throws UsageError that names the option and the file.
 */
export async function checkWritable(host: Host, option: string, path: string): Promise<void> {
  try {
    await host.touch(path);
  } catch (error) {
    throw new UsageError(`--${option} ${path}: cannot write the file: ${errorText(error)}`);
  }
}
