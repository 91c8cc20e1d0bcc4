import type { Options } from "./options.ts";
import type { Settings } from "./settings.ts";
import { flagOf } from "./role_conflicts.ts";

/** What was asked for, and what a test file has of its own. */
export interface AskedLoad extends Pick<Options, "given" | "arrivalRate" | "abortOnThreshold"> {
  /** The name of the test file's shape; null: it has none. */
  readonly shape: string | null;
  /** What must hold, wherever that was said. */
  readonly thresholds: readonly string[];
}

/** Flags that a shape decides instead. */
const DECIDED_BY_SHAPE = ["users", "rate", "runTime", "arrivalRate", "maxUsers"] as const;

/** Flags of the closed model, and of the open one. */
const CLOSED = ["users", "rate"] as const;
const OPEN = ["maxUsers", "arrivals", "onBusy"] as const;

/**
 * Flags that were given and that change nothing, and why; a sentence each.
 *
 * ```ts
 * import { ignoredFlags } from "./ignored_flags.ts";
 * import assert from "node:assert/strict";
 *
 * const asked = { given: new Set(["users", "rate", "arrivalRate"] as const), arrivalRate: 100 };
 * assert.deepEqual(
 *   ignoredFlags({ ...asked, abortOnThreshold: false, shape: null, thresholds: [] }),
 *   ["--users, --rate are ignored: users come as --arrival-rate needs them."],
 * );
 * ```
 */
export function ignoredFlags(asked: AskedLoad): string[] {
  const { shape, arrivalRate, abortOnThreshold, thresholds } = asked;
  const warnings = shape !== null
    ? ignored(asked, DECIDED_BY_SHAPE, `the shape ${shape} decides the load.`)
    : arrivalRate !== null
    ? ignored(asked, CLOSED, "users come as --arrival-rate needs them.")
    : ignored(asked, OPEN, "there is no --arrival-rate.");
  return abortOnThreshold && thresholds.length === 0
    ? [...warnings, "--abort-on-threshold is ignored: there is no threshold."]
    : warnings;
}

function ignored(
  { given }: AskedLoad,
  names: readonly (keyof Settings)[],
  reason: string,
): string[] {
  const flags = names.filter((name) => given.has(name)).map(flagOf);
  if (flags.length === 0) return [];
  return [`${flags.join(", ")} ${flags.length === 1 ? "is" : "are"} ignored: ${reason}`];
}
