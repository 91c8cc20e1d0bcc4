import assert from "node:assert/strict";
import { CommandLine } from "../../src/cli/options.ts";
import { roleOf } from "../../src/cli/role.ts";
import { runProcesses, runWorkerProcesses, WorkerFleet } from "../../src/cli/run_processes.ts";
import { AiotestError } from "../../src/core/errors.ts";
import type { StreamListener } from "../../src/core/network.ts";
import { User } from "../../src/user/user.ts";
import { type Given, parse } from "../support/command_line.ts";
import { settle } from "../support/fake_clock.ts";
import { type FakeChild, FakeHost } from "../support/fake_host.ts";
import { MemoryNetwork } from "../support/memory_network.ts";

/** A machine on which a master can listen. */
class ListeningHost extends FakeHost {
  override listen(): StreamListener {
    return new MemoryNetwork().listen();
  }
}

class StepTest extends User {
  testNothing(): void {}
}

/** Starts what a command line asks for; the children are the test's to end. */
function start(...args: string[]): ReturnType<typeof startUnless> {
  return startUnless(() => false, args);
}

/** Like {@link start}, for a process that may have been interrupted before. */
async function startUnless(
  isInterrupted: () => boolean,
  args: string[],
): Promise<{ readonly host: FakeHost; readonly ended: Promise<number> }> {
  const host = new ListeningHost({
    args,
    files: { "/home/me/aiotestfile.ts": "" },
    env: { AIOTEST_NO_WEB: "1" },
  });
  const commandLine = await CommandLine.preview(host);
  const options = commandLine.parse();
  const role = roleOf(options, { cores: 2, freshToken: "fresh" });
  const ended = role.kind === "processes"
    ? runProcesses(host, { StepTest }, options, { role, commandLine })
    : role.kind === "workerProcesses"
    ? runWorkerProcesses(host, options, { role, commandLine }, isInterrupted)
    : Promise.reject(new Error(role.kind));
  ended.catch(() => {});
  for (let turn = 0; turn < 500 && host.children.length === 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return { host, ended };
}

Deno.test("a worker that exits before the start ends the run and the other workers", async () => {
  const { host, ended } = await start("--processes", "2");
  const [first, second] = host.children;
  assert.deepEqual(host.children.map(({ env }) => env.AIOTEST_TOKEN), ["fresh", "fresh"]);
  first!.exit(2);
  for (let turn = 0; turn < 500 && second!.signals.length === 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.deepEqual(second!.signals, ["SIGTERM"]);
  second!.exit(0);
  const error: unknown = await ended.catch((error: unknown) => error);
  assert.ok(error instanceof AiotestError, String(error));
  assert.equal(error.exitCode, 2);
  assert.match(error.message, /The test did not start because worker testhost-.*-1 exited/);
});

Deno.test("if all workers exit before the start, the exit code is 4", async () => {
  const { host, ended } = await start("--processes", "2");
  for (const child of host.children) child.exit(0);
  const error: unknown = await ended.catch((error: unknown) => error);
  assert.ok(error instanceof AiotestError, String(error));
  assert.deepEqual([error.message, error.exitCode], ["No worker is left to run users", 4]);
});

Deno.test("worker processes exit with the highest code among them", async () => {
  const { host, ended } = await start("--worker", "--processes", "3");
  host.children.forEach((child, i) => child.exit([0, 4, 2][i]!));
  assert.equal(await ended, 4);
});

Deno.test("Ctrl-C stops the workers gracefully", async () => {
  const { host, ended } = await start("--worker", "--processes", "2");
  host.interrupt();
  assert.deepEqual(host.children.map(({ signals }) => signals), [["SIGTERM"], ["SIGTERM"]]);
  for (const child of host.children) child.exit(0);
  assert.equal(await ended, 0);
});

Deno.test("workers of an interrupted process are stopped at once", async () => {
  const { host, ended } = await startUnless(() => true, ["--worker", "--processes", "2"]);
  assert.deepEqual(host.children.map(({ signals }) => signals), [["SIGTERM"], ["SIGTERM"]]);
  for (const child of host.children) child.exit(0);
  assert.equal(await ended, 0);
});

interface TestFleet {
  readonly fleet: WorkerFleet;
  readonly children: readonly FakeChild[];
  readonly lines: readonly string[];
  readonly failures: readonly string[];
}

async function startFleet(
  given: Given,
  token: string | null = null,
  customFlags = NOTHING,
): Promise<TestFleet> {
  const host = new FakeHost();
  const lines: string[] = [];
  const failures: string[] = [];
  const options = await parse(given);
  const fleet = new WorkerFleet(
    { count: 2, masterHost: "127.0.0.1", masterPort: 6000, token, options, customFlags },
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

Deno.test("each worker gets its name and the address of its master", async () => {
  const { children } = await startFleet({});
  assert.deepEqual(children.map(({ args }) => args.join(" ")), [
    "-f aiotestfile.ts --worker --worker-name testhost-ssss-1 --master-host 127.0.0.1 --master-port 6000",
    "-f aiotestfile.ts --worker --worker-name testhost-ssss-2 --master-host 127.0.0.1 --master-port 6000",
  ]);
  assert.deepEqual(children.map(({ env }) => env), [{}, {}]);
});

Deno.test("workers get the token and forwarded options in the environment", async () => {
  const given = {
    args: [
      ...["-f", "my test.ts", "-T", "a", "-T", "b", "-E", "c", "-H", "http://x", "-L", "debug"],
      ...["--reconnect-timeout", "2.5", "--tls-ca", "ca.pem", "-u", "5", "--worker"],
      ...["--processes", "2", "--config", "load.json"],
    ],
    env: { AIOTEST_INSECURE: "no", AIOTEST_RATE: "3" },
    files: { "/home/me/load.json": '{ "logfile": "a.log" }' },
  };
  const customFlags = { args: ["--tenant", ""], env: { AIOTEST_DEPTH: "3" } };
  const { children: [child] } = await startFleet(given, "s3cret", customFlags);
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

Deno.test("a worker accepts the options of its parent", async () => {
  const given = {
    args: ["-T", "a,b", "--tls-ca", "ca.pem", "--worker"],
    env: { AIOTEST_INSECURE: "0" },
  };
  const { children: [child] } = await startFleet(given, "s3cret");
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

Deno.test("the output of a worker is prefixed with its name", async () => {
  const { children, lines } = await startFleet({});
  children[1]!.print("ready");
  children[0]!.print("");
  assert.deepEqual(lines, ["[testhost-ssss-2] ready", "[testhost-ssss-1] "]);
});

Deno.test("workers that exit with code 0 are not reported", async () => {
  const { fleet, children, failures } = await startFleet({});
  children[1]!.exit(0);
  children[0]!.exit(0);
  assert.deepEqual(await fleet.ended, [
    { name: "testhost-ssss-1", code: 0 },
    { name: "testhost-ssss-2", code: 0 },
  ]);
  assert.deepEqual(failures, []);
});

Deno.test("a failing worker is reported immediately, and only once", async () => {
  const { fleet, children, failures } = await startFleet({});
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
  const { fleet, children } = await startFleet({});
  fleet.terminate();
  fleet.kill();
  for (const { signals } of children) assert.deepEqual(signals, ["SIGTERM", "SIGKILL"]);
});
