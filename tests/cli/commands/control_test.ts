import assert from "node:assert/strict";
import { AiotestError } from "../../../src/core/errors.ts";
import { runControl } from "../../../src/cli/commands/control.ts";
import { FakeRun, type TestDashboard, withDashboard } from "../../support/dashboard.ts";
import type { RunStarter } from "../../../src/web/control.ts";
import { FakeHost } from "../../support/fake_host.ts";
import { requestRow, shopSnapshot, snapshot, statistics } from "../../support/snapshots.ts";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly files: ReadonlyMap<string, string>;
}

/** Runs `aiotest control`; an error is its message and its hint, on two lines. */
async function control(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome & { readonly error: string }> {
  const host = new FakeHost({ args: ["control", ...args], env });
  const outcome = (code: number, error = ""): Outcome & { readonly error: string } => ({
    ...{ code, error },
    stdout: host.stdout.text,
    files: host.files,
  });
  try {
    return outcome(await runControl(host));
  } catch (error) {
    assert.ok(error instanceof AiotestError, String(error));
    return outcome(error.exitCode, `${error.message}\n${error.hint}`);
  }
}

Deno.test("each command reaches the run with its values", async () => {
  const run = new FakeRun();
  await withDashboard({ run }, async ({ port, logged }) => {
    const commands = [
      ["users", "50", "--rate", "2.5"],
      ["users", "0"],
      ["arrival-rate", "200.5", "--max-users", "90"],
      ["pause"],
      ["resume"],
      ["stop"],
      ["start"],
      ["start", "-u", "3", "-r", "1"],
      ["start", "--arrival-rate", "7"],
    ];
    for (const command of commands) {
      const { code, error, stdout } = await control([`${port}`, ...command]);
      assert.deepEqual([code, error, stdout], [0, "", ""]);
    }
    assert.deepEqual(run.commands, [
      ["changeLoad", { users: 50, rate: 2.5 }],
      ["changeLoad", { users: 0 }],
      ["changeLoad", { arrivalRate: 200.5, maxUsers: 90 }],
      ["pause"],
      ["resume"],
      ["stop"],
      ["start", null],
      ["start", { users: 3, rate: 1 }],
      ["start", { arrivalRate: 7 }],
    ]);
    assert.equal(logged[3], "Paused from the dashboard (127.0.0.1).");
  });
});

Deno.test("a further run can have other options, and none takes one away", async () => {
  const started: unknown[] = [];
  const series: RunStarter = {
    state: { canStart: true, reason: "", workers: null, problem: "" },
    form: () => assert.fail("nobody asks for it"),
    start: (fields) => {
      started.push(fields);
      return null;
    },
    quit: () => void started.push("quit"),
  };
  const run = Object.assign(new FakeRun(), { series });
  await withDashboard({ run }, async ({ port }) => {
    const options = [
      ["-u", "3", "-t", "1m", "--iterations", "none", "--tags", "a,b", "--user-classes", "none"],
      ["--name", "x", "--label", "env=test", "--option", "tenant=a=b", "--option", "fast=true"],
    ].flat();
    assert.equal((await control([`${port}`, "start", ...options])).error, "");
    assert.equal((await control([`${port}`, "quit"])).error, "");
  });
  assert.deepEqual(started, [
    {
      ...{ users: 3, runTime: "1m", iterations: null, tags: ["a", "b"], userClasses: [] },
      ...{ name: "x", labels: { env: "test" }, options: { tenant: "a=b", fast: true } },
    },
    "quit",
  ]);
});

Deno.test("the address may be a URL, a host with a port, or a port", async () => {
  await withDashboard({}, async ({ port }) => {
    const addresses = [
      `http://127.0.0.1:${port}`,
      `http://127.0.0.1:${port}/`,
      `127.0.0.1:${port}`,
    ];
    for (const address of [...addresses, `localhost:${port}`, `:${port}`, `${port}`]) {
      assert.equal((await control([address, "status"])).code, 0, address);
    }
  });
});

Deno.test("the status is one line, or one value in JSON", async () => {
  const run = new FakeRun();
  await withDashboard({ run }, async ({ port }) => {
    assert.equal(
      (await control([`${port}`, "status"])).stdout,
      "running 10s of 20s, 10 of 10 users, 1,000 requests, 100.0/s, 0 failed, " +
        "p50 12.0 p95 36.0 p99 96.0 ms. No failures.\n",
    );
    run.now = snapshot({
      name: "nightly",
      elapsedSeconds: 15,
      pauses: [{ from: 10, to: null }],
      arrivalRate: 40,
      users: { current: 3, target: 60, peak: 3, final: 0 },
      statistics: statistics({ requests: [requestRow({ requests: 100, failures: 3 })] }),
    });
    assert.match(
      (await control([`${port}`, "status"])).stdout,
      /^nightly: paused 10s of 20s, 40\.0 iterations\/s, 3 of at most 60 users, .*, 0\/s, 3 failed \(3\.00%\), .*\n$/,
    );
    const value = JSON.parse((await control([`${port}`, "status", "--json"])).stdout);
    assert.deepEqual(
      [value.name, value.state, value.paused, value.loadSeconds, value.arrivals, value.exitCode],
      ["nightly", "running", true, 10, { rate: 40, maxUsers: 60 }, null],
    );
  });
});

Deno.test("--watch follows the run to its end, and has its exit code", async () => {
  await withDashboard({}, async ({ port, server }) => {
    const watched = control([`${port}`, "status", "--watch"]);
    while (server.clients === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    server.update(shopSnapshot(11));
    server.update(shopSnapshot(12, { state: "stopped" }), 3);
    const { code, stdout } = await watched;
    assert.equal(code, 3);
    const lines = stdout.trimEnd().split("\n");
    assert.match(lines.at(-1)!, /^stopped .* Failed: threshold crossed\.$/);
  });
});

Deno.test("a dashboard that closes before the run has ended is an error of --watch", async () => {
  await withDashboard({}, async ({ port, server }) => {
    const watched = control([`${port}`, "status", "--watch"]);
    while (server.clients === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await server.close();
    const { code, error } = await watched;
    assert.equal(code, 2);
    assert.match(error, /has ended before the run/);
  });
});

Deno.test("reports of the run until now are written, without tables that are empty", async () => {
  await withDashboard({}, async ({ port }) => {
    const flags = ["--html", "r.html", "--json", "r.json", "--csv", "r", "--junit", "r.xml"];
    const { code, files, error } = await control([`${port}`, "report", ...flags]);
    assert.deepEqual([code, error], [0, ""]);
    assert.match(files.get("/home/me/r.html")!, /^<!DOCTYPE html>/i);
    assert.equal(JSON.parse(files.get("/home/me/r.json")!).schema, 4);
    assert.match(files.get("/home/me/r_stats.csv")!, /^Type,Name,/);
    assert.match(files.get("/home/me/r.xml")!, /^<\?xml /);
    assert.equal(files.has("/home/me/r_groups.csv"), false);
  });
});

Deno.test("a command that is refused names its values, the reason and the load", async () => {
  const run = new FakeRun();
  run.commandError = "This test has a number of users, not an arrival rate.";
  await withDashboard({ run }, async ({ port }) => {
    assert.deepEqual(
      await control([`${port}`, "arrival-rate", "5"]).then(({ code, error }) => [
        code,
        error,
      ]),
      [
        2,
        "arrival-rate 5: This test has a number of users, not an arrival rate\n" +
        "Its load now: 10 of 10 users.",
      ],
    );
    run.commandError = "The test is over.";
    assert.equal((await control([`${port}`, "pause"])).error, "pause: The test is over\n");
  });
});

/** The first line of the error of a command. */
async function problem(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { code, error } = await control(args, env);
  assert.equal(code, 2);
  return error;
}

Deno.test("a token is needed where there is one, and must be right", async () => {
  await withDashboard({ token: "sesame" }, async ({ port }: TestDashboard) => {
    const at = `http://127.0.0.1:${port}/`;
    assert.equal(
      await problem([at, "status"]),
      `${at}: this dashboard needs a token\nSet AIOTEST_WEB_TOKEN to the token of the run.`,
    );
    assert.match(
      await problem([at, "stop"], { AIOTEST_WEB_TOKEN: "open" }),
      /: the token is wrong\nAIOTEST_WEB_TOKEN must have/,
    );
    assert.equal((await control([at, "stop"], { AIOTEST_WEB_TOKEN: "sesame" })).code, 0);
  });
  // Other machines may look, but not change anything.
  await withDashboard({ bindHost: "0.0.0.0" }, async ({ port }) => {
    assert.equal((await control([`${port}`, "status"])).code, 0);
    assert.match(await problem([`${port}`, "stop"]), /read-only/);
  });
});

Deno.test("an address without a dashboard is an error, whoever answers", async () => {
  const answers = [
    () => new Response("hello"),
    () => new Response("no", { status: 404 }),
    () => Response.json({ error: 5 }, { status: 400 }),
    () => new Response(null, { status: 302, headers: { location: "/x" } }),
    () => new Response("data: {}\n\n", { headers: { "content-type": "text/event-stream" } }),
    () => new Response("event: view\n", { headers: { "content-type": "text/event-stream" } }),
  ];
  let asked = 0;
  const methods = new Set<string>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    methods.add(request.method);
    return answers[asked++]!();
  });
  const at = `127.0.0.1:${server.addr.port}`;
  for (const _ of answers) {
    assert.match(await problem([at, "stop"]), /what answers there is no dashboard of aiotest/);
  }
  // It was not sent any command.
  assert.deepEqual([...methods], ["GET"]);
  await server.shutdown();
  assert.match(await problem([at, "status"]), /: nobody listens there\n.*closes when the run has/);
});

Deno.test("mistakes in the arguments name what is accepted", async () => {
  const cases: [args: string[], message: RegExp][] = [
    [[], /^control: expected the address of a dashboard, and a command/],
    [["8089"], /^control: expected a command: status, users, arrival-rate, pause,/],
    [["8089", "start", "--label", "x"], /^--label x: expected NAME=VALUE/],
    [["8089", "halt"], /^control: unknown command halt: expected status, users,/],
    [["8089", "toString"], /^control: unknown command toString/],
    [["ftp://x", "status"], /^control ftp:\/\/x: expected the address of a dashboard/],
    [["http://me:secret@x", "status"], /must not contain a password/],
    [["8089", "users"], /^control users: expected a whole number of at least 0/],
    [["8089", "users", "x"], /^control users x: expected a whole number/],
    [["8089", "users", "5", "6"], /^control users: unexpected 6/],
    [["8089", "arrival-rate", "-1"], /-1/],
    [["8089", "pause", "now"], /^control pause: unexpected now/],
    [["8089", "pause", "--rate", "5"], /^--rate cannot be used with control pause, .* no options/],
    [["8089", "users", "5", "--rate", "0"], /^--rate 0: expected a number above 0/],
    [["8089", "status", "--json", "x"], /^--json x: with control status, --json takes no file/],
    [["8089", "report"], /^control report: expected a file to write/],
    [["8089", "users", "5", "--html", "x"], /^--html cannot be used with control users/],
    [["8089", "status", "--frob"], /^--frob: unknown option/],
  ];
  for (const [args, message] of cases) assert.match(await problem(args), message);
});
