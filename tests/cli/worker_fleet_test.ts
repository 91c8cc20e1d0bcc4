import assert from "node:assert/strict";
import { type EndedWorker, RestartLimit, WorkerFleet } from "../../src/cli/worker_fleet.ts";
import { type Given, parse } from "../support/command_line.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { type FakeChild, FakeHost } from "../support/fake_host.ts";

interface TestFleet {
  readonly fleet: WorkerFleet;
  readonly children: readonly FakeChild[];
  readonly lines: readonly string[];
  readonly clock: FakeClock;
  /** The workers that have ended. */
  readonly ended: readonly EndedWorker[];
  /** Whether workers may be replaced. */
  mayReplace: boolean;
}

async function startFleet(
  given: Given,
  token: string | null = null,
  customFlags = NOTHING,
): Promise<TestFleet> {
  const host = new FakeHost();
  const lines: string[] = [];
  const ended: EndedWorker[] = [];
  const clock = new FakeClock();
  const options = await parse(given);
  const fleet: WorkerFleet = new WorkerFleet(
    { count: 2, masterHost: "127.0.0.1", masterPort: 6000, token, options, customFlags },
    {
      host,
      random: () => 0.5,
      onLine: (text) => lines.push(text),
      clock,
      mayReplace: (): boolean => all.mayReplace,
      onEnded: (worker) => ended.push(worker),
    },
  );
  const all: TestFleet = { fleet, children: host.children, lines, clock, ended, mayReplace: true };
  return all;
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

/** What is known of the workers that have ended, in the order of their numbers. */
function endsOf(ended: readonly EndedWorker[]): unknown[] {
  return ended.map(({ how, successor }) => [how, successor]);
}

Deno.test("workers that exit by themselves, or that were told to, are not replaced", async () => {
  const { fleet, children, ended } = await startFleet({});
  children[1]!.exit(0);
  await settle();
  children[0]!.die("SIGTERM");
  assert.equal((await fleet.ended).length, 2);
  assert.equal(children.length, 2);
  assert.deepEqual(
    ended.map(({ name, code, how, hasDied, left }) => [name, code, how, hasDied, left]),
    [
      ["testhost-ssss-2", 0, "exited with code 0", false, 1],
      ["testhost-ssss-1", 143, "was ended by SIGTERM", false, 0],
    ],
  );
});

Deno.test("a worker whose test file cannot be imported is not replaced", async () => {
  for (const code of [1, 2, 4]) {
    const { fleet, children, ended } = await startFleet({});
    for (const child of children) child.exit(code);
    await fleet.ended;
    assert.equal(children.length, 2);
    assert.deepEqual(endsOf(ended), [
      [`exited with code ${code}`, null],
      [`exited with code ${code}`, null],
    ]);
  }
});

Deno.test("a worker that dies is replaced by one with the same options and another name", async () => {
  const { fleet, children, ended } = await startFleet({}, "s3cret");
  children[1]!.die("SIGKILL");
  await settle();
  assert.equal(children.length, 3);
  assert.deepEqual(
    children[2]!.args.map((one) => one.replace("ssss-3", "ssss-2")),
    children[1]!.args,
  );
  assert.deepEqual(children[2]!.env, children[1]!.env);
  assert.deepEqual(endsOf(ended), [["was killed by SIGKILL", "testhost-ssss-3"]]);
  assert.equal(ended[0]!.left, 2);
  children[2]!.exit(139);
  await settle();
  assert.deepEqual(endsOf(ended).at(-1), ["exited with code 139", "testhost-ssss-4"]);
  for (const child of children) child.exit(0);
  assert.deepEqual((await fleet.ended).map(({ name, code }) => [name, code]), [
    ["testhost-ssss-1", 0],
    ["testhost-ssss-2", 137],
    ["testhost-ssss-3", 139],
    ["testhost-ssss-4", 0],
  ]);
});

Deno.test("three workers are replaced within a minute, over all of them", async () => {
  const { fleet, children, ended, clock } = await startFleet({});
  const kill = async (index: number): Promise<void> => {
    children[index]!.die("SIGKILL");
    await settle();
  };
  await kill(0);
  await clock.advance(30_000);
  await kill(1);
  await kill(2);
  assert.equal(children.length, 5);
  await clock.advance(29_000);
  await kill(3);
  assert.equal(children.length, 5);
  assert.deepEqual([ended.at(-1)!.isOverLimit, ended.at(-1)!.successor, ended.at(-1)!.left], [
    true,
    null,
    1,
  ]);
  // The first restart is a minute ago: the remaining worker is replaced, the one before is not.
  await clock.advance(1_000);
  await kill(4);
  assert.equal(children.length, 6);
  await kill(5);
  assert.equal(ended.at(-1)!.isOverLimit, true);
  assert.equal((await fleet.ended).length, 6);
});

Deno.test("a limit of restarts covers any minute", () => {
  const clock = new FakeClock();
  const limit = new RestartLimit(clock);
  const takes = (ms: number): boolean => {
    clock.block(ms);
    return limit.take();
  };
  assert.deepEqual([0, 10_000, 10_000, 10_000, 29_999, 1, 9_999, 1].map(takes), [
    true,
    true,
    true,
    false,
    false,
    true,
    false,
    true,
  ]);
});

Deno.test("no worker is replaced while the run ends, or once the fleet is stopped", async () => {
  const one = await startFleet({});
  one.mayReplace = false;
  one.children[0]!.die("SIGSEGV");
  await settle();
  assert.deepEqual(endsOf(one.ended), [["was killed by SIGSEGV", null]]);
  assert.equal(one.ended[0]!.isOverLimit, false);
  one.fleet.dismiss();
  one.children[1]!.die("SIGSEGV");
  assert.equal((await one.fleet.ended).length, 2);
  assert.deepEqual([one.children.length, one.ended.length], [2, 1]);
});

for (
  const [lines, how] of [
    [
      ["#", "# Fatal JavaScript out of memory: Reached heap limit", "#", "==== C stack trace"],
      "was killed by SIGTRAP (Fatal JavaScript out of memory: Reached heap limit)",
    ],
    [
      ["#", "# Fatal error in , line 0", "# Check failed: fits.", "#"],
      "was killed by SIGTRAP (Fatal error in , line 0: Check failed: fits.)",
    ],
    [["Fatal error: no such account"], "was killed by SIGTRAP"],
  ] as const
) {
  Deno.test(`what V8 says before a worker dies is said with its end: ${lines[0]} ${lines[1] ?? ""}`, async () => {
    const { children, ended } = await startFleet({});
    for (const line of lines) children[0]!.print(line);
    children[0]!.die("SIGTRAP");
    await settle();
    assert.equal(ended[0]!.how, how);
  });
}

Deno.test("a worker in which the runtime panics has died, although it exits with code 1", async () => {
  const { children, ended } = await startFleet({});
  children[0]!.print("Deno has panicked. This is a bug in Deno.");
  children[0]!.print("thread 'main' panicked at runtime/worker.rs:12:5:");
  children[0]!.print("index out of bounds");
  children[0]!.exit(1);
  await settle();
  assert.equal(
    ended[0]!.how,
    "exited with code 1 (thread 'main' panicked at runtime/worker.rs:12:5: index out of bounds)",
  );
  assert.equal(children.length, 3);
});

Deno.test("a lack of memory is named only for SIGKILL, and only if the system has killed a process for it", async () => {
  const hows: string[] = [];
  for (
    const [signal, ranOut] of [["SIGKILL", true], ["SIGKILL", false], ["SIGSEGV", true]] as const
  ) {
    const { children, ended } = await startFleet({});
    children[0]!.die(signal, ranOut);
    await settle();
    hows.push(ended[0]!.how);
  }
  assert.deepEqual(hows, [
    "was killed by SIGKILL (the system has killed a process for lack of memory since this one was started)",
    "was killed by SIGKILL",
    "was killed by SIGSEGV",
  ]);
});

Deno.test("signals reach all workers, or those that are named", async () => {
  const { fleet, children } = await startFleet({});
  fleet.terminate((name) => name.endsWith("-2"));
  fleet.terminate();
  fleet.kill();
  assert.deepEqual(children.map(({ signals }) => signals), [
    ["SIGTERM", "SIGKILL"],
    ["SIGTERM", "SIGTERM", "SIGKILL"],
  ]);
});
