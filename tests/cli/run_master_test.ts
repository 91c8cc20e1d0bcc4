import assert from "node:assert/strict";
import { CommandLine } from "../../src/cli/options.ts";
import { roleOf } from "../../src/cli/role.ts";
import { checkStorage, runMaster } from "../../src/cli/run_master.ts";
import type { JournalRecord } from "../../src/cluster/journal.ts";
import { UsageError } from "../../src/core/errors.ts";
import type { StreamListener } from "../../src/core/network.ts";
import { User } from "../../src/user/user.ts";
import { FakeHost } from "../support/fake_host.ts";

class StepTest extends User {
  testNothing(): void {}
}

/** A machine whose port is taken. */
class BusyHost extends FakeHost {
  override listen(): StreamListener {
    throw new Deno.errors.AddrInUse("Address already in use");
  }
}

async function refusal(...args: string[]): Promise<UsageError> {
  const host = new BusyHost({ args, files: { "/home/me/aiotestfile.ts": "" } });
  const commandLine = await CommandLine.preview(host);
  const options = commandLine.parse();
  const role = roleOf(options, { cores: 2, freshToken: "fresh" });
  assert.ok(role.kind === "master");
  const orders = { settings: role.master, forwarded: () => ({}), commandLine };
  const error: unknown = await runMaster(host, { StepTest }, options, orders)
    .catch((error: unknown) => error);
  assert.ok(error instanceof UsageError, String(error));
  return error;
}

Deno.test("a port in use is reported with the options to choose another one", async () => {
  const { message, hint } = await refusal("--master", "--master-bind-port", "7000");
  assert.match(message, /The master cannot listen on .*:7000: /);
  assert.match(hint, /--master-bind-port/);
});

Deno.test("a certificate that cannot be read is reported", async () => {
  const { message } = await refusal("--master", "--tls-cert", "c.pem", "--tls-key", "k.pem");
  assert.match(message, /^--tls-cert c\.pem: cannot read the file: /);
});

Deno.test("a missing journal to resume is reported", async () => {
  const { message } = await refusal("--master", "--resume", "run.journal");
  assert.match(message, /^--resume .*run\.journal: there is no such file/);
});

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

Deno.test("a run is resumed if its counters and queues are stored where they were", () => {
  for (const service of ["counter", "queue", "feeder"]) checkStorage(record(service), false);
  for (const service of ["redis", "feeder"]) checkStorage(record(service), true);
  checkStorage({ type: "settled", incarnation: "i1", ids: [1] }, true);
});

Deno.test("a run is not resumed if its counters and queues are stored elsewhere", () => {
  for (const service of ["counter", "queue"]) {
    assert.throws(() => checkStorage(record(service), true), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /^--resume cannot be used with --redis: /);
      return true;
    });
  }
  assert.throws(() => checkStorage(record("redis"), false), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /^--resume needs --redis: /);
    return true;
  });
});
