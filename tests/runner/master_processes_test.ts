import assert from "node:assert/strict";
import {
  iterationCounts,
  requests,
  VirtualCluster,
  type VirtualMaster,
  type VirtualWorker,
  workerStates,
} from "../support/virtual_cluster.ts";

/**
 * Kills a worker whose process the master has started, and knows at once that it has ended.
 *
 * @param left how many workers run that the master has started, including one in its place.
 */
function kill(
  master: VirtualMaster,
  worker: VirtualWorker,
  left: number,
): void {
  worker.kill();
  master.run.processEnded(worker.name, "was killed by SIGKILL");
  master.run.ownProcesses = left;
}

Deno.test("the users of a worker whose process has ended move at once, and its successor gets a share", async () => {
  const cluster = new VirtualCluster({ users: 6, runTime: 10 });
  const master = cluster.master();
  const [, b] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(2_300);
  kill(master, b!, 2);
  await cluster.advance(200);
  assert.equal(cluster.target.users("a"), 6);
  cluster.worker("c");
  await cluster.advance(1_000);
  assert.deepEqual([cluster.target.users("a"), cluster.target.users("c")], [3, 3]);
  await cluster.advance(20_000);
  assert.deepEqual(workerStates(master), [
    "a finished true",
    "b lost false",
    "c finished true",
  ]);
  assert.equal(master.result!.complete, false);
  assert.deepEqual(master.result!.warnings, [
    "Worker b was killed by SIGKILL: its counts of the last 0.3 s are missing. In the second before, " +
    "it had counted 3 requests.",
  ]);
  // Two full seconds of three users are counted, and nothing that came later.
  const ofB = cluster.target.steps.filter(({ node }) => node === "b");
  assert.equal(master.result!.workers[1]!.requests, 6);
  assert.equal(requests(master), cluster.target.steps.length - (ofB.length - 6));
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("what a process had sent before it ended is counted, however late that is read", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 6 });
  const master = cluster.master();
  const [, b] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(1_900);
  b!.line.stall();
  await cluster.advance(200);
  master.run.processEnded("b", "was killed by SIGKILL");
  await cluster.advance(200);
  assert.equal(master.run.snapshot().workers[1]!.state, "running");
  b!.line.resume();
  await cluster.advance(10);
  b!.kill();
  await cluster.advance(20_000);
  assert.equal(workerStates(master)[1], "b lost false");
  assert.equal(master.result!.workers[1]!.requests, 4);
});

Deno.test("a run without workers waits for the successor of the last one", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 40 });
  const master = cluster.master({ expectedWorkers: 1 });
  const a = cluster.worker("a");
  await cluster.advance(3_500);
  kill(master, a, 1);
  await cluster.advance(20_000);
  assert.equal(cluster.target.users(), 0);
  cluster.worker("b");
  await cluster.advance(1_000);
  assert.equal(cluster.target.users("b"), 4);
  await cluster.advance(20_000);
  assert.equal(master.run.failure, null);
  assert.deepEqual(workerStates(master), ["a lost false", "b finished true"]);
  assert.equal(master.result!.durationSeconds, 40);
});

Deno.test("a run whose last successor has ended or does not join ends", async () => {
  for (const ends of [true, false]) {
    const cluster = new VirtualCluster({ users: 4, runTime: 200 });
    const master = cluster.master({ expectedWorkers: 1 });
    const a = cluster.worker("a");
    await cluster.advance(3_500);
    kill(master, a, 1);
    await cluster.advance(10_000);
    assert.equal(master.run.isEnding, false);
    if (ends) {
      master.run.processEnded("b", "exited with code 2");
      master.run.ownProcesses = 0;
      await cluster.advance(100);
    } else await cluster.advance(50_000);
    assert.match(String(master.run.failure), /No worker is left to run users/);
    assert.equal(master.result!.workers[0]!.requests, 12);
  }
});

Deno.test("a run whose only worker does not answer goes on with it, if its process runs", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 60 });
  const master = cluster.master({ expectedWorkers: 1 });
  master.run.ownProcesses = 1;
  const a = cluster.worker("a");
  await cluster.advance(3_500);
  a.suspend();
  await cluster.advance(30_000);
  assert.equal(master.run.isEnding, false);
  a.continue();
  await cluster.advance(3_000);
  assert.equal(cluster.target.users("a"), 4);
  await cluster.advance(40_000);
  assert.deepEqual([master.run.failure, workerStates(master)], [null, ["a finished true"]]);
  assert.equal(requests(master), cluster.target.steps.length);
});

Deno.test("a worker that dies before the test starts is replaced, and nothing is missing", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 3 });
  const setup = Promise.withResolvers<number>();
  const master = cluster.master({
    functions: { setup: () => setup.promise, teardown: null },
  });
  const a = cluster.worker("a");
  await cluster.advance(1_000);
  kill(master, a, 1);
  await cluster.advance(1_000);
  assert.ok(master.infos.includes("Worker a left before the test started."));
  const b = cluster.worker("b");
  cluster.worker("c");
  await cluster.advance(1_000);
  // Now setup runs.
  kill(master, b, 2);
  cluster.worker("d");
  await cluster.advance(1_000);
  setup.resolve(1);
  await cluster.advance(20_000);
  assert.deepEqual(workerStates(master), ["c finished true", "d finished true"]);
  assert.equal(master.result!.complete, true);
  assert.deepEqual(master.result!.warnings, []);
  assert.equal(requests(master), cluster.target.steps.length);
});

Deno.test("a worker that dies after its final report has lost nothing", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 3 });
  const master = cluster.master();
  const [, b] = ["a", "b"].map((name) => cluster.worker(name));
  // Its end is awaited, while the other's report is not there.
  cluster.workers[0]!.events.on("testStop", () =>
    new Promise((resolve) => {
      cluster.clock.setTimer(() => resolve(undefined), 2_000);
    }));
  await cluster.advance(4_000);
  assert.equal(master.run.isEnding, true);
  kill(master, b!, 1);
  await cluster.advance(20_000);
  assert.deepEqual(workerStates(master), ["a finished true", "b finished true"]);
  assert.equal(master.result!.complete, true);
  assert.equal(requests(master), cluster.target.steps.length);
});

Deno.test("a process that dies while the run ends is not awaited", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 3 });
  const master = cluster.master();
  const [, b] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(2_950);
  b!.line.stall();
  await cluster.advance(300);
  b!.kill();
  b!.line.resume();
  master.run.processEnded("b", "was killed by SIGSEGV");
  await cluster.advance(300);
  assert.deepEqual(workerStates(master), ["a finished true", "b lost false"]);
  assert.match(master.result!.warnings.join("\n"), /^Worker b was killed by SIGSEGV: its counts/m);
});

Deno.test("a successor continues with --iterations, and what the dead worker held is lost", async () => {
  const cluster = new VirtualCluster({ users: 6, iterations: 3_000 }, (target) => [
    target.userClass("ATest", 1, 0.005),
  ]);
  const master = cluster.master({ expectedWorkers: 1 });
  const a = cluster.worker("a");
  await cluster.advance(1_020);
  kill(master, a, 1);
  await cluster.advance(2_000);
  cluster.worker("b");
  await cluster.advance(40_000);
  const [scheduled] = iterationCounts(master);
  const begun = cluster.target.steps.length;
  assert.ok(begun <= 3_000 && begun > 2_600, String(begun));
  assert.ok(scheduled! <= begun);
  assert.equal(
    master.result!.warnings.at(-1),
    `Only ${scheduled} of 3000 iterations started, as far as is known: the others were lost with a worker.`,
  );
});
