import fc from "fast-check";
import assert from "node:assert/strict";
import { ProtocolError } from "../../src/cluster/frames.ts";
import type { Call } from "../../src/cluster/protocol.ts";
import type { SharedCall } from "../../src/cluster/shared_call.ts";
import { SESSION_SERVICE, WorkerRpcSession } from "../../src/shared/rpc.ts";
import { SharedServices } from "../../src/shared/services.ts";
import { FakeClock } from "../support/fake_clock.ts";

const ROWS = ["0", "1", "2", "3"];

/** A desk, the hub behind it, and what was said. */
class Scene {
  readonly hub = new SharedServices({
    feeders: [
      { name: "rows", rows: ROWS, mode: "unique", onEmpty: "throw" },
      { name: "waited", rows: ["0"], mode: "unique", onEmpty: "wait" },
    ],
    clock: new FakeClock(),
    random: () => 0,
  });
  /** Answers, what changed, and what was settled, in their order. */
  readonly log: string[] = [];
  readonly desk = this.open("");

  open(name: string): WorkerRpcSession {
    return new WorkerRpcSession({
      perform: (call, done) => this.hub.perform(call, done, "w1"),
      reply: (id, { result, value }) => this.log.push(`${name}${id}: ${result} ${value}`),
      onChanged: (id, { operation }) => this.log.push(`${name}${id} changed by ${operation}`),
      onSettled: (ids) => this.log.push(`${name}${ids} settled`),
    });
  }

  /** What was logged since the last time. */
  take(): string[] {
    return this.log.splice(0);
  }
}

function call(id: number, service: string, operation: string, ...args: unknown[]): Call {
  const name = service === "feeder" ? "rows" : "n";
  return { type: "CALL", id, service, name, operation, args: JSON.stringify(args) };
}

function withdraw(id: number, other: number): Call {
  const args = String(other);
  return { type: "CALL", id, service: SESSION_SERVICE, name: "", operation: "withdraw", args };
}

Deno.test("what changes something is written down before it is answered, and answered again", () => {
  const { desk, log } = new Scene();
  desk.take(call(1, "counter", "add", 2));
  desk.take(call(1, "counter", "add", 2));
  desk.take(call(2, "counter", "value"));
  assert.deepEqual(log, ["1 changed by add", "1: ok 2", "1: ok 2", "2: ok 2"]);
});

Deno.test("an old copy of a call that is settled is not carried out", () => {
  const scene = new Scene();
  scene.desk.take(call(1, "counter", "add", 1));
  scene.desk.settle(1);
  scene.desk.take(call(1, "counter", "add", 1));
  scene.desk.settle(1);
  scene.take();
  scene.desk.take(call(2, "counter", "value"));
  assert.deepEqual(scene.take(), ["2: ok 1"]);
});

Deno.test("what is not settled goes back when the worker is lost, and is the next row", () => {
  const scene = new Scene();
  const [first, second] = [scene.open("a"), scene.open("b")];
  for (const id of [1, 2, 3]) first.take(call(id, "feeder", "next"));
  first.settle(2);
  first.lose();
  scene.take();
  for (const id of [1, 2, 3, 4]) second.take(call(id, "feeder", "next"));
  assert.deepEqual(scene.take().filter((line) => !line.includes("changed")), [
    "b1: ok 0",
    "b2: ok 2",
    "b3: ok 3",
    "b4: error feeder rows: no row is left of 4",
  ]);
});

Deno.test("a lost worker that is back gets another row, and its additions are not repeated", () => {
  const scene = new Scene();
  scene.desk.take(call(1, "feeder", "next"));
  scene.desk.take(call(2, "counter", "add", 5));
  scene.desk.lose();
  scene.open("b").take(call(1, "feeder", "next"));
  scene.take();
  scene.desk.recall([1, 2]);
  scene.desk.take(call(1, "feeder", "next"));
  scene.desk.take(call(2, "counter", "add", 5));
  assert.deepEqual(scene.take(), ["1 changed by next", "1: ok 1", "2: ok 5"]);
});

Deno.test("calls that a worker does not ask for again are settled, or given up", () => {
  const scene = new Scene();
  scene.desk.take(call(1, "feeder", "next"));
  scene.desk.take(call(2, "rendezvous", "arrive", 2, 60));
  scene.desk.take(call(3, "counter", "add", 1));
  scene.take();
  scene.desk.recall([3]);
  scene.desk.lose();
  assert.deepEqual(scene.take(), ["1 settled"]);
  // The row that had got there stays away, and nobody waits at the rendezvous.
  scene.desk.take(call(4, "feeder", "next"));
  scene.desk.take(call(5, "rendezvous", "arrive", 1, 60));
  assert.deepEqual(scene.take(), [
    "4 changed by next",
    "4: ok 1",
    '5: ok {"arrived":1,"complete":true}',
  ]);
});

Deno.test("a call that is withdrawn is not answered, and gives back its row", () => {
  const scene = new Scene();
  scene.desk.take(call(1, "feeder", "next"));
  scene.desk.take(call(2, "rendezvous", "arrive", 2, 60));
  scene.take();
  scene.desk.take(withdraw(3, 1));
  scene.desk.take(withdraw(4, 2));
  scene.desk.take(withdraw(5, 99));
  assert.deepEqual(scene.take(), ["3 changed by withdraw", "3: ok ", "4: ok ", "5: ok "]);
  scene.desk.take(call(6, "feeder", "next"));
  scene.desk.take(call(7, "rendezvous", "arrive", 2, 60));
  assert.deepEqual(scene.take(), ["6 changed by next", "6: ok 0"]);
});

Deno.test("who waits for a row gets one that comes back, written down after what brought it", () => {
  const scene = new Scene();
  const wait = { ...call(1, "feeder", "next"), name: "waited" };
  scene.desk.take(wait);
  scene.open("b").take(wait);
  scene.take();
  scene.desk.take(withdraw(2, 1));
  assert.deepEqual(scene.take(), [
    "2 changed by withdraw",
    "2: ok ",
    "b1 changed by next",
    "b1: ok 0",
  ]);
});

Deno.test("a worker that takes no answers is refused before they fill the memory", () => {
  const { desk } = new Scene();
  const values = [call(1, "queue", "push", "x".repeat(60_000)), call(2, "queue", "pop")];
  assert.throws(() => {
    for (let id = 1; id < 10_000; id += 2) {
      for (const [i, one] of values.entries()) desk.take({ ...one, id: id + i });
    }
  }, (error) => error instanceof ProtocolError && error.code === "protocol");
  const other = new Scene().desk;
  for (let id = 1; id <= 100_000; id++) other.take(call(id, "rendezvous", "arrive", 1e6, 60));
  assert.throws(() => other.take(call(100_001, "counter", "value")), ProtocolError);
});

/** One step of a worker on a bad network. */
const anyStep = fc.record({
  operation: fc.constantFrom("add", "push", "pop", "next"),
  /** Whether the connection is cut on the way there, or back, or not at all. */
  cut: fc.constantFrom("no", "there", "back", "no"),
  copies: fc.integer({ min: 1, max: 3 }),
  /** Whether the master is another one behind it. */
  restart: fc.boolean(),
});

Deno.test("whatever is lost, sent twice or sent again, each call is carried out once", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
      const sane = new Scene();
      const expected: string[] = [];
      const seen: string[] = [];
      // What the worker has sent, and has no answer for.
      const pending = new Map<number, Call>();
      const journal: (() => void)[] = [];
      let replay: { desk: WorkerRpcSession } = { desk: sane.desk };
      let deaf = false;
      let live = true;
      const master = (): WorkerRpcSession => {
        const { hub } = new Scene();
        const desk: WorkerRpcSession = new WorkerRpcSession({
          perform: (one, done) => hub.perform(one, done, "w1"),
          reply: (id, { value }) => {
            if (deaf || !pending.delete(id)) return;
            seen.push(`${id}: ${value}`);
            desk.settle(id);
          },
          onChanged: (id, one: SharedCall) => journal.push(() => replay.desk.replay(id, one)),
          onSettled: (ids) => {
            if (live) journal.push(() => ids.forEach((id) => replay.desk.settle(id)));
          },
        });
        return desk;
      };
      let desk = master();
      const reconnect = (): void => {
        deaf = false;
        desk.recall([...pending.keys()]);
        for (const one of [...pending.values()]) desk.take(one);
      };
      for (const [index, { operation, cut, copies, restart }] of steps.entries()) {
        const id = index + 1;
        const service = operation === "add" ? "counter" : operation === "next" ? "feeder" : "queue";
        const one = call(id, service, operation, ...(operation === "next" ? [] : [id]));
        sane.desk.take(one);
        expected.push(sane.take().at(-1)!.replace(/: \w+ /, ": "));
        pending.set(id, one);
        deaf = cut === "back";
        if (cut !== "there") { for (let n = 0; n < copies; n++) desk.take(one); }
        if (restart) {
          desk = master();
          replay = { desk };
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
