import fc from "fast-check";
import assert from "node:assert/strict";
import { ExchangePhases } from "../../src/http/transport.ts";
import { type BucketCount, Histogram } from "../../src/stats/histogram.ts";
import { packBuckets, PackedBuckets } from "../../src/stats/packed_buckets.ts";
import type { Sample } from "../../src/stats/request_stats.ts";
import type { Statistics } from "../../src/stats/snapshot.ts";
import type {
  KeyedEntry,
  LatencyCounts,
  SecondCounts,
  StatsDelta,
} from "../../src/stats/stats_delta.ts";
import { SecondStats, StatsTable } from "../../src/stats/stats_table.ts";
import { MergedCounts, MergedRequests } from "../../src/stats/merged_counts.ts";
import { MergedStats } from "../../src/stats/merged_stats.ts";
import { Totals } from "../../src/stats/totals.ts";
import {
  anyClassedSample,
  classSeconds,
  deltaOf,
  iterationCounts,
  iterationsOf,
  secondCounts as second,
  secondOf,
} from "../support/counts.ts";
import {
  bucketsOf,
  exactStatistics,
  historySums,
  plainStatistics,
} from "../support/exact_statistics.ts";
import { anySample, sample } from "../support/samples.ts";
import { NO_LATENCIES, NONE_UNANSWERED } from "../support/snapshots.ts";

/** The seconds of one node with these samples. */
function secondsOf(samples: readonly Sample[]): SecondStats[] {
  const table = new StatsTable();
  table.start(0);
  for (const one of samples.toSorted((a, b) => a.endedAt - b.endedAt)) {
    table.record(one);
    if (one.error !== null) table.userError(one.name, one.error, one.endedAt);
  }
  return table.flush(10_001);
}

function totalsOf(parts: Iterable<StatsDelta>): Totals {
  const totals = new Totals();
  for (const part of parts) totals.add(part);
  return totals;
}

/** The same with its histogram as bytes. */
function packedTimes(
  { count, min, max, sum, squaredDeviations, histogram }: LatencyCounts,
): LatencyCounts {
  assert.ok(histogram instanceof Histogram);
  const bytes = new PackedBuckets(packBuckets(histogram));
  return { count, min, max, sum, squaredDeviations, histogram: bytes };
}

/** The same with its histograms as bytes. */
function packedOf(counted: StatsDelta): StatsDelta {
  const packed = Array.from(counted.entries, ([method, name, code, entry, ...part]): KeyedEntry => {
    const { requests, failures, retries, bytesReceived, bytesSent, errors } = entry;
    const counts = { requests, failures, retries, bytesReceived, bytesSent, errors };
    const latencies = packedTimes(entry.latencies);
    const failureLatencies = entry.failureLatencies && packedTimes(entry.failureLatencies);
    return [method, name, code, { ...counts, latencies, failureLatencies }, ...part];
  });
  const { from, to, seconds, phases, userErrors, iterations, unfinished, inProgress } = counted;
  const { classes, groups, checks, metrics, traced, failureSamples, notes } = counted;
  return {
    from,
    to,
    seconds,
    classes,
    entries: packed,
    phases,
    userErrors,
    iterations,
    unfinished,
    inProgress,
    network: null,
    groups,
    checks,
    metrics,
    traced,
    failureSamples: [...failureSamples],
    notes: [...notes],
  };
}

/** The buckets of these latencies. */
function bucketsFor(...latencies: number[]): BucketCount[] {
  const histogram = new Histogram();
  for (const ms of latencies) histogram.record(ms);
  return [...histogram.buckets()];
}

/** Means and deviations relative to the highest latency, the overall ones first. */
function inexact({ totals, requests }: Statistics): number[] {
  return [totals, ...requests].flatMap(({ latencyMs: { mean, stddev, max } }) =>
    max === null ? [] : [mean! / max, stddev! / max]
  );
}

Deno.test("samples spread over nodes yield the same statistics as in one table", () => {
  const spread = fc.array(fc.tuple(anySample, fc.nat(3)), { maxLength: 200 });
  fc.assert(fc.property(spread, fc.infiniteStream(fc.nat()), (spread, order) => {
    const whole = secondsOf(spread.map(([one]) => one));
    const parts = [0, 1, 2, 3].flatMap((node) =>
      secondsOf(spread.filter(([, of]) => of === node).map(([one]) => one))
    );
    const shuffled = parts
      .map((delta) => ({ delta, at: order.next().value }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ delta }) => delta);
    const actual = totalsOf(shuffled).statistics(10);
    const expected = totalsOf(whole).statistics(10);
    assert.deepEqual(exactStatistics(actual), exactStatistics(expected));
    const expectedParts = inexact(expected);
    for (const [i, part] of inexact(actual).entries()) {
      assert.ok(Math.abs(part - expectedParts[i]!) < 1e-9, `${part} is not ${expectedParts[i]}`);
    }
  }));
});

Deno.test("what has no response has no first byte, also if it is reported apart", () => {
  const step = sample({ status: 0, latencyMs: 1 });
  const request = { ...step, phases: new ExchangePhases() };
  for (const order of [[step, request], [request, step]]) {
    const parts = order.flatMap((one) => secondsOf([one]));
    const [row] = totalsOf(parts).statistics(10).timeline;
    assert.equal(row!.requests, 2);
    assert.equal(row!.connections, undefined);
  }
});

Deno.test("counts are those of the samples, for each name and over all", () => {
  fc.assert(fc.property(fc.array(anySample, { maxLength: 100 }), (samples) => {
    const { totals, requests, failures, timeline } = totalsOf(secondsOf(samples)).statistics(10);
    assert.equal(totals.requests, samples.length);
    assert.equal(totals.failures, samples.filter(({ error }) => error !== null).length);
    for (const row of requests) {
      const own = samples.filter(({ method, name }) => method === row.method && name === row.name);
      assert.equal(row.requests, own.length);
      assert.equal(
        row.bytesReceived,
        own.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0),
      );
      const ofOutcome = (failed: boolean): number[] =>
        own.filter(({ error }) => (error !== null) === failed).map(({ latencyMs }) => latencyMs);
      assert.deepEqual(bucketsOf(row.histogram), bucketsFor(...ofOutcome(false)));
      assert.deepEqual(bucketsOf(row.failureHistogram), bucketsFor(...ofOutcome(true)));
      assert.deepEqual([row.successes.count, row.failures], [
        ofOutcome(false).length,
        ofOutcome(true).length,
      ]);
      assert.equal(row.successes.max, Math.max(...ofOutcome(false)));
      assert.equal(row.failureLatencyMs.max ?? -Infinity, Math.max(...ofOutcome(true)));
      const withoutResponse = own.filter(({ status, error }) => status === 0 && error !== null);
      assert.equal(row.waits.count, withoutResponse.length);
      const most = Math.max(
        ...ofOutcome(false),
        ...withoutResponse.map(({ latencyMs }) => latencyMs),
      );
      assert.equal(row.latencyMs.max, ofOutcome(false).length === 0 ? null : most);
    }
    for (const row of [totals, ...requests]) {
      assert.equal(row.successes.count + row.failures, row.requests);
    }
    assert.equal(failures.reduce((sum, { count }) => sum + count, 0), totals.failures);
    for (const { second, requests } of timeline) {
      const own = samples.filter(({ endedAt }) => Math.floor(endedAt / 1000) === second);
      assert.equal(requests, own.length);
    }
  }));
});

Deno.test("a row has the figures of its samples", () => {
  const samples = [10, 20, 60].map((latencyMs, i) =>
    sample({
      latencyMs,
      bytesReceived: 100,
      bytesSent: 7,
      retries: i,
      error: i === 2 ? "HTTP 500" : null,
    })
  );
  const { requests } = plainStatistics(totalsOf(secondsOf(samples)).statistics(1.5));
  const [{ latencyMs, failureLatencyMs, codes, ...row } = assert.fail()] = requests;
  assert.deepEqual(row, {
    lowerBounds: false,
    successes: { count: 2, sum: 30, max: 20 },
    buckets: bucketsFor(10, 20),
    failureBuckets: bucketsFor(60),
    unfinished: NONE_UNANSWERED,
    inProgress: NONE_UNANSWERED,
    waits: [],
    phases: {
      ...{ opened: 0, reused: 3, dns: [], connect: [], tls: [] },
      ttfb: bucketsFor(10, 20, 60),
      download: [[0, 3]],
    },
    method: "GET",
    name: "search",
    requests: 3,
    failures: 1,
    retries: 3,
    errorRate: 1 / 3,
    rate: 2,
    bytesReceived: 300,
    bytesSent: 21,
    tags: [],
  });
  assert.deepEqual([latencyMs.min, latencyMs.mean, latencyMs.max], [10, 15, 20]);
  assert.deepEqual([failureLatencyMs.min, failureLatencyMs.p95], [60, 60]);
  assert.deepEqual(codes, [{
    code: 200,
    requests: 3,
    failed: 1,
    bytesReceived: 300,
    latencies: { sum: 30, buckets: bucketsFor(10, 20) },
    failureLatencies: { sum: 60, buckets: bucketsFor(60) },
  }]);
});

Deno.test("the codes of a name add up to its total", () => {
  fc.assert(fc.property(fc.array(anySample, { maxLength: 100 }), (samples) => {
    for (
      const { method, name, codes, ...row } of totalsOf(secondsOf(samples)).statistics(1).requests
    ) {
      const own = samples.filter((one) => one.method === method && one.name === name);
      assert.deepEqual(
        codes.map(({ code }) => code),
        [...new Set(own.map(({ status }) => status))].toSorted((a, b) => a - b),
      );
      const sumOf = (samples: Sample[], value: (one: Sample) => number): number =>
        samples.reduce((all, one) => all + value(one), 0);
      for (const { code, requests, failed, bytesReceived, ...ofOutcome } of codes) {
        const ofCode = own.filter(({ status }) => status === code);
        assert.equal(requests, ofCode.length);
        assert.equal(bytesReceived, sumOf(ofCode, (one) => one.bytesReceived));
        assert.equal(failed, ofCode.filter(({ error }) => error !== null).length);
        for (const isFailure of [false, true]) {
          const samples = ofCode.filter(({ error }) => (error !== null) === isFailure);
          const times = isFailure ? ofOutcome.failureLatencies : ofOutcome.latencies;
          assert.equal(times === null, samples.length === 0);
          if (times === null) continue;
          assert.ok(Math.abs(times.sum / sumOf(samples, (one) => one.latencyMs) - 1) < 1e-9);
          const buckets = bucketsFor(...samples.map((one) => one.latencyMs));
          assert.deepEqual(bucketsOf(times.histogram), buckets);
        }
      }
      const together = [new Histogram(), new Histogram()] as const;
      for (const { latencies, failureLatencies } of codes) {
        if (latencies !== null) together[0].merge(latencies.histogram);
        if (failureLatencies !== null) together[1].merge(failureLatencies.histogram);
      }
      assert.deepEqual(bucketsOf(row.histogram), bucketsOf(together[0]));
      assert.deepEqual(bucketsOf(row.failureHistogram), bucketsOf(together[1]));
      assert.equal(row.requests, codes.reduce((all, { requests }) => all + requests, 0));
    }
  }));
});

Deno.test("except for the codes and phases, counts of answers do not depend on their codes", () => {
  const spread = fc.array(fc.tuple(anySample, fc.nat(2)), { maxLength: 100 });
  fc.assert(fc.property(spread, fc.boolean(), (spread, packed) => {
    const statisticsOf = (change: (one: Sample) => Sample): unknown => {
      const totals = new Totals();
      for (const node of [0, 1, 2]) {
        const own = spread.filter(([, of]) => of === node).map(([one]) => change(one));
        const merged = new MergedStats();
        for (const delta of secondsOf(own)) merged.add(delta);
        totals.add(packed ? packedOf(merged) : merged);
      }
      const { requests, timeline, ...rest } = exactStatistics(totals.statistics(10));
      const withoutPhases = <Row extends object>(
        { phases: _, ...row }: Row & { phases: unknown },
      ) => row;
      return {
        ...rest,
        timeline: timeline.map(({ connections: _, ...second }) => second),
        totals: withoutPhases(rest.totals),
        requests: requests.map(({ codes: _, tags, ...row }) => ({
          ...withoutPhases(row),
          tags: tags.map((tag) => withoutPhases(tag as { phases: unknown })),
        })),
      };
    };
    assert.deepEqual(
      statisticsOf((one) => one.error === null ? one : { ...one, status: one.status || 500 }),
      statisticsOf((one) => ({ ...one, status: 200 })),
    );
  }));
});

Deno.test("iterations of all nodes are added up", () => {
  const totals = totalsOf([
    deltaOf({
      iterations: iterationsOf({ scheduled: 4, dropped: 1, delays: [0, 30], services: [20] }),
    }),
    deltaOf({ iterations: iterationsOf({ scheduled: 1, delays: [60], services: [40, 60] }) }),
    ...secondsOf([sample()]),
  ]);
  const { iterations, totals: { requests } } = totals.statistics(1);
  assert.ok(iterations !== null);
  const { serviceTimeMs, startDelayMs, ...counts } = iterations;
  assert.deepEqual(counts, { scheduled: 5, started: 3, completed: 3, interrupted: 0, dropped: 1 });
  assert.deepEqual([serviceTimeMs.min, serviceTimeMs.mean, serviceTimeMs.max], [20, 40, 60]);
  assert.deepEqual([startDelayMs.min, startDelayMs.mean, startDelayMs.max], [0, 30, 60]);
  assert.equal(requests, 1);
  totals.reset();
  assert.equal(totals.statistics(1).iterations, null);
});

Deno.test("iterations that never started have no times", () => {
  const { iterations } = totalsOf([
    deltaOf({ iterations: iterationsOf({ scheduled: 4, dropped: 4 }) }),
  ])
    .statistics(1);
  assert.deepEqual(iterations, {
    scheduled: 4,
    started: 0,
    completed: 0,
    interrupted: 0,
    dropped: 4,
    serviceTimeMs: NO_LATENCIES,
    startDelayMs: NO_LATENCIES,
  });
});

Deno.test("an empty run has no rows, rates of 0 and no latencies", () => {
  assert.deepEqual(plainStatistics(new Totals().statistics(0)), {
    totals: {
      requests: 0,
      failures: 0,
      retries: 0,
      errorRate: 0,
      rate: 0,
      bytesReceived: 0,
      bytesSent: 0,
      latencyMs: NO_LATENCIES,
      lowerBounds: false,
      successes: { count: 0, sum: 0, max: -Infinity },
      buckets: [],
      failureLatencyMs: NO_LATENCIES,
      failureBuckets: [],
      unfinished: NONE_UNANSWERED,
      inProgress: NONE_UNANSWERED,
      phases: { opened: 0, reused: 0, dns: [], connect: [], tls: [], ttfb: [], download: [] },
      waits: [],
    },
    requests: [],
    failures: [],
    userErrors: [],
    timeline: [],
    iterations: null,
    network: null,
    classes: [],
    groups: [],
    metrics: [],
    failureSamples: [],
    checks: [],
    traced: [],
    histories: [],
    heatMap: { stepSeconds: 1, seconds: [], histograms: [] },
  });
  assert.equal(new Totals().peakUsers, 0);
});

Deno.test("requests are sorted by name, then by method", () => {
  const samples = [["POST", "b"], ["GET", "b"], ["PUT", "a"], ["GET", "B"]].map(([method, name]) =>
    sample({ method: method!, name: name! })
  );
  const rows = totalsOf(secondsOf(samples)).statistics(1).requests;
  assert.deepEqual(rows.map(({ name, method }) => `${name} ${method}`), [
    "B GET",
    "a PUT",
    "b GET",
    "b POST",
  ]);
});

Deno.test("failures and user errors are sorted by count, then by text", () => {
  const samples = ["timed out", "HTTP 500", "refused", "HTTP 500"].map((error) =>
    sample({ error })
  );
  const { failures, userErrors } = totalsOf(secondsOf(samples)).statistics(1);
  assert.deepEqual(failures, [
    { method: "GET", name: "search", error: "HTTP 500", count: 2 },
    { method: "GET", name: "search", error: "refused", count: 1 },
    { method: "GET", name: "search", error: "timed out", count: 1 },
  ]);
  assert.deepEqual(userErrors, [
    { user: "search", error: "HTTP 500", place: null, count: 2 },
    { user: "search", error: "refused", place: null, count: 1 },
    { user: "search", error: "timed out", place: null, count: 1 },
  ]);
});

Deno.test("names over 1,000 are counted as one if nodes have different ones", () => {
  const totals = new Totals();
  for (const node of ["a", "b"]) {
    const names = Array.from({ length: 700 }, (_, i) => sample({ name: `/${node}/${i}` }));
    for (const delta of secondsOf(names)) totals.add(delta);
    assert.equal(totals.namesCapped, node === "b");
  }
  const { requests, totals: all } = totals.statistics(1);
  assert.equal(requests.length, 1001);
  assert.equal(requests.find(({ name }) => name === "(other)")?.requests, 400);
  assert.equal(all.requests, 1400);
});

Deno.test("user errors over 1,000 are counted as one if nodes have different ones", () => {
  const totals = new Totals();
  for (const node of ["a", "b"]) {
    const delta = new SecondStats(0, 0);
    for (let i = 0; i < 700; i++) delta.userErrors.set("BuyTest", `${node}: ${i}`, 2);
    totals.add(delta);
  }
  const { userErrors } = totals.statistics(1);
  assert.equal(userErrors.length, 1001);
  assert.deepEqual(userErrors[0], { user: "BuyTest", error: "(other)", place: null, count: 800 });
  assert.equal(totals.namesCapped, false);
});

Deno.test("the totals report that a node has capped its names", () => {
  const delta = new SecondStats(0, 0);
  delta.parts[0]!.requests.entries.at("GET", "(other)").of(200).add(sample());
  assert.equal(totalsOf([delta]).namesCapped, true);
});

Deno.test("a reset discards counts and timeline, but keeps the peak of users", () => {
  const totals = totalsOf([new SecondStats(0, 9), ...secondsOf([sample({ error: "HTTP 500" })])]);
  totals.reset();
  assert.deepEqual(
    plainStatistics(totals.statistics(5)),
    plainStatistics(new Totals().statistics(5)),
  );
  assert.equal(totals.peakUsers, 9);
  totals.add(new SecondStats(4, 3));
  assert.equal(totals.peakUsers, 9);
  assert.deepEqual(totals.statistics(5).timeline.map(({ second, users }) => [second, users]), [[
    4,
    3,
  ]]);
});

Deno.test("statistics do not change when more is added, except for their histograms", () => {
  const totals = totalsOf([deltaOf({ iterations: iterationsOf({ scheduled: 1 }) })]);
  for (const delta of secondsOf([sample()])) totals.add(delta);
  const before = totals.statistics(1);
  // Histograms have no fields in JSON.
  const copy = JSON.stringify(before);
  for (const delta of secondsOf([sample({ latencyMs: 99 })])) totals.add(delta);
  totals.add(deltaOf({ iterations: iterationsOf({ scheduled: 1 }) }));
  assert.equal(JSON.stringify(before), copy);
  assert.equal(totals.statistics(1).totals.requests, 2);
});

Deno.test("merged seconds, packed or not, count the same as single ones", () => {
  const samples = fc.array(anySample, { maxLength: 100 });
  fc.assert(fc.property(samples, fc.boolean(), (samples, packed) => {
    const deltas = secondsOf(samples);
    const merged = new MergedStats();
    for (const delta of deltas) merged.add(delta);
    const { timeline: _, histories, ...expected } = exactStatistics(
      totalsOf(deltas).statistics(10),
    );
    const together = totalsOf([packed ? packedOf(merged) : merged]);
    const { timeline: __, histories: shared, ...actual } = exactStatistics(
      together.statistics(10),
    );
    assert.deepEqual(shared.map(historySums), histories.map(historySums));
    assert.deepEqual(actual, expected);
  }));
});

Deno.test("parts of a second add up, if only one of them lists the second", () => {
  const [delta = assert.fail()] = secondsOf([
    sample({ name: "search", latencyMs: 5 }),
    sample({ name: "pay", latencyMs: 5, error: "HTTP 500" }),
  ]);
  const [search, pay] = [...delta.entries].map((entry) => [entry]);
  const { from, to, seconds, userErrors } = delta;
  const totals = totalsOf([
    deltaOf({ from, to, seconds, userErrors, entries: search! }),
    deltaOf({ from, to, entries: pay! }),
  ]);
  const statistics = totals.statistics(1);
  const whole = totalsOf([delta]).statistics(1);
  assert.deepEqual(plainStatistics(statistics).totals, plainStatistics(whole).totals);
  assert.deepEqual(statistics.userErrors, [{
    user: "pay",
    error: "HTTP 500",
    place: null,
    count: 1,
  }]);
  const [{ connections: _, ...only } = assert.fail(), ...others] = statistics.timeline;
  assert.deepEqual([only, ...others], [
    { second: 0, users: 0, requests: 2, failures: 1, maxLagMs: 0, p50: 5, p95: 5, p99: 5 },
  ]);
});

/** The requests of each method, name and code. */
function requestsOf({ whole: { entries } }: MergedCounts): unknown[] {
  return Array.from(
    entries,
    ([method, name, code, { requests }]) => [method, name, code, requests],
  );
}

Deno.test("codes are kept separate, and those of several nodes are added up", () => {
  const merged = new MergedCounts((room) => new MergedRequests(room));
  merged.add(secondOf([sample(), sample({ status: 503, error: "HTTP 503" })]));
  merged.add(secondOf([sample({ status: 503, error: "HTTP 503" }), sample({ status: 0 })]));
  assert.deepEqual(requestsOf(merged), [
    ["GET", "search", 200, 1],
    ["GET", "search", 503, 2],
    ["GET", "search", 0, 1],
  ]);
  const whole = merged.whole.entries.get("GET", "search")?.whole;
  assert.deepEqual([whole?.requests, whole?.failures], [4, 2]);
  assert.deepEqual([...whole!.errors], [["HTTP 503", 2]]);
});

Deno.test("names over 1,000 are counted as one, by code", () => {
  const merged = new MergedCounts((room) => new MergedRequests(room));
  for (const [status, node] of [[200, "a"], [404, "b"]] as const) {
    const samples = Array.from(
      { length: 700 },
      (_, i) => sample({ name: `/${node}/${i}`, status }),
    );
    merged.add(secondOf([...samples, ...samples.slice(-1)]));
    assert.equal(merged.whole.namesCapped, node === "b");
  }
  assert.equal(merged.whole.entries.size, 1001);
  const other = merged.whole.entries.get("GET", "(other)");
  assert.deepEqual(Array.from(other!, ([code, { requests }]) => [code, requests]), [[404, 401]]);
});

Deno.test("further capped names add their codes to those of all others", () => {
  const merged = new MergedCounts((room) => new MergedRequests(room));
  const names = Array.from({ length: 1000 }, (_, i) => sample({ name: `/${i}` }));
  merged.add(secondOf([...names, sample({ name: "a" }), sample({ name: "b", status: 404 })]));
  const other = merged.whole.entries.get("GET", "(other)");
  assert.deepEqual(Array.from(other!, ([code, { requests }]) => [code, requests]), [
    [200, 1],
    [404, 1],
  ]);
});

Deno.test("iterations are null until some are counted, and then added up", () => {
  const merged = new MergedCounts((room) => new MergedRequests(room));
  merged.add(deltaOf());
  merged.add(secondOf([sample()]));
  assert.equal(merged.iterations, null);
  merged.add(deltaOf({ iterations: iterationsOf({ scheduled: 3, delays: [1], services: [5] }) }));
  merged.add(deltaOf());
  merged.add(deltaOf({ iterations: iterationsOf({ scheduled: 2, dropped: 1, delays: [2, 4] }) }));
  assert.deepEqual(iterationCounts(merged.iterations), {
    scheduled: 5,
    started: 3,
    completed: 1,
    interrupted: 0,
    dropped: 1,
    delay: 7,
    service: 5,
    interruptedTime: 0,
  });
});

Deno.test("adding does not change the added counts", () => {
  const merged = new MergedCounts((room) => new MergedRequests(room));
  const delta = secondOf([sample()]);
  delta.parts[0]!.openIterations.scheduled = 2;
  merged.add(delta);
  merged.add(delta);
  assert.equal(merged.whole.entries.get("GET", "search")?.whole.requests, 2);
  assert.equal(merged.iterations?.scheduled, 4);
  assert.equal(delta.parts[0]!.requests.entries.get("GET", "search")?.whole.requests, 1);
  assert.equal(delta.iterations?.scheduled, 2);
});

function mergedOf(...parts: StatsDelta[]): MergedStats {
  const merged = new MergedStats();
  for (const part of parts) merged.add(part);
  return merged;
}

/** Only has seconds. */
function telling(...seconds: SecondCounts[]): StatsDelta {
  const numbers = seconds.map(({ second }) => second);
  const [from, to] = [Math.min(...numbers), Math.max(...numbers)];
  return deltaOf({ from, to, seconds });
}

Deno.test("merged seconds have the same totals as single ones", () => {
  const samples = fc.array(anySample, { maxLength: 100 });
  fc.assert(fc.property(samples, samples, (samples, errors) => {
    const table = new StatsTable();
    table.start(0);
    const all = [...samples, ...errors].toSorted((a, b) => a.endedAt - b.endedAt);
    for (const one of all) table.record(one);
    for (const { name, error } of errors) table.userError(name, error ?? "none", 10_000);
    const deltas = table.flush(10_001);
    const [apart, together] = [new Totals(), new Totals()];
    for (const delta of deltas) apart.add(delta);
    together.add(mergedOf(...deltas));
    const { timeline, histories: _, ...expected } = exactStatistics(apart.statistics(10));
    const { timeline: found, histories: __, ...actual } = exactStatistics(together.statistics(10));
    assert.deepEqual(actual, expected);
    const counts = ({ second, users, requests, failures }: typeof found[number]): number[] => [
      second,
      users,
      requests,
      failures,
    ];
    assert.deepEqual(found.map(counts), timeline.map(counts));
  }));
});

Deno.test("merged stats range from the earliest second to the latest", () => {
  const merged = mergedOf(new SecondStats(7, 1), new SecondStats(5, 1));
  assert.deepEqual([merged.from, merged.to], [5, 7]);
  merged.add(deltaOf({ from: 3, to: 9 }));
  assert.deepEqual([merged.from, merged.to], [3, 9]);
  assert.deepEqual(merged.seconds.map(({ second }) => second), [5, 7]);
});

Deno.test("merged seconds are in order and unique, whatever order they were added in", () => {
  const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 1 });
  fc.assert(fc.property(order, order, (first, then) => {
    const merged = mergedOf(...[...first, ...then].map((number) => new SecondStats(number, 1)));
    const expected = [...new Set([...first, ...then])].toSorted((a, b) => a - b);
    assert.deepEqual(merged.seconds.map(({ second }) => second), expected);
  }));
});

Deno.test("two parts of one second are merged: counts are added, and users are the later ones", () => {
  const merged = mergedOf(
    telling(
      second(4, { users: 9, peakUsers: 9, requests: 5, failures: 1, maxLagMs: 80 }),
      second(5),
    ),
    telling(second(4, { users: 7, peakUsers: 8, requests: 2, failures: 2, maxLagMs: 30 })),
  );
  assert.deepEqual(merged.seconds, [
    second(4, { users: 7, peakUsers: 9, requests: 7, failures: 3, maxLagMs: 80 }),
    second(5),
  ]);
});

Deno.test("merged entries are copies, so adding to them does not change any second", () => {
  const table = new StatsTable();
  table.start(0);
  table.record(sample({ error: "HTTP 500" }));
  const [delta = assert.fail()] = table.take(1000);
  const merged = mergedOf(delta, delta);
  assert.equal(delta.parts[0]!.requests.entries.get("GET", "search")?.whole.requests, 1);
  const [[, , , entry] = assert.fail()] = merged.entries;
  assert.equal(entry.requests, 2);
  assert.deepEqual([...entry.errors], [["HTTP 500", 2]]);
});

Deno.test("codes of a name are kept separate in merged stats", () => {
  const merged = mergedOf(
    secondOf([sample(), sample({ status: 503 })], 1),
    secondOf([sample({ status: 503 }), sample({ status: 0 })], 2),
  );
  assert.deepEqual(
    Array.from(merged.entries, ([, , code, { requests }]) => [code, requests]),
    [[200, 1], [503, 2], [0, 1]],
  );
});

Deno.test("merged stats have the iterations of all seconds, and null if there are none", () => {
  const merged = mergedOf(new SecondStats(0, 1), deltaOf());
  assert.equal(merged.iterations, null);
  merged.add(
    deltaOf({ iterations: iterationsOf({ scheduled: 3, delays: [0, 4], services: [9] }) }),
  );
  merged.add(deltaOf({ iterations: iterationsOf({ scheduled: 1, dropped: 2, delays: [8] }) }));
  assert.deepEqual(iterationCounts(merged.iterations), {
    scheduled: 4,
    started: 3,
    completed: 1,
    interrupted: 0,
    dropped: 2,
    delay: 12,
    service: 9,
    interruptedTime: 0,
  });
});

Deno.test("names and user errors beyond 1,000 are counted as one", () => {
  const parts = ["a", "b"].map((half, i) => {
    const table = new StatsTable();
    table.start(i * 1000, i);
    for (let n = 0; n < 700; n++) {
      table.record(sample({ name: `/${half}/${n}`, endedAt: i * 1000 }));
      table.userError("BuyTest", `${half}: ${n}`, 0);
    }
    return table.flush(i * 1000 + 1)[0]!;
  });
  const merged = mergedOf(...parts);
  const entries = [...merged.entries];
  assert.equal(entries.length, 1001);
  assert.equal(entries.find(([, name]) => name === "(other)")?.[3].requests, 400);
  const userErrors = [...merged.userErrors];
  assert.equal(userErrors.length, 1001);
  assert.deepEqual(userErrors.find(([, error]) => error === "(other)"), [
    "BuyTest",
    "(other)",
    400,
  ]);
});

const CLASSES = ["Buyer", "Admin", "Guest"];

/** The statistics of several nodes, without what depends on how users are divided. */
function classStatistics(deltas: Iterable<StatsDelta>): unknown {
  const facts = { names: CLASSES, users: new Map() };
  const { timeline: _, histories, classes, ...rest } = exactStatistics(
    totalsOf(deltas).statistics(10, [], facts),
  );
  return {
    ...rest,
    histories: histories.map(historySums).toSorted(),
    classes: classes.map((row) => ({ ...row as object, peakUsers: 0 })),
  };
}

Deno.test("counts by class are the same however they are divided, and add up to the totals", () => {
  const spread = fc.array(fc.tuple(anyClassedSample, fc.nat(3)), { maxLength: 100 });
  const ways = fc.array(fc.constantFrom("apart", "merged", "packed"), {
    minLength: 4,
    maxLength: 4,
  });
  fc.assert(fc.property(spread, ways, fc.infiniteStream(fc.nat()), (spread, ways, order) => {
    const whole = classSeconds(spread.map(([one]) => one), CLASSES);
    // The users of the first node are all of one class, of which it knows no other.
    const parts = ways.flatMap((way, node) => {
      const own = spread.filter(([{ of }, on]) => (of === 0 ? 0 : on % 3 + 1) === node)
        .map(([one]) => one);
      const seconds = classSeconds(own, node === 0 ? ["Buyer"] : CLASSES);
      if (way === "apart") return seconds;
      return [way === "merged" ? mergedOf(...seconds) : packedOf(mergedOf(...seconds))];
    });
    const shuffled = parts
      .map((delta) => ({ delta, at: order.next().value }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ delta }) => delta);
    assert.deepEqual(classStatistics(shuffled), classStatistics(whole));
    const { totals, requests, classes, iterations } = totalsOf(shuffled).statistics(10);
    const sum = (of: (row: typeof classes[number]) => number): number =>
      classes.reduce((all, row) => all + of(row), 0);
    const ended = spread.filter(([{ cutOff }]) => !cutOff).length;
    assert.equal(sum((row) => row.totals.requests), totals.requests);
    assert.equal(sum((row) => row.totals.failures), totals.failures);
    assert.equal(sum((row) => row.totals.unfinished.count), totals.unfinished.count);
    assert.equal(sum((row) => row.completed), ended);
    assert.equal(sum((row) => row.iterations?.completed ?? 0), iterations?.completed ?? 0);
    assert.equal(sum((row) => row.peakUsers), spread.length);
    for (const [index, name] of CLASSES.entries()) {
      const own = spread.filter(([{ of, cutOff }]) => of === index && !cutOff);
      const row = classes.find((one) => one.name === name);
      assert.equal(row?.totals.requests ?? 0, own.length);
      assert.equal(row?.requests.reduce((all, one) => all + one.requests, 0) ?? 0, own.length);
    }
    for (const { name, method, tags } of requests) {
      const own = spread.filter(([{ sample, cutOff }]) =>
        sample.name === name && sample.method === method && sample.tags !== "" && !cutOff
      );
      assert.equal(tags.reduce((all, one) => all + one.requests, 0), own.length);
    }
  }));
});

Deno.test("the only class has the counts of the run, without counting them twice", () => {
  const samples = [sample(), sample({ error: "HTTP 500", status: 500, tags: "cache=hit" })];
  const [second] = classSeconds(
    samples.map((one) => ({ sample: one, of: 0, cutOff: false })),
    ["Buyer"],
  );
  const { totals, requests, classes } = totalsOf([second!]).statistics(1, [], {
    names: ["Buyer"],
    users: new Map([["Buyer", 2]]),
  });
  const [only] = classes;
  assert.equal(only!.totals, totals);
  assert.equal(only!.requests, requests);
  assert.deepEqual([only!.users, only!.peakUsers, only!.completed], [2, 2, 2]);
  assert.deepEqual(
    requests[0]!.tags.map(({ tags, requests, failures }) => [tags, requests, failures]),
    [["cache=hit", 1, 1]],
  );
});

Deno.test("each class of the run has a row, in the order of the test file", () => {
  const facts = { names: ["C", "B", "A"], users: new Map() };
  const [second] = classSeconds([{ sample: sample(), of: 1, cutOff: false }], ["A", "B", "D"]);
  const { classes } = totalsOf([second!]).statistics(1, [], facts);
  assert.deepEqual(classes.map(({ name, totals }) => [name, totals.requests]), [
    ["C", 0],
    ["B", 1],
    ["A", 0],
    ["D", 0],
  ]);
  const none = new Totals().statistics(0, [], facts).classes;
  assert.deepEqual(none.map(({ name, totals }) => [name, totals.requests]), [
    ["C", 0],
    ["B", 0],
    ["A", 0],
  ]);
});

Deno.test("requests in progress count for their class and tags", () => {
  const table = new StatsTable(["Buyer", "Admin"]);
  table.start(0);
  const request = { method: "GET", name: "search", startedAt: 0 };
  const inProgress = table.inProgress([
    [{ ...request, tags: "cache=hit" }, 0],
    [{ ...request, tags: "" }, 1],
  ], 3000);
  const { totals, requests, classes } = totalsOf(table.flush(3000)).statistics(3, inProgress);
  assert.equal(totals.inProgress.count, 2);
  assert.deepEqual(classes.map((row) => [row.name, row.totals.inProgress.count]), [
    ["Buyer", 1],
    ["Admin", 1],
  ]);
  const tags = [requests, classes[0]!.requests, classes[1]!.requests].map(([row]) =>
    row!.tags.map(({ tags, waits }) => [tags, waits.count])
  );
  assert.deepEqual(tags, [[["cache=hit", 1]], [["cache=hit", 1]], []]);
});

Deno.test("peers cannot fill the memory with classes, tags and names", () => {
  const totals = new Totals();
  for (let i = 0; i < 200; i++) {
    const name = `Class${i}`;
    const entries = Array.from({ length: 40 }, (_, j): KeyedEntry => {
      const [[, , code, entry] = assert.fail()] = [...secondOf([sample()]).entries];
      return ["GET", `/${i}/${j}`, code, entry, name, j % 2 === 0 ? "" : `id=${i * 40 + j}`];
    });
    const classes = [{ name, completed: 1, iterations: null, seconds: [] }];
    totals.add(deltaOf({ classes, entries }));
  }
  const { classes, requests } = totals.statistics(1);
  assert.equal(classes.length, 101);
  assert.deepEqual([classes.at(-1)!.name, classes.at(-1)!.completed], ["(other)", 100]);
  assert.equal(requests.length, 501);
  const rows = classes.reduce((sum, row) => sum + row.requests.length, 0);
  assert.ok(rows <= 3000 + 101, `${rows} rows`);
  assert.equal(classes.reduce((sum, row) => sum + row.totals.requests, 0), 4000);
  assert.ok(totals.limitWarnings.length >= 1);
});
