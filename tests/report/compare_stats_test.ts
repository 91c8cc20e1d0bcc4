import assert from "node:assert/strict";
import {
  addVariances,
  type ConfidenceInterval,
  Distribution,
  type EntryOfRun,
  EntrySeconds,
  errorInterval,
  type EstimatedVariance,
  meanInterval,
  quantileInterval,
  rateInterval,
  RunFigures,
  secondsOf,
  varianceOfDifference,
} from "../../src/report/compare_stats.ts";
import type { ComparedRun } from "../../src/report/summary_reader.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { Latencies } from "../../src/stats/latencies.ts";
import { seeded } from "../support/cutting_target.ts";
import { type SimulatedRun, simulatedRun } from "../support/simulated_summary.ts";

const NAMES = [{ name: "/", rate: 200, median: 20, spread: 0.1 }];
const TAIL = 0.0025;

function entries(
  a: Partial<SimulatedRun>,
  b: Partial<SimulatedRun>,
): readonly [a: EntryOfRun, b: EntryOfRun] {
  const random = seeded(11);
  const run = { seconds: 20, names: NAMES };
  const runs = [simulatedRun({ ...run, ...a }, random), simulatedRun({ ...run, ...b }, random)];
  const totalsOf = (one: ComparedRun, other: ComparedRun): EntryOfRun =>
    new RunFigures(one, other).entry(one.totals);
  return [totalsOf(runs[0]!, runs[1]!), totalsOf(runs[1]!, runs[0]!)];
}

function assertAround(bounds: ConfidenceInterval, value: number, width: number): void {
  assert.ok(bounds.low < value && value < bounds.high, `${bounds.low} to ${bounds.high}`);
  assert.ok(bounds.high - bounds.low < width, `${bounds.low} to ${bounds.high}`);
}

for (const q of [0.5, 0.95, 0.99]) {
  Deno.test(`the interval of percentile ${q} of a target that is 10 % slower is around 1.1`, () => {
    const [a, b] = entries({}, { slower: 1.1 });
    assertAround(quantileInterval(a, b, q, TAIL), 1.1, q === 0.5 ? 0.03 : 0.1);
  });

  Deno.test(`with the runs swapped, the interval of ${q} is inverted`, () => {
    const [a, b] = entries({}, { slower: 1.1, noise: 0.05 });
    const there = quantileInterval(a, b, q, TAIL);
    const back = quantileInterval(b, a, q, TAIL);
    assert.ok(Math.abs(there.low * back.high - 1) < 1e-9);
    assert.ok(Math.abs(there.high * back.low - 1) < 1e-9);
  });
}

Deno.test("noise of the seconds widens intervals, however many requests there were", () => {
  const widthWith = (noise: number): number => {
    const [a, b] = entries({ noise }, { noise });
    const { low, high } = quantileInterval(a, b, 0.5, TAIL);
    return high - low;
  };
  assert.ok(widthWith(0) < 0.03, `${widthWith(0)}`);
  assert.ok(widthWith(0.1) > 4 * widthWith(0), `${widthWith(0.1)}`);
});

Deno.test("what both runs have in common over time is not noise", () => {
  const [a, b] = entries({ ramp: 10 }, { ramp: 10 });
  assertAround(quantileInterval(a, b, 0.5, TAIL), 1, 0.06);
});

Deno.test("a few stalls in one run are not a regression of its highest percentiles", () => {
  const random = seeded(12);
  const quiet = { seconds: 60, names: NAMES };
  const a = simulatedRun(quiet, random);
  const b = simulatedRun({ ...quiet, stalls: 0.08 }, random);
  assert.ok(b.totals.latencyMs.p99! > 5 * a.totals.latencyMs.p99!, `${b.totals.latencyMs.p99}`);
  const before = new RunFigures(a, b).entry(a.totals);
  const after = new RunFigures(b, a).entry(b.totals);
  const { low, high } = quantileInterval(before, after, 0.99, TAIL);
  assert.ok(low < 1.05, `${low}`);
  assert.ok(high > 5, `${high}`);
});

Deno.test("means and rates are compared by ratio", () => {
  const [a, b] = entries({}, { slower: 1.1 });
  assertAround(meanInterval(a, b, TAIL), 1.1, 0.03);
  assertAround(rateInterval(a, b, TAIL), 1 / 1.1, 0.05);
});

Deno.test("error rates are subtracted", () => {
  const [a, b] = entries({ failing: 0.02 }, { failing: 0.05 });
  assertAround(errorInterval(a, b, TAIL), 0.03, 0.07);
  const [all, none] = entries({ failing: 1 }, {});
  const { low, high } = errorInterval(all, none, TAIL);
  assert.ok(low === -1 && high < -0.99, `${low} to ${high}`);
});

Deno.test("higher confidence widens an interval", () => {
  const [a, b] = entries({ noise: 0.03 }, { noise: 0.03 });
  for (const boundsOf of [meanInterval, rateInterval, errorInterval]) {
    const [wide, narrow] = [boundsOf(a, b, 0.0001), boundsOf(a, b, 0.05)];
    assert.ok(wide.low < narrow.low && wide.high > narrow.high);
  }
  const [wide, narrow] = [0.0001, 0.05].map((tail) => quantileInterval(a, b, 0.95, tail));
  assert.ok(wide!.low < narrow!.low && wide!.high > narrow!.high);
});

/** The variance of one run if the other has no noise. */
function varianceOfSum(parts: readonly number[]): EstimatedVariance {
  return varianceOfDifference(parts, new Array(parts.length).fill(0));
}

Deno.test("equal seconds have no noise", () => {
  assert.equal(varianceOfSum(new Array(30).fill(0)).variance, 0);
});

Deno.test("a run is divided into twelve blocks, or into six if those vary more", () => {
  const alternating = Array.from({ length: 60 }, (_, at) => at % 2 === 0 ? 1 : -1);
  assert.equal(varianceOfSum(alternating).degrees, 11);
  const slow = Array.from({ length: 60 }, (_, at) => at % 20 < 10 ? 1 : -1);
  const { variance, degrees } = varianceOfSum(slow);
  assert.deepEqual([Math.round(variance), degrees], [792, 5]);
});

/** Sums of autocorrelated values. */
function noisySums(memory: number, runs: number, seconds: number): number[][] {
  const random = seeded(5);
  return Array.from({ length: runs }, () => {
    let value = 0;
    return Array.from({ length: seconds }, () => value = memory * value + random() - 0.5);
  });
}

for (const memory of [0, 0.5, 0.8]) {
  Deno.test(`noise of which ${memory} is left after a second is not underestimated by much`, () => {
    const seconds = 120;
    const runs = noisySums(memory, 500, seconds);
    const sums = runs.map((run) => run.reduce((sum, part) => sum + part, 0));
    const real = sums.reduce((sum, one) => sum + one * one, 0) / sums.length;
    const estimates = runs.map((run) => varianceOfSum(run).variance);
    const mean = estimates.reduce((sum, one) => sum + one, 0) / estimates.length;
    assert.ok(mean > 0.85 * real, `${mean} of ${real}`);
    assert.ok(mean < 1.8 * real, `${mean} of ${real}`);
  });
}

Deno.test("an exact variance does not reduce the degrees of freedom", () => {
  const exact = { variance: 1, degrees: Infinity };
  assert.deepEqual(addVariances(exact, exact), { variance: 2, degrees: Infinity });
  assert.deepEqual(addVariances(exact, { variance: 0, degrees: 4 }), exact);
  const estimated = { variance: 1, degrees: 4 };
  assert.deepEqual(addVariances(exact, estimated), { variance: 2, degrees: 16 });
  assert.deepEqual(addVariances(estimated, estimated), { variance: 2, degrees: 8 });
});

Deno.test("variation that two runs share is not noise", () => {
  const [[ours], [theirs]] = [noisySums(0, 1, 60), noisySums(0, 1, 60)];
  assert.equal(varianceOfDifference(ours!, theirs!).variance, 0);
});

Deno.test("the variances of two unrelated runs are added", () => {
  const [ours, theirs] = noisySums(0, 2, 60);
  assert.deepEqual(
    varianceOfDifference(ours!, theirs!),
    addVariances(varianceOfSum(ours!), varianceOfSum(theirs!)),
  );
});

function total(parts: Float64Array): number {
  return parts.reduce((sum, part) => sum + part, 0);
}

/** A run whose seconds have these latencies. */
function run(seconds: readonly (readonly number[])[]): {
  readonly timeline: Parameters<typeof secondsOf>[0];
  readonly all: Distribution;
} {
  const all = new Histogram();
  const timeline = seconds.map((values, second) => {
    const latencies = new Latencies();
    for (const value of values) {
      latencies.add(value);
      all.record(value);
    }
    const { p50, p95, p99 } = latencies.summary();
    return { second, requests: values.length, failures: 0, p50, p95, p99 };
  });
  return { timeline, all: new Distribution(all) };
}

function evenly(from: number, to: number): number[] {
  return Array.from({ length: 100 }, (_, n) => from + (to - from) * n / 99);
}

const UNLIKE = run([evenly(10, 20), evenly(20, 40), evenly(10, 20), evenly(10, 20)]);

Deno.test("the share of a second over a latency is estimated from its percentiles", () => {
  const seconds = secondsOf(UNLIKE.timeline, UNLIKE.all, 4, false);
  const parts = new EntrySeconds(seconds, UNLIKE.all).sharesOver(20.5);
  // Nearly all higher latencies are in one second.
  assert.ok(Math.abs(parts[1]! - 0.25 * 0.75) < 0.02, [...parts].join());
  for (const at of [0, 2, 3]) {
    assert.ok(Math.abs(parts[at]! + 0.25 * 0.25) < 0.02, [...parts].join());
  }
  assert.ok(Math.abs(total(parts)) < 1e-9);
});

Deno.test("means are estimated from percentiles", () => {
  const seconds = secondsOf(UNLIKE.timeline, UNLIKE.all, 4, false);
  const parts = new EntrySeconds(seconds, UNLIKE.all).means();
  const mean = (15 * 3 + 30) / 4;
  assert.ok(Math.abs(parts[1]! - 0.25 * (30 / mean - 1)) < 0.05, [...parts].join());
  assert.ok(Math.abs(total(parts)) < 1e-9);
});

Deno.test("equal seconds have no deviation", () => {
  const { timeline, all } = run([evenly(10, 20), evenly(10, 20), evenly(10, 20)]);
  const entry = new EntrySeconds(secondsOf(timeline, all, 3, false), all);
  for (const part of [...entry.sharesOver(15), ...entry.sharesOver(19.9), ...entry.means()]) {
    assert.ok(Math.abs(part) < 1e-9);
  }
});

Deno.test("a stall in one second counts with all requests that it affected", () => {
  const stalled = [...evenly(10, 20).slice(0, 60), ...new Array(40).fill(1000)];
  const { timeline, all } = run([stalled, ...new Array(19).fill(evenly(10, 20))]);
  const [first, ...others] = new EntrySeconds(secondsOf(timeline, all, 20, false), all).sharesOver(
    100,
  );
  const exactly = 0.05 * (0.4 - 0.02);
  assert.ok(first! > 0.5 * exactly && first! < 1.2 * exactly, `${first} of ${exactly}`);
  assert.ok(others.every((part) => part <= 0));
});

Deno.test("seconds without requests, or missing from the timeline, contribute nothing", () => {
  const { timeline, all } = run([evenly(10, 20), [], evenly(20, 40)]);
  const seconds = secondsOf(timeline.slice(0, 3), all, 5, false);
  assert.deepEqual(seconds.map(({ requests }) => requests), [100, 0, 100, 0, 0]);
  const parts = new EntrySeconds(seconds, all).sharesOver(20);
  assert.deepEqual([...parts.slice(3)], [0, 0]);
  assert.equal(parts[1], 0);
});

Deno.test("the common shift of all latencies of a second is the smallest of its percentiles", () => {
  const both = [...evenly(10, 11).slice(0, 50), ...evenly(100, 110).slice(0, 50)];
  const slower = both.map((ms) => ms * 1.2);
  const { timeline, all } = run([both, both, both, both, slower]);
  const shifts = secondsOf(timeline, all, 5, false).map(({ shift }) => shift);
  const shift = shifts[4]! - shifts[0]!;
  assert.ok(Math.abs(shift - Math.log(1.2)) < 0.05, String(shifts));
  const stalled = [...both.slice(0, 90), ...new Array(10).fill(2000)];
  const stall = run([both, both, both, both, stalled]);
  const ofStall = secondsOf(stall.timeline, stall.all, 5, false).map(({ shift }) => shift);
  assert.ok(Math.abs(ofStall[4]! - ofStall[0]!) < 0.05, String(ofStall));
});

function distributionOf(values: readonly number[]): Distribution {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return new Distribution(histogram);
}

const HUNDRED = Array.from({ length: 100 }, (_, n) => n + 1);

function assertNear(actual: number, expected: number, tolerance = 0.001): void {
  assert.ok(Math.abs(actual - expected) <= tolerance * expected, `${actual}, not ${expected}`);
}

Deno.test("shares and sums are those of the values, up to the width of a bucket", () => {
  const distribution = distributionOf(HUNDRED);
  assert.equal(distribution.count, 100);
  assert.equal(distribution.shareUpTo(0.5), 0);
  assert.equal(distribution.shareUpTo(40.5), 0.4);
  assert.equal(distribution.shareUpTo(1000), 1);
  assertNear(distribution.sumUpTo(40.5), 8.2);
  assertNear(distribution.sumUpTo(1000), 50.5);
  assertNear(distribution.mean, 50.5);
  assertNear(distribution.variance, 833.25);
});

Deno.test("quantiles are those of the values", () => {
  const distribution = distributionOf(HUNDRED);
  for (const q of [0.01, 0.5, 0.95, 0.99, 1]) assertNear(distribution.quantile(q), q * 100);
  const [lowest, highest] = distribution.range;
  assertNear(lowest, 1);
  assertNear(highest, 100);
});

Deno.test("within a bucket, shares and quantiles are inverse functions", () => {
  const distribution = distributionOf([10, 10, 10, 10, 50, 50, 90]);
  for (const q of [0.1, 0.3, 0.5, 0.7, 0.9, 0.99]) {
    assertNear(distribution.shareUpTo(distribution.quantile(q)), q, 1e-9);
  }
});

Deno.test("between two values, shares do not change", () => {
  const distribution = distributionOf([10, 10, 100, 100]);
  assert.equal(distribution.shareUpTo(20), 0.5);
  assert.equal(distribution.shareUpTo(90), 0.5);
});

Deno.test("everything is 0 for an empty distribution", () => {
  const { count, mean, variance, range } = distributionOf([]);
  assert.deepEqual([count, mean, variance, range], [0, 0, 0, [0, 0]]);
  assert.equal(distributionOf([]).quantile(0.5), 0);
  assert.equal(distributionOf([]).shareUpTo(5), 0);
});
