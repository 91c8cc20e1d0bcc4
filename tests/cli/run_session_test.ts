import assert from "node:assert/strict";
import type { LiveRun } from "../../src/cli/live_outputs.ts";
import { CommandLine } from "../../src/cli/options.ts";
import { RunSession, type Stoppable, watchInterrupts } from "../../src/cli/run_session.ts";
import { AiotestError, UsageError } from "../../src/core/errors.ts";
import { events } from "../../src/core/events.ts";
import { logger } from "../../src/core/logger.ts";
import { RunControl } from "../../src/runner/run_control.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { parse } from "../support/command_line.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeExit, FakeHost } from "../support/fake_host.ts";
import { partsOf } from "../support/load_profiles.ts";
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
  control: new RunControl(CLOCK, partsOf(), true),
  snapshot: () => snapshot(),
  cutOff: () => ({ ...snapshot(), complete: false }),
  stop: () => {},
  stopWorker: () => {},
};

Deno.test("the report goes to standard output and the summary to its file, with the exit code", async () => {
  const { host, session } = await newSession("--json", "out.json");
  const path = "/home/me/out.json";
  await session.open({});
  assert.equal(await session.report(result(1), null), 1);
  assert.equal(JSON.parse(host.files.get(path)!).exitCode, 1);
  assert.ok(host.stdout.text.length > 0);
  session.close();
});

Deno.test("an error that ended the run early is thrown after the report", async () => {
  const { host, session } = await newSession("--json", "out.json", "--junit", "out.xml");
  await session.open({});
  const gone = new AiotestError("No worker is left to run users", 4);
  await assert.rejects(session.report(result(0), gone), gone);
  assert.ok(host.stdout.text.length > 0);
  const { warnings } = JSON.parse(host.files.get("/home/me/out.json")!);
  assert.deepEqual(warnings, ["The run failed: No worker is left to run users"]);
  assert.match(host.files.get("/home/me/out.xml")!, /errors="1"/);
  session.close();
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
  const run: Stoppable = {
    stopping: "Stopping.",
    stop: () => void stops++,
    countStrayError: () => {},
  };
  session.guard(run);
  host.interrupt();
  assert.equal(stops, 1);
  assert.throws(() => host.interrupt());
  assert.equal(host.exitCode, 130);
});

Deno.test("a run that is interrupted before its start has not passed, and says so", async () => {
  const { host, session } = await newSession("--no-web", "--json", "out.json");
  await session.open({});
  const early = { ...result(0), startedAt: null, endedAt: null };
  await session.show({ ...SHOWN, snapshot: () => early }, { rendezvous: [] });
  session.guard({ stopping: "Stopping the users.", stop: () => {}, countStrayError: () => {} });
  host.interrupt();
  assert.match(host.stderr.text, /Stopping before the test has started\./);
  assert.doesNotMatch(host.stderr.text, /users/);
  await assert.rejects(session.report(early, null), {
    message: "Interrupted before the test started",
    exitCode: 130,
  });
  assert.match(host.stdout.text, /NOTHING MEASURED .*\(exit code 130\)/);
  const summary = JSON.parse(host.files.get("/home/me/out.json")!);
  assert.deepEqual(summary.warnings, ["Interrupted before the test started."]);
  assert.equal(summary.exitCode, 130);
});

Deno.test("a second Ctrl-C prints what was counted, and names the files that are lost", async () => {
  const { host, session } = await newSession(
    "--no-web",
    "--json",
    "out.json",
    "--html",
    "out.html",
  );
  await session.open({});
  const crossed = [{ expression: "unfinished==0", observed: 3, passed: false }];
  const cutOff = (): Snapshot => ({ ...result(0), complete: false, thresholds: crossed });
  await session.show({ ...SHOWN, snapshot: () => result(0), cutOff }, { rendezvous: [] });
  session.guard({ stopping: "Stopping the users.", stop: () => {}, countStrayError: () => {} });
  host.interrupt();
  assert.match(host.stderr.text, /Stopping the users\./);
  assert.throws(() => host.interrupt());
  assert.equal(host.exitCode, 130);
  assert.match(
    host.stdout.text.replaceAll(/\s+/g, " "),
    /threshold crossed: unfinished==0 .*\(exit code 130\)/,
  );
  assert.match(
    host.stderr.text,
    /interrupted again, so it exits at once\. Not written: --json out\.json, --html out\.html\n$/,
  );
});

Deno.test("a child stops without a word: its parent says why", async () => {
  const { host, session } = await newSession();
  host.isChild = true;
  await session.open(null);
  let stops = 0;
  session.guard({ stopping: "Stopping.", stop: () => void stops++, countStrayError: () => {} });
  host.interrupt();
  assert.equal(stops, 1);
  assert.equal(host.stderr.text, "");
});

Deno.test("a run that was interrupted before it is guarded stops at once", async () => {
  const { host, session } = await newSession();
  host.onEarlyInterrupt(() => {});
  host.interrupt();
  let stops = 0;
  session.guard({ stopping: "Stopping.", stop: () => void stops++, countStrayError: () => {} });
  assert.equal(stops, 1);
});

Deno.test("a signal after the end of the run neither stops it again nor ends the process", async () => {
  const { host, session } = await newSession();
  const run = { stopping: "", stop: () => assert.fail("stopped"), countStrayError: () => {} };
  session.guard(run);
  await session.report(result(0), null);
  host.interrupt();
  assert.equal(host.exitCode, null);
});

Deno.test("once everything is reported, interrupts do not change the exit code", async () => {
  const { host, session } = await newSession("--no-web");
  await session.open({});
  session.guard({ stopping: "Stopping the users.", stop: () => {}, countStrayError: () => {} });
  host.interrupt();
  const printed = await session.report(result(1), null).then(() => host.stderr.text);
  host.interrupt();
  assert.equal(host.exitCode, null);
  assert.throws(() => host.interrupt());
  assert.equal(host.exitCode, 1);
  assert.equal(host.stderr.text, printed);
});

Deno.test("an interrupt while reports are written says so, and a second one names the others", async () => {
  const { host, session } = await newSession("--no-web", "--json", "out.json");
  await session.open({});
  const writing = Promise.withResolvers<void>();
  const hold = Promise.withResolvers<void>();
  host.stdout.flush = () => {
    writing.resolve();
    return hold.promise;
  };
  session.guard({ stopping: "Stopping the users.", stop: () => {}, countStrayError: () => {} });
  const reported = session.report(result(0), null);
  await writing.promise;
  host.interrupt();
  assert.match(host.stderr.text, /The reports are being written\. Interrupt again to exit/);
  assert.throws(() => host.interrupt());
  assert.match(host.stderr.text, /exits at once\. Not written: --json out\.json\n$/);
  assert.equal(host.exitCode, 130);
  hold.resolve();
  await reported;
});

Deno.test("a test file that tries to end the process stops its run, which fails", async () => {
  const { host, session } = await newSession("--json", "out.json", "--exit-code-on-error", "0");
  const seen: string[] = [];
  await session.open({});
  session.guard({
    stopping: "",
    stop: () => seen.push("stop"),
    countStrayError: (thrown) => seen.push(String(thrown)),
  });
  host.callExit();
  assert.deepEqual(seen, ["ExitCall: Deno.exit(0) was called, which does not end a run", "stop"]);
  await assert.rejects(session.report(result(0), null), (error: unknown) => {
    assert.ok(error instanceof AiotestError);
    assert.match(error.message, /^Deno\.exit\(0\) was called/);
    assert.match(error.hint, /--run-time/);
    assert.equal(error.exitCode, 1);
    return true;
  });
  assert.match(host.files.get("/home/me/out.json")!, /"exitCode": 1/);
  host.callExit();
  assert.equal(seen.length, 2, "the run has ended");
});

Deno.test("errors that nothing catches do not end the process, not even while reports are written", async () => {
  const { host, session } = await newSession("--json", "out.json", "--no-history");
  const open = host.outputFile.bind(host);
  const stray: unknown[] = [];
  // The handler of the command line would end the process.
  host.onUncaughtError(() => host.exit(1));
  host.outputFile = (path) => {
    const file = open(path);
    return {
      ...file,
      write: (texts) => {
        host.throwUncaught("while a report is written");
        return file.write(texts);
      },
    };
  };
  await session.open({});
  host.throwUncaught("before the run");
  session.guard({
    stopping: "",
    stop: () => {},
    countStrayError: (thrown) => void stray.push(thrown),
  });
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
  assert.equal(host.files.has("/home/me/out.json"), true);
});

Deno.test("a file that cannot be written is an error before anything is started", async () => {
  const { host, session } = await newSession("--json", "out.json");
  host.unwritable.set("/home/me/out.json", { reason: "the file system is read-only", at: "check" });
  await assert.rejects(session.open({}), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(
      error.message,
      "--json out.json: cannot write the file: the file system is read-only",
    );
    return true;
  });
});

Deno.test("a report that cannot be written is named after the final report", async () => {
  const { host, session } = await newSession(
    "--html",
    "a.html",
    "--json",
    "a.json",
    "--junit",
    "x",
  );
  host.unwritable.set("/home/me/a.html", { reason: "no space left on the device", at: "write" });
  await session.open({});
  assert.equal(await session.report(result(0), null), 1);
  assert.match(host.stdout.text, /PASSED/);
  assert.equal(
    host.stderr.text,
    "aiotest: --html a.html: cannot write the file: no space left on the device\n" +
      "The exit code is 1 because results are missing.\n",
  );
  assert.equal(JSON.parse(host.files.get("/home/me/a.json")!).exitCode, 1);
});

Deno.test("a report that cannot be written is named even if an error ended the run", async () => {
  const { host, session } = await newSession("--html", "a.html");
  host.unwritable.set("/home/me/a.html", { reason: "no space left on the device", at: "write" });
  await session.open({});
  const gone = new AiotestError("No worker is left to run users", 4);
  await assert.rejects(session.report(result(0), gone), gone);
  assert.match(host.stderr.text, /--html a\.html: cannot write the file/);
});

Deno.test("the exit code in the summary is 1 if the final report could not be shown", async () => {
  const { host, session } = await newSession("--json", "a.json");
  await session.open({});
  host.stdout.problem = "no space left on the device";
  assert.equal(await session.report(result(0), null), 1);
  assert.equal(JSON.parse(host.files.get("/home/me/a.json")!).exitCode, 1);
});

Deno.test("a full log file is named once, and the run continues", async () => {
  const { host, session } = await newSession("--logfile", "run.log", "--json", "a.json");
  await session.open({});
  logger.info("first");
  host.unwritable.set("/home/me/run.log", { reason: "no space left on the device", at: "write" });
  logger.info("second");
  logger.info("third");
  assert.match(host.files.get("/home/me/run.log")!, /first\n$/);
  assert.equal(
    host.stderr.text,
    "aiotest: --logfile run.log: cannot write the log: no space left on the device. " +
      "Lines are missing in it.\n",
  );
  assert.equal(await session.report(result(0), null), 1);
  assert.equal(session.exitCode(3), 3);
  assert.equal(JSON.parse(host.files.get("/home/me/a.json")!).exitCode, 1);
});

Deno.test("outputs cannot replace what the run reads", async () => {
  const refusals: [args: string[], message: string][] = [
    [["--json", "aiotestfile.ts"], "this is the test file, which would be overwritten"],
    [["--logfile", "aiotestfile.ts"], "this is the test file"],
    [
      ["--json", "run.log", "--logfile", "run.log"],
      "this is the log file, which would be overwritten",
    ],
    [
      ["--json", "load.json", "--config", "load.json"],
      "this is the configuration file, which would be overwritten",
    ],
    [["--json", "users.json"], "this is a data file of the test, which would be overwritten"],
    [
      ["--html", "steps.ts"],
      "this is a file that the test file imports, which would be overwritten",
    ],
    [
      ["--json", "lib/a.json"],
      "this is a file that the test file imports, which would be overwritten",
    ],
  ];
  for (const [args, message] of refusals) {
    const host = new FakeHost({
      files: {
        "/home/me/aiotestfile.ts": 'import "./steps.ts";',
        "/home/me/steps.ts": 'import a from "./lib/a.json" with { type: "json" };',
        "/home/me/lib/a.json": "{}",
        "/home/me/users.json": "[]",
        "/home/me/load.json": "{}",
      },
    });
    const line = await CommandLine.preview(
      new FakeHost({ args, files: Object.fromEntries(host.files) }),
    );
    const session = new RunSession(host, line.parse());
    const opened = session.open({ files: ["users.json"] });
    await assert.rejects(opened, {
      name: "UsageError",
      message: `${args[0]} ${args[1]}: ${message}`,
    });
  }
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
  await session.open({});
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
