import assert from "node:assert/strict";
import * as fc from "fast-check";
import { histogramOf } from "../../../src/report/summary.ts";
import { Histogram } from "../../../src/stats/histogram.ts";
import { cellsOf, HeatMap } from "../../../src/stats/heat_map.ts";
import {
  busiestRow,
  describeHeat,
  heatCells,
  HeatColumns,
  heatLevel,
  rowMs,
  rowOf,
  rowText,
  rowTicks,
} from "../../../src/web/page/heat_map.js";
import { heatMapOf, liveSecond } from "../../support/live_views.ts";

Deno.test("the cells of a page are those of the histograms", () => {
  const latencies = fc.array(fc.double({ min: 0, max: 1e7, noNaN: true }));
  fc.assert(fc.property(fc.array(latencies, { minLength: 1, maxLength: 5 }), (seconds) => {
    const heat = new HeatMap();
    const histograms = seconds.map((values) => {
      const histogram = new Histogram();
      for (const ms of values) histogram.record(ms);
      return histogram;
    });
    histograms.forEach((one, second) => heat.replace(second, null, cellsOf(one)));
    const page = new HeatColumns();
    page.update(heat.rows(), seconds.length);
    for (const [second, histogram] of histograms.entries()) {
      const counts = new Map<number, number>();
      for (const [index, count] of histogram.buckets()) {
        // The row whose bounds enclose those of the bucket.
        const row = Math.floor(rowOf(Histogram.lowerBound(index)) + 1e-9);
        assert.ok(rowMs(row) <= Histogram.lowerBound(index) * (1 + 1e-9));
        assert.ok(rowMs(row + 1) >= Histogram.upperBound(index) * (1 - 1e-9));
        counts.set(row, (counts.get(row) ?? 0) + count);
      }
      const cells = page.cellsAt(second).map(({ row, count }) => [row, count]);
      assert.deepEqual(cells, [...counts].toSorted(([a], [b]) => a - b));
    }
  }));
});

Deno.test("large counts are read as they were written", () => {
  const histogram = new Histogram();
  for (const [bucket, count] of [[0, 1], [128, 127], [256, 128], [32_640, 2 ** 40 + 5]] as const) {
    histogram.addBucket(bucket, count);
  }
  const heat = new HeatMap();
  heat.replace(0, null, cellsOf(histogram));
  const [text = ""] = heat.rows().histograms;
  assert.deepEqual(heatCells(text), [
    { row: 0, count: 1 },
    { row: 1, count: 127 },
    { row: 2, count: 128 },
    { row: 255, count: 2 ** 40 + 5 },
  ]);
  assert.equal(histogramOf(text).count, histogram.count);
  assert.deepEqual(heatCells(""), []);
});

Deno.test("seconds that not all workers have reported are left out", () => {
  const heat = new HeatColumns();
  heat.update(heatMapOf([liveSecond(0), liveSecond(1), liveSecond(2)]), 2);
  assert.deepEqual(heat.columns.map(({ from, to }) => [from, to]), [[0, 1], [1, 2]]);
  assert.deepEqual(heat.cellsAt(2), []);
  const steps = heatMapOf(Array.from({ length: 901 }, (_, second) => liveSecond(second)));
  heat.update(steps, 901);
  assert.deepEqual(heat.columns.at(-1)!.from, 900);
  assert.deepEqual(heat.columns.at(-1)!.to, 901);
  assert.equal(heat.cellsAt(899), heat.columns.at(-2)!.cells);
});

Deno.test("the axis covers the latencies that are shown, and at least two powers of two", () => {
  const heat = new HeatColumns();
  assert.deepEqual(heat.rowsBetween(0, 10), [rowOf(1), rowOf(1000)]);
  const map = new HeatMap();
  for (const [second, latencies] of [[4], [3, 400], [9]].entries()) {
    const histogram = new Histogram();
    for (const ms of latencies) histogram.record(ms);
    map.replace(second, null, cellsOf(histogram));
  }
  heat.update(map.rows(), 3);
  assert.deepEqual(heat.rowsBetween(0, 3), [rowOf(3), rowOf(416)]);
  const [first, end] = heat.rowsBetween(2, 3);
  assert.equal(end - first, 16);
  assert.ok(rowMs(first) < 9 && rowMs(end) > 10);
  assert.deepEqual(rowTicks(rowOf(3), rowOf(416), 9).map(rowMs), [5, 10, 20, 50, 100, 200]);
  assert.deepEqual(rowTicks(rowOf(3), rowOf(416), 4).map(rowMs), [5, 10, 50, 100]);
  assert.deepEqual(rowTicks(rowOf(3), rowOf(416), 1).map(rowMs), [10, 100]);
});

Deno.test("a single slow request is seen beside thousands of fast ones", () => {
  assert.equal(heatLevel(50_000, 50_000, 8), 7);
  assert.equal(heatLevel(1, 50_000, 8), 0);
  assert.equal(heatLevel(0.01, 50_000, 8), 0);
  assert.equal(heatLevel(1, 1, 8), 7);
  assert.ok(heatLevel(500, 50_000, 8) > heatLevel(50, 50_000, 8));
});

Deno.test("the heat map is also described in words", () => {
  const map = new HeatMap();
  for (const [second, latencies] of [[900], [8.5, 8.7, 30]].entries()) {
    const histogram = new Histogram();
    for (const ms of latencies) histogram.record(ms);
    map.replace(second, null, cellsOf(histogram));
  }
  const heat = new HeatColumns();
  heat.update(map.rows(), 2);
  assert.equal(
    describeHeat(heat),
    "Of the 3 requests of the last second, most took 8.00 – 9.00 ms, and the slowest up to 32.0 ms. " +
      "The slowest of the run ended by 0:01 and took up to 960 ms.",
  );
  assert.equal(rowText(rowOf(1024)), "1024 – 1152 ms");
  assert.equal(busiestRow([]), null);
});
