/**
 * What the dashboard can do with a run. The command line implements {@link DashboardControl}; the
 * dashboard knows nothing else about the run.
 *
 * @module
 */

import type { ResolvedLoad } from "../load/load.ts";
import type { Snapshot } from "../stats/snapshot.ts";

/** A run that can be observed and controlled. */
export interface DashboardControl {
  /** The run at this moment. */
  snapshot(): Snapshot;
  /** Whether the run waits for {@link DashboardControl.start}. */
  readonly canStart: boolean;
  /**
   * Starts the test.
   *
   * @param load null: the load given on the command line.
   * @throws UsageError with a sentence if the test cannot be started.
   */
  start(load: ResolvedLoad | null): void;
  /** Stops the test, like Ctrl-C. @throws UsageError with a sentence if it cannot be stopped. */
  stop(): void;
  /** Changes the load. @throws UsageError with a sentence if it cannot be changed. */
  changeLoad(load: ResolvedLoad): void;
}

const CLOSED_MODEL_FIELDS = ["users", "rate"];
const OPEN_MODEL_FIELDS = ["arrivalRate", "maxUsers"];

/** Validates a load received as JSON. Returns a sentence if it is invalid. */
export function readLoad(
  value: Readonly<Record<string, unknown>>,
): ResolvedLoad | string {
  const { users, rate, arrivalRate, maxUsers } = value;
  const unknown = Object.keys(value)
    .find((key) => ![...CLOSED_MODEL_FIELDS, ...OPEN_MODEL_FIELDS].includes(key));
  if (unknown !== undefined) return `Unknown field ${quoted(unknown)}.`;
  if (OPEN_MODEL_FIELDS.some((key) => key in value)) {
    if (CLOSED_MODEL_FIELDS.some((key) => key in value)) {
      return "Specify either users and rate, or arrivalRate and maxUsers, not both.";
    }
    if (!isNumber(arrivalRate) || arrivalRate < 0) {
      return problem("arrivalRate", arrivalRate, "a number of 0 or more");
    }
    if (!isWhole(maxUsers) || maxUsers < 1) {
      return problem("maxUsers", maxUsers, "a whole number of 1 or more");
    }
    return { arrivalRate, maxUsers };
  }
  if (!isWhole(users) || users < 0) return problem("users", users, "a whole number of 0 or more");
  if (!isNumber(rate) || rate <= 0) return problem("rate", rate, "a number greater than 0");
  return { users, rate };
}

function problem(key: string, value: unknown, expected: string): string {
  const found = value === undefined ? "missing" : quoted(value);
  return `${key} is ${found}; expected ${expected}.`;
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
