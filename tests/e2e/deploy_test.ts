/**
 * What the files of deploy/ start, and the programs that read them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parse as parseYaml } from "yaml";
import { composeRun, DEPLOY, everyRun, nodesOf } from "../support/compose/compose_file.ts";
import { isMissing, steadyPort } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { startAiotest } from "../support/process.ts";
import { PrometheusServer } from "../support/prometheus_server.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Target } from "../support/target.ts";

Deno.test("the network settings of the compose files exist on this system", {
  ignore: isMissing("unshare") || Deno.uid() !== 0,
}, () => {
  const wanted = everyRun().flatMap(nodesOf).flatMap(({ sysctls }) =>
    Object.entries(sysctls ?? {})
  );
  assert.equal(wanted.length, 8);
  for (const [name, value] of wanted) {
    const path = `/proc/sys/${name.replaceAll(".", "/")}`;
    // In its own network namespace, like a container.
    const script = `echo '${value}' > ${path} && tr '\\t' ' ' < ${path}`;
    const { stdout } = new Deno.Command("unshare", { args: ["--net", "sh", "-c", script] })
      .outputSync();
    assert.equal(new TextDecoder().decode(stdout).trim(), value, name);
  }
});

Deno.test("the target of the compose files answers the requests of the examples", async () => {
  const [subcommand, code] = composeRun("local").services.target!.command!;
  assert.equal(subcommand, "eval");
  const listen = code!.replace("port: 8000", "port: 0");
  const child = new Deno.Command(Deno.execPath(), {
    args: [subcommand, listen],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  try {
    const url = await firstUrl(child.stderr);
    const login = await fetch(`${url}/login`, { method: "POST", body: "{}" });
    assert.deepEqual(await login.json(), { token: "example" });
    assert.equal((await fetch(`${url}/`)).status, 200);
  } finally {
    child.kill();
    await Promise.all([child.status, child.stdout.cancel()]);
  }
});

/** The address in the first line that says one; the rest is left unread. */
async function firstUrl(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const port = /:(\d+)\/\s/.exec(text)?.[1];
    if (port !== undefined) return `http://127.0.0.1:${port}`;
  }
  throw new Error(`no address: ${text}`);
}

Deno.test("each start refills the list of accounts, which needs the password", {
  ignore: isMissing("redis-server"),
}, async () => {
  await using server = await RedisServer.start();
  const { accounts } = composeRun("redis", { ACCOUNTS: "30" }).services;
  const [program, ...words] = accounts!.command!;
  const args = ["-p", String(server.port), ...words];
  args[args.indexOf("redis")] = "127.0.0.1";
  const fill = async (env: Record<string, string>): Promise<[number, string]> => {
    const { code, stdout } = await new Deno.Command(program!, { args, env }).output();
    return [code, new TextDecoder().decode(stdout).trim()];
  };
  assert.deepEqual(await fill({ ...accounts!.environment }), [0, "30"]);
  assert.deepEqual(await fill({ ...accounts!.environment }), [0, "30"]);
  assert.equal((await fill({ REDISCLI_AUTH: "wrong" }))[0], 1);
  const last = await server.command("LINDEX", "userdata", "29");
  assert.deepEqual(JSON.parse(last), { username: "user30", password: "secret30" });
});

Deno.test("Redis of the compose file needs the password, and is healthy when it answers", {
  ignore: isMissing("redis-server"),
}, async () => {
  const { redis } = composeRun("redis").services;
  const env = { ...redis!.environment, PORT: String(steadyPort()) };
  const [shell, flag, script] = redis!.command!;
  const child = new Deno.Command(shell!, {
    args: [flag!, script!.replace("redis-server -", 'redis-server - --port "$PORT"')],
    env,
    stdin: "null",
    stdout: "null",
  }).spawn();
  const check = redis!.healthcheck!.test[1]!.replace("redis-cli", 'redis-cli -p "$PORT"');
  const isHealthy = async (password: string): Promise<boolean> => {
    const args = ["-c", check];
    const variables = { ...env, REDISCLI_AUTH: password };
    const { success } = await new Deno.Command("sh", { args, env: variables, stderr: "null" })
      .output();
    return success;
  };
  try {
    const until = performance.now() + 10_000;
    while (!await isHealthy("123456")) assert.ok(performance.now() < until, "never healthy");
    assert.equal(await isHealthy("wrong"), false);
  } finally {
    child.kill();
    await child.status;
  }
});

Deno.test("Prometheus accepts the scrape configuration, with the interval that Grafana expects", {
  ignore: isMissing("promtool"),
}, async () => {
  const path = `${DEPLOY}/prometheus/prometheus.yml`;
  const { code, stderr } = await new Deno.Command("promtool", { args: ["check", "config", path] })
    .output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const { global, scrape_configs } = parseYaml(await Deno.readTextFile(path));
  assert.equal(global.scrape_interval, "2s");
  assert.equal(scrape_configs[0].metrics_path, "/metrics");
  assert.deepEqual(scrape_configs[0].static_configs, [{ targets: ["127.0.0.1:8089"] }]);
});

Deno.test("Prometheus of the lab scrapes the master with the token, and sees all workers", {
  ignore: isMissing("prometheus") || isMissing("redis-server"),
}, async () => {
  await using redis = await RedisServer.start();
  await using target = new Target();
  target.otherwise(() => Response.json({ token: "example" }));
  const { services, configs } = composeRun("lab", {
    AIOTEST_HOST: target.url,
    AIOTEST_USERS: "4",
    AIOTEST_RATE: "100",
  });
  const { accounts, master, worker, prometheus } = services;
  const words = accounts!.command!.map((word) => word === "redis" ? "127.0.0.1" : word);
  const filled = await new Deno.Command(words[0]!, {
    args: ["-p", String(redis.port), ...words.slice(1)],
    env: { ...accounts!.environment },
    stdout: "null",
  }).output();
  assert.equal(filled.code, 0);

  const port = String(steadyPort());
  const reports = await Deno.makeTempDir();
  const started = startAiotest(
    master!.command!.map((word) => word.replace("/reports", reports)),
    {
      cwd: projectPath("examples"),
      env: {
        ...master!.environment,
        AIOTEST_NO_WEB: "",
        AIOTEST_WEB_PORT: "0",
        AIOTEST_MASTER_BIND_PORT: port,
        AIOTEST_REDIS_HOST: "127.0.0.1",
        AIOTEST_REDIS_PORT: String(redis.port),
      },
    },
  );
  const workers = Array.from(
    { length: Number(worker!.deploy!.replicas) },
    () =>
      startAiotest(worker!.command!.map((word) => word === "master" ? "127.0.0.1" : word), {
        cwd: reports,
        env: { ...worker!.environment, AIOTEST_MASTER_PORT: port },
      }),
  );
  const token = `${reports}/token`;
  await Deno.writeTextFile(token, configs!["web-token"]!.content);
  try {
    const webPort = await started.tells(/Dashboard: http:\/\/[^/]*:(\d+)\//);
    const config = Deno.readTextFileSync(`${DEPLOY}/prometheus/lab.yml`)
      .replace("master:8089", `127.0.0.1:${webPort}`)
      .replace(prometheus!.configs![0]!.target, token);
    await using server = await PrometheusServer.configured(config);
    await server.until("count(aiotest_workers_user_count)", 2);
    await server.until("sum(aiotest_workers_user_count)", 4);
  } finally {
    started.kill("SIGINT");
    const ends = await Promise.all([started, ...workers].map(({ finished }) => finished));
    await Deno.remove(reports, { recursive: true });
    assert.deepEqual(ends.map(({ code }) => code), [0, 0, 0], ends[0]!.stderr);
  }
});
