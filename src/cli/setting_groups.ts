/**
 * The headings of `--help`, and how commands treat most of the settings under them.
 *
 * @module
 */

export const TEST = "Test:";
export const REQUEST = "Request:";
export const CONNECTIONS = "Connections:";
export const LOAD = "Load:";
export const DISTRIBUTED = "Distributed runs:";
export const MASTER = "Master:";
export const WORKER = "Worker:";
export const JOINING = "Cluster security:";
export const WEB = "Dashboard:";
export const RESULTS = "Results:";
export const LOG = "Logging:";
export const COMPARISON = "Comparison:";
export const HISTORY = "History:";

/** Every command that generates load takes it. */
export const EVERY_RUN = { run: true, quick: true, demo: true } as const;

/** The demo takes it as well, but does not list it. */
export const HIDDEN_IN_DEMO = { run: true, quick: true, demo: { hidden: true } } as const;

export const NEEDS_TEST_FILE = {
  run: true,
  quick: "which has no test file",
  demo: { hidden: true },
} as const;

export const NEEDS_OWN_TARGET = {
  run: true,
  quick: "which has no test file",
  demo: "which brings its own test and target",
} as const;

export const NEEDS_SEVERAL_PROCESSES = {
  run: true,
  quick: "which runs in one process",
  demo: "which runs in one process",
} as const;

export const NEEDS_DASHBOARD = { run: true, quick: "which has no dashboard", demo: true } as const;
