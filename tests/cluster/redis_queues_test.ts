import assert from "node:assert/strict";
import { RedisQueues } from "../../src/shared/redis.ts";
import { RedisCalls } from "../support/redis_calls.ts";

function queues(...replies: readonly unknown[]): RedisCalls {
  return new RedisCalls("queue", (redis) => new RedisQueues(redis), replies);
}

Deno.test("values go into the list of the queue's name as JSON, and come out", async () => {
  const calls = queues(2, 2, '"a"', '{"b":[1]}', null);
  assert.equal(await calls.ask("push", ["a", { b: [1] }]), 'ok  [ok [""]]');
  assert.equal(await calls.ask("size"), "ok 2");
  assert.equal(await calls.ask("pop"), 'ok "a" [ok ["\\"a\\""]]');
  assert.equal(await calls.ask("pop"), 'ok {"b":[1]} [ok ["{\\"b\\":[1]}"]]');
  assert.equal(await calls.ask("pop"), "ok ");
  assert.deepEqual(calls.sent, ['RPUSH n "a" {"b":[1]}', "LLEN n", "LPOP n", "LPOP n", "LPOP n"]);
});

Deno.test("a text in Redis that is no JSON comes out as the text", async () => {
  const texts = ["user1", "", "00123", "{", 'say "hi"'];
  const calls = queues(...texts);
  for (const text of texts) {
    const answer = await calls.ask("pop");
    assert.equal(answer.slice(0, answer.indexOf(" [")), `ok ${JSON.stringify(text)}`);
  }
});

Deno.test("to push nothing, too much or what is too deep never reaches Redis", async () => {
  const calls = queues();
  assert.equal(await calls.ask("push", []), "ok ");
  assert.equal(
    await calls.ask("push", ["a", "x".repeat(65_536)]),
    "error queue n: a value of over 65536 bytes of JSON",
  );
  assert.equal(await calls.ask("peek"), "error queue n cannot peek");
  assert.deepEqual(calls.sent, []);
});

Deno.test("a value that is too long for a worker goes back to where it was", async () => {
  const long = "\u0001".repeat(11_000);
  const calls = queues(long, 1);
  const answer = await calls.ask("pop");
  assert.match(answer, /^error queue n: its first value has over 65536 bytes of JSON \[error /);
  assert.deepEqual(calls.sent, ["LPOP n", `LPUSH n ${long}`]);
});

Deno.test("a failure is the caller's, and a journal has it where something may have changed", async () => {
  const calls = queues(...Array.from({ length: 3 }, () => new Error("away")));
  const failed = 'error queue n: away [error ["queue n: away"]]';
  assert.equal(await calls.ask("push", [1]), failed);
  assert.equal(await calls.ask("pop"), failed);
  assert.equal(await calls.ask("size"), "error queue n: away");
});
