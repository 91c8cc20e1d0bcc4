import assert from "node:assert/strict";
import type { LiveRun } from "../../src/cli/live_outputs.ts";
import { RunSession, type Stoppable, watchInterrupts } from "../../src/cli/run_session.ts";
import { AiotestError, UsageError } from "../../src/core/errors.ts";
import { events } from "../../src/core/events.ts";
import { RunControl } from "../../src/runner/run_control.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { parse } from "../support/command_line.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeExit, FakeHost } from "../support/fake_host.ts";
import { profileOf } from "../support/load_profiles.ts";
import { requestRow, snapshot } from "../support/snapshots.ts";

async function newSession(...args: string[]): Promise<{ host: FakeHost; session: RunSession }> {
  const host = new FakeHost();
  return { host, session: new RunSession(host, await parse({ args })) };
}

function result(failures: number): Snapshot {
  const whole = snapshot();
  const totals = requestRow({ failures });
  return {
    ...whole,
    state: "stopped",
    complete: true,
    statistics: { ...whole.statistics, totals, failures: [], userErrors: [] },
  };
}

const CLOCK = new FakeClock();

/** A run that waits to be started. */
const SHOWN: LiveRun = {
  control: new RunControl(CLOCK, profileOf(), true),
  snapshot: () => snapshot(),
  stop: () => {},
};

Deno.test("the report goes to standard output and the summary to its file, with the exit code", async () => {
  const { host, session } = await newSession("--json", "out.json");
  const path = "/home/me/out.json";
  await session.open();
  assert.ok(host.files.has("out.json") || host.files.has(path));
  assert.equal(await session.report(result(1), null), 1);
  const text = host.files.get(path) ?? host.files.get("out.json");
  assert.equal(JSON.parse(text!).exitCode, 1);
  assert.ok(host.stdout.text.length > 0);
  session.close();
});

Deno.test("an error that ended the run early is thrown after the report", async () => {
  const { host, session } = await newSession();
  const gone = new AiotestError("No worker is left to run users", 4);
  await assert.rejects(session.report(result(0), gone), gone);
  assert.ok(host.stdout.text.length > 0);
});

Deno.test("a test file gets its own flags and the options, but not the token", async () => {
  const { session } = await newSession("--master", "--token", "s3cret", "-u", "7");
  const seen: Readonly<Record<string, unknown>>[] = [];
  const handler = (
    { options, node }: { options: Readonly<Record<string, unknown>>; node: string },
  ) => void seen.push({ ...options, node });
  events.on("init", handler);
  await session.init("master");
  events.off("init", handler);
  assert.equal(seen[0]!.users, 7);
  assert.equal(seen[0]!.node, "master");
  assert.ok(!("token" in seen[0]!));
});

Deno.test("the first Ctrl-C stops the run gracefully, the second ends the process", async () => {
  const { host, session } = await newSession();
  let stops = 0;
  const run: Stoppable = { stop: () => void stops++, countStrayError: () => {} };
  session.guard(run);
  host.interrupt();
  assert.equal(stops, 1);
  assert.throws(() => host.interrupt());
  assert.equal(host.exitCode, 130);
});

Deno.test("a signal after the end of the run neither stops it again nor ends the process", async () => {
  const { host, session } = await newSession();
  const run = { stop: () => assert.fail("stopped"), countStrayError: () => {} };
  session.guard(run);
  await session.report(result(0), null);
  host.interrupt();
  assert.equal(host.exitCode, null);
});

Deno.test("errors that nothing catches do not end the process, not even while reports are written", async () => {
  const { host, session } = await newSession("--json", "out.json");
  const write = host.writeFile.bind(host);
  const stray: unknown[] = [];
  // The handler of the command line would end the process.
  host.onUncaughtError(() => host.exit(1));
  host.writeFile = (path, parts) => {
    host.throwUncaught("while a report is written");
    return write(path, parts);
  };
  await session.open();
  host.throwUncaught("before the run");
  session.guard({ stop: () => {}, countStrayError: (thrown) => void stray.push(thrown) });
  host.throwUncaught("during the run");
  assert.equal(await session.report(result(0), null), 0);
  host.throwUncaught("after the reports");
  assert.deepEqual(stray, [
    "before the run",
    "during the run",
    "while a report is written",
    "after the reports",
  ]);
  assert.equal(host.exitCode, null);
  assert.equal(host.files.has("out.json"), true);
});

Deno.test("a file that cannot be written is an error before anything is started", async () => {
  const { host, session } = await newSession("--json", "out.json");
  host.touch = () => Promise.reject(new Deno.errors.PermissionDenied("read-only"));
  await assert.rejects(session.open(), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /--json out\.json: cannot write the file/);
    return true;
  });
});

Deno.test("a test file gets no secrets, and no URLs that may contain one", async () => {
  const { host, session } = await newSession(
    ...["--redis", "redis://:s3cret@box", "--otlp", "http://u:s3cret@box:4318"],
    ...["--web-token", "s3cret", "--token", "s3cret"],
  );
  const seen: string[] = [];
  const handler = ({ options }: { options: Readonly<Record<string, unknown>> }): void => {
    seen.push(...Object.keys(options));
    assert.ok(!JSON.stringify(options).includes("s3cret"), JSON.stringify(options));
  };
  events.on("init", handler);
  await session.init("local");
  events.off("init", handler);
  for (const name of ["token", "webToken", "redis", "otlp"]) assert.ok(!seen.includes(name), name);
  for (const name of ["users", "runTime", "threshold", "arrivalRate"]) {
    assert.ok(seen.includes(name), name);
  }
  assert.equal(host.stdout.text, "");
});

Deno.test("without dashboard and collector, nothing is opened", async () => {
  const { host, session } = await newSession("--no-web");
  // A fake host throws if anything is opened.
  await session.show(SHOWN, { rendezvous: [] });
  session.update(snapshot());
  assert.equal(await session.report(result(0), null), 0);
  assert.match(host.stdout.text, /PASSED/);
  session.close();
});

Deno.test("a dashboard that cannot be opened is an error before the run", async () => {
  const { host, session } = await newSession("--web-port", "9000");
  host.serveWeb = () => Promise.reject(new Deno.errors.AddrInUse("in use"));
  await assert.rejects(session.show(SHOWN, { rendezvous: [] }), {
    name: "UsageError",
    message: "--web-port 9000: the port is already in use",
  });
  session.close();
});

Deno.test("the dashboard shows the end of the run and closes with the report", async () => {
  const { host, session } = await newSession();
  let closes = 0;
  host.serveWeb = () =>
    Promise.resolve({ port: 8089, close: () => Promise.resolve(void closes++) });
  await session.open();
  await session.show(SHOWN, { rendezvous: [] });
  assert.match(host.stderr.text, /Dashboard: http:\/\/127\.0\.0\.1:8089\/\n/);
  assert.equal(await session.report(result(1), null), 1);
  assert.equal(closes, 1);
  session.close();
});

Deno.test("the first interrupt stops the run, the second ends the process", () => {
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
