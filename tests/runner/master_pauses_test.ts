import assert from "node:assert/strict";
import { LoadUserShape, type Tick } from "../../src/load/load_user_shape.ts";
import {
  requests,
  VirtualCluster,
  type VirtualMaster,
  workerStates,
} from "../support/virtual_cluster.ts";

/** Users of the test, on two workers. */
const USERS = 6;

interface Scene {
  readonly cluster: VirtualCluster;
  readonly master: VirtualMaster;
}

/** A test with two workers. */
function start(runTime: number | null = null): Scene {
  const cluster = new VirtualCluster({ users: USERS, runTime });
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  return { cluster, master };
}

/** Advances the time, and checks at every moment that no user runs twice. */
async function advance({ cluster }: Scene, ms: number): Promise<void> {
  const { target } = cluster;
  await cluster.advance(ms, () => assert.ok(target.users() <= USERS, `${target.users()} users`));
}

/** Suspends processes together for a while. */
async function suspend(
  scene: Scene,
  ms: number,
  ...processes: { suspend(): void; continue(): void }[]
): Promise<void> {
  for (const one of processes) one.suspend();
  await advance(scene, ms);
  for (const one of processes) one.continue();
}

/** Ends the test: everything that was sent is counted, and no worker is missing. */
async function assertExact(scene: Scene): Promise<void> {
  const { cluster, master } = scene;
  master.run.stop();
  await advance(scene, 30_000);
  assert.equal(master.error, null);
  assert.equal(master.run.failure, null);
  assert.equal(requests(master), cluster.target.steps.length);
  assert.equal(master.result!.complete, true);
  assert.deepEqual(workerStates(master), ["a finished true", "b finished true"]);
  assert.equal(cluster.clock.pending, 0);
}

const WHY = "it was suspended, or code of the test file blocked it. " +
  "Workers stop their users after 5 s without their master.";

Deno.test("a master that was suspended for 8 s loses no worker, and says when it was", async () => {
  const scene = start();
  await advance(scene, 3_000);
  await suspend(scene, 8_000, scene.master);
  assert.equal(scene.cluster.target.users(), 0);
  await advance(scene, 4_000);
  assert.equal(scene.cluster.target.users(), USERS);
  await assertExact(scene);
  const text = `The master did not run for 8.0 s, from 3s of the test on: ${WHY}`;
  assert.deepEqual(scene.master.warnings, [text]);
  assert.deepEqual(scene.master.result!.warnings, [text]);
  assert.equal(scene.master.result!.users.peak, USERS);
});

Deno.test("a shape whose tick blocks its process for 7 s costs no worker and no count", async () => {
  class BlockingShape extends LoadUserShape {
    override tick(): Tick | null {
      if (this.getRunTime() === 3) cluster.clock.block(7_000);
      return [USERS, 100];
    }
  }
  const cluster = new VirtualCluster({ shape: new BlockingShape() });
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await advance({ cluster, master }, 20_000);
  assert.equal(cluster.target.users(), USERS);
  await assertExact({ cluster, master });
  const text = /^The master did not run for 7\.\d s, from [23]s of the test on/;
  assert.ok(master.result!.warnings.some((warning) => text.test(warning)));
});

Deno.test("pauses of a master share one warning of the run, which names the longest", async () => {
  const scene = start();
  for (const ms of [3_000, 7_000, 4_000]) {
    await advance(scene, 6_000);
    await suspend(scene, ms, scene.master);
  }
  await advance(scene, 4_000);
  await assertExact(scene);
  assert.equal(scene.master.warnings.length, 3);
  assert.deepEqual(scene.master.result!.warnings, [
    `The master did not run 3 times, for 14.0 s in total (the longest: 7.0 s, from 15s of the ` +
    `test on): ${WHY}`,
  ]);
});

for (const ms of [3_000, 5_500, 8_000, 60_000]) {
  Deno.test(`master and workers that were suspended together for ${ms / 1000} s continue`, async () => {
    const scene = start();
    await advance(scene, 3_000);
    await suspend(scene, ms, scene.master, ...scene.cluster.workers);
    await advance(scene, 4_000);
    assert.equal(scene.cluster.target.users(), USERS);
    await assertExact(scene);
  });
}

Deno.test("a worker that dies while the master is suspended is lost 6 s after the pause", async () => {
  const scene = start();
  await advance(scene, 3_000);
  scene.master.suspend();
  await advance(scene, 4_000);
  scene.cluster.workers[1]!.kill();
  await advance(scene, 4_000);
  scene.master.continue();
  await advance(scene, 5_500);
  assert.deepEqual(scene.master.run.snapshot().workers.map(({ state }) => state), [
    "running",
    "running",
  ]);
  await advance(scene, 2_500);
  assert.equal(scene.cluster.target.users("a"), USERS);
  assert.equal(scene.master.run.snapshot().workers[1]!.state, "lost");
});

Deno.test("the last worker has 6 s after a pause of the master, even if it was silent before", async () => {
  const scene = start();
  await advance(scene, 3_000);
  for (const { line } of scene.cluster.workers) line.break();
  await advance(scene, 4_000);
  scene.master.suspend();
  await advance(scene, 8_000);
  for (const { line } of scene.cluster.workers) line.mend();
  scene.master.continue();
  await advance(scene, 5_000);
  assert.equal(scene.cluster.target.users(), USERS);
  await assertExact(scene);
});

Deno.test("the time of a test goes on in a pause of its master", async () => {
  const scene = start(10);
  await advance(scene, 5_000);
  await suspend(scene, 8_000, scene.master);
  await advance(scene, 10_000);
  const { result, run } = scene.master;
  assert.deepEqual([run.failure, result!.complete], [null, true]);
  assert.equal(requests(scene.master), scene.cluster.target.steps.length);
  assert.ok(result!.durationSeconds >= 12 && result!.durationSeconds < 16);
});

Deno.test("final reports have all their time, even if the master is suspended meanwhile", async () => {
  const scene = start();
  await advance(scene, 3_000);
  for (const { line } of scene.cluster.workers) line.stall();
  scene.master.run.stop();
  await advance(scene, 1_000);
  await suspend(scene, 60_000, scene.master);
  for (const { line } of scene.cluster.workers) line.resume();
  await advance(scene, 5_000);
  assert.equal(scene.master.result!.complete, true);
  assert.equal(requests(scene.master), scene.cluster.target.steps.length);
});

Deno.test("the wait for workers does not end because the master was suspended", async () => {
  const cluster = new VirtualCluster({ users: USERS });
  const master = cluster.master({ expectSeconds: 5 });
  cluster.worker("a");
  await cluster.advance(1_000);
  master.suspend();
  await cluster.advance(20_000);
  cluster.worker("b");
  await cluster.advance(1_000);
  master.continue();
  await cluster.advance(5_000);
  assert.equal(master.error, null);
  assert.equal(cluster.target.users(), USERS);
  // The test had not started, so nothing was amiss in it.
  assert.deepEqual(master.warnings, []);
});

Deno.test("a worker does not give up its master because it was itself suspended", async () => {
  const cluster = new VirtualCluster({ users: USERS });
  const master = cluster.master();
  const worker = cluster.worker("a", { timeoutMs: 10_000 });
  cluster.worker("b");
  await cluster.advance(3_000);
  worker.line.break();
  await cluster.advance(2_000);
  worker.suspend();
  await cluster.advance(20_000);
  worker.line.mend();
  worker.continue();
  await cluster.advance(5_000);
  assert.equal(worker.ended, false);
  assert.equal(cluster.target.users("a"), USERS / 2);
  await assertExact({ cluster, master });
});
