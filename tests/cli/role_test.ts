import assert from "node:assert/strict";
import { type MasterSettings, type Role, roleOf, type WorkerSettings } from "../../src/cli/role.ts";
import { type Given, parse } from "../support/command_line.ts";

/** The role that a command line asks for, on a machine of eight cores. */
async function role(given: Given | string): Promise<Role> {
  const options = await parse(typeof given === "string" ? { args: words(given) } : given);
  return roleOf(options, { cores: 8, freshToken: "fresh" });
}

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}

const MASTER: MasterSettings = {
  bindHost: "0.0.0.0",
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

/** A master that is there for its own workers alone. */
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
      warnings: ["--users is ignored: the master decides it."],
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
        "--users, --rate, --run-time, --stop-timeout, --json, --reset-stats, " +
        "--exit-code-on-error, --allow-different-testfile are ignored: the master decides them.",
      ],
    },
  ],
  [
    "--worker --processes -1",
    { kind: "workerProcesses", count: 8, worker: WORKER, warnings: [] },
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
      master: { ...OWN, bindHost: "0.0.0.0", bindPort: 6000, token: "s3cret", journal: "a" },
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

Deno.test("a role that is switched off is none", async () => {
  const env = { AIOTEST_MASTER: "false", AIOTEST_WORKER: "no" };
  assert.deepEqual(await role({ env }), { kind: "local" });
  assert.equal((await role({ args: ["--worker"], env: { AIOTEST_MASTER: "0" } })).kind, "worker");
});
