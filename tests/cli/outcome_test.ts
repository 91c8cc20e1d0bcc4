import assert from "node:assert/strict";
import { AiotestError, UsageError } from "../../src/core/errors.ts";
import { judge } from "../../src/cli/outcome.ts";
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

Deno.test("what ended the run before its time has the last word", () => {
  assert.equal(judge(GOOD, 1, new UsageError("the shape threw")), 2);
});
