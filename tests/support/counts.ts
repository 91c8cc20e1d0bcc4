import fc from "fast-check";
import { IterationStats } from "../../src/stats/iteration_stats.ts";
import type { Sample } from "../../src/stats/request_stats.ts";
import type { IterationCounts, SecondCounts, StatsDelta } from "../../src/stats/stats_delta.ts";
import { SecondStats } from "../../src/stats/stats_table.ts";
import { latency } from "./samples.ts";

/** An empty delta of second 0. */
export function deltaOf(changes: Partial<StatsDelta> = {}): StatsDelta {
  return {
    from: 0,
    to: 0,
    seconds: [],
    entries: [],
    userErrors: [],
    iterations: null,
    ...changes,
  };
}

/** A second without users and requests. */
export function secondCounts(
  second: number,
  changes: Partial<SecondCounts> = {},
): SecondCounts {
  return { second, users: 0, peakUsers: 0, requests: 0, failures: 0, ...changes };
}

/** The stats of a second with three users and these samples. */
export function secondOf(samples: Iterable<Sample>, second = 0): SecondStats {
  const stats = new SecondStats(second, 3);
  for (const one of samples) {
    stats.entries.at(one.method, one.name).of(one.status).add(one);
  }
  return stats;
}

/** Iterations: the delays of those that started, and the service times of those that ended. */
export interface IterationsGiven {
  readonly scheduled?: number;
  readonly dropped?: number;
  readonly delays?: readonly number[];
  readonly services?: readonly number[];
}

/** The counts of these iterations. */
export function iterationsOf(
  { scheduled = 0, dropped = 0, delays = [], services = [] }: IterationsGiven,
): IterationStats {
  const iterations = new IterationStats();
  iterations.scheduled = scheduled;
  iterations.dropped = dropped;
  for (const ms of delays) iterations.begin(ms);
  for (const ms of services) iterations.complete(ms);
  return iterations;
}

/** Any iterations. */
export const anyIterations: fc.Arbitrary<Required<IterationsGiven>> = fc.record({
  scheduled: fc.oneof(fc.nat(1000), fc.nat(2 ** 31 - 1)),
  dropped: fc.nat(1000),
  delays: fc.array(fc.oneof(fc.constant(0), latency), { maxLength: 20 }),
  services: fc.array(latency, { maxLength: 20 }),
});

/** The counts of iterations and the sums of their times, in milliseconds. */
export function iterationCounts(iterations: IterationCounts | null): Record<string, number> | null {
  if (iterations === null) return null;
  const { scheduled, started, completed, dropped, startDelay, serviceTime } = iterations;
  return {
    scheduled,
    started,
    completed,
    dropped,
    delay: startDelay.sum,
    service: serviceTime.sum,
  };
}
