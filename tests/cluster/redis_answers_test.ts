import assert from "node:assert/strict";
import type { JournalRecord } from "../../src/cluster/journal.ts";
import type { SharedRecord } from "../../src/cluster/restore.ts";
import type { Performed } from "../../src/cluster/shared_call.ts";
import { WorkerState } from "../../src/cluster/workers.ts";
import { RedisAnswers } from "../../src/shared/redis.ts";
import type { RpcServer } from "../../src/shared/rpc.ts";
import { SharedServices } from "../../src/shared/services.ts";
import { rpcServerWith } from "../support/rpc_servers.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

/** A master and a worker of it, with a Redis that answers when the test says so. */
class Scene {
  readonly journal: JournalRecord[] = [];
  readonly replies: string[] = [];
  readonly sent: string[] = [];
  readonly waiting: PromiseWithResolvers<unknown>[] = [];
  readonly exchange: RpcServer;
  readonly member = new WorkerState({
    id: "w1",
    incarnation: "w1's first",
    index: 0,
    host: "box",
  });

  constructor(written: readonly JournalRecord[] = []) {
    const clock = new FakeClock();
    const redis = {
      command: (...words: readonly string[]): Promise<unknown> => {
        this.sent.push(words.join(" "));
        const answer = Promise.withResolvers<unknown>();
        this.waiting.push(answer);
        return answer.promise;
      },
    };
    const hub = new SharedServices({ feeders: [], clock, random: () => 0, redis });
    this.exchange = rpcServerWith(clock, [], { hub });
    for (const record of written) this.exchange.replay(record as SharedRecord);
    this.exchange.keep({ append: (...all) => void this.journal.push(...all), close: () => {} });
    this.exchange.connect((_, message) => {
      if (message.type === "REPLY") {
        this.replies.push(`${message.id}: ${message.result} ${message.value}`);
      }
    });
    this.exchange.seated(this.member);
  }

  add(id: number): void {
    const call = { service: "counter", name: "n", operation: "add", args: "[1]" };
    this.exchange.take(this.member, { type: "CALL", id, ...call });
  }

  /** Redis answers the oldest command. */
  async answer(reply: unknown): Promise<void> {
    this.waiting.shift()!.resolve(reply);
    await settle();
  }
}

Deno.test("a call that is sent again while Redis works on it is carried out once", async () => {
  const scene = new Scene();
  scene.add(1);
  scene.exchange.take(scene.member, { type: "RECALL", ids: [1] });
  scene.add(1);
  await scene.answer("1");
  assert.deepEqual([scene.sent, scene.replies], [["INCRBYFLOAT n 1"], ["1: ok 1"]]);
});

Deno.test("a call of a worker that is lost meanwhile is carried out once, and answered", async () => {
  const scene = new Scene();
  scene.add(1);
  scene.member.membership = "lost";
  scene.exchange.moved(scene.member);
  await scene.answer("1");
  scene.replies.length = 0;
  scene.member.membership = "present";
  scene.exchange.take(scene.member, { type: "RECALL", ids: [1] });
  scene.add(1);
  await settle();
  assert.deepEqual([scene.sent, scene.replies], [["INCRBYFLOAT n 1"], ["1: ok 1"]]);
});

Deno.test("another master gives the answer of the first, and changes nothing in Redis", async () => {
  const first = new Scene();
  first.add(1);
  await first.answer("7");
  const second = new Scene(first.journal);
  second.exchange.take(second.member, { type: "RECALL", ids: [1] });
  second.add(1);
  assert.deepEqual([second.sent, second.replies], [[], ["1: ok 7"]]);
  second.exchange.take(second.member, { type: "SETTLED", id: 1 });
  assert.deepEqual(second.journal, [
    { type: "settled", incarnation: "w1's first", ids: [1] },
  ]);
});

Deno.test("what is no answer is refused", () => {
  const results: Performed[] = [];
  const call = { service: "redis", name: "n", operation: "ok", args: "[]" };
  const answers = new RedisAnswers();
  answers.perform(call, [], (performed) => results.push(performed));
  answers.perform({ ...call, operation: "end" }, ["1"], (performed) => results.push(performed));
  assert.deepEqual(
    results.map(({ value, changed }) => [value, changed]),
    Array(2).fill(["redis n: no answer", false]),
  );
});
