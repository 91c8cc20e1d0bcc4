import assert from "node:assert/strict";
import { Channel } from "../../src/cluster/channel.ts";
import { FileServer } from "../../src/cluster/files.ts";
import { joinMaster } from "../../src/cluster/handshake.ts";
import type { JournalRecord } from "../../src/cluster/journal.ts";
import type { Message } from "../../src/cluster/protocol.ts";
import { RunState, type WorkerState } from "../../src/cluster/run_state.ts";
import { AwakeClock } from "../../src/core/awake_clock.ts";
import { WorkerManager } from "../../src/runner/worker_manager.ts";
import { bundled, bundleOf } from "../support/bundles.ts";
import { rpcServerWith } from "../support/rpc_servers.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { identity, MASTER_HASH } from "../support/joining.ts";
import { refusal } from "../support/messages.ts";
import { MemoryNetwork } from "../support/memory_network.ts";
import { report } from "../support/reports.ts";
import { assignment } from "../support/assignments.ts";

/** A worker that has joined. */
interface Joined {
  readonly welcome: Message<"WELCOME">;
  readonly channel: Channel;
  readonly heard: Message[];
}

const BUNDLE = bundleOf(bundled("shop.ts", "test"));

class Scene {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork();
  readonly runState = new RunState("run", MASTER_HASH);
  /** Journal records, log lines and calls, in their order. */
  readonly log: string[] = [];
  readonly manager = new WorkerManager({
    runState: this.runState,
    journal: {
      append: (...records: readonly JournalRecord[]) =>
        void records.forEach(({ type }) => this.log.push(`journal ${type}`)),
      close: () => {},
    },
    rpc: rpcServerWith(this.clock),
    awakeClock: new AwakeClock(this.clock),
    listener: this.network.listen(),
    address: "here:5557",
    token: "secret",
    allowDifferentTestfile: false,
    files: new FileServer(BUNDLE, {
      clock: this.clock,
      info: (text) => void this.log.push(text),
      warn: (text) => void this.log.push(text),
    }),
    setup: '{"users":"5"}',
    isLimited: () => true,
    onMessage: (worker, message) => this.#receive(worker, message),
    onLost: (worker) => {
      if (this.manager.lose(worker)) this.log.push(`lost ${worker.id}`);
    },
    onInfo: (text) => void this.log.push(text),
    onWarning: (text) => void this.log.push(text),
  });

  constructor() {
    this.manager.open();
  }

  readonly join = async (
    name: string,
    incarnation = name,
    testfileHash = MASTER_HASH,
  ): Promise<Joined> => {
    const channel = new Channel(await this.network.line("10.0.0.1").connect());
    const who = identity({ workerId: name, incarnation, testfileHash });
    const { welcome } = await joinMaster(channel, who, { token: "secret", clock: this.clock });
    const heard: Message[] = [];
    void (async () => {
      for (;;) {
        const message = await channel.receive();
        if (message === null) return;
        if (message.type !== "PING") heard.push(message);
      }
    })();
    await settle();
    return { welcome, channel, heard };
  };

  #receive(worker: WorkerState, message: Message): void {
    if (message.type === "STATE") {
      if (this.manager.updateState(worker, message)) this.log.push(`${worker.id} connected`);
    } else if (message.type === "REPORT") {
      if (this.manager.count(worker, message)) {
        this.log.push(`counted ${message.seq} of ${worker.id}`);
      }
    } else this.log.push(`${worker.id} sent ${message.type}`);
  }

  /** What was logged since the last call. */
  readonly news = (): string[] => this.log.splice(0);
}

function state(state: Message<"STATE">["state"], users = 0): Message<"STATE"> {
  return {
    type: "STATE",
    users,
    state,
    elapsedSeconds: 0,
    sockets: "epoll",
    exhausted: [],
    unprepared: false,
  };
}

Deno.test("a worker joins, gets its setup, and can run users once it is ready", async () => {
  const { manager, runState, news, join } = new Scene();
  const a = await join("a");
  assert.deepEqual([a.welcome.runId, a.welcome.ackedSeq], ["run", 0]);
  assert.deepEqual([a.welcome.heartbeatSeconds, a.welcome.leaseSeconds], [1, 5]);
  assert.deepEqual(a.heard, [{ type: "SETUP", workerIndex: 0, options: '{"users":"5"}' }]);
  assert.deepEqual(news(), ["journal worker"]);
  a.channel.send(state("preparing"));
  await settle();
  assert.deepEqual(manager.available, []);
  a.channel.send(state("ready"));
  await settle();
  assert.deepEqual(manager.available, runState.workers);
  assert.deepEqual(news(), ["a connected"]);
  await manager.end();
});

Deno.test("workers that are ready get START when the test starts, later ones when they are ready", async () => {
  const { manager, clock, join } = new Scene();
  const [early, gone] = [await join("early"), await join("gone")];
  for (const { channel } of [early, gone]) channel.send(state("ready"));
  await settle();
  gone.channel.close();
  await settle();
  manager.begin(() => clock.now() / 1000);
  await clock.advance(2_500);
  assert.deepEqual(early.heard.at(-1), { type: "START", elapsedSeconds: 0, resetCount: 0 });
  const late = await join("late");
  late.channel.send(state("preparing"));
  await settle();
  assert.equal(late.heard.length, 1);
  late.channel.send(state("ready"));
  await settle();
  assert.deepEqual(late.heard.at(-1), { type: "START", elapsedSeconds: 2.5, resetCount: 0 });
  // A worker that was not connected owes no report.
  assert.equal(manager.allReported, false);
  early.channel.send(report({ seq: 1, final: true }));
  late.channel.send(report({ seq: 1, final: true }));
  await settle();
  assert.equal(manager.allReported, true);
  await manager.end();
});

Deno.test("a report is journaled before it is acknowledged, and counted once", async () => {
  const { manager, news, join } = new Scene();
  const a = await join("a");
  manager.begin(() => 0);
  a.channel.send(state("ready"));
  await settle();
  news();
  for (const seq of [1, 3, 1, 2]) a.channel.send(report({ seq }));
  await settle();
  assert.deepEqual(news(), [
    "journal report",
    "counted 1 of a",
    "journal report",
    "counted 2 of a",
  ]);
  assert.deepEqual(a.heard.slice(-4), [
    { type: "ACK", seq: 1 },
    { type: "RESUME", seq: 2 },
    { type: "ACK", seq: 1 },
    { type: "ACK", seq: 2 },
  ]);
  await manager.end();
});

Deno.test("an assignment is journaled before it is sent", async () => {
  const { manager, runState, news, join } = new Scene();
  const a = await join("a");
  a.channel.send(state("ready"));
  await settle();
  news();
  const target = assignment({ classes: { A: 2 } });
  manager.assign(runState.workers[0]!, target);
  assert.deepEqual(news(), ["journal assigned"]);
  await settle();
  assert.deepEqual(a.heard.at(-1), target);
  a.channel.send({ type: "TARGET_ACK", revision: 1 });
  await settle();
  assert.deepEqual(news(), ["a sent TARGET_ACK"]);
  await manager.end();
});

Deno.test("a lost worker is not available until it is back and has sent its state", async () => {
  const { manager, clock, runState, news, join } = new Scene();
  const a = await join("a");
  a.channel.send(state("ready"));
  await settle();
  manager.begin(() => 0);
  a.channel.send(state("running", 4));
  await clock.advance(0);
  news();
  await clock.advance(6_100);
  assert.deepEqual(news(), [
    "journal membership",
    "Worker a has been silent for 6 s: its users go to the other workers.",
    "lost a",
  ]);
  const worker = runState.worker("a")!;
  assert.deepEqual([worker.users, runState.workers], [0, []]);
  const again = await join("a");
  assert.deepEqual(news(), ["Worker a is back.", "journal membership"]);
  assert.deepEqual(manager.available, []);
  assert.equal(manager.isConnected(runState.workers[0]!), false);
  again.channel.send(state("ready"));
  await settle();
  assert.equal(manager.isConnected(runState.workers[0]!), true);
  assert.deepEqual(news(), ["a connected"]);
  assert.deepEqual(again.heard.map(({ type }) => type), ["SETUP", "START"]);
  await manager.end();
});

Deno.test("a worker that has reconnected gets the messages that it may have missed: STARTED or STOP", async () => {
  const { manager, clock, runState, join } = new Scene();
  const a = await join("a");
  a.channel.send(state("ready"));
  await settle();
  manager.begin(() => 0);
  a.channel.close();
  runState.reset(1, 3);
  manager.started(7);
  const second = await join("a");
  second.channel.send(state("running", 4));
  await settle();
  assert.deepEqual(second.heard.slice(1), [{ type: "STARTED", userCount: 7, resetCount: 1 }]);
  second.channel.close();
  manager.stop(17, "");
  await clock.advance(2_000);
  const third = await join("a");
  third.channel.send(state("running", 4));
  await settle();
  assert.deepEqual(third.heard.slice(1), [
    { type: "STARTED", userCount: 7, resetCount: 1 },
    { type: "STOP", deadline: 15, why: "" },
  ]);
  await manager.end();
});

Deno.test("no new worker is accepted while the test stops, and no worker at all at the end", async () => {
  const { manager, join } = new Scene();
  const a = await join("a");
  a.channel.send(state("ready"));
  await settle();
  manager.begin(() => 0);
  manager.stop(17, "");
  await assert.rejects(join("b"), refusal("run", "The run is over."));
  await manager.end();
  await assert.rejects(join("a"), Deno.errors.ConnectionRefused);
  assert.equal(a.heard.at(-1)!.type, "QUIT");
});

Deno.test("a worker that leaves has left once its final report is counted", async () => {
  const { manager, runState, news, join } = new Scene();
  const a = await join("a");
  a.channel.send(state("ready"));
  await settle();
  manager.begin(() => 0);
  a.channel.send(state("leaving", 3));
  await settle();
  assert.deepEqual(manager.available, []);
  assert.equal(runState.workers[0]!.membership, "present");
  news();
  a.channel.send(report({ seq: 1, final: true }));
  await settle();
  assert.deepEqual(news(), ["journal report", "journal membership", "counted 1 of a"]);
  assert.equal(runState.workers[0]!.membership, "left");
  assert.equal(manager.allReported, true);
  await manager.end();
});

Deno.test("a worker that leaves before the test starts owes no report", async () => {
  const { manager, clock, news, join } = new Scene();
  const a = await join("a");
  a.channel.close();
  news();
  await clock.advance(6_100);
  assert.deepEqual(news(), [
    "journal membership",
    "Worker a left before the test started.",
    "lost a",
  ]);
  assert.equal(manager.allReported, true);
  assert.equal(manager.silence, 6_100);
  await manager.end();
  assert.equal(clock.pending, 0);
});

Deno.test("a worker without the test file fetches it, and takes part once it has it", async () => {
  const { manager, runState, news, join } = new Scene();
  const visitor = await join("a", "a", "");
  assert.equal(visitor.welcome.filesHash, BUNDLE.hash);
  assert.deepEqual(visitor.heard, [BUNDLE.list]);
  assert.deepEqual([runState.workers, news()], [[], ["Worker a is downloading the test file."]]);
  const a = await join("a", "a", BUNDLE.hash);
  assert.deepEqual(a.heard.map(({ type }) => type), ["SETUP"]);
  assert.deepEqual(runState.workers.map(({ id }) => id), ["a"]);
  await manager.end();
  await settle();
  assert.equal(visitor.channel.closed, true);
});
