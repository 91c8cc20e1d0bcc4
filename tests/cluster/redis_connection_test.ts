import assert from "node:assert/strict";
import { RedisConnection } from "../../src/shared/redis.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { FakeRedisClient } from "../support/fake_redis.ts";

class Scene {
  readonly clock = new FakeClock();
  readonly client = new FakeRedisClient();
  readonly log: string[] = [];
  readonly connection = new RedisConnection({
    client: this.client,
    place: "box:6379",
    clock: this.clock,
    info: (text) => this.log.push(`info ${text}`),
    error: (text) => this.log.push(`error ${text}`),
  });

  static async opened(): Promise<Scene> {
    const scene = new Scene();
    scene.client.emit("ready");
    scene.client.connected.resolve(null);
    await scene.connection.open();
    return scene;
  }
}

Deno.test("a connection that cannot be made within 3 s is given up, and closed", async () => {
  const { clock, client, connection, log } = new Scene();
  const opened = assert.rejects(connection.open(), /^Error: no answer within 3 s$/);
  await clock.advance(2_999);
  assert.equal(client.isDestroyed, false);
  await clock.advance(1);
  await opened;
  assert.ok(client.isDestroyed);
  assert.deepEqual([log, clock.pending], [[], 0]);
});

Deno.test("a connection that is refused says why, and is closed", async () => {
  const { client, connection } = new Scene();
  client.connected.reject(new AggregateError([new Error("connect ECONNREFUSED")]));
  await assert.rejects(connection.open(), /^Error: connect ECONNREFUSED$/);
  assert.ok(client.isDestroyed);
  assert.equal(connection.comesBack, false);
});

Deno.test("one line says that Redis is away, and one that it is back", async () => {
  const { client, connection, log } = await Scene.opened();
  assert.ok(connection.comesBack);
  for (let i = 0; i < 3; i++) client.emit("error", new Error("Socket closed unexpectedly"));
  const away =
    "error Redis at box:6379 is away, so counters and queues fail: Socket closed unexpectedly";
  assert.deepEqual(log.splice(0), [away]);
  client.emit("ready");
  client.emit("ready");
  assert.deepEqual(log, ["info Redis at box:6379 is back."]);
});

Deno.test("nothing is said of a connection that was closed", async () => {
  const { client, connection, log } = await Scene.opened();
  connection.close();
  connection.close();
  assert.equal(connection.comesBack, false);
  client.emit("error", new Error("closed"));
  client.emit("ready");
  assert.deepEqual(log, []);
});

Deno.test("a command is answered, fails with the place, or fails after 3 s", async () => {
  const { client, clock, connection } = await Scene.opened();
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
