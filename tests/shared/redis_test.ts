import assert from "node:assert/strict";
import type { JournalRecord } from "../../src/cluster/journal.ts";
import type { SharedRecord } from "../../src/cluster/restore.ts";
import { WorkerState } from "../../src/cluster/run_state.ts";
import type { PerformedCall } from "../../src/shared/calls.ts";
import {
  RedisAnswers,
  RedisConnection,
  RedisCounters,
  RedisQueues,
} from "../../src/shared/redis.ts";
import type { RpcServer } from "../../src/shared/rpc.ts";
import { SharedServices } from "../../src/shared/services.ts";
import { QueueUse } from "../../src/shared/shortages.ts";
import { rpcServerWith } from "../support/rpc_servers.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { FakeRedisClient } from "../support/fake_redis.ts";
import { RedisCalls } from "../support/redis_calls.ts";

class ConnectionScene {
  readonly clock = new FakeClock();
  readonly client = new FakeRedisClient();
  readonly log: string[] = [];
  readonly connection = new RedisConnection({
    client: this.client,
    address: "box:6379",
    clock: this.clock,
    info: (text) => this.log.push(`info ${text}`),
    error: (text) => this.log.push(`error ${text}`),
  });

  static async opened(): Promise<ConnectionScene> {
    const scene = new ConnectionScene();
    scene.client.emit("ready");
    scene.client.connected.resolve(null);
    await scene.connection.open();
    return scene;
  }
}

Deno.test("a connection that cannot be opened within 3 s is given up and closed", async () => {
  const { clock, client, connection, log } = new ConnectionScene();
  const opened = assert.rejects(connection.open(), /^Error: no answer within 3 s$/);
  await clock.advance(2_999);
  assert.equal(client.isDestroyed, false);
  await clock.advance(1);
  await opened;
  assert.ok(client.isDestroyed);
  assert.deepEqual([log, clock.pending], [[], 0]);
});

Deno.test("a refused connection rejects with the reason and is closed", async () => {
  const { client, connection } = new ConnectionScene();
  client.connected.reject(new AggregateError([new Error("connect ECONNREFUSED")]));
  await assert.rejects(connection.open(), /^Error: connect ECONNREFUSED$/);
  assert.ok(client.isDestroyed);
  assert.equal(connection.reconnects, false);
});

Deno.test("a lost connection is logged once, and so is its return", async () => {
  const { client, connection, log } = await ConnectionScene.opened();
  assert.ok(connection.reconnects);
  for (let i = 0; i < 3; i++) client.emit("error", new Error("Socket closed unexpectedly"));
  const away =
    "error Lost the connection to Redis at box:6379; counters and queues fail until it reconnects: Socket closed unexpectedly";
  assert.deepEqual(log.splice(0), [away]);
  client.emit("ready");
  client.emit("ready");
  assert.deepEqual(log, ["info The connection to Redis at box:6379 is back."]);
});

Deno.test("nothing is logged about a closed connection", async () => {
  const { client, connection, log } = await ConnectionScene.opened();
  connection.close();
  connection.close();
  assert.equal(connection.reconnects, false);
  client.emit("error", new Error("closed"));
  client.emit("ready");
  assert.deepEqual(log, []);
});

Deno.test("a command is answered, fails with the address, or fails after 3 s", async () => {
  const { client, clock, connection } = await ConnectionScene.opened();
  const answered = connection.command("GET", "orders");
  const failed = assert.rejects(
    connection.command("LPOP", "orders"),
    /^Error: Redis at box:6379: WRONGTYPE$/,
  );
  client.answer("GET orders", "7");
  client.answer("LPOP orders", new Error("WRONGTYPE"));
  assert.equal(await answered, "7");
  await failed;
  const late = assert.rejects(
    connection.command("GET", "orders"),
    /^Error: Redis at box:6379: no answer within 3 s$/,
  );
  await clock.advance(3_000);
  await late;
  client.answer("GET orders", new Error("Socket closed unexpectedly"));
  await settle();
  assert.equal(clock.pending, 0);
});

function counters(...replies: readonly unknown[]): RedisCalls {
  return new RedisCalls("counter", (redis) => new RedisCounters(redis), replies);
}

Deno.test("a counter is the key of its name, and 0 if the key is missing", async () => {
  const calls = counters(null, "2", "1.5", "1.5");
  assert.equal(await calls.ask("value"), "ok 0");
  assert.equal(await calls.ask("add", [2]), 'ok 2 [ok ["2"]]');
  assert.equal(await calls.ask("add", [-0.5]), 'ok 1.5 [ok ["1.5"]]');
  assert.equal(await calls.ask("value"), "ok 1.5");
  assert.deepEqual(calls.sent, ["GET n", "INCRBYFLOAT n 2", "INCRBYFLOAT n -0.5", "GET n"]);
});

Deno.test("invalid amounts are refused without a command to Redis", async () => {
  const calls = counters();
  for (const args of [["1"], [null], []]) {
    assert.equal(
      await calls.ask("add", args),
      "error counter n: only finite numbers can be added",
    );
  }
  assert.equal(await calls.ask("reset"), "error counter n cannot reset");
  assert.deepEqual(calls.sent, []);
});

Deno.test("a value in Redis that is not a number is an error", async () => {
  const calls = counters("ada", "", "inf", "1e999");
  for (let i = 0; i < 4; i++) {
    const answer = await calls.ask("value");
    assert.equal(answer, "error counter n: its value in Redis is not a finite number");
  }
});

Deno.test("a failed addition may have been made, and is not repeated", async () => {
  const calls = counters(new Error("no answer within 3 s"), new Error("away"));
  assert.equal(
    await calls.ask("add", [1]),
    'error counter n: no answer within 3 s [error ["counter n: no answer within 3 s"]]',
  );
  assert.equal(await calls.ask("value"), "error counter n: away");
});

function queues(...replies: readonly unknown[]): RedisCalls {
  return new RedisCalls("queue", (redis) => new RedisQueues(redis, new QueueUse()), replies);
}

Deno.test("values are pushed to the list of the queue's name as JSON, and popped from it", async () => {
  const calls = queues(2, 2, '"a"', '{"b":[1]}', null);
  assert.equal(await calls.ask("push", ["a", { b: [1] }]), 'ok  [ok [""]]');
  assert.equal(await calls.ask("size"), "ok 2");
  assert.equal(await calls.ask("pop"), 'ok "a" [ok ["\\"a\\""]]');
  assert.equal(await calls.ask("pop"), 'ok {"b":[1]} [ok ["{\\"b\\":[1]}"]]');
  assert.equal(await calls.ask("pop"), "ok ");
  assert.deepEqual(calls.sent, ['RPUSH n "a" {"b":[1]}', "LLEN n", "LPOP n", "LPOP n", "LPOP n"]);
});

Deno.test("a text in Redis that is not JSON is returned as a string", async () => {
  const texts = ["user1", "", "00123", "{", 'say "hi"'];
  const calls = queues(...texts);
  for (const text of texts) {
    const answer = await calls.ask("pop");
    assert.equal(answer.slice(0, answer.indexOf(" [")), `ok ${JSON.stringify(text)}`);
  }
});

Deno.test("pushing no values, or values that are too long or nested too deeply, never reaches Redis", async () => {
  const calls = queues();
  assert.equal(await calls.ask("push", []), "ok ");
  assert.equal(
    await calls.ask("push", ["a", "x".repeat(65_536)]),
    "error queue n: a value has more than 65536 bytes as JSON",
  );
  assert.equal(await calls.ask("peek"), "error queue n cannot peek");
  assert.deepEqual(calls.sent, []);
});

Deno.test("a value that is too long for a worker is put back", async () => {
  const long = "\u0001".repeat(11_000);
  const calls = queues(long, 1);
  const answer = await calls.ask("pop");
  assert.match(
    answer,
    /^error queue n: its first value has more than 65536 bytes as JSON \[error /,
  );
  assert.deepEqual(calls.sent, ["LPOP n", `LPUSH n ${long}`]);
});

Deno.test("a failure is returned to the caller, and recorded if state may have changed", async () => {
  const calls = queues(...Array.from({ length: 3 }, () => new Error("away")));
  const failed = 'error queue n: away [error ["queue n: away"]]';
  assert.equal(await calls.ask("push", [1]), failed);
  assert.equal(await calls.ask("pop"), failed);
  assert.equal(await calls.ask("size"), "error queue n: away");
});

/** A master and a worker, with a Redis whose answers the test controls. */
class Scene {
  readonly journal: JournalRecord[] = [];
  readonly replies: string[] = [];
  readonly sent: string[] = [];
  readonly waiting: PromiseWithResolvers<unknown>[] = [];
  readonly rpc: RpcServer;
  readonly worker = new WorkerState({
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
    const services = new SharedServices({ feeders: [], clock, random: () => 0, redis });
    this.rpc = rpcServerWith(clock, [], { services });
    for (const record of written) this.rpc.replay(record as SharedRecord);
    this.rpc.useJournal({
      append: (...all) => void this.journal.push(...all),
      close: () => {},
    });
    this.rpc.connect((_, message) => {
      if (message.type === "REPLY") {
        this.replies.push(`${message.id}: ${message.result} ${message.value}`);
      }
    });
    this.rpc.workerConnected(this.worker);
  }

  add(id: number): void {
    const call = { service: "counter", name: "n", operation: "add", args: "[1]" };
    this.rpc.handle(this.worker, { type: "CALL", id, ...call });
  }

  /** Answers the oldest command. */
  async answer(reply: unknown): Promise<void> {
    this.waiting.shift()!.resolve(reply);
    await settle();
  }
}

Deno.test("a call that is repeated while Redis is busy with it is performed once", async () => {
  const scene = new Scene();
  scene.add(1);
  scene.rpc.handle(scene.worker, { type: "RECALL", ids: [1] });
  scene.add(1);
  await scene.answer("1");
  assert.deepEqual([scene.sent, scene.replies], [["INCRBYFLOAT n 1"], ["1: ok 1"]]);
});

Deno.test("a call of a worker that is lost in the meantime is performed once, and answered", async () => {
  const scene = new Scene();
  scene.add(1);
  scene.worker.membership = "lost";
  scene.rpc.membershipChanged(scene.worker);
  await scene.answer("1");
  scene.replies.length = 0;
  scene.worker.membership = "present";
  scene.rpc.handle(scene.worker, { type: "RECALL", ids: [1] });
  scene.add(1);
  await settle();
  assert.deepEqual([scene.sent, scene.replies], [["INCRBYFLOAT n 1"], ["1: ok 1"]]);
});

Deno.test("a restarted master repeats the answer, and changes nothing in Redis", async () => {
  const first = new Scene();
  first.add(1);
  await first.answer("7");
  const second = new Scene(first.journal);
  second.rpc.handle(second.worker, { type: "RECALL", ids: [1] });
  second.add(1);
  assert.deepEqual([second.sent, second.replies], [[], ["1: ok 7"]]);
  second.rpc.handle(second.worker, { type: "SETTLED", id: 1 });
  assert.deepEqual(second.journal, [
    { type: "settled", incarnation: "w1's first", ids: [1] },
  ]);
});

Deno.test("invalid recorded answers are refused", () => {
  const results: PerformedCall[] = [];
  const call = { service: "redis", name: "n", operation: "ok", args: "[]" };
  const answers = new RedisAnswers();
  answers.perform(call, [], (performed) => results.push(performed));
  answers.perform({ ...call, operation: "end" }, ["1"], (performed) => results.push(performed));
  assert.deepEqual(
    results.map(({ value, changed }) => [value, changed]),
    Array(2).fill(["redis n: no answer", false]),
  );
});

Deno.test("the use of queues is counted, as far as Redis has answered", async () => {
  const use = new QueueUse();
  const calls = new RedisCalls("queue", (redis) => new RedisQueues(redis, use), [
    null,
    null,
    1,
    '"a"',
    null,
  ]);
  await calls.ask("pop");
  await calls.ask("pop");
  assert.deepEqual(use.empty, [{ kind: "queue", name: "n", uses: 0, misses: 2 }]);
  await calls.ask("push", ["a"]);
  assert.deepEqual(use.empty, []);
  await calls.ask("pop");
  await calls.ask("pop");
  assert.deepEqual(use.empty, [{ kind: "queue", name: "n", uses: 2, misses: 1 }]);
});
