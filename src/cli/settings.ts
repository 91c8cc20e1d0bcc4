/**
 * Every option of every command, declared once: flag, type, default, help, the commands that take it,
 * and how master and workers treat it. Option types, help, configuration keys, environment variables
 * and the tables of docs/command-line.md are derived from this table.
 *
 * @module
 */

import { LOG_LEVELS } from "../core/logger.ts";
import { MAX_RUN_NAME, MAX_WORKER_NAME } from "../core/run_info.ts";
import { DNS_ORDERS } from "../http/address_order.ts";
import { DNS_TTL_MS } from "../http/dns_cache.ts";
import { MAX_REDIRECTS } from "../http/redirects.ts";
import { DEFAULT_MAX_USERS } from "../load/load.ts";
import { REPORT_FORMATS, type ReportFormat, type ReportOption } from "../web/report_formats.ts";
import {
  addressList,
  choice,
  connectToRules,
  duration,
  endlessDuration,
  headerLines,
  hostAddress,
  hostPatterns,
  httpMethod,
  labelList,
  millisecondList,
  nameList,
  numberAboveZero,
  type OptionType,
  pemFile,
  pemFiles,
  percentage,
  positiveNumber,
  processCount,
  requestBody,
  sampleFile,
  sampleSelection,
  textList,
  textOf,
  toggle,
  traceShare,
  userNumber,
  visibleName,
  wholeNumber,
} from "./option_types.ts";
import type {
  Declaration,
  DeclarationTable,
  Scope,
  SettingsCommand,
  SettingTable,
  Treatment,
  ValuesOf,
} from "./setting_types.ts";

/** How the iterations of the open model are spaced. */
const SPACINGS = ["constant", "poisson"] as const;

/** What happens to an iteration that is due while all users are busy. */
const WHEN_BUSY = ["queue", "drop"] as const;

/** Seconds that `quick` runs if neither `--run-time` nor `--requests` is given. */
export const QUICK_RUN_TIME = 10;

const TEST = "Test:";
const REQUEST = "Request:";
const CONNECTIONS = "Connections:";
const LOAD = "Load:";
const DISTRIBUTED = "Distributed runs:";
const MASTER = "Master:";
const WORKER = "Worker:";
const JOINING = "Cluster security:";
const WEB = "Dashboard:";
const RESULTS = "Results:";
const LOG = "Logging:";
const COMPARISON = "Comparison:";

/** Every command that generates load takes it. */
const EVERY_RUN = { run: true, quick: true, demo: true } as const;

/** The demo takes it as well, but does not list it. */
const HIDDEN_IN_DEMO = { run: true, quick: true, demo: { hidden: true } } as const;

const NEEDS_TEST_FILE = {
  run: true,
  quick: "which has no test file",
  demo: { hidden: true },
} as const;

const NEEDS_OWN_TARGET = {
  run: true,
  quick: "which has no test file",
  demo: "which brings its own test and target",
} as const;

const NEEDS_SEVERAL_PROCESSES = {
  run: true,
  quick: "which runs in one process",
  demo: "which runs in one process",
} as const;

const NEEDS_DASHBOARD = { run: true, quick: "which has no dashboard", demo: true } as const;

const fileName = textOf("a file name");

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

/** All settings, in the order of `--help`. */
const TABLE = {
  aiotestfile: {
    flags: "-f, --aiotestfile <PATH>",
    group: TEST,
    help: "test file to run",
    type: textOf("the path of a test file"),
    default: "aiotestfile.ts",
    commands: NEEDS_OWN_TARGET,
  },
  /** Overrides the host of every user class. */
  host: {
    flags: "-H, --host <URL>",
    group: TEST,
    help: "target host; overrides the host of every user class",
    type: textOf("a host like http://127.0.0.1:8000"),
    default: null,
    commands: {
      ...NEEDS_OWN_TARGET,
      quick: "which takes the whole URL; to set a header, use --header",
    },
    toWorkers: true,
    toChildren: true,
  },
  /** Empty: all classes. */
  userClasses: {
    flags: "--user-classes <A,B>",
    group: TEST,
    help: "run only these user classes",
    type: nameList,
    default: [],
    commands: NEEDS_TEST_FILE,
    toWorkers: true,
    toChildren: true,
  },
  tags: {
    flags: "-T, --tags <A,B>",
    group: TEST,
    help: "run only tests with at least one of these tags",
    type: nameList,
    default: [],
    commands: NEEDS_TEST_FILE,
    toWorkers: true,
    toChildren: true,
  },
  excludeTags: {
    flags: "-E, --exclude-tags <A,B>",
    group: TEST,
    help: "skip tests with any of these tags",
    type: nameList,
    default: [],
    commands: NEEDS_TEST_FILE,
    toWorkers: true,
    toChildren: true,
  },
  /** `null`: GET, or POST if there is data. */
  method: {
    flags: "-m, --method <NAME>",
    group: REQUEST,
    help: "HTTP method",
    type: httpMethod,
    default: null,
    shownDefault: "GET, or POST with --data",
    commands: { quick: true },
  },
  /** The request body, or `@` and the name of the file that holds it. */
  data: {
    flags: "-d, --data <TEXT>",
    group: REQUEST,
    help: "request body; @FILE sends the contents of a file",
    type: requestBody,
    default: null,
    shownDefault: "no body",
    commands: { quick: true },
  },
  header: {
    flags: "--header <LINE>",
    group: REQUEST,
    help: 'request header, like "Accept: text/html"; repeatable',
    type: headerLines,
    default: [],
    commands: { quick: true },
  },
  /** Seconds for one request, redirects included. */
  timeout: {
    flags: "--timeout <S>",
    group: REQUEST,
    help: "seconds allowed for one request, redirects included",
    type: duration({ orNone: false }),
    default: 60,
    commands: { quick: true },
  },
  once: {
    flags: "--once",
    group: TEST,
    help: "one user of each class runs each of its tests once, and everything is printed",
    type: toggle,
    default: false,
    commands: {
      run: true,
      quick: { group: REQUEST, help: "send one request, and print it with its response" },
      demo: "which is a load test",
    },
    scope: "not worker",
  },
  printSecrets: {
    flags: "--print-secrets",
    group: TEST,
    help: "print and report credentials, cookies and tokens of requests as they are",
    type: toggle,
    default: false,
    commands: { run: true, quick: { group: REQUEST }, demo: { hidden: true } },
    toWorkers: true,
    toChildren: true,
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
  redis: {
    flags: "--redis <URL>",
    group: TEST,
    help: "Redis that holds counters and queues; prefer AIOTEST_REDIS",
    type: textOf("a URL like redis://:password@127.0.0.1:6379/0"),
    default: null,
    shownDefault: "the master holds them",
    commands: NEEDS_OWN_TARGET,
    scope: "not worker",
  },
  http2: {
    flags: "--http2",
    group: REQUEST,
    help: "use HTTP/2; without TLS, the server must expect it (prior knowledge)",
    type: toggle,
    default: false,
    commands: { quick: true },
  },
  insecure: {
    flags: "--insecure",
    group: CONNECTIONS,
    help: "accept any TLS certificate from the target",
    type: toggle,
    default: false,
    commands: HIDDEN_IN_DEMO,
    toWorkers: true,
    toChildren: true,
  },
  /** A file in PEM, or its contents. */
  clientCert: {
    flags: "--client-cert <FILE>",
    group: CONNECTIONS,
    help: "client certificate for the target, in PEM",
    type: pemFile,
    default: null,
    commands: HIDDEN_IN_DEMO,
    toWorkers: "contents",
    toChildren: true,
  },
  /** A file in PEM, or its contents. */
  clientKey: {
    flags: "--client-key <FILE>",
    group: CONNECTIONS,
    help: "private key of --client-cert, in PEM",
    type: pemFile,
    default: null,
    commands: HIDDEN_IN_DEMO,
    toWorkers: "contents",
    toChildren: true,
  },
  /** Files in PEM, or the contents of one. */
  ca: {
    flags: "--ca <FILE>",
    group: CONNECTIONS,
    help: "certificate authorities to trust for the target as well, in PEM; repeatable",
    type: pemFiles,
    default: [],
    commands: HIDDEN_IN_DEMO,
    toWorkers: "contents",
    toChildren: true,
  },
  /** IP addresses. Empty: those of the user class. */
  localAddress: {
    flags: "--local-address <A,B>",
    group: CONNECTIONS,
    help: "IP addresses of this machine that connections leave from, in turn",
    type: addressList,
    default: [],
    commands: HIDDEN_IN_DEMO,
    toChildren: true,
  },
  /** Rules in the order in which they apply. */
  connectTo: {
    flags: "--connect-to <RULE>",
    group: CONNECTIONS,
    help: "HOST:PORT:ADDRESS:PORT: connect to ADDRESS:PORT for URLs of HOST:PORT; repeatable",
    type: connectToRules,
    default: [],
    commands: HIDDEN_IN_DEMO,
    toWorkers: true,
    toChildren: true,
  },
  /** Where connections to a name with several addresses begin; `null`: as the user class says. */
  dns: {
    flags: "--dns <ORDER>",
    group: CONNECTIONS,
    help: "address of a name to connect to: first, rotate (each in turn) or random",
    type: choice(DNS_ORDERS),
    default: null,
    shownDefault: "dns of the user class",
    commands: { ...HIDDEN_IN_DEMO, quick: { shownDefault: "rotate" } },
    toWorkers: true,
    toChildren: true,
  },
  /** In seconds; `Infinity` for always. */
  dnsTtl: {
    flags: "--dns-ttl <TIME>",
    group: CONNECTIONS,
    help: "how long the addresses of a name are kept; 0: a look-up for each connection, or inf",
    type: endlessDuration,
    default: DNS_TTL_MS / 1000,
    commands: HIDDEN_IN_DEMO,
    toWorkers: true,
    toChildren: true,
  },
  /** `null`: as many as the user class says. */
  maxRedirects: {
    flags: "--max-redirects <N>",
    group: CONNECTIONS,
    help: "redirects that a request follows; 0: none, the redirect is the response",
    type: wholeNumber(0),
    default: null,
    shownDefault: "maxRedirects of the user class",
    commands: { ...HIDDEN_IN_DEMO, quick: { shownDefault: String(MAX_REDIRECTS) } },
    toWorkers: true,
    toChildren: true,
  },
  users: {
    flags: "-u, --users <N>",
    group: LOAD,
    help: "number of users",
    type: userNumber,
    default: 1,
    commands: {
      run: true,
      quick: { help: "number of users, with one connection each", default: 50 },
      demo: { default: 20 },
    },
    scope: "master decides",
  },
  /** Users started or stopped per second; `null` with `quick`: all at once. */
  rate: {
    flags: "-r, --rate <N>",
    group: LOAD,
    help: "users started or stopped per second; may be a fraction",
    type: positiveNumber,
    default: 1,
    commands: {
      run: true,
      quick: {
        help: "users started per second; may be a fraction",
        default: null,
        shownDefault: "all at once",
      },
      demo: { default: 5 },
    },
    scope: "master decides",
  },
  /** Seconds from the start of the test; `null`: until it is interrupted. */
  runTime: {
    flags: "-t, --run-time <T>",
    group: LOAD,
    help: "duration of the test: seconds, or a time like 20s, 3m, 1h20m",
    type: duration({ orNone: false }),
    default: null,
    shownDefault: "no limit",
    commands: {
      run: true,
      quick: { shownDefault: `${QUICK_RUN_TIME}s, or no limit with --requests` },
      demo: { default: 10 },
    },
    scope: "master decides",
  },
  requests: {
    flags: "-n, --requests <N>",
    group: LOAD,
    help: "send exactly N requests in total, then stop",
    type: wholeNumber(1),
    default: null,
    shownDefault: "no limit",
    commands: { quick: true },
  },
  /** Seconds that the test of a stopping user may still run. */
  stopTimeout: {
    flags: "-s, --stop-timeout <S>",
    group: LOAD,
    help: "seconds that running tests may take to finish when users stop",
    type: duration({ orNone: true }),
    default: 2,
    commands: {
      ...EVERY_RUN,
      quick: { help: "seconds that requests may take to finish when the run ends" },
    },
    scope: "master decides",
  },
  /** Seconds that handlers of `init` and `testStart` may take. */
  setupTimeout: {
    flags: "--setup-timeout <T>",
    group: LOAD,
    help: "time that setup and handlers of the events init and testStart may take",
    type: duration({ orNone: false }),
    default: 30,
    commands: NEEDS_TEST_FILE,
    scope: "master decides",
  },
  /** Seconds that the import of the test file may take; 0 or `Infinity`: any time. */
  importTimeout: {
    flags: "--import-timeout <T>",
    group: LOAD,
    help: "time that the import of the test file may take; with 0 or inf, any time",
    type: endlessDuration,
    default: 30,
    commands: NEEDS_TEST_FILE,
    toChildren: true,
  },
  /** Iterations that start per second, however fast the target responds; `null`: closed model. */
  arrivalRate: {
    flags: "--arrival-rate <N>",
    group: LOAD,
    help: "open model: start N iterations per second, however fast the target responds",
    type: numberAboveZero(1e9, "a number above 0 and up to 1,000,000,000"),
    default: null,
    shownDefault: "closed model",
    commands: {
      ...HIDDEN_IN_DEMO,
      quick: { help: "open model: start N requests per second, however fast the target responds" },
    },
  },
  maxUsers: {
    flags: "--max-users <N>",
    group: LOAD,
    help: "maximum number of users for --arrival-rate",
    type: wholeNumber(1),
    default: DEFAULT_MAX_USERS,
    commands: HIDDEN_IN_DEMO,
  },
  arrivals: {
    flags: "--arrivals <KIND>",
    group: LOAD,
    help: "how --arrival-rate spaces iterations: constant or poisson",
    type: choice(SPACINGS),
    default: "constant",
    commands: {
      ...HIDDEN_IN_DEMO,
      quick: { help: "how --arrival-rate spaces requests: constant or poisson" },
    },
  },
  onBusy: {
    flags: "--on-busy <WHAT>",
    group: LOAD,
    help: "if all users are busy: queue (start late; the delay counts) or drop the iteration",
    type: choice(WHEN_BUSY),
    default: "queue",
    commands: {
      ...HIDDEN_IN_DEMO,
      quick: {
        help: "if all users are busy: queue (start late; the delay counts) or drop the request",
      },
    },
  },
  /** Iterations of the whole cluster after which the test ends. */
  iterations: {
    flags: "--iterations <N>",
    group: LOAD,
    help: "stop after N iterations in total, on all workers together",
    type: wholeNumber(1),
    default: null,
    shownDefault: "no limit",
    commands: { ...NEEDS_TEST_FILE, quick: "which takes --requests" },
    toWorkers: true,
  },
  showShape: {
    flags: "--show-shape",
    group: LOAD,
    help: "draw the load over time as text, then exit",
    type: toggle,
    default: false,
    commands: { ...NEEDS_TEST_FILE, quick: "which has a constant load" },
  },
  master: {
    flags: "--master",
    group: DISTRIBUTED,
    help: "coordinate workers, which run the users",
    type: toggle,
    default: false,
    commands: NEEDS_SEVERAL_PROCESSES,
  },
  worker: {
    flags: "--worker",
    group: DISTRIBUTED,
    help: "run users for a master; uses the master's test file if it has none",
    type: toggle,
    default: false,
    commands: NEEDS_SEVERAL_PROCESSES,
  },
  /** Workers on this machine; -1: one per core; `null`: the process does the work itself. */
  processes: {
    flags: "--processes <N>",
    group: DISTRIBUTED,
    help:
      "run a master and N workers on this machine, and replace workers that crash; -1: one per core; " +
      "with --worker: N workers",
    type: processCount,
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
  },
  expectWorkers: {
    flags: "--expect-workers <N>",
    group: MASTER,
    help: "start the test once N workers have joined",
    type: wholeNumber(1),
    default: 1,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  /** Seconds; 0: no limit. */
  expectWorkersMaxWait: {
    flags: "--expect-workers-max-wait <S>",
    group: MASTER,
    help: "seconds to wait for these workers; 0: no limit",
    type: duration({ orNone: true }),
    default: 0,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  masterHost: {
    flags: "--master-host <H>",
    group: WORKER,
    help: "host name or address of the master",
    type: hostAddress,
    default: "127.0.0.1",
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "worker",
  },
  masterPort: {
    flags: "--master-port <P>",
    group: WORKER,
    help: "port of the master",
    type: wholeNumber(1, 65_535),
    default: 5557,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "worker",
  },
  /** `*`: all interfaces. */
  masterBindHost: {
    flags: "--master-bind-host <H>",
    group: MASTER,
    help: "address that the master listens on; *: all interfaces",
    type: hostAddress,
    default: "*",
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  /** 0: any free port. */
  masterBindPort: {
    flags: "--master-bind-port <P>",
    group: MASTER,
    help: "port that the master listens on; 0: any free port",
    type: wholeNumber(0, 65_535),
    default: 5557,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  /** Secret shared by master and workers; `null`: anything that reaches the port may join. */
  token: {
    flags: "--token <T>",
    group: JOINING,
    help: "secret shared by master and workers; prefer AIOTEST_TOKEN",
    type: textOf("a secret shared by master and workers"),
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
  },
  workerName: {
    flags: "--worker-name <NAME>",
    group: WORKER,
    help: "name of the worker in logs and reports",
    type: visibleName(MAX_WORKER_NAME),
    default: null,
    shownDefault: "host name and random letters",
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "worker",
  },
  /** Seconds. */
  reconnectTimeout: {
    flags: "--reconnect-timeout <S>",
    group: WORKER,
    help: "seconds to keep trying to connect, at the start and after losing the master",
    type: duration({ orNone: false }),
    default: 60,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "worker",
    toChildren: true,
  },
  allowDifferentTestfile: {
    flags: "--allow-different-testfile",
    group: MASTER,
    help: "accept workers whose test file differs from the master's",
    type: toggle,
    default: false,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master decides",
  },
  journal: {
    flags: "--journal <FILE>",
    group: MASTER,
    help: "record the run in a journal, so that it can be resumed",
    type: fileName,
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  resume: {
    flags: "--resume <FILE>",
    group: MASTER,
    help: "resume the run that this journal records",
    type: textOf("the file name of a journal"),
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  tlsCert: {
    flags: "--tls-cert <FILE>",
    group: JOINING,
    help: "certificate of the master (PEM); workers connect over TLS",
    type: fileName,
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  tlsKey: {
    flags: "--tls-key <FILE>",
    group: JOINING,
    help: "private key of the certificate (PEM)",
    type: fileName,
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  /** Authorities that a worker trusts in addition to the system's. */
  tlsCa: {
    flags: "--tls-ca <FILE>",
    group: JOINING,
    help: "certificate authority that a worker trusts (PEM)",
    type: fileName,
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "worker",
    toChildren: true,
  },
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
    default: 0.05,
    shownDefault: "5%",
    commands: { compare: true },
  },
  name: {
    flags: "--name <TEXT>",
    group: RESULTS,
    help: "name of the run, in all reports and metrics",
    type: visibleName(MAX_RUN_NAME),
    default: null,
    commands: EVERY_RUN,
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

/** The values of all settings that a command takes, defaults filled in. */
export type SettingsOf<Command extends SettingsCommand> = ValuesOf<typeof TABLE, Command>;

/** The values of all settings of a run. */
export type Settings = SettingsOf<"run">;

/** Settings of a run: of a test file, on one or several processes. */
export const SETTINGS = settingsOf("run");

export const QUICK_SETTINGS = settingsOf("quick");

export const DEMO_SETTINGS = settingsOf("demo");

export const COMPARE_SETTINGS = settingsOf("compare");

export const REPORT_SETTINGS = settingsOf("report");

/** Names of the options of all commands; each of them may be set in the environment. */
export const OPTION_NAMES: readonly string[] = [...Object.keys(TABLE), "config"];

/** The settings that a command takes, as it takes them. */
function settingsOf<Command extends SettingsCommand>(
  command: Command,
): SettingTable<SettingsOf<Command>> {
  const taken = rows().flatMap(([name, { commands, ...setting }]) => {
    const treatment: Treatment | undefined = commands[command];
    if (treatment === undefined || typeof treatment === "string") return [];
    if (treatment === true) return [[name, setting] as const];
    // The text that shows a default does not fit another one.
    const { shownDefault, ...shared } = setting;
    const base = "default" in treatment ? shared : { ...shared, shownDefault };
    return [[name, { ...base, ...treatment }] as const];
  });
  const table: object = Object.fromEntries(taken);
  return table as SettingTable<SettingsOf<Command>>;
}

/** Why a command refuses settings that a run takes, by the name of the setting. */
export function refusedBy(command: SettingsCommand): ReadonlyMap<keyof Settings, string> {
  const reasons = rows().flatMap(([name, { commands }]) => {
    const treatment = commands[command];
    return typeof treatment === "string" ? [[name as keyof Settings, treatment] as const] : [];
  });
  return new Map(reasons);
}

/** Names of the settings of a run that have a scope, or one of several. */
export function settingsWithScope(...scopes: readonly Scope[]): (keyof Settings)[] {
  return settingNames(({ scope }) => scope !== undefined && scopes.includes(scope));
}

/** Settings of a run that a master sends to its workers. */
export const SENT_TO_WORKERS: readonly (keyof Settings)[] = settingNames((row) =>
  row.toWorkers === true
);

/** Settings of a run that name files, whose contents a master sends to its workers. */
export const FILES_SENT_TO_WORKERS: readonly (keyof Settings)[] = settingNames((row) =>
  row.toWorkers === "contents"
);

/** Settings of a run that a process hands on to the worker processes that it starts. */
export const HANDED_TO_CHILDREN: readonly (keyof Settings)[] = settingNames((row) =>
  row.toChildren === true
);

function settingNames(test: (row: Declaration) => boolean): (keyof Settings)[] {
  return rows().filter(([, row]) => test(row)).map(([name]) => name as keyof Settings);
}

function rows(): readonly [name: string, row: Declaration][] {
  return Object.entries<Declaration>(TABLE);
}
