import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { onlyBlock } from "../support/fenced_blocks.ts";
import { Cluster } from "../support/cluster.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { allGone, childrenOf } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, runAiotest, startAiotest, type Started } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const VISITS = projectPath("tests/e2e/fixtures/visits.ts");
const TOLD = projectPath("tests/e2e/fixtures/told.ts");

const test = sideBySide("runs in several processes", 2);

/** A run of several processes, and what its summary says in the end. */
class Processes implements AsyncDisposable {
  readonly parent: Started;
  readonly #json: string;

  private constructor(parent: Started, json: string) {
    this.parent = parent;
    this.#json = json;
  }

  static async start(
    target: CountingTarget,
    args: readonly string[],
    detached = false,
  ): Promise<Processes> {
    const json = await Deno.makeTempFile({ suffix: ".json" });
    const load = ["-H", target.url, "-u", "20", "-r", "100", "-s", "1", "--json", json];
    return new Processes(startAiotest(["-f", VISITS, ...load, ...args], { detached }), json);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.parent.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.parent.finished;
    // A parent that was killed has written none.
    await Deno.remove(this.#json).catch(() => {});
  }

  async ended(): Promise<Finished & { readonly summary: Summary }> {
    const finished = await this.parent.finished;
    const text = await Deno.readTextFile(this.#json);
    assert.notEqual(text, "", finished.stderr);
    return { ...finished, summary: JSON.parse(text) };
  }
}

/** Resolves when users of this many workers send requests. */
function atWork(target: CountingTarget, workers: number): Promise<void> {
  return target.until(
    () => new Set(target.visits.map(({ node }) => node)).size >= workers && target.total > 40,
    20_000,
  );
}

test("--processes 2 runs a master and two workers, with exact counts and no process left behind", async () => {
  await using target = new CountingTarget();
  await using run = await Processes.start(target, ["--processes", "2", "-t", "3"]);
  await atWork(target, 2);
  const children = childrenOf(run.parent.pid);
  assert.equal(children.length, 2);
  const { code, summary, stderr } = await run.ended();
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /nterrupt|Stopping/);
  assertEqualCounts(summary, target);
  assert.equal(summary.complete, true);
  assert.equal(summary.users.peak, 20);
  const names = summary.workers.map(({ id }) => id).sort();
  assert.equal(names.length, 2);
  for (const [index, name] of names.entries()) {
    assert.match(name, new RegExp(`-[a-z0-9]{4}-${index + 1}$`));
    assert.ok(stderr.includes(`[${name}] `), stderr);
    assert.match(
      stderr,
      new RegExp(`^\\[${name}\\] .* INFO +Joined the master at .* as ${name}`, "m"),
    );
  }
  // The processes share a generated token, so there is no warning.
  assert.doesNotMatch(stderr, /There is no token/);
  await allGone(children, 1_000);
});

test("--processes -1 starts one worker per core", async () => {
  await using target = new CountingTarget();
  await using run = await Processes.start(target, ["--processes", "-1", "-t", "2"]);
  const { code, summary } = await run.ended();
  assert.equal(code, 0);
  assert.equal(summary.workers.length, navigator.hardwareConcurrency);
  assertEqualCounts(summary, target);
});

for (const whole of [false, true]) {
  test(`Ctrl-C to ${whole ? "the whole group" : "the parent"} ends with a report and no process left behind`, async () => {
    await using target = new CountingTarget();
    await using run = await Processes.start(target, ["--processes", "2"], whole);
    await atWork(target, 2);
    const { pid } = run.parent;
    const children = childrenOf(pid);
    Deno.kill(whole ? -pid : pid, "SIGINT");
    const { code, summary, stdout, stderr } = await run.ended();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^PASSED /m);
    assert.equal(summary.complete, true);
    assertEqualCounts(summary, target);
    assert.ok(target.visits.some(({ path }) => path === "/stop"), "no user has had its onStop");
    await allGone(children, 1_000);
  });
}

test("a master that is killed leaves no worker behind for longer than 3 s", async () => {
  await using target = new CountingTarget();
  await using run = await Processes.start(target, ["--processes", "2"]);
  await atWork(target, 2);
  const children = childrenOf(run.parent.pid);
  assert.equal(children.length, 2);
  run.parent.kill("SIGKILL");
  await allGone(children, 3_000);
});

/** The number of open descriptors of a process. */
function descriptorsOf(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

test("a worker that dies is replaced at once, and the report says how it died and what is missing", async () => {
  await using target = new CountingTarget();
  await using run = await Processes.start(target, ["--processes", "2"]);
  const { pid } = run.parent;
  await atWork(target, 2);
  const descriptors = descriptorsOf(pid);
  const signals = ["SIGKILL", "SIGABRT", "SIGTRAP"] as const;
  for (const [index, signal] of signals.entries()) {
    Deno.kill(childrenOf(pid)[0]!, signal);
    await atWork(target, 3 + index);
  }
  const since = performance.now();
  await target.until(() => target.usersSince(since).length >= 20, 10_000);
  const left = descriptorsOf(pid);
  // A worker that is told to stop is not replaced.
  const [stopped] = childrenOf(pid);
  Deno.kill(stopped!, "SIGTERM");
  await allGone([stopped!], 5_000);
  run.parent.kill("SIGINT");
  const { code, summary, stdout, stderr } = await run.ended();
  assert.deepEqual([code, summary.exitCode, summary.complete], [4, 4, false], stderr);
  assert.ok(left <= descriptors, `${left} descriptors, ${descriptors} before`);

  const states = summary.workers.map(({ state }) => state).sort();
  assert.deepEqual(states, ["finished", "left", "lost", "lost", "lost"]);
  const warnings = summary.warnings.join("\n");
  for (const [index, signal] of signals.entries()) {
    const place = new RegExp(
      `^Worker (\\S+) was killed by ${signal}, \\d+s into the test\\. Worker (\\S+)-${
        index + 3
      } is started in its place\\.$`,
      "m",
    );
    const [, name] = place.exec(warnings) ?? assert.fail(warnings);
    const worker = summary.workers.find(({ id }) => id === name)!;
    const missing = new RegExp(
      `^Worker ${name} was killed by ${signal}: its counts of the last (\\d+\\.\\d) s are missing`,
      "m",
    );
    const [, seconds] = missing.exec(warnings) ?? assert.fail(warnings);
    // Each of at most 20 users starts, and then visits twice a second.
    const lost = target.totalOf(worker.id) - worker.requests;
    assert.ok(lost >= 0 && lost <= 20 * (2 + 2 * Number(seconds)), `${lost} in ${seconds} s`);
  }
  for (const { id, state, requests } of summary.workers) {
    if (state !== "lost") assert.equal(requests, target.totalOf(id));
  }
  assert.match(stdout, /counts incomplete for 3 of 5 workers \(exit\s+code 4\)/);
});

test("a run whose only worker runs out of memory, and whose next ones die, reports all that was counted", async () => {
  await using target = new CountingTarget();
  const cwd = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${cwd}/aiotestfile.ts`,
    `
    import { FastHttpUser } from "aiotest";
    const kept = [];
    let begun = null;
    export class LeakTest extends FastHttpUser {
      static override waitTime = 0.1;
      async testLeak() {
        await this.session.get("/tick", { headers: { "x-node": this.run.node } });
        begun ??= performance.now();
        while (this.run.node.endsWith("-1") && performance.now() - begun > 1500) {
          kept.push(new Array(5e5).fill({ x: 1 }).map((x) => ({ ...x })));
        }
      }
    }`,
  );
  const started = startAiotest(
    [
      ...["--processes", "1", "-u", "2", "-r", "10", "-t", "5m", "-H", target.url],
      ...["--json", "r.json", "--junit", "r.xml", "--html", "r.html", "--csv", "r"],
    ],
    { cwd, denoFlags: ["--v8-flags=--max-old-space-size=60"] },
  );
  const nodes = (): Set<string> => new Set(target.visits.map(({ node }) => node));
  for (const number of [2, 3, 4]) {
    await target.until(() => nodes().size === number, 60_000);
    Deno.kill(childrenOf(started.pid)[0]!, "SIGKILL");
  }
  const { code, stderr } = await started.finished;
  assert.equal(code, 4, stderr);
  const summary: Summary = JSON.parse(await Deno.readTextFile(`${cwd}/r.json`));
  assert.deepEqual(summary.workers.map(({ id }) => id), [...nodes()], stderr);
  for (const { id, state, requests } of summary.workers) {
    assert.equal(state, "lost");
    assert.ok(requests <= target.totalOf(id), id);
  }
  const counted = summary.workers.reduce((sum, { requests }) => sum + requests, 0);
  assert.equal(summary.totals.requests, counted);
  assert.ok(counted > 0);
  const warnings = summary.warnings.join("\n");
  const shown = (await onlyBlock("docs/running-distributed.md", "")).trim();
  for (
    const pattern of [
      new RegExp(
        shown.replace(/shop-\S+-2/, "\\S+-1").replace(/shop-\S+-5/, "\\S+-2")
          .replace(/SIG\w+ \((.+: ).+\), \d+s/, "SIG\\w+ \\($1[\\w -]+\\), \\d+s")
          .replaceAll(".", "\\."),
        "m",
      ),
      /-4 was killed by SIGKILL, \d+s into the test\. It is not replaced, because 3 workers were replaced within a minute: no worker is left\.$/m,
      /^The run failed: No worker is left to run users$/m,
    ]
  ) assert.match(warnings, pattern);
  assert.match(stderr, /^aiotest: No worker is left to run users$/m);
  for (const file of ["r.xml", "r.html", "r_stats.csv"]) {
    assert.ok((await Deno.stat(`${cwd}/${file}`)).size > 0, file);
  }
  await Deno.remove(cwd, { recursive: true });
});

test("a suspended worker neither outlives the run nor prevents its end", async () => {
  await using target = new CountingTarget();
  await using run = await Processes.start(target, ["--processes", "2", "-t", "7"]);
  await atWork(target, 2);
  const children = childrenOf(run.parent.pid);
  Deno.kill(children[0]!, "SIGSTOP");
  const { code, summary } = await run.ended();
  assert.equal(code, 4);
  assert.deepEqual(summary.workers.map(({ state }) => state).sort(), ["finished", "lost"]);
  await allGone(children, 1_000);
});

test("workers of another master hand over their users on SIGTERM to their parent", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 1,
    args: ["-H", target.url, "-u", "18", "-r", "100", "--expect-workers", "3"],
  });
  const port = await cluster.master.tells(/Waiting for workers at \S+:(\d+)\./);
  const parent = startAiotest(
    ["-f", VISITS, "--worker", "--processes", "2", "--master-port", port],
  );
  await atWork(target, 3);
  const children = childrenOf(parent.pid);
  parent.kill("SIGTERM");
  const { code, stderr } = await parent.finished;
  assert.equal(code, 0, stderr);
  await allGone(children, 1_000);
  const since = performance.now();
  await target.until(() => target.usersSince(since).length >= 18, 10_000);
  const result = await cluster.stop();
  assert.equal(result.code, 0, result.stderr);
  assertEqualCounts(result.summary, target);
  assert.equal(result.summary.complete, true);
  const states = result.summary.workers.map(({ id, state }) => `${id === "w1" ? id : ""} ${state}`);
  assert.deepEqual(states.sort(), [" left", " left", "w1 finished"]);
});

test("workers get the options of their parent, from the command line and the environment", async () => {
  await using target = new CountingTarget();
  const { code, stdout, stderr } = await runAiotest(
    ["-f", TOLD, "--processes", "2", "-u", "4", "-r", "10", "-t", "2", "--greeting", "good day"],
    { env: { AIOTEST_CITY: "Oslo", AIOTEST_HOST: target.url, AIOTEST_EXCLUDE_TAGS: "slow" } },
  );
  assert.equal(code, 0, stderr);
  assert.ok(target.total > 4);
  for (const { path, user } of target.visits) {
    assert.deepEqual([path, user], ["/told", "Oslo: good day"]);
  }
  // Lines of workers are prefixed, those of the master are not.
  assert.match(stdout, /^master is told Oslo: good day$/m);
  assert.equal(stderr.match(/^\[(\S+)\] \1 is told Oslo: good day$/mg)?.length, 2, stderr);
});

/** Runs a test file of this text with --processes, in its own folder. */
async function runText(text: string, ...args: string[]): Promise<Finished> {
  const cwd = await Deno.makeTempDir();
  await Deno.writeTextFile(`${cwd}/aiotestfile.ts`, text);
  const finished = await runAiotest(["--processes", "3", "-t", "1", ...args], { cwd });
  await Deno.remove(cwd, { recursive: true });
  return finished;
}

test("an error in the test file is reported once, by the parent", async () => {
  const { code, stdout, stderr } = await runText(`import "./missing.ts";\n`);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /^aiotest: \S+aiotestfile\.ts:1:8: import failed: .*missing\.ts"\.\n$/);
});

test("messages of testStop arrive before quitting, whose handlers get their time", async () => {
  const { code, stderr } = await runText(`
    import { events, User } from "aiotest";
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    let name = "";
    const say = (...words) => console.error("::", name === "master" ? name : "worker", ...words);
    events.on("init", ({ node, cluster }) => {
      name = node;
      const got = (kind) => async () => {
        await wait(100);
        say("got", kind);
      };
      cluster.on("bye", got("bye"));
      cluster.on("thanks", got("thanks"));
      events.on("testStop", () => {
        if (name === "master") cluster.send("thanks", null, { to: "workers" });
        else cluster.send("bye", null, { to: "master" });
      });
    });
    events.on("quitting", async () => {
      await wait(300);
      say("quitting");
    });
    export class QuietTest extends User {
      testNothing() {}
    }`);
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /nterrupt|Stopping/);
  const said = (who: string): string[] =>
    [...stderr.matchAll(new RegExp(`:: ${who} (.*)`, "g"))].map(([, words]) => words!);
  assert.deepEqual(said("master"), ["got bye", "got bye", "got bye", "quitting"], stderr);
  assert.deepEqual(said("worker").toSorted(), [
    ...new Array(3).fill("got thanks"),
    ...new Array(3).fill("quitting"),
  ], stderr);
});

test("an error that only workers find prevents the run, with exit code 2", async () => {
  const { code, stdout, stderr } = await runText(`
    import { events, User } from "aiotest";
    let isMaster = false;
    events.on("init", ({ node }) => { isMaster = node === "master"; });
    export class AccountTest extends User {
      constructor(context: never) {
        super(context);
        if (!isMaster) throw new Error("no accounts here");
      }
      testNothing(): void {}
    }`);
  assert.equal(code, 2, stderr);
  assert.match(
    stderr,
    /^\[\S+-[123]\] aiotest: AccountTest cannot be created: .*no accounts here$/m,
  );
  assert.match(stderr, /^aiotest: The test did not start because worker \S+-[123] exited$/m);
  assert.match(stdout, /FAILED {2}no requests \(exit code 2\)/);
  assert.doesNotMatch(stderr, /^ +at /m, "a stack trace");
});

const FAMILY = projectPath("tests/support/family.ts");

/** How soon a child must be gone behind its parent. */
const GONE_MS = 2000;

function parent(args: readonly string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--v8-flags=--expose-gc", FAMILY, "parent", ...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** A parent whose child waits, and the connection that the child holds as long as it lives. */
interface Family {
  readonly process: Deno.ChildProcess;
  readonly child: Deno.Conn;
  readonly childPid: number;
  /** What else the parent says, to its end. */
  rest(): Promise<string>;
}

async function waitingFamily(): Promise<Family> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const process = parent(["wait", String(listener.addr.port)]);
  const child = await listener.accept();
  // Its first byte: from now on it listens to signals and to its parent.
  assert.equal(await child.read(new Uint8Array(8)), 1);
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const childPid = Number(/^pid (\d+)\n$/.exec(value!)?.[1]);
  return {
    process,
    child,
    childPid,
    async rest(): Promise<string> {
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return text;
        text += value;
      }
    },
  };
}

/** Milliseconds until the connection's other end is closed, in whatever way. */
async function closed(connection: Deno.Conn): Promise<number> {
  const begun = performance.now();
  assert.equal(await connection.read(new Uint8Array(8)).catch(() => null), null);
  connection.close();
  return performance.now() - begun;
}

test("a child process has the same runtime flags, and its own arguments and variables", async () => {
  const env = { AIOTEST_USERS: "5", AIOTEST_TOKEN: "another", ORDINARY: "yes" };
  const process = parent(["report", "-f", "a b.ts", "--", ""], env);
  const { code, stdout } = await process.output();
  const [pid, ...lines] = new TextDecoder().decode(stdout).split("\n");
  assert.match(pid!, /^pid \d+$/);
  // Lines of two streams come in any order.
  assert.deepEqual(lines.sort(), [
    "",
    "> a flag of V8: true",
    "> no end of line",
    '> {"args":["-f","a b.ts","--",""],"env":["s3cret",null,null,"yes"]}',
  ]);
  assert.equal(code, 7);
});

test("a child process ends within 2 s after its parent was killed", async () => {
  const { process, child, rest } = await waitingFamily();
  process.kill("SIGKILL");
  const ms = await closed(child);
  assert.ok(ms < GONE_MS, `${ms.toFixed()} ms`);
  await process.status;
  assert.equal(await rest(), "");
});

test("a child process ignores Ctrl-C, and ends on SIGTERM", async () => {
  const { process, child, childPid, rest } = await waitingFamily();
  Deno.kill(childPid, "SIGINT");
  Deno.kill(childPid, "SIGTERM");
  assert.equal(await rest(), "> stopping\n");
  await closed(child);
  assert.equal((await process.status).code, 0);
});

test("the exit code of a killed child process is 128 plus the number of the signal", async () => {
  const { process, child, childPid, rest } = await waitingFamily();
  Deno.kill(childPid, "SIGKILL");
  await rest();
  await closed(child);
  assert.equal((await process.status).code, 137);
});

test("a process that a child process leaves behind does not delay its end", async () => {
  const begun = performance.now();
  const { code } = await parent(["leave"]).output();
  assert.equal(code, 0);
  assert.ok(performance.now() - begun < 4000);
});
