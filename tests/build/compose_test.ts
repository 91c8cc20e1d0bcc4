import { Ajv } from "ajv";
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import type { Settings } from "../../src/cli/settings.ts";
import { parseDuration } from "../../src/core/duration.ts";
import { DEFAULTS, parse } from "../support/command_line.ts";
import {
  type Compose,
  DEPLOY,
  interpolate,
  readCompose,
  type Service,
} from "../support/compose/compose_file.ts";
import composeSpec from "../support/compose/compose_spec.json" with { type: "json" };
import { fromFileUrl } from "../support/paths.ts";
import { RedisServer } from "../support/redis_server.ts";
import { isMissing } from "../support/requirement.ts";
import { steadyPort } from "../support/steady_port.ts";

const FILES = ["compose.local.yml", "compose.distributed.yml", "compose.redis.yml"];

/** What a person has to say before they start one. */
const ENV = {
  AIOTEST_HOST: "http://target:8000",
  AIOTEST_TOKEN: "between-us",
  REDIS_PASSWORD: "123456",
};

/** The runs that the files describe, each with the files that are given to it. */
const RUNS = {
  local: ["compose.local.yml"],
  distributed: ["compose.distributed.yml"],
  redis: ["compose.distributed.yml", "compose.redis.yml"],
};

function run(name: keyof typeof RUNS, env: Record<string, string> = {}): Compose {
  return readCompose(RUNS[name], { ...ENV, ...env });
}

function everyRun(): Compose[] {
  return [run("local"), run("distributed"), run("redis")];
}

function nodesOf({ services }: Compose): Service[] {
  return Object.values(services).filter(({ image }) => image === "aiotest");
}

/** What aiotest makes of a service's command and environment. */
async function settingsOf(service: Service): Promise<Settings> {
  const environment = Object.entries(service.environment ?? {})
    .filter(([name]) => name.startsWith("AIOTEST_"));
  const options = await parse(
    { args: [...service.command ?? []], env: Object.fromEntries(environment) },
    ({ parser }) => parser.option("--redis-host <host>", "as examples/redis_accounts.ts adds it"),
  );
  const { given: _, extra: __, ...settings } = options;
  return settings;
}

/** A validator of the published schema. */
function validator(): (file: unknown) => string[] {
  const { $schema: _, ...schema } = composeSpec;
  const validate = new Ajv({ strict: false, formats: { duration: true } }).compile(schema);
  return (file) =>
    validate(file)
      ? []
      : validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`);
}

Deno.test("every compose file keeps to the published schema, as written and filled in", () => {
  const problems = validator();
  for (const name of FILES) {
    const written = parseYaml(Deno.readTextFileSync(`${DEPLOY}/${name}`), { merge: true });
    assert.deepEqual(problems(written), [], name);
    assert.deepEqual(problems(readCompose([name], ENV)), [], name);
  }
  for (const whole of everyRun()) assert.deepEqual(problems(whole), []);
});

Deno.test("the schema refuses what Compose would not understand", () => {
  const problems = validator();
  const service = run("local").services.aiotest;
  assert.notDeepEqual(problems({ services: { aiotest: { ...service, stop_grace: "5s" } } }), []);
  assert.notDeepEqual(problems({ services: { aiotest: { ...service, ulimits: 5 } } }), []);
});

Deno.test("variables are filled in as Compose does", () => {
  const env = { A: "a", EMPTY: "" };
  assert.equal(interpolate("${A} ${A:-b} $$A", env), "a a $A");
  assert.equal(interpolate("${EMPTY:-x}${NONE:-${A}}${NONE}", env), "xa");
  assert.throws(() => interpolate("${EMPTY:?say it}", env), /^Error: EMPTY is missing: say it$/);
});

Deno.test("what nobody can guess has to be given: target, token and password", () => {
  for (
    const [name, files] of [["AIOTEST_HOST", RUNS.local], ["AIOTEST_TOKEN", RUNS.redis]] as const
  ) {
    assert.throws(
      () => readCompose(files, { ...ENV, [name]: "" }),
      new RegExp(`^Error: ${name} is`),
    );
  }
  const env = { ...ENV, REDIS_PASSWORD: "" };
  assert.throws(() => readCompose(RUNS.redis, env), /^Error: REDIS_PASSWORD is missing/);
});

Deno.test("every node's command and environment are options that aiotest takes", async () => {
  const local = await settingsOf(run("local").services.aiotest!);
  assert.deepEqual(local, {
    ...DEFAULTS,
    aiotestfile: "basic.ts",
    host: "http://target:8000",
    users: 10,
    rate: 10,
    runTime: 60,
    json: "/reports/summary.json",
  });
  for (
    const [name, file] of [["distributed", "basic.ts"], ["redis", "redis_accounts.ts"]] as const
  ) {
    const { master, worker } = run(name).services;
    assert.deepEqual(await settingsOf(master!), {
      ...DEFAULTS,
      aiotestfile: file,
      host: "http://target:8000",
      users: 40,
      rate: 20,
      runTime: 60,
      master: true,
      expectWorkers: 4,
      expectWorkersMaxWait: 120,
      token: "between-us",
      json: "/reports/summary.json",
    });
    assert.deepEqual(await settingsOf(worker!), {
      ...DEFAULTS,
      worker: true,
      masterHost: "master",
      reconnectTimeout: 120,
      token: "between-us",
    });
  }
});

Deno.test("the master waits for as many workers as there are", async () => {
  for (
    const [env, replicas, expected] of [
      [{}, "4", 4],
      [{ WORKERS: "8" }, "8", 8],
      // `--scale worker=6` wins over the replicas.
      [{ AIOTEST_EXPECT_WORKERS: "6" }, "4", 6],
    ] as [Record<string, string>, string, number][]
  ) {
    const { master, worker } = run("distributed", env).services;
    assert.equal(worker!.deploy!.replicas, replicas);
    assert.equal((await settingsOf(master!)).expectWorkers, expected);
  }
});

Deno.test("nodes have time to end well, room for connections, and no rights that they do not need", async () => {
  for (const node of everyRun().flatMap(nodesOf)) {
    const { stopTimeout } = await settingsOf(node);
    assert.ok(parseDuration(node.stop_grace_period!)! >= stopTimeout + 20);
    assert.equal(node.ulimits!.nofile, 65_536);
    assert.equal(node.read_only, true);
    assert.deepEqual(node.cap_drop, ["ALL"]);
    assert.equal(node.build, "..");
    assert.deepEqual(node.healthcheck!.test, ["CMD", "aiotest-alive"]);
  }
});

Deno.test("a master is stopped before its workers", () => {
  for (const { services } of [run("distributed"), run("redis")]) {
    assert.equal(services.master!.depends_on!.worker!.condition, "service_started");
    assert.equal(services.worker!.depends_on?.master, undefined);
  }
});

Deno.test("what a service waits for is there, and can become what is waited for", () => {
  for (const { services } of everyRun()) {
    for (const service of Object.values(services)) {
      for (const [name, { condition, required }] of Object.entries(service.depends_on ?? {})) {
        const other = services[name];
        assert.ok(other !== undefined, name);
        if (condition === "service_healthy") assert.ok(other.healthcheck !== undefined, name);
        if (other.profiles !== undefined) assert.equal(required, false, name);
      }
    }
  }
});

Deno.test("test files are mounted where aiotest looks, and volumes are declared", () => {
  for (const { services, volumes: declared } of everyRun()) {
    const { volumes, environment } = services.aiotest ?? services.master!;
    const [tests, reports] = volumes!;
    assert.equal(tests, "../examples:/test:ro");
    Deno.statSync(resolve(DEPLOY, "../examples", environment!.AIOTEST_AIOTESTFILE!));
    assert.equal(reports, "reports:/reports");
    assert.ok("reports" in declared!);
    // Workers get it from their master.
    assert.equal(services.worker?.volumes, undefined);
  }
  const [tests] = run("local", { TEST_FOLDER: "/srv/tests" }).services.aiotest!.volumes!;
  assert.equal(tests, "/srv/tests:/test:ro");
});

Deno.test("the system has the settings of the network that nodes want", {
  ignore: isMissing("unshare") || Deno.uid() !== 0,
}, () => {
  const wanted = everyRun().flatMap(nodesOf).flatMap(({ sysctls }) =>
    Object.entries(sysctls ?? {})
  );
  assert.equal(wanted.length, 6);
  for (const [name, value] of wanted) {
    const path = `/proc/sys/${name.replaceAll(".", "/")}`;
    // In a network of its own, as a container has one.
    const script = `echo '${value}' > ${path} && tr '\\t' ' ' < ${path}`;
    const { stdout } = new Deno.Command("unshare", { args: ["--net", "sh", "-c", script] })
      .outputSync();
    assert.equal(new TextDecoder().decode(stdout).trim(), value, name);
  }
});

Deno.test("the target answers what the examples ask", async () => {
  const [subcommand, code] = run("local").services.target!.command!;
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
    assert.deepEqual(await login.json(), { token: "of-nobody" });
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

Deno.test("the list of accounts is filled anew by each start, and needs the password", {
  ignore: isMissing("redis-server"),
}, async () => {
  await using server = await RedisServer.start();
  const { accounts } = run("redis", { ACCOUNTS: "30" }).services;
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

Deno.test("the redis of the file asks for the password, and is healthy when it answers", {
  ignore: isMissing("redis-server"),
}, async () => {
  const { redis } = run("redis").services;
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

Deno.test("the image is built with the Deno that the project is tested with", () => {
  const dockerfile = Deno.readTextFileSync(fromFileUrl("../../Dockerfile"));
  const ci = Deno.readTextFileSync(fromFileUrl("../../.ci/run"));
  const version = /^deno_version=(\S+)$/m.exec(ci)![1];
  assert.equal(/^FROM denoland\/deno:(\S+) AS compile$/m.exec(dockerfile)![1], version);
  for (const { services } of everyRun()) {
    assert.equal(services.target!.image, `denoland/deno:${version}`);
  }
});
