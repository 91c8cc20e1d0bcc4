import assert from "node:assert/strict";
import { compareRuns, comparisonJson, FIGURES } from "../../src/report/compare.ts";
import { seeded } from "../support/cutting_target.ts";
import { simulatedRun } from "../support/simulated_summary.ts";

const NAMES = [
  { name: "/fast", rate: 80, median: 5, spread: 0.2 },
  { name: "/slow", rate: 40, median: 90, spread: 0.1 },
];
const RUNS = [1, 1.3].map((slower) =>
  simulatedRun({ seconds: 10, names: NAMES, slower }, seeded(21))
);
const [A, B] = RUNS.map((run, at) => ({ file: `${"ab"[at]}.json`, run }));

Deno.test("the file has exactly these fields, in this order", () => {
  const comparison = compareRuns(A!.run, B!.run, 0.05);
  const text = comparisonJson(comparison, { a: A!, b: B! }, "0.1.0");
  assert.ok(text.endsWith("}\n"));
  const content = JSON.parse(text);
  assert.deepEqual(Object.keys(content), [
    "schema",
    "aiotest",
    "a",
    "b",
    "maxRegression",
    "confidence",
    "totals",
    "requests",
    "onlyInA",
    "onlyInB",
    "figures",
    "regressions",
    "unclear",
    "warnings",
    "exitCode",
  ]);
  assert.deepEqual(content.a, {
    file: "a.json",
    runId: "simulated",
    startedAt: null,
    durationSeconds: 10,
  });
  assert.deepEqual(Object.keys(content.totals), ["requests", ...FIGURES]);
  assert.deepEqual(
    Object.keys(content.requests[0]),
    ["method", "name", "requests", ...FIGURES],
  );
  assert.deepEqual(
    Object.keys(content.totals.p50),
    ["a", "b", "change", "low", "high", "finding"],
  );
  assert.deepEqual([content.schema, content.aiotest, content.exitCode], [1, "0.1.0", 3]);
  assert.equal(content.totals.p50.finding, comparison.totals.p50.finding);
  assert.equal(content.totals.p50.change, Number(comparison.totals.p50.change!.toPrecision(6)));
});
