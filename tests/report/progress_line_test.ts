import assert from "node:assert/strict";
import { progressLine } from "../../src/report/progress_line.ts";
import { emptySnapshot, requestRow, snapshot, statistics } from "../support/snapshots.ts";

Deno.test("the line tells the state, the last seconds' rate and latencies, and all counts", () => {
  assert.equal(
    progressLine(snapshot()),
    "   10s  running   10/10 users  100.0 req/s  1,000 reqs  0 failed  p50 12.0 p95 36.0 p99 96.0 ms",
  );
});

Deno.test("failures come with their share", () => {
  const some = statistics({ requests: [requestRow({ failures: 25 })] });
  assert.match(progressLine(snapshot({ statistics: some })), / {2}25 failed \(2\.50%\) {2}/);
});

Deno.test("what is not known yet is a dash", () => {
  assert.equal(
    progressLine(emptySnapshot()),
    "    0s  ready     0/0 users  - req/s  0 reqs  0 failed  p50 - p95 - p99 - ms",
  );
});
