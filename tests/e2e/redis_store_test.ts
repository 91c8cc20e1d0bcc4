import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { Cluster, endOf } from "../support/cluster.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { sleep } from "../support/timing.ts";
import { isMissing, steadyPort } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { startAiotest } from "../support/process.ts";
import { RedisServer } from "../support/redis_server.ts";

const FILE = projectPath("tests/e2e/fixtures/redis_sharing.ts");
const WORKERS = ["w1", "w2", "w3"];
const PASSWORD = "123456";

const missing = isMissing("redis-server");

function redisTest(name: string, fn: () => Promise<void>): void {
  const reason = missing ? " (skipped: there is no redis-server)" : "";
  Deno.test({ name: `${name}${reason}`, ignore: missing, fn });
}

/** A test under way, on three workers or in one process. */
interface Run extends AsyncDisposable {
  readonly nodes: readonly string[];
  says(text: string): Promise<void>;
  stop(): Promise<{ readonly code: number; readonly stderr: string; readonly summary: Summary }>;
}

type Start = (target: CountingTarget, redis: RedisServer, scenario: string) => Promise<Run>;

function flags(target: CountingTarget, redis: RedisServer, scenario: string): string[] {
  return ["-H", target.url, "-u", "30", "-r", "1000", "--scenario", scenario]
    .concat("--redis", `redis://:${PASSWORD}@127.0.0.1:${redis.port}`);
}

const onWorkers: Start = async (target, redis, scenario) => {
  const cluster = await Cluster.start({
    fixture: "redis_sharing.ts",
    workers: WORKERS.length,
    args: flags(target, redis, scenario),
  });
  return {
    nodes: WORKERS,
    says: (text) => cluster.master.says(text),
    stop: () => cluster.stop(),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
};

const inOneProcess: Start = async (target, redis, scenario) => {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const run = startAiotest(["-f", FILE, "--json", json, ...flags(target, redis, scenario)]);
  let ended = false;
  return {
    nodes: ["local"],
    says: (text) => run.says(text),
    async stop(): ReturnType<Run["stop"]> {
      run.kill("SIGINT");
      const end = await endOf(run);
      ended = true;
      return { ...end, summary: JSON.parse(await Deno.readTextFile(json)) };
    },
    async [Symbol.asyncDispose](): Promise<void> {
      if (!ended) run.kill("SIGKILL");
      await run.finished;
      await Deno.remove(json);
    },
  };
};

function pathsOf(target: CountingTarget, prefix: string): string[] {
  return target.visits.map(({ path }) => path).filter((path) => path.startsWith(prefix)).sort();
}

for (
  const [where, start] of Object.entries({ "3 workers": onWorkers, "one process": inOneProcess })
) {
  redisTest(
    `${where}: each of 300 values that were put into Redis beforehand comes out once`,
    async () => {
      await using redis = await RedisServer.start();
      const values = Array.from(
        { length: 300 },
        (_, id) => id % 2 ? `plain${id}` : `{"id": ${id}}`,
      );
      await redis.command("RPUSH", "ids", ...values);
      await using target = new CountingTarget();
      await using run = await start(target, redis, "queue");
      await target.reached(300);
      await sleep(300);
      const { code, stderr, summary } = await run.stop();
      const expected = values.map((_, id) => `/popped/${id % 2 ? "plain" : ""}${id}`).sort();
      assert.deepEqual(pathsOf(target, "/popped/"), expected);
      assert.deepEqual([...new Set(target.visits.map(({ node }) => node))].sort(), run.nodes);
      assert.equal(await redis.command("LLEN", "ids"), "0");
      assert.deepEqual([summary.userErrors, code], [[], 0], stderr);
    },
  );

  redisTest(`${where}: all 1,000 additions to a counter in Redis are counted`, async () => {
    await using redis = await RedisServer.start();
    await using target = new CountingTarget();
    await using run = await start(target, redis, "counter");
    await target.reached(1);
    await sleep(300);
    const { code, stderr } = await run.stop();
    assert.deepEqual(pathsOf(target, "/value/"), ["/value/500"]);
    assert.equal(await redis.command("GET", "done"), "500");
    assert.equal(code, 0, stderr);
  });

  redisTest(
    `${where}: while Redis is away users count errors, and when it is back they go on`,
    async () => {
      await using redis = await RedisServer.start();
      await using target = new CountingTarget();
      await using run = await start(target, redis, "retry");
      await target.reached(30);
      await redis.kill();
      await run.says(`Lost the connection to Redis at 127.0.0.1:${redis.port}`);
      await sleep(500);
      await redis.restart();
      await run.says(`The connection to Redis at 127.0.0.1:${redis.port} is back.`);
      const before = target.visits.length;
      await target.reached(before + 60);
      const { code, stderr, summary } = await run.stop();
      assert.equal(code, 1, stderr);
      assert.ok(summary.userErrors.length > 0);
      for (const { error } of summary.userErrors) {
        assert.ok(error.startsWith(`counter tries: Redis at 127.0.0.1:${redis.port}: `), error);
      }
      assert.equal(stderr.split("Lost the connection").length - 1, 1, stderr);
      assert.equal(stderr.split(" is back.").length - 1, 1, stderr);
      // What was added before the server's end is gone with it.
      assert.ok(Number(await redis.command("GET", "tries")) >= 60);
      assert.ok(!stderr.includes(PASSWORD), stderr);
    },
  );
}

redisTest("a master that resumes a run repeats no operation in Redis", async () => {
  await using redis = await RedisServer.start();
  await using target = new CountingTarget();
  const folder = await Deno.makeTempDir();
  try {
    const journal = `${folder}/run.journal`;
    await using cluster = await Cluster.start({
      fixture: "redis_sharing.ts",
      workers: WORKERS.length,
      args: flags(target, redis, "retry"),
      journal,
    });
    await target.reached(600);
    cluster.master.kill("SIGKILL");
    await cluster.master.finished;
    const resumed = cluster.resume(journal);
    await resumed.says("Waiting for workers");
    const before = target.visits.length;
    await target.reached(before + 300);
    const { stderr, summary } = await cluster.stop();
    assert.deepEqual(summary.userErrors, [], stderr);
    const adds = Number(await redis.command("GET", "tries"));
    const visits = pathsOf(target, "/added").length;
    // Each user may have been between the two when it stopped, and when the first master was killed.
    assert.ok(adds >= visits && adds <= visits + 60, `${adds} additions, ${visits} visits`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** How a run ends that cannot begin: in one process, and as a master. */
async function refusals(url: string): Promise<readonly string[]> {
  const all = [];
  for (const role of [[], ["--master", "--master-bind-port", "0"], ["--processes", "2"]]) {
    const begin = performance.now();
    const run = startAiotest(["-f", FILE, ...role, "-t", "1"], { env: { AIOTEST_REDIS: url } });
    const { code, stderr } = await endOf(run);
    assert.equal(code, 2, stderr);
    assert.ok(performance.now() - begin < 30_000);
    all.push(stderr);
  }
  return all;
}

redisTest("if Redis is unreachable, the error names it, and the run does not start", async () => {
  const port = steadyPort();
  for (const stderr of await refusals(`redis://:secret@127.0.0.1:${port}`)) {
    assert.match(
      stderr,
      new RegExp(`Redis at 127\\.0\\.0\\.1:${port} cannot be used: .*ECONNREFUSED`),
    );
    assert.ok(!stderr.includes("secret"), stderr);
  }
});

redisTest("a wrong password of Redis is an error that does not show it", async () => {
  await using redis = await RedisServer.start();
  for (const stderr of await refusals(`redis://:secret@127.0.0.1:${redis.port}`)) {
    assert.match(
      stderr,
      new RegExp(`Redis at 127\\.0\\.0\\.1:${redis.port} cannot be used: WRONGPASS`),
    );
    assert.ok(!stderr.includes("secret"), stderr);
  }
});

redisTest("a Redis that does not answer is an error after a timeout", async () => {
  await using redis = await RedisServer.start();
  redis.freeze();
  try {
    for (const stderr of await refusals(`redis://:${PASSWORD}@127.0.0.1:${redis.port}`)) {
      assert.match(stderr, /cannot be used: .+/);
      assert.ok(!stderr.includes(PASSWORD), stderr);
    }
  } finally {
    redis.thaw();
  }
});

Deno.test("an invalid Redis URL is an error that does not show it", async () => {
  for (const stderr of await refusals("redis://:secret@box:99999")) {
    assert.match(stderr, /--redis: expected a URL like redis:\/\/:password@127\.0\.0\.1:6379\/0/);
    assert.ok(!stderr.includes("secret"), stderr);
  }
});
