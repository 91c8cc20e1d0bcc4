/**
 * The options of `aiotest quick`: what one request is, and those of a local run that go with it.
 *
 * @module
 */

import type { Setting, SettingTable } from "./setting.ts";
import { SETTINGS, type Settings } from "./settings.ts";
import { duration, positiveNumber, type ValueKind, wholeNumber } from "./value_kind.ts";

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
  | "json"
  | "html"
  | "csv"
  | "junit"
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

const methodName: ValueKind<string> = {
  needed: "an HTTP method, like PUT, is needed",
  types: ["text"],
  parse: (text) => TOKEN.test(text) ? text.toUpperCase() : null,
};

const anyText: ValueKind<string> = {
  needed: "a text, or @ and the name of a file, is needed",
  types: ["text"],
  parse: (text) => text === "@" ? null : text,
};

const headerLines: ValueKind<readonly HeaderLine[]> = {
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
const LOAD = SETTINGS.users.group;

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
    group: LOAD,
    description: "users started a second, may be a fraction",
    kind: positiveNumber,
    default: null,
    ifNone: "all at once",
  },
  runTime,
  requests: {
    flags: "-n, --requests <N>",
    group: LOAD,
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
  json: SETTINGS.json,
  html: SETTINGS.html,
  csv: SETTINGS.csv,
  junit: SETTINGS.junit,
  threshold: SETTINGS.threshold,
  abortOnThreshold: SETTINGS.abortOnThreshold,
  resetStats: SETTINGS.resetStats,
  exitCodeOnError: SETTINGS.exitCodeOnError,
  loglevel: SETTINGS.loglevel,
  logfile: SETTINGS.logfile,
};
