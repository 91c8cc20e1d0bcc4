import assert from "node:assert/strict";
import { exitCodeOf } from "../../src/cli/exit_code.ts";
import { AiotestError, UsageError } from "../../src/core/errors.ts";
import { TEARDOWN } from "../../src/core/events.ts";
import {
  EXIT_CALLS,
  LOAD_GENERATOR,
  type RequestRow,
  type Snapshot,
  type Statistics,
} from "../../src/stats/snapshot.ts";
import { codeRow, requestRow, snapshot, statistics, unfinishedAt } from "../support/snapshots.ts";

function outcome(statistics: Partial<Statistics>): Snapshot {
  const whole = snapshot();
  return { ...whole, statistics: { ...whole.statistics, ...statistics } };
}

const GOOD = outcome({ totals: requestRow(), userErrors: [] });

Deno.test("without failures and user errors, the run passes", () => {
  assert.equal(exitCodeOf(GOOD, 1, null), 0);
});

Deno.test("a failed request or a user error gives the code of --exit-code-on-error", () => {
  const failed = outcome({ totals: requestRow({ failures: 1 }), userErrors: [] });
  const userErrors = [{ user: "ShopTest", error: "bug", place: null, count: 1 }];
  const thrown = outcome({ totals: requestRow(), userErrors });
  assert.deepEqual([
    exitCodeOf(failed, 1, null),
    exitCodeOf(failed, 7, null),
    exitCodeOf(failed, 0, null),
  ], [
    1,
    7,
    0,
  ]);
  assert.equal(exitCodeOf(thrown, 1, null), 1);
});

Deno.test("unsent requests and calls of Deno.exit fail a run, whatever the option says", () => {
  for (const user of [LOAD_GENERATOR, EXIT_CALLS]) {
    const userErrors = [{ user, error: "EMFILE: none", place: null, count: 1 }];
    const failed = outcome({ totals: requestRow(), userErrors });
    assert.deepEqual([0, 1, 7].map((code) => exitCodeOf(failed, code, null)), [1, 1, 7], user);
  }
});

Deno.test("run.fail gives exit code 1, whatever the option says, and run.stop leaves the verdict", () => {
  const end = { reason: "no stock", node: "w1" };
  const failed = { ...GOOD, runEnd: { ...end, kind: "fail" as const } };
  const crossed = [{ expression: "p95<200ms", observed: 312, passed: false }];
  assert.deepEqual([0, 1, 7].map((code) => exitCodeOf(failed, code, null)), [1, 1, 1]);
  assert.equal(exitCodeOf({ ...failed, thresholds: crossed }, 1, null), 3);
  assert.equal(exitCodeOf({ ...failed, complete: false }, 1, null), 4);
  assert.equal(exitCodeOf({ ...GOOD, runEnd: { ...end, kind: "stop" } }, 1, null), 0);
});

Deno.test("an error of teardown leaves the verdict as it is", () => {
  const userErrors = [{ user: TEARDOWN, error: "cannot clean up", place: null, count: 1 }];
  assert.equal(exitCodeOf(outcome({ totals: requestRow(), userErrors }), 1, null), 0);
});

Deno.test("incomplete counts give exit code 4, whatever else failed", () => {
  const { statistics } = outcome({ totals: requestRow({ failures: 1 }), userErrors: [] });
  assert.equal(exitCodeOf({ ...GOOD, complete: false }, 0, null), 4);
  assert.equal(exitCodeOf({ ...GOOD, complete: false, statistics }, 1, null), 4);
  const gone = new AiotestError("No worker is left to run users", 4);
  assert.equal(exitCodeOf(GOOD, 1, gone), 4);
});

Deno.test("a crossed threshold gives exit code 3, which outranks failures but not incomplete counts", () => {
  const crossed = [{ expression: "p95<200ms", observed: 312, passed: false }];
  const held = [{ expression: "p95<200ms", observed: 100, passed: true }];
  const { statistics } = outcome({ totals: requestRow({ failures: 1 }), userErrors: [] });
  assert.equal(exitCodeOf({ ...GOOD, thresholds: held }, 1, null), 0);
  assert.equal(exitCodeOf({ ...GOOD, thresholds: held, statistics }, 1, null), 1);
  assert.equal(exitCodeOf({ ...GOOD, thresholds: crossed }, 1, null), 3);
  assert.equal(exitCodeOf({ ...GOOD, thresholds: crossed, statistics }, 1, null), 3);
  assert.equal(exitCodeOf({ ...GOOD, thresholds: crossed, statistics }, 200, null), 3);
  assert.equal(exitCodeOf({ ...GOOD, thresholds: crossed, complete: false }, 1, null), 4);
});

Deno.test("an error that ended the run early decides the exit code", () => {
  assert.equal(exitCodeOf(GOOD, 1, new UsageError("the shape threw")), 2);
});

Deno.test("a run without any answer fails, even if failures do not count", () => {
  const cutOff = requestRow({ requests: 0, codes: [], ...unfinishedAt(2_000) });
  const refused = requestRow({
    name: "/b",
    requests: 3,
    failures: 3,
    codes: [codeRow({ code: 0 })],
  });
  const code = (...requests: RequestRow[]): number => {
    const { totals } = statistics({ requests });
    return exitCodeOf(outcome({ totals, requests, userErrors: [] }), 0, null);
  };
  assert.equal(code(cutOff), 1);
  assert.equal(code(cutOff, refused), 1);
  assert.equal(code(cutOff, requestRow()), 0);
  assert.equal(code(cutOff, requestRow({ failures: 1000, codes: [codeRow({ code: 503 })] })), 0);
  // All requests have ended, with errors that do not count.
  assert.equal(code(refused), 0);
  // A step of `measure` has no code.
  assert.equal(code(cutOff, requestRow({ codes: [codeRow({ code: 0 })] })), 0);
});
