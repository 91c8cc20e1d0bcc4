import assert from "node:assert/strict";
import { AiotestError, PreparationError } from "../../src/core/errors.ts";
import { LoadUserShape, type Tick } from "../../src/load/load_user_shape.ts";
import { FastHttpUser } from "../../src/user/fast_http_user.ts";
import { User } from "../../src/user/user.ts";
import { report } from "../support/reports.ts";
import { scriptedWorker } from "../support/scripted_worker.ts";
import { requests, VirtualCluster, workerStates } from "../support/virtual_cluster.ts";

/** An error that ends the run with exit code 4. */
function assertEnded(error: unknown, message: string): void {
  assert.ok(error instanceof AiotestError, String(error));
  assert.deepEqual([error.message, error.exitCode], [message, 4]);
}

Deno.test("what the workers' users do is counted once, and the result has all of it", async () => {
  const cluster = new VirtualCluster({ users: 6, runTime: 3.5 });
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(10_000);
  const result = master.result!;
  assert.equal(result.state, "stopped");
  assert.equal(result.complete, true);
  assert.equal(result.durationSeconds, 3.5);
  assert.deepEqual(result.users, { current: 0, target: 6, peak: 6, final: 6 });
  assert.equal(cluster.target.steps.length, 24);
  assert.equal(requests(master), 24);
  assert.deepEqual(
    result.statistics.timeline.map(({ second, users, requests }) => [second, users, requests]),
    [[0, 6, 6], [1, 6, 6], [2, 6, 6], [3, 0, 6]],
  );
  assert.deepEqual(workerStates(master), ["a finished true", "b finished true"]);
  assert.deepEqual(master.infos, ["1 of 2 workers are ready.", "2 of 2 workers are ready."]);
  assert.deepEqual(master.warnings, []);
  assert.ok(cluster.workers.every(({ ended, error }) => ended && error === null));
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("nothing starts before enough workers are ready", async () => {
  const cluster = new VirtualCluster({ runTime: 2 });
  const master = cluster.master({ expectedWorkers: 3 });
  cluster.worker("a");
  cluster.worker("b");
  await cluster.advance(60_000, () => assert.equal(cluster.target.users(), 0), 1000);
  assert.equal(master.run.snapshot().state, "ready");
  cluster.worker("c");
  await cluster.advance(5_000);
  assert.equal(master.result!.complete, true);
  assert.equal(master.result!.durationSeconds, 2);
});

Deno.test("workers that become ready are announced at most once a second, and when all are ready", async () => {
  const cluster = new VirtualCluster({ runTime: 1 });
  const master = cluster.master({ expectedWorkers: 5 });
  for (const name of ["a", "b", "c"]) cluster.worker(name);
  await cluster.advance(500);
  assert.deepEqual(master.infos, ["1 of 5 workers are ready."]);
  await cluster.advance(1_000);
  assert.deepEqual(master.infos.slice(1), ["3 of 5 workers are ready."]);
  for (const name of ["d", "e"]) cluster.worker(name);
  await cluster.advance(10);
  assert.deepEqual(master.infos.slice(2), ["5 of 5 workers are ready."]);
  // A run that waits shows its state every second.
  assert.deepEqual(master.seconds.map(({ state, workers }) => [state, workers.length]), [
    ["ready", 3],
  ]);
});

Deno.test("each report is counted, passed on as an event, and watched for a worker that cannot keep up", async () => {
  const cluster = new VirtualCluster({ users: 2, runTime: 12 });
  const master = cluster.master({ expectedWorkers: 1 });
  const reports: unknown[] = [];
  master.events.on("workerReport", ({ workerId, report }) => void reports.push([workerId, report]));
  const busy = await scriptedWorker(cluster, "busy");
  busy.sendState("ready");
  busy.ping(40);
  for (let seq = 1; seq <= 6; seq++) {
    await cluster.advance(1_000);
    const [from, to] = [2 * seq - 2, 2 * seq - 1];
    const users = [
      { second: from, users: 7, peakUsers: 9, requests: 20, failures: 2, maxLagMs: 0 },
      { second: to, users: 6, peakUsers: 7, requests: 30, failures: 1, maxLagMs: 0 },
    ];
    busy.channel.send(report({ runId: "run-1", seq, from, to, seconds: users, cpu: 0.98, lag: 3 }));
  }
  await cluster.advance(1);
  assert.deepEqual(reports[1], [
    "busy",
    { from: 2, to: 3, users: 6, requests: 50, failures: 3, cpu: 0.98, lagMs: 3 },
  ]);
  assert.equal(reports.length, 6);
  assert.equal(master.warnings.length, 1);
  assert.match(master.warnings[0]!, /^Worker busy used over 90 % of a core/);
  master.run.stop();
  await cluster.advance(40_000);
});

Deno.test("a worker that did not run for a while is named in the warnings, with when that was", async () => {
  const cluster = new VirtualCluster({ users: 2, runTime: 5 });
  const master = cluster.master({ expectedWorkers: 1 });
  const stalled = await scriptedWorker(cluster, "stalled");
  stalled.sendState("ready");
  stalled.ping(40);
  await cluster.advance(2_500);
  const counts = { users: 2, peakUsers: 2, requests: 1, failures: 0 };
  const seconds = [
    { ...counts, second: 0, maxLagMs: 300 },
    { ...counts, second: 1, maxLagMs: 1_540 },
  ];
  stalled.channel.send(report({ runId: "run-1", seq: 1, from: 0, to: 1, seconds }));
  await cluster.advance(40_000);
  const text =
    "Worker stalled did not run for 1.5 s, until 1s of the test: it was suspended, or code of " +
    "the test file blocked it. Latencies measured then include this time.";
  assert.equal(master.warnings[0], text);
  assert.ok(master.result!.warnings.includes(text));
  assert.equal(master.result!.statistics.timeline[1]!.maxLagMs, 1_540);
});

Deno.test("too few workers in time end the run with exit code 4", async () => {
  const cluster = new VirtualCluster({});
  const master = cluster.master({ expectedWorkers: 3, expectSeconds: 10 });
  cluster.worker("a");
  await cluster.advance(9_900);
  assert.ok(master.error === null);
  await cluster.advance(200);
  assertEnded(master.error, "1 of 3 workers joined within 10 s");
  assert.equal(cluster.workers[0]!.ended, true);
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("a run that is stopped before it starts has counted nothing, and lacks nothing", async () => {
  const cluster = new VirtualCluster({});
  const master = cluster.master();
  cluster.worker("a");
  await cluster.advance(1_000);
  master.run.stop();
  await cluster.advance(1_000);
  assert.equal(master.result!.startedAt, null);
  assert.equal(master.result!.complete, true);
  assert.equal(cluster.workers[0]!.ended, true);
});

Deno.test("each user starts at its time, in the right class, on the worker with the fewest users", async () => {
  const cluster = new VirtualCluster(
    { users: 23, rate: 10 },
    (target) => [
      target.userClass("ATest", 5),
      target.userClass("BTest", 3),
      target.userClass("CTest", 1),
    ],
  );
  const { clock, target, classNames, mix } = cluster;
  cluster.master({ expectedWorkers: 3 });
  for (const name of ["a", "b", "c"]) cluster.worker(name);
  await cluster.advance(4_000, () => {
    const due = Math.min(23, Math.floor(clock.now() / 100) + 1);
    assert.equal(target.users(), due, `at ${clock.now()} ms`);
    assert.deepEqual(target.usersOf(classNames), mix.counts(due));
    const each = ["a", "b", "c"].map((name) => target.users(name));
    assert.ok(Math.max(...each) - Math.min(...each) <= 1, String(each));
  }, 20);
  assert.equal(target.ids.length, 23);
});

Deno.test("users start and stop at the rate asked for, however many workers share it", async () => {
  class WaveShape extends LoadUserShape {
    override tick(): Tick | null {
      return this.getRunTime() < 2 ? [400, 400] : [100, 150];
    }
  }
  const cluster = new VirtualCluster(
    { shape: new WaveShape() },
    (target) => [target.userClass("ATest", 2), target.userClass("BTest", 1)],
  );
  const { clock, target } = cluster;
  cluster.master({ expectedWorkers: 4 });
  for (const name of ["a", "b", "c", "d"]) cluster.worker(name);
  await cluster.advance(5_000, () => {
    const now = clock.now() / 1000;
    const wanted = now < 2 ? Math.min(400, now * 400) : Math.max(100, 400 - (now - 2) * 150);
    // A worker gets at most one assignment every 50 ms.
    const late = 0.05 * (now < 2 ? 400 : 150) + 4;
    const [low, high] = now < 2 ? [wanted - late, wanted + 1] : [wanted - 1, wanted + late];
    assert.ok(target.users() >= low && target.users() <= high, `${target.users()} at ${now} s`);
  }, 10);
  assert.deepEqual(["a", "b", "c", "d"].map((name) => target.users(name)), [25, 25, 25, 25]);
  assert.deepEqual(target.usersOf(cluster.classNames), cluster.mix.counts(100));
});

Deno.test("no two users of a run have the same id", async () => {
  const cluster = new VirtualCluster({ users: 20, runTime: 4 });
  cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(2_000);
  cluster.worker("c");
  await cluster.advance(5_000);
  const { ids } = cluster.target;
  assert.ok(ids.length > 20);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(Math.min(...ids), 1);
});

Deno.test("a worker that joins late gets its share, and no other users move", async () => {
  const cluster = new VirtualCluster({ users: 12, runTime: 5.5 });
  const { target } = cluster;
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(2_300);
  const before = new Set(target.alive.keys());
  cluster.worker("c");
  await cluster.advance(2_000, () => assert.ok(target.users() <= 12));
  assert.deepEqual(["a", "b", "c"].map((name) => target.users(name)), [4, 4, 4]);
  assert.equal([...target.alive.keys()].filter((id) => before.has(id)).length, 8);
  await cluster.advance(5_000);
  assert.equal(requests(master), target.steps.length);
  assert.equal(master.result!.complete, true);
  // It counts the same seconds as the others.
  assert.equal(master.result!.statistics.timeline.length, 6);
});

Deno.test("a worker that leaves hands over its users at once, and all its counts", async () => {
  const cluster = new VirtualCluster({ users: 12, runTime: 6 });
  const { target } = cluster;
  const master = cluster.master({ expectedWorkers: 3 });
  const [, , leaver] = ["a", "b", "c"].map((name) => cluster.worker(name));
  await cluster.advance(2_500);
  leaver!.run.leave();
  await cluster.advance(1_500, () => assert.ok(target.users() <= 12));
  assert.deepEqual([leaver!.ended, leaver!.error], [true, null]);
  assert.deepEqual(["a", "b", "c"].map((name) => target.users(name)), [6, 6, 0]);
  await cluster.advance(10_000);
  assert.equal(requests(master), target.steps.length);
  assert.deepEqual(workerStates(master), ["a finished true", "b finished true", "c left true"]);
  assert.equal(master.result!.complete, true);
  assert.deepEqual(master.warnings, []);
});

Deno.test("a connection that is cut and reopened moves no user and loses no count", async () => {
  const cluster = new VirtualCluster({ users: 8, runTime: 12 });
  const { target } = cluster;
  const master = cluster.master();
  const [a, b] = ["a", "b"].map((name) => cluster.worker(name));
  for (let cut = 0; cut < 9; cut++) {
    await cluster.advance(1_130);
    (cut % 3 === 0 ? b! : a!).line.cut();
  }
  await cluster.advance(5_000);
  assert.equal(a!.line.opened, 7);
  assert.equal(target.ids.length, 8);
  assert.equal(requests(master), target.steps.length);
  assert.deepEqual(workerStates(master), ["a finished true", "b finished true"]);
  assert.deepEqual(master.warnings, []);
});

for (
  const [fault, begin, end] of [["stalls", "stall", "resume"], ["breaks", "break", "mend"]] as const
) {
  Deno.test(`a network that ${fault}: the users move after the lease, and come back with the network`, async () => {
    const cluster = new VirtualCluster({ users: 12, runTime: 30 });
    const { clock, target } = cluster;
    const master = cluster.master();
    const [, b] = ["a", "b"].map((name) => cluster.worker(name));
    await cluster.advance(4_000);
    const since = clock.now();
    b!.line[begin]();
    let stopped = Infinity;
    let moved = Infinity;
    await cluster.advance(8_000, () => {
      assert.ok(target.users() <= 12, `${target.users()} users at ${clock.now() - since} ms`);
      if (target.users("b") === 0) stopped = Math.min(stopped, clock.now() - since);
      if (target.users("a") === 12) moved = Math.min(moved, clock.now() - since);
    });
    assert.ok(stopped > 4_000 && stopped < 6_000, String(stopped));
    assert.ok(moved >= stopped && moved <= 7_300, String(moved));
    const lastStep = target.steps.findLast(({ node }) => node === "b")!.atMs - since;
    assert.ok(lastStep <= 5_000, String(lastStep));
    assert.equal(
      b!.warnings.filter((text) => /The master has been silent for 5 s/.test(text)).length,
      1,
    );
    assert.equal(
      master.warnings[0],
      "Worker b has been silent for 6 s: its users go to the other workers.",
    );
    b!.line[end]();
    await cluster.advance(4_000, () => assert.ok(target.users() <= 12));
    assert.deepEqual([target.users("a"), target.users("b")], [6, 6]);
    assert.ok(master.infos.includes("Worker b is back."));
    await cluster.advance(20_000);
    assert.equal(requests(master), target.steps.length);
    assert.deepEqual(workerStates(master), ["a finished true", "b finished true"]);
    assert.equal(master.result!.complete, true);
  });
}

Deno.test("a worker that is cut off for less than its lease keeps its users", async () => {
  const cluster = new VirtualCluster({ users: 8, runTime: 10 });
  const { target } = cluster;
  const master = cluster.master();
  const [, b] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(3_000);
  b!.line.break();
  await cluster.advance(3_000, () => assert.equal(target.users(), 8));
  b!.line.mend();
  await cluster.advance(10_000);
  assert.equal(target.ids.length, 8);
  assert.equal(requests(master), target.steps.length);
  assert.equal(master.result!.complete, true);
  assert.deepEqual(master.warnings, []);
});

Deno.test("the users of a worker that dies go to the others, and the result says which counts are missing", async () => {
  const cluster = new VirtualCluster({ users: 12, runTime: 20 });
  const { target } = cluster;
  const master = cluster.master({ expectedWorkers: 3 });
  const [, , c] = ["a", "b", "c"].map((name) => cluster.worker(name));
  await cluster.advance(5_500);
  c!.kill();
  await cluster.advance(8_000, () => assert.ok(target.users() <= 12));
  assert.deepEqual(["a", "b"].map((name) => target.users(name)), [6, 6]);
  await cluster.advance(30_000);
  const result = master.result!;
  assert.equal(result.complete, false);
  assert.deepEqual(workerStates(master), ["a finished true", "b finished true", "c lost false"]);
  const counted = target.steps.filter(({ node, atMs }) => node !== "c" || atMs < 5_000).length;
  assert.equal(requests(master), counted);
  assert.deepEqual(master.warnings, [
    "Worker c has been silent for 6 s: its users go to the other workers.",
    "Worker c has not sent its final report: up to 7 s of its counts are missing.",
  ]);
  assert.deepEqual(result.warnings, master.warnings.slice(1));
});

Deno.test("without a worker to run users, the run ends with exit code 4", async () => {
  const cluster = new VirtualCluster({ users: 4 });
  const master = cluster.master();
  const workers = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(3_000);
  for (const worker of workers) worker.kill();
  await cluster.advance(5_500);
  assert.equal(master.run.failure, null);
  await cluster.advance(4_000);
  assertEnded(master.run.failure, "No worker is left to run users");
  assert.equal(master.result!.complete, false);
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("when all workers have left, one that joins before the lease is over gets all users", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 20 });
  const master = cluster.master({ expectedWorkers: 1 });
  const a = cluster.worker("a");
  await cluster.advance(3_000);
  a.run.leave();
  await cluster.advance(4_000);
  assert.equal(cluster.target.users(), 0);
  cluster.worker("b");
  await cluster.advance(1_500);
  assert.equal(cluster.target.users("b"), 4);
  await cluster.advance(20_000);
  assert.equal(master.run.failure, null);
  assert.equal(master.result!.complete, true);
  assert.equal(requests(master), cluster.target.steps.length);
});

Deno.test("stop ends the run early, with everything that was counted", async () => {
  const cluster = new VirtualCluster({ users: 6 });
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(2_500);
  master.run.stop();
  await cluster.advance(1_000);
  assert.equal(master.result!.durationSeconds, 2.5);
  assert.equal(requests(master), 18);
  assert.equal(master.result!.complete, true);
});

Deno.test("tests that run at the end may finish, and the master waits for them", async () => {
  class SlowTest extends User {
    async testSlow(): Promise<void> {
      await this.measure("slow", () => this.sleep(5));
    }
  }
  const cluster = new VirtualCluster({ users: 2, runTime: 2, stopTimeout: 4 }, () => [SlowTest]);
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(20_000);
  // The second user's worker gets its assignment 50 ms after the first one's.
  assert.equal(master.result!.durationSeconds, 5.05);
  assert.equal(requests(master), 2);
  assert.deepEqual(master.seconds.map(({ elapsedSeconds, state }) => [elapsedSeconds, state]), [
    [1, "running"],
    [3, "stopping"],
    [4, "stopping"],
    [5, "stopping"],
  ]);
});

Deno.test("the master waits until the deadline for a worker that never sends its final report", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 3 });
  const master = cluster.master();
  cluster.worker("a");
  const mute = await scriptedWorker(cluster, "mute");
  mute.sendState("ready");
  mute.ping(40);
  await cluster.advance(24_900);
  assert.deepEqual(mute.received.find(({ type }) => type === "STOP"), {
    type: "STOP",
    deadline: 22,
    why: "",
  });
  assert.equal(master.result, null);
  await cluster.advance(200);
  assert.equal(master.result!.durationSeconds, 25);
  assert.equal(master.result!.complete, false);
  assert.deepEqual(master.warnings, [
    "Worker mute has not sent its final report: up to 25 s of its counts are missing.",
  ]);
  assert.equal(mute.received.at(-1)!.type, "QUIT");
});

Deno.test("the master waits longer for final reports while reports arrive, because it may be slow itself", async () => {
  const ends = async (final: number): Promise<[seconds: number, complete: boolean]> => {
    const cluster = new VirtualCluster({ users: 4, runTime: 3 });
    const master = cluster.master();
    cluster.worker("a");
    const slow = await scriptedWorker(cluster, "slow");
    slow.sendState("ready");
    slow.ping(200);
    for (let seq = 1; master.result === null; seq++) {
      await cluster.advance(8_000);
      const seconds = { runId: "run-1", from: 0, to: 0 };
      slow.channel.send(report({ seq, final: seq === final, ...seconds }));
      await cluster.advance(0);
    }
    const { durationSeconds, complete } = master.result;
    return [Math.floor(durationSeconds), complete];
  };
  assert.deepEqual(await ends(6), [48, true]);
  // It does not wait for more than a minute.
  assert.deepEqual(await ends(Infinity), [85, false]);
});

Deno.test("the master does not wait for a worker that gets ready while the test stops", async () => {
  const cluster = new VirtualCluster({ users: 2, runTime: 3, stopTimeout: 4 }, () => {
    class SlowTest extends User {
      async testSlow(): Promise<void> {
        await this.sleep(5);
      }
    }
    return [SlowTest];
  });
  const master = cluster.master({ expectedWorkers: 1 });
  cluster.worker("a");
  const late = await scriptedWorker(cluster, "late");
  late.sendState("preparing");
  await cluster.advance(3_500);
  late.sendState("ready");
  await cluster.advance(4_000);
  assert.equal(master.result!.complete, true);
  assert.equal(master.result!.durationSeconds, 5.05);
  assert.ok(!late.received.some(({ type }) => type === "START"));
});

Deno.test("a worker that leaves before the test starts does not count as ready", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 3 });
  const master = cluster.master();
  const [a] = ["a"].map((name) => cluster.worker(name));
  await cluster.advance(1_000);
  a!.run.leave();
  await cluster.advance(1_000);
  assert.equal(a!.ended, true);
  cluster.worker("b");
  await cluster.advance(1_000);
  assert.equal(master.run.snapshot().state, "ready");
  cluster.worker("c");
  await cluster.advance(5_000);
  assert.equal(master.result!.complete, true);
  assert.equal(requests(master), cluster.target.steps.length);
});

Deno.test("a worker that is cut off before the test starts does not count as ready until it is back", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 4 });
  const master = cluster.master();
  const a = cluster.worker("a");
  await cluster.advance(1_000);
  a.line.break();
  cluster.worker("b");
  await cluster.advance(1_000);
  assert.equal(master.run.snapshot().state, "ready");
  a.line.mend();
  await cluster.advance(10_000);
  assert.equal(master.result!.complete, true);
  assert.deepEqual(workerStates(master), ["a finished true", "b finished true"]);
});

Deno.test("--reset-stats drops what was counted before all users ran, on every node", async () => {
  const cluster = new VirtualCluster({ users: 4, rate: 1, runTime: 8 });
  const master = cluster.master({ resetStats: true });
  for (const name of ["a", "b"]) cluster.worker(name);
  let resetAt = NaN;
  master.events.on("startComplete", () => void (resetAt = cluster.clock.now()));
  await cluster.advance(15_000);
  const result = master.result!;
  assert.ok(resetAt >= 3_000 && resetAt <= 4_100, String(resetAt));
  assert.equal(result.durationSeconds, 8 - resetAt / 1000);
  const counted = cluster.target.steps.filter(({ atMs }) => atMs > resetAt).length;
  assert.ok(counted >= 12);
  assert.equal(requests(master), counted);
  assert.equal(result.workers.reduce((sum, { requests }) => sum + requests, 0), counted);
  assert.equal(result.complete, true);
});

Deno.test("a worker that was cut off when all users ran starts the new part of the run when it is back", async () => {
  const cluster = new VirtualCluster({ users: 4, rate: 1, runTime: 10 });
  const master = cluster.master({ resetStats: true });
  const [, b] = ["a", "b"].map((name) => cluster.worker(name));
  const started: string[] = [];
  for (const { name, events } of cluster.workers) {
    events.on("startComplete", ({ userCount }) => void started.push(`${name} ${userCount}`));
  }
  // The message of this moment is lost.
  master.events.on("startComplete", () => b!.line.cut());
  await cluster.advance(20_000);
  assert.equal(b!.line.opened, 2);
  assert.deepEqual(started.toSorted(), ["a 4", "b 4"]);
  assert.equal(master.result!.complete, true);
  const [rowA, rowB] = master.result!.workers;
  assert.ok(rowA!.requests >= 12 && rowB!.requests >= 12, `${rowA!.requests} ${rowB!.requests}`);
});

Deno.test("events are emitted on every node, in their order", async () => {
  const cluster = new VirtualCluster({ users: 3, rate: 2, runTime: 4 });
  const master = cluster.master();
  const workers = ["a", "b"].map((name) => cluster.worker(name));
  const seen: string[] = [];
  for (
    const [node, { events }] of [["master", master], ["a", workers[0]!], [
      "b",
      workers[1]!,
    ]] as const
  ) {
    events.on("testStart", ({ run }) => void seen.push(`${node} testStart ${run.id} ${run.node}`));
    events.on(
      "startComplete",
      ({ userCount }) => void seen.push(`${node} startComplete ${userCount}`),
    );
    events.on("testStop", ({ run }) => void seen.push(`${node} testStop ${run.userCount}`));
  }
  const reports: unknown[] = [];
  master.events.on("workerReport", ({ workerId, report }) => {
    reports.push([workerId, report.from, report.to, report.users, report.requests]);
    assert.deepEqual([report.failures, report.cpu, report.lagMs], [0, 0, 0]);
  });
  await cluster.advance(10_000);
  assert.deepEqual(seen.filter((line) => line.startsWith("a")), [
    "a testStart run-1 a",
    "a startComplete 3",
    "a testStop 0",
  ]);
  assert.deepEqual(seen.filter((line) => line.startsWith("b")).length, 3);
  assert.equal(seen[0], "master testStart run-1 master");
  assert.equal(seen.at(-1), "master testStop 0");
  assert.equal(seen.filter((line) => line === "master startComplete 3").length, 1);
  assert.deepEqual(reports.slice(0, 2), [["a", 0, 0, 1, 1], ["b", 0, 0, 1, 1]]);
  assert.equal(
    reports.reduce<number>((sum, report) => sum + (report as number[])[4]!, 0),
    cluster.target.steps.length,
  );
});

/** An error of the command line with exit code 2. */
function assertRefused(error: unknown, message: string): void {
  assert.ok(error instanceof AiotestError, String(error));
  assert.deepEqual([error.message, error.exitCode], [message, 2]);
}

Deno.test("a handler of testStart that throws on the master ends the run, and workers are told why", async () => {
  const cluster = new VirtualCluster({});
  const master = cluster.master();
  master.events.on("testStart", () => Promise.reject(new Error("no data")));
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(10_000);
  const message = "A handler of the event testStart threw: no data";
  assertRefused(master.run.failure, message);
  assert.equal(master.result!.startedAt, null);
  assert.equal(cluster.target.ids.length, 0);
  for (const { ended, error } of cluster.workers) {
    assert.equal(ended, true);
    assertRefused(error, `The master at here:5557 has ended the run: ${message}`);
  }
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("a handler of init that throws on a worker ends the run before it starts", async () => {
  const cluster = new VirtualCluster({});
  const master = cluster.master();
  const message = "A handler of the event init threw: no data";
  cluster.worker("a");
  cluster.worker("b", { setUp: () => Promise.reject(new PreparationError(message)) });
  await cluster.advance(10_000);
  assertRefused(master.run.failure, `Worker b: ${message}`);
  assert.equal(master.result!.startedAt, null);
  assert.equal(cluster.target.ids.length, 0);
  assertRefused(
    cluster.workers[0]!.error,
    `The master at here:5557 has ended the run: Worker b: ${message}`,
  );
  assertRefused(cluster.workers[1]!.error, message);
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("handlers of testStart that throw on all workers end the run, and no user starts", async () => {
  const cluster = new VirtualCluster({});
  const master = cluster.master();
  for (const name of ["a", "b"]) {
    cluster.worker(name).events.on("testStart", () => {
      throw new Error("no data");
    });
  }
  await cluster.advance(30_000);
  assertRefused(master.run.failure, "Worker a: A handler of the event testStart threw: no data");
  assert.equal(cluster.target.ids.length, 0);
  for (const { error } of cluster.workers) {
    assertRefused(error, "A handler of the event testStart threw: no data");
  }
});

Deno.test("a relative URL without a host ends the run on all workers", async () => {
  class ShopTest extends FastHttpUser {
    async testSearch(): Promise<void> {
      await this.session.get("/search");
    }
  }
  const cluster = new VirtualCluster({ users: 4, runTime: 60 }, () => [ShopTest]);
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(30_000);
  const { failure } = master.run;
  assert.ok(failure instanceof PreparationError);
  assert.match(
    failure.message,
    /^Worker [ab]: ShopTest has no host, so it cannot request '.search'$/,
  );
  assert.equal(master.result!.statistics.totals.requests, 0);
  assert.equal(master.result!.statistics.userErrors.length, 0);
  assert.equal(master.result!.complete, true);
});

Deno.test("a worker that is not prepared and joins late leaves, and the run goes on", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 20 });
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(5_000);
  cluster.worker("late").events.on("testStart", () => {
    throw new Error("no data");
  });
  await cluster.advance(30_000);
  assert.equal(master.run.failure, null);
  assert.ok(
    master.warnings.includes("Worker late: A handler of the event testStart threw: no data"),
  );
  assert.equal(requests(master), cluster.target.steps.length);
});

Deno.test("what handlers of testStop throw on workers and the master is counted", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 3.5 });
  const master = cluster.master();
  const nodes = [master, ...["a", "b"].map((name) => cluster.worker(name))];
  for (const { events } of nodes) {
    events.on("testStop", () => Promise.reject(new Error("cannot clean up")));
  }
  await cluster.advance(10_000);
  const { statistics, complete } = master.result!;
  assert.equal(complete, true);
  assert.deepEqual(statistics.userErrors, [
    { user: "(event testStop)", error: "cannot clean up", place: null, count: 3 },
  ]);
  assert.equal(statistics.timeline.length, 4);
  assert.equal(requests(master), cluster.target.steps.length);
});

Deno.test("a shape that throws ends the run with what was counted", async () => {
  class BrokenShape extends LoadUserShape {
    override tick(): Tick | null {
      if (this.getRunTime() >= 2) throw new Error("no more");
      return [4, 100];
    }
  }
  const cluster = new VirtualCluster({ shape: new BrokenShape() });
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(10_000);
  assert.match(String(master.run.failure), /BrokenShape\.tick\(\) at 2\.0 s threw: no more/);
  assert.equal(requests(master), cluster.target.steps.length);
  assert.equal(master.result!.complete, true);
});

Deno.test("counts that a worker cannot report make the run incomplete, and the others arrive", async () => {
  class HugeTest extends User {
    static override waitTime = 10;
    testHuge(): void {
      this.record({ name: "step", latencyMs: 1 });
      // Their sum is no whole number any more.
      if (this.run.node !== "a" || this.run.runTime < 5) return;
      for (let i = 0; i < 2; i++) {
        this.record({ name: "huge", latencyMs: 1, bytes: Number.MAX_SAFE_INTEGER });
      }
    }
  }
  const cluster = new VirtualCluster({ users: 6, runTime: 15 }, () => [HugeTest]);
  const master = cluster.master();
  const [one, two] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(30_000);
  const { complete, statistics, warnings } = master.result!;
  assert.equal(complete, false);
  assert.deepEqual(statistics.requests.map(({ name, requests }) => [name, requests]), [[
    "step",
    9,
  ]]);
  assert.deepEqual(warnings, ["Worker a could not report some of its counts; its log says why."]);
  assert.equal(one!.warnings.length, 1);
  assert.match(
    one!.warnings[0]!,
    /^Some counts cannot be reported, so those of the run are incomplete: .*bytesReceived must be/,
  );
  assert.deepEqual(two!.warnings, []);
});

Deno.test("a testStop of a worker that throws or does not end is part of the report", async () => {
  const cluster = new VirtualCluster({ users: 2, runTime: 3 });
  const master = cluster.master();
  const [throwing, hanging] = ["a", "b"].map((name) => cluster.worker(name));
  throwing!.events.on("testStop", () => Promise.reject(new Error("not removed")));
  hanging!.events.on("testStop", () => new Promise(() => {}));
  await cluster.advance(30_000);
  const { complete, statistics, warnings } = master.result!;
  assert.equal(complete, true);
  assert.deepEqual(statistics.userErrors, [
    { user: "(event testStop)", error: "not removed", place: null, count: 1 },
  ]);
  const overdue = "Handlers of the event testStop have not ended within 5 s.";
  assert.deepEqual(warnings, [`Worker b: ${overdue}`]);
  assert.deepEqual(hanging!.warnings, [overdue]);
});

Deno.test("messages of testStop reach all nodes before the run is over, whatever they take", async () => {
  const cluster = new VirtualCluster({ users: 3, runTime: 3 });
  const master = cluster.master({ expectedWorkers: 3 });
  const [a, b, lost] = ["a", "b", "c"].map((name) =>
    cluster.worker(name, { latencyMs: name === "b" ? 400 : 0 })
  );
  const whenQuit: string[] = [];
  for (const worker of [a!, b!]) {
    worker.events.on("testStop", () => {
      for (const to of ["all", "master", "a", "b"]) worker.send("bye", to);
    });
  }
  master.events.on("testStop", () => {
    whenQuit.push(`${a!.ended} ${b!.ended}`);
    // More than may be on their way to a worker at the same time.
    for (let count = 0; count < 100; count++) cluster.send("summary", "workers");
  });
  lost!.events.on("testStop", () => lost!.kill());
  await cluster.advance(60_000);
  assert.equal(master.error, null);
  assert.deepEqual(whenQuit, ["false false"]);
  const summaries = new Array(100).fill("summary from master");
  const byes = (name: string): string[] => new Array(2).fill(`bye from ${name}`);
  for (const worker of [a!, b!]) {
    assert.deepEqual(worker.messages, [...byes("a"), ...byes("b"), ...summaries]);
    assert.deepEqual([worker.ended, worker.error], [true, null]);
  }
  assert.deepEqual(cluster.messages.toSorted(), [...byes("a"), ...byes("b")]);
  assert.ok(!master.warnings.some((text) => text.startsWith("Messages")));
});

Deno.test("a second worker of the same name is rejected until the first one is lost", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 20 });
  const master = cluster.master();
  const first = cluster.worker("a");
  cluster.worker("b");
  await cluster.advance(2_000);
  const second = cluster.worker("a", { incarnation: "a's second" });
  await cluster.advance(2_000);
  assert.deepEqual(second.infos.filter((text) => /Joined/.test(text)), []);
  assert.match(second.infos[0]!, /a worker named a is already connected/);
  first.kill();
  await cluster.advance(9_000);
  assert.equal(second.infos.filter((text) => /Joined/.test(text)).length, 1);
  assert.equal(cluster.target.users(), 4);
  await cluster.advance(30_000);
  assert.equal(master.run.failure, null);
  assert.deepEqual(workerStates(master), ["a lost false", "b finished true", "a finished true"]);
});

Deno.test("a worker that reports another run is disconnected", async () => {
  const cluster = new VirtualCluster({});
  const master = cluster.master({ expectedWorkers: 2 });
  const stranger = await scriptedWorker(cluster, "stranger");
  stranger.channel.send(report({ runId: "run-0" }));
  await cluster.advance(100);
  assert.deepEqual(stranger.received.at(-1), {
    type: "ERROR",
    code: "run",
    text: "This is run run-1, and the report is of run-0.",
  });
  assert.equal(master.run.snapshot().workers.length, 1);
  master.run.stop();
  await cluster.advance(100);
});

Deno.test("a worker that reads nothing does not keep the master from ending", async () => {
  const cluster = new VirtualCluster({ users: 2, runTime: 20 });
  const master = cluster.master({ expectedWorkers: 1 });
  cluster.worker("a");
  const deaf = await scriptedWorker(cluster, "deaf", { capacity: 250, reads: 3 });
  deaf.sendState("preparing");
  deaf.ping(60);
  await cluster.advance(20_900);
  assert.ok(master.result === null);
  assert.equal(master.run.snapshot().workers[1]!.state, "preparing");
  await cluster.advance(200);
  assert.equal(master.result!.complete, true);
});

for (const [when, killAtMs] of [["while users start", 2_030], ["when all run", 6_030]] as const) {
  Deno.test(`a master killed ${when} and resumed leaves no gap in the load, and every count is there`, async () => {
    const cluster = new VirtualCluster({ users: 12, rate: 3, runTime: 14 });
    const { clock, target } = cluster;
    const first = cluster.master();
    for (const name of ["a", "b"]) cluster.worker(name);
    await cluster.advance(killAtMs);
    const usersBefore = target.users();
    first.kill();
    await cluster.advance(1_500, () => assert.equal(target.users(), usersBefore));
    const second = await cluster.nextMaster();
    await cluster.advance(11_000, () => {
      assert.ok(target.users() >= usersBefore || clock.now() >= 14_000, `${target.users()}`);
      assert.ok(target.users() <= 12);
    });
    const result = second.result!;
    assert.equal(requests(second), target.steps.length);
    assert.equal(target.ids.length, 12);
    assert.equal(result.runId, "run-1");
    assert.equal(result.complete, true);
    assert.equal(result.durationSeconds, 14);
    assert.deepEqual(workerStates(second), ["a finished true", "b finished true"]);
    assert.equal(first.result, null);
  });
}

Deno.test("a resumed run waits for missing workers, then others run their users", async () => {
  const cluster = new VirtualCluster({ users: 12, runTime: 40 });
  const { target } = cluster;
  const first = cluster.master();
  const [, b] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(5_000);
  first.kill();
  b!.kill();
  const second = await cluster.nextMaster();
  await cluster.advance(9_500);
  assert.deepEqual([target.users("a")], [6]);
  await cluster.advance(3_000);
  assert.deepEqual([target.users("a")], [12]);
  await cluster.advance(60_000);
  assert.equal(second.result!.complete, false);
  assert.deepEqual(workerStates(second), ["a finished true", "b lost false"]);
});

Deno.test("a resumed run without any worker ends", async () => {
  const cluster = new VirtualCluster({ users: 4 });
  const first = cluster.master();
  const workers = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(5_000);
  first.kill();
  for (const worker of workers) worker.kill();
  const second = await cluster.nextMaster();
  await cluster.advance(30_000);
  assert.match(String(second.run.failure), /No worker is left to run users/);
  assert.equal(second.result!.complete, false);
});

Deno.test("a resumed run whose workers had all left ends", async () => {
  const cluster = new VirtualCluster({ users: 4 });
  const first = cluster.master();
  const workers = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(5_000);
  for (const worker of workers) worker.run.leave();
  await cluster.advance(1_000);
  first.kill();
  const second = await cluster.nextMaster();
  await cluster.advance(30_000);
  assert.match(String(second.run.failure), /No worker is left to run users/);
  assert.equal(second.result!.complete, true);
});

Deno.test("a run that was stopping is completed by the next master", async () => {
  class SlowTest extends User {
    async testSlow(): Promise<void> {
      await this.measure("slow", () => this.sleep(5));
    }
  }
  const cluster = new VirtualCluster({ users: 4, runTime: 4, stopTimeout: 6 }, () => [SlowTest]);
  const first = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(4_200);
  first.kill();
  await cluster.advance(1_000);
  const second = await cluster.nextMaster();
  await cluster.advance(20_000);
  const result = second.result!;
  assert.equal(result.complete, true);
  assert.equal(requests(second), 4);
  assert.equal(result.users.final, 4);
  // The running tests end at 5 s; the next master starts at 5.2 s, and the workers find it.
  assert.ok(result.durationSeconds >= 5 && result.durationSeconds < 8, `${result.durationSeconds}`);
});

Deno.test("a restart at the moment all users run, with --reset-stats, counts everything after it", async () => {
  const cluster = new VirtualCluster({ users: 4, rate: 1, runTime: 12 });
  const first = cluster.master({ resetStats: true });
  const workers = ["a", "b"].map((name) => cluster.worker(name));
  first.events.on("startComplete", () => first.kill());
  await cluster.advance(5_000);
  const second = await cluster.nextMaster({ resetStats: true });
  await cluster.advance(20_000);
  assert.equal(second.result!.complete, true);
  const after = cluster.target.steps.filter(({ atMs }) => atMs > 5_500).length;
  assert.ok(after >= 20);
  assert.ok(requests(second) >= after, `${requests(second)} of ${after}`);
  assert.ok(workers.every(({ error }) => error === null));
});

Deno.test("a run that is resumed from a journal that was cut is incomplete", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 12 });
  const first = cluster.master();
  const workers = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(5_000);
  first.kill();
  const kept = cluster.journal.findIndex(({ type }) => type === "report") + 1;
  cluster.journal.splice(kept);
  const second = await cluster.nextMaster();
  await cluster.advance(30_000);
  assert.equal(second.result!.complete, false);
  for (const { error } of workers) {
    assert.match(
      String(error),
      /The master lacks report \d, which it had acknowledged: counts of this worker are lost/,
    );
  }
});

Deno.test("startComplete is emitted once, even if the run is resumed", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 12 });
  const said: string[] = [];
  const first = cluster.master();
  first.events.on("startComplete", () => void said.push("first"));
  const workers = ["a", "b"].map((name) => cluster.worker(name));
  for (const { name, events } of workers) {
    events.on("startComplete", () => void said.push(name));
  }
  await cluster.advance(3_000);
  first.kill();
  const second = await cluster.nextMaster();
  second.events.on("startComplete", () => void said.push("second"));
  await cluster.advance(20_000);
  assert.equal(second.result!.complete, true);
  assert.deepEqual(said.toSorted(), ["a", "b", "first"]);
});

Deno.test("a test that waits for its start starts nothing, although its workers are ready", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 2.5 });
  const master = cluster.master({ waitsForStart: true });
  const said: string[] = [];
  master.events.on("testStart", () => void said.push("testStart"));
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(30_000, () => assert.equal(cluster.target.users(), 0), 1000);
  assert.deepEqual(said, []);
  const { state, startedAt, workers } = master.seconds.at(-1)!;
  assert.deepEqual([state, startedAt], ["ready", null]);
  assert.deepEqual(workers.map(({ state }) => state), ["ready", "ready"]);
  assert.deepEqual(master.infos, ["1 of 2 workers are ready.", "2 of 2 workers are ready."]);

  master.run.control.start({ users: 6, rate: 1000 });
  await cluster.advance(10_000);
  const result = master.result!;
  assert.deepEqual(said, ["testStart"]);
  assert.deepEqual([result.durationSeconds, result.complete], [2.5, true]);
  assert.deepEqual(result.users, { current: 0, target: 6, peak: 6, final: 6 });
  assert.equal(cluster.target.steps.length, 18);
  assert.equal(requests(master), 18);
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("a test that is started before its workers are ready starts when they are", async () => {
  const cluster = new VirtualCluster({ users: 2, runTime: 1.5 });
  const master = cluster.master({ waitsForStart: true });
  cluster.worker("a");
  await cluster.advance(2_000);
  master.run.control.start(null);
  await cluster.advance(5_000, () => assert.equal(cluster.target.users(), 0));
  cluster.worker("b");
  await cluster.advance(6_000);
  assert.equal(master.result!.durationSeconds, 1.5);
  assert.equal(requests(master), 4);
});

Deno.test("a test that is stopped while it waits for its start never starts", async () => {
  const cluster = new VirtualCluster({});
  const master = cluster.master({ waitsForStart: true });
  const said: string[] = [];
  for (const name of ["testStart", "testStop"] as const) {
    master.events.on(name, () => void said.push(name));
  }
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(5_000);
  master.run.stop();
  await cluster.advance(2_000);
  const result = master.result!;
  assert.deepEqual([result.state, result.complete], ["stopped", true]);
  assert.deepEqual([result.startedAt, result.endedAt, result.durationSeconds], [null, null, 0]);
  assert.equal(result.statistics.totals.requests, 0);
  assert.deepEqual(result.warnings, []);
  assert.deepEqual(said, []);
  assert.ok(cluster.workers.every(({ ended, error }) => ended && error === null));
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("a resumed run is not started again, but one that was never started still waits", async () => {
  const begun = new VirtualCluster({ users: 2 });
  const first = begun.master({ waitsForStart: true });
  for (const name of ["a", "b"]) begun.worker(name);
  await begun.advance(1_000);
  first.run.control.start(null);
  await begun.advance(2_000);
  first.kill();
  const next = await begun.nextMaster({ waitsForStart: true });
  assert.equal(next.run.control.canStart, false);
  await begun.advance(5_000);
  assert.equal(begun.target.users(), 2);
  next.run.stop();
  await begun.advance(5_000);
  assert.equal(next.result!.complete, true);
  assert.equal(requests(next), begun.target.steps.length);

  const waiting = new VirtualCluster({ users: 2, runTime: 1.5 });
  waiting.master({ waitsForStart: true }).kill();
  const other = await waiting.nextMaster({ waitsForStart: true });
  for (const name of ["a", "b"]) waiting.worker(name);
  await waiting.advance(3_000);
  assert.deepEqual([other.run.control.canStart, waiting.target.ids.length], [true, 0]);
  other.run.control.start(null);
  await waiting.advance(5_000);
  assert.equal(requests(other), 4);
});

for (const [planned, steered] of [[20, 100], [100, 20]] as const) {
  Deno.test(`a resumed run knows that ${planned} iterations per second have become ${steered}`, async () => {
    const cluster = new VirtualCluster({ arrivalRate: planned, maxUsers: 300 });
    const first = cluster.master();
    for (const name of ["a", "b"]) cluster.worker(name);
    await cluster.advance(2_000);
    first.run.control.changeLoad({ arrivalRate: steered, maxUsers: 300 });
    await cluster.advance(4_700);
    first.kill();
    await cluster.advance(500);
    const next = await cluster.nextMaster();
    await cluster.advance(6_000);
    const { steps } = cluster.target;
    for (let second = 3; second < 13; second++) {
      const seen = steps.filter(({ atMs }) => Math.floor(atMs / 1000) === second).length;
      assert.ok(Math.abs(seen - steered) <= 2, `${seen} in second ${second}`);
    }
    assert.deepEqual(
      cluster.journal.filter(({ type }) => type === "steered"),
      [{ type: "steered", elapsedSeconds: 2, model: "open", users: 300, rate: steered }],
    );
    const { arrivalRate, users } = next.run.snapshot();
    assert.deepEqual([arrivalRate, users.target], [steered, 300]);
    next.run.stop();
    await cluster.advance(10_000);
    assert.equal(requests(next), steps.length);
  });
}

Deno.test("a resumed run keeps the users that were set by hand, until the profile is over", async () => {
  const cluster = new VirtualCluster({ users: 2, runTime: 12.5 });
  const first = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(2_000);
  first.run.control.changeLoad({ users: 7, rate: 1000 });
  await cluster.advance(1_000);
  first.run.control.changeLoad({ users: 5, rate: 1000 });
  await cluster.advance(2_000);
  first.kill();
  await cluster.advance(500);
  const next = await cluster.nextMaster();
  await cluster.advance(5_000, () => assert.equal(cluster.target.users(), 5));
  await cluster.advance(10_000);
  const { users, durationSeconds, complete } = next.result!;
  assert.deepEqual([users.peak, users.final, complete], [7, 5, true]);
  assert.ok(Math.abs(durationSeconds - 12.5) < 0.1, String(durationSeconds));
  assert.equal(requests(next), cluster.target.steps.length);
});

Deno.test("users that are changed during the run are spread over the workers, and counted", async () => {
  const cluster = new VirtualCluster({ users: 2, runTime: 6 });
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(2_500);
  master.run.control.changeLoad({ users: 8, rate: 1000 });
  await cluster.advance(1_000);
  assert.deepEqual(["a", "b"].map((name) => cluster.target.users(name)), [4, 4]);
  master.run.control.changeLoad({ users: 3, rate: 1000 });
  await cluster.advance(1_000);
  assert.equal(cluster.target.users(), 3);
  await cluster.advance(10_000);
  const result = master.result!;
  assert.deepEqual([result.users.peak, result.users.final, result.complete], [8, 3, true]);
  assert.equal(requests(master), cluster.target.steps.length);
  assert.throws(() => master.run.control.changeLoad({ users: 1, rate: 1 }), {
    message: "The test is over.",
  });
});

Deno.test("all workers together follow a changed arrival rate to the iteration", async () => {
  const cluster = new VirtualCluster({ arrivalRate: 20, maxUsers: 100, runTime: 6 });
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(2_500);
  const { elapsedSeconds } = master.run.snapshot();
  master.run.control.changeLoad({ arrivalRate: 60, maxUsers: 200 });
  await cluster.advance(15_000);
  const result = master.result!;
  const { scheduled, completed, dropped } = result.statistics.iterations!;
  const due = 20 * elapsedSeconds + 60 * (6 - elapsedSeconds);
  assert.ok(Math.abs(scheduled - due) <= 1, `${scheduled} of ${due}`);
  assert.deepEqual([completed, dropped], [scheduled, 0]);
  assert.equal(cluster.target.steps.length, scheduled);
  assert.deepEqual([result.arrivalRate, result.users.target], [60, 200]);
  const byNode = ["a", "b"].map((node) =>
    cluster.target.steps.filter((step) => step.node === node).length
  );
  assert.ok(Math.abs(byNode[0]! - byNode[1]!) <= 2, String(byNode));
});

Deno.test("in a resumed run a closed shape is asked for the present moment, not for the first", async () => {
  class FallingShape extends LoadUserShape {
    override tick(): Tick | null {
      return this.getRunTime() < 3 ? [10, 100] : this.getRunTime() < 12 ? [4, 100] : null;
    }
  }
  const cluster = new VirtualCluster({ shape: new FallingShape() });
  const { target } = cluster;
  const first = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(5_300);
  assert.equal(target.users(), 4);
  first.kill();
  await cluster.advance(1_000);
  const second = await cluster.nextMaster();
  await cluster.advance(3_000, () => assert.equal(target.users(), 4));
  await cluster.advance(10_000);
  assert.equal(second.result!.complete, true);
});

Deno.test("4 workers start 100 users per second, evenly", async () => {
  const cluster = new VirtualCluster({ users: 400, rate: 100 });
  cluster.master({ expectedWorkers: 4 });
  for (const name of ["a", "b", "c", "d"]) cluster.worker(name);
  await cluster.advance(6_000);
  const { ids, steps } = cluster.target;
  assert.equal(ids.length, 400);
  const starts = [...Map.groupBy(steps, ({ user }) => user).values()].map(([first]) => first!.atMs);
  const origin = Math.min(...starts);
  const byHalfSecond = Map.groupBy(starts, (atMs) => Math.floor((atMs - origin) / 500));
  const counts = [...byHalfSecond.values()].map(({ length }) => length);
  // The first one starts alone, and the others in groups of five every 50 ms.
  assert.deepEqual(counts, [45, 50, 50, 50, 50, 50, 50, 50, 5]);
});

class ShopTest extends User {
  static override waitTime = 1;
  testBrowse(): void {
    if (this.run.node !== "b") throw new Error("no basket");
  }
  testBuy(): void {
    throw new Error("no money");
  }
  testPay(): void {}
}

Deno.test("a warning names the tests that began on no worker", async () => {
  const cluster = new VirtualCluster({ users: 2, runTime: 9.5 }, () => [ShopTest]);
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(20_000);
  const text =
    "ShopTest.testPay never ran: in all 15 iterations an earlier test ended with an error, " +
    'mostly "no basket" in testBrowse.';
  assert.deepEqual(master.warnings, [text]);
  assert.deepEqual(master.result!.warnings, [text]);
});

Deno.test("a warning about tests that began on no known worker says that counts are missing", async () => {
  const cluster = new VirtualCluster({ users: 2, runTime: 9.5 }, () => [ShopTest]);
  const master = cluster.master();
  const [a] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(2_000);
  a!.kill();
  await cluster.advance(30_000);
  assert.match(
    master.result!.warnings.at(-1)!,
    /^As far as is known, ShopTest\.testPay never ran: in all \d+ iterations .* "no money" in testBuy\.$/,
  );
});

Deno.test("a master that resumes a run knows which tests began on workers that have left", async () => {
  const cluster = new VirtualCluster({ users: 2, runTime: 20 }, () => [ShopTest]);
  const first = cluster.master();
  const [a, b] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(3_000);
  b!.leave();
  await cluster.advance(3_000);
  assert.deepEqual([a!.ended, b!.ended], [false, true]);
  first.kill();
  const second = await cluster.nextMaster();
  await cluster.advance(40_000);
  assert.match(
    second.result!.warnings.join(),
    /^ShopTest\.testPay never ran: in \d+ of \d+ iterations/,
  );
});
