import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import type { RunForm } from "../../src/web/control.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { FROM_PAGE } from "../support/dashboard.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest, startAiotest, type Started } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("several runs in one process", 2);

const KEPT = projectPath("tests/e2e/fixtures/kept.ts");

/** A process that stays after its runs. */
class Kept implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly started: Started;
  #url = "";

  private constructor(target: CountingTarget, args: readonly string[]) {
    const files = ["--json", "run.json", "--html", "run.html", "--no-history"];
    this.started = startAiotest(
      ["-f", KEPT, "-H", target.url, "--keep", "--web-port", "0", ...files, ...args],
      { cwd: this.folder, env: { AIOTEST_NO_WEB: "false" } },
    );
  }

  static async start(target: CountingTarget, ...args: string[]): Promise<Kept> {
    const kept = new Kept(target, args);
    kept.#url = await kept.started.tells(/Dashboard: (http:\/\/[^/\s]+)\//);
    return kept;
  }

  /** Resolves when the run of this number has ended. */
  async ended(run: number): Promise<void> {
    await this.started.says(`Run ${run} has ended.`);
  }

  async form(): Promise<RunForm> {
    return await (await fetch(`${this.#url}/api/form`)).json();
  }

  async post(path: string, body: unknown): Promise<readonly [status: number, answer: unknown]> {
    const response = await fetch(`${this.#url}/api/${path}`, {
      method: "POST",
      headers: FROM_PAGE,
      body: JSON.stringify(body),
    });
    return [response.status, await response.json()];
  }

  async control(...args: string[]): Promise<void> {
    const { code, stderr } = await runAiotest(["control", this.#url, ...args]);
    assert.equal(code, 0, stderr);
  }

  summary(name: string): Summary {
    return JSON.parse(Deno.readTextFileSync(`${this.folder}/${name}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.started.kill("SIGKILL");
    } catch {
      // It has already exited.
    }
    await this.started.finished;
    await Deno.remove(this.folder, { recursive: true });
  }
}

const OK = [200, { ok: true }] as const;

test("each run has its own id, setup, options, counts and files, and the worst exit code counts", async () => {
  await using target = new CountingTarget();
  await using kept = await Kept.start(
    target,
    "-u",
    "2",
    "-r",
    "100",
    "--iterations",
    "9",
    "-E",
    "broken",
  );
  await kept.ended(1);
  const { canStart, values, flags, classes, tags } = await kept.form();
  assert.equal(canStart, true);
  assert.deepEqual([values.users, values.iterations, values.excludeTags], [2, 9, ["broken"]]);
  assert.deepEqual(flags.map(({ name, value }) => [name, value]), [["tenant", "nobody"]]);
  assert.deepEqual([classes.map(({ name }) => name), tags], [["ATest"], ["broken"]]);
  assert.deepEqual(await kept.post("start", { tags: ["nope"] }).then(([status]) => status), 400);
  assert.deepEqual(
    await kept.post("start", {
      ...{ users: 3, iterations: 12, excludeTags: [], tags: ["broken"] },
      ...{ name: "second", labels: { env: "test" }, options: { tenant: "acme" } },
    }),
    OK,
  );
  await kept.ended(2);
  await kept.control(
    "start",
    "--arrival-rate",
    "50",
    "--iterations",
    "5",
    "--option",
    "tenant=other",
  );
  await kept.ended(3);
  assert.deepEqual(await kept.post("quit", {}), OK);
  const { code, stdout, stderr } = await kept.started.finished;
  // The second run has failed.
  assert.equal(code, 1, stderr);
  const [one, two, three] = ["run.json", "run-2.json", "run-3.json"].map((name) =>
    kept.summary(name)
  ) as [Summary, Summary, Summary];
  assert.equal(new Set([one.runId, two.runId, three.runId]).size, 3);
  assert.deepEqual([one.exitCode, two.exitCode, three.exitCode], [0, 1, 1]);
  assert.deepEqual([one.name, two.name, two.labels], [null, "second", { env: "test" }]);
  const counts = [one, two, three].map(({ requests }) =>
    requests.map((row) => `${row.name} ${row.requests}`)
  );
  assert.deepEqual(counts, [["/nobody/1 9"], ["/broken 12"], ["/broken 5"]]);
  assert.equal(target.total, 26);
  assert.deepEqual(stdout.match(/^(start|stop|teardown) .*$/gm), [
    ...["start nobody", "stop nobody", "teardown 1"],
    ...["start acme", "stop acme", "teardown 2"],
    ...["start other", "stop other", "teardown 3"],
  ]);
  for (const name of ["run.html", "run-2.html", "run-3.html"]) {
    assert.match(Deno.readTextFileSync(`${kept.folder}/${name}`), /^<!DOCTYPE html>/i);
  }
});

test("Ctrl-C ends a process that waits for its next run, with the exit code of its runs", async () => {
  await using target = new CountingTarget();
  await using kept = await Kept.start(target, "-u", "1", "--iterations", "3", "-E", "broken");
  await kept.ended(1);
  kept.started.kill("SIGINT");
  const { code, stderr } = await kept.started.finished;
  assert.equal(code, 0, stderr);
  assertEqualCounts(kept.summary("run.json"), target);
});

test("Ctrl-C during a run stops it, and the process with it; a run in progress is not replaced", async () => {
  await using target = new CountingTarget();
  await using kept = await Kept.start(target, "-u", "2", "-r", "100", "-E", "broken");
  await target.reached(5);
  const [status, answer] = await kept.post("start", {});
  assert.deepEqual([status, answer], [
    409,
    { error: "A run is in progress: stop it first." },
  ]);
  kept.started.kill("SIGINT");
  const { code, stderr } = await kept.started.finished;
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /Run 1 has ended/);
  assertEqualCounts(kept.summary("run.json"), target);
});

test("a run that waits to be started can be started with other options", async () => {
  await using target = new CountingTarget();
  await using kept = await Kept.start(target, "-u", "1", "--no-autostart", "-E", "broken");
  assert.deepEqual(await kept.post("start", { iterations: 4 }), OK);
  await kept.ended(1);
  assert.deepEqual(await kept.post("quit", {}), OK);
  const { code, stderr } = await kept.started.finished;
  assert.equal(code, 0, stderr);
  assert.equal(target.total, 4);
  assertEqualCounts(kept.summary("run.json"), target);
});

test("the workers of --processes stay, and get the options of each run", async () => {
  await using target = new CountingTarget();
  await using kept = await Kept.start(
    target,
    ...["--processes", "2", "-u", "4", "-r", "100", "--iterations", "20", "-E", "broken"],
  );
  await kept.ended(1);
  assert.deepEqual(
    await kept.post("start", { users: 6, iterations: 30, options: { tenant: "acme" } }),
    OK,
  );
  await kept.ended(2);
  // A run that cannot be prepared costs no worker.
  assert.deepEqual(await kept.post("start", { options: { tenant: "unknown" } }), OK);
  await kept.ended(3);
  const changes = { arrivalRate: 50, options: { tenant: "acme" } };
  assert.deepEqual(await kept.post("start", changes), OK);
  await kept.ended(4);
  kept.started.kill("SIGINT");
  const { code, stderr } = await kept.started.finished;
  assert.equal(code, 2, stderr);
  assert.match(stderr, /^aiotest: setup threw: there is no such tenant/m);
  const summaries = ["run.json", "run-2.json", "run-4.json"].map((name) => kept.summary(name));
  assert.deepEqual(
    summaries.map(({ requests }) => requests.map((row) => `${row.name} ${row.requests}`)),
    [["/nobody/1 20"], ["/acme/2 30"], ["/acme/3 30"]],
  );
  const names = summaries.map(({ workers }) => workers.map(({ id }) => id).sort());
  assert.equal(names[0]!.length, 2);
  assert.deepEqual(names, [names[0], names[0], names[0]]);
  assert.ok(summaries.every(({ complete }) => complete));
  assert.equal(target.total, 80);
});

test("workers elsewhere wait between runs; others may come and go", async () => {
  await using target = new CountingTarget();
  await using kept = await Kept.start(
    target,
    ...["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", "0"],
    ...["--expect-workers", "2", "-u", "4", "-r", "100", "--iterations", "20", "-E", "broken"],
  );
  const port = await kept.started.tells(/Waiting for workers at 127\.0\.0\.1:(\d+)/);
  const worker = (name: string): Started =>
    startAiotest([
      ...["-f", KEPT, "--worker", "--worker-name", name],
      ...["--master-host", "127.0.0.1", "--master-port", port],
    ]);
  const [a, b] = [worker("a"), worker("b")];
  await kept.ended(1);
  b.kill("SIGINT");
  assert.equal((await b.finished).code, 0);
  const c = worker("c");
  await c.says("Joined the master");
  assert.deepEqual(await kept.post("start", { options: { tenant: "acme" } }), OK);
  await kept.ended(2);
  assert.deepEqual(await kept.post("quit", {}), OK);
  const { code, stderr } = await kept.started.finished;
  assert.equal(code, 0, stderr);
  const ends = await Promise.all([a.finished, c.finished]);
  assert.deepEqual(ends.map((end) => end.code), [0, 0], ends[0]!.stderr);
  const [one, two] = [kept.summary("run.json"), kept.summary("run-2.json")];
  assert.deepEqual(one.workers.map(({ id }) => id).sort(), ["a", "b"]);
  assert.deepEqual(two.workers.map(({ id }) => id).sort(), ["a", "c"]);
  assert.deepEqual([one.totals.requests, two.totals.requests], [20, 20]);
  assert.equal(target.seen.get("GET /acme/2")!.requests, 20);
  assert.ok(one.complete && two.complete);
});

test("Ctrl-C during a run of several processes ends all of them", async () => {
  await using target = new CountingTarget();
  await using kept = await Kept.start(
    target,
    ...["--processes", "2", "-u", "4", "-r", "100", "-E", "broken"],
  );
  await target.reached(10);
  kept.started.kill("SIGINT");
  const { code, stderr } = await kept.started.finished;
  assert.equal(code, 0, stderr);
  assertEqualCounts(kept.summary("run.json"), target);
  assert.equal(stderr.match(/INFO {5}The run is over\./g)!.length, 2);
});

Deno.test("without --keep there is one run, and what --keep needs is named", async () => {
  for (
    const [args, message] of [
      [["--no-web"], /--keep cannot be used with --no-web/],
      [["--once"], /--once cannot be used with --keep/],
      [["--web-host", "0.0.0.0"], /--keep with --web-host 0\.0\.0\.0 needs --web-token/],
    ] as const
  ) {
    const { code, stderr } = await runAiotest(["-f", KEPT, "--keep", ...args], {
      env: { AIOTEST_NO_WEB: "false" },
    });
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});
