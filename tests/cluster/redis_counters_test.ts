import assert from "node:assert/strict";
import { RedisCounters } from "../../src/shared/redis.ts";
import { RedisCalls } from "../support/redis_calls.ts";

function counters(...replies: readonly unknown[]): RedisCalls {
  return new RedisCalls("counter", (redis) => new RedisCounters(redis), replies);
}

Deno.test("a counter is the key of its name, and 0 where there is none", async () => {
  const calls = counters(null, "2", "1.5", "1.5");
  assert.equal(await calls.ask("value"), "ok 0");
  assert.equal(await calls.ask("add", [2]), 'ok 2 [ok ["2"]]');
  assert.equal(await calls.ask("add", [-0.5]), 'ok 1.5 [ok ["1.5"]]');
  assert.equal(await calls.ask("value"), "ok 1.5");
  assert.deepEqual(calls.sent, ["GET n", "INCRBYFLOAT n 2", "INCRBYFLOAT n -0.5", "GET n"]);
});

Deno.test("what cannot be added is refused, and Redis hears nothing of it", async () => {
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

Deno.test("a value in Redis that is no number is said to be none", async () => {
  const calls = counters("ada", "", "inf", "1e999");
  for (let i = 0; i < 4; i++) {
    const answer = await calls.ask("value");
    assert.equal(answer, "error counter n: its value in Redis is no finite number");
  }
});

Deno.test("an addition that fails may have been made, and is not to be made again", async () => {
  const calls = counters(new Error("no answer within 3 s"), new Error("away"));
  assert.equal(
    await calls.ask("add", [1]),
    'error counter n: no answer within 3 s [error ["counter n: no answer within 3 s"]]',
  );
  assert.equal(await calls.ask("value"), "error counter n: away");
});
