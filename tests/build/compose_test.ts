import { Ajv } from "ajv";
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import type { Settings } from "../../src/cli/settings.ts";
import { parseDuration } from "../../src/core/duration.ts";
import { DEFAULTS, parse } from "../support/command_line.ts";
import {
  COMPOSE_ENV,
  COMPOSE_RUNS,
  composeRun,
  DEPLOY,
  everyRun,
  interpolate,
  nodesOf,
  readCompose,
  type Service,
} from "../support/compose/compose_file.ts";
import composeSpec from "../support/compose/compose_spec.json" with { type: "json" };
import { projectPath } from "../support/paths.ts";

const FILES = [
  "compose.local.yml",
  "compose.distributed.yml",
  "compose.redis.yml",
  "compose.lab.yml",
];

/** What aiotest makes of a service's command and environment. */
async function settingsOf(service: Service): Promise<Settings> {
  const environment = Object.entries(service.environment ?? {})
    .filter(([name]) => name.startsWith("AIOTEST_"));
  const options = await parse(
    { args: [...service.command ?? []], env: Object.fromEntries(environment) },
    ({ parser }) => parser.option("--redis-host <host>", "as examples/redis_accounts.ts adds it"),
  );
  const { given: _, extra: __, readFrom: ___, ...settings } = options;
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

Deno.test("every compose file matches the published schema, before and after interpolation", () => {
  const problems = validator();
  for (const name of FILES) {
    const written = parseYaml(Deno.readTextFileSync(`${DEPLOY}/${name}`), { merge: true });
    assert.deepEqual(problems(written), [], name);
    assert.deepEqual(problems(readCompose([name], COMPOSE_ENV)), [], name);
  }
  for (const whole of everyRun()) assert.deepEqual(problems(whole), []);
});

Deno.test("the schema rejects files that Compose would reject", () => {
  const problems = validator();
  const service = composeRun("local").services.aiotest;
  assert.notDeepEqual(problems({ services: { aiotest: { ...service, stop_grace: "5s" } } }), []);
  assert.notDeepEqual(problems({ services: { aiotest: { ...service, ulimits: 5 } } }), []);
});

Deno.test("variables are interpolated as by Compose", () => {
  const env = { A: "a", EMPTY: "" };
  assert.equal(interpolate("${A} ${A:-b} $$A", env), "a a $A");
  assert.equal(interpolate("${EMPTY:-x}${NONE:-${A}}${NONE}", env), "xa");
  assert.throws(() => interpolate("${EMPTY:?say it}", env), /^Error: EMPTY is missing: say it$/);
});

Deno.test("target, token and password have no default", () => {
  for (
    const [name, files] of [["AIOTEST_HOST", COMPOSE_RUNS.local], [
      "AIOTEST_TOKEN",
      COMPOSE_RUNS.redis,
    ]] as const
  ) {
    assert.throws(
      () => readCompose(files, { ...COMPOSE_ENV, [name]: "" }),
      new RegExp(`^Error: ${name} is`),
    );
  }
  const env = { ...COMPOSE_ENV, REDIS_PASSWORD: "" };
  assert.throws(() => readCompose(COMPOSE_RUNS.redis, env), /^Error: REDIS_PASSWORD is missing/);
});

Deno.test("the command and environment of every node are valid options of aiotest", async () => {
  const local = await settingsOf(composeRun("local").services.aiotest!);
  assert.deepEqual(local, {
    ...DEFAULTS,
    aiotestfile: "basic.ts",
    host: "http://target:8000",
    users: 10,
    rate: 10,
    runTime: 60,
    json: "/reports/summary.json",
    webHost: "0.0.0.0",
  });
  for (
    const [name, file] of [["distributed", "basic.ts"], ["redis", "redis_accounts.ts"]] as const
  ) {
    const { master, worker } = composeRun(name).services;
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
      webHost: "0.0.0.0",
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

Deno.test("the lab starts without any variables, and its master stays after the run", async () => {
  const { master, worker } = readCompose(COMPOSE_RUNS.lab).services;
  assert.deepEqual(await settingsOf(master!), {
    ...DEFAULTS,
    aiotestfile: "redis_accounts.ts",
    host: "http://target:8000",
    users: 40,
    rate: 2,
    runTime: 300,
    master: true,
    expectWorkers: 2,
    expectWorkersMaxWait: 120,
    token: "lab",
    json: "/reports/summary.json",
    keep: true,
    webHost: "0.0.0.0",
    webToken: "lab",
  });
  assert.deepEqual(await settingsOf(worker!), {
    ...DEFAULTS,
    worker: true,
    masterHost: "master",
    reconnectTimeout: 120,
    token: "lab",
  });
});

Deno.test("the dashboard can be reached on this machine, and no port on others", async () => {
  for (const { services } of everyRun()) {
    const node = services.aiotest ?? services.master!;
    assert.deepEqual(node.ports, ["127.0.0.1:8089:8089"]);
    assert.equal((await settingsOf(node)).webPort, 8089);
    for (const { ports } of Object.values(services)) {
      for (const port of ports ?? []) assert.match(port, /^127\.0\.0\.1:(\d+):\1$/);
    }
  }
  const env = { AIOTEST_WEB_TOKEN: "for-the-dashboard" };
  for (const name of ["local", "distributed", "lab"] as const) {
    const { aiotest, master } = composeRun(name, env).services;
    assert.equal((await settingsOf((aiotest ?? master)!)).webToken, "for-the-dashboard");
  }
});

Deno.test("the master waits for all workers", async () => {
  for (
    const [env, replicas, expected] of [
      [{}, "4", 4],
      [{ WORKERS: "8" }, "8", 8],
      // `--scale worker=6` wins over the replicas.
      [{ AIOTEST_EXPECT_WORKERS: "6" }, "4", 6],
    ] as [Record<string, string>, string, number][]
  ) {
    const { master, worker } = composeRun("distributed", env).services;
    assert.equal(worker!.deploy!.replicas, replicas);
    assert.equal((await settingsOf(master!)).expectWorkers, expected);
  }
});

Deno.test("nodes have time to stop, enough file descriptors, and no unneeded privileges", async () => {
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
  for (const { services } of [composeRun("distributed"), composeRun("redis"), composeRun("lab")]) {
    assert.equal(services.master!.depends_on!.worker!.condition, "service_started");
    assert.equal(services.worker!.depends_on?.master, undefined);
  }
});

Deno.test("services wait for services that exist and can meet the condition", () => {
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

Deno.test("test files are mounted where aiotest expects them, and volumes are declared", () => {
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
  const [tests] = composeRun("local", { TEST_FOLDER: "/srv/tests" }).services.aiotest!.volumes!;
  assert.equal(tests, "/srv/tests:/test:ro");
});

Deno.test("the image is built with the version of Deno that CI uses", () => {
  const dockerfile = Deno.readTextFileSync(projectPath("Dockerfile"));
  const ci = Deno.readTextFileSync(projectPath(".ci/run"));
  const version = /^deno_version=(\S+)$/m.exec(ci)![1];
  assert.equal(/^FROM denoland\/deno:(\S+) AS compile$/m.exec(dockerfile)![1], version);
  for (const { services } of everyRun()) {
    assert.equal(services.target!.image, `denoland/deno:${version}`);
  }
});
