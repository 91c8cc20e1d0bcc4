/**
 * The reports of a run while it goes on, as the dashboard hands them out.
 *
 * @module
 */

import type { Snapshot } from "../stats/snapshot.ts";
import type { ReportFile as LiveReport, ReportKind } from "../web/dashboard_routes.ts";
import type { RunFacts } from "../web/report_content.ts";
import { type ReportFile, reportFiles } from "./report_files.ts";
import type { ResultSettings } from "./result_settings.ts";

/** What a kind of report is called when it is downloaded, and what it is. */
const KINDS: Readonly<Record<ReportKind, { readonly path: string; readonly type: string }>> = {
  json: { path: "aiotest.json", type: "application/json; charset=utf-8" },
  html: { path: "aiotest.html", type: "text/html; charset=utf-8" },
  "csv-stats": { path: "aiotest_stats.csv", type: "text/csv; charset=utf-8" },
  "csv-history": { path: "aiotest_stats_history.csv", type: "text/csv; charset=utf-8" },
  "csv-failures": { path: "aiotest_failures.csv", type: "text/csv; charset=utf-8" },
  "csv-exceptions": { path: "aiotest_exceptions.csv", type: "text/csv; charset=utf-8" },
  junit: { path: "aiotest-junit.xml", type: "application/xml; charset=utf-8" },
};

/** As if all of them had been asked for. */
const ALL = {
  json: KINDS.json.path,
  html: KINDS.html.path,
  csv: "aiotest",
  junit: KINDS.junit.path,
};

/** Makes any report of a run as it is at that moment. */
export class LiveReports {
  readonly #files: ReadonlyMap<string, ReportFile>;

  /** @param facts as {@link reportFiles} takes them. */
  constructor(options: ResultSettings, facts: () => RunFacts) {
    const files = reportFiles({ ...options, ...ALL }, facts);
    this.#files = new Map(files.map((file) => [file.path, file]));
  }

  /** Null where there is none of this kind. @param exitCode what the run would end with by now. */
  async make(kind: ReportKind, snapshot: Snapshot, exitCode: number): Promise<LiveReport | null> {
    const { path, type } = KINDS[kind];
    const file = this.#files.get(path);
    if (file === undefined) return null;
    return { name: path, type, body: await file.make(snapshot, exitCode) };
  }
}
