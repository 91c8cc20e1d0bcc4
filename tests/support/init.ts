import assert from "node:assert/strict";
import { runCommand } from "../../build/project.ts";
import { runInit } from "../../src/cli/commands/init.ts";
import { UsageError } from "../../src/core/errors.ts";
import { FakeHost, type FakeHostOptions } from "./fake_host.ts";
import { runAiotest } from "./process.ts";

/** The message of a refused init, which creates nothing. */
export async function refusal(options: FakeHostOptions): Promise<string> {
  const host = new FakeHost(options);
  const before = new Map(host.files);
  const error = await runInit(host).then(() => null, (thrown) => thrown);
  assert.ok(error instanceof UsageError, String(error));
  assert.equal(error.exitCode, 2);
  assert.deepEqual(host.files, before);
  return error.message;
}

/** Checks the `aiotestfile.ts` of a folder: its types, lint, format, and with `aiotest check`. */
export async function checkConverted(folder: string): Promise<void> {
  for (const args of [["check"], ["lint"], ["fmt", "--check"]]) {
    const done = await runCommand(Deno.execPath(), [...args, "aiotestfile.ts"], { cwd: folder });
    assert.equal(done.code, 0, `deno ${args[0]}: ${done.stderr}`);
  }
  const check = await runAiotest(["check", "-f", "aiotestfile.ts"], { cwd: folder });
  assert.equal(check.code, 0, check.stderr);
}
