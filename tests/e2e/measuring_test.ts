import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest } from "../support/process.ts";

const FILE = projectPath("tests/e2e/fixtures/measuring.ts");

/** Iterations of both users together. */
const ITERATIONS = 40;

const PASSING = [
  "count==120",
  "count[group buy]==40",
  "p95[group buy / pay]<60s",
  "checks==75%",
  "checks[has been found]==100%",
  "orders.count==1040",
  "turn.max>=20",
  "odd.rate==50%",
  "size.max==1e12",
];

const CROSSED = [
  "failures[group buy]<20",
  "checks[is even]>50%",
  "size.p95<20",
];

function thresholdsOf(expressions: readonly string[]): string[] {
  return expressions.flatMap((one) => ["--threshold", one]);
}

for (const [where, role] of [["a local run", []], ["2 workers", ["--processes", "2"]]] as const) {
  Deno.test(`groups, checks and metrics of ${where} are exact, and thresholds judge them`, async () => {
    await using target = new CountingTarget();
    const json = await Deno.makeTempFile({ suffix: ".json" });
    const { code, stderr } = await runAiotest([
      ...["-f", FILE, "-H", target.url, ...role, "--json", json],
      ...["-u", "2", "-r", "100"],
      ...thresholdsOf([...PASSING, ...CROSSED]),
    ]);
    const summary: Summary = JSON.parse(await Deno.readTextFile(json));
    await Deno.remove(json);
    assert.equal(code, 3, stderr);
    assert.equal(target.total, 3 * ITERATIONS);
    assert.deepEqual(
      summary.thresholds.map(({ expression, passed }) => [expression, passed]),
      [...PASSING.map((one) => [one, true]), ...CROSSED.map((one) => [one, false])],
    );
    assert.equal(summary.totals.requests, 3 * ITERATIONS);
    assert.deepEqual(
      summary.groups.map(({ name, count, failures }) => [name, count, failures]),
      [["buy", ITERATIONS, ITERATIONS / 2], ["buy / pay", ITERATIONS, ITERATIONS / 2]],
    );
    const rows = [
      ...summary.requests.map(({ name, requests, failures }) => [name, requests, failures]),
      ...summary.groups.map(({ name, count, failures }) => [name, count, failures]),
    ];
    const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count);
    assert.deepEqual(
      summary.histories.map((one) => [one.name, sum(one.requests), sum(one.failures)]),
      rows,
    );
    assert.deepEqual(
      summary.checks.map(({ name, passed, failed }) => [name, passed, failed]),
      [["has been found", ITERATIONS, 0], ["is even", ITERATIONS / 2, ITERATIONS / 2]],
    );
    assert.deepEqual(summary.metrics.map(({ name, type }) => [name, type]), [
      ["odd", "rate"],
      ["orders", "counter"],
      ["size", "trend"],
      ["turn", "gauge"],
    ]);
  });
}

Deno.test("a threshold of a metric that the test file does not have is an error before the run", async () => {
  await using target = new CountingTarget();
  for (const role of [["--processes", "2"], []]) {
    const { code, stderr } = await runAiotest([
      ...["-f", FILE, "-H", target.url, ...role, "--threshold", "sizes.p95<20"],
    ]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /Threshold sizes\.p95<20: the test file has no metric sizes\n.*Did you mean size\?/,
    );
  }
  assert.equal(target.total, 0);
});
