import fc from "fast-check";
import assert from "node:assert/strict";
import { latencyBars, latencyTable } from "../../src/report/latency_bars.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import type { RequestTotals } from "../../src/stats/snapshot.ts";
import { latencies, NO_LATENCIES, requestRow } from "../support/snapshots.ts";

function totals(values: readonly number[]): RequestTotals {
  const histogram = new Histogram();
  for (const ms of values) histogram.record(ms);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return requestRow({
    requests: values.length,
    histogram,
    latencyMs: values.length === 0 ? NO_LATENCIES : { ...latencies(min), min, max },
  });
}

Deno.test("every latency is in a bar, and the last bar ends with the highest", () => {
  const ms = fc.double({ min: 0, max: 4e6, noNaN: true });
  fc.assert(fc.property(fc.array(ms), fc.integer({ min: 1, max: 20 }), (values, count) => {
    const bars = latencyBars(totals(values), count);
    if (bars.length === 0) return;
    assert.equal(bars.length, count);
    assert.equal(bars.reduce((sum, bar) => sum + bar.count, 0), values.length);
    assert.equal(bars.at(-1)!.upToMs, Math.max(...values));
    const limits = bars.map(({ upToMs }) => upToMs);
    assert.deepEqual(limits, limits.toSorted((a, b) => a - b));
  }));
});

Deno.test("requests without an answer do not widen the bars", () => {
  const { histogram, latencyMs } = totals([1, 10, 100]);
  const bars = latencyBars(
    { histogram, lowerBounds: true, latencyMs: { min: 1, max: 11_000 } },
    5,
  );
  assert.ok(Math.abs(bars.at(-1)!.upToMs - 100) < 0.1);
  assert.equal(bars.reduce((sum, { count }) => sum + count, 0), 3);
  assert.equal(latencyBars({ histogram, lowerBounds: false, latencyMs }, 5).at(-1)!.upToMs, 100);
});

Deno.test("latencies that hardly differ, or none at all, have no bars", () => {
  assert.deepEqual(latencyBars(totals([]), 10), []);
  assert.deepEqual(latencyBars(totals([5]), 10), []);
  assert.deepEqual(latencyBars(totals([5, 5.2]), 10), []);
  assert.deepEqual(latencyBars(totals([5, 50]), 0), []);
});

Deno.test("latencies of 0 are in the first bar", () => {
  assert.deepEqual(latencyBars(totals([0, 0, 8]), 2).map(({ count }) => count), [2, 1]);
});

Deno.test("latencies that hardly differ have no table", () => {
  assert.deepEqual(latencyTable(totals([5]), { columns: 80, color: false }, 11), []);
});

Deno.test("the most frequent latencies have the longest bar, and every bar is visible", () => {
  const values = [
    ...new Array<number>(1000).fill(1.5),
    ...new Array<number>(500).fill(3),
    5,
    ...new Array<number>(250).fill(16),
    1,
  ];
  assert.deepEqual(latencyTable(totals(values), { columns: 49, color: false }, 5), [
    "Up to ms   Reqs  Share",
    "    2.00  1,001  57.1%  ████████████████████",
    "    4.00    500  28.5%  ██████████",
    "    8.00      1  0.06%  ▏",
    "    16.0    250  14.3%  █████",
  ]);
  for (const columns of [1, 20, 40, 60, 200]) {
    for (const line of latencyTable(totals(values), { columns, color: false }, 11)) {
      assert.ok(line.length <= Math.min(columns, 80), line);
    }
  }
});
