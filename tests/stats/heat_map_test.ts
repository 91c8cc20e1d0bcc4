import assert from "node:assert/strict";
import * as fc from "fast-check";
import { histogramOf } from "../../src/report/summary.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { cellsOf, HeatMap, shareOfCells } from "../../src/stats/heat_map.ts";
import { MergedStats } from "../../src/stats/merged_stats.ts";
import type { LatencyHeatMap } from "../../src/stats/snapshot.ts";
import { SecondStats } from "../../src/stats/stats_table.ts";
import { Timeline } from "../../src/stats/timeline.ts";
import { sample } from "../support/samples.ts";

function histogramWith(...latencies: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const ms of latencies) histogram.record(ms);
  return histogram;
}

function secondWith(second: number, latencies: readonly number[]): SecondStats {
  const delta = new SecondStats(second, 1);
  for (const latencyMs of latencies) {
    delta.parts[0]!.requests.entries.at("GET", "search").of(200).add(sample({ latencyMs }));
  }
  return delta;
}

/** The counts of each column, by the lowest latency of a cell. */
function cells(
  { seconds, histograms }: LatencyHeatMap,
): readonly (readonly [second: number, ...cells: (readonly [ms: number, count: number])[]])[] {
  return seconds.map((second, at) => [
    second,
    ...[...histogramOf(histograms[at]!).buckets()]
      .map(([index, count]) => [Histogram.lowerBound(index), count] as const),
  ]);
}

Deno.test("a column has every latency, in eighths of a power of two", () => {
  const heat = new HeatMap();
  heat.replace(3, null, cellsOf(histogramWith(8, 8.99, 9, 15.9, 16, 18)));
  heat.replace(1, null, cellsOf(histogramWith(0, 1e9)));
  assert.deepEqual(cells(heat.rows()), [
    [1, [2 ** -10, 1], [2 ** 22 - 2 ** 18, 1]],
    [3, [8, 2], [9, 1], [15, 1], [16, 1], [18, 1]],
  ]);
});

Deno.test("a second that is counted anew does not count twice", () => {
  const heat = new HeatMap();
  const before = cellsOf(histogramWith(8, 8));
  heat.replace(0, null, before);
  heat.replace(0, before, cellsOf(histogramWith(8, 8, 20)));
  assert.deepEqual(cells(heat.rows()), [[0, [8, 2], [20, 1]]]);
});

Deno.test("a long run has at most 450 columns, and loses nothing", () => {
  const heat = new HeatMap();
  const one = cellsOf(histogramWith(8));
  for (let second = 0; second < 450; second++) heat.replace(second, null, one);
  assert.equal(heat.rows().seconds.length, 450);
  for (let second = 450; second < 3600; second++) heat.replace(second, null, one);
  const { stepSeconds, seconds, histograms } = heat.rows();
  assert.equal(stepSeconds, 8);
  assert.deepEqual(seconds.slice(0, 3), [0, 8, 16]);
  assert.equal(seconds.length, 450);
  const counts = histograms.map((text) => histogramOf(text).count);
  assert.deepEqual(new Set(counts), new Set([8]));
});

Deno.test("the parts of several seconds are the whole", () => {
  fc.assert(fc.property(fc.array(fc.nat(1000)), fc.integer({ min: 1, max: 9 }), (counts, n) => {
    const all = Float64Array.from(counts);
    const parts = Array.from({ length: n }, (_, index) => shareOfCells(all, index, n));
    assert.deepEqual(all, all.map((_, at) => parts.reduce((sum, part) => sum + part[at]!, 0)));
    assert.ok(parts.every((part) => part.every((count) => count >= 0)));
  }));
});

Deno.test("the heat map of a timeline counts each latency once, however and whenever it arrives", () => {
  const second = fc.record({
    at: fc.nat(400),
    latencies: fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { maxLength: 20 }),
    others: fc.array(fc.array(fc.double({ min: 1, max: 100, noNaN: true })), { maxLength: 3 }),
    looks: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(second, { maxLength: 20 }), (all) => {
    const timeline = new Timeline();
    const exact = new Histogram();
    for (const { at, latencies, others, looks } of all) {
      for (const ms of [...latencies, ...others.flat()]) exact.record(ms);
      const merged = new MergedStats();
      // With others, it is a report of several seconds.
      [latencies, ...others].forEach((part, index) => merged.add(secondWith(at + index, part)));
      timeline.add(others.length === 0 ? secondWith(at, latencies) : merged);
      if (looks) timeline.heatMap();
    }
    const found = new Histogram();
    for (const text of timeline.heatMap().histograms) found.merge(histogramOf(text));
    assert.deepEqual(cellsOf(found), cellsOf(exact));
  }));
});
