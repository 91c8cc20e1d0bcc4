import assert from "node:assert/strict";
import { watchInterrupts } from "../../src/cli/run_session.ts";
import { FakeExit, FakeHost } from "../support/fake_host.ts";

Deno.test("the first interrupt ends the run well, the second the process", () => {
  const host = new FakeHost();
  const calls: string[] = [];
  watchInterrupts(host, {
    onFirst: () => calls.push("first"),
    beforeExit: () => calls.push("before exit"),
  });
  host.interrupt();
  assert.deepEqual(calls, ["first"]);
  assert.equal(host.exitCode, null);
  assert.throws(() => host.interrupt(), FakeExit);
  assert.deepEqual(calls, ["first", "before exit"]);
  assert.equal(host.exitCode, 130);
});
