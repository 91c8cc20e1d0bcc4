/**
 * Settings of the load.
 *
 * @module
 */

import { DEFAULT_MAX_USERS } from "../load/load.ts";
import {
  choice,
  duration,
  endlessDuration,
  numberAboveZero,
  positiveNumber,
  toggle,
  userNumber,
  wholeNumber,
} from "./option_types.ts";
import { EVERY_RUN, HIDDEN_IN_DEMO, LOAD, NEEDS_TEST_FILE } from "./setting_groups.ts";
import type { DeclarationTable } from "./setting_types.ts";

/** How the iterations of the open model are spaced. */
const SPACINGS = ["constant", "poisson"] as const;

/** What happens to an iteration that is due while all users are busy. */
const WHEN_BUSY = ["queue", "drop"] as const;

/** Seconds that `quick` runs if neither `--run-time` nor `--requests` is given. */
export const QUICK_RUN_TIME = 10;

/** In the order of `--help`. */
export const LOAD_SETTINGS = {
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
} as const satisfies DeclarationTable;
