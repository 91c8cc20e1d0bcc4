/**
 * Reads the reports of workers on the master. Nothing in them is trusted.
 *
 * @module
 */

import { isVisible } from "../core/text.ts";
import { IterationStats } from "../stats/iteration_stats.ts";
import { isMetricName } from "../stats/metric_stats.ts";
import { PackedBuckets, VALUE_BUCKETS } from "../stats/packed_buckets.ts";
import { MAX_CLASSES, PairMap } from "../stats/request_stats.ts";
import {
  type ClassCounts,
  type ClassSecond,
  type IterationCounts,
  type KeyedCheck,
  type KeyedEntry,
  type KeyedGroup,
  type KeyedInProgress,
  type KeyedMetric,
  type KeyedPhases,
  type KeyedTraced,
  type KeyedUnfinished,
  type LatencyCounts,
  type NetworkCounts,
  requestCounts,
  type SecondCounts,
  type StatsDelta,
  type TrendCounts,
} from "../stats/stats_delta.ts";
import {
  type Message,
  ProtocolError,
  type ReportCheck,
  type ReportClass,
  type ReportEntry,
  type ReportGroup,
  type ReportInProgress,
  type ReportIterations,
  type ReportMetric,
  type ReportPhases,
  type ReportSpread,
  type ReportTimes,
  type ReportTraced,
  type ReportUnfinished,
} from "./protocol.ts";

/** A report without its number. */
export type ReportContent = Omit<
  Message<"REPORT">,
  "seq" | "final" | "damaged" | "warnings" | "unstartedTests"
>;

/** The maximum time that a report may cover, because its receiver iterates over all seconds. */
export const MAX_SPAN_SECONDS = 100_000;

/**
 * Returns the counts of a report, without copying them.
 *
 * @throws ProtocolError if the report contradicts itself. What is returned is valid.
 */
export function countedOf(report: ReportContent): StatsDelta {
  const { from, to, histograms, seconds, userErrors, iterations } = report;
  if (from > to) refuse("it ends before it starts");
  if (to - from > MAX_SPAN_SECONDS) refuse("it covers too many seconds");
  checkSeconds(report, seconds);
  if (seconds.some(({ requests, failures }) => failures > requests)) {
    refuse("a second has more failures than requests");
  }
  for (const [, , count] of userErrors) checkCount(count);
  if (report.entries.length !== histograms.length) {
    refuse("the numbers of entries and histograms differ");
  }
  if (iterations.length > 1) refuse("it has counts of iterations twice");
  const partOf = partsOf(report);
  const named = new PairMap<true>();
  const entries = report.entries.map((one, i): KeyedEntry => {
    const { method, name, code, part } = one;
    const key = `${part} ${code} ${name}`;
    if (named.get(method, key) !== undefined) refuse("a method, name and status is in it twice");
    named.set(method, key, true);
    return [method, name, code, entryOf(one, histograms[i]!), ...partOf(part)];
  });
  const [only = null] = iterations.map(iterationsOf);
  const classes = report.classes.map((one) => classOf(report, one, only));
  return {
    from,
    to,
    seconds,
    classes,
    entries,
    userErrors,
    iterations: only ?? iterationsOfClasses(classes),
    unfinished: report.unfinished.map((one) => unfinishedOf(one, partOf)),
    inProgress: report.inProgress.map((one) => inProgressOf(one, partOf)),
    phases: report.phases.map((one) => phasesOf(one, partOf)),
    network: networkOf(report),
    groups: report.groups.map(groupOf),
    checks: report.checks.map(checkOf),
    metrics: countedMetrics(report.metrics),
    traced: report.traced.map(tracedOf),
    failureSamples: report.failureSamples,
    notes: report.notes,
  };
}

function groupOf({ name, ...times }: ReportGroup): KeyedGroup {
  const counted = (times: ReportTimes): LatencyCounts => countedTimes(times, "times of groups");
  const counts = {
    durations: counted(times.durations),
    requestTimes: counted(times.requestTimes),
    failureDurations: counted(times.failureDurations),
    unfinished: counted(times.unfinished),
  };
  const { durations, requestTimes, failureDurations, unfinished } = counts;
  if (requestTimes.count !== durations.count) refuse("groups and times of their requests differ");
  if (durations.count + failureDurations.count + unfinished.count === 0) {
    refuse("a name has no groups");
  }
  return [name, counts];
}

function checkOf({ name, passed, failed }: ReportCheck): KeyedCheck {
  if (passed + failed === 0) refuse("a name has no results of checks");
  return [name, { passed, failed }];
}

function tracedOf({ method, name, ...request }: ReportTraced): KeyedTraced {
  if (!/^[\da-f]{32}$/.test(request.traceId)) refuse("the id of a trace is invalid");
  return [method, name, request];
}

/**
 * Returns what was added to metrics.
 *
 * @throws ProtocolError if it contradicts itself.
 */
export function countedMetrics(metrics: readonly ReportMetric[]): KeyedMetric[] {
  return metrics.map(metricOf);
}

function metricOf(metric: ReportMetric): KeyedMetric {
  const { name } = metric;
  if (!isMetricName(name)) refuse("the name of a metric is invalid");
  switch (metric.type) {
    case "counter":
      return [name, metric];
    case "gauge":
      if (!(metric.min <= metric.value && metric.value <= metric.max)) {
        refuse("a gauge is outside its range");
      }
      return [name, metric];
    case "rate":
      if (metric.hits > metric.total) refuse("a rate has more hits than cases");
      return [name, metric];
    case "trend":
      return [name, trendOf(metric)];
  }
}

function trendOf({ type, unit, moments, buckets }: ReportMetric & { type: "trend" }): TrendCounts {
  const [one = null, ...others] = moments;
  if (others.length > 0) refuse("a trend has moments twice");
  if (one !== null && (one.min > one.max)) refuse("a trend has a minimum above its maximum");
  if (!isVisible(unit) && unit !== "") refuse("the unit of a trend is invalid");
  const histogram = unpacked(() => new PackedBuckets(buckets, VALUE_BUCKETS));
  return { type, unit, moments: one, histogram };
}

/** The class and the tags of the rows with a number. */
type PartOf = (part: number) => readonly [className?: string, tags?: string];

/** More than a worker ever names. */
const MAX_REPORTED_CLASSES = 2 * MAX_CLASSES;

function partsOf({ classes, parts }: ReportContent): PartOf {
  if (classes.length > MAX_REPORTED_CLASSES) refuse("it has too many classes");
  if (new Set(classes.map(({ name }) => name)).size < classes.length) {
    refuse("a class is in it twice");
  }
  const known = parts.map(([classIndex, tags]) => {
    const name = classes[classIndex]?.name;
    // Without classes, only tags make a part.
    if (name === undefined && (classIndex > 0 || classes.length > 0)) {
      refuse("requests are of a class that it does not name");
    }
    return [name, tags] as const;
  });
  const first = [classes[0]?.name] as const;
  return (part) =>
    part === 0 ? first : known[part - 1] ?? refuse("requests are of an unknown part");
}

function classOf(
  report: ReportContent,
  { name, completed, iterations, seconds }: ReportClass,
  iterationsOfAll: IterationCounts | null,
): ClassCounts {
  if (iterations.length > 1) refuse("it has counts of the iterations of a class twice");
  const classSeconds = seconds.map(classSecond);
  checkSeconds(report, classSeconds);
  const [own = null] = iterations.map(iterationsOf);
  const isOnly = report.classes.length === 1;
  return { name, completed, iterations: isOnly ? iterationsOfAll : own, seconds: classSeconds };
}

/** The users of a class in one second. */
export function classSecond(
  [second, users, peakUsers]: ReportClass["seconds"][number],
): ClassSecond {
  return { second, users, peakUsers };
}

function iterationsOfClasses(classes: readonly ClassCounts[]): IterationStats | null {
  let all: IterationStats | null = null;
  for (const { iterations } of classes) {
    if (iterations !== null) (all ??= new IterationStats()).merge(iterations);
  }
  return all;
}

function unfinishedOf(
  { method, name, ages, retries, part }: ReportUnfinished,
  partOf: PartOf,
): KeyedUnfinished {
  const counted = agesOf(ages);
  if (counted.count === 0) refuse("a name has no unfinished requests");
  return [method, name, { ages: counted, retries }, ...partOf(part)];
}

function inProgressOf(
  { method, name, count, oldestMs, ages, part }: ReportInProgress,
  partOf: PartOf,
): KeyedInProgress {
  const counted = agesOf(ages);
  if (counted.count > count) refuse("more requests are old than are in progress");
  const counts = { count, oldestMs, ages: counted.count === 0 ? null : counted };
  return [method, name, counts, ...partOf(part)];
}

function phasesOf(
  { method, name, opened, notReused, part, ...times }: ReportPhases,
  partOf: PartOf,
): KeyedPhases {
  const counted = (times: ReportTimes): LatencyCounts => countedTimes(times, "times of phases");
  const counts = {
    opened,
    notReused,
    latency: counted(times.latency),
    dns: counted(times.dns),
    connect: counted(times.connect),
    tls: counted(times.tls),
    ttfb: counted(times.ttfb),
    download: counted(times.download),
  };
  if (notReused > counts.ttfb.count) refuse("more requests opened connections than had responses");
  return [method, name, counts, ...partOf(part)];
}

function networkOf({ network }: ReportContent): NetworkCounts | null {
  if (network.length > 1) refuse("it has samples of connections twice");
  const [only] = network;
  if (only === undefined) return null;
  const roundTrip = countedTimes(only.roundTrip, "round-trip times");
  if (only.retransmitting > roundTrip.count) {
    refuse("more connections sent data again than were sampled");
  }
  return { roundTrip, retransmitting: only.retransmitting };
}

function checkSeconds(
  { from, to }: ReportContent,
  seconds: readonly Pick<SecondCounts, "second">[],
): void {
  let last: number | null = null;
  for (const { second } of seconds) {
    if (second < from || second > to) refuse("a second is outside its time");
    if (last !== null && second <= last) refuse("its seconds are not in order");
    last = second;
  }
}

function entryOf(entry: ReportEntry, histogram: Uint8Array): KeyedEntry[3] {
  const { errors } = entry;
  const latencies = latenciesOf(entry, histogram);
  if (entry.failureTimes.length > 1) refuse("an entry has latencies of failures twice");
  const [failureLatencies = null] = entry.failureTimes.map(failureLatenciesOf);
  const failures = failureLatencies?.count ?? 0;
  const requests = latencies.count + failures;
  for (const [, count] of errors) checkCount(count);
  return { requests, failures, ...requestCounts(entry), latencies, failureLatencies, errors };
}

function failureLatenciesOf(times: ReportTimes): LatencyCounts {
  const latencies = countedTimes(times, "latencies of failures");
  if (latencies.count === 0) refuse("an entry has latencies of failures, but none failed");
  return latencies;
}

function iterationsOf(
  { scheduled, dropped, serviceTime, startDelay, interruptedTime }: ReportIterations,
): IterationCounts {
  const service = timesOfIterations(serviceTime);
  const delay = timesOfIterations(startDelay);
  const interrupted = timesOfIterations(interruptedTime);
  return {
    scheduled,
    started: delay.count,
    completed: service.count,
    interrupted: interrupted.count,
    dropped,
    serviceTime: service,
    startDelay: delay,
    interruptedTime: interrupted,
  };
}

function timesOfIterations(times: ReportTimes): LatencyCounts {
  return countedTimes(times, "times of iterations");
}

function agesOf(times: ReportTimes): LatencyCounts {
  return countedTimes(times, "ages of requests");
}

function countedTimes({ buckets, spread }: ReportTimes, what: string): LatencyCounts {
  const times = latenciesOf(spread[0] ?? NO_SPREAD, buckets);
  if (spread.length !== Math.min(1, times.count)) refuse(`${what} contradict each other`);
  return times;
}

/** The spread of no times. */
export const NO_SPREAD: ReportSpread = { sum: 0, min: 0, max: 0, squaredDeviations: 0 };

function latenciesOf(spread: ReportSpread, buckets: Uint8Array): LatencyCounts {
  const { sum, min, max, squaredDeviations } = spread;
  if (min > max) refuse("a minimum latency is greater than its maximum");
  const histogram = unpacked(() => new PackedBuckets(buckets));
  return { count: histogram.count, sum, min, max, squaredDeviations, histogram };
}

function unpacked(unpack: () => PackedBuckets): PackedBuckets {
  try {
    return unpack();
  } catch (error) {
    if (error instanceof RangeError) refuse(`a histogram is invalid: ${error.message}`);
    throw error;
  }
}

function checkCount(count: number): void {
  if (!(count > 0)) refuse("the count of an error is not positive");
}

function refuse(why: string): never {
  throw new ProtocolError("protocol", `invalid REPORT: ${why}`);
}
