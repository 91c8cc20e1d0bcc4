import type {
  CodedEntry,
  Counted,
  CountedLatencies,
  CountedPasses,
  CountedSecond,
} from "../stats/counted.ts";
import { PackedBuckets } from "../stats/packed_buckets.ts";
import { PairMap } from "../stats/pair_map.ts";
import type { ReportEntry, ReportPasses, ReportSpread, ReportTimes } from "./report_message.ts";
import { ProtocolError } from "./protocol_error.ts";
import type { ReportContent } from "./report_parts.ts";

/** How much later than its first one a report's last second may be: whoever counts goes through all. */
export const MAX_SPAN_SECONDS = 100_000;

/**
 * What a report says was counted. Nothing is copied: it is good for as long as the report is.
 *
 * ```ts
 * import type { Report } from "./report_message.ts";
 * import { countedOf } from "./report_counts.ts";
 * import assert from "node:assert/strict";
 *
 * const report: Report = {
 *   type: "REPORT", runId: "run", seq: 1, from: 4, to: 4,
 *   deltas: [{
 *     method: "GET", name: "search", code: 200, failures: 0, retries: 0, bytesReceived: 80, bytesSent: 0,
 *     sum: 12, min: 12, max: 12, squaredDeviations: 0, errors: [],
 *   }],
 *   histograms: [Uint8Array.of(7, 1)],
 *   errors: [], users: [], passes: [], cpu: 0, lag: 0, final: false, phase: 0,
 * };
 * const [[method, name, code, entry] = assert.fail()] = countedOf(report).entries;
 * assert.deepEqual([method, name, code, entry.requests], ["GET", "search", 200, 1]);
 * assert.throws(() => countedOf({ ...report, from: 5 }), { name: "ProtocolError" });
 * ```
 *
 * @throws ProtocolError where the report contradicts itself; what is returned can be added without one.
 */
export function countedOf(report: ReportContent): Counted {
  const { from, to, deltas, histograms, users, errors, passes } = report;
  if (from > to) refuse("it ends before it begins");
  if (to - from > MAX_SPAN_SECONDS) refuse("it covers too long a time");
  checkSeconds(report);
  for (const [, , count] of errors) checkCount(count);
  if (deltas.length !== histograms.length) refuse("it has not one histogram an entry");
  if (passes.length > 1) refuse("it tells of passes twice");
  const named = new PairMap<true>();
  const entries = deltas.map((delta, i): CodedEntry => {
    const { method, name, code } = delta;
    const key = `${code} ${name}`;
    if (named.get(method, key) !== undefined) refuse("a method, name and code are in it twice");
    named.set(method, key, true);
    return [method, name, code, entryOf(delta, histograms[i]!)];
  });
  const [ofPasses = null] = passes.map(passesOf);
  return { from, to, seconds: users, entries, userErrors: errors, passes: ofPasses };
}

function checkSeconds({ from, to, users }: ReportContent): void {
  let last: CountedSecond | null = null;
  for (const one of users) {
    if (one.second < from || one.second > to) refuse("a second lies outside of its time");
    if (last !== null && one.second <= last.second) refuse("its seconds are not in their order");
    if (one.failures > one.requests) refuse("a second has more failures than requests");
    last = one;
  }
}

function entryOf(delta: ReportEntry, histogram: Uint8Array): CodedEntry[3] {
  const { failures, retries, bytesReceived, bytesSent, errors } = delta;
  const latencies = latenciesOf(delta, histogram);
  const requests = latencies.count;
  if (failures > requests) refuse("an entry has more failures than requests");
  for (const [, count] of errors) checkCount(count);
  return { requests, failures, retries, bytesReceived, bytesSent, latencies, errors };
}

function passesOf({ scheduled, dropped, serviceTime, startDelay }: ReportPasses): CountedPasses {
  const service = timesOf(serviceTime);
  const delay = timesOf(startDelay);
  return {
    scheduled,
    started: delay.count,
    completed: service.count,
    dropped,
    serviceTime: service,
    startDelay: delay,
  };
}

function timesOf({ buckets, spread }: ReportTimes): CountedLatencies {
  const times = latenciesOf(spread[0] ?? NO_SPREAD, buckets);
  if (spread.length !== Math.min(1, times.count)) refuse("times of passes contradict each other");
  return times;
}

const NO_SPREAD: ReportSpread = { sum: 0, min: 0, max: 0, squaredDeviations: 0 };

function latenciesOf(spread: ReportSpread, buckets: Uint8Array): CountedLatencies {
  const { sum, min, max, squaredDeviations } = spread;
  if (min > max) refuse("the shortest latency of an entry is longer than its longest");
  const histogram = unpackable(buckets);
  return { count: histogram.count, sum, min, max, squaredDeviations, histogram };
}

function unpackable(histogram: Uint8Array): PackedBuckets {
  try {
    return new PackedBuckets(histogram);
  } catch (error) {
    if (error instanceof RangeError) refuse(`a histogram is broken: ${error.message}`);
    throw error;
  }
}

function checkCount(count: number): void {
  if (!(count > 0)) refuse("an error was not counted even once");
}

function refuse(why: string): never {
  throw new ProtocolError("protocol", `a REPORT is refused: ${why}`);
}
