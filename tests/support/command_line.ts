import assert from "node:assert/strict";
import { CommandLine, type Options } from "../../src/cli/options.ts";
import type { Settings } from "../../src/cli/settings.ts";
import { UsageError } from "../../src/core/errors.ts";
import { REPORT_FORMATS, type ReportOption } from "../../src/web/report_formats.ts";
import { FakeHost, type FakeHostOptions } from "./fake_host.ts";

/** Where options stand. */
export type Given = Pick<FakeHostOptions, "args" | "env" | "files">;

/** The options of a command line, to which a test file adds flags. */
export async function parse(
  given: Given,
  addFlags?: (line: CommandLine) => void,
): Promise<Options> {
  const line = await CommandLine.preview(new FakeHost(given));
  addFlags?.(line);
  return line.parse();
}

/** What a command line is refused with. */
export async function refusal(
  given: Given,
  addFlags?: (line: CommandLine) => void,
): Promise<UsageError> {
  try {
    await parse(given, addFlags);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    assert.equal(error.exitCode, 2);
    return error;
  }
  throw new Error("it was accepted");
}

/** A configuration file, and the flag that names it. */
export function config(text: string, path = "load.toml"): Given {
  return { args: ["--config", path], files: { [`/home/me/${path}`]: text } };
}

/** The options of all report formats, without a file. */
export const NO_REPORTS = Object.fromEntries(
  Object.keys(REPORT_FORMATS).map((option) => [option, null]),
) as Readonly<Record<ReportOption, null>>;

/** Every option's default. */
export const DEFAULTS: Settings = {
  aiotestfile: "aiotestfile.ts",
  host: null,
  userClasses: [],
  tags: [],
  excludeTags: [],
  insecure: false,
  clientCert: null,
  clientKey: null,
  ca: [],
  localAddress: [],
  connectTo: [],
  dns: null,
  dnsTtl: 5,
  maxRedirects: null,
  redis: null,
  users: 1,
  rate: 1,
  runTime: null,
  stopTimeout: 2,
  setupTimeout: 30,
  importTimeout: 30,
  arrivalRate: null,
  maxUsers: 1000,
  arrivals: "constant",
  onBusy: "queue",
  iterations: null,
  showShape: false,
  master: false,
  worker: false,
  processes: null,
  expectWorkers: 1,
  expectWorkersMaxWait: 0,
  masterHost: "127.0.0.1",
  masterPort: 5557,
  masterBindHost: "*",
  masterBindPort: 5557,
  token: null,
  workerName: null,
  reconnectTimeout: 60,
  allowDifferentTestfile: false,
  journal: null,
  resume: null,
  tlsCert: null,
  tlsKey: null,
  tlsCa: null,
  webHost: "127.0.0.1",
  webAllowedHost: [],
  webBasePath: "",
  webTrustedProxy: [],
  webTlsCert: null,
  webTlsKey: null,
  webPort: 8089,
  noWeb: false,
  webToken: null,
  noAutostart: false,
  keep: false,
  buckets: [50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 2000, 5000, 8000],
  name: null,
  label: {},
  ...NO_REPORTS,
  history: null,
  noHistory: false,
  threshold: [],
  abortOnThreshold: false,
  abortAfter: 0,
  resetStats: false,
  exitCodeOnError: 1,
  csvFullHistory: false,
  samples: null,
  samplesOnly: null,
  otlp: null,
  traceContext: null,
  showUsersWeight: false,
  once: false,
  printSecrets: false,
  printHttp: null,
  noFailureSamples: false,
  loglevel: "INFO",
  logfile: null,
};
