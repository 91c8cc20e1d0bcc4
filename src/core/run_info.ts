/**
 * Facts of a run that all layers share.
 *
 * @module
 */

/** The run that a test file is part of. All fields are read-only, and they change during the run. */
export interface RunInfo {
  /** Identifies the run in all of its reports. */
  readonly id: string;
  /** The name of this node; `local` in a local run. */
  readonly node: string;
  /** Number of users running on this node. */
  readonly userCount: number;
  /** Seconds since the test started; 0 before that. */
  readonly runTime: number;
}

/** How a run is called. Every report shows it. */
export interface RunLabels {
  /** `null` if the run was given none. */
  readonly name: string | null;
  /** Values by key, in the order in which they were given. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The key of a label as metrics can write it. */
export function metricLabel(key: string): string {
  return key.replaceAll(/\W/g, "_");
}

/** The longest name of a run, in UTF-16 units. */
export const MAX_RUN_NAME = 100;

/** The longest name of a worker, in UTF-16 units. */
export const MAX_WORKER_NAME = 100;

/** How arrivals are spaced in the open model: evenly, or as a Poisson process. */
export type Spacing = "constant" | "poisson";

/**
 * What happens to an iteration that is due while all users are busy: it waits for the first free user,
 * or it is dropped.
 */
export type WhenBusy = "queue" | "drop";

/** How the rounds of one rendezvous ended. */
export interface RendezvousRounds {
  readonly name: string;
  /** Rounds in which all expected users arrived. */
  readonly complete: number;
  /** Rounds that timed out with fewer users. */
  readonly incomplete: number;
}

/**
 * The most users of a load or of a class, and the highest weight of a class: the order of more users would
 * take too much memory, and their shares would not be exact.
 */
export const MAX_USERS = 1_000_000;
