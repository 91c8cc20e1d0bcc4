/** What a test file may know of the run that it is part of; every field is read-only and live. */
export interface RunInfo {
  /** Identifies the run in every report of it. */
  readonly id: string;
  /** The node that this is: `local` in a local run. */
  readonly node: string;
  /** Users that run on this node now. */
  readonly userCount: number;
  /** Seconds since the test began; 0 before it did. */
  readonly runTime: number;
}

// Words of the open model that master, workers and command line share.

/** How passes are spaced: evenly, or as independent arrivals are. */
export type Spacing = "constant" | "poisson";

/**
 * What becomes of a pass that is due while all users are busy: it waits for the first that is free, or
 * it is dropped.
 */
export type WhenBusy = "queue" | "drop";

/** How often users have met at one rendezvous. */
export interface RendezvousRounds {
  readonly name: string;
  /** Rounds to which all came who were waited for. */
  readonly complete: number;
  /** Rounds that ended by their time, with fewer. */
  readonly incomplete: number;
}
