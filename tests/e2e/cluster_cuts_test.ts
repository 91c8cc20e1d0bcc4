import assert from "node:assert/strict";
import { Cluster } from "../support/cluster.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { seeded } from "../support/cutting_target.ts";
import { assertEqualCounts } from "../support/exact_counts.ts";
import { printFigure } from "../support/figure.ts";

Deno.test("200 connections cut, every frame sent twice: nothing lost, nothing counted twice", async () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "walks.ts",
    workers: Number(Deno.env.get("W") ?? 6),
    args: ["-H", target.url, "-u", "42", "-r", "42", "--wait", "0.2"],
    proxied: true,
  });
  const proxy = cluster.proxy!;
  proxy.duplicating = true;
  await target.reached(100);
  const from = performance.now();
  await proxy.cutAtRandom(seeded(seed), { cuts: 200, meanMs: Number(Deno.env.get("M") ?? 60) });
  const seconds = (performance.now() - from) / 1000;
  const { summary, code } = await cluster.stop();
  printFigure(
    `200 cuts in ${seconds.toFixed(0)} s, seed ${seed}: requests`,
    `${target.total}`,
    `${summary.totals.requests}`,
  );
  assertEqualCounts(summary, target);
  for (const { id, requests, complete } of summary.workers) {
    assert.equal(requests, target.totalOf(id));
    assert.equal(complete, true);
  }
  assert.equal(summary.complete, true);
  assert.equal(code, 0);
});
