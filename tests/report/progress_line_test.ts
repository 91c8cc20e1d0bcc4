import assert from "node:assert/strict";
import { progressLine } from "../../src/report/console.ts";
import type { ThresholdRow } from "../../src/stats/snapshot.ts";
import { openSnapshot } from "../support/open_snapshots.ts";
import {
  clusterSnapshot,
  emptySnapshot,
  requestRow,
  snapshot,
  statistics,
  workerRow,
} from "../support/snapshots.ts";

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

Deno.test("a distributed run tells how many workers it has, and how many are gone", () => {
  const workers = [1, 2, 3, 4].map((number) => workerRow({ id: `w${number}` }));
  assert.equal(
    progressLine(snapshot({ mode: "distributed", workers })),
    "   10s  running   10/10 users  workers 4  100.0 req/s  1,000 reqs  0 failed  " +
      "p50 12.0 p95 36.0 p99 96.0 ms",
  );
  const [first, ...others] = workers;
  const gone = [{ ...first!, state: "left" as const }, ...others];
  assert.match(progressLine(snapshot({ mode: "distributed", workers: gone })), / workers 3 of 4 /);
  assert.match(progressLine(clusterSnapshot(30)), / workers 6 of 8 /);
});

Deno.test("a master that waits for its workers has nothing else to tell", () => {
  const workers = [workerRow({ id: "a" }), workerRow({ id: "b" })];
  const waiting = emptySnapshot({ mode: "distributed", expectedWorkers: 8, workers });
  assert.equal(progressLine(waiting), "    0s  ready     waiting for workers: 2 of 8");
});

Deno.test("in the open model the line tells what becomes of the schedule", () => {
  const run = openSnapshot(30, { started: 5950, dropped: 12 });
  assert.match(
    progressLine(run, 198.3),
    / {2}12\/50 users {2}198\.3\/200 iterations\/s {2}38 queued {2}12 dropped {2}442\.4 req\/s /,
  );
  assert.match(progressLine(run), / {2}-\/200 iterations\/s /);
});

Deno.test("thresholds that are crossed now end the line", () => {
  const row = (passed: boolean): ThresholdRow => ({ expression: "p95<1ms", observed: 2, passed });
  const line = (...thresholds: ThresholdRow[]): string => progressLine(snapshot({ thresholds }));
  assert.ok(line(row(true), row(false)).endsWith(" ms  1 of 2 thresholds crossed"));
  assert.equal(line(row(true)), progressLine(snapshot()));
});
