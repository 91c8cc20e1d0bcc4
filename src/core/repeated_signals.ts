/**
 * One request to end that arrives as several signals.
 *
 * @module
 */

import { type Clock, systemClock } from "./clock.ts";

/** SIGTERM again within this time is the same request. */
const SAME_REQUEST_MS = 1_000;

/**
 * Wraps a listener for SIGTERM, so that it is called once for each request to end. `timeout` and service
 * managers send SIGTERM to each process of a group, and a launcher in it, such as that of the npm package,
 * passes it on. Ctrl-C needs no such care: a terminal sends it once, and nothing passes it on.
 */
export function withoutRepeats(
  listener: () => void,
  clock: Pick<Clock, "now"> = systemClock,
): () => void {
  let lastMs = -Infinity;
  return () => {
    const isRepeated = clock.now() - lastMs < SAME_REQUEST_MS;
    lastMs = clock.now();
    if (!isRepeated) listener();
  };
}
