/**
 * Words of the open model that master, workers and command line share.
 *
 * @module
 */

/** How passes are spaced: evenly, or as independent arrivals are. */
export type Spacing = "constant" | "poisson";

/**
 * What becomes of a pass that is due while all users are busy: it waits for the first that is free, or
 * it is dropped.
 */
export type WhenBusy = "queue" | "drop";
