import assert from "node:assert/strict";
import type { Message } from "../../src/cluster/protocol.ts";
import { RemoteRpc } from "../../src/shared/rpc_client.ts";

class Scene {
  readonly heard: string[] = [];
  readonly answers: string[] = [];
  readonly line = new RemoteRpc("w1", ({ from, kind, data }) => {
    this.heard.push(`${from} ${kind} ${data}`);
  });
  readonly #sent: Message[] = [];

  constructor() {
    this.line.connect({ send: (message) => this.#sent.push(message) });
  }

  ask(name: string, mayBlock = false): () => void {
    const call = { service: "counter", name, operation: "value", args: "[]" };
    return this.line.call(call, mayBlock, ({ result, value }) => {
      this.answers.push(`${name}: ${result} ${value}`);
    });
  }

  reply(id: number, value = "1"): void {
    this.line.handle({ type: "REPLY", id, result: "ok", value });
  }

  /** A summary of the messages since the last call. */
  take(): string[] {
    return this.#sent.splice(0).map((message) => {
      switch (message.type) {
        case "CALL":
          return `${message.id} ${message.operation} ${message.name || message.args}`;
        case "SETTLED":
          return `settled ${message.id}`;
        case "RECALL":
          return `recall ${message.ids}`;
        case "CAST_ACK":
          return `ack ${message.seq}`;
        default:
          return message.type;
      }
    });
  }
}

Deno.test("a call is answered once, and SETTLED is sent before the answer is used", () => {
  const scene = new Scene();
  scene.ask("a");
  scene.reply(1);
  scene.reply(1);
  scene.reply(2);
  assert.deepEqual(scene.answers, ["a: ok 1"]);
  assert.deepEqual(scene.take(), ["1 value a", "settled 1"]);
});

Deno.test("on a new connection, unanswered calls are sent again in order", () => {
  const scene = new Scene();
  scene.line.joined(1);
  assert.deepEqual(scene.take(), []);
  for (const name of ["a", "b", "c"]) scene.ask(name);
  scene.reply(2);
  scene.take();
  scene.line.joined(1);
  assert.deepEqual(scene.take(), ["recall 1,3", "1 value a", "3 value c"]);
});

Deno.test("64 calls are in flight and the others wait, except those that may block", () => {
  const scene = new Scene();
  for (let n = 0; n < 66; n++) scene.ask(`n${n}`);
  scene.ask("meeting", true);
  assert.equal(scene.take().length, 65);
  scene.reply(65);
  assert.deepEqual(scene.take(), ["settled 65"]);
  scene.reply(1);
  assert.deepEqual(scene.take(), ["settled 1", "66 value n64"]);
});

Deno.test("long calls wait for each other even if there are few", () => {
  const scene = new Scene();
  const values = JSON.stringify(["x".repeat(300_000)]);
  const call = { service: "queue", name: "q", operation: "push", args: values };
  for (let n = 0; n < 6; n++) scene.line.call(call, false, () => {});
  assert.deepEqual(scene.take(), ["1 push q", "2 push q", "3 push q", "4 push q"]);
  scene.reply(1);
  assert.deepEqual(scene.take(), ["settled 1", "5 push q"]);
});

Deno.test("a withdrawn call is not answered, and is reported to a master that may have received it", () => {
  const scene = new Scene();
  const withdraw = scene.ask("meeting", true);
  for (let n = 0; n < 64; n++) scene.ask(`n${n}`);
  scene.ask("late")();
  scene.take();
  withdraw();
  withdraw();
  scene.reply(1);
  assert.deepEqual(scene.take(), ["66 withdraw 1"]);
  scene.line.joined(1);
  const sent = scene.take();
  assert.match(sent[0]!, /,65,1,66$/);
  assert.equal(sent.at(-1), "66 withdraw 1");
  assert.deepEqual(sent.filter((one) => /late|meeting/.test(one)), []);
  assert.deepEqual(scene.answers, []);
});

Deno.test("each message is delivered once, and a restarted master numbers them from 1", () => {
  const scene = new Scene();
  const cast = (seq: number): void => {
    scene.line.handle({ type: "CAST", seq, from: "w2", kind: "flush", data: `${seq}` });
  };
  scene.line.joined(1);
  for (const seq of [1, 1, 2, 1]) cast(seq);
  scene.line.joined(1);
  cast(2);
  scene.line.joined(2);
  cast(1);
  assert.deepEqual(scene.heard, ["w2 flush 1", "w2 flush 2", "w2 flush 1"]);
  assert.deepEqual(scene.take(), ["ack 1", "ack 1", "ack 2", "ack 2", "ack 2", "ack 1"]);
});

Deno.test("when the run is over, open calls end their users", () => {
  const scene = new Scene();
  scene.ask("a");
  scene.line.close();
  scene.ask("b");
  assert.deepEqual(scene.answers, ["a: end the run is over", "b: end the run is over"]);
});
