/**
 * Every option of a run: its flag, its values, its default, and what `--help` says of it.
 *
 * @module
 */

import { LOG_LEVELS, type LogLevelName } from "../core/logger.ts";
import { REPORT_FORMATS, type ReportFormat, type ReportOption } from "../web/report_formats.ts";
import {
  choice,
  duration,
  millisecondList,
  nameList,
  numberOverZero,
  type OptionType,
  positiveNumber,
  textList,
  textOf,
  toggle,
  wholeNumber,
} from "./option_types.ts";

// The options of a run on several processes or machines.

/** The values of all these options, defaults filled in. */
export interface ClusterSettings {
  readonly master: boolean;
  readonly worker: boolean;
  /** Workers on this machine; -1: one for each core; null: the process does the work itself. */
  readonly processes: number | null;
  /** Workers that the test's start waits for. */
  readonly expectWorkers: number;
  /** Seconds of that wait; 0: for ever. */
  readonly expectWorkersMaxWait: number;
  readonly masterHost: string;
  readonly masterPort: number;
  /** `*`: all interfaces. */
  readonly masterBindHost: string;
  /** 0: any that is free. */
  readonly masterBindPort: number;
  /** Shared secret of master and workers; null: whoever reaches the port may join. */
  readonly token: string | null;
  /** What the worker is called; null: after its machine. */
  readonly workerName: string | null;
  /** Seconds that a worker looks for a master. */
  readonly reconnectTimeout: number;
  /** Workers may have another test file than the master. */
  readonly allowDifferentTestfile: boolean;
  /** Where the master writes down the run. */
  readonly journal: string | null;
  /** A journal whose run is to go on. */
  readonly resume: string | null;
  /** The master's certificate, and its key, in PEM. */
  readonly tlsCert: string | null;
  readonly tlsKey: string | null;
  /** Authorities in PEM that a worker trusts beside the usual ones. */
  readonly tlsCa: string | null;
}

const GROUP = "Many cores, many machines:";
const MASTER = "The master:";
const WORKER = "A worker:";
const TRUST = "Who may join:";

const MAX_NAME_LENGTH = 100;

const processCount: OptionType<number> = {
  ...wholeNumber(1),
  needed: "a whole number of 1 or more is needed, or -1 for one a core",
  parse: (text) => text === "-1" ? -1 : wholeNumber(1).parse(text),
};

const workerName: OptionType<string> = {
  needed: `a name of at most ${MAX_NAME_LENGTH} visible characters is needed`,
  types: ["text"],
  parse: (text) =>
    text.trim() !== "" && text.length <= MAX_NAME_LENGTH && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text)
      ? text
      : null,
};

const address = textOf("a host name or an address");

/** Every option, by the name of its value, in the order of `--help`. */
export const CLUSTER_SETTINGS: SettingTable<ClusterSettings> = {
  master: {
    flags: "--master",
    group: GROUP,
    description: "lead workers, which run the users",
    kind: toggle,
    default: false,
  },
  worker: {
    flags: "--worker",
    group: GROUP,
    description: "run users for a master; without a test file here, with the master's own",
    kind: toggle,
    default: false,
  },
  processes: {
    flags: "--processes <N>",
    group: GROUP,
    description: "a master and N workers on this machine, -1: one a core; with --worker: N workers",
    kind: processCount,
    default: null,
  },
  expectWorkers: {
    flags: "--expect-workers <N>",
    group: MASTER,
    description: "the master starts once so many have joined",
    kind: wholeNumber(1),
    default: 1,
  },
  expectWorkersMaxWait: {
    flags: "--expect-workers-max-wait <S>",
    group: MASTER,
    description: "seconds that it waits for them, 0: for ever",
    kind: duration({ orNone: true }),
    default: 0,
  },
  masterHost: {
    flags: "--master-host <H>",
    group: WORKER,
    description: "where a worker finds its master",
    kind: address,
    default: "127.0.0.1",
  },
  masterPort: {
    flags: "--master-port <P>",
    group: WORKER,
    description: "the port there",
    kind: wholeNumber(1, 65_535),
    default: 5557,
  },
  masterBindHost: {
    flags: "--master-bind-host <H>",
    group: MASTER,
    description: "where the master listens, *: on all interfaces",
    kind: address,
    default: "*",
  },
  masterBindPort: {
    flags: "--master-bind-port <P>",
    group: MASTER,
    description: "the port there, 0: any that is free",
    kind: wholeNumber(0, 65_535),
    default: 5557,
  },
  token: {
    flags: "--token <T>",
    group: TRUST,
    description: "shared secret of master and workers; better as AIOTEST_TOKEN",
    kind: textOf("a secret that master and workers share"),
    default: null,
  },
  workerName: {
    flags: "--worker-name <NAME>",
    group: WORKER,
    description: "what the worker is called in logs and reports",
    kind: workerName,
    default: null,
    ifNone: "its host's name and random letters",
  },
  reconnectTimeout: {
    flags: "--reconnect-timeout <S>",
    group: WORKER,
    description: "seconds that a worker looks for a master, at the start and when it was lost",
    kind: duration({ orNone: false }),
    default: 60,
  },
  allowDifferentTestfile: {
    flags: "--allow-different-testfile",
    group: MASTER,
    description: "a worker's test file may differ from the master's",
    kind: toggle,
    default: false,
  },
  journal: {
    flags: "--journal <FILE>",
    group: MASTER,
    description: "the master writes the run down there, so that it can be resumed",
    kind: textOf("the name of a file"),
    default: null,
  },
  resume: {
    flags: "--resume <FILE>",
    group: MASTER,
    description: "goes on with the run of this journal",
    kind: textOf("the name of a journal"),
    default: null,
  },
  tlsCert: {
    flags: "--tls-cert <FILE>",
    group: TRUST,
    description: "the master's certificate in PEM: workers connect by TLS",
    kind: textOf("the name of a file"),
    default: null,
  },
  tlsKey: {
    flags: "--tls-key <FILE>",
    group: TRUST,
    description: "the key of the certificate",
    kind: textOf("the name of a file"),
    default: null,
  },
  tlsCa: {
    flags: "--tls-ca <FILE>",
    group: TRUST,
    description: "the authority in PEM by which a worker knows its master",
    kind: textOf("the name of a file"),
    default: null,
  },
};

// The options that say how much load there is, and when.

/** How the passes of the open model are spaced. */
export const SPACINGS = ["constant", "poisson"] as const;

/** What becomes of a pass that is due while all users are busy. */
export const WHEN_BUSY = ["queue", "drop"] as const;

/** The values of all these options, defaults filled in. */
export interface LoadSettings {
  readonly users: number;
  /** Users started or stopped a second. */
  readonly rate: number;
  /** Seconds from the test's start; null: until it is interrupted. */
  readonly runTime: number | null;
  /** Seconds that a stopping user's test may still run. */
  readonly stopTimeout: number;
  /** Passes that start a second, whatever the target does; null: users decide. */
  readonly arrivalRate: number | null;
  /** The most users that these passes may need. */
  readonly maxUsers: number;
  readonly arrivals: typeof SPACINGS[number];
  readonly onBusy: typeof WHEN_BUSY[number];
  /** Passes in the whole cluster, after which the test ends; null: no such end. */
  readonly iterations: number | null;
  /** Draw the load over time instead of sending it. */
  readonly showShape: boolean;
}

const LOAD = "The load:";

/** Every option, by the name of its value, in the order of `--help`. */
const LOAD_SETTINGS: SettingTable<LoadSettings> = {
  users: {
    flags: "-u, --users <N>",
    group: LOAD,
    description: "users to run",
    kind: wholeNumber(1),
    default: 1,
  },
  rate: {
    flags: "-r, --rate <N>",
    group: LOAD,
    description: "users started or stopped a second, may be a fraction",
    kind: positiveNumber,
    default: 1,
  },
  runTime: {
    flags: "-t, --run-time <T>",
    group: LOAD,
    description: "seconds, or a time like 20s, 3m, 1h20m, from the test's start",
    kind: duration({ orNone: false }),
    default: null,
    ifNone: "no end",
  },
  stopTimeout: {
    flags: "-s, --stop-timeout <S>",
    group: LOAD,
    description: "seconds that a stopping user's test may still run",
    kind: duration({ orNone: true }),
    default: 2,
  },
  arrivalRate: {
    flags: "--arrival-rate <N>",
    group: LOAD,
    description: "open model: N passes start a second, whatever the target does",
    kind: numberOverZero(1e9, "a number over 0, and of 1,000,000,000 at most,"),
    default: null,
    ifNone: "users decide",
  },
  maxUsers: {
    flags: "--max-users <N>",
    group: LOAD,
    description: "the most users that --arrival-rate may need",
    kind: wholeNumber(1),
    default: 1000,
  },
  arrivals: {
    flags: "--arrivals <KIND>",
    group: LOAD,
    description: "how --arrival-rate spaces the passes: constant or poisson",
    kind: choice(SPACINGS),
    default: "constant",
  },
  onBusy: {
    flags: "--on-busy <WHAT>",
    group: LOAD,
    description: "all users busy: queue (a pass starts late, and its delay counts) or drop",
    kind: choice(WHEN_BUSY),
    default: "queue",
  },
  iterations: {
    flags: "--iterations <N>",
    group: LOAD,
    description: "so many passes in the whole cluster, then the test ends",
    kind: wholeNumber(1),
    default: null,
    ifNone: "as many as the time allows",
  },
  showShape: {
    flags: "--show-shape",
    group: LOAD,
    description: "draw the load over time as text, and exit",
    kind: toggle,
    default: false,
  },
};

// The options that say what becomes of a run: its files, and whether it passed.

/** The values of all these options, defaults filled in. */
export interface ResultSettings extends Readonly<Record<ReportOption, string | null>> {
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
const RESULTS = "Results:";

/** An option for each report format: the file that is written at the end, or the prefix of several. */
const REPORT_SETTINGS = Object.fromEntries(
  Object.entries<ReportFormat>(REPORT_FORMATS).map(([option, { takes, description }]) => [option, {
    flags: `--${option} <${takes}>`,
    group: RESULTS,
    description,
    kind: textOf(
      takes === "FILE" ? "the name of a file" : "what the names of the files begin with",
    ),
    default: null,
  }]),
) as unknown as SettingTable<Record<ReportOption, string | null>>;

/** Every option, by the name of its value, in the order of `--help`. */
const RESULT_SETTINGS: SettingTable<ResultSettings> = {
  ...REPORT_SETTINGS,
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

// The options of the dashboard and of what else is served while a test runs.

/** The values of all these options, defaults filled in. */
export interface WebSettings {
  readonly webHost: string;
  /** 0: any that is free. */
  readonly webPort: number;
  readonly noWeb: boolean;
  /** What the dashboard asks for; null: nothing. */
  readonly webToken: string | null;
  /** The test begins when somebody starts it in the dashboard. */
  readonly noAutostart: boolean;
  /** Upper bounds of the histogram's buckets in milliseconds, rising. */
  readonly buckets: readonly number[];
}

const WEB = "The dashboard:";

/** Every option, by the name of its value, in the order of `--help`. */
export const WEB_SETTINGS: SettingTable<WebSettings> = {
  webHost: {
    flags: "--web-host <H>",
    group: WEB,
    description: "where dashboard and /metrics are served",
    kind: textOf("a host name or an address"),
    default: "127.0.0.1",
  },
  webPort: {
    // The first spelling is that of the tool's earliest users, and stays out of `--help`.
    flags: "--prometheus-port, --web-port <P>",
    group: WEB,
    description: "the port there, 0: any that is free",
    kind: wholeNumber(0, 65_535),
    default: 8089,
  },
  noWeb: {
    flags: "--no-web",
    group: WEB,
    description: "serve neither",
    kind: toggle,
    default: false,
  },
  webToken: {
    flags: "--web-token <T>",
    group: WEB,
    description: "what it asks for; better as AIOTEST_WEB_TOKEN",
    kind: textOf("a secret"),
    default: null,
    ifNone: "none, and no control from other machines",
  },
  noAutostart: {
    flags: "--no-autostart",
    group: WEB,
    description: "wait for Start in the dashboard",
    kind: toggle,
    default: false,
  },
  buckets: {
    flags: "-b, --buckets <N...>",
    group: WEB,
    description: "upper bounds of the buckets of Prometheus' histogram, in ms",
    kind: millisecondList,
    default: [50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 2000, 5000, 8000],
  },
};

/** The values of all options, defaults filled in. */
export interface Settings extends LoadSettings, ClusterSettings, WebSettings, ResultSettings {
  /** The test file, as it was named: may be relative to the working directory. */
  readonly aiotestfile: string;
  /** Replaces the host of every user class; null: each has its own. */
  readonly host: string | null;
  /** Tests need one of these; empty: all tests. */
  readonly tags: readonly string[];
  /** Tests must have none of these. */
  readonly excludeTags: readonly string[];
  /** Accept any TLS certificate of the target. */
  readonly insecure: boolean;
  /** URL of the Redis that counters and queues live in; null: they live in the master. */
  readonly redis: string | null;
  /** Print the shares of the user classes instead of running them. */
  readonly showUsersWeight: boolean;
  readonly loglevel: LogLevelName;
  /** Where the log goes; null: standard error. */
  readonly logfile: string | null;
}

const TEST = "The test:";
const LOG = "The log:";

/** Every option, by the name of its value, in the order of `--help`. */
export const SETTINGS: SettingTable<Settings> = {
  aiotestfile: {
    flags: "-f, --aiotestfile <PATH>",
    group: TEST,
    description: "the test file",
    kind: textOf("the path of a test file"),
    default: "aiotestfile.ts",
  },
  host: {
    flags: "-H, --host <URL>",
    group: TEST,
    description: "replaces the host of every user class",
    kind: textOf("a host, like http://127.0.0.1:8000,"),
    default: null,
  },
  tags: {
    flags: "-T, --tags <A,B>",
    group: TEST,
    description: "run only tests that have one of these tags",
    kind: nameList,
    default: [],
  },
  excludeTags: {
    flags: "-E, --exclude-tags <A,B>",
    group: TEST,
    description: "run no test that has one of these tags",
    kind: nameList,
    default: [],
  },
  insecure: {
    flags: "--insecure",
    group: TEST,
    description: "accept any TLS certificate of the target",
    kind: toggle,
    default: false,
  },
  redis: {
    flags: "--redis <URL>",
    group: TEST,
    description: "counters and queues live there; better as AIOTEST_REDIS",
    kind: textOf("a URL like redis://:password@127.0.0.1:6379/0"),
    default: null,
    ifNone: "in the master",
  },
  ...LOAD_SETTINGS,
  ...CLUSTER_SETTINGS,
  ...WEB_SETTINGS,
  ...RESULT_SETTINGS,
  showUsersWeight: {
    // The first spelling is that of the tool's earliest users, and stays out of `--help`.
    flags: "--show-users-wight, --show-users-weight",
    group: RESULTS,
    description: "print the shares of the user classes as JSON, and exit",
    kind: toggle,
    default: false,
  },
  loglevel: {
    flags: "-L, --loglevel <L>",
    group: LOG,
    description: "DEBUG, INFO, WARNING, ERROR or CRITICAL",
    kind: choice(LOG_LEVELS),
    default: "INFO",
  },
  logfile: {
    flags: "--logfile <FILE>",
    group: LOG,
    description: "where the log goes",
    kind: textOf("the name of a file"),
    default: null,
    ifNone: "standard error",
  },
};

// What the command line knows of an option.

/** One option. */
export interface Setting<Value> {
  /** As the flag parser takes it: `-u, --users <N>`. */
  readonly flags: string;
  /** The heading that it stands under in `--help`. */
  readonly group: string;
  readonly description: string;
  readonly kind: OptionType<Exclude<Value, null>>;
  readonly default: Value;
  /** What it means that there is no value, for `--help`. */
  readonly ifNone?: string;
}

/** Options by the name of their value. */
export type SettingTable<Values> = { readonly [Name in keyof Values]: Setting<Values[Name]> };

/**
 * What the options of a table are where none is given.
 */
export function defaultsOf<Values>(table: SettingTable<Values>): Values {
  const settings = Object.entries<Setting<unknown>>(table);
  const defaults: unknown = Object.fromEntries(
    settings.map(([name, setting]) => [name, setting.default]),
  );
  return defaults as Values;
}

/**
 * The default of an option as people would write it; empty where there is none to speak of.
 */
export function defaultText(
  { default: standard, ifNone = "" }: Pick<Setting<unknown>, "default" | "ifNone">,
): string {
  if (standard === null) return ifNone;
  if (Array.isArray(standard)) return standard.join(" ");
  return typeof standard === "string" || typeof standard === "number" ? String(standard) : "";
}

// The options of `aiotest quick`: what one request is, and those of a local run that go with it.

/** One header line. */
export type HeaderLine = readonly [name: string, value: string];

/** Options of a local run that mean the same with `quick`. */
type Shared =
  | "insecure"
  | "users"
  | "runTime"
  | "stopTimeout"
  | "arrivalRate"
  | "maxUsers"
  | "arrivals"
  | "onBusy"
  | ReportOption
  | "threshold"
  | "abortOnThreshold"
  | "resetStats"
  | "exitCodeOnError"
  | "loglevel"
  | "logfile";

/** The values of all options of `quick`, defaults filled in. */
export interface QuickSettings extends Pick<Settings, Shared> {
  /** As it was given; null: GET, or POST where there is data. */
  readonly method: string | null;
  /** The request's body, or `@` and the file that holds it; null: none. */
  readonly data: string | null;
  readonly header: readonly HeaderLine[];
  /** Seconds for one request, its redirects included. */
  readonly timeout: number;
  /** How many requests are sent in all; null: until the time is over. */
  readonly requests: number | null;
  /** Users started a second; null: all at once. */
  readonly rate: number | null;
}

/** What HTTP calls a token: the form of methods and of header names. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** Visible text and blanks; bytes over 127 go over the wire as they are. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const methodName: OptionType<string> = {
  needed: "an HTTP method, like PUT, is needed",
  types: ["text"],
  parse: (text) => TOKEN.test(text) ? text.toUpperCase() : null,
};

const anyText: OptionType<string> = {
  needed: "a text, or @ and the name of a file, is needed",
  types: ["text"],
  parse: (text) => text === "@" ? null : text,
};

const headerLines: OptionType<readonly HeaderLine[]> = {
  needed: 'a line like "Accept: text/html" is needed',
  types: ["text", "list"],
  add: (earlier, later) => [...earlier, ...later],
  parse(text): readonly HeaderLine[] | null {
    const colon = text.indexOf(":");
    const name = text.slice(0, Math.max(0, colon));
    const value = text.slice(colon + 1).trim();
    return TOKEN.test(name) && FIELD_VALUE.test(value) ? [[name, value]] : null;
  },
};

const REQUEST = "The request:";
const QUICK_LOAD = SETTINGS.users.group;

/** Seconds that a run takes where the command line says neither how long nor how many. */
export const QUICK_RUN_TIME = 10;

const runTime: Setting<number | null> = {
  ...SETTINGS.runTime,
  ifNone: `${QUICK_RUN_TIME}s, or no end with --requests`,
};

/** Every option, by the name of its value, in the order of `quick --help`. */
export const QUICK_SETTINGS: SettingTable<QuickSettings> = {
  method: {
    flags: "-m, --method <NAME>",
    group: REQUEST,
    description: "the HTTP method",
    kind: methodName,
    default: null,
    ifNone: "GET, or POST with --data",
  },
  data: {
    flags: "-d, --data <TEXT>",
    group: REQUEST,
    description: "sent as the body; @FILE sends a file",
    kind: anyText,
    default: null,
    ifNone: "no body",
  },
  header: {
    flags: "--header <LINE>",
    group: REQUEST,
    description: 'a header, like "Accept: text/html"; may repeat',
    kind: headerLines,
    default: [],
  },
  timeout: {
    flags: "--timeout <S>",
    group: REQUEST,
    description: "seconds for one request, its redirects included",
    kind: duration({ orNone: false }),
    default: 60,
  },
  insecure: { ...SETTINGS.insecure, group: REQUEST },
  users: { ...SETTINGS.users, description: "users, with a connection each", default: 50 },
  rate: {
    flags: SETTINGS.rate.flags,
    group: QUICK_LOAD,
    description: "users started a second, may be a fraction",
    kind: positiveNumber,
    default: null,
    ifNone: "all at once",
  },
  runTime,
  requests: {
    flags: "-n, --requests <N>",
    group: QUICK_LOAD,
    description: "so many requests in all, exactly; then the run ends",
    kind: wholeNumber(1),
    default: null,
    ifNone: "as many as the time allows",
  },
  stopTimeout: {
    ...SETTINGS.stopTimeout,
    description: "seconds that a request may still take when the run ends",
  },
  arrivalRate: {
    ...SETTINGS.arrivalRate,
    description: "open model: N requests start a second, whatever the target does",
  },
  maxUsers: SETTINGS.maxUsers,
  arrivals: { ...SETTINGS.arrivals, description: "how they are spaced: constant or poisson" },
  onBusy: {
    ...SETTINGS.onBusy,
    description: "all users busy: queue (a request starts late, and its delay counts) or drop",
  },
  ...REPORT_SETTINGS,
  threshold: SETTINGS.threshold,
  abortOnThreshold: SETTINGS.abortOnThreshold,
  resetStats: SETTINGS.resetStats,
  exitCodeOnError: SETTINGS.exitCodeOnError,
  loglevel: SETTINGS.loglevel,
  logfile: SETTINGS.logfile,
};

// The options of `aiotest demo`: those of a local run that mean something there.

/** What the demo does where the command line does not say otherwise. */
export const DEMO = {
  users: 20,
  rate: 5,
  runTime: 10,
  json: "aiotest-demo.json",
  // The failing orders are part of the demo, and no fault of it.
  exitCodeOnError: 0,
} as const;

type Taken =
  | keyof typeof DEMO
  | keyof WebSettings
  | "stopTimeout"
  | ReportOption
  | "threshold"
  | "resetStats"
  | "loglevel"
  | "logfile";

/** What `demo --help` shows. */
export const DEMO_SETTINGS: SettingTable<Pick<Settings, Taken>> = {
  users: { ...SETTINGS.users, default: DEMO.users },
  rate: { ...SETTINGS.rate, default: DEMO.rate },
  runTime: { ...SETTINGS.runTime, default: DEMO.runTime },
  stopTimeout: SETTINGS.stopTimeout,
  ...WEB_SETTINGS,
  ...REPORT_SETTINGS,
  json: { ...SETTINGS.json, default: DEMO.json },
  threshold: SETTINGS.threshold,
  resetStats: SETTINGS.resetStats,
  exitCodeOnError: { ...SETTINGS.exitCodeOnError, default: DEMO.exitCodeOnError },
  loglevel: SETTINGS.loglevel,
  logfile: SETTINGS.logfile,
};

/** The values of all options of `aiotest compare`, defaults filled in. */
export interface CompareSettings {
  /** How much worse a figure may be, as a share; null: {@link MAX_REGRESSION}. */
  readonly maxRegression: number | null;
  /** Where the comparison is written; null: nowhere. */
  readonly json: string | null;
}

/** How much worse a figure may be where nothing is said of it, as a share. */
export const MAX_REGRESSION = 0.05;

const percentage: OptionType<number> = {
  needed: "a percentage like 5% is needed",
  types: ["text"],
  parse(text): number | null {
    const digits = /^(\d+(?:\.\d*)?|\.\d+)%$/.exec(text)?.[1];
    const share = Number(digits ?? NaN) / 100;
    return Number.isFinite(share) ? share : null;
  },
};

/** Every option, by the name of its value, in the order of `compare --help`. */
export const COMPARE_SETTINGS: SettingTable<CompareSettings> = {
  maxRegression: {
    flags: "--max-regression <P>",
    group: "Options:",
    description: "how much worse a figure may be",
    kind: percentage,
    default: null,
    ifNone: "5%",
  },
  json: {
    flags: "--json <FILE>",
    group: "Options:",
    description: "write the comparison as JSON",
    kind: textOf("the name of a file"),
    default: null,
  },
};
