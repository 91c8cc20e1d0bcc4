import assert from "node:assert/strict";
import { Channel } from "../../src/cluster/channel.ts";
import { acceptWorker } from "../../src/cluster/handshake.ts";
import type { Assignment, Message } from "../../src/cluster/protocol.ts";
import type { WorkerState } from "../../src/cluster/run_state.ts";
import { AiotestError, UsageError } from "../../src/core/errors.ts";
import type { StreamListener } from "../../src/core/network.ts";
import { DEFAULT_CONNECTIONS } from "../../src/http/shared_http_state.ts";
import { NO_OBSERVERS } from "../../src/user/observers.ts";
import { User } from "../../src/user/user.ts";
import { assignment } from "../support/assignments.ts";
import { type FakeClock, settle } from "../support/fake_clock.ts";
import { terms, workerState } from "../support/joining.ts";
import { discovered } from "../support/users.ts";
import {
  type FakeTarget,
  VirtualCluster,
  type VirtualWorker,
  type VirtualWorkerOptions,
} from "../support/virtual_cluster.ts";

/** A master that sends what a test says. */
class ScriptedMaster {
  readonly received: Message[] = [];
  channel: Channel | null = null;
  runId = "run-1";
  epoch = 1;
  ackedSeq = 0;
  /** Whether the master answers PINGs. */
  answers = true;
  #reports = true;

  constructor(cluster: VirtualCluster, listener: StreamListener) {
    void (async () => {
      for (;;) {
        const accepted = await listener.accept();
        if (accepted === null) return;
        const channel = new Channel(accepted.stream);
        const { runId, epoch, ackedSeq } = this;
        const admit = (): WorkerState => workerState(ackedSeq);
        await acceptWorker(channel, terms({ runId, epoch, admit }), cluster.clock, "");
        this.channel = channel;
        void this.#listen(channel);
      }
    })();
  }

  send(message: Message): void {
    this.channel!.send(message);
  }

  /** Acknowledges no more reports. */
  ignoreReports(): void {
    this.#reports = false;
  }

  of<Type extends Message["type"]>(type: Type): Extract<Message, { type: Type }>[] {
    return this.received.filter((message): message is Extract<Message, { type: Type }> =>
      message.type === type
    );
  }

  async #listen(channel: Channel): Promise<void> {
    for (;;) {
      const message = await channel.receive();
      if (message === null) return;
      if (message.type === "PING") {
        if (this.answers) channel.send({ type: "PONG", number: message.number });
        continue;
      }
      this.received.push(message);
      if (message.type !== "REPORT" || !this.#reports) continue;
      this.ackedSeq = message.seq;
      channel.send({ type: "ACK", seq: message.seq });
    }
  }
}

interface Scene {
  readonly cluster: VirtualCluster;
  readonly master: ScriptedMaster;
  readonly worker: VirtualWorker;
  readonly target: FakeTarget;
  readonly clock: FakeClock;
}

function scene(options: VirtualWorkerOptions = {}): Scene {
  const cluster = new VirtualCluster({});
  const master = new ScriptedMaster(cluster, cluster.network.listen());
  const worker = cluster.worker("a", options);
  return { cluster, master, worker, target: cluster.target, clock: cluster.clock };
}

const SETUP: Message = { type: "SETUP", workerIndex: 3, options: "{}" };
const START: Message = { type: "START", elapsedSeconds: 0, resetCount: 0 };

function assigned(revision: number, users: number, changes: Partial<Assignment> = {}): Message {
  return assignment({ revision, classes: { StepTest: users }, rate: 1000, ...changes });
}

/** A scene in which this many users run. */
async function running(users: number, options: VirtualWorkerOptions = {}): Promise<Scene> {
  const all = scene(options);
  await all.clock.advance(0);
  for (const message of [SETUP, START, assigned(1, users)]) all.master.send(message);
  await all.clock.advance(100);
  assert.equal(all.target.users(), users);
  return all;
}

Deno.test("a worker sets up, starts, and runs what it is assigned", async () => {
  const { cluster, master, worker, target } = scene();
  await cluster.advance(100);
  assert.deepEqual(master.received, [
    {
      ...{ type: "STATE", users: 0, state: "preparing", elapsedSeconds: 0 },
      ...{ sockets: "epoll", exhausted: [] },
      unprepared: false,
    },
  ]);
  master.send(SETUP);
  await cluster.advance(100);
  assert.deepEqual(master.received.at(-1), {
    type: "STATE",
    users: 0,
    state: "ready",
    elapsedSeconds: 0,
    sockets: "epoll",
    exhausted: [],
    unprepared: false,
  });
  master.send({ ...START, elapsedSeconds: 7.5 });
  master.send(assigned(1, 4, { rate: 2 }));
  await cluster.advance(2_000);
  assert.equal(target.users(), 4);
  assert.deepEqual(target.ids, [3e9 + 1, 3e9 + 2, 3e9 + 3, 3e9 + 4]);
  assert.deepEqual(master.of("TARGET_ACK"), [{ type: "TARGET_ACK", revision: 1 }]);
  assert.deepEqual(
    master.of("STATE").map(({ users, state, elapsedSeconds }) => [users, state, elapsedSeconds]),
    [[0, "preparing", 0], [0, "ready", 0], [1, "spawning", 7.5], [4, "running", 9]],
  );
  assert.deepEqual(master.of("REPORT").map(({ seq, from, to }) => [seq, from, to]), [
    [1, 7, 7],
    [2, 8, 8],
  ]);
  worker.kill();
});

Deno.test("a worker follows only the newest assignment", async () => {
  const { cluster, master, worker, target } = await running(4);
  for (const [revision, users] of [[3, 2], [2, 9], [3, 7]] as const) {
    master.send(assigned(revision, users));
  }
  await cluster.advance(100);
  assert.equal(target.users(), 2);
  assert.deepEqual(master.of("TARGET_ACK").map(({ revision }) => revision), [1, 3, 2, 3]);
  worker.kill();
});

Deno.test("a restarted master counts its assignments from 1", async () => {
  const { cluster, master, worker, target } = await running(4);
  master.send(assigned(9, 5));
  await cluster.advance(1_500);
  master.epoch = 2;
  worker.line.cut();
  await cluster.advance(1_000);
  assert.equal(target.users(), 5);
  master.send(assigned(1, 3));
  await cluster.advance(100);
  assert.equal(target.users(), 3);
  assert.equal(target.ids.length, 5);
  worker.kill();
});

Deno.test("STOP stops all users, and the final report has everything they did", async () => {
  const { cluster, master, worker, target } = await running(3);
  await cluster.advance(2_500);
  master.send({ type: "STOP", deadline: 17, why: "" });
  await cluster.advance(100);
  assert.equal(target.users(), 0);
  const reports = master.of("REPORT");
  assert.deepEqual(reports.map(({ seq, final }) => [seq, final]), [
    [1, false],
    [2, false],
    [3, true],
  ]);
  const counted = reports.flatMap(({ seconds: users }) => users)
    .reduce((sum, { requests }) => sum + requests, 0);
  assert.equal(counted, target.steps.length);
  assert.deepEqual(master.of("STOPPED"), [{ type: "STOPPED", lastSeq: 3 }]);
  assert.equal(master.of("STATE").at(-1)!.state, "stopped");
  assert.equal(worker.ended, false);
  master.send(assigned(2, 5));
  await cluster.advance(1_000);
  assert.equal(target.users(), 0);
  master.send({ type: "QUIT", why: "", stays: false });
  await cluster.advance(100);
  assert.deepEqual([worker.ended, worker.error], [true, null]);
  assert.deepEqual(worker.warnings, []);
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("a master that ends the run without the final report causes a warning", async () => {
  const { cluster, master, worker } = await running(3);
  master.ignoreReports();
  master.send({ type: "STOP", deadline: 17, why: "" });
  await cluster.advance(100);
  master.send({ type: "QUIT", why: "", stays: false });
  await cluster.advance(100);
  assert.equal(worker.ended, true);
  assert.deepEqual(worker.warnings, [
    "The master has ended the run without the final report of this worker.",
  ]);
});

Deno.test("a worker leaves once all its reports are acknowledged, and not before", async () => {
  const { cluster, master, worker, target } = await running(3);
  await cluster.advance(1_500);
  master.ignoreReports();
  worker.run.leave();
  await cluster.advance(3_000);
  assert.equal(target.users(), 0);
  assert.deepEqual(master.of("STATE").at(-1)!.state, "leaving");
  assert.equal(worker.ended, false);
  master.send({ type: "ACK", seq: master.of("REPORT").at(-1)!.seq });
  await cluster.advance(100);
  assert.deepEqual([worker.ended, worker.error], [true, null]);
});

Deno.test("a worker that leaves before the test starts says so, and disconnects", async () => {
  const { cluster, master, worker } = scene();
  await cluster.advance(100);
  master.send(SETUP);
  await cluster.advance(100);
  worker.run.leave();
  await cluster.advance(100);
  assert.deepEqual(master.of("STATE").map(({ state }) => state), ["preparing", "ready", "leaving"]);
  assert.deepEqual([worker.ended, worker.error], [true, null]);
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("no request starts once the master has been silent for 5 s, to the millisecond", async () => {
  const { cluster, clock, master, worker, target } = await running(20);
  await cluster.advance(3_000);
  master.answers = false;
  // The last PING that was answered was sent at 3 s.
  let stoppedAt = Infinity;
  await cluster.advance(7_000, () => {
    if (target.users() === 0) stoppedAt = Math.min(stoppedAt, clock.now());
  }, 10);
  assert.ok(target.steps.some(({ atMs }) => atMs > 7_000 && atMs <= 8_000));
  assert.deepEqual(target.steps.filter(({ atMs }) => atMs > 8_000), []);
  assert.ok(stoppedAt <= 8_900, String(stoppedAt));
  assert.match(
    worker.warnings[0]!,
    /The master has been silent for 5 s: this worker's users are stopped/,
  );
  // It has joined again since, and waits for an assignment.
  assert.equal(worker.line.opened, 2);
  assert.equal(master.of("STATE").at(-1)!.state, "ready");
  worker.kill();
});

Deno.test("a lease that expires during the setup is granted again", async () => {
  const ready = Promise.withResolvers<void>();
  const { cluster, master, worker, target } = scene({
    setUp: async () => {
      await ready.promise;
      return {
        classes: [discovered(cluster.target.userClass("StepTest"))],
        host: null,
        connections: DEFAULT_CONNECTIONS,
        observers: NO_OBSERVERS,
        setupTimeout: 30,
        iterations: null,
      };
    },
  });
  await cluster.advance(100);
  master.send(SETUP);
  master.answers = false;
  // The worker gets the master's messages, but the master gets none of the worker's.
  await cluster.advance(6_500, () => master.send({ type: "PING", number: 1 }), 500);
  assert.equal(worker.line.opened, 2);
  master.answers = true;
  ready.resolve();
  await cluster.advance(1_000);
  for (const message of [START, assigned(1, 3)]) master.send(message);
  await cluster.advance(3_500);
  assert.ok(target.steps.length >= 9, String(target.steps.length));
  worker.kill();
});

Deno.test("users that were stopped are replaced by new ones, and their counts arrive", async () => {
  const { cluster, master, worker, target } = await running(4);
  await cluster.advance(3_000);
  worker.line.break();
  await cluster.advance(6_000);
  assert.equal(target.users(), 0);
  worker.line.mend();
  await cluster.advance(2_500);
  assert.equal(master.of("STATE").at(-1)!.state, "ready");
  master.send(assigned(2, 4));
  await cluster.advance(2_000);
  assert.equal(target.users(), 4);
  assert.equal(new Set(target.ids).size, 8);
  master.send({ type: "STOP", deadline: 17, why: "" });
  await cluster.advance(500);
  const counted = new Map(master.of("REPORT").map((report) => [report.seq, report]));
  const sum = [...counted.values()].flatMap(({ seconds: users }) => users)
    .reduce((sum, { requests }) => sum + requests, 0);
  assert.equal(sum, target.steps.length);
  worker.kill();
});

Deno.test("another run's master ends the worker with exit code 4", async () => {
  const { cluster, master, worker, target } = await running(3);
  await cluster.advance(1_500);
  master.runId = "run-2";
  worker.line.cut();
  await cluster.advance(3_000);
  assert.equal(worker.ended, true);
  assert.ok(worker.error instanceof AiotestError);
  assert.equal(worker.error.exitCode, 4);
  assert.match(
    worker.error.message,
    /has started another run: this worker's counts of the run before are lost/,
  );
  assert.equal(target.users(), 0);
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("a user class that the test file does not have ends the worker with exit code 2", async () => {
  const { cluster, master, worker } = await running(3);
  master.send(assigned(2, 0, { classes: { GhostTest: 0, StepTest: 3 } }));
  await cluster.advance(100);
  assert.equal(worker.ended, false);
  master.send(assigned(3, 0, { classes: { GhostTest: 1 } }));
  await cluster.advance(3_000);
  assert.ok(worker.error instanceof UsageError);
  assert.equal(
    worker.error.message,
    "The master assigns users of GhostTest, which this worker's test file does not have",
  );
  assert.equal(cluster.target.users(), 0);
});

Deno.test("a user class cannot be a property that every object has", async () => {
  const { cluster, master, worker } = await running(3);
  master.send(assigned(2, 0, { classes: { StepTest: 1, constructor: 0 } }));
  await cluster.advance(100);
  assert.equal(cluster.target.users(), 1);
  worker.kill();
});

Deno.test("a worker whose setup fails ends with the reason", async () => {
  const { cluster, master, worker } = scene({
    setUp: (options) => Promise.reject(new UsageError(`${options} makes no sense`)),
  });
  await cluster.advance(100);
  master.send(SETUP);
  await cluster.advance(100);
  assert.ok(worker.error instanceof UsageError);
  assert.equal(worker.error.message, "{} makes no sense");
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("a master that is not found in time ends the worker with exit code 4", async () => {
  const { cluster, worker, target } = await running(3, { timeoutMs: 10_000 });
  worker.line.break();
  await cluster.advance(9_000);
  assert.equal(worker.ended, false);
  await cluster.advance(4_000);
  assert.ok(worker.error instanceof AiotestError);
  assert.equal(worker.error.exitCode, 4);
  assert.match(worker.error.message, /^Cannot reach the master at here:5557 for 10 s: /);
  assert.equal(target.users(), 0);
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("STARTED during the worker's testStart counts for the right part of the run", async () => {
  const { cluster, master, worker } = scene();
  const slow = Promise.withResolvers<void>();
  worker.events.on("testStart", () => slow.promise);
  await cluster.advance(100);
  master.send(SETUP);
  master.send(START);
  master.send(assigned(1, 2));
  master.send({ type: "STARTED", userCount: 9, resetCount: 1 });
  await cluster.advance(500);
  slow.resolve();
  await cluster.advance(2_500);
  assert.ok(master.of("REPORT").length >= 2);
  assert.ok(master.of("REPORT").every(({ resetCount }) => resetCount === 1));
  worker.kill();
});

Deno.test("STOP during the worker's testStart starts no user, and still reports", async () => {
  const { cluster, master, worker, target } = scene();
  const slow = Promise.withResolvers<void>();
  worker.events.on("testStart", () => slow.promise);
  await cluster.advance(100);
  for (const message of [SETUP, START, assigned(1, 2)]) master.send(message);
  await cluster.advance(500);
  master.send({ type: "STOP", deadline: 17, why: "" });
  await cluster.advance(500);
  slow.resolve();
  await cluster.advance(1_000);
  assert.deepEqual(target.ids, []);
  assert.deepEqual(master.of("REPORT").map(({ final }) => final), [true]);
  assert.equal(master.of("STATE").at(-1)!.state, "stopped");
  master.send({ type: "QUIT", why: "", stays: false });
  await settle();
  assert.equal(worker.ended, true);
  assert.deepEqual(worker.warnings, []);
});

Deno.test("startComplete is emitted once, however often STARTED arrives", async () => {
  const { cluster, master, worker } = await running(2);
  const said: number[] = [];
  worker.events.on("startComplete", ({ userCount }) => void said.push(userCount));
  for (let times = 0; times < 3; times++) {
    master.send({ type: "STARTED", userCount: 2, resetCount: 1 });
  }
  await cluster.advance(100);
  assert.deepEqual(said, [2]);
  worker.kill();
});

Deno.test("more users than files may be open cause one warning", async () => {
  const { cluster, master, worker } = await running(2, { openFileLimit: 100 });
  for (const [revision, users] of [[2, 80], [3, 80], [4, 60]] as const) {
    master.send(assigned(revision, users));
  }
  await cluster.advance(100);
  assert.deepEqual(worker.warnings.filter((text) => /80 users/.test(text)).length, 1);
  assert.match(worker.warnings[0]!, /The open file limit of 100 is too low for 80 users/);
  worker.kill();
});

Deno.test("an error from a promise that is not awaited is counted", async () => {
  class QuietTest extends User {
    testNothing(): void {}
  }
  Object.defineProperty(QuietTest, "name", { value: "StepTest" });
  const all = scene({ classes: [QuietTest] });
  await all.clock.advance(0);
  for (const message of [SETUP, START, assigned(1, 1)]) all.master.send(message);
  await all.cluster.advance(500);
  all.worker.run.countStrayError(new Error("lost"));
  await all.cluster.advance(1_000);
  assert.deepEqual(all.master.of("REPORT")[0]!.userErrors, [["(not awaited)", "lost", 1]]);
  all.worker.kill();
});

Deno.test("a worker reconnects after a master has acknowledged what was never sent", async () => {
  const { cluster, master, worker, target } = await running(2);
  await cluster.advance(1_500);
  master.send({ type: "ACK", seq: 77 });
  await cluster.advance(1_000);
  assert.equal(worker.line.opened, 2);
  assert.equal(target.users(), 2);
  assert.match(worker.warnings[0]!, /Lost the connection to the master /);
  worker.kill();
});
