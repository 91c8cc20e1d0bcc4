/**
 * What the dashboard can do with a run. The command line implements {@link DashboardControl}; the
 * dashboard knows nothing else about the run.
 *
 * @module
 */

import type { ArrivalLoad, PartialLoad, ResolvedLoad, UserLoad } from "../load/load.ts";
import type { Snapshot } from "../stats/snapshot.ts";

/** A run that can be observed and controlled. */
export interface DashboardControl {
  /** The run at this moment. */
  snapshot(): Snapshot;
  /** Whether the run waits for {@link DashboardControl.start}. */
  readonly canStart: boolean;
  /**
   * Starts the test. Returns its load if one was given.
   *
   * @param load what it leaves out is as configured; null: all of it.
   * @throws UsageError with a sentence if the test cannot be started.
   */
  start(load: PartialLoad | null): ResolvedLoad | null;
  /** Pauses the test. @throws UsageError with a sentence if it is not running, or is paused already. */
  pause(): void;
  /** Lets the test go on. @throws UsageError with a sentence if it is not paused. */
  resume(): void;
  /** Stops the test, like Ctrl-C. @throws UsageError with a sentence if it cannot be stopped. */
  stop(): void;
  /**
   * Changes the load. What is left out stays as it is. Returns the new load.
   *
   * @throws UsageError with a sentence if it cannot be changed.
   */
  changeLoad(load: PartialLoad): ResolvedLoad;
}

const CLOSED_MODEL_FIELDS = ["users", "rate"];
const OPEN_MODEL_FIELDS = ["arrivalRate", "maxUsers"];

/** Validates the parts of a load received as JSON. Returns a sentence if they are invalid. */
export function readLoad(
  value: Readonly<Record<string, unknown>>,
): PartialLoad | string {
  const { users, rate, arrivalRate, maxUsers } = value;
  const unknown = Object.keys(value)
    .find((key) => ![...CLOSED_MODEL_FIELDS, ...OPEN_MODEL_FIELDS].includes(key));
  if (unknown !== undefined) return `Unknown field ${quoted(unknown)}.`;
  if (OPEN_MODEL_FIELDS.some((key) => key in value)) {
    if (CLOSED_MODEL_FIELDS.some((key) => key in value)) {
      return "Specify either users and rate, or arrivalRate and maxUsers, not both.";
    }
    if ("arrivalRate" in value && (!isNumber(arrivalRate) || arrivalRate < 0)) {
      return problem("arrivalRate", arrivalRate, "a number of 0 or more");
    }
    if ("maxUsers" in value && (!isWhole(maxUsers) || maxUsers < 1)) {
      return problem("maxUsers", maxUsers, "a whole number of 1 or more");
    }
    return value as Partial<ArrivalLoad>;
  }
  if (Object.keys(value).length === 0) {
    return "The load is missing; expected users, rate or both, or arrivalRate, maxUsers or both.";
  }
  if ("users" in value && (!isWhole(users) || users < 0)) {
    return problem("users", users, "a whole number of 0 or more");
  }
  if ("rate" in value && (!isNumber(rate) || rate <= 0)) {
    return problem("rate", rate, "a number greater than 0");
  }
  return value as Partial<UserLoad>;
}

function problem(key: string, value: unknown, expected: string): string {
  return `${key} is ${quoted(value)}; expected ${expected}.`;
}

/** Limits how much of an invalid value an error message repeats. */
const MAX_QUOTED = 40;

function quoted(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}
