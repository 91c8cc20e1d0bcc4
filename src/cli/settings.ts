/**
 * Every option of a run: its flag, its values, its default, and what `--help` says of it.
 *
 * @module
 */

import { LOG_LEVELS, type LogLevelName } from "../core/logger.ts";
import { CLUSTER_SETTINGS, type ClusterSettings } from "./cluster_settings.ts";
import type { SettingTable } from "./setting.ts";
import {
  choice,
  duration,
  nameList,
  positiveNumber,
  textOf,
  toggle,
  wholeNumber,
} from "./value_kind.ts";

/** The values of all options, defaults filled in. */
export interface Settings extends ClusterSettings {
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
  readonly users: number;
  /** Users started or stopped a second. */
  readonly rate: number;
  /** Seconds from the test's start; null: until it is interrupted. */
  readonly runTime: number | null;
  /** Seconds that a stopping user's test may still run. */
  readonly stopTimeout: number;
  /** Where the summary is written at the end. */
  readonly json: string | null;
  /** Drop what was counted before all users were started. */
  readonly resetStats: boolean;
  readonly exitCodeOnError: number;
  /** Print the shares of the user classes instead of running them. */
  readonly showUsersWeight: boolean;
  readonly loglevel: LogLevelName;
  /** Where the log goes; null: standard error. */
  readonly logfile: string | null;
}

const TEST = "The test:";
const LOAD = "The load:";
const RESULTS = "Results:";
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
  ...CLUSTER_SETTINGS,
  json: {
    flags: "--json <FILE>",
    group: RESULTS,
    description: "write the summary as JSON at the end",
    kind: textOf("the name of a file"),
    default: null,
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
