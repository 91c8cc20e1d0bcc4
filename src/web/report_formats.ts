/**
 * Every report that a run can be written to. The command line's options, the dashboard's downloads
 * and the buttons on its page are made from this table, so a new format is a file in `src/report`
 * that makes its text, and one entry here.
 *
 * @module
 */

import type { Snapshot } from "../stats/snapshot.ts";
import type { RunMetadata } from "../report/summary.ts";

/** The run that a report is about. */
export interface ReportedRun {
  /** As its summary describes it, so that the same reports can be made from the summary. */
  readonly snapshot: Snapshot;
  /** As it was counted, for the summary; missing if {@link snapshot} has it as it was counted. */
  readonly counted?: Snapshot;
  /** The exit code that the process is about to return; `null` if the run is still going. */
  readonly exitCode: number | null;
  /** How the run was configured, and where it ran. */
  readonly metadata: () => RunMetadata;
  /** Whether the history in CSV has rows for names. */
  readonly fullHistory?: boolean;
}

/** One file of a format. */
export interface ReportFile {
  /** The last part of its path on the dashboard: `/api/report/KIND`. */
  readonly kind: string;
  /** The text of its button on the dashboard. */
  readonly title: string;
  /** The end of its name, after `aiotest` for a download or after the prefix that the user gave. */
  readonly suffix: string;
  readonly mediaType: string;
  /** Whether the run has nothing for it; then it is not written. Missing if every run has something. */
  isEmpty?(snapshot: Snapshot): boolean;
  /**
   * The text of the file in parts, because a report of a long run may be longer than a string can be.
   * They are made while they are read, which happens once, and before the run continues unless the snapshot is
   * frozen.
   */
  make(run: ReportedRun): Promise<Iterable<string>>;
}

/** A format, which is one file or several that belong together. */
export interface ReportFormat {
  /** What the option takes: the name of the file, or the prefix of the names of several. */
  readonly takes: "FILE" | "PREFIX";
  /** The description of the option in `--help`. */
  readonly help: string;
  /** Whether its files are also written during a run, again and again, for the case that the process dies. */
  readonly isRewritten?: boolean;
  readonly files: readonly ReportFile[];
}

const CSV = "text/csv; charset=utf-8";

/**
 * The formats by the names of their options, in the order of `--help`. The modules that make reports
 * are loaded when the first report is made, so they do not slow down the start of a run.
 */
export const REPORT_FORMATS = {
  json: {
    takes: "FILE",
    help: "write a JSON summary every 30 s and at the end",
    isRewritten: true,
    files: [{
      kind: "json",
      title: "JSON",
      suffix: ".json",
      mediaType: "application/json; charset=utf-8",
      async make({ snapshot, counted = snapshot, exitCode, metadata }): Promise<Iterable<string>> {
        const { summaryJson, summaryRows } = await import("../report/summary.ts");
        return summaryJson(summaryRows(counted, { metadata: metadata(), exitCode }));
      },
    }],
  },
  html: {
    takes: "FILE",
    help: "write an HTML report in a single file at the end",
    files: [{
      kind: "html",
      title: "HTML",
      suffix: ".html",
      mediaType: "text/html; charset=utf-8",
      async make({ snapshot, exitCode, metadata }): Promise<Iterable<string>> {
        const { htmlReport } = await import("./html_report.ts");
        return await htmlReport(snapshot, exitCode, metadata());
      },
    }],
  },
  csv: {
    takes: "PREFIX",
    help: "write PREFIX_stats.csv and further CSV files every 30 s and at the end",
    isRewritten: true,
    files: [
      {
        kind: "csv-stats",
        title: "CSV: requests",
        suffix: "_stats.csv",
        mediaType: CSV,
        make: async ({ snapshot }) => (await import("../report/csv.ts")).statsCsv(snapshot),
      },
      {
        kind: "csv-history",
        title: "CSV: history",
        suffix: "_stats_history.csv",
        mediaType: CSV,
        make: async ({ snapshot, fullHistory }) =>
          (await import("../report/csv.ts")).historyCsv(snapshot, fullHistory),
      },
      {
        kind: "csv-failures",
        title: "CSV: failures",
        suffix: "_failures.csv",
        mediaType: CSV,
        make: async ({ snapshot }) => (await import("../report/csv.ts")).failuresCsv(snapshot),
      },
      {
        kind: "csv-exceptions",
        title: "CSV: exceptions",
        suffix: "_exceptions.csv",
        mediaType: CSV,
        make: async ({ snapshot }) => (await import("../report/csv.ts")).exceptionsCsv(snapshot),
      },
      {
        kind: "csv-classes",
        title: "CSV: classes",
        suffix: "_classes.csv",
        mediaType: CSV,
        isEmpty: ({ statistics: { classes } }) => classes.length < 2,
        make: async ({ snapshot }) => (await import("../report/csv.ts")).classesCsv(snapshot),
      },
      {
        kind: "csv-groups",
        title: "CSV: groups",
        suffix: "_groups.csv",
        mediaType: CSV,
        isEmpty: ({ statistics: { groups } }) => groups.length === 0,
        make: async ({ snapshot }) => (await import("../report/csv.ts")).groupsCsv(snapshot),
      },
      {
        kind: "csv-checks",
        title: "CSV: checks",
        suffix: "_checks.csv",
        mediaType: CSV,
        isEmpty: ({ statistics: { checks } }) => checks.length === 0,
        make: async ({ snapshot }) => (await import("../report/csv.ts")).checksCsv(snapshot),
      },
      {
        kind: "csv-metrics",
        title: "CSV: metrics",
        suffix: "_metrics.csv",
        mediaType: CSV,
        isEmpty: ({ statistics: { metrics } }) => metrics.length === 0,
        make: async ({ snapshot }) => (await import("../report/csv.ts")).metricsCsv(snapshot),
      },
    ],
  },
  junit: {
    takes: "FILE",
    help: "write a JUnit report for CI at the end",
    files: [{
      kind: "junit",
      title: "JUnit",
      suffix: "-junit.xml",
      mediaType: "application/xml; charset=utf-8",
      make: async ({ snapshot, exitCode }) =>
        (await import("../report/junit.ts")).junit(snapshot, exitCode),
    }],
  },
  markdown: {
    takes: "FILE",
    help: "write a Markdown report for a CI job's summary at the end",
    files: [{
      kind: "markdown",
      title: "Markdown",
      suffix: ".md",
      mediaType: "text/markdown; charset=utf-8",
      make: async ({ snapshot, exitCode }) =>
        (await import("../report/markdown.ts")).markdownReport(snapshot, exitCode),
    }],
  },
} satisfies Readonly<Record<string, ReportFormat>>;

/** The name of an option that asks for a format. */
export type ReportOption = keyof typeof REPORT_FORMATS;

/** All files of all formats. */
export const REPORT_FILES: readonly ReportFile[] = Object.values(REPORT_FORMATS)
  .flatMap(({ files }) => files);
