import assert from "node:assert/strict";
import { LoadUserShape } from "../../src/load/load_user_shape.ts";
import { inSequence, ramp, stepUntilItBreaks } from "../../src/load/curves.ts";
import { ThresholdSet } from "../../src/stats/thresholds.ts";
import { User } from "../../src/user/user.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { beginLocally, type RunningLocally } from "../support/local_runs.ts";
import type { ProfileChanges } from "../support/load_profiles.ts";
import {
  FakeTarget,
  iterationCounts,
  requests,
  VirtualCluster,
  type VirtualMaster,
  workerStates,
} from "../support/virtual_cluster.ts";

/** When steps started, in seconds since the start of the clock, that are in a span. */
function stepsBetween({ steps }: FakeTarget, from: number, until: number): number[] {
  return steps.map(({ atMs }) => atMs / 1000).filter((at) => at > from && at < until);
}

interface LocalScene extends RunningLocally {
  readonly target: FakeTarget;
}

function local(
  profile: ProfileChanges,
  { waitTime = 1, stepSeconds = (_: number): number => 0.2, thresholds = [] as string[] } = {},
): LocalScene {
  const clock = new FakeClock();
  const target = new FakeTarget(clock);
  const running = beginLocally([target.userClass("StepTest", 1, waitTime, stepSeconds)], profile, {
    clock,
    thresholds: new ThresholdSet(thresholds),
  });
  return {
    ...running,
    clock,
    target,
    get result() {
      return running.result;
    },
  };
}

Deno.test("in a pause, users finish their iterations and wait, and go on at the same distances", async () => {
  const { run, clock, target, result: _, ...scene } = local({ users: 4, rate: 4, runTime: 10 });
  await clock.advance(3_100);
  run.control.pause();
  await clock.advance(10_000);
  assert.deepEqual(stepsBetween(target, 3.1, 13.1), []);
  assert.equal(run.snapshot().users.current, 4);
  run.control.resume();
  const before = target.steps.length;
  await clock.advance(1_200);
  const times = target.steps.slice(before).map(({ atMs }) => atMs);
  assert.equal(times.length, 4);
  // They did not start at the same moment: each has waited for what was left of its wait time.
  assert.equal(new Set(times).size, 4);
  await clock.advance(20_000);
  const end = run.snapshot();
  assert.equal(end.state, "stopped");
  assert.deepEqual(end.pauses, [{ from: 3.1, to: 13.1 }]);
  assert.equal(end.pausedSeconds, 10);
  assert.ok(Math.abs(end.elapsedSeconds - 20) < 0.3, `${end.elapsedSeconds}`);
  assert.equal(end.durationSeconds, end.elapsedSeconds - 10);
  assert.equal(end.statistics.totals.rate, target.steps.length / end.durationSeconds);
  assert.equal(clock.pending, 0);
  assert.deepEqual(scene.warnings, []);
});

Deno.test("the dashboard is told each second of a pause that nothing happens", async () => {
  const { run, clock, seconds } = local({ users: 1, runTime: 10 });
  await clock.advance(3_100);
  run.control.pause();
  const before = seconds.length;
  await clock.advance(5_000);
  assert.equal(seconds.length - before, 5);
  const last = seconds.at(-1)!;
  assert.deepEqual(last.pauses, [{ from: 3.1, to: null }]);
  assert.equal(last.elapsedSeconds, 8.1);
  assert.ok(Math.abs(last.durationSeconds - 3.1) < 1e-9);
});

Deno.test("arrivals that were due in a pause are not started later, and their number is exact", async () => {
  const { run, clock, target } = local(
    { arrivalRate: 10, maxUsers: 20, runTime: 5 },
    { stepSeconds: () => 0.05 },
  );
  await clock.advance(2_010);
  run.control.pause();
  const before = target.steps.length;
  await clock.advance(10_000);
  assert.equal(target.steps.length, before);
  run.control.resume();
  await clock.advance(500);
  assert.equal(target.steps.length - before, 5);
  await clock.advance(10_000);
  const { statistics: { iterations }, elapsedSeconds } = run.snapshot();
  assert.deepEqual(
    [iterations!.scheduled, iterations!.started, iterations!.completed, iterations!.dropped],
    [50, 50, 50, 0],
  );
  assert.equal(iterations!.startDelayMs.max, 0);
  assert.equal(target.steps.length, 50);
  assert.ok(Math.abs(elapsedSeconds - 15) < 0.1, `${elapsedSeconds}`);
  assert.equal(clock.pending, 0);
});

Deno.test("what is queued when a pause begins goes on waiting, without the pause in its start delay", async () => {
  const { run, clock, target } = local(
    { arrivalRate: 4, maxUsers: 1, runTime: 2 },
    { stepSeconds: () => 1 },
  );
  await clock.advance(1_900);
  run.control.pause();
  const before = target.steps.length;
  await clock.advance(60_000);
  assert.equal(target.steps.length, before);
  run.control.resume();
  await clock.advance(90);
  assert.equal(target.steps.length, before + 1);
  await clock.advance(20_000);
  const { startDelayMs } = run.snapshot().statistics.iterations!;
  assert.ok(startDelayMs.max! < 2_000, `${startDelayMs.max}`);
});

Deno.test("users that a lower maximum dismisses in a pause end, and the others go on", async () => {
  const { run, clock, target } = local(
    { arrivalRate: 20, maxUsers: 10, runTime: 6 },
    { stepSeconds: () => 0.3 },
  );
  await clock.advance(2_010);
  run.control.pause();
  await clock.advance(2_000);
  const { current } = run.snapshot().users;
  assert.ok(current > 3, `${current}`);
  run.control.changeLoad({ arrivalRate: 5, maxUsers: 3 });
  run.control.resume();
  await clock.advance(1_000);
  assert.equal(run.snapshot().users.current, 3);
  await clock.advance(20_000);
  const { scheduled, completed, dropped } = run.snapshot().statistics.iterations!;
  assert.deepEqual([scheduled, completed, dropped], [target.steps.length, scheduled, 0]);
  assert.equal(clock.pending, 0);
});

Deno.test("a limited number of iterations is exact over pauses, in either model", async () => {
  for (const load of [{ users: 5, rate: 100 }, { arrivalRate: 50, maxUsers: 10 }]) {
    const { run, clock, target } = local({ ...load, iterations: 100 }, { waitTime: 0.1 });
    for (let i = 0; i < 5; i++) {
      await clock.advance(300);
      if (run.snapshot().state === "stopped") break;
      run.control.pause();
      await clock.advance(250);
      const before = target.steps.length;
      await clock.advance(3_000);
      assert.equal(target.steps.length, before);
      if (run.snapshot().state === "stopped") break;
      run.control.resume();
    }
    await clock.advance(60_000);
    assert.equal(run.snapshot().state, "stopped");
    assert.equal(target.steps.length, 100);
    assert.equal(run.snapshot().statistics.iterations!.completed, 100);
    assert.equal(clock.pending, 0);
  }
});

Deno.test("users are started, and a shape continues, as if the pause had not been", async () => {
  class Rising extends LoadUserShape {
    static override curve = inSequence(
      ramp({ seconds: 10, users: { from: 0, to: 20 } }),
      ramp({ seconds: 4, users: { from: 20, to: 0 } }),
    );
  }
  const { run, clock } = local({ shape: new Rising() });
  await clock.advance(5_000);
  const users = run.snapshot().users.current;
  assert.ok(users >= 8 && users <= 12, `${users}`);
  run.control.pause();
  await clock.advance(30_000);
  assert.equal(run.snapshot().users.current, users);
  run.control.resume();
  await clock.advance(3_000);
  assert.ok(run.snapshot().users.current >= 14);
  await clock.advance(9_000);
  assert.equal(run.snapshot().state, "stopped");
});

Deno.test("a user that starts in a pause calls onStart only after it", async () => {
  const started: number[] = [];
  const { run, clock } = beginLocally([
    class ATest extends User {
      override onStart(): void {
        started.push(clock.now());
      }
      async testStep(): Promise<void> {
        await this.sleep(0.1);
      }
    },
  ], { users: 1, rate: 1000 });
  await clock.advance(500);
  run.control.pause();
  run.control.changeLoad({ users: 3, rate: 1000 });
  await clock.advance(5_000);
  assert.deepEqual(started, [0]);
  run.control.resume();
  await clock.advance(100);
  assert.equal(started.length, 3);
  run.stop();
  await clock.advance(3_000);
});

Deno.test("a run that is stopped in a pause ends at once, and the pause with it", async () => {
  for (const load of [{ users: 3, rate: 10 }, { arrivalRate: 10, maxUsers: 5 }]) {
    const { run, clock, target } = local({ ...load, runTime: 60 });
    await clock.advance(3_050);
    run.control.pause();
    await clock.advance(5_000);
    const before = target.steps.length;
    run.stop();
    await clock.advance(100);
    const end = run.snapshot();
    assert.equal(end.state, "stopped");
    assert.deepEqual(end.pauses, [{ from: 3.05, to: 8.05 }]);
    assert.equal(target.steps.length, before);
    assert.equal(end.statistics.totals.requests, before);
    assert.equal(end.statistics.iterations?.dropped ?? 0, 0);
    assert.throws(() => run.control.pause(), /The test is over/);
    assert.equal(clock.pending, 0);
  }
});

Deno.test("a run can only be paused while it runs, and resumed while it is paused", async () => {
  const { run, clock } = local({ users: 1 });
  assert.throws(() => run.control.pause(), /has not started/);
  await clock.advance(1_000);
  assert.throws(() => run.control.resume(), /not paused/);
  run.control.pause();
  assert.throws(() => run.control.pause(), /paused already/);
  run.stop();
  await clock.advance(1_000);
});

Deno.test("pauses change neither the verdict of a threshold of rates nor the steps of a search", async () => {
  class Steps extends LoadUserShape {
    static override curve = stepUntilItBreaks({
      stepSeconds: 5,
      users: { from: 10, step: 10, to: 40 },
    });
  }
  const scene = local(
    { shape: new Steps() },
    { waitTime: 0.9, stepSeconds: () => 0.1, thresholds: ["rps>8"] },
  );
  const { run, clock } = scene;
  await clock.advance(7_000);
  run.control.pause();
  await clock.advance(60_000);
  run.control.resume();
  await clock.advance(60_000);
  const end = run.snapshot();
  assert.deepEqual(end.breakingPoint!.passed, { users: 40, arrivalRate: null });
  assert.equal(end.breakingPoint!.broke, null);
  assert.deepEqual(end.thresholds.map(({ passed }) => passed), [true]);
});

// With workers.

interface Scene {
  readonly cluster: VirtualCluster;
  readonly master: VirtualMaster;
}

function distributed(profile: ProfileChanges, latencyMs = 20): Scene {
  const cluster = new VirtualCluster(profile, (target) => [
    target.userClass("StepTest", 1, 0.5, () => 0.1),
  ]);
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name, { latencyMs });
  return { cluster, master };
}

const OPEN = { arrivalRate: 50, maxUsers: 40, runTime: 8 };

Deno.test("workers pause together; the schedule of arrivals leaves the pause out", async () => {
  const { cluster, master } = distributed(OPEN);
  await cluster.advance(4_000);
  master.run.control.pause();
  await cluster.advance(100);
  const before = cluster.target.steps.length;
  await cluster.advance(10_000);
  assert.equal(cluster.target.steps.length, before);
  master.run.control.resume();
  await cluster.advance(1_100);
  const after = cluster.target.steps.length - before;
  assert.ok(after >= 49 && after <= 56, `${after}`);
  await cluster.advance(20_000);
  assert.deepEqual(iterationCounts(master), [400, 400, 400, 0]);
  assert.equal(requests(master), 400);
  const { elapsedSeconds, durationSeconds, pausedSeconds } = master.result!;
  assert.ok(Math.abs(pausedSeconds - 10.1) < 1e-6, `${pausedSeconds}`);
  assert.ok(Math.abs(elapsedSeconds - durationSeconds - pausedSeconds) < 1e-6);
  assert.ok(Math.abs(durationSeconds - 8) < 0.5, `${durationSeconds}`);
  // No worker was a message's way behind the others after the pause.
  assert.ok(master.result!.statistics.iterations!.startDelayMs.max! < 60);
  assert.deepEqual(master.warnings, []);
  assert.deepEqual(workerStates(master), ["a finished true", "b finished true"]);
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("a worker that joins in a pause waits, and takes its share after it", async () => {
  for (const load of [OPEN, { users: 6, runTime: 8 }]) {
    const { cluster, master } = distributed(load);
    await cluster.advance(4_000);
    master.run.control.pause();
    await cluster.advance(500);
    cluster.worker("c", { latencyMs: 20 });
    await cluster.advance(3_000);
    assert.equal(cluster.target.users("c"), 0);
    const before = cluster.target.steps.length;
    await cluster.advance(3_000);
    assert.equal(cluster.target.steps.length, before);
    master.run.control.resume();
    await cluster.advance(2_000);
    assert.ok(cluster.target.steps.some(({ node }) => node === "c"));
    await cluster.advance(20_000);
    assert.equal(requests(master), cluster.target.steps.length);
    if (load === OPEN) assert.deepEqual(iterationCounts(master), [400, 400, 400, 0]);
    assert.equal(master.result!.complete, true);
  }
});

Deno.test("a worker that dies in a pause costs nothing but its own counts", async () => {
  const { cluster, master } = distributed(OPEN);
  await cluster.advance(4_000);
  master.run.control.pause();
  await cluster.advance(500);
  const before = cluster.target.steps.length;
  cluster.workers[1]!.kill();
  await cluster.advance(10_000);
  assert.equal(cluster.target.steps.length, before);
  master.run.control.resume();
  await cluster.advance(30_000);
  // Its share of what was due in the next quarter of a second of the schedule is lost, as without a pause.
  const { scheduled, dropped } = master.result!.statistics.iterations!;
  assert.ok(scheduled >= 390 && scheduled <= 400, `${scheduled}`);
  assert.equal(dropped, 0);
  assert.deepEqual(workerStates(master), ["a finished true", "b lost false"]);
});

Deno.test("a worker that was cut off when the run went on hears of it when it is back", async () => {
  const { cluster, master } = distributed({ users: 6, runTime: 20 });
  await cluster.advance(3_000);
  master.run.control.pause();
  await cluster.advance(1_000);
  cluster.workers[1]!.line.stall();
  master.run.control.resume();
  await cluster.advance(3_000);
  cluster.workers[1]!.line.cut();
  cluster.workers[1]!.line.resume();
  await cluster.advance(3_000);
  const last = cluster.target.steps.slice(-20);
  assert.ok(last.some(({ node }) => node === "b"));
  await cluster.advance(30_000);
  assert.equal(requests(master), cluster.target.steps.length);
  assert.equal(master.result!.complete, true);
});

Deno.test("a run whose master dies in a pause is paused until it is told to go on", async () => {
  for (const load of [OPEN, { users: 6, runTime: 8 }]) {
    const { cluster, master } = distributed(load);
    await cluster.advance(2_000);
    master.run.control.pause();
    await cluster.advance(1_000);
    master.run.control.resume();
    await cluster.advance(2_000);
    master.run.control.pause();
    await cluster.advance(1_000);
    const before = cluster.target.steps.length;
    master.kill();
    await cluster.advance(1_000);
    const second = await cluster.nextMaster();
    await cluster.advance(6_000);
    assert.equal(cluster.target.steps.length, before);
    assert.equal(second.seconds.at(-1)!.pauses.at(-1)!.to, null);
    second.run.control.resume();
    await cluster.advance(30_000);
    assert.equal(requests(second), cluster.target.steps.length);
    assert.equal(second.result!.complete, true);
    assert.equal(second.result!.pauses.length, 2);
    assert.ok(Math.abs(second.result!.durationSeconds - 8) < 0.7);
    if (load === OPEN) assert.deepEqual(iterationCounts(second), [400, 400, 400, 0]);
  }
});

Deno.test("iterations that workers share are exact over a pause, also those that were asked for before", async () => {
  const { cluster, master } = distributed({ users: 6, iterations: 100 });
  await cluster.advance(2_000);
  master.run.control.pause();
  await cluster.advance(1_000);
  const before = cluster.target.steps.length;
  await cluster.advance(10_000);
  assert.equal(cluster.target.steps.length, before);
  master.run.control.resume();
  await cluster.advance(30_000);
  assert.deepEqual(iterationCounts(master), [100, 100, 100, 0]);
  assert.equal(cluster.target.steps.length, 100);
});

Deno.test("a distributed run that is stopped in a pause ends, and nothing more is sent", async () => {
  const { cluster, master } = distributed({ users: 6 });
  await cluster.advance(2_000);
  master.run.control.pause();
  await cluster.advance(1_000);
  const before = cluster.target.steps.length;
  master.run.stop();
  await cluster.advance(1_000);
  assert.equal(master.result!.state, "stopped");
  assert.equal(cluster.target.steps.length, before);
  assert.equal(requests(master), before);
  assert.equal(cluster.clock.pending, 0);
});
