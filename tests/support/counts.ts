import fc from "fast-check";
import { IterationStats } from "../../src/stats/iteration_stats.ts";
import type { Sample } from "../../src/stats/request_stats.ts";
import type { IterationCounts, SecondCounts, StatsDelta } from "../../src/stats/stats_delta.ts";
import { SecondStats } from "../../src/stats/stats_table.ts";
import { latency } from "./samples.ts";

/** Second 0, of which nothing is known. */
export function counted(changes: Partial<StatsDelta> = {}): StatsDelta {
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

/** How a second went in which nothing happened. */
export function countedSecond(
  second: number,
  changes: Partial<SecondCounts> = {},
): SecondCounts {
  return { second, users: 0, peakUsers: 0, requests: 0, failures: 0, ...changes };
}

/** A second of three users with these samples, whenever they ended. */
export function intervalOf(samples: Iterable<Sample>, second = 0): SecondStats {
  const interval = new SecondStats(second, 3);
  for (const one of samples) {
    interval.entries.at(one.method, one.name).of(one.status).add(one);
  }
  return interval;
}

/** What became of passes: those that began with how late, those that ended with how long they took. */
export interface IterationsGiven {
  readonly scheduled?: number;
  readonly dropped?: number;
  readonly delays?: readonly number[];
  readonly services?: readonly number[];
}

/** Passes of which this became. */
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

/** Anything that may become of passes. */
export const anyIterations: fc.Arbitrary<Required<IterationsGiven>> = fc.record({
  scheduled: fc.oneof(fc.nat(1000), fc.nat(2 ** 31 - 1)),
  dropped: fc.nat(1000),
  delays: fc.array(fc.oneof(fc.constant(0), latency), { maxLength: 20 }),
  services: fc.array(latency, { maxLength: 20 }),
});

/** What became of passes, and the sums of their times, in milliseconds. */
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
