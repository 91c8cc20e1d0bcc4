/**
 * Every option of a run: its flag, its values, its default, and what `--help` says of it.
 *
 * @module
 */

import { LOG_LEVELS, type LogLevelName } from "../core/logger.ts";
import { CLUSTER_SETTINGS, type ClusterSettings } from "./cluster_settings.ts";
import { LOAD_SETTINGS, type LoadSettings } from "./load_settings.ts";
import { RESULT_SETTINGS, RESULTS, type ResultSettings } from "./result_settings.ts";
import type { SettingTable } from "./setting.ts";
import { choice, nameList, textOf, toggle } from "./value_kind.ts";
import { WEB_SETTINGS, type WebSettings } from "./web_settings.ts";

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
