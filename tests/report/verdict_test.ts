import assert from "node:assert/strict";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { verdict } from "../../src/report/verdict.ts";
import { emptySnapshot, requestRow, snapshot, statistics } from "../support/snapshots.ts";

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
  assert.equal(words(emptySnapshot(), 3), "FAILED: no requests (exit code 3)");
});
