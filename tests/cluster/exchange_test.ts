import assert from "node:assert/strict";
import type { JournalRecord } from "../../src/cluster/journal.ts";
import type { Message } from "../../src/cluster/protocol.ts";
import type { SharedRecord } from "../../src/cluster/restore.ts";
import { WorkerState } from "../../src/cluster/workers.ts";
import type { BroadcastMessage } from "../../src/shared/messages.ts";
import type { RpcServer } from "../../src/shared/rpc.ts";
import { rpcServerWith } from "../support/rpc_servers.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const ROWS = { name: "rows", rows: ["0", "1", "2"], mode: "unique", onEmpty: "stop" } as const;

function worker(id: string, index: number): WorkerState {
  return new WorkerState({ id, incarnation: `${id}'s first`, index, host: "box" });
}

class Scene {
  readonly journal: JournalRecord[] = [];
  readonly delivered: BroadcastMessage[] = [];
  readonly warnings: string[] = [];
  readonly clock = new FakeClock();
  readonly exchange: RpcServer;
  readonly members = ["w1", "w2", "w3"].map(worker);
  readonly #said: string[] = [];

  constructor(
    written: readonly JournalRecord[] = [],
    { iterations = null }: { readonly iterations?: number | null } = {},
  ) {
    this.exchange = rpcServerWith(this.clock, [ROWS], {
      iterations,
      deliver: (letter) => this.delivered.push(letter),
      warn: (text) => this.warnings.push(text),
    });
    for (const record of written) this.exchange.replay(record as SharedRecord);
    this.exchange.keep({
      append: (...records) => void this.journal.push(...records),
      close: () => {},
    });
    this.exchange.connect((member, message) => this.#said.push(`${member.id} ${short(message)}`));
    for (const member of this.members) this.exchange.seated(member);
  }

  call(worker: number, id: number, service: string, operation: string, args = "[]"): void {
    const name = service === "message" ? "flush" : "rows";
    this.exchange.take(this.members[worker]!, { type: "CALL", id, service, name, operation, args });
  }

  /** A worker's membership changes, as the journal is told first. */
  move(worker: number, membership: WorkerState["membership"]): void {
    const member = this.members[worker]!;
    member.membership = membership;
    const { incarnation } = member;
    this.journal.push({ type: "membership", incarnation, membership });
    this.exchange.moved(member);
  }

  take(): string[] {
    return this.#said.splice(0);
  }
}

function short(message: Message): string {
  if (message.type === "REPLY") return `${message.id}: ${message.result} ${message.value}`;
  if (message.type === "CAST") return `${message.from} ${message.kind} ${message.data}`;
  return message.type;
}

Deno.test("another master of the run answers as the one before would have", () => {
  const first = new Scene();
  first.call(0, 1, "feeder", "next");
  first.call(0, 2, "feeder", "next");
  first.call(1, 1, "counter", "add", "[5]");
  first.call(1, 2, "queue", "push", '["a","b"]');
  first.exchange.take(first.members[0]!, { type: "SETTLED", id: 1 });
  first.move(0, "lost");
  first.call(1, 3, "feeder", "next");
  const second = new Scene(first.journal);
  second.exchange.take(second.members[1]!, { type: "RECALL", ids: [1, 3] });
  second.call(1, 1, "counter", "add", "[5]");
  second.call(1, 3, "feeder", "next");
  second.call(2, 1, "feeder", "next");
  second.call(2, 2, "feeder", "next");
  second.call(2, 3, "counter", "value");
  second.call(2, 4, "queue", "size");
  assert.deepEqual(second.take(), [
    "w2 1: ok 5",
    "w2 3: ok 1",
    "w3 1: ok 2",
    "w3 2: end feeder rows: no row is left of 3",
    "w3 3: ok 5",
    "w3 4: ok 2",
  ]);
});

Deno.test("what changes nothing is not written down", () => {
  const scene = new Scene();
  scene.call(0, 1, "counter", "value");
  scene.call(0, 2, "queue", "pop");
  scene.call(0, 3, "message", "send", '["w2",1]');
  assert.deepEqual(scene.journal, []);
});

Deno.test("the master's own calls are answered in a turn of their own, and are gone on with", async () => {
  const first = new Scene();
  const values: string[] = [];
  const call = { service: "counter", name: "rows", operation: "add", args: "[3]" };
  first.exchange.port.call(call, false, ({ value }) => values.push(value));
  assert.deepEqual(values, []);
  await settle();
  assert.deepEqual(values, ["3"]);
  const second = new Scene(first.journal);
  second.call(0, 1, "counter", "value");
  assert.deepEqual(second.take(), ["w1 1: ok 3"]);
});

Deno.test("a message goes to those that it is for, and to nobody who has gone", () => {
  const scene = new Scene();
  scene.move(2, "lost");
  let id = 0;
  const send = (to: string): string[] => {
    scene.call(0, ++id, "message", "send", JSON.stringify([to, { n: 1 }]));
    const heard = scene.take().filter((said) => said.includes("flush"));
    return [
      ...scene.delivered.splice(0).map(() => "master"),
      ...heard.map((one) => one.slice(0, 2)),
    ];
  };
  assert.deepEqual(["all", "workers", "master", "w2", "w3"].map(send), [
    ["master", "w1", "w2"],
    ["w1", "w2"],
    ["master"],
    ["w2"],
    [],
  ]);
  assert.deepEqual(scene.warnings, [
    "A message for w3, which is no node of this run, was dropped.",
  ]);
});

Deno.test("messages wait for a worker that is cut off, and reach it once it is back", () => {
  const scene = new Scene();
  scene.call(0, 1, "message", "send", '["w2",1]');
  scene.call(0, 2, "message", "send", '["w2",2]');
  scene.exchange.take(scene.members[1]!, { type: "CAST_ACK", seq: 1 });
  scene.take();
  scene.exchange.seated(scene.members[1]!);
  assert.deepEqual(scene.take(), ["w2 w1 flush 2"]);
});

Deno.test("names of nobody fill no log", () => {
  const scene = new Scene();
  for (let id = 1; id <= 200; id++) scene.call(0, id, "message", "send", `["x${id}",1]`);
  assert.equal(scene.warnings.length, 100);
});

Deno.test("a worker that takes no messages is warned of once", () => {
  const scene = new Scene();
  for (let id = 1; id <= 1_100; id++) scene.call(0, id, "message", "send", '["w2",1]');
  assert.deepEqual(scene.warnings, [
    "Worker w2 does not take its messages: further ones are dropped.",
  ]);
});

Deno.test("a message that makes no sense, or is too long, is refused", () => {
  const scene = new Scene();
  scene.call(0, 1, "message", "send", "[1,2]");
  scene.call(0, 2, "message", "shout", '["all",2]');
  scene.call(0, 3, "message", "send", "nonsense");
  scene.call(0, 4, "message", "send", JSON.stringify(["all", "x".repeat(70_000)]));
  scene.call(0, 5, "message", "send", JSON.stringify(["x".repeat(257), 1]));
  assert.deepEqual(
    scene.take(),
    [1, 2, 3, 4, 5].map((id) => `w1 ${id}: error a message that goes nowhere`),
  );
});

Deno.test("workers are told how long the test has lasted, as soon as it has begun", () => {
  const scene = new Scene();
  scene.call(0, 1, "time", "elapsed");
  let elapsed = 7.25;
  scene.exchange.begin(() => elapsed);
  scene.call(0, 2, "time", "elapsed");
  elapsed = 8;
  scene.call(1, 1, "time", "elapsed");
  assert.deepEqual(scene.take(), ["w1 1: ok 0", "w1 2: ok 7.25", "w2 1: ok 8"]);
  assert.deepEqual(scene.journal, []);
});

Deno.test("what is left of the passes of a run is known to another master, also where a worker is lost", () => {
  const iterations = { iterations: 40 };
  const first = new Scene([], iterations);
  first.call(0, 1, "passes", "take", "[9]");
  first.call(1, 1, "passes", "take", "[9]");
  first.exchange.take(first.members[0]!, { type: "SETTLED", id: 1 });
  first.call(0, 2, "passes", "begun", "[1]");
  // The second one never got its three: they are there for others.
  first.move(1, "lost");
  first.take();
  for (const scene of [first, new Scene(first.journal, iterations)]) {
    let left = 0;
    for (let id = 3; id < 80; id++) {
      scene.call(2, id, "passes", "take", "[1]");
      const [answer] = scene.take();
      if (answer === undefined) break;
      left++;
    }
    // The first one still holds two.
    assert.equal(left, 37);
    scene.move(0, "lost");
    scene.call(2, 80, "passes", "begun", "[37]");
    assert.deepEqual(scene.take().map((answer) => answer.replace(/^w3 \d+: /, "")), [
      "ok null",
      "ok 0",
    ]);
  }
});
