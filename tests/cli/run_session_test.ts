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

async function stage(...args: string[]): Promise<{ host: FakeHost; stage: RunSession }> {
  const host = new FakeHost();
  return { host, stage: new RunSession(host, await parse({ args })) };
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

/** A run that begins when somebody says so, and nobody does. */
const SHOWN: LiveRun = {
  control: new RunControl(CLOCK, profileOf(), true),
  snapshot: () => snapshot(),
  stop: () => {},
};

Deno.test("the report goes to standard output and the summary to its file, with the exit code", async () => {
  const { host, stage: it } = await stage("--json", "out.json");
  const path = "/home/me/out.json";
  await it.open();
  assert.ok(host.files.has("out.json") || host.files.has(path));
  assert.equal(await it.report(result(1), null), 1);
  const text = host.files.get(path) ?? host.files.get("out.json");
  assert.equal(JSON.parse(text!).exitCode, 1);
  assert.ok(host.stdout.text.length > 0);
  it.close();
});

Deno.test("what ended the run before its time is thrown when all is reported", async () => {
  const { host, stage: it } = await stage();
  const gone = new AiotestError("No worker is left to run users", 4);
  await assert.rejects(it.report(result(0), gone), gone);
  assert.ok(host.stdout.text.length > 0);
});

Deno.test("a test file learns of its own flags and of the options, but not of the token", async () => {
  const { stage: it } = await stage("--master", "--token", "s3cret", "-u", "7");
  const seen: Readonly<Record<string, unknown>>[] = [];
  const handler = (
    { options, node }: { options: Readonly<Record<string, unknown>>; node: string },
  ) => void seen.push({ ...options, node });
  events.on("init", handler);
  await it.init("master");
  events.off("init", handler);
  assert.equal(seen[0]!.users, 7);
  assert.equal(seen[0]!.node, "master");
  assert.ok(!("token" in seen[0]!));
});

Deno.test("the first Ctrl-C stops the run well, the second ends the process", async () => {
  const { host, stage: it } = await stage();
  let stops = 0;
  const run: Stoppable = { stop: () => void stops++, noteStrayError: () => {} };
  const release = it.guard(run);
  host.interrupt();
  assert.equal(stops, 1);
  assert.throws(() => host.interrupt());
  assert.equal(host.exitCode, 130);
  release();
});

Deno.test("a signal that comes when the run is over does not end the process before its time", async () => {
  const { host, stage: it } = await stage();
  const release = it.guard({ stop: () => {}, noteStrayError: () => {} });
  release();
  host.interrupt();
  assert.equal(host.exitCode, null);
});

Deno.test("a file that cannot be written is an error before anything is started", async () => {
  const { host, stage: it } = await stage("--json", "out.json");
  host.touch = () => Promise.reject(new Deno.errors.PermissionDenied("read-only"));
  await assert.rejects(it.open(), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /--json out\.json: cannot write the file/);
    return true;
  });
});

Deno.test("no secret, and no URL that may hold one, is the test file's business", async () => {
  const { host, stage: it } = await stage(
    ...["--redis", "redis://:s3cret@box", "--otlp", "http://u:s3cret@box:4318"],
    ...["--web-token", "s3cret", "--token", "s3cret"],
  );
  const seen: string[] = [];
  const handler = ({ options }: { options: Readonly<Record<string, unknown>> }): void => {
    seen.push(...Object.keys(options));
    assert.ok(!JSON.stringify(options).includes("s3cret"), JSON.stringify(options));
  };
  events.on("init", handler);
  await it.init("local");
  events.off("init", handler);
  for (const name of ["token", "webToken", "redis", "otlp"]) assert.ok(!seen.includes(name), name);
  for (const name of ["users", "runTime", "threshold", "arrivalRate"]) {
    assert.ok(seen.includes(name), name);
  }
  assert.equal(host.stdout.text, "");
});

Deno.test("where neither dashboard nor collector is wanted, a run is shown here alone", async () => {
  const { host, stage: it } = await stage("--no-web");
  // A fake host serves nobody: opening anything would throw.
  await it.show(SHOWN, { rendezvous: [] });
  it.update(snapshot());
  assert.equal(await it.report(result(0), null), 0);
  assert.match(host.stdout.text, /PASSED/);
  it.close();
});

Deno.test("a dashboard that cannot be opened is an error before the run", async () => {
  const { host, stage: it } = await stage("--web-port", "9000");
  host.serveWeb = () => {
    throw new Deno.errors.AddrInUse("in use");
  };
  await assert.rejects(it.show(SHOWN, { rendezvous: [] }), {
    name: "UsageError",
    message: "--web-port 9000: the port is already in use",
  });
  it.close();
});

Deno.test("what is served shows the run's end, and is closed with the report", async () => {
  const { host, stage: it } = await stage();
  let closes = 0;
  host.serveWeb = () => ({ port: 8089, close: () => Promise.resolve(void closes++) });
  await it.open();
  await it.show(SHOWN, { rendezvous: [] });
  assert.match(host.stderr.text, /Dashboard: http:\/\/127\.0\.0\.1:8089\/\n/);
  assert.equal(await it.report(result(1), null), 1);
  assert.equal(closes, 1);
  it.close();
});

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
