import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { endOf } from "../support/cluster.ts";
import { sleep } from "../support/timing.ts";
import { isMissing, steadyPort } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, startAiotest, type Started } from "../support/process.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Target } from "../support/target.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("tests with Redis", 2);

const FOLDER = projectPath("examples");
const PAGE = projectPath("docs/redis.md");
const EXAMPLE = ["-f", "redis_accounts.ts"];

/** Ample for a machine with much else to do; that nothing waits for ever is what matters. */
const LIMIT_MS = 30_000;

const missing = isMissing("redis-server");

function redisTest(name: string, fn: () => Promise<void>): void {
  const reason = missing ? " (skipped: there is no redis-server)" : "";
  test(`${name}${reason}`, fn, { ignore: missing });
}

/** A shop that accepts every login and records it. */
class Shop implements AsyncDisposable {
  readonly target: Target;
  /** Names of those who have logged in, in their order. */
  readonly names: string[] = [];

  constructor() {
    const tokens = new Set<string>();
    this.target = new Target({
      "/login": ({ body }) => {
        const { username, password } = JSON.parse(new TextDecoder().decode(body));
        assert.equal(password, username.replace("user", "secret"));
        this.names.push(username);
        tokens.add(`token of ${username}`);
        return Response.json({ token: `token of ${username}` });
      },
      "/orders": ({ headers }) => {
        const known = tokens.has(headers.get("authorization") ?? "");
        return new Response(null, { status: known ? 204 : 401 });
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target[Symbol.asyncDispose]();
  }

  /** Resolves when this many users have logged in. */
  async loggedIn(count: number): Promise<void> {
    const deadline = performance.now() + LIMIT_MS;
    while (this.names.length < count) {
      assert.ok(performance.now() < deadline, `only ${this.names.length} of ${count} logged in`);
      await sleep(20);
    }
  }
}

/** Runs of the example; what still runs at the end is killed. */
class Runs implements AsyncDisposable {
  readonly #started: Started[] = [];
  readonly json = Deno.makeTempFileSync({ suffix: ".json" });

  start(args: readonly string[], env: Record<string, string>): Started {
    const run = startAiotest(args, { cwd: FOLDER, env });
    this.#started.push(run);
    return run;
  }

  /** One process with its users, at a server. */
  startLocal(shop: Shop, redis: RedisServer, args: readonly string[]): Started {
    const places = ["-H", shop.target.url, "--redis-port", String(redis.port), "--json", this.json];
    return this.start([...EXAMPLE, ...places, ...args], redis.env);
  }

  async summary(): Promise<Summary> {
    return JSON.parse(await Deno.readTextFile(this.json));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const run of this.#started) {
      try {
        run.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await run.finished;
    }
    // A run that does not start leaves no report.
    await Deno.remove(this.json).catch(() => {});
  }
}

function numbered(name: string, from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `${name}${from + i}`);
}

async function addAccounts(redis: RedisServer, from: number, to: number): Promise<void> {
  const values = numbered("user", from, to).map((username) =>
    JSON.stringify({ username, password: username.replace("user", "secret") })
  );
  await redis.command("RPUSH", "userdata", ...values);
}

/** What a log says about Redis, without times. */
function linesAboutRedis({ stderr }: Finished): string[] {
  return stderr.split("\n").filter((line) => line.includes("Redis at"))
    .map((line) => line.replace(/^(\[.*?\] )?\S+ \S+ /, ""));
}

/** The page's blocks of commands, each with the machine that its lines are for, by its last number. */
function blocksOf(page: string): { readonly host: string; readonly line: string }[][] {
  return [...page.matchAll(/^```sh\n# needs Redis\n([^]*?)^```$/gm)].map(([, block]) => {
    let host = "10";
    return block!.split("\n").flatMap((line) => {
      host = /^# 192\.168\.0\.(\d+)$/.exec(line)?.[1] ?? host;
      return line === "" || line.startsWith("#") ? [] : [{ host, line }];
    });
  });
}

const [FILLING = [], DISTRIBUTED = [], ALONE = []] = blocksOf(await Deno.readTextFile(PAGE));

async function fill(redis: RedisServer): Promise<void> {
  const folder = await Deno.makeTempDir();
  const script = FILLING.map(({ line }) => line).join("\n");
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [
      "-ec",
      script.replaceAll("redis-cli -h 192.168.0.10", `redis-cli -h 127.0.0.1 -p ${redis.port}`),
    ],
    cwd: folder,
  }).output();
  await Deno.remove(folder, { recursive: true });
  const decoder = new TextDecoder();
  assert.equal(code, 0, decoder.decode(stderr));
  assert.equal(decoder.decode(stdout), "0\n80\n80\n");
}

/** Runs the commands, with a separate address for each host. */
function play(
  runs: Runs,
  lines: typeof ALONE,
  env: Record<string, string>,
  extra: (line: string) => readonly string[] = () => [],
): Started[] {
  const exported = new Map<string, Record<string, string>>();
  return lines.flatMap(({ host, line }) => {
    const [command, ...words] = line.split(" ");
    if (command === "export") {
      const [name = "", value = ""] = words.join(" ").split("=");
      exported.set(host, { ...exported.get(host), [name]: value });
      return [];
    }
    assert.equal(command, "aiotest");
    // All of 127.0.0.0/8 is this machine; so each host takes another way to the master.
    const address = `127.0.0.${Number(host) - 9}`;
    const args = words.map((word) => word === "192.168.0.10" ? address : word);
    return [runs.start([...args, ...extra(line)], { ...env, ...exported.get(host) })];
  });
}

redisTest(
  "the page's 8 workers on two hosts use each account once, with exact counts",
  async () => {
    await using redis = await RedisServer.start();
    await using shop = new Shop();
    await using runs = new Runs();
    await fill(redis);
    const port = String(steadyPort());
    const own = ["-H", shop.target.url, "--json", runs.json, "--redis-port", String(redis.port)];
    const [master, ...hosts] = play(
      runs,
      DISTRIBUTED,
      // The master listens everywhere, as on the page; so only who has the token may join.
      { AIOTEST_TOKEN: "for this test" },
      (line) =>
        line.includes("--master ") ? [...own, "--master-bind-port", port] : ["--master-port", port],
    );
    assert.equal(hosts.length, 2);
    await Promise.race([
      shop.loggedIn(80),
      ...[master!, ...hosts].map(async (run) => {
        const { code, stderr } = await run.finished;
        throw new Error(`ended with ${code}: ${stderr}`);
      }),
    ]);
    await sleep(1_000);
    master!.kill("SIGINT");
    for (const run of [master!, ...hosts]) {
      const { code, stderr } = await endOf(run);
      assert.equal(code, 0, stderr);
    }
    assert.deepEqual(shop.names.toSorted(), numbered("user", 1, 80).toSorted());
    assert.equal(await redis.command("LLEN", "userdata"), "0");
    const { requests, totals, userErrors, workers, complete } = await runs.summary();
    assert.deepEqual(
      Object.fromEntries(requests.map((row) => [`${row.method} ${row.name}`, row.requests])),
      { "POST /login": 80, "GET /orders": shop.target.count("/orders") },
    );
    assert.deepEqual([totals.failures, userErrors, complete], [0, [], true]);
    assert.deepEqual(workers.map(({ peakUsers }) => peakUsers), Array(8).fill(10));
  },
);

redisTest("the page's command for one process works as written", async () => {
  await using redis = await RedisServer.start();
  await using shop = new Shop();
  await using runs = new Runs();
  await fill(redis);
  const [run] = play(runs, ALONE, {
    AIOTEST_HOST: shop.target.url,
    AIOTEST_REDIS_PORT: String(redis.port),
  });
  await shop.loggedIn(8);
  run!.kill("SIGINT");
  const { code, stderr } = await endOf(run!);
  assert.equal(code, 0, stderr);
  assert.deepEqual(shop.names.toSorted(), numbered("user", 1, 8));
  assert.equal(await redis.command("LLEN", "userdata"), "72");
});

redisTest("if Redis cannot be used, one line says why, and the run does not start", async () => {
  await using redis = await RedisServer.start();
  await using shop = new Shop();
  await using runs = new Runs();
  using mute = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closed = String(steadyPort());
  const end = async (port: string, password?: string): Promise<unknown[]> => {
    const env: Record<string, string> = password === undefined ? {} : { REDIS_PASSWORD: password };
    const places = ["-H", shop.target.url, "--redis-port", port, "--json", runs.json];
    const startedAt = performance.now();
    const ended = await endOf(runs.start([...EXAMPLE, ...places], env));
    assert.ok(performance.now() - startedAt < LIMIT_MS);
    return [ended.code, ...linesAboutRedis(ended)];
  };
  const said = (port: number | string, why: string): unknown[] => [
    2,
    `CRITICAL Redis at 127.0.0.1:${port} cannot be used: ${why}`,
  ];
  const [nobody, wrong, none, silent, noPort] = await Promise.all([
    end(closed, "123456"),
    end(String(redis.port), "wrong"),
    end(String(redis.port)),
    end(String(mute.addr.port), "123456"),
    end("many", "123456"),
  ]);
  assert.deepEqual(nobody, said(closed, `connect ECONNREFUSED 127.0.0.1:${closed}`));
  assert.deepEqual(
    wrong,
    said(redis.port, "WRONGPASS invalid username-password pair or user is disabled."),
  );
  assert.equal(none![0], 2);
  assert.match(String(none![1]), new RegExp(`Redis at 127.0.0.1:${redis.port} .*: NOAUTH `));
  assert.equal(none!.length, 2);
  assert.equal(silent![0], 2);
  assert.match(String(silent![1]), /cannot be used: (no answer within 3 s|Socket timeout .*)$/);
  assert.deepEqual(
    noPort,
    said("many", "Port should be >= 0 and < 65536. Received NaN."),
  );
  assert.deepEqual(shop.target.requests, []);
  // The file of before.
  assert.equal(await Deno.readTextFile(runs.json), "");
});

test("if local workers cannot use Redis, the run ends", async () => {
  await using runs = new Runs();
  const port = steadyPort();
  const args = ["--processes", "2", "-u", "2", "--redis-port", String(port)];
  const ended = await endOf(runs.start([...EXAMPLE, ...args], {}));
  assert.equal(ended.code, 2, ended.stderr);
  // A worker may have been stopped before it could report it.
  assert.equal(
    linesAboutRedis(ended)[0],
    `CRITICAL Redis at 127.0.0.1:${port} cannot be used: connect ECONNREFUSED 127.0.0.1:${port}`,
  );
});

redisTest(
  "while Redis is unavailable, users count errors, and they recover when it returns",
  async () => {
    await using redis = await RedisServer.start();
    await using shop = new Shop();
    await using runs = new Runs();
    await addAccounts(redis, 1, 20);
    const run = runs.startLocal(shop, redis, ["-u", "20", "-r", "8"]);
    await shop.loggedIn(4);
    await redis.kill();
    await run.says("is away");
    const before = shop.names.length;
    // Several attempts of the client, and of users who have no account yet.
    await sleep(2_500);
    await redis.restart();
    await run.says("is back");
    await addAccounts(redis, 21, 40);
    await shop.loggedIn(20);
    run.kill("SIGINT");
    const ended = await endOf(run);
    assert.equal(ended.code, 1, ended.stderr);
    assert.equal(new Set(shop.names).size, 20);
    assert.ok(before < 20);
    const [away, back, ...others] = linesAboutRedis(ended);
    assert.match(away!, /^ERROR +Redis at 127\.0\.0\.1:\d+ is away: /);
    assert.match(back!, /^INFO +Redis at 127\.0\.0\.1:\d+ is back\.$/);
    assert.deepEqual(others, []);
    const { totals, userErrors } = await runs.summary();
    const place = `Redis at 127.0.0.1:${redis.port}`;
    const offline = userErrors.find(({ error }) =>
      error === `${place} gives no account: The client is offline`
    );
    assert.ok(offline !== undefined, JSON.stringify(userErrors));
    for (const { error } of userErrors) assert.ok(error.startsWith(`${place} `), error);
    assert.equal(totals.failures, 0);
  },
);

redisTest(
  "a Redis that stops answering causes errors, recovers, and does not prevent the end of the run",
  async () => {
    await using redis = await RedisServer.start();
    await using shop = new Shop();
    await using runs = new Runs();
    // Those that it takes out for users who have stopped waiting are lost.
    await addAccounts(redis, 1, 100);
    const run = runs.startLocal(shop, redis, ["-u", "8", "-r", "4"]);
    await shop.loggedIn(3);
    redis.freeze();
    await run.says("is away");
    redis.thaw();
    await shop.loggedIn(8);
    redis.freeze();
    const interruptedAt = performance.now();
    run.kill("SIGINT");
    const ended = await endOf(run);
    redis.thaw();
    assert.equal(ended.code, 1, ended.stderr);
    assert.ok(performance.now() - interruptedAt < LIMIT_MS / 3);
    assert.equal(new Set(shop.names).size, 8);
    const { userErrors } = await runs.summary();
    const errors = userErrors.map(({ error }) => error);
    const place = `Redis at 127.0.0.1:${redis.port}`;
    assert.ok(errors.includes(`${place} gives no account: no answer within 3 s`), `${errors}`);
    assert.ok(errors.every((error) => error.startsWith(place)), `${errors}`);
  },
);

redisTest("users without an account end quietly, and the others continue", async () => {
  await using redis = await RedisServer.start();
  await using shop = new Shop();
  await using runs = new Runs();
  await addAccounts(redis, 1, 3);
  const run = runs.startLocal(shop, redis, ["-u", "5", "-r", "100"]);
  await shop.loggedIn(3);
  const text = `Redis at 127.0.0.1:${redis.port} has no account left in the list userdata`;
  await run.says(text);
  await sleep(500);
  run.kill("SIGINT");
  const { code, stderr } = await endOf(run);
  assert.equal(code, 0, stderr);
  assert.equal(stderr.split(text).length - 1, 1);
  assert.deepEqual(shop.names.toSorted(), numbered("user", 1, 3));
  const { userErrors, users } = await runs.summary();
  assert.deepEqual(userErrors, []);
  assert.equal(users.final, 3);
});

test("only test files that import the Redis client load it", async () => {
  const graph = async (entry: string): Promise<string> => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", projectPath(`${entry}`)],
    }).output();
    assert.equal(code, 0);
    return new TextDecoder().decode(stdout);
  };
  assert.ok(!(await graph("cli.ts")).includes("npm:/redis@"));
  assert.ok((await graph("examples/redis_accounts.ts")).includes("npm:/redis@"));
});
