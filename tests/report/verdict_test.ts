import assert from "node:assert/strict";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { verdict } from "../../src/report/verdict.ts";
import {
  clusterSnapshot,
  emptySnapshot,
  requestRow,
  snapshot,
  statistics,
  workerRow,
} from "../support/snapshots.ts";

function words(of: Snapshot, exitCode: number): string {
  const { word, facts } = verdict(of, exitCode);
  return `${word.text}: ${facts}`;
}

Deno.test("a run that exits with 0 passed", () => {
  assert.equal(words(snapshot(), 0), "PASSED: 1,000 requests, no failures");
});

Deno.test("failures that the exit code forgives are told all the same", () => {
  const some = statistics({ requests: [requestRow({ failures: 25 })] });
  assert.equal(
    words(snapshot({ statistics: some }), 0),
    "PASSED: 25 of 1,000 requests failed (2.50%)",
  );
});

Deno.test("any other exit code is a failure, with all that speaks for it", () => {
  const some = statistics({
    requests: [requestRow({ failures: 1 })],
    userErrors: [{ user: "A", error: "x", count: 2 }, { user: "B", error: "y", count: 1 }],
  });
  assert.equal(
    words(snapshot({ statistics: some, complete: false }), 4),
    "FAILED: 1 of 1,000 requests failed (0.10%), 3 user errors, counts incomplete (exit code 4)",
  );
});

Deno.test("a run without a request is no success", () => {
  assert.equal(words(emptySnapshot(), 0), "NOTHING MEASURED: no requests");
  assert.equal(words(emptySnapshot(), 1), "FAILED: no requests (exit code 1)");
});

Deno.test("a threshold is named as what failed the run where nothing else did", () => {
  assert.equal(
    words(snapshot(), 3),
    "FAILED: 1,000 requests, no failures, a threshold was crossed (exit code 3)",
  );
  const some = statistics({ requests: [requestRow({ failures: 25 })] });
  assert.equal(
    words(snapshot({ statistics: some }), 3),
    "FAILED: 25 of 1,000 requests failed (2.50%) (exit code 3)",
  );
});

Deno.test("counts that are incomplete come with how many workers' they are", () => {
  assert.equal(
    words(clusterSnapshot(30, { statistics: statistics() }), 4),
    "FAILED: 1,000 requests, no failures, counts incomplete for 1 of 8 workers (exit code 4)",
  );
  assert.equal(
    words(clusterSnapshot(30, { statistics: statistics(), workers: [workerRow()] }), 4),
    "FAILED: 1,000 requests, no failures, counts incomplete (exit code 4)",
  );
});

Deno.test("a run that never had its workers says how many came", () => {
  const ready = workerRow({ state: "ready", complete: false });
  const waiting = emptySnapshot({
    mode: "distributed",
    complete: false,
    expectedWorkers: 8,
    workers: [{ ...ready, id: "a" }, { ...ready, id: "b" }],
  });
  assert.equal(words(waiting, 4), "FAILED: no requests, only 2 of 8 workers came (exit code 4)");
});

Deno.test("a run whose last worker has gone says so, though nothing is missing", () => {
  const workers = [workerRow({ state: "left" })];
  assert.equal(
    words(snapshot({ mode: "distributed", expectedWorkers: 1, workers }), 4),
    "FAILED: 1,000 requests, no failures, no worker was left (exit code 4)",
  );
});
