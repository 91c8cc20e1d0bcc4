import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { Cluster, endOf } from "../support/cluster.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { projectPath } from "../support/paths.ts";
import { startAiotest } from "../support/process.ts";
import { printFigure } from "../support/timing.ts";

const NODES = ["local", "w1", "w2", "w3"];

function visits(target: CountingTarget, path: string): number {
  return target.visitsOf(path, NODES);
}

/** Users of a class that have visited. */
function usersOf(target: CountingTarget, path: string): number {
  return new Set(target.visits.filter((visit) => visit.path === path).map(({ user }) => user)).size;
}

Deno.test("the target sees of each class what its load says", async () => {
  await using target = new CountingTarget();
  const json = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const file = projectPath("tests/e2e/fixtures/class_loads.ts");
    const { code, stderr } = await endOf(
      startAiotest(["-f", file, "-H", target.url, "--json", json]),
    );
    assert.equal(code, 0, stderr);
    const summary = JSON.parse(await Deno.readTextFile(json)) as Summary;
    assert.equal(visits(target, "/BuyerTest"), 40);
    assert.equal(usersOf(target, "/AdminTest"), 2);
    assert.equal(usersOf(target, "/NightTest"), 3);
    // One visit every 0.2 s, if the machine is not too slow.
    const admins = visits(target, "/AdminTest");
    const nights = visits(target, "/NightTest");
    printFigure(
      "visits of two users in 6 s, and of three in 2 s",
      "60 and 30",
      `${admins} and ${nights}`,
    );
    assert.ok(admins > 20 && admins <= 52, String(admins));
    assert.ok(nights > 10 && nights <= 33, String(nights));
    assert.equal(summary.totals.requests, target.total);
    assert.equal(summary.iterations!.started, 40);
    assert.ok(summary.durationSeconds >= 5 && summary.durationSeconds < 7);
  } finally {
    await Deno.remove(json);
  }
});

Deno.test("three workers run each class's load, one of them late and one killed", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "class_loads.ts",
    workers: 2,
    args: ["-H", target.url],
  });
  await cluster.alongside(target.until(() => visits(target, "/BuyerTest") >= 2, 30_000));
  cluster.join("w3");
  await cluster.alongside(target.until(() => target.visitsOf("/BuyerTest", ["w3"]) >= 2, 30_000));
  cluster.worker("w1").kill("SIGKILL");
  const { summary } = await cluster.ended();
  const buyers = visits(target, "/BuyerTest");
  printFigure("iterations of 40, with one of three workers killed", "25 to 40", String(buyers));
  // It takes with it at most its share of those that were not started yet.
  assert.ok(buyers >= 25 && buyers <= 40, String(buyers));
  assert.ok(target.totalOf("w3") > 0);
  assert.equal(summary.complete, false);
  const known = summary.workers.reduce((sum, { requests }) => sum + requests, 0);
  assert.equal(summary.totals.requests, known);
  assert.ok(known <= target.total);
  for (const { id, requests } of summary.workers) {
    if (id !== "w1") assert.equal(requests, target.totalOf(id), id);
  }
});
