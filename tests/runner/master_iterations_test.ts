import assert from "node:assert/strict";
import { iterationCounts, requests, VirtualCluster } from "../support/virtual_cluster.ts";

Deno.test("a run with --iterations starts exactly that many, and ends with the last one", async () => {
  for (const users of [1, 2, 7]) {
    const cluster = new VirtualCluster({ users, rate: 2, iterations: 41 });
    const master = cluster.master();
    for (const name of ["a", "b"]) cluster.worker(name);
    await cluster.advance(60_000);
    assert.deepEqual(iterationCounts(master), [41, 41, 41, 0]);
    assert.equal(cluster.target.steps.length, 41);
    assert.equal(requests(master), 41);
    assert.deepEqual(master.warnings, []);
    // Each user's first iteration starts when the user does, and one more every second.
    const seconds = { 1: 40, 2: 20, 7: 7 }[users]!;
    assert.ok(Math.abs(master.result!.durationSeconds - seconds) < 1.5, `${users} users`);
    assert.equal(cluster.clock.pending, 0);
  }
});

/** Iterations that each of some nodes has started. */
function iterationsOf({ target: { steps } }: VirtualCluster, names: readonly string[]): number[] {
  return names.map((name) => steps.filter(({ node }) => node === name).length);
}

for (const latencyMs of [0, 150, 300]) {
  for (const wait of [0.01, 0.05, 1]) {
    Deno.test(`workers ${latencyMs} ms away share iterations of ${wait} s by their users`, async () => {
      const cluster = new VirtualCluster({ users: 10, iterations: 500 }, (target) => [
        target.userClass("ATest", 1, wait),
      ]);
      const master = cluster.master();
      const names = ["a", "b"];
      for (const name of names) cluster.worker(name, { latencyMs });
      await cluster.advance(90_000, () => {}, 500);
      const [a, b] = iterationsOf(cluster, names);
      // The first user starts alone, one batch of assignments before the others.
      assert.ok(Math.abs(a! - b!) <= 2 + 0.15 / wait, `${a} and ${b}`);
      assert.deepEqual(iterationCounts(master), [500, 500, 500, 0]);
      assert.deepEqual(master.warnings, []);
      assert.equal(cluster.clock.pending, 0);
    });
  }
}

Deno.test("a worker far away gets as many iterations as one nearby, and both their users' part", async () => {
  const cluster = new VirtualCluster({ users: 9, iterations: 900 }, (target) => [
    target.userClass("ATest", 1, 0.5),
  ]);
  const master = cluster.master({ expectedWorkers: 3 });
  const names = ["a", "b", "c"];
  for (const name of names) cluster.worker(name, { latencyMs: name === "c" ? 200 : 0 });
  await cluster.advance(90_000, () => {}, 500);
  for (const count of iterationsOf(cluster, names)) assert.ok(Math.abs(count - 300) <= 1);
  assert.deepEqual(iterationCounts(master), [900, 900, 900, 0]);
});

Deno.test("what a worker is too slow for goes to the others in the end", async () => {
  const cluster = new VirtualCluster({ users: 4, iterations: 400 });
  const { target } = cluster;
  const master = cluster.master();
  const fast = target.userClass("StepTest", 1, 0.1);
  const slow = target.userClass("StepTest", 1, 1);
  cluster.worker("a", { classes: [fast] });
  cluster.worker("b", { classes: [slow] });
  await cluster.advance(90_000, () => {}, 500);
  assert.deepEqual(iterationCounts(master), [400, 400, 400, 0]);
  const [a, b] = iterationsOf(cluster, ["a", "b"]);
  // 22 iterations start per second, so 400 take about 18 s; each division costs up to 1 s.
  assert.ok(a! > 330 && b! < 70, `${a} and ${b}`);
  assert.ok(master.result!.durationSeconds < 32, String(master.result!.durationSeconds));
});

Deno.test("iterations that a worker holds go to idle users of another", async () => {
  const cluster = new VirtualCluster({ users: 4, iterations: 400 }, (target) => [
    target.userClass("ATest", 1, 0.01),
  ]);
  const master = cluster.master();
  const [a] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(700);
  a!.line.stall();
  cluster.clock.setTimer(() => a!.line.resume(), 4_000);
  await cluster.advance(20_000);
  assert.deepEqual(iterationCounts(master), [400, 400, 400, 0]);
  assert.deepEqual(master.warnings, []);
});

Deno.test("a worker that leaves gives back the iterations that it has not started", async () => {
  const cluster = new VirtualCluster({ users: 6, iterations: 2_000 }, (target) => [
    target.userClass("ATest", 1, 0.01),
  ]);
  const master = cluster.master({ expectedWorkers: 3 });
  const [, , c] = ["a", "b", "c"].map((name) => cluster.worker(name));
  await cluster.advance(1_000);
  c!.run.leave();
  await cluster.advance(20_000);
  assert.deepEqual([c!.ended, c!.error], [true, null]);
  assert.deepEqual(iterationCounts(master), [2_000, 2_000, 2_000, 0]);
  assert.equal(cluster.target.steps.length, 2_000);
  assert.deepEqual(master.warnings, []);
});

Deno.test("a worker that was lost gives back the iterations that it has not started, and continues", async () => {
  const cluster = new VirtualCluster({ users: 4, iterations: 1_500 }, (target) => [
    target.userClass("ATest", 1, 0.05),
  ]);
  const master = cluster.master();
  const [, b] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(1_000);
  b!.line.break();
  await cluster.advance(8_000);
  b!.line.mend();
  await cluster.advance(40_000);
  assert.deepEqual(iterationCounts(master), [1_500, 1_500, 1_500, 0]);
  assert.equal(cluster.target.steps.length, 1_500);
  assert.deepEqual(master.warnings, [
    "Worker b has been silent for 6 s: its users go to the other workers.",
  ]);
});

Deno.test("iterations held by a worker that is killed are lost, and the run says how many", async () => {
  const cluster = new VirtualCluster({ users: 6, iterations: 3_000 }, (target) => [
    target.userClass("ATest", 1, 0.005),
  ]);
  const master = cluster.master({ expectedWorkers: 3 });
  const [, , c] = ["a", "b", "c"].map((name) => cluster.worker(name));
  await cluster.advance(1_020);
  c!.kill();
  await cluster.advance(40_000);
  const [scheduled] = iterationCounts(master);
  const begun = cluster.target.steps.length;
  assert.ok(begun <= 3_000 && begun > 2_900, String(begun));
  assert.ok(scheduled! <= begun);
  assert.equal(
    master.result!.warnings.at(-1),
    `Only ${scheduled} of 3000 iterations started, as far as is known: the others were lost with a worker.`,
  );
});

Deno.test("a resumed run knows how many iterations are left", async () => {
  const cluster = new VirtualCluster({ users: 4, iterations: 600 }, (target) => [
    target.userClass("ATest", 1, 0.02),
  ]);
  const first = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(1_510);
  first.kill();
  await cluster.advance(1_000);
  const second = await cluster.nextMaster();
  await cluster.advance(20_000);
  assert.deepEqual(iterationCounts(second), [600, 600, 600, 0]);
  assert.equal(cluster.target.steps.length, 600);
  assert.deepEqual(second.warnings, []);
});

Deno.test("a run with --iterations that is stopped early does not warn of the rest", async () => {
  const cluster = new VirtualCluster({ users: 4, iterations: 600, runTime: 3.5 });
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(10_000);
  assert.deepEqual(iterationCounts(master), [16, 16, 16, 0]);
  assert.deepEqual(master.warnings, []);
});

Deno.test("users that have completed the iterations of their class end the run, with a warning", async () => {
  const cluster = new VirtualCluster({ users: 4, iterations: 100 }, (target) => {
    const few = target.userClass("ATest");
    Object.defineProperty(few, "iterations", { value: 3 });
    return [few];
  });
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(10_000);
  assert.deepEqual(iterationCounts(master), [12, 12, 12, 0]);
  assert.deepEqual(master.warnings, [
    "Only 12 of 100 iterations started: no user was left to start the others.",
  ]);
});

Deno.test("in the open model the workers' iterations make up the schedule, evenly interleaved", async () => {
  const cluster = new VirtualCluster({ arrivalRate: 50, maxUsers: 30, runTime: 4 });
  const master = cluster.master({ expectedWorkers: 3 });
  for (const name of ["a", "b", "c"]) cluster.worker(name);
  await cluster.advance(10_000);
  const { steps } = cluster.target;
  assert.deepEqual(iterationCounts(master), [200, 200, 200, 0]);
  const beganAt = steps[0]!.atMs;
  assert.deepEqual(
    steps.map(({ atMs }) => Math.round(atMs - beganAt)),
    Array.from({ length: 200 }, (_, n) => n * 20),
  );
  assert.deepEqual(steps.slice(0, 6).map(({ node }) => node), ["a", "b", "c", "a", "b", "c"]);
  assert.equal(master.result!.statistics.iterations!.startDelayMs.max, 0);
  assert.equal(master.result!.durationSeconds, 4);
  assert.deepEqual(master.warnings, []);
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("in the open model --iterations ends the schedule, on any number of workers", async () => {
  const cluster = new VirtualCluster({ arrivalRate: 50, maxUsers: 30, iterations: 101 });
  const master = cluster.master({ expectedWorkers: 3 });
  for (const name of ["a", "b", "c"]) cluster.worker(name);
  await cluster.advance(10_000);
  assert.deepEqual(iterationCounts(master), [101, 101, 101, 0]);
  assert.ok(Math.abs(master.result!.durationSeconds - 2) < 0.1);
  assert.deepEqual(master.warnings, []);
});

Deno.test("in the open model a worker that joins late takes over its share without a gap", async () => {
  const cluster = new VirtualCluster({ arrivalRate: 60, maxUsers: 30, runTime: 6 });
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(2_000);
  cluster.worker("c");
  await cluster.advance(10_000);
  assert.deepEqual(iterationCounts(master), [360, 360, 360, 0]);
  const last = cluster.target.steps.slice(-180).filter(({ node }) => node === "c").length;
  assert.equal(last, 60);
});

Deno.test("in the open model a worker that leaves has started what was due, and the others take over", async () => {
  const cluster = new VirtualCluster({ arrivalRate: 60, maxUsers: 30, runTime: 6 });
  const master = cluster.master({ expectedWorkers: 3 });
  const [, , c] = ["a", "b", "c"].map((name) => cluster.worker(name));
  await cluster.advance(2_000);
  c!.run.leave();
  await cluster.advance(10_000);
  const [scheduled, started, completed, dropped] = iterationCounts(master);
  assert.deepEqual([started, completed, dropped], [scheduled, scheduled, 0]);
  // All but its share until the others have their new assignments.
  assert.ok(scheduled! >= 360 - 7 && scheduled! <= 360, String(scheduled));
  assert.equal(cluster.target.steps.length, scheduled);
});

Deno.test("in the open model a lost worker leaves a gap of its share, and nothing starts twice", async () => {
  const cluster = new VirtualCluster({ arrivalRate: 60, maxUsers: 30, runTime: 20 });
  cluster.master({ expectedWorkers: 3 });
  const [, , c] = ["a", "b", "c"].map((name) => cluster.worker(name));
  await cluster.advance(3_000);
  c!.kill();
  await cluster.advance(30_000);
  const { steps } = cluster.target;
  // 20 per second for the six seconds until it counts as lost, and a moment more.
  assert.ok(Math.abs(1_200 - steps.length - 125) <= 6, String(1_200 - steps.length));
  const beganAt = steps[0]!.atMs;
  const dues = steps.map(({ atMs }) => Math.round((atMs - beganAt) * 0.06));
  assert.equal(new Set(dues).size, dues.length);
});

Deno.test("in the open model a worker that misses a new division keeps its old share until it is back", async () => {
  const cluster = new VirtualCluster({ arrivalRate: 60, maxUsers: 30, runTime: 10 });
  const { clock, target: { steps } } = cluster;
  const master = cluster.master({ expectedWorkers: 3 });
  const [a] = ["a", "b", "c"].map((name) => cluster.worker(name));
  await cluster.advance(3_000);
  a!.line.break();
  clock.setTimer(() => a!.line.mend(), 2_000);
  cluster.worker("d");
  await cluster.advance(12_000);
  // For about 2 s it starts its third, of which the others start three in four. A quarter is never started.
  const repeated = 60 * 2 / 3 * 3 / 4;
  const left = 60 * 2 / 4 * 2 / 3;
  assert.ok(Math.abs(steps.length - 600 - repeated + left) <= 5, String(steps.length));
  assert.deepEqual(iterationCounts(master), [steps.length, steps.length, steps.length, 0]);
  assert.deepEqual(master.warnings, []);
});

Deno.test("in the open model a resumed run continues the schedule, and nothing starts twice", async () => {
  const cluster = new VirtualCluster({ arrivalRate: 50, maxUsers: 30, runTime: 8 });
  const first = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(2_510);
  first.kill();
  await cluster.advance(1_500);
  const second = await cluster.nextMaster();
  await cluster.advance(12_000);
  const { steps } = cluster.target;
  assert.equal(steps.length, 400);
  assert.deepEqual(iterationCounts(second), [400, 400, 400, 0]);
  const beganAt = steps[0]!.atMs;
  const dues = steps.map(({ atMs }) => Math.round((atMs - beganAt) / 20));
  assert.deepEqual(dues, Array.from({ length: 400 }, (_, n) => n));
});
