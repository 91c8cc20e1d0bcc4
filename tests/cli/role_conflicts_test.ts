import assert from "node:assert/strict";
import { checkConflicts } from "../../src/cli/role.ts";
import { UsageError } from "../../src/core/errors.ts";
import { config, type Given, parse } from "../support/command_line.ts";

async function conflict(given: Given): Promise<UsageError> {
  const options = await parse(given);
  try {
    checkConflicts(options);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    assert.equal(error.exitCode, 2);
    return error;
  }
  throw new Error("it was accepted");
}

const FOR_MASTER = "cannot go with --worker: give it to the master";
const FOR_WORKER = "needs --worker, as nobody but a worker looks for a master";
const NO_MASTER = "needs --master, as there are no workers without one";
const OWN_WORKERS =
  "needs --master: with --processes alone, nobody but its own workers is waited for";
const NO_TLS =
  "cannot go with --processes, whose workers connect without TLS: start master and workers by themselves";
const NAMES = "cannot go with --processes, whose workers need a name each";

const NOT_STARTED = "--no-autostart cannot go with --no-web: the test is started in the dashboard";

const CONFLICTS: [args: string, message: string][] = [
  ["--master --worker", "--master cannot go with --worker: a process is one or the other"],
  ["--worker --redis redis://a", `--redis ${FOR_MASTER}`],
  ["--worker --processes 2 --redis redis://a", `--redis ${FOR_MASTER}`],
  ["--worker --journal a", `--journal ${FOR_MASTER}`],
  ["--worker --resume a", `--resume ${FOR_MASTER}`],
  ["--worker --expect-workers 2", `--expect-workers ${FOR_MASTER}`],
  ["--worker --expect-workers-max-wait 2", `--expect-workers-max-wait ${FOR_MASTER}`],
  ["--worker --master-bind-host a", `--master-bind-host ${FOR_MASTER}`],
  ["--worker --master-bind-port 1", `--master-bind-port ${FOR_MASTER}`],
  ["--worker --tls-cert a --tls-key b", `--tls-cert ${FOR_MASTER}`],
  ["--worker --processes 2 --journal a", `--journal ${FOR_MASTER}`],
  ["--master --master-host a", `--master-host ${FOR_WORKER}`],
  ["--master-host a", `--master-host ${FOR_WORKER}`],
  ["--master-port 1", `--master-port ${FOR_WORKER}`],
  ["--reconnect-timeout 1", `--reconnect-timeout ${FOR_WORKER}`],
  ["--worker-name a", `--worker-name ${FOR_WORKER}`],
  ["--master --tls-ca a", `--tls-ca ${FOR_WORKER}`],
  ["--processes 2 --reconnect-timeout 1", `--reconnect-timeout ${FOR_WORKER}`],
  ["--processes 2 --worker-name a", `--worker-name ${NAMES}`],
  ["--worker --processes 2 --worker-name a", `--worker-name ${NAMES}`],
  ["--processes 2 --tls-cert a --tls-key b", `--tls-cert ${NO_TLS}`],
  ["--master --processes 2 --tls-key b", `--tls-key ${NO_TLS}`],
  ["--processes 2 --expect-workers 2", `--expect-workers ${OWN_WORKERS}`],
  ["--processes 2 --expect-workers-max-wait 2", `--expect-workers-max-wait ${OWN_WORKERS}`],
  ["--expect-workers 2", `--expect-workers ${NO_MASTER}`],
  ["--expect-workers-max-wait 2", `--expect-workers-max-wait ${NO_MASTER}`],
  ["--master-bind-host a", `--master-bind-host ${NO_MASTER}`],
  ["--master-bind-port 1", `--master-bind-port ${NO_MASTER}`],
  ["--journal a", `--journal ${NO_MASTER}`],
  ["--resume a", `--resume ${NO_MASTER}`],
  ["--tls-cert a --tls-key b", `--tls-cert ${NO_MASTER}`],
  [
    "--master --journal a --resume a",
    "--journal cannot go with --resume: a resumed run goes on in its own journal",
  ],
  ["--worker --web-host a", `--web-host ${FOR_MASTER}`],
  ["--worker --web-port 1", `--web-port ${FOR_MASTER}`],
  ["--worker --prometheus-port 1", `--web-port ${FOR_MASTER}`],
  ["--worker --web-token a", `--web-token ${FOR_MASTER}`],
  ["--worker --no-autostart", `--no-autostart ${FOR_MASTER}`],
  ["--worker --buckets 1 2", `--buckets ${FOR_MASTER}`],
  ["--worker --otlp http://a", `--otlp ${FOR_MASTER}`],
  ["--worker --threshold p95<1s", `--threshold ${FOR_MASTER}`],
  ["--worker --abort-on-threshold", `--abort-on-threshold ${FOR_MASTER}`],
  ["--worker --processes 2 --no-autostart", `--no-autostart ${FOR_MASTER}`],
  ["--no-autostart --no-web", NOT_STARTED],
  ["--master --no-autostart --no-web", NOT_STARTED],
  ["--processes 2 --no-autostart --no-web", NOT_STARTED],
  [
    "--no-autostart --web-host 0.0.0.0",
    "--no-autostart needs --web-token with --web-host 0.0.0.0: nobody could start the test, " +
    "as without a token the dashboard is only to look at",
  ],
  ["--master --tls-cert a", "--tls-cert needs --tls-key, too"],
  ["--master --tls-key a", "--tls-key needs --tls-cert, too"],
];

for (const [args, message] of CONFLICTS) {
  Deno.test(`aiotest ${args} is refused`, async () => {
    assert.equal((await conflict({ args: args.split(" ") })).message, message);
  });
}

Deno.test("what the environment or a file gives is refused as well, and where it may stand is said", async () => {
  const env = { AIOTEST_MASTER_HOST: "a" };
  for (const given of [{ env }, config('master-host = "a"')]) {
    const { message, hint } = await conflict(given);
    assert.equal(message, `--master-host ${FOR_WORKER}`);
    assert.equal(
      hint,
      "If it is not on the command line, it is in AIOTEST_MASTER_HOST or in the --config file.",
    );
  }
});

const ACCEPTED = [
  "--worker --no-web",
  "--no-autostart",
  "--no-autostart --web-host localhost",
  "--no-autostart --web-host 0.0.0.0 --web-token s3cret",
  "--processes 2 --no-autostart",
  "--no-web --otlp http://a",
];

for (const args of ACCEPTED) {
  Deno.test(`aiotest ${args} is accepted`, async () => {
    checkConflicts(await parse({ args: args.split(" ") }));
  });
}
