import assert from "node:assert/strict";
import { Cluster } from "../support/cluster.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { assertEqualCounts } from "../support/exact_counts.ts";
import { printFigure } from "../support/figure.ts";

Deno.test("4 workers, 100,000 requests: the totals are the target's own, exactly", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "counted.ts",
    workers: 4,
    args: ["-H", target.url, "-u", "40", "-r", "1000", "--quota", "25000"],
  });
  await Promise.race([target.reached(100_000), cluster.master.finished]);
  const { summary, code } = await cluster.stop();
  printFigure(
    "4 workers, no fault",
    `${target.total} requests`,
    `${summary.totals.requests}`,
  );
  assertEqualCounts(summary, target);
  assert.equal(summary.totals.requests, 100_000);
  assert.equal(summary.complete, true);
  assert.equal(code, 1);
});
