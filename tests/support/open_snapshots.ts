import type { IterationSummary, Snapshot } from "../../src/stats/snapshot.ts";
import { latencies, shopSnapshot } from "./snapshots.ts";

/** Passes of a target that keeps up: 200 a second for 30 s, of which two are under way. */
export function iterations(changes: Partial<IterationSummary> = {}): IterationSummary {
  return {
    scheduled: 6000,
    started: 6000,
    completed: 5998,
    dropped: 0,
    serviceTimeMs: latencies(40),
    startDelayMs: latencies(0.1),
    ...changes,
  };
}

/** The web shop under 200 passes a second, of at most 50 users, `seconds` of its two minutes in. */
export function openSnapshot(
  seconds: number,
  counts: Partial<IterationSummary> = {},
  changes: Partial<Snapshot> = {},
): Snapshot {
  const shop = shopSnapshot(seconds, {
    arrivalRate: 200,
    users: { current: 12, target: 50, peak: 14, final: 12 },
    ...changes,
  });
  return { ...shop, statistics: { ...shop.statistics, iterations: iterations(counts) } };
}
