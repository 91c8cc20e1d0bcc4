import assert from "node:assert/strict";
import { Distribution, EntrySeconds, secondsOf } from "../../src/report/compare_stats.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { Latencies } from "../../src/stats/request_stats.ts";

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

Deno.test("a second's share over a latency is told from its percentiles", () => {
  const seconds = secondsOf(UNLIKE.timeline, UNLIKE.all, 4);
  const parts = new EntrySeconds(seconds, UNLIKE.all).sharesOver(20.5);
  // One second has nearly all of what is over it, and the others nothing.
  assert.ok(Math.abs(parts[1]! - 0.25 * 0.75) < 0.02, [...parts].join());
  for (const at of [0, 2, 3]) {
    assert.ok(Math.abs(parts[at]! + 0.25 * 0.25) < 0.02, [...parts].join());
  }
  assert.ok(Math.abs(total(parts)) < 1e-9);
});

Deno.test("means are told from the same", () => {
  const seconds = secondsOf(UNLIKE.timeline, UNLIKE.all, 4);
  const parts = new EntrySeconds(seconds, UNLIKE.all).means();
  const mean = (15 * 3 + 30) / 4;
  assert.ok(Math.abs(parts[1]! - 0.25 * (30 / mean - 1)) < 0.05, [...parts].join());
  assert.ok(Math.abs(total(parts)) < 1e-9);
});

Deno.test("seconds that are alike deviate by nothing", () => {
  const { timeline, all } = run([evenly(10, 20), evenly(10, 20), evenly(10, 20)]);
  const entry = new EntrySeconds(secondsOf(timeline, all, 3), all);
  for (const part of [...entry.sharesOver(15), ...entry.sharesOver(19.9), ...entry.means()]) {
    assert.ok(Math.abs(part) < 1e-9);
  }
});

Deno.test("a stall in one second counts with all requests that it took", () => {
  const stalled = [...evenly(10, 20).slice(0, 60), ...new Array(40).fill(1000)];
  const { timeline, all } = run([stalled, ...new Array(19).fill(evenly(10, 20))]);
  const [first, ...others] = new EntrySeconds(secondsOf(timeline, all, 20), all).sharesOver(100);
  const exactly = 0.05 * (0.4 - 0.02);
  assert.ok(first! > 0.5 * exactly && first! < 1.2 * exactly, `${first} of ${exactly}`);
  assert.ok(others.every((part) => part <= 0));
});

Deno.test("seconds without requests, or that the timeline lacks, add nothing", () => {
  const { timeline, all } = run([evenly(10, 20), [], evenly(20, 40)]);
  const seconds = secondsOf(timeline.slice(0, 3), all, 5);
  assert.deepEqual(seconds.map(({ requests }) => requests), [100, 0, 100, 0, 0]);
  const parts = new EntrySeconds(seconds, all).sharesOver(20);
  assert.deepEqual([...parts.slice(3)], [0, 0]);
  assert.equal(parts[1], 0);
});

Deno.test("what all latencies of a second have in common is seen where it shows least", () => {
  const both = [...evenly(10, 11).slice(0, 50), ...evenly(100, 110).slice(0, 50)];
  const slower = both.map((ms) => ms * 1.2);
  const { timeline, all } = run([both, both, both, both, slower]);
  const shifts = secondsOf(timeline, all, 5).map(({ shift }) => shift);
  const shift = shifts[4]! - shifts[0]!;
  assert.ok(Math.abs(shift - Math.log(1.2)) < 0.05, String(shifts));
  const stalled = [...both.slice(0, 90), ...new Array(10).fill(2000)];
  const stall = run([both, both, both, both, stalled]);
  const ofStall = secondsOf(stall.timeline, stall.all, 5).map(({ shift }) => shift);
  assert.ok(Math.abs(ofStall[4]! - ofStall[0]!) < 0.05, String(ofStall));
});
