/**
 * What the dashboard can do with a run. Whoever has the run implements it, and the dashboard knows no
 * more of it.
 *
 * @module
 */

import type { ResolvedLoad } from "../load/load.ts";
import type { Snapshot } from "../stats/snapshot.ts";

/** A run that can be looked at and changed. */
export interface DashboardControl {
  /** All that is known at this moment. */
  snapshot(): Snapshot;
  /** Whether the run waits for {@link DashboardControl.start}. */
  readonly canStart: boolean;
  /**
   * Begins the test.
   *
   * @param load the load; null: the one that the command line asks for.
   * @throws UsageError with a sentence where it cannot be.
   */
  start(load: ResolvedLoad | null): void;
  /** Ends the test, as Ctrl-C does. @throws UsageError with a sentence where it cannot be. */
  stop(): void;
  /** Changes the load. @throws UsageError with a sentence where it cannot be. */
  changeLoad(load: ResolvedLoad): void;
}

/** The keys of a load, in each model. */
const CLOSED = ["users", "rate"];
const OPEN = ["arrivalRate", "maxUsers"];

/**
 * Reads a load that came as JSON; a text says what is wrong with it, as a sentence.
 */
export function readControlLoad(
  value: Readonly<Record<string, unknown>>,
): ResolvedLoad | string {
  const { users, rate, arrivalRate, maxUsers } = value;
  const stranger = Object.keys(value).find((key) => ![...CLOSED, ...OPEN].includes(key));
  if (stranger !== undefined) return `There is no field ${shown(stranger)}.`;
  if (OPEN.some((key) => key in value)) {
    if (CLOSED.some((key) => key in value)) {
      return "A load has users and rate, or arrivalRate and maxUsers, and not both.";
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
  if (!isNumber(rate) || rate <= 0) return problem("rate", rate, "a number over 0");
  return { users, rate };
}

function problem(key: string, value: unknown, accepted: string): string {
  if (value === undefined) return `${key} is missing: it has to be ${accepted}.`;
  return `${key} is ${shown(value)}, and has to be ${accepted}.`;
}

/** Of a value that is none; the answer is no place for whatever somebody sent. */
const MAX_SHOWN = 40;

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}
