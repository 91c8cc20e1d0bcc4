import assert from "node:assert/strict";
import { latencyTable } from "../../src/report/latency_bars.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import type { RequestTotals } from "../../src/stats/snapshot.ts";
import { latencies, requestRow } from "../support/snapshots.ts";

function totals(values: readonly number[]): RequestTotals {
  const histogram = new Histogram();
  for (const ms of values) histogram.record(ms);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return requestRow({ histogram, latencyMs: { ...latencies(min), min, max } });
}

Deno.test("latencies that hardly differ are no table", () => {
  assert.deepEqual(latencyTable(totals([5]), { columns: 80, color: false }, 11), []);
});

Deno.test("the most frequent has the longest bar, and a few have more than none", () => {
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
