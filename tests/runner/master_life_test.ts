import assert from "node:assert/strict";
import { AiotestError } from "../../src/core/errors.ts";
import { MAX_SETUP_DATA } from "../../src/cluster/setup_data.ts";
import type { TestFunctions } from "../../src/runner/setup_teardown.ts";
import { User } from "../../src/user/user.ts";
import { requests, VirtualCluster, workerStates } from "../support/virtual_cluster.ts";

const NONE: TestFunctions = { setup: null, teardown: null };

/** An error of the command line with exit code 2. */
function assertRefused(error: unknown, message: string): void {
  assert.ok(error instanceof AiotestError, String(error));
  assert.deepEqual([error.message, error.exitCode], [message, 2]);
}

/** A cluster whose users note what they find in `run.data`, by their node. */
function dataCluster(profile: { readonly runTime: number }): {
  readonly cluster: VirtualCluster;
  readonly seen: Map<string, unknown>;
} {
  const seen = new Map<string, unknown>();
  class DataTest extends User {
    static override waitTime = 1;

    testData(): void {
      seen.set(this.run.node, this.run.data);
      this.record({ name: "step", latencyMs: 1 });
    }
  }
  return { cluster: new VirtualCluster({ users: 8, ...profile }, () => [DataTest]), seen };
}

Deno.test("setup is called once, when all workers are there, and its data is on each of them and on late ones", async () => {
  const { cluster, seen } = dataCluster({ runTime: 20 });
  let setups = 0;
  const tornDown: unknown[] = [];
  const master = cluster.master({
    expectedWorkers: 4,
    functions: {
      setup: () => Promise.resolve({ token: `t${++setups}`, users: [{ id: 7 }] }),
      teardown: (data) => void tornDown.push(data, cluster.target.users()),
    },
  });
  const inTestStart: unknown[] = [];
  for (const name of ["a", "b", "c"]) cluster.worker(name);
  await cluster.advance(2_000);
  assert.equal(setups, 0);
  const { events } = cluster.worker("d");
  events.on("testStart", ({ run }) => void inTestStart.push(run.data));
  master.events.on("testStart", ({ run }) => void inTestStart.push(run.data));
  await cluster.advance(5_000);
  cluster.worker("late");
  await cluster.advance(30_000);
  const data = { token: "t1", users: [{ id: 7 }] };
  assert.deepEqual(
    [...seen].sort(([a], [b]) => a < b ? -1 : 1),
    ["a", "b", "c", "d", "late"].map((node) => [node, data]),
  );
  assert.deepEqual(inTestStart, [data, data]);
  assert.deepEqual(tornDown, [data, 0]);
  const { users } = seen.get("a") as { users: { id: number }[] };
  assert.throws(() => users[0]!.id = 8, TypeError);
  assert.equal(master.result!.complete, true);
  assert.equal(setups, 1);
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("data of 1 MiB reaches every worker, also over a connection that is cut on the way", async () => {
  const { cluster, seen } = dataCluster({ runTime: 20 });
  const text = "x".repeat(MAX_SETUP_DATA - 2);
  const master = cluster.master({ functions: { ...NONE, setup: () => text } });
  for (const name of ["a", "b"]) cluster.worker(name, { latencyMs: 20 });
  await cluster.advance(300);
  assert.equal(seen.size, 0);
  cluster.workers[0]!.line.cut();
  await cluster.advance(40_000);
  assert.deepEqual([...seen.keys()].sort(), ["a", "b"]);
  assert.ok([...seen.values()].every((data) => data === text));
  assert.equal(master.result!.complete, true);
});

Deno.test("a resumed run has the data of its setup, which is not called again", async () => {
  const { cluster, seen } = dataCluster({ runTime: 20 });
  let calls = 0;
  const tornDown: unknown[] = [];
  const functions: TestFunctions = {
    setup: () => ({ call: ++calls }),
    teardown: (data) => tornDown.push(data),
  };
  const first = cluster.master({ functions });
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(5_000);
  first.kill();
  await cluster.advance(1_000);
  const second = await cluster.nextMaster({ functions });
  cluster.worker("late");
  await cluster.advance(40_000);
  assert.equal(second.result!.complete, true);
  assert.deepEqual([...seen.keys()].sort(), ["a", "b", "late"]);
  assert.deepEqual(seen.get("late"), { call: 1 });
  assert.deepEqual([calls, tornDown], [1, [{ call: 1 }]]);
});

Deno.test("a run that was killed between setup and start is resumed without another setup", async () => {
  const { cluster, seen } = dataCluster({ runTime: 5 });
  const first = cluster.master({ functions: { ...NONE, setup: () => "once" } });
  first.events.on("testStart", () => new Promise(() => {}));
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(2_000);
  first.kill();
  const second = await cluster.nextMaster({
    functions: { ...NONE, setup: () => assert.fail("called again") },
  });
  await cluster.advance(30_000);
  assert.equal(second.run.failure, null);
  assert.equal(second.result!.complete, true);
  assert.deepEqual(seen.get("a"), "once");
});

Deno.test("a setup that throws, returns no JSON or never ends starts no user, and workers are told why", async () => {
  const cases: readonly (readonly [setup: () => unknown, message: string])[] = [
    [() => {
      throw new Error("no stock");
    }, "setup threw: no stock (shop.ts:1:2)"],
    [() => Promise.reject(new Error("no stock")), "setup threw: no stock (shop.ts:1:2)"],
    [() => ({ token: 1n }), "setup returned a value that is not JSON: token is a BigInt: 1n"],
    [() => new Promise(() => {}), "setup has not ended within 30 s"],
  ];
  for (const [setup, message] of cases) {
    const cluster = new VirtualCluster({});
    const master = cluster.master({
      functions: { setup, teardown: () => assert.fail("teardown without setup") },
      places: { placeOf: () => "shop.ts:1:2" },
    });
    for (const name of ["a", "b"]) cluster.worker(name);
    await cluster.advance(31_000);
    assertRefused(master.run.failure, message);
    assert.equal(master.result!.startedAt, null);
    assert.equal(cluster.target.ids.length, 0);
    for (const { ended, error } of cluster.workers) {
      assert.equal(ended, true);
      assertRefused(error, `The master at here:5557 has ended the run: ${message}`);
    }
    assert.equal(cluster.clock.pending, 0);
  }
});

Deno.test("handlers of testStart on one worker only: no user starts anywhere if they throw, late or never", async () => {
  const cases: readonly (readonly [handler: () => unknown, message: string])[] = [
    [() => {
      throw new Error("no data");
    }, "A handler of the event testStart threw: no data"],
    [() => Promise.reject(new Error("no data")), "A handler of the event testStart threw: no data"],
    [() => new Promise(() => {}), "Handlers of the event testStart have not ended within 30 s"],
  ];
  for (const [handler, message] of cases) {
    const cluster = new VirtualCluster({});
    let tornDown = 0;
    const master = cluster.master({
      functions: { setup: () => 1, teardown: () => tornDown++ },
    });
    const [a, b] = ["a", "b"].map((name) => cluster.worker(name));
    b!.events.on("testStart", handler as () => void);
    await cluster.advance(35_000);
    assertRefused(master.run.failure, `Worker b: ${message}`);
    assert.equal(master.result!.startedAt, null);
    assert.equal(cluster.target.ids.length, 0);
    assertRefused(a!.error, `The master at here:5557 has ended the run: Worker b: ${message}`);
    assertRefused(b!.error, message);
    // What setup has made is still removed.
    assert.equal(tornDown, 1);
    assert.equal(cluster.clock.pending, 0);
  }
});

Deno.test("the time of a test starts when the handlers of testStart have ended on all workers", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 4.5 });
  const master = cluster.master();
  const slow = Promise.withResolvers<void>();
  for (const name of ["a", "b"]) cluster.worker(name);
  cluster.workers[1]!.events.on("testStart", () => slow.promise);
  await cluster.advance(20_000);
  assert.equal(cluster.target.ids.length, 0);
  slow.resolve();
  await cluster.advance(10_000);
  assert.equal(master.result!.durationSeconds, 4.5);
  assert.deepEqual(workerStates(master), ["a finished true", "b finished true"]);
  assert.equal(requests(master), 4 * 5);
});

Deno.test("a worker that is lost in its testStart does not keep the others from starting", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 4.5 });
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  cluster.workers[1]!.events.on("testStart", () => new Promise(() => {}));
  await cluster.advance(1_000);
  cluster.workers[1]!.kill();
  await cluster.advance(20_000);
  assert.equal(master.run.failure, null);
  assert.equal(requests(master), 4 * 5);
});

/** A cluster of two workers whose users call `run.stop` or `run.fail` on worker b after about two seconds. */
function endingCluster(end: (user: User) => void, stopMs = 0): VirtualCluster {
  const cluster = new VirtualCluster({ users: 4, runTime: 60 }, (target) => {
    class EndTest extends target.userClass("StepTest") {
      async testEnd(): Promise<void> {
        await Promise.resolve();
        if (this.run.node === "b" && this.run.runTime > 2) end(this);
      }

      override async onStop(): Promise<void> {
        super.onStop();
        if (stopMs > 0) await new Promise<void>((done) => cluster.clock.setTimer(done, stopMs));
      }
    }
    return [EndTest as unknown as ReturnType<typeof target.userClass>];
  });
  return cluster;
}

for (const kind of ["stop", "fail"] as const) {
  Deno.test(`run.${kind} of a user on a worker ends the run on all nodes, with its reason`, async () => {
    const cluster = endingCluster((user) => user.run[kind](new Error("no\nstock")));
    const master = cluster.master();
    for (const name of ["a", "b"]) cluster.worker(name);
    await cluster.advance(6_000);
    const { runEnd, complete, durationSeconds } = master.result!;
    assert.deepEqual(runEnd, { kind, reason: "no stock", node: "b" });
    assert.equal(complete, true);
    assert.ok(durationSeconds < 5, String(durationSeconds));
    assert.equal(requests(master), cluster.target.steps.length);
    const fact = `ended by run.${kind} on b: no stock`;
    assert.ok((kind === "fail" ? master.warnings : master.infos).includes(`The run is ${fact}.`));
    for (const { ended, error, infos } of cluster.workers) {
      assert.deepEqual([ended, error], [true, null]);
      assert.ok(infos.includes(`Stopping the users: ${fact}.`), infos.join());
    }
    assert.equal(cluster.clock.pending, 0);
  });
}

Deno.test("of several calls on several nodes the first fail counts, also after a stop", async () => {
  const cluster = endingCluster((user) => user.run.stop("enough"));
  const master = cluster.master();
  for (const name of ["a", "b"]) {
    const { events, run } = cluster.worker(name);
    events.on("testStop", () => {
      run.info.fail(`not clean on ${name}`);
      run.info.fail("again");
    });
  }
  master.events.on("testStop", ({ run }) => run.fail("too late"));
  await cluster.advance(10_000);
  const { kind, reason } = master.result!.runEnd!;
  assert.equal(kind, "fail");
  assert.match(reason, /^not clean on [ab]$/);
  assert.equal(cluster.journal.filter(({ type }) => type === "runEnd").length, 2);
});

Deno.test("a worker that is cut off says again that the run has ended", async () => {
  const cluster = endingCluster((user) => user.run.fail("no stock"));
  const master = cluster.master();
  const [, b] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(1_900);
  b!.line.break();
  await cluster.advance(2_000);
  assert.equal(master.run.snapshot().runEnd, null);
  b!.line.mend();
  await cluster.advance(15_000);
  assert.deepEqual(master.result!.runEnd, { kind: "fail", reason: "no stock", node: "b" });
});

Deno.test("a master that resumes a run which has ended itself ends it, with its reason and all counts", async () => {
  const cluster = endingCluster((user) => user.run.fail("no stock"), 500);
  const first = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  let isKilled = false;
  await cluster.advance(4_000, () => {
    if (isKilled || !cluster.journal.some(({ type }) => type === "runEnd")) return;
    isKilled = true;
    first.kill();
  }, 1);
  assert.ok(isKilled);
  const second = await cluster.nextMaster();
  await cluster.advance(40_000);
  assert.deepEqual(second.result!.runEnd, { kind: "fail", reason: "no stock", node: "b" });
  assert.equal(second.result!.complete, true);
  assert.equal(requests(second), cluster.target.steps.length);
});

Deno.test("a run that is ended before its start has no users, and its workers are told why", async () => {
  type Ending = (master: ReturnType<VirtualCluster["master"]>) => void;
  const places: readonly (readonly [place: string, end: Ending])[] = [
    ["while it waits for workers", (master) => master.run.info.stop("enough")],
    ["in testStart of the master", (master) => {
      master.events.on("testStart", ({ run }) => run.stop("enough"));
    }],
  ];
  for (const [place, end] of places) {
    const cluster = new VirtualCluster({});
    let tornDown = 0;
    const master = cluster.master({
      functions: { setup: () => 1, teardown: () => tornDown++ },
    });
    cluster.worker("a");
    await cluster.advance(500);
    end(master);
    if (place.startsWith("in")) cluster.worker("b");
    await cluster.advance(10_000);
    const { runEnd, startedAt, complete } = master.result!;
    assert.deepEqual(runEnd, { kind: "stop", reason: "enough", node: "master" }, place);
    assert.deepEqual([startedAt, complete, master.run.failure], [null, true, null]);
    assert.equal(cluster.target.ids.length, 0);
    assert.equal(tornDown, place.startsWith("in") ? 1 : 0);
    const [{ infos, error }] = cluster.workers as [typeof cluster.workers[number]];
    assert.equal(error, null);
    assert.ok(infos.includes("The run is over: ended by run.stop on master: enough."), place);
    assert.equal(cluster.clock.pending, 0);
  }
});

Deno.test("setup can end the run before it starts, on the master and on a worker", async () => {
  const cluster = new VirtualCluster({});
  const master = cluster.master({
    functions: { ...NONE, setup: () => master.run.info.fail("nothing to test") },
  });
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(5_000);
  assert.deepEqual(
    master.result!.runEnd,
    { kind: "fail", reason: "nothing to test", node: "master" },
  );
  assert.equal(master.result!.startedAt, null);

  const other = new VirtualCluster({});
  const { run } = other.master();
  other.worker("a").events.on("testStart", ({ run }) => run.fail("wrong version"));
  other.worker("b");
  await other.advance(5_000);
  assert.deepEqual(
    run.snapshot().runEnd,
    { kind: "fail", reason: "wrong version", node: "a" },
  );
  assert.equal(run.snapshot().startedAt, null);
  assert.equal(other.target.ids.length, 0);
});

Deno.test("what teardown throws is a user error and a warning, and one that never ends is not awaited", async () => {
  const cluster = new VirtualCluster({ users: 4, runTime: 3 });
  const master = cluster.master({
    functions: { ...NONE, teardown: () => Promise.reject(new Error("cannot clean up")) },
    places: { placeOf: () => "shop.ts:9:1" },
  });
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(10_000);
  assert.deepEqual(master.result!.statistics.userErrors, [
    { user: "(teardown)", error: "cannot clean up", place: "shop.ts:9:1", count: 1 },
  ]);
  assert.deepEqual(master.result!.warnings, ["teardown threw: cannot clean up (shop.ts:9:1)."]);

  const other = new VirtualCluster({ users: 4, runTime: 3 });
  const hanging = other.master({ functions: { ...NONE, teardown: () => new Promise(() => {}) } });
  for (const name of ["a", "b"]) other.worker(name);
  await other.advance(15_000);
  assert.deepEqual(hanging.result!.warnings, ["teardown has not ended within 5 s."]);
});

Deno.test("a process that exits at once counts the requests in progress on its workers as unfinished", async () => {
  const cluster = new VirtualCluster(
    { users: 4, runTime: 60 },
    (target) => [target.userClass("HangTest", 1, 1, () => 100)],
  );
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(5_500);
  const { statistics, complete } = master.run.cutOff();
  assert.equal(complete, false);
  const { unfinished, inProgress } = statistics.totals;
  assert.deepEqual([unfinished.count, inProgress.count], [4, 0]);
  assert.ok(unfinished.oldestMs! >= 4_000);
  master.run.stop();
  await cluster.advance(40_000);
});
