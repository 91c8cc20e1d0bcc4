/**
 * How soon a master and its workers do without each other.
 *
 * @module
 */

/** Between two signs of life. */
export const HEARTBEAT_SECONDS = 1;

/** A worker that has not heard of its master for so long stops its users. */
export const LEASE_SECONDS = 5;

/** After this silence the others get a worker's users: by then it has stopped them. */
export const LOST_MS = 6_000;
