import assert from "node:assert/strict";
import { Channel } from "../../src/cluster/channel.ts";
import type { Message } from "../../src/cluster/protocol.ts";
import { joinMaster } from "../../src/cluster/handshake.ts";
import { delta, packedRequests, report, timesOf } from "../support/reports.ts";
import { identity } from "../support/joining.ts";
import { lengthOf } from "../support/nightly.ts";
import { scriptedWorker } from "../support/scripted_worker.ts";
import { requests, VirtualCluster, type VirtualMaster } from "../support/virtual_cluster.ts";

interface Scene {
  readonly cluster: VirtualCluster;
  readonly master: VirtualMaster;
}

/** A test without a token that has run for 3 s on one worker. */
async function start(): Promise<Scene> {
  const cluster = new VirtualCluster({ users: 6 });
  const master = cluster.master({ expectedWorkers: 1, token: null });
  cluster.worker("good", { link: { token: null } });
  await cluster.advance(3_000);
  return { cluster, master };
}

/** A stranger that has joined and says that it can run users. */
async function stranger({ cluster }: Scene, name = "evil"): ReturnType<typeof scriptedWorker> {
  const worker = await scriptedWorker(cluster, name, { token: null });
  worker.sendState("ready");
  worker.ping(60);
  await cluster.advance(1_000);
  return worker;
}

/** Ends the test, and checks that all that the good worker did is counted. */
async function assertGoodIsExact({ cluster, master }: Scene): Promise<void> {
  master.run.stop();
  await cluster.advance(40_000);
  const { workers } = master.result!;
  const row = workers.find(({ id }) => id === "good")!;
  assert.deepEqual([row.requests, row.complete], [cluster.target.steps.length, true]);
}

function seconds(from: number, to: number): Message<"REPORT">["seconds"] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    second: from + index,
    users: 1,
    peakUsers: 1,
    requests: 0,
    failures: 0,
    maxLagMs: 0,
  }));
}

for (
  const [what, changes, why] of [
    [
      "seconds that are still to come",
      { from: 0, to: 79_999, seconds: seconds(0, 79_999).slice(0, 20_000) },
      "it contains second 79999, and the latest possible is 64",
    ],
    ["the same seconds again", { from: 0, to: 2, seconds: seconds(0, 2) }, "it goes back in time"],
    ["a time that goes back", { from: 0, to: 1 }, "it goes back in time"],
  ] satisfies [string, Partial<Message<"REPORT">>, string][]
) {
  Deno.test(`a worker that reports ${what} is excluded, and the others are unaffected`, async () => {
    const scene = await start();
    const { cluster, master } = scene;
    const evil = await stranger(scene);
    const first = { runId: "run-1", from: 1, to: 3, seconds: seconds(1, 3) };
    evil.channel.send(report({ ...first, seq: 1 }));
    await cluster.advance(10);
    evil.channel.send(report({ runId: "run-1", seq: 2, ...changes }));
    await cluster.advance(10);
    assert.equal(evil.channel.closed, true);
    const error = evil.received.at(-1) as Message<"ERROR">;
    assert.deepEqual([error.type, error.text], ["ERROR", `invalid REPORT: ${why}`]);
    await assert.rejects(stranger(scene), /this worker was excluded/);
    await cluster.advance(8_000);
    assert.equal(cluster.target.users("good"), 6);
    assert.equal(master.run.snapshot().statistics.timeline.length <= 12, true);
    await assertGoodIsExact(scene);
    const { warnings, complete, workers } = master.result!;
    assert.equal(complete, false);
    assert.equal(warnings[0], `Worker evil was excluded from the run: invalid REPORT: ${why}`);
    assert.match(warnings[1]!, /^Worker evil has not sent its final report/);
    assert.deepEqual(workers.map(({ id, state }) => [id, state]), [
      ["good", "finished"],
      ["evil", "lost"],
    ]);
  });
}

Deno.test("a worker's clock may be ahead of the master's by a minute", async () => {
  const scene = await start();
  const evil = await stranger(scene);
  evil.channel.send(report({ runId: "run-1", seq: 1, from: 60, to: 60, seconds: seconds(60, 60) }));
  await scene.cluster.advance(10);
  assert.equal(evil.channel.closed, false);
});

Deno.test("names, methods, codes and errors that a worker invents are counted together", async () => {
  const scene = await start();
  const { cluster, master } = scene;
  const evil = await stranger(scene);
  const MANY = 2_000;
  const PARTS = 15;
  for (let part = 0; part < PARTS; part++) {
    const entries = Array.from({ length: MANY }, (_, n) =>
      delta({
        method: `${n % 7 === 0 ? `M${part}-${n}` : "GET"}`,
        name: `${part}-${n % 100}`,
        code: n,
        failureTimes: [timesOf(1)],
        errors: [[`error ${part}-${n}`, 1]],
      }));
    evil.channel.send(report({
      runId: "run-1",
      seq: part + 1,
      from: 4,
      to: 4,
      entries,
      histograms: entries.map(() => packedRequests(1)),
      userErrors: entries.map(({ method }) => [method + part, "E", 1]),
    }));
    await cluster.advance(1);
  }
  await cluster.advance(5_000);
  assert.equal(evil.channel.closed, false);
  const { statistics } = master.run.snapshot();
  assert.equal(
    statistics.requests.reduce((sum, { requests }) => sum + requests, 0),
    statistics.totals.requests,
  );
  assert.ok(statistics.requests.length <= 2_001, `${statistics.requests.length} names`);
  const codes = statistics.requests.reduce((sum, row) => sum + row.codes.length, 0);
  assert.ok(codes <= 5_001, `${codes} codes`);
  const failures = statistics.failures.reduce((sum, { count }) => sum + count, 0);
  assert.equal(failures, PARTS * MANY);
  assert.ok(statistics.failures.length <= 23_001, `${statistics.failures.length} errors`);
  assert.ok(statistics.userErrors.length <= 2_001);
});

/** Joins under a new name, and leaves at once. Returns why it was refused. */
async function visit({ cluster }: Scene, name: string, ready: boolean): Promise<string | null> {
  const channel = new Channel(await cluster.network.line("10.0.0.66").connect());
  const who = identity({ workerId: name, incarnation: name });
  const joining = joinMaster(channel, who, { token: null, clock: cluster.clock })
    .then(() => null, (error: Error) => error.message);
  await cluster.clock.advance(0);
  const refusal = await joining;
  if (ready) {
    channel.send({
      type: "STATE",
      users: 0,
      state: "ready",
      elapsedSeconds: 0,
      sockets: "epoll",
      exhausted: [],
      unprepared: false,
    });
  }
  await cluster.clock.advance(0);
  channel.close();
  return refusal;
}

const JOINS = lengthOf({ short: 3_000, full: 15_000 });

Deno.test("thousands of joins of one address leave neither members nor warnings behind", async () => {
  const scene = await start();
  const { cluster, master } = scene;
  let admitted = 0;
  let most = 0;
  for (let n = 0; n < JOINS; n++) {
    const refusal = await visit(scene, `evil-${n}`, n % 2 === 0);
    if (refusal === null) admitted++;
    else assert.match(refusal, /too many workers of this address have disconnected/);
    if (n % 50 === 0) await cluster.advance(100);
    most = Math.max(most, master.run.snapshot().workers.length);
  }
  assert.ok(admitted >= 100 && admitted < 1_000, `${admitted} admitted`);
  assert.ok(most <= 102, `${most} members`);
  await cluster.advance(8_000);
  assert.deepEqual(master.run.snapshot().workers.map(({ id }) => id), ["good"]);
  assert.equal(cluster.target.users("good"), 6);
  assert.ok(master.warnings.length < 900, `${master.warnings.length} lines of the log`);
  await assertGoodIsExact(scene);
  const { warnings, complete } = master.result!;
  assert.equal(complete, false);
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0]!,
    /^Worker evil-0 and \d+ more were lost before their first report: their counts are missing\.$/,
  );
});

Deno.test("with a token, workers that come and go are not limited", async () => {
  const cluster = new VirtualCluster({ users: 6 });
  const master = cluster.master({ expectedWorkers: 1 });
  cluster.worker("good");
  await cluster.advance(1_000);
  for (let n = 0; n < 150; n++) {
    const { channel } = await scriptedWorker(cluster, `guest-${n}`);
    channel.close();
  }
  assert.equal(master.run.snapshot().workers.length, 151);
  await cluster.advance(8_000);
  assert.deepEqual(master.run.snapshot().workers.map(({ id }) => id), ["good"]);
});

Deno.test("a worker that was lost before its first report can return", async () => {
  const scene = await start();
  const { cluster, master } = scene;
  const late = cluster.worker("late", { link: { token: null } });
  await cluster.advance(100);
  late.line.break();
  await cluster.advance(8_000);
  // It has run users, so its requests are missing until it returns.
  const states = master.run.snapshot().workers.map(({ id, state }) => `${id} ${state}`);
  assert.deepEqual(states, ["good running", "late lost"]);
  assert.equal(cluster.target.users("good"), 6);
  late.line.mend();
  await cluster.advance(5_000);
  assert.equal(cluster.target.users("late"), 3);
  master.run.stop();
  await cluster.advance(20_000);
  assert.equal(master.result!.complete, true);
  assert.equal(requests(master), cluster.target.steps.length);
});
