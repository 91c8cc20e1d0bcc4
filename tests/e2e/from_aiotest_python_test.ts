import assert from "node:assert/strict";
import { isMissing, steadyPort } from "../support/machine.ts";
import { type AiotestRun, MigrationPage } from "../support/migration.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest } from "../support/process.ts";
import { RedisServer } from "../support/redis_server.ts";
import { ShopTarget } from "../support/shop_target.ts";
import { sideBySide } from "../support/side_by_side.ts";

const PAGE = "docs/from-aiotest-python.md";

const test = sideBySide(`the commands of ${PAGE} work`, 2);
const ignore = isMissing("redis-server");

/** The page, with a shop and a Redis that has six accounts. */
class Scene implements AsyncDisposable {
  readonly shop: ShopTarget;
  readonly page: MigrationPage;
  readonly redis: RedisServer;

  private constructor(shop: ShopTarget, page: MigrationPage, redis: RedisServer) {
    this.shop = shop;
    this.page = page;
    this.redis = redis;
  }

  static async open(): Promise<Scene> {
    const shop = new ShopTarget();
    const redis = await RedisServer.start();
    await redis.command("RPUSH", "userdata", "u1", "u2", "u3", "u4", "u5", "u6");
    return new Scene(shop, await MigrationPage.open(PAGE, shop.url), redis);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page[Symbol.asyncDispose]();
    await this.redis[Symbol.asyncDispose]();
    await this.shop[Symbol.asyncDispose]();
  }

  get env(): Record<string, string> {
    return { AIOTEST_REDIS: `redis://:123456@127.0.0.1:${this.redis.port}/0` };
  }

  /** Four users have taken an account each, and have done 24 rounds together. */
  async assertCounts({ code, stderr, summary }: AiotestRun): Promise<void> {
    assert.equal(code, 1, stderr);
    assert.deepEqual(this.shop.usernames.toSorted(), ["u1", "u2", "u3", "u4"]);
    assert.equal(await this.redis.command("LRANGE", "userdata", "0", "-1"), "u5\nu6");
    assert.deepEqual(this.shop.seen, { "POST /login": 4, "GET /search": 24, "POST /orders": 24 });
    const counted = summary.requests.map((
      { method, name, requests },
    ) => [`${method} ${name}`, requests]);
    assert.deepEqual(Object.fromEntries(counted), this.shop.seen);
    assert.deepEqual(summary.failures, [
      { method: "GET", name: "/search", error: "nothing found", count: 8 },
      { method: "POST", name: "/orders", error: "sold out", count: 6 },
    ]);
    assert.deepEqual(summary.userErrors, []);
  }
}

test("in one process", async () => {
  await using scene = await Scene.open();
  const { page, env } = scene;
  const line = page.command("aiotest -f aiotestfile.ts -u 4");
  await scene.assertCounts(await page.runAiotest(line, env));
}, { ignore });

test("with a master and workers, of which only the master knows Redis", async () => {
  await using scene = await Scene.open();
  const { page, env } = scene;
  const port = String(steadyPort());
  const [master] = await Promise.all([
    page.runAiotest(page.command("aiotest -f aiotestfile.ts --master"), {
      ...env,
      AIOTEST_MASTER_BIND_HOST: "127.0.0.1",
      AIOTEST_MASTER_BIND_PORT: port,
    }),
    page.run(
      page.command("aiotest -f aiotestfile.ts --worker").replace("192.168.0.10", "127.0.0.1"),
      { AIOTEST_MASTER_PORT: port },
    ),
  ]);
  await scene.assertCounts(master);
  assert.equal(master.summary.workers.length, 2);
}, { ignore });

test("the shape is drawn", async () => {
  await using page = await MigrationPage.open(PAGE, "http://127.0.0.1:1");
  const { code, stdout } = await page.run(page.command("aiotest -f shape.ts"));
  assert.equal(code, 0);
  assert.match(stdout, /Peak: 60 users, reached within 3m/);
  assert.match(stdout, /Time: 9m/);
});

test("there are all options that the page says are the same", async () => {
  const text = await Deno.readTextFile(projectPath(PAGE));
  const [, paragraph] = /^These options are the same[^]*?\n\n/m.exec(text)![0].split(":");
  const flags = [...paragraph!.matchAll(/`(--?[\w-]+)`/g)].map(([, flag]) => flag!);
  const { stdout } = await runAiotest(["--help"]);
  // Other names of options, which the help does not show.
  const hidden = ["--prometheus-port", "--show-users-wight"];
  const missing = flags.filter((flag) => !new RegExp(`^ .*${flag}[, ]`, "m").test(stdout));
  assert.deepEqual(missing, hidden);
  assert.ok(flags.length > 15, String(flags.length));
  await using page = await MigrationPage.open(PAGE, "http://127.0.0.1:1");
  const { code } = await page.run(
    "aiotest -f shape.ts --prometheus-port 0 --show-users-wight",
  );
  assert.equal(code, 0);
});
