import assert from "node:assert/strict";
import type { ListedRun } from "../../../src/report/history_table.ts";
import { betweenText, isBetweenRuns, linksOf } from "../../../src/web/page/series_view.js";

const READY = { canStart: true, reason: "", workers: null, problem: "" };

Deno.test("between two runs, the page says what happens and who waits", () => {
  assert.equal(betweenText(READY), "The run has ended.");
  assert.equal(
    betweenText({ ...READY, workers: 2 }),
    "The run has ended. Workers: 2 connected.",
  );
  const reason = "A run is being prepared.";
  assert.equal(betweenText({ ...READY, canStart: false, reason }), reason);
  assert.equal(isBetweenRuns({ state: "stopped", series: READY }), true);
  assert.equal(isBetweenRuns({ state: "stopped", series: null }), false);
  assert.equal(isBetweenRuns({ state: "running", series: READY }), false);
});

Deno.test("a run that has ended leads to its report, and to the one before", () => {
  const run = (id: string, verdict: ListedRun["verdict"] = "passed"): ListedRun => ({
    ...{ id, verdict, problem: null, runId: `run-${id}` },
  });
  const runs = [run("a"), run("b", "unreadable"), run("c")];
  assert.deepEqual(linksOf(runs, "run-c").map(({ href }) => href), [
    ...["api/runs/c/report", "runs#compare/a/c", "runs"],
  ]);
  assert.deepEqual(linksOf(runs, "run-a").map(({ href }) => href), ["api/runs/a/report", "runs"]);
  assert.deepEqual(linksOf([], "run-a").map(({ href }) => href), ["api/report/html"]);
});
