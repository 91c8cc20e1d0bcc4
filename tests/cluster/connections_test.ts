import assert from "node:assert/strict";
import { Channel } from "../../src/cluster/channel.ts";
import { WorkerConnections } from "../../src/cluster/connections.ts";
import { Inbox } from "../../src/cluster/inbox.ts";
import { type Message, PROTOCOL, ProtocolError } from "../../src/cluster/protocol.ts";
import { RunState, type WorkerState } from "../../src/cluster/run_state.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { identity } from "../support/joining.ts";
import { memoryStreams } from "../support/memory_stream.ts";

/** The worker's end of a connection. */
interface Worker {
  readonly channel: Channel;
  readonly heard: Message[];
  ended: boolean;
}

class Scene {
  readonly clock = new FakeClock();
  readonly state = new RunState("run", "e3b0");
  readonly log: string[] = [];
  /** How long handling a message takes. */
  costMs = 0;
  readonly connections = new WorkerConnections(this.state, this.clock, {
    heartbeatMs: 1000,
    lostMs: 6000,
  }, {
    onConnected: ({ id }) => void this.log.push(`seated ${id}`),
    onMessage: (workerState, message) => {
      if (message.type === "STOPPED") throw new ProtocolError("protocol", "not asked for");
      this.clock.block(this.costMs);
      this.log.push(`${workerState.id} says ${message.type}`);
    },
    onLost: (workerState) => {
      workerState.membership = "lost";
      this.log.push(`lost ${workerState.id} at ${this.clock.now()}`);
    },
  }, new Inbox(this.clock));

  enter(name: string): WorkerState {
    return this.state.addWorker({ id: name, incarnation: `${name}'s first`, host: "box" });
  }

  seat(workerState: WorkerState, capacity = Infinity): Worker {
    const [near, far] = memoryStreams(capacity);
    const channel = new Channel(far);
    channel.admit();
    this.connections.connect(workerState, channel);
    const worker: Worker = { channel: new Channel(near), heard: [], ended: false };
    void (async () => {
      while (capacity === Infinity) {
        const message = await worker.channel.receive();
        if (message === null) break;
        worker.heard.push(message);
      }
      worker.ended = true;
    })();
    return worker;
  }
}

function join(changes: Partial<Message<"JOIN">>): Message<"JOIN"> {
  return {
    type: "JOIN",
    protocol: PROTOCOL,
    version: "0.1.0",
    ...identity(),
    nonce: new Uint8Array(16),
    mac: new Uint8Array(),
    ...changes,
  };
}

Deno.test("every connected worker gets a PING per second", async () => {
  const scene = new Scene();
  const a = scene.seat(scene.enter("a"));
  const b = scene.seat(scene.enter("b"));
  scene.connections.start();
  await scene.clock.advance(3_100);
  assert.deepEqual(a.heard, [1, 2, 3].map((number) => ({ type: "PING", number })));
  assert.deepEqual(b.heard, a.heard);
  await scene.connections.end();
  assert.equal(scene.clock.pending, 0);
});

Deno.test("a PING is answered, and other messages are passed on", async () => {
  const scene = new Scene();
  const a = scene.seat(scene.enter("a"));
  a.channel.send({ type: "PING", number: 77 });
  a.channel.send({ type: "TARGET_ACK", revision: 1 });
  a.channel.send({ type: "PONG", number: 3 });
  await settle();
  assert.deepEqual(a.heard, [{ type: "PONG", number: 77 }]);
  assert.deepEqual(scene.log, ["seated a", "a says TARGET_ACK", "a says PONG"]);
  await scene.connections.end();
});

Deno.test("a worker is lost after 6 s of silence, and its connection is closed", async () => {
  const scene = new Scene();
  const [a, b] = [scene.enter("a"), scene.enter("b")];
  const [quiet, loud] = [scene.seat(a), scene.seat(b)];
  scene.connections.start();
  await scene.clock.advance(900);
  quiet.channel.send({ type: "PONG", number: 1 });
  for (let second = 0; second < 8; second++) {
    loud.channel.send({ type: "PONG", number: 1 });
    await scene.clock.advance(1_000);
  }
  assert.deepEqual(scene.log.filter((line) => line.startsWith("lost")), ["lost a at 7000"]);
  assert.equal(quiet.ended, true);
  assert.equal(loud.ended, false);
  assert.equal(scene.connections.isConnected(a), false);
  assert.equal(scene.connections.silence, 1_000);
  assert.equal(scene.connections.isConnected(b), true);
  await scene.connections.end();
});

Deno.test("a disconnected worker is lost as late as a silent one", async () => {
  const scene = new Scene();
  const a = scene.enter("a");
  const worker = scene.seat(a);
  scene.connections.start();
  worker.channel.close();
  await scene.clock.advance(5_900);
  assert.equal(scene.connections.isConnected(a), false);
  assert.deepEqual(scene.log, ["seated a"]);
  await scene.clock.advance(200);
  assert.deepEqual(scene.log, ["seated a", "lost a at 6000"]);
  await scene.connections.end();
});

Deno.test("a worker's newest connection replaces the previous one", async () => {
  const scene = new Scene();
  const a = scene.enter("a");
  const first = scene.seat(a);
  await settle();
  first.channel.send({ type: "TARGET_ACK", revision: 1 });
  const second = scene.seat(a);
  await settle();
  second.channel.send({ type: "PONG", number: 1 });
  await settle();
  assert.equal(first.ended, true);
  assert.deepEqual(scene.log, ["seated a", "seated a", "a says PONG"]);
  scene.connections.send(a, { type: "ACK", seq: 4 });
  await settle();
  assert.deepEqual(second.heard, [{ type: "ACK", seq: 4 }]);
  await scene.connections.end();
});

Deno.test("another process of the same name is refused while the first one is present", () => {
  const scene = new Scene();
  const { connections } = scene;
  const a = scene.enter("a");
  const again = join({ workerId: "a", incarnation: a.incarnation });
  const other = join({ workerId: "a", incarnation: "a's second" });
  connections.checkName(again);
  assert.throws(() => connections.checkName(other), { name: "ProtocolError", code: "duplicate" });
  for (const gone of ["lost", "left"] as const) {
    a.membership = gone;
    connections.checkName(other);
  }
});

Deno.test("a worker from before a restart has time to return", async () => {
  const scene = new Scene();
  const [a, b] = [scene.enter("a"), scene.enter("b")];
  scene.connections.expect(a, 10_000);
  scene.connections.expect(b, 10_000);
  scene.connections.start();
  await scene.clock.advance(9_000);
  const worker = scene.seat(b);
  await scene.clock.advance(1_100);
  worker.channel.send({ type: "PONG", number: 1 });
  await scene.clock.advance(1_000);
  assert.deepEqual(scene.log, ["seated b", "lost a at 10000", "b says PONG"]);
  await scene.connections.end();
});

Deno.test("a worker that violates the protocol gets an ERROR and affects no other worker", async () => {
  const scene = new Scene();
  const [a, b] = [scene.enter("a"), scene.enter("b")];
  const [bad, good] = [scene.seat(a), scene.seat(b)];
  bad.channel.send({ type: "STOPPED", lastSeq: 0 });
  good.channel.send({ type: "PONG", number: 1 });
  await settle();
  assert.deepEqual(bad.heard, [{ type: "ERROR", code: "protocol", text: "not asked for" }]);
  assert.equal(bad.ended, true);
  assert.equal(scene.connections.isConnected(a), false);
  assert.equal(scene.connections.isConnected(b), true);
  assert.deepEqual(scene.log, ["seated a", "seated b", "b says PONG"]);
  await scene.connections.end();
});

Deno.test("at the end all workers get QUIT, after all earlier messages", async () => {
  const scene = new Scene();
  const a = scene.enter("a");
  const worker = scene.seat(a);
  scene.connections.start();
  scene.connections.send(a, { type: "ACK", seq: 1 });
  await scene.connections.end();
  await settle();
  assert.deepEqual(worker.heard, [{ type: "ACK", seq: 1 }, {
    type: "QUIT",
    why: "",
    stays: false,
  }]);
  assert.equal(worker.ended, true);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("a worker that does not read delays the end by 1 s at most", async () => {
  const scene = new Scene();
  scene.seat(scene.enter("deaf"), 4);
  let over = false;
  void scene.connections.end().then(() => over = true);
  await scene.clock.advance(999);
  assert.equal(over, false);
  await scene.clock.advance(1);
  assert.equal(over, true);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("messages to workers that are not connected are dropped", () => {
  const scene = new Scene();
  const a = scene.enter("a");
  scene.connections.send(a, { type: "QUIT", why: "", stays: false });
  assert.equal(scene.connections.isConnected(a), false);
  assert.equal(scene.connections.silence, Infinity);
});

Deno.test("a PING is answered before earlier messages of other workers are handled", async () => {
  const scene = new Scene();
  scene.costMs = 20;
  const [a, b] = [scene.seat(scene.enter("a")), scene.seat(scene.enter("b"))];
  for (let revision = 0; revision < 5; revision++) {
    a.channel.send({ type: "TARGET_ACK", revision });
  }
  b.channel.send({ type: "PING", number: 7 });
  await settle();
  assert.deepEqual(b.heard, [{ type: "PONG", number: 7 }]);
  assert.deepEqual(scene.log, ["seated a", "seated b", "a says TARGET_ACK"]);
  await scene.clock.advance(100);
  assert.equal(scene.log.length, 7);
  await scene.connections.end();
});

Deno.test("a master that needs minutes to handle what has arrived loses no worker", async () => {
  const scene = new Scene();
  const workers = ["a", "b", "c", "d"].map((name) => scene.seat(scene.enter(name)));
  scene.connections.start();
  scene.costMs = 900;
  for (let second = 0; second < 30; second++) {
    for (const [number, { channel }] of workers.entries()) {
      channel.send({ type: "PING", number: second });
      channel.send({ type: "TARGET_ACK", revision: number });
    }
    await scene.clock.advance(1_000);
  }
  const answers = workers.map(({ heard }) => heard.filter(({ type }) => type === "PONG").length);
  assert.deepEqual(answers, [30, 30, 30, 30]);
  assert.deepEqual(scene.log.filter((line) => line.startsWith("lost")), []);
  // Then the workers are silent. What they have sent is handled before they are lost.
  await scene.clock.advance(200_000);
  for (const name of ["a", "b", "c", "d"]) {
    const own = scene.log.filter((line) => line.split(" ").includes(name)).slice(1);
    assert.equal(own.length, 31);
    assert.match(own.at(-1)!, /^lost/);
  }
  await scene.connections.end();
});

Deno.test("a worker that sends more than can be handled has to wait, and gets nothing lost", async () => {
  const scene = new Scene();
  scene.costMs = 20;
  const [a] = [scene.seat(scene.enter("a"))];
  const options = "x".repeat(100_000);
  for (let workerIndex = 0; workerIndex < 20; workerIndex++) {
    a.channel.send({ type: "SETUP", workerIndex, options });
  }
  await settle();
  assert.equal(scene.log.length, 2);
  await scene.clock.advance(1_000);
  assert.equal(scene.log.length, 21);
  await scene.connections.end();
});
