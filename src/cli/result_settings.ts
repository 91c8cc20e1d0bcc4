/**
 * The options that say what becomes of a run: its files, and whether it passed.
 *
 * @module
 */

import type { SettingTable } from "./setting.ts";
import { textList, textOf, toggle, wholeNumber } from "./value_kind.ts";

/** The values of all these options, defaults filled in. */
export interface ResultSettings {
  /** Where the summary is written at the end. */
  readonly json: string | null;
  /** Where the HTML report is written at the end. */
  readonly html: string | null;
  /** What the names of the CSV files begin with. */
  readonly csv: string | null;
  /** Where the JUnit report is written at the end. */
  readonly junit: string | null;
  /** What must hold, such as `p95<200ms`. */
  readonly threshold: readonly string[];
  /** End the test as soon as a threshold is crossed. */
  readonly abortOnThreshold: boolean;
  /** Drop what was counted before all users were started. */
  readonly resetStats: boolean;
  readonly exitCodeOnError: number;
  /** URL of an OpenTelemetry collector; null: none. */
  readonly otlp: string | null;
}

/** The heading of these options in `--help`. */
export const RESULTS = "Results:";

const fileName = textOf("the name of a file");

/** Every option, by the name of its value, in the order of `--help`. */
export const RESULT_SETTINGS: SettingTable<ResultSettings> = {
  json: {
    flags: "--json <FILE>",
    group: RESULTS,
    description: "write the summary as JSON at the end",
    kind: fileName,
    default: null,
  },
  html: {
    flags: "--html <FILE>",
    group: RESULTS,
    description: "write a report to look at, in one file, at the end",
    kind: fileName,
    default: null,
  },
  csv: {
    flags: "--csv <PREFIX>",
    group: RESULTS,
    description: "write PREFIX_stats.csv and three more at the end",
    kind: textOf("what the names of the files begin with"),
    default: null,
  },
  junit: {
    flags: "--junit <FILE>",
    group: RESULTS,
    description: "write a JUnit report for CI at the end",
    kind: fileName,
    default: null,
  },
  threshold: {
    flags: "--threshold <EXPR>",
    group: RESULTS,
    description: "what must hold: p95<200ms, error_rate<1%, p99[GET search]<0.5s; may repeat",
    kind: textList("an expression like p95<200ms"),
    default: [],
  },
  abortOnThreshold: {
    flags: "--abort-on-threshold",
    group: RESULTS,
    description: "end the test as soon as a threshold is crossed",
    kind: toggle,
    default: false,
  },
  resetStats: {
    flags: "--reset-stats",
    group: RESULTS,
    description: "drop what was counted before all users were started",
    kind: toggle,
    default: false,
  },
  exitCodeOnError: {
    flags: "--exit-code-on-error <N>",
    group: RESULTS,
    description: "exit code when requests or users failed",
    kind: wholeNumber(0, 255),
    default: 1,
  },
  otlp: {
    flags: "--otlp <URL>",
    group: RESULTS,
    description: "send metrics to an OpenTelemetry collector every 10 s",
    kind: textOf("a URL like http://127.0.0.1:4318"),
    default: null,
  },
};
