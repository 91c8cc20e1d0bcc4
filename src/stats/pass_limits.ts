/**
 * Where so many passes are dropped, or begin so late, that a run of the open model does not say what
 * it was meant to say.
 *
 * @module
 */

/** Share of the passes that were scheduled, 0 to 1. */
export const MANY_DROPPED = 0.01;

/** How late passes begin at the 99th percentile, in milliseconds. */
export const LATE_START_MS = 50;
