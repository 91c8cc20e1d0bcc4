import assert from "node:assert/strict";
import { WorkerFleet } from "../../src/cli/run_processes.ts";
import { type Given, parse } from "../support/command_line.ts";
import { settle } from "../support/fake_clock.ts";
import { type FakeChild, FakeHost } from "../support/fake_host.ts";

interface TestFleet {
  readonly fleet: WorkerFleet;
  readonly children: readonly FakeChild[];
  readonly lines: readonly string[];
  readonly failures: readonly string[];
}

async function start(
  given: Given,
  token: string | null = null,
  passed = NOTHING,
): Promise<TestFleet> {
  const host = new FakeHost();
  const lines: string[] = [];
  const failures: string[] = [];
  const options = await parse(given);
  const fleet = new WorkerFleet(
    { count: 2, masterHost: "127.0.0.1", masterPort: 6000, token, options, passed },
    {
      host,
      random: () => 0.5,
      onLine: (text) => lines.push(text),
      onFailure: (name, code) => failures.push(`${name} ended with ${code}`),
    },
  );
  return { fleet, children: host.children, lines, failures };
}

const NOTHING = { args: [] as string[], env: {} };

Deno.test("each worker is told who it is and where its master is", async () => {
  const { children } = await start({});
  assert.deepEqual(children.map(({ args }) => args.join(" ")), [
    "-f aiotestfile.ts --worker --worker-name testhost-ssss-1 --master-host 127.0.0.1 --master-port 6000",
    "-f aiotestfile.ts --worker --worker-name testhost-ssss-2 --master-host 127.0.0.1 --master-port 6000",
  ]);
  assert.deepEqual(children.map(({ env }) => env), [{}, {}]);
});

Deno.test("workers get the token, and what they have to know of the parent's options, by environment", async () => {
  const given = {
    args: [
      ...["-f", "my test.ts", "-T", "a", "-T", "b", "-E", "c", "-H", "http://x", "-L", "debug"],
      ...["--reconnect-timeout", "2.5", "--tls-ca", "ca.pem", "-u", "5", "--worker"],
      ...["--processes", "2", "--config", "load.json"],
    ],
    env: { AIOTEST_INSECURE: "no", AIOTEST_RATE: "3" },
    files: { "/home/me/load.json": '{ "logfile": "a.log" }' },
  };
  const passed = { args: ["--tenant", ""], env: { AIOTEST_DEPTH: "3" } };
  const { children: [child] } = await start(given, "s3cret", passed);
  assert.deepEqual(child!.args.slice(0, 2), ["-f", "my test.ts"]);
  assert.deepEqual(child!.args.slice(-2), ["--tenant", ""]);
  assert.ok(!child!.args.includes("s3cret"));
  assert.deepEqual(child!.env, {
    AIOTEST_DEPTH: "3",
    AIOTEST_HOST: "http://x",
    AIOTEST_TAGS: "a,b",
    AIOTEST_EXCLUDE_TAGS: "c",
    AIOTEST_INSECURE: "false",
    AIOTEST_LOGLEVEL: "DEBUG",
    AIOTEST_RECONNECT_TIMEOUT: "2.5",
    AIOTEST_TLS_CA: "ca.pem",
    AIOTEST_TOKEN: "s3cret",
  });
});

Deno.test("a worker understands what it is given", async () => {
  const given = {
    args: ["-T", "a,b", "--tls-ca", "ca.pem", "--worker"],
    env: { AIOTEST_INSECURE: "0" },
  };
  const { children: [child] } = await start(given, "s3cret");
  const options = await parse(child!);
  assert.equal(options.worker, true);
  assert.equal(options.workerName, "testhost-ssss-1");
  assert.equal(options.masterPort, 6000);
  assert.deepEqual(options.tags, ["a", "b"]);
  assert.equal(options.token, "s3cret");
  assert.equal(options.insecure, false);
  assert.ok(options.given.has("insecure"));
  assert.ok(!options.given.has("host"));
});

Deno.test("what a worker prints has its name before it", async () => {
  const { children, lines } = await start({});
  children[1]!.print("ready");
  children[0]!.print("");
  assert.deepEqual(lines, ["[testhost-ssss-2] ready", "[testhost-ssss-1] "]);
});

Deno.test("workers that end well end the fleet, and nobody minds", async () => {
  const { fleet, children, failures } = await start({});
  children[1]!.exit(0);
  children[0]!.exit(0);
  assert.deepEqual(await fleet.ended, [
    { name: "testhost-ssss-1", code: 0 },
    { name: "testhost-ssss-2", code: 0 },
  ]);
  assert.deepEqual(failures, []);
});

Deno.test("a worker that fails is reported at once, and once", async () => {
  const { fleet, children, failures } = await start({});
  children[1]!.exit(137);
  await settle();
  assert.deepEqual(failures, ["testhost-ssss-2 ended with 137"]);
  fleet.terminate();
  children[0]!.exit(143);
  assert.deepEqual(await fleet.ended, [
    { name: "testhost-ssss-1", code: 143 },
    { name: "testhost-ssss-2", code: 137 },
  ]);
  assert.equal(failures.length, 1);
});

Deno.test("signals reach all workers", async () => {
  const { fleet, children } = await start({});
  fleet.terminate();
  fleet.kill();
  for (const { signals } of children) assert.deepEqual(signals, ["SIGTERM", "SIGKILL"]);
});
