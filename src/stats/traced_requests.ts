/**
 * The slowest requests of each name that have a trace.
 *
 * @module
 */

import { PairMap } from "./request_stats.ts";
import type { TracedRequestRow } from "./snapshot.ts";
import type { KeyedTraced, TracedRequest } from "./stats_delta.ts";

/** How many of each name are kept. */
export const TRACED_PER_NAME = 3;

/** The slowest requests by method and name. The caller limits the number of names. */
export class TracedTable implements Iterable<KeyedTraced> {
  readonly #requests = new PairMap<TracedRequest[]>();

  /** Adds a request, if it is among the slowest of its name. */
  add(method: string, name: string, request: TracedRequest): void {
    const slowest = this.#requests.at(method, name, () => []);
    const at = slowest.findIndex((one) => comesBefore(request, one));
    slowest.splice(at < 0 ? slowest.length : at, 0, request);
    if (slowest.length > TRACED_PER_NAME) slowest.pop();
  }

  /** Whether a request of this latency would be kept. */
  admits(method: string, name: string, latencyMs: number): boolean {
    const slowest = this.#requests.get(method, name);
    return slowest === undefined || slowest.length < TRACED_PER_NAME ||
      latencyMs > slowest.at(-1)!.latencyMs;
  }

  /** A row for each; those of one name are together, the slowest first. */
  rows(): TracedRequestRow[] {
    return Array.from(this, ([method, name, request]) => ({ method, name, ...request }));
  }

  *[Symbol.iterator](): IterableIterator<KeyedTraced> {
    for (const [method, name, requests] of this.#requests) {
      for (const request of requests) yield [method, name, request];
    }
  }
}

/** Whether a request is slower than another one. Of equals, the order must not depend on which came first. */
function comesBefore(one: TracedRequest, other: TracedRequest): boolean {
  return one.latencyMs > other.latencyMs ||
    one.latencyMs === other.latencyMs && one.traceId < other.traceId;
}
