import assert from "node:assert/strict";
import { breakingPointText, formatAskedRate, loadText, verdict } from "../../src/report/verdict.ts";
import type { BreakingPoint, ReportedLoad, Snapshot } from "../../src/stats/snapshot.ts";
import {
  checkRow,
  clusterSnapshot,
  emptySnapshot,
  requestRow,
  snapshot,
  statistics,
  unfinishedAt,
  workerRow,
} from "../support/snapshots.ts";

function words(of: Snapshot, exitCode: number): string {
  const { word, facts } = verdict(of, exitCode);
  return `${word.text}: ${facts}`;
}

Deno.test("a run with exit code 0 passed", () => {
  assert.equal(words(snapshot(), 0), "PASSED: 1,000 requests, no failures");
});

Deno.test("failures are mentioned even if the exit code is 0", () => {
  const some = statistics({ requests: [requestRow({ failures: 25 })] });
  assert.equal(
    words(snapshot({ statistics: some }), 0),
    "PASSED: 25 of 1,000 requests failed (2.50%)",
  );
});

Deno.test("failed checks are counted, and do not make the run fail", () => {
  const checks = [checkRow(), checkRow({ name: "price", failed: 0 })];
  assert.equal(
    words(snapshot({ statistics: statistics({ checks }) }), 0),
    "PASSED: 1,000 requests, no failures, 3 of 1,997 checks failed",
  );
  const passed = statistics({ checks: checks.slice(1) });
  assert.equal(words(snapshot({ statistics: passed }), 0), "PASSED: 1,000 requests, no failures");
});

Deno.test("a run with another exit code failed, with the reasons", () => {
  const some = statistics({
    requests: [requestRow({ failures: 1 })],
    userErrors: [{ user: "A", error: "x", place: null, count: 2 }, {
      user: "B",
      error: "y",
      place: null,
      count: 1,
    }],
  });
  assert.equal(
    words(snapshot({ statistics: some, complete: false }), 4),
    "FAILED: 1 of 1,000 requests failed (0.10%), 3 user errors, counts incomplete (exit code 4)",
  );
});

Deno.test("a run that its test has ended says how, and on which node", () => {
  const end = { reason: "no stock", node: "w1" };
  assert.equal(
    words(snapshot({ runEnd: { ...end, kind: "fail" } }), 1),
    "FAILED: 1,000 requests, no failures, ended by run.fail on w1: no stock (exit code 1)",
  );
  const early = emptySnapshot({
    state: "stopped",
    thresholds: [{ expression: "p95<1s", observed: null, passed: true }],
    runEnd: { ...end, kind: "stop" },
  });
  assert.equal(
    words(early, 0),
    "NOTHING MEASURED: no requests, ended by run.stop on w1: no stock",
  );
});

Deno.test("requests that could not be sent are told from errors of users", () => {
  const some = statistics({
    userErrors: [
      { user: "ShopTest", error: "x", place: null, count: 2 },
      { user: "(load generator)", error: "EMFILE: none", place: null, count: 3 },
    ],
  });
  assert.equal(
    words(snapshot({ statistics: some }), 1),
    "FAILED: 1,000 requests, no failures, 3 requests could not be sent by the load generator, " +
      "2 user errors (exit code 1)",
  );
});

Deno.test("a run without requests is not a success", () => {
  assert.equal(words(emptySnapshot(), 0), "NOTHING MEASURED: no requests");
  assert.equal(words(emptySnapshot(), 1), "FAILED: no requests (exit code 1)");
});

Deno.test("unfinished requests are named, with the age of the oldest", () => {
  const some = statistics({ requests: [requestRow({ ...unfinishedAt(2_000, 11_000) })] });
  assert.equal(
    words(snapshot({ statistics: some }), 0),
    "PASSED: 1,000 requests, no failures, 2 unfinished (oldest 11.0 s)",
  );
  const none = statistics({ requests: [requestRow({ requests: 0, ...unfinishedAt(950) })] });
  assert.equal(
    words(snapshot({ statistics: none }), 1),
    "FAILED: no request was answered, 1 unfinished (oldest 950 ms) (exit code 1)",
  );
});

const HELD = { expression: "count>=1", observed: 1000, passed: true };
const SLOW = { expression: "p95<200ms", observed: 312.04, passed: false };

Deno.test("up to three crossed thresholds are named with their observed values", () => {
  assert.equal(
    words(snapshot({ thresholds: [HELD, SLOW] }), 3),
    "FAILED: 1,000 requests, no failures, threshold crossed: p95<200ms (312.04 ms) (exit code 3)",
  );
  const some = statistics({ requests: [requestRow({ failures: 25 })] });
  const crossed = [
    SLOW,
    { expression: "error_rate<1%", observed: 0.025, passed: false },
    { expression: "p95[x]<1s", observed: null, passed: false },
    { expression: "rps>=1000", observed: 100, passed: false },
  ];
  assert.equal(
    words(snapshot({ statistics: some, thresholds: crossed }), 3),
    "FAILED: 25 of 1,000 requests failed (2.50%), thresholds crossed: p95<200ms (312.04 ms), " +
      "error_rate<1% (2.5%), p95[x]<1s (no sample), and 1 more (exit code 3)",
  );
});

Deno.test("thresholds that held are counted after the end of the run", () => {
  assert.equal(words(snapshot({ thresholds: [HELD] }), 0), "PASSED: 1,000 requests, no failures");
  assert.equal(
    words(snapshot({ state: "stopped", thresholds: [HELD] }), 0),
    "PASSED: 1,000 requests, no failures, 1 threshold held",
  );
  assert.equal(
    words(snapshot({ state: "stopped", thresholds: [HELD, { ...SLOW, passed: true }] }), 0),
    "PASSED: 1,000 requests, no failures, all 2 thresholds held",
  );
});

Deno.test("the verdict contains the breaking point", () => {
  const users = (users: number): ReportedLoad => ({ users, arrivalRate: null });
  const found = (breakingPoint: BreakingPoint, exitCode: number): string =>
    words(snapshot({ state: "stopped", thresholds: [SLOW], breakingPoint }), exitCode);
  const threshold = SLOW.expression;
  assert.equal(
    found({ className: null, passed: users(300), broke: users(400), threshold }, 0),
    "PASSED: 1,000 requests, no failures, 300 users passed, 400 users crossed p95<200ms",
  );
  assert.equal(
    found({ className: null, passed: users(1), broke: null, threshold: null }, 0),
    "PASSED: 1,000 requests, no failures, every load up to 1 user passed",
  );
  assert.equal(
    found({ className: null, passed: null, broke: { users: 50, arrivalRate: 12.5 }, threshold }, 3),
    "FAILED: 1,000 requests, no failures, the first load of 12.5 iterations/s crossed p95<200ms, " +
      "threshold crossed: p95<200ms (312.04 ms) (exit code 3)",
  );
  assert.equal(
    found({ className: null, passed: null, broke: null, threshold: null }, 3),
    "FAILED: 1,000 requests, no failures, no load ran long enough to be judged, " +
      "threshold crossed: p95<200ms (312.04 ms) (exit code 3)",
  );
});

Deno.test("the verdict has the number of workers with incomplete counts", () => {
  assert.equal(
    words(clusterSnapshot(30, { statistics: statistics() }), 4),
    "FAILED: 1,000 requests, no failures, counts incomplete for 1 of 8 workers (exit code 4)",
  );
  assert.equal(
    words(clusterSnapshot(30, { statistics: statistics(), workers: [workerRow()] }), 4),
    "FAILED: 1,000 requests, no failures, counts incomplete (exit code 4)",
  );
});

Deno.test("the verdict has the number of workers that joined if some are missing", () => {
  const ready = workerRow({ state: "ready", complete: false });
  const waiting = emptySnapshot({
    mode: "distributed",
    complete: false,
    expectedWorkers: 8,
    workers: [{ ...ready, id: "a" }, { ...ready, id: "b" }],
  });
  assert.equal(words(waiting, 4), "FAILED: no requests, only 2 of 8 workers joined (exit code 4)");
});

Deno.test("the verdict says that no workers are left, even if no counts are missing", () => {
  const workers = [workerRow({ state: "left" })];
  assert.equal(
    words(snapshot({ mode: "distributed", expectedWorkers: 1, workers }), 4),
    "FAILED: 1,000 requests, no failures, no workers left (exit code 4)",
  );
});

const LOW = { users: 50, arrivalRate: 100 };
const HIGH = { users: 50, arrivalRate: 200.5 };

Deno.test("the breaking point is a sentence for every outcome", () => {
  const text = (
    passed: typeof LOW | null,
    broke: typeof LOW | null,
    threshold: string | null = null,
  ): string => breakingPointText({ className: null, passed, broke, threshold });
  assert.equal(
    text(LOW, HIGH, "p95<1s"),
    "100 iterations/s passed, 200.5 iterations/s crossed p95<1s.",
  );
  assert.equal(
    text(LOW, HIGH),
    "100 iterations/s passed, 200.5 iterations/s did not pass.",
  );
  assert.equal(
    text(null, LOW, "p95<1s"),
    "The first load of 100 iterations/s crossed p95<1s.",
  );
  assert.equal(text(HIGH, null), "Every load up to 200.5 iterations/s passed.");
  assert.equal(text(null, null), "No load ran long enough to be judged.");
});

Deno.test("a breaking point names the class whose own load it is", () => {
  const text = (passed: typeof LOW | null, broke: typeof LOW | null): string =>
    breakingPointText({ className: "BuyerTest", passed, broke, threshold: "p95<1s" });
  assert.equal(
    text(LOW, HIGH),
    "100 iterations/s of BuyerTest passed, 200.5 iterations/s crossed p95<1s.",
  );
  assert.equal(text(null, LOW), "The first load of BuyerTest, 100 iterations/s, crossed p95<1s.");
  assert.equal(text(HIGH, null), "Every load of BuyerTest up to 200.5 iterations/s passed.");
  assert.equal(text(null, null), "No load of BuyerTest ran long enough to be judged.");
});

Deno.test("a load is a number of users, or iterations per second in the open model", () => {
  assert.equal(loadText({ users: 1, arrivalRate: null }), "1 user");
  assert.equal(loadText({ users: 1200, arrivalRate: null }), "1,200 users");
  assert.equal(loadText({ users: 1200, arrivalRate: 20_000 }), "20,000 iterations/s");
});

Deno.test("a requested rate has decimals only if it is not whole", () => {
  assert.deepEqual([0, 200, 0.25, 12.5].map(formatAskedRate), ["0", "200", "0.25", "12.5"]);
});

Deno.test("an interrupted run says so, and one that is still going has no outcome yet", () => {
  const run = snapshot({ state: "stopped", interrupted: true });
  assert.equal(words(run, 0), "PASSED: 1,000 requests, no failures, the run was interrupted");
  const going = verdict(snapshot({ complete: false }), null);
  assert.equal(going.word.text, "RUNNING");
  assert.equal(going.word.tone, "warning");
  assert.equal(
    going.facts,
    "1,000 requests, no failures, the run was still going when this was written",
  );
  assert.equal(verdict(emptySnapshot(), null).word.text, "NOT STARTED");
});
