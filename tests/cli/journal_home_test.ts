import assert from "node:assert/strict";
import { checkHome } from "../../src/cli/run_master.ts";
import type { JournalRecord } from "../../src/cluster/journal.ts";
import { UsageError } from "../../src/core/errors.ts";

function record(service: string): JournalRecord<"call"> {
  return {
    type: "call",
    incarnation: "i1",
    id: 1,
    service,
    name: "n",
    operation: "add",
    args: "[1]",
  };
}

Deno.test("a run goes on with its counters and queues where they were", () => {
  for (const service of ["counter", "queue", "feeder"]) checkHome(record(service), false);
  for (const service of ["redis", "feeder"]) checkHome(record(service), true);
  checkHome({ type: "settled", incarnation: "i1", ids: [1] }, true);
});

Deno.test("a run does not go on with its counters and queues elsewhere", () => {
  for (const service of ["counter", "queue"]) {
    assert.throws(() => checkHome(record(service), true), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /^--resume cannot go with --redis: /);
      return true;
    });
  }
  assert.throws(() => checkHome(record("redis"), false), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /^--resume needs --redis, too: /);
    return true;
  });
});
