/**
 * What the dashboard can do with a run. Whoever has the run implements it, and the dashboard knows no
 * more of it.
 *
 * @module
 */

import type { Snapshot } from "../stats/snapshot.ts";

/** A load that somebody asks for, of the closed or of the open model. */
export type ControlTarget =
  | {
    /** A whole number of 0 or more. */
    readonly users: number;
    /** Users started or stopped a second, over 0. */
    readonly rate: number;
  }
  | {
    /** Passes that start a second, 0 or more. */
    readonly arrivalRate: number;
    /** The most users for them: a whole number of 1 or more. */
    readonly maxUsers: number;
  };

/** A run that can be looked at and changed. */
export interface RunControl {
  /** All that is known at this moment. */
  snapshot(): Snapshot;
  /** Whether the run waits for {@link RunControl.start}. */
  readonly canStart: boolean;
  /**
   * Begins the test.
   *
   * @param target the load; null: the one that the command line asks for.
   * @throws UsageError with a sentence where it cannot be.
   */
  start(target: ControlTarget | null): void;
  /** Ends the test, as Ctrl-C does. @throws UsageError with a sentence where it cannot be. */
  stop(): void;
  /** Changes the load. @throws UsageError with a sentence where it cannot be. */
  retarget(target: ControlTarget): void;
}
