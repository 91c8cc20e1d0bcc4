import type { Message, ReportEntry, ReportTimes } from "../../src/cluster/protocol.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { packBuckets } from "../../src/stats/packed_buckets.ts";

/** A report of second 0 without any counts. */
export function report(changes: Partial<Message<"REPORT">> = {}): Message<"REPORT"> {
  return {
    type: "REPORT",
    runId: "run",
    seq: 1,
    from: 0,
    to: 0,
    entries: [],
    histograms: [],
    userErrors: [],
    seconds: [],
    iterations: [],
    cpu: 0,
    lag: 0,
    final: false,
    resetCount: 0,
    unfinished: [],
    inProgress: [],
    damaged: false,
    warnings: [],
    phases: [],
    network: [],
    unstartedTests: [],
    classes: [],
    parts: [],
    groups: [],
    checks: [],
    traced: [],
    metrics: [],
    failureSamples: [],
    notes: [],
    ...changes,
  };
}

/** An entry of successful requests that took 10 ms each. */
export function delta(changes: Partial<ReportEntry> = {}): ReportEntry {
  return {
    method: "GET",
    name: "search",
    code: 200,
    retries: 0,
    bytesReceived: 0,
    bytesSent: 0,
    sum: 10,
    min: 10,
    max: 10,
    squaredDeviations: 0,
    errors: [],
    failureTimes: [],
    part: 0,
    ...changes,
  };
}

/** The times of requests that took 10 ms each. */
export function timesOf(count: number): ReportTimes {
  return {
    buckets: packedRequests(count),
    spread: [{ sum: 10 * count, min: 10, max: 10, squaredDeviations: 0 }],
  };
}

/** The packed histogram of requests that took 10 ms each. */
export function packedRequests(count: number): Uint8Array {
  const histogram = new Histogram();
  for (let i = 0; i < count; i++) histogram.record(10);
  return packBuckets(histogram);
}
