import fc from "fast-check";
import assert from "node:assert/strict";
import type { JournalRecord } from "../../src/cluster/journal.ts";
import { type Message, ProtocolError, type SharedCall } from "../../src/cluster/protocol.ts";
import type { SharedRecord } from "../../src/cluster/restore.ts";
import { WorkerState } from "../../src/cluster/run_state.ts";
import type { BroadcastMessage } from "../../src/shared/messages.ts";
import { type RpcServer, SESSION_SERVICE, WorkerRpcSession } from "../../src/shared/rpc.ts";
import { SharedServices } from "../../src/shared/services.ts";
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
  readonly rpc: RpcServer;
  readonly workers = ["w1", "w2", "w3"].map(worker);
  readonly #sent: string[] = [];

  constructor(
    written: readonly JournalRecord[] = [],
    { iterations = null }: { readonly iterations?: number | null } = {},
  ) {
    this.rpc = rpcServerWith(this.clock, [ROWS], {
      iterations,
      deliver: (message) => this.delivered.push(message),
      warn: (text) => this.warnings.push(text),
    });
    for (const record of written) this.rpc.replay(record as SharedRecord);
    this.rpc.useJournal({
      append: (...records) => void this.journal.push(...records),
      close: () => {},
    });
    this.rpc.connect((workerState, message) =>
      this.#sent.push(`${workerState.id} ${short(message)}`)
    );
    for (const workerState of this.workers) this.rpc.workerConnected(workerState);
  }

  call(worker: number, id: number, service: string, operation: string, args = "[]"): void {
    const name = service === "message" ? "flush" : "rows";
    this.rpc.handle(this.workers[worker]!, {
      type: "CALL",
      id,
      service,
      name,
      operation,
      args,
    });
  }

  /** Changes the membership of a worker, and records it first. */
  move(worker: number, membership: WorkerState["membership"]): void {
    const workerState = this.workers[worker]!;
    workerState.membership = membership;
    const { incarnation } = workerState;
    this.journal.push({ type: "membership", incarnation, membership });
    this.rpc.membershipChanged(workerState);
  }

  take(): string[] {
    return this.#sent.splice(0);
  }
}

function short(message: Message): string {
  if (message.type === "REPLY") return `${message.id}: ${message.result} ${message.value}`;
  if (message.type === "CAST") return `${message.from} ${message.kind} ${message.data}`;
  return message.type;
}

Deno.test("a restarted master answers like the previous one", () => {
  const first = new Scene();
  first.call(0, 1, "feeder", "next");
  first.call(0, 2, "feeder", "next");
  first.call(1, 1, "counter", "add", "[5]");
  first.call(1, 2, "queue", "push", '["a","b"]');
  first.rpc.handle(first.workers[0]!, { type: "SETTLED", id: 1 });
  first.move(0, "lost");
  first.call(1, 3, "feeder", "next");
  const second = new Scene(first.journal);
  second.rpc.handle(second.workers[1]!, { type: "RECALL", ids: [1, 3] });
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
    "w3 2: end feeder rows: all 3 rows have been used",
    "w3 3: ok 5",
    "w3 4: ok 2",
  ]);
});

Deno.test("calls that change nothing are not written to the journal", () => {
  const scene = new Scene();
  scene.call(0, 1, "counter", "value");
  scene.call(0, 2, "queue", "pop");
  scene.call(0, 3, "message", "send", '["w2",1]');
  assert.deepEqual(scene.journal, []);
});

Deno.test("the master's own calls are answered in a later turn, and restored after a restart", async () => {
  const first = new Scene();
  const values: string[] = [];
  const call = { service: "counter", name: "rows", operation: "add", args: "[3]" };
  first.rpc.localRpc.call(call, false, ({ value }) => values.push(value));
  assert.deepEqual(values, []);
  await settle();
  assert.deepEqual(values, ["3"]);
  const second = new Scene(first.journal);
  second.call(0, 1, "counter", "value");
  assert.deepEqual(second.take(), ["w1 1: ok 3"]);
});

Deno.test("a message goes to its receivers, but not to workers that have left", () => {
  const scene = new Scene();
  scene.move(2, "lost");
  let id = 0;
  const send = (to: string): string[] => {
    scene.call(0, ++id, "message", "send", JSON.stringify([to, { n: 1 }]));
    const heard = scene.take().filter((sent) => sent.includes("flush"));
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
    "Dropped a message for w3, which is not a node of this run.",
  ]);
});

Deno.test("messages wait for a disconnected worker until it returns", () => {
  const scene = new Scene();
  scene.call(0, 1, "message", "send", '["w2",1]');
  scene.call(0, 2, "message", "send", '["w2",2]');
  scene.rpc.handle(scene.workers[1]!, { type: "CAST_ACK", seq: 1 });
  scene.take();
  scene.rpc.workerConnected(scene.workers[1]!);
  assert.deepEqual(scene.take(), ["w2 w1 flush 2"]);
});

Deno.test("unknown receivers do not flood the log", () => {
  const scene = new Scene();
  for (let id = 1; id <= 200; id++) scene.call(0, id, "message", "send", `["x${id}",1]`);
  assert.equal(scene.warnings.length, 100);
});

Deno.test("a worker that does not receive its messages is warned about once", () => {
  const scene = new Scene();
  for (let id = 1; id <= 1_100; id++) scene.call(0, id, "message", "send", '["w2",1]');
  assert.deepEqual(scene.warnings, [
    "Worker w2 does not receive its messages: further ones are dropped.",
  ]);
});

Deno.test("an invalid or oversized message is refused", () => {
  const scene = new Scene();
  scene.call(0, 1, "message", "send", "[1,2]");
  scene.call(0, 2, "message", "shout", '["all",2]');
  scene.call(0, 3, "message", "send", "nonsense");
  scene.call(0, 4, "message", "send", JSON.stringify(["all", "x".repeat(70_000)]));
  scene.call(0, 5, "message", "send", JSON.stringify(["x".repeat(257), 1]));
  assert.deepEqual(
    scene.take(),
    [1, 2, 3, 4, 5].map((id) => `w1 ${id}: error an invalid message`),
  );
});

Deno.test("workers can ask for the time since the start of the test", () => {
  const scene = new Scene();
  scene.call(0, 1, "time", "elapsed");
  let elapsed = 7.25;
  scene.rpc.begin(() => elapsed);
  scene.call(0, 2, "time", "elapsed");
  elapsed = 8;
  scene.call(1, 1, "time", "elapsed");
  assert.deepEqual(scene.take(), ["w1 1: ok 0", "w1 2: ok 7.25", "w2 1: ok 8"]);
  assert.deepEqual(scene.journal, []);
});

Deno.test("a restarted master knows the remaining iterations, even if a worker is lost", () => {
  const iterations = { iterations: 40 };
  const first = new Scene([], iterations);
  first.call(0, 1, "passes", "take", "[9]");
  first.call(1, 1, "passes", "take", "[9]");
  first.rpc.handle(first.workers[0]!, { type: "SETTLED", id: 1 });
  first.call(0, 2, "passes", "begun", "[1]");
  // The second one never received its three, so they are available to others.
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

const SESSION_ROWS = ["0", "1", "2", "3"];

/** A session with its services, and a log of what it did. */
class SessionScene {
  readonly services = new SharedServices({
    feeders: [
      { name: "rows", rows: SESSION_ROWS, mode: "unique", onEmpty: "throw" },
      { name: "waited", rows: ["0"], mode: "unique", onEmpty: "wait" },
    ],
    clock: new FakeClock(),
    random: () => 0,
  });
  /** Answers, changes and settled calls, in order. */
  readonly log: string[] = [];
  readonly session = this.open("");

  open(name: string): WorkerRpcSession {
    return new WorkerRpcSession({
      perform: (call, done) => this.services.perform(call, done, "w1"),
      reply: (id, { result, value }) => this.log.push(`${name}${id}: ${result} ${value}`),
      onChanged: (id, { operation }) => this.log.push(`${name}${id} changed by ${operation}`),
      onSettled: (ids) => this.log.push(`${name}${ids} settled`),
    });
  }

  /** The log since the last call. */
  take(): string[] {
    return this.log.splice(0);
  }
}

function call(id: number, service: string, operation: string, ...args: unknown[]): Message<"CALL"> {
  const name = service === "feeder" ? "rows" : "n";
  return { type: "CALL", id, service, name, operation, args: JSON.stringify(args) };
}

function withdraw(id: number, other: number): Message<"CALL"> {
  const args = String(other);
  return { type: "CALL", id, service: SESSION_SERVICE, name: "", operation: "withdraw", args };
}

Deno.test("a change is written to the journal before it is answered, and the answer can be repeated", () => {
  const { session, log } = new SessionScene();
  session.handle(call(1, "counter", "add", 2));
  session.handle(call(1, "counter", "add", 2));
  session.handle(call(2, "counter", "value"));
  assert.deepEqual(log, ["1 changed by add", "1: ok 2", "1: ok 2", "2: ok 2"]);
});

Deno.test("an old copy of a settled call is ignored", () => {
  const scene = new SessionScene();
  scene.session.handle(call(1, "counter", "add", 1));
  scene.session.settle(1);
  scene.session.handle(call(1, "counter", "add", 1));
  scene.session.settle(1);
  scene.take();
  scene.session.handle(call(2, "counter", "value"));
  assert.deepEqual(scene.take(), ["2: ok 1"]);
});

Deno.test("an unsettled row is taken back when the worker is lost, and handed out next", () => {
  const scene = new SessionScene();
  const [first, second] = [scene.open("a"), scene.open("b")];
  for (const id of [1, 2, 3]) first.handle(call(id, "feeder", "next"));
  first.settle(2);
  first.workerLost();
  scene.take();
  for (const id of [1, 2, 3, 4]) second.handle(call(id, "feeder", "next"));
  assert.deepEqual(scene.take().filter((line) => !line.includes("changed")), [
    "b1: ok 0",
    "b2: ok 2",
    "b3: ok 3",
    "b4: error feeder rows: all 4 rows have been used",
  ]);
});

Deno.test("a lost worker that returns gets another row, and its additions are not repeated", () => {
  const scene = new SessionScene();
  scene.session.handle(call(1, "feeder", "next"));
  scene.session.handle(call(2, "counter", "add", 5));
  scene.session.workerLost();
  scene.open("b").handle(call(1, "feeder", "next"));
  scene.take();
  scene.session.recall([1, 2]);
  scene.session.handle(call(1, "feeder", "next"));
  scene.session.handle(call(2, "counter", "add", 5));
  assert.deepEqual(scene.take(), ["1 changed by next", "1: ok 1", "2: ok 5"]);
});

Deno.test("calls that a worker does not recall are settled or dropped", () => {
  const scene = new SessionScene();
  scene.session.handle(call(1, "feeder", "next"));
  scene.session.handle(call(2, "rendezvous", "arrive", 2, 60));
  scene.session.handle(call(3, "counter", "add", 1));
  scene.take();
  scene.session.recall([3]);
  scene.session.workerLost();
  assert.deepEqual(scene.take(), ["1 settled"]);
  // The row that was received is not handed out again, and no user waits at the rendezvous.
  scene.session.handle(call(4, "feeder", "next"));
  scene.session.handle(call(5, "rendezvous", "arrive", 1, 60));
  assert.deepEqual(scene.take(), [
    "4 changed by next",
    "4: ok 1",
    '5: ok {"arrived":1,"complete":true}',
  ]);
});

Deno.test("a withdrawn call is not answered, and its row is taken back", () => {
  const scene = new SessionScene();
  scene.session.handle(call(1, "feeder", "next"));
  scene.session.handle(call(2, "rendezvous", "arrive", 2, 60));
  scene.take();
  scene.session.handle(withdraw(3, 1));
  scene.session.handle(withdraw(4, 2));
  scene.session.handle(withdraw(5, 99));
  assert.deepEqual(scene.take(), ["3 changed by withdraw", "3: ok ", "4: ok ", "5: ok "]);
  scene.session.handle(call(6, "feeder", "next"));
  scene.session.handle(call(7, "rendezvous", "arrive", 2, 60));
  assert.deepEqual(scene.take(), ["6 changed by next", "6: ok 0"]);
});

Deno.test("a waiting call gets a row that is taken back, recorded after the call that returned it", () => {
  const scene = new SessionScene();
  const wait = { ...call(1, "feeder", "next"), name: "waited" };
  scene.session.handle(wait);
  scene.open("b").handle(wait);
  scene.take();
  scene.session.handle(withdraw(2, 1));
  assert.deepEqual(scene.take(), [
    "2 changed by withdraw",
    "2: ok ",
    "b1 changed by next",
    "b1: ok 0",
  ]);
});

Deno.test("a worker that does not settle its calls is refused before they fill the memory", () => {
  const { session } = new SessionScene();
  const values = [call(1, "queue", "push", "x".repeat(60_000)), call(2, "queue", "pop")];
  assert.throws(() => {
    for (let id = 1; id < 10_000; id += 2) {
      for (const [i, one] of values.entries()) session.handle({ ...one, id: id + i });
    }
  }, (error) => error instanceof ProtocolError && error.code === "protocol");
  const other = new SessionScene().session;
  for (let id = 1; id <= 100_000; id++) other.handle(call(id, "rendezvous", "arrive", 1e6, 60));
  assert.throws(() => other.handle(call(100_001, "counter", "value")), ProtocolError);
});

/** A step of a worker on an unreliable network. */
const anyStep = fc.record({
  operation: fc.constantFrom("add", "push", "pop", "next"),
  /** Whether the connection is lost on the way there, on the way back, or not at all. */
  cut: fc.constantFrom("no", "there", "back", "no"),
  copies: fc.integer({ min: 1, max: 3 }),
  /** Whether the master is restarted after it. */
  restart: fc.boolean(),
});

Deno.test("whatever is lost or repeated, each call is performed once", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
      const sane = new SessionScene();
      const expected: string[] = [];
      const seen: string[] = [];
      // The calls that the worker has sent and that are not answered.
      const pending = new Map<number, Message<"CALL">>();
      const journal: (() => void)[] = [];
      let replay: { session: WorkerRpcSession } = { session: sane.session };
      let deaf = false;
      let live = true;
      const master = (): WorkerRpcSession => {
        const { services } = new SessionScene();
        const session: WorkerRpcSession = new WorkerRpcSession({
          perform: (one, done) => services.perform(one, done, "w1"),
          reply: (id, { value }) => {
            if (deaf || !pending.delete(id)) return;
            seen.push(`${id}: ${value}`);
            session.settle(id);
          },
          onChanged: (id, one: SharedCall) => journal.push(() => replay.session.replay(id, one)),
          onSettled: (ids) => {
            if (live) journal.push(() => ids.forEach((id) => replay.session.settle(id)));
          },
        });
        return session;
      };
      let session = master();
      const reconnect = (): void => {
        deaf = false;
        session.recall([...pending.keys()]);
        for (const one of [...pending.values()]) session.handle(one);
      };
      for (const [index, { operation, cut, copies, restart }] of steps.entries()) {
        const id = index + 1;
        const service = operation === "add" ? "counter" : operation === "next" ? "feeder" : "queue";
        const one = call(id, service, operation, ...(operation === "next" ? [] : [id]));
        sane.session.handle(one);
        expected.push(sane.take().at(-1)!.replace(/: \w+ /, ": "));
        pending.set(id, one);
        deaf = cut === "back";
        if (cut !== "there") { for (let n = 0; n < copies; n++) session.handle(one); }
        if (restart) {
          session = master();
          replay = { session };
          live = false;
          for (const again of journal) again();
          live = true;
        }
        if (cut !== "no" || restart) reconnect();
      }
      assert.deepEqual(seen, expected);
    }),
    { numRuns: 500 },
  );
});
