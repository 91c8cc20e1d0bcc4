import fc from "fast-check";
import { type EndedGroup, GroupStats } from "../../src/stats/group_stats.ts";
import { IterationStats } from "../../src/stats/iteration_stats.ts";
import { MetricTable, newMetricStats } from "../../src/stats/metric_stats.ts";
import { PairMap, type Sample } from "../../src/stats/request_stats.ts";
import type { GroupRow, MetricType } from "../../src/stats/snapshot.ts";
import {
  emptyDelta,
  type IterationCounts,
  type SecondCounts,
  type StatsDelta,
} from "../../src/stats/stats_delta.ts";
import { SecondStats, StatsTable } from "../../src/stats/stats_table.ts";
import { type InProgress, newInProgress, newUnfinished } from "../../src/stats/unanswered.ts";
import { anySample, latency } from "./samples.ts";

/** An empty delta of second 0. */
export function deltaOf(changes: Partial<StatsDelta> = {}): StatsDelta {
  return { ...emptyDelta(0), ...changes };
}

/** A second without users and requests. */
export function secondCounts(
  second: number,
  changes: Partial<SecondCounts> = {},
): SecondCounts {
  return { second, users: 0, peakUsers: 0, requests: 0, failures: 0, maxLagMs: 0, ...changes };
}

/** The stats of a second with three users and these samples. */
export function secondOf(samples: Iterable<Sample>, second = 0): SecondStats {
  const stats = new SecondStats(second, 3);
  const { requests } = stats.parts[0]!;
  for (const one of samples) {
    requests.entries.at(one.method, one.name).add(one);
    if (one.tags !== "") requests.openTagged(one.tags).entries.at(one.method, one.name).add(one);
  }
  return stats;
}

/** What a user of a class did. */
export interface ClassedSample {
  readonly sample: Sample;
  /** The index of its class. */
  readonly of: number;
  /** Whether it was cut off instead of ending. */
  readonly cutOff: boolean;
}

/** Anything that users of three classes did. */
export const anyClassedSample: fc.Arbitrary<ClassedSample> = fc.record({
  sample: anySample,
  of: fc.nat(2),
  cutOff: fc.constantFrom(false, false, false, true),
});

/** What a node counts in ten seconds of these samples, each of which is also an iteration of a new user. */
export function classSeconds(
  samples: readonly ClassedSample[],
  classNames: readonly string[],
): SecondStats[] {
  const table = new StatsTable(classNames);
  table.start(0);
  const users = [0, 0, 0];
  for (const one of samples.toSorted((a, b) => a.sample.endedAt - b.sample.endedAt)) {
    const { sample, of, cutOff } = one;
    const { endedAt, latencyMs } = sample;
    users[of]!++;
    table.setUsers(users[0]! + users[1]! + users[2]!, endedAt, of, users[of]);
    const own = table.ofClass(of);
    if (cutOff) {
      own.unfinished({ ...sample, startedAt: endedAt - latencyMs }, sample.retries, endedAt);
    } else {
      own.record(sample);
      own.completions.count++;
      table.iterations(endedAt, of).scheduled++;
      table.iterations(endedAt, of).complete(latencyMs);
    }
  }
  return table.flush(10_001);
}

/** Requests without an answer: method, name, and their age in milliseconds. */
type UnansweredGiven = readonly (readonly [method: string, name: string, ageMs: number])[];

/** Requests that were cut off, and requests in progress. */
export interface Unanswered {
  readonly unfinished: UnansweredGiven;
  readonly inProgress: UnansweredGiven;
}

/** Adds requests without an answer to the stats of a second. */
export function addUnanswered(stats: SecondStats, { unfinished, inProgress }: Unanswered): void {
  for (const [method, name, ageMs] of unfinished) {
    stats.parts[0]!.requests.unfinished.at(method, name, newUnfinished).add(
      ageMs,
      Math.round(ageMs) % 3,
    );
  }
  const counts = new PairMap<InProgress>();
  for (const [method, name, ageMs] of inProgress) counts.at(method, name, newInProgress).add(ageMs);
  stats.inProgress = counts;
}

const anyAges = fc.array(
  fc.tuple(fc.constantFrom("GET", "POST"), fc.constantFrom("search", "stalled"), latency),
  { maxLength: 20 },
);

/** Any requests without an answer. */
export const anyUnanswered: fc.Arbitrary<Unanswered> = fc.record({
  unfinished: anyAges,
  inProgress: anyAges,
});

/** What groups, checks and metrics were given. */
export interface Measures {
  readonly groups: readonly (EndedGroup | { readonly name: string; readonly ageMs: number })[];
  readonly checks: readonly (readonly [name: string, passed: boolean])[];
  readonly metrics: readonly MetricValue[];
  readonly traced: readonly (readonly [name: string, latencyMs: number, traceId: string])[];
}

/** A value of a metric; that of a gauge with its time. */
type MetricValue = readonly [type: MetricType, name: string, value: number, atMs: number];

/** Nothing was measured. */
export const NOTHING_MEASURED: Measures = { groups: [], checks: [], metrics: [], traced: [] };

/** Adds what was measured to the stats of a second. */
export function addMeasures(
  stats: SecondStats,
  { groups, checks, metrics, traced }: Measures,
): void {
  for (const group of groups) {
    const counts = stats.openGroups.at(group.name);
    if ("ageMs" in group) counts.unfinished.add(group.ageMs);
    else counts.add(group);
  }
  for (const [name, passed] of checks) stats.openChecks.count(name, passed);
  stats.metrics = metricsOf(metrics);
  for (const [name, latencyMs, traceId] of traced) {
    stats.openTraced.add("GET", name, { latencyMs, startedAt: 0, status: 200, traceId });
  }
}

/** What was added to metrics. */
export function metricsOf(values: Measures["metrics"]): MetricTable {
  const table = new MetricTable();
  for (const [type, base, value, atMs] of values) {
    // A name has one kind.
    const name = `${base}.${type}`;
    const metric = table.at(name, () => newMetricStats(type, "m"));
    if (metric.type === "counter") metric.add(Math.abs(value));
    else if (metric.type === "gauge") {
      metric.merge({ type: "gauge", value, atMs, min: value, max: value });
    } else if (metric.type === "rate") metric.add(value > 0);
    else metric.add(value);
  }
  return table;
}

const anyName = fc.constantFrom("buy", "buy / pay", "", "größe");

/** The row of groups with these durations, each failed one of 5 ms, and those that were cut off. */
export function countedGroup(
  { name, durations, failed, cutOff }: {
    readonly name: string;
    readonly durations: readonly number[];
    readonly failed: number;
    readonly cutOff: readonly number[];
  },
): GroupRow {
  const stats = new GroupStats();
  for (const durationMs of durations) stats.add({ name, durationMs, requestsMs: 1, failed: false });
  for (let i = 0; i < failed; i++) {
    stats.add({ name, durationMs: 5, requestsMs: 1, failed: true });
  }
  for (const ageMs of cutOff) stats.unfinished.add(ageMs);
  return stats.row(name);
}

/** Whole numbers, whose sums are exact in any order. */
const anyWhole = fc.oneof(fc.nat(1000), fc.integer({ min: -1_000_000, max: 1_000_000 }));

/** Any groups, checks and metrics. */
export const anyMeasures: fc.Arbitrary<Measures> = fc.record({
  groups: fc.array(
    fc.oneof(
      fc.record({ name: anyName, durationMs: latency, requestsMs: latency, failed: fc.boolean() }),
      fc.record({ name: anyName, ageMs: latency }),
    ),
    { maxLength: 20 },
  ),
  checks: fc.array(fc.tuple(anyName, fc.boolean()), { maxLength: 20 }),
  metrics: fc.array(
    fc.tuple(
      fc.constantFrom<MetricType>("counter", "gauge", "rate", "trend"),
      fc.constantFrom("size", "cart.size_2"),
      anyWhole,
      fc.nat(100_000),
    ),
    { maxLength: 40 },
  ),
  traced: fc.array(
    fc.tuple(anyName, latency, fc.constantFrom("a".repeat(32), "0".repeat(31) + "b")),
    { maxLength: 20 },
  ),
});

/**
 * Iterations: the delays of those that started, the service times of those that ended, and the times of
 * those that were cut off.
 */
export interface IterationsGiven {
  readonly scheduled?: number;
  readonly dropped?: number;
  readonly delays?: readonly number[];
  readonly services?: readonly number[];
  readonly interruptions?: readonly number[];
}

/** The counts of these iterations. */
export function iterationsOf(
  { scheduled = 0, dropped = 0, delays = [], services = [], interruptions = [] }: IterationsGiven,
): IterationStats {
  const iterations = new IterationStats();
  iterations.scheduled = scheduled;
  iterations.dropped = dropped;
  for (const ms of delays) iterations.begin(ms);
  for (const ms of services) iterations.complete(ms);
  for (const ms of interruptions) iterations.interrupt(ms);
  return iterations;
}

/** Any iterations. */
export const anyIterations: fc.Arbitrary<Required<IterationsGiven>> = fc.record({
  scheduled: fc.oneof(fc.nat(1000), fc.nat(2 ** 31 - 1)),
  dropped: fc.nat(1000),
  delays: fc.array(fc.oneof(fc.constant(0), latency), { maxLength: 20 }),
  services: fc.array(latency, { maxLength: 20 }),
  interruptions: fc.array(latency, { maxLength: 20 }),
});

/** The counts of iterations and the sums of their times, in milliseconds. */
export function iterationCounts(iterations: IterationCounts | null): Record<string, number> | null {
  if (iterations === null) return null;
  const { scheduled, started, completed, interrupted, dropped } = iterations;
  return {
    scheduled,
    started,
    completed,
    interrupted,
    dropped,
    delay: iterations.startDelay.sum,
    service: iterations.serviceTime.sum,
    interruptedTime: iterations.interruptedTime.sum,
  };
}
