import assert from "node:assert/strict";
import { judge } from "../../src/cli/live_outputs.ts";
import { AiotestError, UsageError } from "../../src/core/errors.ts";
import type { Snapshot, Statistics } from "../../src/stats/snapshot.ts";
import { requestRow, snapshot } from "../support/snapshots.ts";

function outcome(statistics: Partial<Statistics>): Snapshot {
  const whole = snapshot();
  return { ...whole, statistics: { ...whole.statistics, ...statistics } };
}

const GOOD = outcome({ totals: requestRow(), userErrors: [] });

Deno.test("no failure and no user error: passed", () => {
  assert.equal(judge(GOOD, 1, null), 0);
});

Deno.test("a failed request, or a user error, makes it the code that was asked for", () => {
  const failed = outcome({ totals: requestRow({ failures: 1 }), userErrors: [] });
  const userErrors = [{ user: "ShopTest", error: "bug", count: 1 }];
  const thrown = outcome({ totals: requestRow(), userErrors });
  assert.deepEqual([judge(failed, 1, null), judge(failed, 7, null), judge(failed, 0, null)], [
    1,
    7,
    0,
  ]);
  assert.equal(judge(thrown, 1, null), 1);
});

Deno.test("counts that are missing make it 4, whatever failed beside", () => {
  const { statistics } = outcome({ totals: requestRow({ failures: 1 }), userErrors: [] });
  assert.equal(judge({ ...GOOD, complete: false }, 0, null), 4);
  assert.equal(judge({ ...GOOD, complete: false, statistics }, 1, null), 4);
  const gone = new AiotestError("No worker is left to run users", 4);
  assert.equal(judge(GOOD, 1, gone), 4);
});

Deno.test("a crossed threshold makes it 3: over failures, and under counts that are missing", () => {
  const crossed = [{ expression: "p95<200ms", observed: 312, passed: false }];
  const held = [{ expression: "p95<200ms", observed: 100, passed: true }];
  const { statistics } = outcome({ totals: requestRow({ failures: 1 }), userErrors: [] });
  assert.equal(judge({ ...GOOD, thresholds: held }, 1, null), 0);
  assert.equal(judge({ ...GOOD, thresholds: held, statistics }, 1, null), 1);
  assert.equal(judge({ ...GOOD, thresholds: crossed }, 1, null), 3);
  assert.equal(judge({ ...GOOD, thresholds: crossed, statistics }, 1, null), 3);
  assert.equal(judge({ ...GOOD, thresholds: crossed, statistics }, 200, null), 3);
  assert.equal(judge({ ...GOOD, thresholds: crossed, complete: false }, 1, null), 4);
});

Deno.test("what ended the run before its time has the last word", () => {
  assert.equal(judge(GOOD, 1, new UsageError("the shape threw")), 2);
});
