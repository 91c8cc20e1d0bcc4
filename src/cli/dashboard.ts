/**
 * The dashboard of a run, for the command line.
 *
 * @module
 */

import { systemClock } from "../core/clock.ts";
import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { VERSION } from "../core/version.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { RunMetadata } from "../web/report_content.ts";
import type { ReportFile as LiveReport, ReportKind } from "../web/routes.ts";
import { isEverywhere, urlHost } from "../web/security.ts";
import { type DashboardOptions, DashboardServer } from "../web/server.ts";
import type { Options } from "./options.ts";
import { type ReportFile, reportFiles } from "./report_files.ts";
import type { ResultSettings } from "./settings.ts";

/** What the dashboard shows and changes. */
export type Shown = Pick<DashboardOptions, "control" | "log" | "metrics" | "report">;

/** What `--web-host` may say instead of 0.0.0.0. */
const EVERYWHERE = "*";

/**
 * Opens the dashboard that the options ask for, and says where it is. Null where there is none: it is not
 * wanted, or somebody else has the port that nobody asked for, and the test can do without.
 *
 * @throws UsageError where it cannot listen where it was told to.
 */
export function openDashboard(
  host: Host,
  options: Pick<Options, "noAutostart" | "noWeb" | "webHost" | "webPort" | "webToken" | "given">,
  shown: Shown,
): DashboardServer | null {
  if (options.noWeb) return null;
  const bindHost = options.webHost === EVERYWHERE ? "0.0.0.0" : options.webHost;
  const server = new DashboardServer({
    ...shown,
    bindHost,
    port: options.webPort,
    hostname: host.hostname,
    token: options.webToken,
    clock: systemClock,
    version: VERSION,
    serve: (at, handle) => host.serveWeb(at, handle),
    info: (text) => logger.info(text),
    warn: (text) => logger.warn(text),
  });
  try {
    const port = server.start();
    const name = isEverywhere(bindHost) ? "127.0.0.1" : urlHost(bindHost);
    const beside = isEverywhere(bindHost) ? " (and at every address of this machine)" : "";
    logger.info(`Dashboard: http://${name}:${port}/${beside}`);
    if (options.noAutostart) logger.info("The test begins when it is started there.");
    return server;
  } catch (error) {
    return withoutDashboard(error, options);
  }
}

/** Null where the run can do without; throws otherwise. */
function withoutDashboard(
  error: unknown,
  { noAutostart, webHost, webPort, given }: Pick<
    Options,
    "noAutostart" | "webHost" | "webPort" | "given"
  >,
): null {
  if (!(error instanceof Deno.errors.AddrInUse)) {
    throw new UsageError(
      `--web-host ${webHost}: the dashboard cannot listen there: ${errorText(error)}`,
      "A name or an address of this machine is needed, * for all of them, or --no-web.",
    );
  }
  // Without a dashboard, nobody could start a test that waits for it.
  if (given.has("webPort") || noAutostart) {
    throw new UsageError(
      `--web-port ${webPort}: somebody else listens there`,
      `--web-port 0 takes any port that is free${
        noAutostart ? "" : ", and --no-web goes without"
      }.`,
    );
  }
  logger.warn(
    `There is no dashboard: somebody else listens at port ${webPort}. --web-port 0 takes a free one.`,
  );
  return null;
}

// The reports of a run while it goes on, as the dashboard hands them out.

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
  constructor(options: ResultSettings, facts: () => RunMetadata) {
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
