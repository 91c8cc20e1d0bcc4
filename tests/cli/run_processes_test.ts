import assert from "node:assert/strict";
import { CommandLine } from "../../src/cli/options.ts";
import { roleOf } from "../../src/cli/role.ts";
import { runProcesses, runWorkerProcesses } from "../../src/cli/run_processes.ts";
import { AiotestError } from "../../src/core/errors.ts";
import type { StreamListener } from "../../src/core/network.ts";
import { User } from "../../src/user/user.ts";
import { settle } from "../support/fake_clock.ts";
import { FakeHost } from "../support/fake_host.ts";
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

Deno.test("a worker that is stopped before the start ends the run, with exit code 4", async () => {
  const { host, ended } = await start("--processes", "2");
  for (const child of host.children) child.exit(0);
  const error: unknown = await ended.catch((error: unknown) => error);
  assert.ok(error instanceof AiotestError, String(error));
  assert.match(error.message, /The test did not start because worker testhost-.*-1 exited/);
  assert.equal(error.exitCode, 4);
});

Deno.test("workers that crash before the start are replaced three times, and then the run ends", async () => {
  const { host, ended } = await start("--processes", "1");
  for (let index = 0; index < 4; index++) {
    assert.equal(host.children.length, index + 1);
    host.children[index]!.die("SIGSEGV");
    await settle();
  }
  const error: unknown = await ended.catch((error: unknown) => error);
  assert.ok(error instanceof AiotestError, String(error));
  assert.match(
    error.message,
    /^The test did not start because worker \S+-4 was killed by SIGSEGV, after 3 workers were replaced within a minute$/,
  );
  assert.equal(error.exitCode, 4);
  assert.equal(host.children.length, 4);
  assert.match(
    host.stderr.text,
    / Worker \S+-1 was killed by SIGSEGV\. Worker \S+-2 is started in its place\./,
  );
});

Deno.test("after Ctrl-C no worker is replaced", async () => {
  const { host, ended } = await start("--processes", "2");
  host.interrupt();
  host.children[0]!.die("SIGKILL");
  host.children[1]!.exit(0);
  await ended.catch(() => {});
  assert.equal(host.children.length, 2);
});

Deno.test("worker processes exit with the highest code among them", async () => {
  const { host, ended } = await start("--worker", "--processes", "3");
  host.children.forEach((child, i) => child.exit([0, 4, 2][i]!));
  assert.equal(await ended, 4);
});

Deno.test("a worker process of another master that dies is replaced, and the exit code is 4", async () => {
  const { host, ended } = await start("--worker", "--processes", "2");
  host.children[1]!.die("SIGKILL");
  await settle();
  assert.equal(host.children.length, 3);
  host.children[0]!.exit(0);
  await settle();
  // The master has ended the run, so this one has nothing to join.
  host.children[2]!.die("SIGSEGV");
  assert.equal(await ended, 4);
  assert.equal(host.children.length, 3);
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
