import assert from "node:assert/strict";
import type { Summary, SummaryTotals } from "../../src/report/summary.ts";
import type { CountingTarget, Seen } from "./counting_target.ts";

/** Holds a summary against what its target saw: requests and bytes, by name, in all, by second. */
export function assertEqualCounts(summary: Summary, target: CountingTarget): void {
  const reported = new Map(
    summary.requests.map((row) => [`${row.method} ${row.name}`, countsOf(row)]),
  );
  assert.deepEqual(reported, target.seen);
  assert.deepEqual(countsOf(summary.totals), target.sum);
  const broken = target.seen.get("GET /broken")?.requests ?? 0;
  assert.equal(summary.totals.failures, broken);
  assert.deepEqual(
    summary.failures,
    broken === 0 ? [] : [{ method: "GET", name: "/broken", error: "HTTP 500", count: broken }],
  );
  assert.deepEqual(summary.userErrors, []);
  const bySecond = summary.timeline.reduce((total, { requests }) => total + requests, 0);
  assert.equal(bySecond, summary.totals.requests);
}

function countsOf(row: SummaryTotals): Seen {
  return { requests: row.requests, bytesIn: row.bytesSent, bytesOut: row.bytesReceived };
}
