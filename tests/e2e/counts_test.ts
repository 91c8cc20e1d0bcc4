import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { assertEqualCounts } from "../support/exact_counts.ts";
import { projectPath } from "../support/paths.ts";
import { startAiotest } from "../support/process.ts";

async function runAgainst(
  target: CountingTarget,
  quota: number,
  stopAt: number,
): Promise<{ summary: Summary; code: number }> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const file = projectPath("tests/e2e/fixtures/counted.ts");
  const run = startAiotest(
    ["-f", file, "-H", target.url, "-u", "40", "-r", "1000", "--json", json]
      .concat("--quota", String(quota)),
  );
  await Promise.race([target.reached(stopAt), run.finished]);
  run.kill("SIGINT");
  const { code, stderr } = await run.finished;
  const text = await Deno.readTextFile(json);
  assert.notEqual(text, "", stderr);
  await Deno.remove(json);
  return { summary: JSON.parse(text), code };
}

Deno.test("100,000 requests: counts and bytes are the target's own, exactly", async () => {
  await using target = new CountingTarget();
  const { summary, code } = await runAgainst(target, 100_000, 100_000);
  assert.equal(summary.totals.requests, 100_000);
  assertEqualCounts(summary, target);
  assert.equal(code, 1);
});

Deno.test("a run that is stopped at full speed has counted all that the target has", async () => {
  await using target = new CountingTarget();
  const { summary } = await runAgainst(target, 1_000_000, 10_000);
  assert.ok(summary.totals.requests >= 10_000);
  assertEqualCounts(summary, target);
});
