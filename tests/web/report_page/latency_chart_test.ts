import assert from "node:assert/strict";
import { latencyRows } from "../../../src/web/report_page/latency_chart.js";

Deno.test("each row has its own share and the cumulative share", () => {
  const bars = [{ upToMs: 2, count: 300 }, { upToMs: 20, count: 600 }, { upToMs: 200, count: 100 }];
  assert.deepEqual(latencyRows(bars), [
    { upTo: "2.00 ms", count: "300", share: "30.0%", cumulative: "30.0%", length: 0.5 },
    { upTo: "20.0 ms", count: "600", share: "60.0%", cumulative: "90.0%", length: 1 },
    { upTo: "200 ms", count: "100", share: "10.0%", cumulative: "100%", length: 1 / 6 },
  ]);
  assert.deepEqual(latencyRows([]), []);
});
