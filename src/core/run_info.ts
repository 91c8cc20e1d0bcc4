/**
 * Facts of a run that all layers share.
 *
 * @module
 */

/** The run that a test file is part of. All fields are read-only, and they change during the run. */
export interface RunInfo {
  /** Identifies the run in all of its reports; empty in handlers of `init`. */
  readonly id: string;
  /** The name of this node; `local` in a local run. */
  readonly node: string;
  /**
   * The option `--host`; `null` without it, when each class has a host of its own, and while the test file is
   * imported. For code outside of user classes, such as `setup`: a user has `this.host`.
   */
  readonly host: string | null;
  /** Number of users running on this node. */
  readonly userCount: number;
  /** Seconds since the test started; 0 before that. */
  readonly runTime: number;
  /**
   * What `setup` of the test file has returned, on every node. It is read-only in its whole depth. `null` if
   * there is no `setup`, if it returned nothing, and before it has returned.
   */
  readonly data: unknown;
  /**
   * Ends the run on all nodes, as if its time were over: users stop, the reports are written, and the
   * thresholds decide whether it has passed. It returns at once. Before the start, no user starts.
   *
   * @param reason any value; the reports show it as one line of at most 200 characters.
   */
  stop(reason?: unknown): void;
  /**
   * As {@link stop}, and makes the run fail: the exit code is 1, unless a threshold was crossed (3) or counts
   * are missing (4). Of several calls on all nodes, the first of `fail` counts, or else the first of `stop`.
   *
   * @param reason as of {@link stop}.
   */
  fail(reason?: unknown): void;
  /**
   * Marks this moment in the charts, reports and log of the run, on whichever node it is called. Of the same text
   * within a second, one is kept, and of a run, the first 500 annotations.
   *
   * ```ts
   * import { FastHttpUser } from "aiotest";
   *
   * export class ShopTest extends FastHttpUser {
   *   async testRestart(): Promise<void> {
   *     await this.session.post("/admin/restart");
   *     this.run.annotate("restarted");
   *   }
   * }
   * ```
   *
   * @param text any value; it is shown as one line of at most 200 characters.
   */
  annotate(text: unknown): void;
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

/** How much worse a figure of a run may be than before, by default, as a share. */
export const MAX_REGRESSION = 0.05;

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
