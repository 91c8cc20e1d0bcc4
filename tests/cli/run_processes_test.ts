import assert from "node:assert/strict";
import { CommandLine } from "../../src/cli/options.ts";
import { roleOf } from "../../src/cli/role.ts";
import { runProcesses, runWorkerProcesses } from "../../src/cli/run_processes.ts";
import { AiotestError } from "../../src/core/errors.ts";
import type { StreamListener } from "../../src/core/network.ts";
import { User } from "../../src/user/user.ts";
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

/** As {@link start}, where somebody may have ended it before. */
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
  const role = roleOf(commandLine.parse(), { cores: 2, freshToken: "fresh" });
  const ended = role.kind === "processes"
    ? runProcesses(host, { StepTest }, commandLine, role)
    : role.kind === "workerProcesses"
    ? runWorkerProcesses(host, commandLine, role, isInterrupted)
    : Promise.reject(new Error(role.kind));
  ended.catch(() => {});
  for (let turn = 0; turn < 500 && host.children.length === 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return { host, ended };
}

Deno.test("a worker that cannot start ends the run before it has begun, and the others with it", async () => {
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
  assert.match(error.message, /The test has not begun, as worker testhost-.*-1 could not start/);
});

Deno.test("workers that all go before the test begins leave nobody to run it: exit code 4", async () => {
  const { host, ended } = await start("--processes", "2");
  for (const child of host.children) child.exit(0);
  const error: unknown = await ended.catch((error: unknown) => error);
  assert.ok(error instanceof AiotestError, String(error));
  assert.deepEqual([error.message, error.exitCode], ["No worker is left to run users", 4]);
});

Deno.test("workers without a master of their own end with the highest code of theirs", async () => {
  const { host, ended } = await start("--worker", "--processes", "3");
  host.children.forEach((child, i) => child.exit([0, 4, 2][i]!));
  assert.equal(await ended, 4);
});

Deno.test("Ctrl-C has the workers end well", async () => {
  const { host, ended } = await start("--worker", "--processes", "2");
  host.interrupt();
  assert.deepEqual(host.children.map(({ signals }) => signals), [["SIGTERM"], ["SIGTERM"]]);
  for (const child of host.children) child.exit(0);
  assert.equal(await ended, 0);
});

Deno.test("workers that somebody has ended before they were started end at once", async () => {
  const { host, ended } = await startUnless(() => true, ["--worker", "--processes", "2"]);
  assert.deepEqual(host.children.map(({ signals }) => signals), [["SIGTERM"], ["SIGTERM"]]);
  for (const child of host.children) child.exit(0);
  assert.equal(await ended, 0);
});
