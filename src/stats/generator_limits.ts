/**
 * Where a load generator is so busy or so late that what it measures begins to be its own slowness.
 *
 * @module
 */

/** Share of one core, 0 to 1. */
export const BUSY_CPU = 0.9;

/** How late the event loop runs, in milliseconds. */
export const LATE_LOOP_MS = 50;
