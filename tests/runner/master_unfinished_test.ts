import assert from "node:assert/strict";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import {
  iterationCounts,
  requests,
  unfinished,
  VirtualCluster,
} from "../support/virtual_cluster.ts";

/** Longer than any run. */
const HANGS = 3600;

/** The number of requests in progress, and the age of the oldest in seconds. */
function inProgress(
  { statistics: { totals: { inProgress: { count, oldestMs } } } }: Snapshot,
): number[] {
  return [count, Math.floor((oldestMs ?? 0) / 1000)];
}

Deno.test("requests of all workers that never end are in progress, and unfinished at the end", async () => {
  const cluster = new VirtualCluster({ users: 6, stopTimeout: 1 }, (target) => [
    target.userClass("ATest", 1, 1, () => HANGS),
  ]);
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(8_000);
  assert.deepEqual(inProgress(master.seconds.at(-1)!), [6, 7]);
  const { requests: rows, totals } = master.seconds.at(-1)!.statistics;
  assert.deepEqual(rows.map(({ name, requests }) => [name, requests]), [["step of ATest", 0]]);
  assert.deepEqual([totals.requests, totals.lowerBounds, totals.latencyMs.min], [0, true, null]);
  assert.ok(totals.latencyMs.p50! > 5_000);
  master.run.stop();
  await cluster.advance(10_000);
  assert.deepEqual([requests(master), unfinished(master)], [0, 6]);
  assert.equal(cluster.target.steps.length, 6);
  assert.deepEqual(inProgress(master.result!), [0, 0]);
  assert.ok(master.result!.statistics.totals.unfinished.oldestMs! > 8_000);
});

Deno.test("requests of a worker without its master are unfinished once it has stopped its users", async () => {
  const cluster = new VirtualCluster({ users: 6, stopTimeout: 2 }, (target) => [
    target.userClass("ATest", 1, 0.5, (id) => id % 3 === 0 ? HANGS : 0.1),
  ]);
  const master = cluster.master();
  const [, b] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(3_000);
  b!.line.break();
  await cluster.advance(8_000);
  // Only those of the other worker are known: the lost one has stopped its users.
  assert.deepEqual(inProgress(master.seconds.at(-1)!)[0], 2);
  b!.line.mend();
  await cluster.advance(5_000);
  assert.ok(master.seconds.at(-1)!.statistics.totals.unfinished.count >= 1);
  master.run.stop();
  await cluster.advance(10_000);
  assert.equal(master.result!.complete, true);
  assert.equal(requests(master) + unfinished(master), cluster.target.steps.length);
});

Deno.test("requests of a worker that is killed are in no count, and the run is incomplete", async () => {
  const cluster = new VirtualCluster({ users: 6, stopTimeout: 1 }, (target) => [
    target.userClass("ATest", 1, 1, () => HANGS),
  ]);
  const master = cluster.master();
  const [, b] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(3_000);
  b!.kill();
  await cluster.advance(9_000);
  master.run.stop();
  await cluster.advance(10_000);
  assert.equal(master.result!.complete, false);
  const { steps } = cluster.target;
  assert.equal(unfinished(master), steps.filter(({ node }) => node === "a").length);
});

Deno.test("unfinished requests survive a restart of the master", async () => {
  const cluster = new VirtualCluster({ users: 4, stopTimeout: 1 }, (target) => [
    target.userClass("ATest", 1, 1, () => HANGS),
  ]);
  const first = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(3_000);
  first.run.control.changeLoad({ users: 1, rate: 1000 });
  await cluster.advance(3_000);
  assert.equal(first.seconds.at(-1)!.statistics.totals.unfinished.count, 3);
  first.kill();
  const next = await cluster.nextMaster();
  await cluster.advance(3_000);
  next.run.stop();
  await cluster.advance(10_000);
  assert.deepEqual([requests(next), unfinished(next)], [0, 4]);
  assert.equal(next.result!.complete, true);
});

Deno.test("iterations that hang are interrupted at the end, on all workers", async () => {
  for (const open of [false, true]) {
    const load = open ? { arrivalRate: 3, maxUsers: 8 } : { users: 6, iterations: 50 };
    const cluster = new VirtualCluster({ ...load, runTime: 6, stopTimeout: 0 }, (target) => [
      target.userClass("ATest", 1, 0.5, () => target.steps.length % 5 === 0 ? HANGS : 0.1),
    ]);
    const master = cluster.master();
    for (const name of ["a", "b"]) cluster.worker(name);
    await cluster.advance(20_000);
    const [, started, completed] = iterationCounts(master);
    assert.equal(started! - completed!, unfinished(master));
    assert.ok(unfinished(master) >= 2, `${unfinished(master)}`);
    assert.equal(requests(master) + unfinished(master), cluster.target.steps.length);
  }
});
