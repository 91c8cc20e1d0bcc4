import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import type { LiveSummary } from "../../src/web/live_view.ts";
import { sleep, systemClock } from "../../src/core/clock.ts";
import { lengthOf } from "../support/nightly.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { FROM_PAGE } from "../support/dashboard.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, runAiotest, startAiotest, type Started } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("control from the dashboard", 2);

const VISITS = projectPath("tests/e2e/fixtures/visits.ts");
const LIMIT_MS = 30_000;

/** The reports that every run writes, and how they start. */
const REPORTS = {
  "run.json": /^\{\n {2}"schema": 4,/,
  "run.html": /^<!DOCTYPE html>/i,
  "run_stats.csv": /^Type,Name,/,
  "run_stats_history.csv": /^Timestamp,/,
  "run_failures.csv": /^Method,Name,/,
  "run_exceptions.csv": /^Count,/,
  "run.xml": /^<\?xml /,
};

/** A run of the command line, its target, and the directory of its reports. */
class Controlled implements AsyncDisposable {
  readonly target: CountingTarget;
  readonly folder = Deno.makeTempDirSync();
  readonly started: Started;
  #url = "";

  private constructor(
    target: CountingTarget,
    args: readonly string[],
    env: Record<string, string>,
  ) {
    this.target = target;
    const reports = ["--json", "run.json", "--html", "run.html", "--csv", "run", "--junit"];
    this.started = startAiotest(
      [...["-f", VISITS, "-H", target.url], ...reports, "run.xml", "--web-port", "0", ...args],
      { cwd: this.folder, env },
    );
  }

  /** Starts a run, and waits for its dashboard. */
  static async start(
    args: readonly string[],
    env: Record<string, string> = { AIOTEST_NO_WEB: "false" },
  ): Promise<Controlled> {
    const run = new Controlled(new CountingTarget(), args, env);
    run.#url = await run.started.tells(/Dashboard: (http:\/\/[^/\s]+)\//);
    return run;
  }

  get url(): string {
    return this.#url;
  }

  async live(): Promise<LiveSummary> {
    return await (await fetch(`${this.#url}/api/summary`)).json();
  }

  async post(path: "start" | "stop" | "target" | "pause" | "resume", body: unknown): Promise<void> {
    const response = await fetch(`${this.#url}/api/${path}`, {
      method: "POST",
      headers: FROM_PAGE,
      body: JSON.stringify(body),
    });
    assert.deepEqual([response.status, await response.json()], [200, { ok: true }]);
  }

  /** Waits until the target has seen the given number of users within a second. */
  async waitForUsers(users: number): Promise<void> {
    const { target } = this;
    await target.until(
      () => target.usersSince(performance.now() - 1000).length === users,
      LIMIT_MS,
    );
  }

  /** Waits while the target receives requests. */
  async waitFor(seconds: number): Promise<void> {
    const to = performance.now() + seconds * 1000;
    await this.target.until(() => performance.now() >= to, LIMIT_MS);
  }

  /** Pauses the run, and checks that the target sees nothing but what was under way. */
  async pause(seconds: number): Promise<void> {
    await this.post("pause", {});
    assert.equal((await this.live()).live.paused, true);
    // An answer takes no time, but messages to workers do.
    await sleep(systemClock, 300);
    const before = this.target.total;
    await sleep(systemClock, seconds * 1000 - 300);
    assert.equal(this.target.total, before);
  }

  /** Stops the run, and checks that all reports exist. */
  async stop(
    how: () => Promise<void> = () => this.post("stop", {}),
  ): Promise<{ finished: Finished; summary: Summary }> {
    await how();
    const finished = await this.started.finished;
    assert.equal(finished.code, 0, finished.stderr);
    for (const [name, beginning] of Object.entries(REPORTS)) {
      assert.match(await Deno.readTextFile(`${this.folder}/${name}`), beginning, name);
    }
    const summary: Summary = JSON.parse(await Deno.readTextFile(`${this.folder}/run.json`));
    assert.deepEqual([summary.complete, summary.exitCode], [true, 0]);
    return { finished, summary };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.started.kill("SIGKILL");
    } catch {
      // It has already exited.
    }
    await this.started.finished;
    await this.target[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

for (const [where, args] of [["one process", []], ["two workers", ["--processes", "2"]]] as const) {
  test(`the target sees users started and changed from the dashboard, with ${where}`, async () => {
    await using run = await Controlled.start(["-u", "50", "-r", "50", "--no-autostart", ...args]);
    const { target } = run;
    if (args.length > 0) await run.started.says("2 of 2 workers are ready.");
    assert.equal((await run.live()).live.state, "ready");
    assert.equal(target.total, 0);

    await run.post("start", { users: 4, rate: 100 });
    await run.waitForUsers(4);
    await run.post("target", { users: 10, rate: 100 });
    await run.waitForUsers(10);
    const nodes = target.usersSince(performance.now() - 1000).map((line) => line.split(" ")[0]!);
    const perNode = [...new Set(nodes)].map((node) => nodes.filter((one) => one === node).length);
    assert.deepEqual(perNode, args.length === 0 ? [10] : [5, 5]);
    await run.post("target", { users: 2, rate: 100 });
    await run.waitForUsers(2);

    const { finished, summary } = await run.stop();
    assert.deepEqual(summary.users, { current: 0, peak: 10, final: 2 });
    assertEqualCounts(summary, target);
    const ended = target.visits.filter(({ path }) => path === "/stop").length;
    assert.equal(ended, 10);
    assert.match(finished.stderr, /Started from the dashboard \(127\.0\.0\.1\): 4 users/);
    assert.match(finished.stderr, /Load changed from the dashboard \(127\.0\.0\.1\): 2 users/);
    assert.match(finished.stderr, /Stopped from the dashboard/);
  });

  test(`the target sees an arrival rate changed from the dashboard, with ${where}`, async () => {
    const load = ["--arrival-rate", "40", "--max-users", "80"];
    await using run = await Controlled.start([...load, ...args]);
    const { target } = run;
    await target.until(() => target.total > 0, LIMIT_MS);
    await run.waitFor(2.5);
    // When the rate was changed, and the new rate.
    const changes: [atMs: number, rate: number][] = [];
    for (const arrivalRate of [160, 80]) {
      changes.push([Date.now(), arrivalRate]);
      await run.post("target", { arrivalRate, maxUsers: 90 });
      assert.deepEqual((await run.live()).live.arrivals, { rate: arrivalRate, maxUsers: 90 });
      await run.waitFor(2.5);
    }
    changes.push([Date.now(), 0]);
    const { summary } = await run.stop();
    let [since, rate] = [Date.parse(summary.startedAt!), 40];
    let due = 0;
    for (const [atMs, next] of changes) {
      due += rate * (atMs - since) / 1000;
      [since, rate] = [atMs, next];
    }
    const { scheduled, started, completed, dropped } = summary.iterations!;
    assert.ok(Math.abs(scheduled - due) <= 0.05 * due, `${scheduled} of ${due}`);
    assert.equal(scheduled, started + dropped);
    assert.equal(completed, target.seen.get("GET /tick")!.requests);
    assertEqualCounts(summary, target);
  });
}

const PAUSE_SECONDS = lengthOf({ short: 4, full: 10 });

for (const [where, args] of [["one process", []], ["two workers", ["--processes", "2"]]] as const) {
  test(`in a pause, the target sees nothing, and users go on after it, with ${where}`, async () => {
    await using run = await Controlled.start(["-u", "6", "-r", "100", ...args]);
    const { target } = run;
    await run.waitForUsers(6);
    await run.pause(PAUSE_SECONDS);
    const before = target.total;
    await run.post("resume", {});
    await run.waitForUsers(6);
    assert.ok(target.total > before);
    assert.equal((await run.live()).live.paused, false);
    await run.pause(1);
    const { finished, summary } = await run.stop(() => {
      run.started.kill("SIGINT");
      return Promise.resolve();
    });
    assertEqualCounts(summary, target);
    assert.equal(summary.pauses.length, 2);
    assert.ok(summary.pausedSeconds >= PAUSE_SECONDS + 1, `${summary.pausedSeconds}`);
    const counted = summary.elapsedSeconds - summary.pausedSeconds;
    assert.ok(Math.abs(summary.durationSeconds - counted) < 0.01);
    assert.ok(Math.abs(summary.totals.rate - target.total / summary.durationSeconds) < 0.1);
    assert.match(finished.stderr, /Paused from the dashboard \(127\.0\.0\.1\)\./);
    assert.match(finished.stderr, /Resumed from the dashboard \(127\.0\.0\.1\)\./);
    assert.match(finished.stdout, /, paused for \d/);
  });

  test(`arrivals and the run time leave a pause out, with ${where}`, async () => {
    const load = ["--arrival-rate", "40", "--max-users", "60", "-t", "6"];
    await using run = await Controlled.start([...load, ...args]);
    const { target } = run;
    await target.until(() => target.seen.get("GET /tick")?.requests === 80, LIMIT_MS);
    await run.pause(PAUSE_SECONDS);
    await run.post("resume", {});
    const { summary } = await run.stop(() => Promise.resolve());
    const { scheduled, completed, dropped } = summary.iterations!;
    assert.deepEqual([scheduled, completed, dropped], [240, 240, 0]);
    assert.equal(target.seen.get("GET /tick")!.requests, 240);
    assertEqualCounts(summary, target);
    assert.ok(summary.elapsedSeconds >= 6 + PAUSE_SECONDS, `${summary.elapsedSeconds}`);
  });
}

test("aiotest control steers a run from another process, with its token", async () => {
  const env = { AIOTEST_NO_WEB: "false", AIOTEST_WEB_TOKEN: "sesame" };
  await using run = await Controlled.start(["-u", "3", "-r", "100", "--web-host", "*"], env);
  const { target } = run;
  const { port } = new URL(run.url);
  // Another address of this machine.
  const at = `127.0.0.2:${port}`;
  const control = (args: readonly string[], env = { AIOTEST_WEB_TOKEN: "sesame" }) =>
    runAiotest(["control", at, ...args], { cwd: run.folder, env });
  const done = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await control(args);
    assert.deepEqual([code, stderr], [0, ""]);
    return stdout;
  };
  await run.waitForUsers(3);
  const refused = await control(["stop"], { AIOTEST_WEB_TOKEN: "" });
  assert.deepEqual([refused.code, refused.stdout], [2, ""]);
  assert.match(refused.stderr, /this dashboard needs a token\nSet AIOTEST_WEB_TOKEN/);
  // The target has seen the last user before the run has noticed that it has all of them.
  let status = await done("status");
  for (let i = 0; i < 20 && status.startsWith("spawning"); i++) status = await done("status");
  assert.match(status, /^running \d+s, 3 of 3 users, .* 0 failed, .*\n$/);
  await done("users", "5", "--rate", "100");
  await run.waitForUsers(5);
  await done("pause");
  assert.match(await done("status"), /^paused /);
  await done("resume");
  await run.waitForUsers(5);
  await done("report", "--html", "now.html");
  assert.match(await Deno.readTextFile(`${run.folder}/now.html`), REPORTS["run.html"]);
  const watched = control(["status", "--watch", "--json"]);
  await run.waitFor(1.5);
  const { summary } = await run.stop(async () => void await done("stop"));
  assertEqualCounts(summary, target);
  const { code, stdout } = await watched;
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout.trimEnd().split("\n").at(-1)!).requests, target.total);
  const late = await control(["status"]);
  assert.equal(late.code, 2);
  assert.match(late.stderr, /: nobody listens there\n/);
});

for (const args of [[], ["--processes", "2"]]) {
  const what = ["a run", ...args].join(" ");
  test(`${what} that is interrupted before its start has measured nothing`, async () => {
    await using run = await Controlled.start(["--no-autostart", ...args]);
    assert.equal((await run.live()).live.state, "ready");
    run.started.kill("SIGINT");
    const { code, stdout, stderr } = await run.started.finished;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /\naiotest: Interrupted before the test started\n/);
    assert.match(stderr, /Waiting for the test to be started in the dashboard\./);
    assert.match(stdout, /NOTHING MEASURED/);
    assert.equal(run.target.total, 0);
    const summary: Summary = JSON.parse(await Deno.readTextFile(`${run.folder}/run.json`));
    assert.deepEqual(
      [summary.startedAt, summary.endedAt, summary.totals.requests, summary.complete],
      [null, null, 0, true],
    );
    assert.equal(summary.exitCode, 130);
    assert.deepEqual(summary.warnings, ["Interrupted before the test started."]);
  });
}

test("a test that cannot be started is an error, also in the demo", async () => {
  const cases: [args: string[], message: string][] = [
    [["-f", VISITS, "--no-web"], "--no-autostart cannot be used with --no-web"],
    [["demo", "--no-web"], "--no-autostart cannot be used with --no-web"],
    [
      ["-f", VISITS, "--web-host", "0.0.0.0"],
      "--no-autostart with --web-host 0.0.0.0 needs --web-token",
    ],
  ];
  const env = { AIOTEST_NO_WEB: "false" };
  await Promise.all(cases.map(async ([args, message]) => {
    const { code, stdout, stderr } = await startAiotest([...args, "--no-autostart"], { env })
      .finished;
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.ok(stderr.startsWith(`aiotest: ${message}`), stderr);
  }));
});

/** Occupies the dashboard's default port; null if it is already in use. */
function takeDefaultPort(): Disposable | null {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port: 8089 });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return null;
    throw error;
  }
}

const NO_DASHBOARD = /There is no dashboard: port 8089 is already in use\./;

Deno.test("if the default port is in use, a run has no dashboard", async () => {
  await using target = new CountingTarget();
  using _taken = takeDefaultPort();
  const folder = await Deno.makeTempDir();
  const json = (name: string): string => `${folder}/${name}.json`;
  try {
    const names = ["a", "b"];
    const ends = await Promise.all(names.map((name) =>
      startAiotest(
        ["-f", VISITS, "-H", target.url, "-u", "3", "-r", "100", "-t", "2", "--json", json(name)],
        { env: { AIOTEST_NO_WEB: "false" } },
      ).finished
    ));
    for (const { code, stderr } of ends) {
      assert.equal(code, 0, stderr);
      assert.match(stderr, NO_DASHBOARD);
      assert.doesNotMatch(stderr, /Dashboard: /);
    }
    const summaries: Summary[] = await Promise.all(
      names.map(async (name) => JSON.parse(await Deno.readTextFile(json(name)))),
    );
    assert.ok(summaries.every(({ totals }) => totals.requests > 0));
    assert.equal(
      summaries.reduce((sum, { totals }) => sum + totals.requests, 0),
      target.total,
    );
    // Without a dashboard, the test could not be started.
    const waiting = await startAiotest(["-f", VISITS, "--no-autostart"], {
      env: { AIOTEST_NO_WEB: "false" },
    }).finished;
    assert.equal(waiting.code, 2, waiting.stderr);
    assert.match(waiting.stderr, /^aiotest: --web-port 8089: the port is already in use$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
