/**
 * The report files that the options of a run ask for.
 *
 * @module
 */

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
