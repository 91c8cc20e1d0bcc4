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
  /** Starts further runs in the same process; missing if it ends with its run. */
  readonly series?: RunStarter;
  /** Stops the test, like Ctrl-C. @throws UsageError with a sentence if it cannot be stopped. */
  stop(): void;
  /** Lets a worker leave: others get its users. @throws UsageError with a sentence if that is not possible. */
  stopWorker(id: string): void;
  /**
   * Changes the load. What is left out stays as it is. Returns the new load.
   *
   * @throws UsageError with a sentence if it cannot be changed.
   */
  changeLoad(load: PartialLoad): ResolvedLoad;
}

/** Starts one run after the other in one process. */
export interface RunStarter {
  /** What can be done now. */
  readonly state: SeriesState;
  /** What a run can be started with, and what the last one was. */
  form(): RunForm;
  /**
   * Starts a run as the last one was, except for some fields. Returns what is wrong with one of them; null: nothing.
   *
   * @throws UsageError with a sentence if a run is in progress.
   */
  start(fields: Readonly<Record<string, unknown>>): FieldProblem | null;
  /** Ends the process: at once, or after the run in progress, which is stopped. */
  quit(): void;
}

/** What a process that stays after its runs can do. */
export interface SeriesState {
  /** Whether another run can be started. */
  readonly canStart: boolean;
  /** Why not, as a sentence; empty if it can be. */
  readonly reason: string;
  /** Workers that wait for it; null during a run, and in a single process. */
  readonly workers: number | null;
  /** What has prevented the last run, or ended it, as sentences; empty: nothing. */
  readonly problem: string;
}

/** What is wrong with a run that is to be started. */
export interface FieldProblem {
  /** A sentence. */
  readonly error: string;
  /** The field of `POST /api/start`, such as `users` or `options.tenant`; null if it is none of them. */
  readonly field: string | null;
}

/** What a run can be started with: `GET /api/form`. */
export interface RunForm extends Pick<SeriesState, "canStart" | "reason"> {
  /** The fields of `POST /api/start` with the values of the last run. */
  readonly values: RunFields;
  /** The shape of the test file, which decides about users and run time; null without one. */
  readonly shape: string | null;
  readonly classes: readonly {
    readonly name: string;
    readonly weight: number;
    readonly fixedCount: number;
    /** Whether it has a load of its own. */
    readonly hasLoad: boolean;
    readonly tests: readonly { readonly name: string; readonly tags: readonly string[] }[];
  }[];
  /** All tags of tests. */
  readonly tags: readonly string[];
  /** The flags that the test file has added. */
  readonly flags: readonly FormFlag[];
}

/** The options of a run that can differ from run to run. */
export interface RunFields {
  /** Null: that of each class. */
  readonly host: string | null;
  readonly users: number;
  readonly rate: number;
  /** Null in the closed model. */
  readonly arrivalRate: number | null;
  readonly maxUsers: number;
  /** In seconds; null without an end. */
  readonly runTime: number | null;
  readonly iterations: number | null;
  /** Empty: all. */
  readonly userClasses: readonly string[];
  readonly tags: readonly string[];
  readonly excludeTags: readonly string[];
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

/** A flag that the test file has added. */
export interface FormFlag {
  /** Its name in the field `options` of `POST /api/start`. */
  readonly name: string;
  /** As on the command line: `--tenant`. */
  readonly flag: string;
  readonly help: string;
  /** What it takes: a text, a text or nothing, several texts, or nothing. */
  readonly kind: "text" | "optional" | "list" | "switch";
  readonly default: unknown;
  /** That of the last run; null if it was not given, or may be a secret. */
  readonly value: unknown;
  /** Whether it may be a secret. */
  readonly isSecret: boolean;
  /** What it can be; null: anything. */
  readonly choices: readonly string[] | null;
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
