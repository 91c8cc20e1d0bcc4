import assert from "node:assert/strict";
import {
  checkConflicts,
  checkStartable,
  type MasterSettings,
  type Role,
  roleOf,
  type StartOptions,
  type WorkerSettings,
} from "../../src/cli/role.ts";
import { UsageError } from "../../src/core/errors.ts";
import { config, type Given, parse } from "../support/command_line.ts";

/** The role that a command line asks for, on a machine of eight cores. */
async function role(given: Given | string): Promise<Role> {
  const options = await parse(typeof given === "string" ? { args: words(given) } : given);
  return roleOf(options, { cores: 8, freshToken: "fresh" });
}

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}

const MASTER: MasterSettings = {
  bindHost: "*",
  bindPort: 5557,
  token: null,
  expectWorkers: 1,
  expectWorkersMaxWait: 0,
  allowDifferentTestfile: false,
  tls: null,
  journal: null,
  resume: null,
};

const WORKER: WorkerSettings = {
  masterHost: "127.0.0.1",
  masterPort: 5557,
  token: null,
  reconnectTimeout: 60,
  tlsCa: null,
};

/** The master of its own workers only. */
const OWN: MasterSettings = {
  ...MASTER,
  bindHost: "127.0.0.1",
  bindPort: 0,
  token: "fresh",
  expectWorkers: 2,
};

const ROLES: [args: string, role: Role][] = [
  ["", { kind: "local" }],
  ["-u 100 --token s3cret", { kind: "local" }],
  ["--master", { kind: "master", master: MASTER }],
  [
    "--master --expect-workers 8 --expect-workers-max-wait 1m --master-bind-host 192.168.0.10 " +
    "--master-bind-port 0 --token s3cret --allow-different-testfile --journal run.journal " +
    "--tls-cert m.pem --tls-key m.key",
    {
      kind: "master",
      master: {
        bindHost: "192.168.0.10",
        bindPort: 0,
        token: "s3cret",
        expectWorkers: 8,
        expectWorkersMaxWait: 60,
        allowDifferentTestfile: true,
        tls: { cert: "m.pem", key: "m.key" },
        journal: "run.journal",
        resume: null,
      },
    },
  ],
  ["--master --resume a", { kind: "master", master: { ...MASTER, resume: "a" } }],
  ["--worker", { kind: "worker", worker: WORKER, name: null, warnings: [] }],
  [
    "--worker --master-host m --master-port 7 --token s3cret --reconnect-timeout 5 --tls-ca ca.pem " +
    "--worker-name ant -T a -E b -H http://x --insecure -L DEBUG --logfile l",
    {
      kind: "worker",
      worker: {
        masterHost: "m",
        masterPort: 7,
        token: "s3cret",
        reconnectTimeout: 5,
        tlsCa: "ca.pem",
      },
      name: "ant",
      warnings: [],
    },
  ],
  [
    "--worker -u 5",
    {
      kind: "worker",
      worker: WORKER,
      name: null,
      warnings: ["--users is ignored on a worker: the master decides."],
    },
  ],
  [
    "--worker --processes 3 -u 5 -r 1 -t 5 -s 1 --json a --reset-stats --exit-code-on-error 3 " +
    "--allow-different-testfile",
    {
      kind: "workerProcesses",
      count: 3,
      worker: WORKER,
      warnings: [
        "--users, --rate, --run-time, --stop-timeout, --allow-different-testfile, --json, " +
        "--reset-stats, --exit-code-on-error are ignored on a worker: the master decides.",
      ],
    },
  ],
  [
    "--worker --processes -1",
    { kind: "workerProcesses", count: 8, worker: WORKER, warnings: [] },
  ],
  [
    "--processes 2 --local-address 127.0.0.2",
    { kind: "processes", count: 2, master: OWN, masterHost: "127.0.0.1" },
  ],
  ["--processes 2", { kind: "processes", count: 2, master: OWN, masterHost: "127.0.0.1" }],
  [
    "--processes -1",
    {
      kind: "processes",
      count: 8,
      master: { ...OWN, expectWorkers: 8 },
      masterHost: "127.0.0.1",
    },
  ],
  [
    "--processes 2 --master-bind-host * --master-bind-port 6000 --token s3cret --journal a",
    {
      kind: "processes",
      count: 2,
      master: { ...OWN, bindHost: "*", bindPort: 6000, token: "s3cret", journal: "a" },
      masterHost: "127.0.0.1",
    },
  ],
  [
    "--processes 2 --master-bind-host ::",
    { kind: "processes", count: 2, master: { ...OWN, bindHost: "::" }, masterHost: "::1" },
  ],
  [
    "--master --processes 2",
    {
      kind: "processes",
      count: 2,
      master: { ...MASTER, expectWorkers: 2 },
      masterHost: "127.0.0.1",
    },
  ],
  [
    "--master --processes 2 --expect-workers 6 --master-bind-host 10.0.0.1",
    {
      kind: "processes",
      count: 2,
      master: { ...MASTER, bindHost: "10.0.0.1", expectWorkers: 6 },
      masterHost: "10.0.0.1",
    },
  ],
];

for (const [args, expected] of ROLES) {
  Deno.test(`aiotest ${args} is ${expected.kind}`, async () => {
    assert.deepEqual(await role(args), expected);
  });
}

Deno.test("a role that is switched off does not count", async () => {
  const env = { AIOTEST_MASTER: "false", AIOTEST_WORKER: "no" };
  assert.deepEqual(await role({ env }), { kind: "local" });
  assert.equal((await role({ args: ["--worker"], env: { AIOTEST_MASTER: "0" } })).kind, "worker");
});

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

const FOR_MASTER = "cannot be used with --worker: set it on the master";
const FOR_WORKER = "needs --worker: only workers connect to a master";
const NO_MASTER = "needs --master: without a master there are no workers";
const OWN_WORKERS =
  "needs --master: with --processes alone, the test waits for its own workers only";
const NO_TLS =
  "cannot be used with --processes, whose workers connect without TLS: start master and workers separately";
const NAMES = "cannot be used with --processes: each worker needs its own name";

const NOT_STARTED = "--no-autostart cannot be used with --no-web: the dashboard starts the test";

const CONFLICTS: [args: string, message: string][] = [
  [
    "--master --local-address 127.0.0.1",
    "--local-address cannot be used with --master, which opens no connections to the target: set it " +
    "on each worker",
  ],
  ["--master --worker", "--master cannot be used with --worker: a process is one or the other"],
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
  ["--web-tls-cert a", "--web-tls-cert needs --web-tls-key"],
  ["--web-tls-key a", "--web-tls-key needs --web-tls-cert"],
  [
    "--master --journal a --resume a",
    "--journal cannot be used with --resume: a resumed run continues its own journal",
  ],
  ["--worker --web-host a", `--web-host ${FOR_MASTER}`],
  ["--worker --web-port 1", `--web-port ${FOR_MASTER}`],
  ["--worker --prometheus-port 1", `--web-port ${FOR_MASTER}`],
  ["--worker --web-token a", `--web-token ${FOR_MASTER}`],
  ["--worker --no-autostart", `--no-autostart ${FOR_MASTER}`],
  ["--worker --buckets 1 2", `--buckets ${FOR_MASTER}`],
  ["--worker --threshold p95<1s", `--threshold ${FOR_MASTER}`],
  ["--worker --abort-on-threshold", `--abort-on-threshold ${FOR_MASTER}`],
  ["--worker --processes 2 --no-autostart", `--no-autostart ${FOR_MASTER}`],
  ["--no-autostart --no-web", NOT_STARTED],
  ["--master --no-autostart --no-web", NOT_STARTED],
  ["--processes 2 --no-autostart --no-web", NOT_STARTED],
  [
    "--no-autostart --web-host 0.0.0.0",
    "--no-autostart with --web-host 0.0.0.0 needs --web-token: without a token the dashboard is " +
    "read-only there, and cannot start the test",
  ],
  ["--samples-only failed", "--samples-only failed needs --samples"],
  [
    "--master --samples ../run.jsonl",
    "--samples ../run.jsonl cannot be used with --master: its workers write only below their own " +
    "working directories",
  ],
  ["--master --tls-cert a", "--tls-cert needs --tls-key"],
  ["--master --tls-key a", "--tls-key needs --tls-cert"],
];

for (const [args, message] of CONFLICTS) {
  Deno.test(`aiotest ${args} is refused`, async () => {
    assert.equal((await conflict({ args: args.split(" ") })).message, message);
  });
}

Deno.test("a conflicting option from the environment or a file is refused, with where it may be set", async () => {
  const env = { AIOTEST_MASTER_HOST: "a" };
  for (const given of [{ env }, config('master-host = "a"')]) {
    const { message, hint } = await conflict(given);
    assert.equal(message, `--master-host ${FOR_WORKER}`);
    assert.equal(
      hint,
      "If it is not on the command line, it is set in AIOTEST_MASTER_HOST or in the --config file.",
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
  "--worker --otlp http://a",
];

for (const args of ACCEPTED) {
  Deno.test(`aiotest ${args} is accepted`, async () => {
    checkConflicts(await parse({ args: args.split(" ") }));
  });
}

const WAITS: StartOptions = {
  noAutostart: true,
  keep: false,
  noWeb: false,
  webHost: "127.0.0.1",
  webAllowedHost: [],
  webToken: null,
};

function refusal(options: StartOptions): UsageError {
  try {
    checkStartable(options);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error;
  }
  throw new Error("it was accepted");
}

Deno.test("a test that starts by itself needs no dashboard and no token", () => {
  checkStartable({ ...WAITS, noAutostart: false, noWeb: true });
  checkStartable({ ...WAITS, noAutostart: false, webHost: "*" });
});

Deno.test("a test that waits to be started needs a dashboard on this machine, or a token", () => {
  for (const webHost of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) {
    checkStartable({ ...WAITS, webHost });
  }
  for (const webHost of ["*", "0.0.0.0", "10.0.0.7", "shop.example"]) {
    checkStartable({ ...WAITS, webHost, webToken: "s3cret" });
    const { message, hint } = refusal({ ...WAITS, webHost });
    assert.match(message, /^--no-autostart with --web-host \S+ needs --web-token: /);
    assert.ok(message.includes(webHost));
    assert.match(hint, /AIOTEST_WEB_TOKEN/);
  }
});

Deno.test("a test that waits to be started behind a proxy needs a token", () => {
  const behindProxy = { ...WAITS, webAllowedHost: ["load.example.com"] };
  checkStartable({ ...behindProxy, webToken: "s3cret" });
  assert.match(
    refusal(behindProxy).message,
    /^--no-autostart with --web-allowed-host load\.example\.com needs --web-token: /,
  );
});

Deno.test("a test that waits to be started needs a dashboard", () => {
  assert.equal(
    refusal({ ...WAITS, noWeb: true }).message,
    "--no-autostart cannot be used with --no-web: the dashboard starts the test",
  );
});
