import fc from "fast-check";
import assert from "node:assert/strict";
import { decodeMessage, encodeMessage } from "../../src/cluster/codec.ts";
import {
  type Message,
  ProtocolError,
  type ReportIterations,
  type ReportMetric,
  type ReportSpread,
  type ReportTimes,
} from "../../src/cluster/protocol.ts";
import { countedOf } from "../../src/cluster/report.ts";
import { type ReportPart, reportParts } from "../../src/cluster/report_parts.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { packedBuckets, VALUE_BUCKETS } from "../../src/stats/packed_buckets.ts";
import type { Sample } from "../../src/stats/request_stats.ts";
import { MetricTable, TrendStats } from "../../src/stats/metric_stats.ts";
import { SecondStats } from "../../src/stats/stats_table.ts";
import { MergedStats } from "../../src/stats/merged_stats.ts";
import { Totals } from "../../src/stats/totals.ts";
import { InProgressGauge } from "../../src/stats/unanswered.ts";
import {
  addMeasures,
  addUnanswered,
  anyClassedSample,
  anyIterations,
  anyMeasures,
  anyUnanswered,
  classSeconds,
  deltaOf,
  iterationsOf,
  NOTHING_MEASURED,
  secondOf,
} from "../support/counts.ts";
import { NONE_UNANSWERED } from "../support/snapshots.ts";
import { exactStatistics, plainStatistics } from "../support/exact_statistics.ts";
import { messages } from "../support/messages.ts";
import { delta, packedRequests, report, timesOf } from "../support/reports.ts";
import { anySample, sample } from "../support/samples.ts";

const METADATA = { runId: "run", resetCount: 2, cpu: 0.5, lag: 3 };
const KIB = 1024;

/** A number of requests, each to its own name. */
function names(count: number): Sample[] {
  return Array.from({ length: count }, (_, i) => sample({ name: `/item/${i}`, latencyMs: i + 1 }));
}

function encodedBytes({ content }: ReportPart): number {
  return encodeMessage({
    ...content,
    seq: 1_000_000,
    final: false,
    damaged: true,
    warnings: [],
    unstartedTests: [],
  })
    .length;
}

/** The totals of the parts, as the master counts them. */
function totalsOf(parts: readonly ReportPart[]): Totals {
  const totals = new Totals();
  for (const { content } of parts) totals.add(countedOf(content));
  return totals;
}

/** The requests in progress of the parts. */
function gaugeOf(parts: readonly ReportPart[]): InProgressGauge {
  const gauge = new InProgressGauge();
  for (const { content } of parts) gauge.add(countedOf(content));
  return gauge;
}

Deno.test("a second in which nothing was counted is one report", () => {
  const [part = assert.fail(), ...others] = reportParts(new SecondStats(7, 3), METADATA);
  assert.deepEqual(part.content, {
    type: "REPORT",
    runId: "run",
    resetCount: 2,
    cpu: 0.5,
    lag: 3,
    from: 7,
    to: 7,
    seconds: [{ second: 7, users: 3, peakUsers: 3, requests: 0, failures: 0, maxLagMs: 0 }],
    userErrors: [],
    iterations: [],
    entries: [],
    histograms: [],
    unfinished: [],
    inProgress: [],
    phases: [],
    network: [],
    groups: [],
    checks: [],
    metrics: [],
    traced: [],
    failureSamples: [],
    classes: [],
    notes: [],
    parts: [],
  });
  assert.deepEqual(others, []);
});

Deno.test("merged seconds without any counts are one report", () => {
  const parts = reportParts(deltaOf({ from: 4, to: 6 }), METADATA);
  assert.deepEqual(
    parts.map(({ content: { from, to, seconds } }) => [from, to, seconds.length]),
    [
      [4, 6, 0],
    ],
  );
});

Deno.test("a second with twenty names is one report", () => {
  assert.equal(reportParts(secondOf(names(20)), METADATA).length, 1);
});

Deno.test("counts that exceed 12 KiB are divided, and add up to the same totals", () => {
  const interval = secondOf(names(1000), 5);
  for (let i = 0; i < 500; i++) interval.userErrors.set("BuyTest", `no order ${i}`, i + 1);
  const parts = reportParts(interval, METADATA);
  assert.ok(parts.length > 4, `${parts.length} parts`);
  for (const part of parts) {
    const { content: { from, to, runId, resetCount, cpu, lag }, bytes } = part;
    assert.deepEqual({ from, to, runId, resetCount, cpu, lag }, { from: 5, to: 5, ...METADATA });
    assert.ok(bytes <= 12 * KIB && encodedBytes(part) <= bytes, `${encodedBytes(part)}, ${bytes}`);
  }
  for (const part of parts.slice(0, -1)) assert.ok(encodedBytes(part) > 9 * KIB);
  assert.deepEqual(parts.map(({ content }) => content.seconds.length), [
    1,
    ...parts.slice(1).map(() => 0),
  ]);
  const whole = new Totals();
  whole.add(interval);
  assert.deepEqual(
    plainStatistics(totalsOf(parts).statistics(1)),
    plainStatistics(whole.statistics(1)),
  );
});

Deno.test("the seconds of a long time are divided too, and each is reported once", () => {
  const merged = new MergedStats();
  for (let second = 0; second < 5000; second++) merged.add(new SecondStats(second, 100));
  const parts = reportParts(merged, METADATA);
  assert.ok(parts.length > 3, `${parts.length} parts`);
  for (const { bytes } of parts) assert.ok(bytes <= 12 * KIB);
  const reported = parts.flatMap(({ content }) => content.seconds.map(({ second }) => second));
  assert.deepEqual(reported, Array.from({ length: 5000 }, (_, second) => second));
});

Deno.test("a name that exceeds the size of a report gets its own report", () => {
  const many = Array.from(
    { length: 1000 },
    (_, i) => sample({ name: "pay", latencyMs: 5, error: `${i}`.padStart(200, "no order ") }),
  );
  const parts = reportParts(secondOf([...names(3), ...many, sample({ name: "list" })]), METADATA);
  const contents = parts.map(({ content }) => content.entries.map(({ name }) => name));
  assert.deepEqual(contents, [["/item/0", "/item/1", "/item/2"], ["pay"], ["list"]]);
  const [, pay = assert.fail()] = parts;
  assert.ok(encodedBytes(pay) <= pay.bytes && pay.bytes < 220 * KIB);
});

Deno.test("the longest possible report is within 900 KiB", () => {
  const interval = new SecondStats(0, 0);
  const entry = interval.parts[0]!.requests.entries.at("€".repeat(3000), "€".repeat(3000)).of(200);
  for (let i = 0; i < 1100; i++) entry.add(sample({ error: `€${i}`.padEnd(300, "€") }));
  for (const { histogram } of entry.allLatencies) {
    for (let i = 0; i < Histogram.BUCKETS; i++) histogram.addBucket(i, 2 ** 37);
  }
  // The successes of so long an entry are in a report of their own.
  const [, successes = assert.fail(), longest = assert.fail(), ...others] = reportParts(
    interval,
    METADATA,
  );
  const bytes = encodedBytes(longest);
  assert.ok(bytes < 900 * KIB && bytes > 800 * KIB, `${bytes}`);
  assert.ok(encodedBytes(successes) < 300 * KIB);
  assert.equal(longest.content.entries[0]?.errors.length, 1001);
  assert.deepEqual(others, []);
});

Deno.test("an entry that is sent in two parts adds up to the same counts", () => {
  const interval = new SecondStats(0, 0);
  const entry = interval.parts[0]!.requests.entries.at("GET", "search").of(500);
  for (let i = 0; i < 60_000; i++) {
    const latencyMs = 1.0005 ** (i / 3);
    entry.add(
      sample({ latencyMs, bytesReceived: 7, retries: 1, error: i % 2 ? "HTTP 500" : null }),
    );
  }
  const parts = reportParts(interval, METADATA);
  const [one = assert.fail(), other = assert.fail()] = parts.filter(({ content }) =>
    content.entries.length > 0
  );
  assert.deepEqual([one, other].map(({ content }) => content.entries[0]?.failureTimes.length), [
    0,
    1,
  ]);
  const whole = new Totals();
  whole.add(interval);
  assert.deepEqual(
    exactStatistics(totalsOf(parts).statistics(1)),
    exactStatistics(whole.statistics(1)),
  );
});

Deno.test("errors that are too long stay distinct when they are cut", () => {
  const errors = ["a", "b"].map((end) => "no order ".repeat(50) + end);
  const interval = secondOf(errors.map((error) => sample({ error })));
  for (const error of errors) interval.userErrors.set("BuyTest", error, 1);
  const [{ content } = assert.fail()] = reportParts(interval, METADATA);
  const texts = [
    content.entries[0]!.errors.map(([error]) => error),
    content.userErrors.map(([, e]) => e),
  ];
  const lengths = texts.map(([first = "", second = "", ...others]) => {
    assert.notEqual(first, second);
    return [first.length, second.length, others];
  });
  // An error of a user contains its place.
  assert.deepEqual(lengths, [[200, 200, []], [381, 381, []]]);
});

Deno.test("iterations are in exactly one report, before the entries", () => {
  const interval = secondOf(names(1000), 5);
  interval.parts[0]!.openIterations.merge(iterationsOf({
    scheduled: 9,
    dropped: 2,
    delays: [0, 1, 2, 3, 50],
    services: [10, 20, 20],
    interruptions: [7],
  }));
  for (let i = 0; i < 500; i++) interval.userErrors.set("BuyTest", `no order ${i}`, i + 1);
  const parts = reportParts(interval, METADATA);
  const reported = parts.filter(({ content }) => content.iterations.length > 0);
  assert.deepEqual([parts.length > 4, reported.length], [true, 1]);
  const { entries, userErrors, iterations: [iterations = assert.fail()] } = reported[0]!.content;
  assert.deepEqual([userErrors.length > 0, entries.length > 0], [true, true]);
  const { serviceTime, startDelay, interruptedTime, ...counts } = iterations;
  assert.deepEqual(counts, { scheduled: 9, dropped: 2 });
  assert.deepEqual(interruptedTime.spread, [{ sum: 7, min: 7, max: 7, squaredDeviations: 0 }]);
  assert.deepEqual(startDelay.spread, [{ sum: 56, min: 0, max: 50, squaredDeviations: 1886.8 }]);
  assert.equal(serviceTime.spread.length, 1);
  const whole = new Totals();
  whole.add(interval);
  assert.deepEqual(totalsOf(parts).statistics(1).iterations, whole.statistics(1).iterations);
});

Deno.test("iterations that were neither started nor completed are reported without times", () => {
  const interval = new SecondStats(0, 3);
  interval.parts[0]!.openIterations.scheduled = 4;
  const [{ content: { iterations } } = assert.fail()] = reportParts(interval, METADATA);
  assert.deepEqual(iterations, [{
    scheduled: 4,
    dropped: 0,
    serviceTime: NOTHING,
    startDelay: NOTHING,
    interruptedTime: NOTHING,
  }]);
});

Deno.test("the size of a report with the longest possible times of iterations is exact", () => {
  const interval = new SecondStats(0, 3);
  const iterations = interval.parts[0]!.openIterations;
  iterations.scheduled = iterations.dropped = Number.MAX_SAFE_INTEGER;
  for (const times of [iterations.serviceTime, iterations.startDelay]) {
    times.sum = times.squaredDeviations = 0.1;
    for (let i = 0; i < Histogram.BUCKETS; i++) times.histogram.addBucket(i, 2 ** 37);
  }
  const [, part = assert.fail(), ...others] = reportParts(interval, METADATA);
  assert.deepEqual(others, []);
  const actual = encodedBytes(part);
  assert.ok(actual <= part.bytes && part.bytes - actual < 80, `${actual}, ${part.bytes}`);
  assert.ok(actual < 900 * KIB, `${actual}`);
});

Deno.test("the estimated size of a report is an upper bound, and close", () => {
  // The codec appends a digest to a text that it has to change.
  const text = fc.string({ unit: "grapheme", maxLength: 60 })
    .filter((text) => !text.startsWith("\ufeff"));
  const samples = fc.array(
    fc.record({ sample: anySample, name: text, error: fc.option(text) }),
    { maxLength: 60 },
  );
  const iterations = fc.option(anyIterations);
  fc.assert(
    fc.property(samples, iterations, anyUnanswered, anyMeasures, (...given) => {
      const [samples, iterations, unanswered, measures] = given;
      const all = samples.map(({ sample, name, error }) => ({ ...sample, name, error }));
      const interval = secondOf(all);
      if (iterations !== null) interval.parts[0]!.openIterations.merge(iterationsOf(iterations));
      addUnanswered(interval, unanswered);
      addMeasures(interval, measures);
      for (const part of reportParts(interval, METADATA)) {
        const [actual, said] = [encodedBytes(part), part.bytes];
        assert.ok(actual <= said, `${actual} bytes, not ${said}`);
        const unfinished = part.content.unfinished.length + part.content.inProgress.length;
        const phases = part.content.phases.length;
        const { groups, checks, metrics } = part.content;
        const measures = groups.length + checks.length + metrics.length;
        const { entries } = part.content;
        const slack = 85 + 20 * (entries.length + unfinished + measures) + 40 * phases;
        assert.ok(said - actual <= slack, `${actual} bytes, not ${said}`);
      }
    }),
    { examples: [[[], DROPPED, { unfinished: [], inProgress: [] }, NOTHING_MEASURED]] },
  );
});

/** Iterations whose only number takes two bytes. */
const DROPPED = { scheduled: 0, dropped: 128, delays: [], services: [], interruptions: [] };

Deno.test("reports add up to the counts that were divided, including packed histograms", () => {
  const samples = fc.array(anySample, { maxLength: 100 });
  const iterations = fc.option(anyIterations);
  fc.assert(fc.property(samples, iterations, anyUnanswered, anyMeasures, (...given) => {
    const [samples, iterations, unanswered, measures] = given;
    const interval = secondOf(samples);
    if (iterations !== null) interval.parts[0]!.openIterations.merge(iterationsOf(iterations));
    addUnanswered(interval, unanswered);
    addMeasures(interval, measures);
    const whole = new Totals();
    whole.add(interval);
    const parts = reportParts(interval, METADATA);
    assert.deepEqual(
      plainStatistics(totalsOf(parts).statistics(1, gaugeOf(parts))),
      plainStatistics(whole.statistics(1, interval.inProgress)),
    );
    const again = parts.flatMap(({ content }) => reportParts(countedOf(content), METADATA));
    assert.deepEqual(
      exactStatistics(totalsOf(again).statistics(1, gaugeOf(again))),
      exactStatistics(whole.statistics(1, interval.inProgress)),
    );
  }));
});

Deno.test("a trend with many different values is divided, and its percentiles stay exact", () => {
  const interval = new SecondStats(0, 1);
  const table = new MetricTable();
  const trend = new TrendStats("€");
  for (let i = 1; i <= 20_001; i++) trend.add((i % 2 === 0 ? -1 : 1) * 1.01 ** (i % 7001));
  table.at("price", () => trend);
  interval.metrics = table;
  const parts = reportParts(interval, METADATA);
  assert.ok(parts.length > 1, `${parts.length} parts`);
  for (const part of parts) assert.ok(encodedBytes(part) <= part.bytes && part.bytes <= 12 * KIB);
  const [row = assert.fail()] = totalsOf(parts).statistics(1).metrics;
  assert.deepEqual(row, table.rows(1)[0]);
});

Deno.test("the longest possible groups are within 900 KiB", () => {
  const interval = new SecondStats(0, 0);
  const group = interval.openGroups.at("€".repeat(2000));
  for (const times of [group.durations, group.requestTimes, group.failureDurations]) {
    times.add(5);
    for (let i = 0; i < Histogram.BUCKETS; i++) times.histogram.addBucket(i, 2 ** 37);
  }
  group.unfinished.add(7);
  const parts = reportParts(interval, METADATA);
  for (const part of parts) {
    const bytes = encodedBytes(part);
    assert.ok(bytes <= part.bytes && bytes < 900 * KIB, `${bytes}`);
  }
  assert.deepEqual(parts.map(({ content }) => content.groups.length), [0, 1, 1]);
});

function assertRefused(message: RegExp, changes: Partial<Message<"REPORT">>): void {
  const expected = { name: "ProtocolError", code: "protocol", message };
  assert.throws(() => countedOf(report(changes)), expected);
}

/** A report of one entry. */
function withEntry(changes: Parameters<typeof delta>[0], requests = 3): Partial<Message<"REPORT">> {
  return { entries: [delta(changes)], histograms: [packedRequests(requests)] };
}

const SPREAD: ReportSpread = { sum: 10, min: 10, max: 10, squaredDeviations: 0 };

const NOTHING: ReportTimes = { buckets: new Uint8Array(0), spread: [] };

/** Nine iterations, of which four were started, three completed and two dropped. */
function reported(changes: Partial<ReportIterations> = {}): ReportIterations {
  return {
    scheduled: 9,
    dropped: 2,
    serviceTime: { buckets: packedRequests(3), spread: [{ ...SPREAD, sum: 30 }] },
    startDelay: { buckets: packedRequests(4), spread: [{ ...SPREAD, sum: 40 }] },
    interruptedTime: NOTHING,
    ...changes,
  };
}

/** A second without anything else. */
function second(second: number, requests = 0, failures = 0): Message<"REPORT">["seconds"][number] {
  return { second, users: 1, peakUsers: 1, requests, failures, maxLagMs: 0 };
}

const TREND: ReportMetric = {
  type: "trend",
  name: "size",
  unit: "MB",
  moments: [{ count: 1, sum: 5, min: 5, max: 5, squaredDeviations: 0 }],
  buckets: packedBuckets([[1, 1]], VALUE_BUCKETS),
};

Deno.test("a report with an impossible trace is refused", () => {
  const request = { method: "GET", name: "a", latencyMs: 1, startedAt: 1, status: 200 };
  for (const traceId of ["", "ab".repeat(15), "AB".repeat(16), "<script>".repeat(4)]) {
    assertRefused(/id of a trace/, { traced: [{ ...request, traceId }] });
  }
});

Deno.test("a report with impossible groups, checks or metrics is refused", () => {
  const nothing = NOTHING;
  const group = {
    name: "buy",
    durations: nothing,
    requestTimes: nothing,
    failureDurations: nothing,
    unfinished: nothing,
  };
  assertRefused(/a name has no groups/, { groups: [group] });
  assertRefused(/groups and times of their requests differ/, {
    groups: [{ ...group, durations: timesOf(1) }],
  });
  assertRefused(/times of groups contradict/, {
    groups: [{ ...group, unfinished: { buckets: new Uint8Array(0), spread: [SPREAD] } }],
  });
  assertRefused(/no results of checks/, { checks: [{ name: "ok", passed: 0, failed: 0 }] });
  for (const name of ["", "a b", "größe", "x".repeat(101)]) {
    assertRefused(/name of a metric/, { metrics: [{ type: "counter", name, value: 1 }] });
  }
  const gauge = { type: "gauge", name: "queue", value: 1, atMs: 0, min: 1, max: 1 } as const;
  assertRefused(/outside its range/, { metrics: [{ ...gauge, min: 2 }] });
  assertRefused(/outside its range/, { metrics: [{ ...gauge, max: 0 }] });
  assertRefused(/more hits than cases/, {
    metrics: [{ type: "rate", name: "hits", hits: 2, total: 1 }],
  });
  assertRefused(/moments twice/, {
    metrics: [{ ...TREND, moments: [TREND.moments[0]!, TREND.moments[0]!] }],
  });
  assertRefused(/minimum above/, {
    metrics: [{ ...TREND, moments: [{ ...TREND.moments[0]!, min: 6 }] }],
  });
  assertRefused(/unit of a trend/, { metrics: [{ ...TREND, unit: "a\nb" }] });
  assertRefused(/histogram is invalid/, {
    metrics: [{ ...TREND, buckets: Uint8Array.of(0x80, 0x80, 0x80, 0x7f, 1) }],
  });
});

Deno.test("a trend whose buckets are missing has no percentiles", () => {
  const totals = new Totals();
  totals.add(countedOf(report({ metrics: [{ ...TREND, buckets: new Uint8Array(0) }] })));
  const [row = assert.fail()] = totals.statistics(1).metrics;
  assert.equal(row.type === "trend" && row.figures.p99, null);
});

Deno.test("the counts of a report are read as they were written", () => {
  const changes = { failureTimes: [timesOf(2)], retries: 1, bytesReceived: 80, bytesSent: 5 };
  const users = [second(4, 1), second(6, 2, 2)];
  const totals = new Totals();
  totals.add(countedOf(report({
    ...withEntry({ ...changes, errors: [["HTTP 500", 2]] }, 1),
    from: 4,
    to: 6,
    seconds: users,
    userErrors: [["BuyTest", "no token", 3]],
  })));
  const { requests, failures, userErrors, timeline } = plainStatistics(totals.statistics(2));
  const [{ latencyMs, failureLatencyMs, buckets, failureBuckets, codes, ...row } = assert.fail()] =
    requests;
  const ofAll = buckets.map(([index]) => [index, 3]);
  assert.deepEqual(row, {
    lowerBounds: false,
    successes: { count: 1, sum: 10, max: 10 },
    phases: {
      ...{ opened: 0, reused: 3, dns: [], connect: [], tls: [] },
      ttfb: ofAll,
      download: [[0, 3]],
    },
    unfinished: NONE_UNANSWERED,
    inProgress: NONE_UNANSWERED,
    waits: [],
    method: "GET",
    name: "search",
    tags: [],
    requests: 3,
    failures: 2,
    retries: 1,
    errorRate: 2 / 3,
    rate: 1.5,
    bytesReceived: 80,
    bytesSent: 5,
  });
  for (const { min, mean, max, p99 } of [latencyMs, failureLatencyMs]) {
    assert.deepEqual([min, mean, max, p99], [10, 10, 10, 10]);
  }
  assert.deepEqual([buckets.length, buckets[0]?.[1]], [1, 1]);
  assert.deepEqual([failureBuckets.length, failureBuckets[0]?.[1]], [1, 2]);
  assert.deepEqual(codes, [{
    code: 200,
    requests: 3,
    failed: 2,
    bytesReceived: 80,
    latencies: { sum: 10, buckets },
    failureLatencies: { sum: 20, buckets: failureBuckets },
  }]);
  assert.equal(requests.length, 1);
  assert.deepEqual(failures, [{ method: "GET", name: "search", error: "HTTP 500", count: 2 }]);
  assert.deepEqual(userErrors, [{ user: "BuyTest", error: "no token", place: null, count: 3 }]);
  assert.deepEqual(timeline.map(({ second, requests, failures }) => [second, requests, failures]), [
    [4, 1, 0],
    [6, 2, 2],
  ]);
});

Deno.test("a time that ends before it starts or is too long is refused", () => {
  assertRefused(/ends before it starts/, { from: 5, to: 4 });
  assert.equal(countedOf(report({ from: 7, to: 100_007 })).to, 100_007);
  assertRefused(/too many seconds/, { from: 7, to: 100_008 });
});

Deno.test("seconds outside the time, out of order or repeated are refused", () => {
  const time = { from: 4, to: 6 };
  assert.equal(countedOf(report({ ...time, seconds: [second(4), second(6)] })).seconds.length, 2);
  assertRefused(/outside/, { ...time, seconds: [second(3)] });
  assertRefused(/outside/, { ...time, seconds: [second(4), second(7)] });
  assertRefused(/order/, { ...time, seconds: [second(5), second(4)] });
  assertRefused(/order/, { ...time, seconds: [second(4), second(4)] });
});

Deno.test("more failures than requests in a second are refused", () => {
  assertRefused(/more failures/, { seconds: [second(0, 1, 2)] });
});

Deno.test("latencies of failures that contradict themselves, or are empty or repeated, are refused", () => {
  assert.equal(countedOf(report(withEntry({ failureTimes: [timesOf(1)] }))).from, 0);
  assertRefused(
    /latencies of failures twice/,
    withEntry({ failureTimes: [timesOf(1), timesOf(1)] }),
  );
  assertRefused(/but none failed/, withEntry({ failureTimes: [NOTHING] }));
  const { buckets } = timesOf(1);
  for (const times of [{ buckets, spread: [] }, { ...NOTHING, spread: [SPREAD] }]) {
    assertRefused(/latencies of failures contradict/, withEntry({ failureTimes: [times] }));
  }
  const [spread] = timesOf(1).spread;
  const wrong = { buckets, spread: [{ ...spread!, min: 11 }] };
  assertRefused(/minimum latency/, withEntry({ failureTimes: [wrong] }));
  const broken = { buckets: Uint8Array.of(0, 1), spread: [spread!] };
  assertRefused(/histogram is invalid/, withEntry({ failureTimes: [broken] }));
});

Deno.test("an invalid, missing or extra histogram is refused", () => {
  assertRefused(/histogram is invalid/, { entries: [delta()], histograms: [Uint8Array.of(0, 1)] });
  assertRefused(/numbers of entries and histograms differ/, { entries: [delta()] });
  assertRefused(/numbers of entries and histograms differ/, { histograms: [packedRequests(1)] });
});

Deno.test("a minimum latency above the maximum is refused", () => {
  assertRefused(/minimum latency/, withEntry({ min: 11, max: 10 }));
});

Deno.test("a repeated method, name and status is refused", () => {
  const histograms = [packedRequests(1), packedRequests(1)];
  assertRefused(/a method, name and status is in it twice/, {
    entries: [delta(), delta()],
    histograms,
  });
  const pairs = [
    [delta(), delta({ method: "PUT" })],
    [delta(), delta({ name: "pay" })],
    [delta(), delta({ code: 304 })],
    // Name and status are not confused.
    [delta({ code: 200, name: "1 a" }), delta({ code: 2001, name: "a" })],
    [delta({ code: 20, name: "0 a" }), delta({ code: 200, name: "a" })],
  ];
  for (const deltas of pairs) {
    const entries = [...countedOf(report({ entries: deltas, histograms })).entries];
    assert.deepEqual(
      entries.map(([method, name, code]) => [method, name, code]),
      deltas.map(({ method, name, code }) => [method, name, code]),
    );
  }
});

Deno.test("requests without an answer must be as many as their ages say", () => {
  const ages = { buckets: packedRequests(2), spread: [{ ...SPREAD, sum: 20 }] };
  const pay = { method: "POST", name: "pay" };
  const { unfinished, inProgress } = countedOf(report({
    unfinished: [{ ...pay, ages, retries: 1, part: 0 }],
    inProgress: [{ ...pay, count: 2, oldestMs: 10, ages, part: 0 }, {
      ...pay,
      count: 1,
      oldestMs: 3,
      ages: NOTHING,
      part: 0,
    }],
  }));
  assert.deepEqual(
    Array.from(unfinished, ([, name, { ages, retries }]) => [name, ages.count, retries]),
    [["pay", 2, 1]],
  );
  assert.deepEqual(
    Array.from(inProgress, ([, , { count, ages }]) => [count, ages?.count]),
    [[2, 2], [1, undefined]],
  );
  assertRefused(/a name has no unfinished requests/, {
    unfinished: [{ ...pay, ages: NOTHING, retries: 0, part: 0 }],
  });
  assertRefused(/ages of requests contradict each other/, {
    unfinished: [{ ...pay, ages: { ...ages, spread: [] }, retries: 0, part: 0 }],
  });
  assertRefused(/more requests are old than are in progress/, {
    inProgress: [{ ...pay, count: 1, oldestMs: 10, ages, part: 0 }],
  });
});

Deno.test("a report without iterations has no counts of them", () => {
  assert.equal(countedOf(report()).iterations, null);
});

Deno.test("started and completed iterations are as many as their times", () => {
  const { iterations } = countedOf(report({ iterations: [reported()] }));
  assert.ok(iterations !== null);
  const { serviceTime, startDelay, interruptedTime, ...counts } = iterations;
  assert.deepEqual(counts, { scheduled: 9, started: 4, completed: 3, interrupted: 0, dropped: 2 });
  assert.equal(interruptedTime.count, 0);
  assert.deepEqual([serviceTime.count, serviceTime.sum, serviceTime.max], [3, 30, 10]);
  assert.deepEqual([startDelay.count, startDelay.sum, startDelay.max], [4, 40, 10]);
  const totals = new Totals();
  totals.add(countedOf(report({ iterations: [reported()] })));
  totals.add(
    countedOf(report({ iterations: [reported({ serviceTime: NOTHING, startDelay: NOTHING })] })),
  );
  const summary = totals.statistics(1).iterations;
  assert.ok(summary !== null);
  const { serviceTimeMs, startDelayMs, ...summed } = summary;
  assert.deepEqual(summed, {
    scheduled: 18,
    started: 4,
    completed: 3,
    interrupted: 0,
    dropped: 4,
  });
  assert.deepEqual([serviceTimeMs.mean, startDelayMs.mean], [10, 10]);
});

Deno.test("repeated counts of iterations are refused", () => {
  assertRefused(/iterations twice/, { iterations: [reported(), reported()] });
});

Deno.test("contradictory times of iterations are refused", () => {
  for (const name of ["serviceTime", "startDelay"] as const) {
    const refused: readonly (readonly [RegExp, Partial<ReportTimes>])[] = [
      [/contradict/, { spread: [] }],
      [/contradict/, { spread: [SPREAD, SPREAD] }],
      [/contradict/, { buckets: new Uint8Array(0) }],
      [/minimum latency/, { spread: [{ ...SPREAD, min: 11 }] }],
      [/histogram is invalid/, { buckets: Uint8Array.of(0, 1) }],
    ];
    for (const [message, changes] of refused) {
      const times = { ...reported()[name], ...changes };
      assertRefused(message, { iterations: [reported({ [name]: times })] });
    }
  }
});

Deno.test("an error with a count of 0 is refused", () => {
  for (const count of [0, -1, NaN]) {
    const entry = withEntry({ errors: [["HTTP 500", 1], ["timed out", count]] });
    assertRefused(/count of an error is not positive/, entry);
    assertRefused(/count of an error is not positive/, {
      userErrors: [["BuyTest", "no token", count]],
    });
  }
});

Deno.test("every report is either refused or can be added to totals", () => {
  const span = fc.record({ from: fc.nat(3), to: fc.nat(3) });
  fc.assert(fc.property(messages.REPORT, span, (message, { from, to }) => {
    let counted;
    try {
      counted = countedOf({ ...message, from, to, seconds: message.seconds.slice(0, to) });
    } catch (error) {
      assert.ok(error instanceof ProtocolError);
      return;
    }
    new Totals().add(counted);
  }));
});

Deno.test("classes and tags arrive as they were counted, in few bytes if there is one class", () => {
  const names = ["Buyer", "Admin", "Guest"];
  fc.assert(fc.property(fc.array(anyClassedSample, { maxLength: 60 }), (samples) => {
    const sent = classSeconds(samples, names);
    const [whole, received] = [new Totals(), new Totals()];
    for (const second of sent) {
      whole.add(second);
      for (const part of reportParts(second, METADATA)) {
        const message = { ...report(), ...part.content };
        const decoded = decodeMessage(encodeMessage(message).subarray(4)) as Message<"REPORT">;
        assert.ok(encodedBytes(part) <= part.bytes);
        received.add(countedOf(decoded));
      }
    }
    assert.deepEqual(
      exactStatistics(received.statistics(10)),
      exactStatistics(whole.statistics(10)),
    );
  }));
  const one = classSeconds([{ sample: sample(), of: 0, cutOff: false }], ["Buyer"]);
  const [part] = reportParts(one[0]!, METADATA);
  assert.deepEqual(part!.content.classes, [
    { name: "Buyer", completed: 1, iterations: [], seconds: [] },
  ]);
  assert.deepEqual(part!.content.parts, []);
});

Deno.test("a report whose classes contradict each other is refused", () => {
  const buyer = { name: "Buyer", completed: 1, iterations: [], seconds: [] };
  const entries = [delta({ part: 1 })];
  const histograms = [packedRequests(1)];
  const refused: readonly [RegExp, Partial<Message<"REPORT">>][] = [
    [/a class is in it twice/, { classes: [buyer, buyer] }],
    [/it has too many classes/, {
      classes: Array.from({ length: 201 }, (_, i) => ({ ...buyer, name: `${i}` })),
    }],
    [/requests are of a class that it does not name/, { classes: [buyer], parts: [[1, ""]] }],
    [/requests are of a class that it does not name/, { parts: [[1, ""]] }],
    [/requests are of an unknown part/, { classes: [buyer], entries, histograms }],
    [/a second is outside its time/, { classes: [{ ...buyer, seconds: [[9, 1, 1]] }] }],
    [/its seconds are not in order/, { classes: [{ ...buyer, seconds: [[0, 1, 1], [0, 1, 1]] }] }],
  ];
  for (const [why, changes] of refused) assertRefused(why, changes);
  const { entries: counted } = countedOf(
    report({ classes: [buyer], parts: [[0, "cache=hit"]], entries, histograms }),
  );
  assert.deepEqual([...counted].map(([, , , , ...part]) => part), [["Buyer", "cache=hit"]]);
});
