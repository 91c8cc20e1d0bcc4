/**
 * The options that say how much load there is, and when.
 *
 * @module
 */

import type { SettingTable } from "./setting.ts";
import {
  choice,
  duration,
  numberOverZero,
  positiveNumber,
  toggle,
  wholeNumber,
} from "./value_kind.ts";

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
export const LOAD_SETTINGS: SettingTable<LoadSettings> = {
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
