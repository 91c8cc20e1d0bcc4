/**
 * Settings of everything that shows a run: dashboard, reports, other outputs, and the log.
 *
 * @module
 */

import { LOG_LEVELS } from "../core/logger.ts";
import { MAX_REGRESSION, MAX_RUN_NAME } from "../core/run_info.ts";
import { REPORT_FORMATS, type ReportFormat, type ReportOption } from "../web/report_formats.ts";
import {
  choice,
  directoryName,
  duration,
  fileName,
  hostAddress,
  hostPatterns,
  labelList,
  millisecondList,
  type OptionType,
  percentage,
  proxyNetworks,
  sampleFile,
  sampleSelection,
  textList,
  textOf,
  toggle,
  traceShare,
  visibleName,
  webPath,
  wholeNumber,
} from "./option_types.ts";
import {
  COMPARISON,
  EVERY_RUN,
  HIDDEN_IN_DEMO,
  HISTORY,
  LOG,
  NEEDS_DASHBOARD,
  NEEDS_TEST_FILE,
  RESULTS,
  WEB,
} from "./setting_groups.ts";
import type { Declaration, DeclarationTable } from "./setting_types.ts";

/** One setting per report format: the file to write at the end, or the prefix of several. */
const REPORT_ROWS = Object.fromEntries(
  Object.entries<ReportFormat>(REPORT_FORMATS).map(([option, { takes, help }]) => [option, {
    flags: `--${option} <${takes}>`,
    group: RESULTS,
    help,
    type: takes === "FILE" ? fileName : textOf("a prefix for the file names"),
    default: null,
    commands: {
      ...EVERY_RUN,
      report: { help: help.replace(/(?: every 30 s and)? at the end$/, "") },
    },
  }]),
) as unknown as Readonly<Record<ReportOption, ReportRow>>;

interface ReportRow extends Declaration {
  readonly type: OptionType<string>;
  readonly default: null;
  readonly commands: typeof EVERY_RUN & { readonly report: { readonly help: string } };
}

/** In the order of `--help`. */
export const RESULT_SETTINGS = {
  webHost: {
    flags: "--web-host <H>",
    group: WEB,
    help: "address for the dashboard and /metrics; *: all interfaces",
    type: hostAddress,
    default: "127.0.0.1",
    commands: NEEDS_DASHBOARD,
    scope: "not worker",
  },
  /** As {@link hostPattern} returns them. */
  webAllowedHost: {
    flags: "--web-allowed-host <NAME>",
    group: WEB,
    help: "name of a proxy through which the dashboard is reached",
    type: hostPatterns,
    default: [],
    commands: NEEDS_DASHBOARD,
    scope: "not worker",
  },
  /** As {@link basePath} returns it: empty for the root. */
  webBasePath: {
    flags: "--web-base-path <PATH>",
    group: WEB,
    help: "path below which a reverse proxy serves the dashboard, like /aiotest",
    type: webPath,
    default: "",
    shownDefault: "/",
    commands: NEEDS_DASHBOARD,
    scope: "not worker",
  },
  /** As {@link proxyNetwork} returns them. */
  webTrustedProxy: {
    flags: "--web-trusted-proxy <ADDRESS[/BITS]>",
    group: WEB,
    help: "proxy whose X-Forwarded-* and Forwarded headers are believed",
    type: proxyNetworks,
    default: [],
    shownDefault: "none",
    commands: NEEDS_DASHBOARD,
    scope: "not worker",
  },
  webTlsCert: {
    flags: "--web-tls-cert <FILE>",
    group: WEB,
    help: "certificate with which the dashboard serves HTTPS, in PEM",
    type: fileName,
    default: null,
    commands: NEEDS_DASHBOARD,
    scope: "not worker",
  },
  webTlsKey: {
    flags: "--web-tls-key <FILE>",
    group: WEB,
    help: "private key of this certificate, in PEM",
    type: fileName,
    default: null,
    commands: NEEDS_DASHBOARD,
    scope: "not worker",
  },
  /** 0: any free port. */
  webPort: {
    // The first spelling is that of the earliest versions; `--help` does not show it.
    flags: "--prometheus-port, --web-port <P>",
    group: WEB,
    help: "port for the dashboard and /metrics; 0: any free port",
    type: wholeNumber(0, 65_535),
    default: 8089,
    commands: NEEDS_DASHBOARD,
    scope: "not worker",
  },
  noWeb: {
    flags: "--no-web",
    group: WEB,
    help: "do not serve the dashboard and /metrics",
    type: toggle,
    default: false,
    commands: NEEDS_DASHBOARD,
  },
  webToken: {
    flags: "--web-token <T>",
    group: WEB,
    help: "token that the dashboard requires; prefer AIOTEST_WEB_TOKEN",
    type: textOf("a secret"),
    default: null,
    shownDefault: "none; read-only from other machines",
    commands: NEEDS_DASHBOARD,
    scope: "not worker",
  },
  noAutostart: {
    flags: "--no-autostart",
    group: WEB,
    help: "wait until the test is started in the dashboard",
    type: toggle,
    default: false,
    commands: NEEDS_DASHBOARD,
    scope: "not worker",
  },
  keep: {
    flags: "--keep",
    group: WEB,
    help: "stay after the run, so that others can be started in the dashboard",
    type: toggle,
    default: false,
    commands: {
      run: true,
      quick: "which has no dashboard",
      demo: "which starts its target for one run",
    },
    scope: "not worker",
  },
  /** Upper bounds in milliseconds, in ascending order. */
  buckets: {
    flags: "-b, --buckets <N...>",
    group: WEB,
    help: "upper bounds of the Prometheus histogram buckets, in ms",
    type: millisecondList,
    default: [50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 2000, 5000, 8000],
    commands: NEEDS_DASHBOARD,
    scope: "not worker",
  },
  /** How much worse a figure may be, as a share. */
  maxRegression: {
    flags: "--max-regression <P>",
    group: COMPARISON,
    help: "how much worse run B may be",
    type: percentage,
    default: MAX_REGRESSION,
    shownDefault: "5%",
    commands: { compare: true },
  },
  name: {
    flags: "--name <TEXT>",
    group: RESULTS,
    help: "name of the run, in all reports and metrics",
    type: visibleName(MAX_RUN_NAME),
    default: null,
    commands: { ...EVERY_RUN, history: { group: HISTORY, help: "only runs of this name" } },
    scope: "master decides",
  },
  /** Values by key. */
  label: {
    flags: "--label <KEY=VALUE>",
    group: RESULTS,
    help: "label of the run, such as env=staging, in all reports and metrics; repeatable",
    type: labelList,
    default: {},
    commands: EVERY_RUN,
    scope: "master decides",
  },
  ...REPORT_ROWS,
  json: {
    ...REPORT_ROWS.json,
    commands: {
      ...EVERY_RUN,
      demo: { default: "aiotest-demo.json" },
      compare: { group: COMPARISON, help: "write the comparison as JSON" },
      // It is only known to be refused with a reason.
      report: { hidden: true },
    },
    scope: "master decides",
  },
  markdown: {
    ...REPORT_ROWS.markdown,
    commands: {
      ...REPORT_ROWS.markdown.commands,
      compare: { group: COMPARISON, help: "write the comparison as Markdown" },
    },
  },
  /** Workers keep none. `null`: the default directory, if the command keeps a history without being asked. */
  history: {
    flags: "--history <DIR>",
    group: RESULTS,
    help: "directory that keeps the summaries of runs",
    type: directoryName,
    default: null,
    shownDefault: ".aiotest",
    commands: {
      run: true,
      quick: { shownDefault: "none" },
      demo: { hidden: true },
      compare: { group: COMPARISON, help: "directory of earlier runs" },
      report: { help: "directory of earlier runs" },
      history: { group: HISTORY, help: "directory of earlier runs" },
    },
  },
  noHistory: {
    flags: "--no-history",
    group: RESULTS,
    help: "do not keep the summary of this run",
    type: toggle,
    default: false,
    commands: HIDDEN_IN_DEMO,
  },
  threshold: {
    flags: "--threshold <EXPR>",
    group: RESULTS,
    help: "pass condition: p95<200ms, error_rate<1%, p99[GET search]<0.5s; repeatable",
    type: textList("an expression like p95<200ms"),
    default: [],
    commands: EVERY_RUN,
    scope: "not worker",
  },
  abortOnThreshold: {
    flags: "--abort-on-threshold",
    group: RESULTS,
    help: "stop the test as soon as a threshold is crossed",
    type: toggle,
    default: false,
    commands: HIDDEN_IN_DEMO,
    scope: "not worker",
  },
  abortAfter: {
    flags: "--abort-after <TIME>",
    group: RESULTS,
    help: "time after the start in which no threshold ends the test",
    type: duration({ orNone: true }),
    default: 0,
    commands: HIDDEN_IN_DEMO,
    scope: "not worker",
  },
  resetStats: {
    flags: "--reset-stats",
    group: RESULTS,
    help: "discard what was measured before all users were running",
    type: toggle,
    default: false,
    commands: EVERY_RUN,
    scope: "master decides",
  },
  exitCodeOnError: {
    flags: "--exit-code-on-error <N>",
    group: RESULTS,
    help: "exit code if requests or users failed",
    type: wholeNumber(0, 255),
    default: 1,
    // The demo makes orders fail on purpose.
    commands: { ...EVERY_RUN, demo: { default: 0 } },
    scope: "master decides",
  },
  csvFullHistory: {
    flags: "--csv-full-history",
    group: RESULTS,
    help: "with --csv, write the history of the busiest names as well",
    type: toggle,
    default: false,
    commands: { ...EVERY_RUN, report: true },
    scope: "not worker",
  },
  /** `null`: none is printed. */
  printHttp: {
    flags: "--print-http [WHAT]",
    group: RESULTS,
    help: "print the first 20 failed requests with what came back; with all, the first 20 of any",
    type: { ...choice(["failed", "all"]), bare: "failed" },
    default: null,
    commands: HIDDEN_IN_DEMO,
    toWorkers: true,
    toChildren: true,
  },
  noFailureSamples: {
    flags: "--no-failure-samples",
    group: RESULTS,
    help: "keep no examples of failed requests for the reports",
    type: toggle,
    default: false,
    commands: HIDDEN_IN_DEMO,
    toWorkers: true,
    toChildren: true,
  },
  samples: {
    flags: "--samples <FILE>",
    group: RESULTS,
    help: "write a line for each request, as .jsonl or .csv, or compressed as .jsonl.gz or .csv.gz",
    type: sampleFile,
    default: null,
    commands: EVERY_RUN,
    toWorkers: true,
    toChildren: true,
  },
  /** As {@link sampleFilter} reads it. */
  samplesOnly: {
    flags: "--samples-only <WHICH>",
    group: RESULTS,
    help: "with --samples, only requests that failed, or took long: failed, slow:500ms",
    type: sampleSelection,
    default: null,
    shownDefault: "all requests",
    commands: EVERY_RUN,
    toWorkers: true,
    toChildren: true,
  },
  /** URL of an OpenTelemetry collector. */
  otlp: {
    flags: "--otlp <URL>",
    group: RESULTS,
    help: "send metrics, and traces if there are any, to an OpenTelemetry collector",
    type: textOf("a URL like http://127.0.0.1:4318"),
    default: null,
    commands: { run: true, quick: "which does short runs", demo: { hidden: true } },
    toWorkers: true,
  },
  /** A percentage of iterations, or of requests outside of any. */
  traceContext: {
    flags: "--trace-context [P]",
    group: RESULTS,
    help: "send W3C trace contexts with P of all iterations; without P, with all",
    type: traceShare,
    default: null,
    shownDefault: "none",
    commands: HIDDEN_IN_DEMO,
    toWorkers: true,
  },
  showUsersWeight: {
    // The first spelling is that of the earliest versions; `--help` does not show it.
    flags: "--show-users-wight, --show-users-weight",
    group: RESULTS,
    help: "print the share of each user class as JSON, then exit",
    type: toggle,
    default: false,
    commands: { ...NEEDS_TEST_FILE, quick: "which has no user classes" },
  },
  loglevel: {
    flags: "-L, --loglevel <L>",
    group: LOG,
    help: "DEBUG, INFO, WARNING, ERROR or CRITICAL",
    type: choice(LOG_LEVELS),
    default: "INFO",
    commands: EVERY_RUN,
    toChildren: true,
  },
  logfile: {
    flags: "--logfile <FILE>",
    group: LOG,
    help: "file to write the log to",
    type: fileName,
    default: null,
    shownDefault: "standard error",
    commands: EVERY_RUN,
  },
} as const satisfies DeclarationTable;
