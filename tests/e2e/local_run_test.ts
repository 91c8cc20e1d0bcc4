import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest, startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

interface Folder {
  readonly path: string;
  /** Writes the test file. */
  write(text: string): Promise<void>;
  summary(): Promise<Summary>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function folder(): Promise<Folder> {
  const path = await Deno.makeTempDir();
  return {
    path,
    write: (text) => Deno.writeTextFile(`${path}/aiotestfile.ts`, text),
    summary: async () => JSON.parse(await Deno.readTextFile(`${path}/summary.json`)),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

const test = sideBySide("runs in one process", 2);

const STEPS = `
import { User } from "aiotest";
export class StepTest extends User {
  static waitTime = 0.05;
  testStep() { this.record({ name: "step", latencyMs: 12.3456 }); }
}
`;

test("a passing run exits with 0, and its summary has every documented field", async () => {
  await using here = await folder();
  await here.write(STEPS);
  const { code, stdout, stderr } = await runAiotest(
    ["-u", "2", "-r", "100", "-t", "1.5", "--json", "summary.json"],
    { cwd: here.path },
  );
  assert.equal(code, 0, stderr);
  const summary = await here.summary();
  assert.deepEqual(Object.keys(summary), [
    "schema",
    "aiotest",
    "state",
    "runId",
    "name",
    "labels",
    "mode",
    "startedAt",
    "endedAt",
    "durationSeconds",
    "pausedSeconds",
    "pauses",
    "complete",
    "users",
    "workers",
    "totals",
    "requests",
    "failures",
    "userErrors",
    "iterations",
    ...(Deno.build.os === "linux" ? ["network"] : []),
    "classes",
    "groups",
    "metrics",
    "checks",
    "tracedRequests",
    "histories",
    "heatMap",
    "thresholds",
    "breakingPoint",
    "runEnd",
    "annotations",
    "timeline",
    "warnings",
    "exitCode",
    "elapsedSeconds",
    "load",
    "expectedWorkers",
    "inProgress",
    "failureSamples",
    "metadata",
  ]);
  assert.deepEqual([summary.schema, summary.state], [4, "finished"]);
  assert.equal(summary.mode, "local");
  assert.equal(summary.complete, true);
  assert.equal(summary.exitCode, 0);
  assert.deepEqual([summary.iterations, summary.breakingPoint], [null, null]);
  assert.deepEqual(summary.users, { current: 0, peak: 2, final: 2 });
  assert.ok(summary.durationSeconds >= 1.5 && summary.durationSeconds < 2.5);
  assert.match(summary.startedAt!, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const { requests, failures, rate, latencyMs } = summary.totals;
  assert.ok(requests > 20, String(requests));
  assert.equal(failures, 0);
  assert.ok(Math.abs(rate - requests / summary.durationSeconds) < 0.1);
  assert.equal(latencyMs.p50, 12.346);
  assert.equal(summary.requests[0]!.name, "step");
  assert.equal(summary.timeline.length, Math.ceil(summary.durationSeconds));
  assert.match(stdout, /PASSED/);
});

test("failed requests make the exit code 1, or the one that an option sets", async () => {
  await using here = await folder();
  await here.write(STEPS.replace("12.3456", `1, error: "no luck"`));
  const one = await runAiotest(["-t", "1"], { cwd: here.path });
  assert.equal(one.code, 1);
  assert.match(one.stdout, /no luck/);
  const own = await runAiotest(["-t", "1", "--exit-code-on-error", "7"], { cwd: here.path });
  assert.equal(own.code, 7);
});

test("user errors make the exit code 1, and are reported with their class", async () => {
  await using here = await folder();
  await here.write(STEPS.replace("this.record(", `throw new Error("my bug"); this.record(`));
  const { code, stdout } = await runAiotest(
    ["-t", "1", "--json", "summary.json"],
    { cwd: here.path },
  );
  assert.equal(code, 1);
  assert.match(stdout, /StepTest +my bug/);
  const [error] = (await here.summary()).userErrors;
  assert.deepEqual([error!.user, error!.error], ["StepTest", "my bug"]);
  assert.ok(error!.count >= 10, String(error!.count));
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  test(`${signal} ends a run gracefully, with all reports and the exit code of the results`, async () => {
    await using here = await folder();
    await here.write(STEPS.replace("testStep", `onStart() { console.error("begun"); } testStep`));
    const run = startAiotest(["--json", "summary.json"], { cwd: here.path });
    await run.says("begun");
    run.kill(signal);
    const { code, stdout } = await run.finished;
    assert.equal(code, 0);
    assert.match(stdout, /PASSED/);
    assert.equal((await here.summary()).complete, true);
  });
}

test("a test that never waits does not prevent the end of the run", async () => {
  await using here = await folder();
  await here.write(STEPS.replace("0.05", "0"));
  const { code, stderr } = await runAiotest(
    ["-u", "3", "-r", "100", "-t", "1", "--json", "summary.json"],
    { cwd: here.path },
  );
  assert.equal(code, 0, stderr);
  const { durationSeconds, users } = await here.summary();
  assert.equal(users.peak, 3);
  assert.ok(durationSeconds < 2, `${durationSeconds} s`);
});

test("an uncaught error outside of a test is counted, and does not end the run", async () => {
  await using here = await folder();
  await here.write(`
    import { User } from "aiotest";
    export class StrayTest extends User {
      static waitTime = 0.2;
      testStray() {
        void Promise.reject(new Error("forgotten"));
        void this.measure("step", () => Promise.reject(new Error("counted"))); // as a failure
        setTimeout(() => { throw new TypeError("late"); }, 1);
      }
    }`);
  const { code, stderr } = await runAiotest(
    ["-t", "1", "--json", "summary.json"],
    { cwd: here.path },
  );
  assert.equal(code, 1);
  assert.doesNotMatch(stderr, /^ +at /m, "a stack trace");
  assert.match(stderr, /ERROR +Uncaught error: forgotten/);
  const { totals, failures, userErrors } = await here.summary();
  assert.ok(totals.requests >= 4 && totals.failures === totals.requests);
  assert.deepEqual(failures.map(({ error }) => error), ["counted"]);
  assert.deepEqual(userErrors.map(({ user, error }) => [user, error]).sort(), [
    ["(not awaited)", "TypeError: late"],
    ["(not awaited)", "forgotten"],
  ]);
});

test("a second interrupt exits at once with 130", async () => {
  await using here = await folder();
  await here.write(`
    import { User } from "aiotest";
    export class StuckTest extends User {
      async testStuck() { console.error("begun"); await new Promise(() => {}); }
    }`);
  const run = startAiotest(["-s", "60", "--json", "out.json", "--html", "out.html"], {
    cwd: here.path,
  });
  await run.says("begun");
  run.kill("SIGINT");
  await run.says("Interrupt again");
  run.kill("SIGINT");
  const { code, stdout, stderr } = await run.finished;
  assert.equal(code, 130);
  assert.match(stdout, /FAILED +no requests.*\(exit code 130\)/);
  assert.match(stdout, /interrupted twice/);
  assert.match(
    stderr,
    /\naiotest: interrupted again, so it exits at once\. Not written: --json out\.json, --html out\.html\n/,
  );
});

test("an interrupt before the start ends the process with 130 and a sentence", async () => {
  await using here = await folder();
  await Deno.writeTextFile(
    `${here.path}/importing.ts`,
    'console.error("begun"); await new Promise((resolve) => setTimeout(resolve, 60_000));',
  );
  await Deno.writeTextFile(
    `${here.path}/init.ts`,
    `import { events, User } from "aiotest";
    events.on("init", async () => {
      console.error("begun");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });
    events.on("quitting", ({ exitCode }) => console.error("quitting", exitCode));
    export class NoTest extends User { testNothing() {} }`,
  );
  for (const [file, signal] of [["importing.ts", "SIGINT"], ["init.ts", "SIGTERM"]] as const) {
    const run = startAiotest(["-f", file], { cwd: here.path });
    await run.says("begun");
    run.kill(signal);
    const { code, stdout, stderr } = await run.finished;
    assert.deepEqual([code, stdout], [130, ""], stderr);
    assert.match(stderr, /\naiotest: Interrupted before the test started\n/);
    if (file === "init.ts") assert.match(stderr, /\nquitting 130\n/);
  }
});

test("events are emitted in their order, with their data", async () => {
  await using here = await folder();
  await here.write(`
    import { events } from "aiotest";
    const say = (...words) => console.error("::", ...words);
    events.on("initCommandLineParser", ({ parser }) => parser.option("--tenant <name>", "whose", "demo"));
    events.on("init", ({ options, node, cluster }) => {
      say("init", node, options.tenant, options.users);
      cluster.on("bye", async () => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        say("bye");
      });
      events.on("testStop", () => cluster.send("bye"));
    });
    events.on("testStart", ({ run }) => say("testStart", run.node));
    events.on("startComplete", ({ userCount }) => say("startComplete", userCount));
    let seen = false;
    events.on("request", (e) => { if (!seen) say("request", e.name, e.method, e.error); seen = true; });
    events.on("testStop", ({ run }) => say("testStop", run.userCount));
    events.on("quitting", async ({ exitCode }) => { await null; say("quitting", exitCode); });
    ${STEPS}`);
  const { stderr } = await runAiotest(
    ["-u", "3", "-r", "100", "-t", "1", "--tenant", "acme"],
    { cwd: here.path },
  );
  assert.deepEqual(stderr.split("\n").filter((line) => line.startsWith("::")), [
    ":: init local acme 3",
    ":: testStart local",
    ":: request step TASK null",
    ":: startComplete 3",
    ":: testStop 0",
    ":: bye",
    ":: quitting 0",
  ]);
});

test("a shape decides the load, with a warning about flags that it overrides", async () => {
  await using here = await folder();
  await here.write(`${STEPS}
    import { LoadUserShape } from "aiotest";
    export class ShapeTest extends LoadUserShape {
      tick() { return this.getRunTime() < 2 ? [5, 100] : null; }
    }`);
  const { code, stderr } = await runAiotest(
    ["-u", "1", "-t", "60", "--json", "summary.json"],
    { cwd: here.path },
  );
  assert.equal(code, 0, stderr);
  const summary = await here.summary();
  assert.equal(summary.users.peak, 5);
  assert.ok(summary.durationSeconds >= 2 && summary.durationSeconds < 3);
  assert.deepEqual(summary.warnings, [
    "--users, --run-time are ignored: the shape ShapeTest determines the load.",
  ]);
  assert.match(stderr, /WARNING +--users, --run-time are ignored/);
});

test("a shape that fails during the run ends it with a report, the reason and exit code 2", async () => {
  await using here = await folder();
  await here.write(`${STEPS}
    import { LoadUserShape } from "aiotest";
    export class ShapeTest extends LoadUserShape {
      tick() { if (this.getRunTime() >= 1) throw new Error("no more"); return [1, 1]; }
    }`);
  const { code, stdout, stderr } = await runAiotest([], { cwd: here.path });
  assert.equal(code, 2);
  assert.match(stdout, /step/);
  assert.match(stderr, /ShapeTest\.tick\(\) at 1\.\d s threw: no more/);
});

test("tags choose tests", async () => {
  await using here = await folder();
  await here.write(`
    import { tag, User } from "aiotest";
    export class TaggedTest extends User {
      static waitTime = 0.05;
      @tag("a") testOne() { this.record({ name: "one", latencyMs: 1 }); }
      @tag("b", "c") testTwo() { this.record({ name: "two", latencyMs: 1 }); }
      testThree() { this.record({ name: "three", latencyMs: 1 }); }
    }`);
  const names = async (...args: string[]): Promise<string[]> => {
    await runAiotest(["-t", "1", "--json", "summary.json", ...args], { cwd: here.path });
    return (await here.summary()).requests.map(({ name }) => name);
  };
  assert.deepEqual(await names("--tags", "a,c"), ["one", "two"]);
  assert.deepEqual(await names("-E", "b"), ["one", "three"]);
  assert.deepEqual(await names("-T", "a,b", "-E", "c"), ["one"]);
});

test("--show-users-weight prints the shares of the classes as JSON, and runs nothing", async () => {
  const file = projectPath("examples/user_classes.ts");
  for (const flag of ["--show-users-weight", "--show-users-wight"]) {
    const { code, stdout } = await runAiotest(["-f", file, flag]);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), [
      { name: "AdminTest", share: null, fixedCount: 1, ownLoad: false },
      { name: "ReaderTest", share: 0.75, fixedCount: null, ownLoad: false },
      { name: "WriterTest", share: 0.25, fixedCount: null, ownLoad: false },
    ]);
  }
});

test("logs go to stderr, or to the file that --logfile names", async () => {
  await using here = await folder();
  await here.write(`
    import { logger } from "aiotest";
    logger.info("imported");
    ${STEPS.replace("testStep() {", `testStep() { logger.warn("stepped");`)}`);
  const args = ["-t", "1", "--logfile", "log.txt"];
  const { stdout, stderr } = await runAiotest(args, { cwd: here.path });
  assert.doesNotMatch(stdout + stderr, /stepped/);
  assert.match(await Deno.readTextFile(`${here.path}/log.txt`), /WARNING +stepped\n/);
});

test("help includes the flags of the test file", async () => {
  const { code, stdout } = await runAiotest(
    ["--help", "-f", projectPath("examples/events.ts")],
  );
  assert.equal(code, 0);
  assert.match(stdout, /-u, --users <N>/);
  assert.match(stdout, /--tenant <name>/);
  for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
});

test("the demo tests its own shop and writes a summary", async () => {
  await using here = await folder();
  const { code, stdout, stderr } = await runAiotest(
    ["demo", "-t", "2", "-r", "100", "--json", "summary.json"],
    { cwd: here.path },
  );
  assert.equal(code, 0);
  assert.match(stdout, /Percentiles/);
  assert.match(stderr, /^The demo passes even if orders fail: it sets --exit-code-on-error 0/m);
  const { requests } = await here.summary();
  assert.deepEqual(requests.map(({ method, name }) => `${method} ${name}`), [
    "GET /cart",
    "POST /cart",
    "POST /login",
    "GET /search",
    "POST order",
  ]);
});
