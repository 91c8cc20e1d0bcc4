import assert from "node:assert/strict";
import { openFile } from "../../src/core/files.ts";
import { JOURNAL_HEAD } from "../../src/cluster/journal.ts";
import type { Summary } from "../../src/report/summary.ts";
import { Cluster, type ClusterOptions, type ClusterResult, kill } from "../support/cluster.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { readJournal, RUN_RECORD } from "../support/journals.ts";
import { isMissing } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, runAiotest, startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { printFigure, sleep } from "../support/timing.ts";

const test = sideBySide("a run survives the end of its master", 2);

const NODES = ["w1", "w2", "w3"];

/** The load is counted in slices of this many milliseconds. */
const SLICE_MS = 1_000;

/** A target, a cluster whose master writes a journal, and what became of its masters. */
class RestartedRun implements AsyncDisposable {
  readonly target: CountingTarget;
  readonly cluster: Cluster;
  readonly journal: string;
  /** When the first master was killed. */
  killedAt = Infinity;

  private constructor(target: CountingTarget, cluster: Cluster, journal: string) {
    this.target = target;
    this.cluster = cluster;
    this.journal = journal;
  }

  static async start({ args, ...options }: Partial<ClusterOptions>): Promise<RestartedRun> {
    const target = new CountingTarget();
    const journal = `${await Deno.makeTempDir()}/journal`;
    const cluster = await Cluster.start({
      fixture: "walks.ts",
      workers: NODES.length,
      journal,
      ...options,
      args: ["-H", target.url, ...args ?? []],
    });
    return new RestartedRun(target, cluster, journal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    await this.target[Symbol.asyncDispose]();
    await Deno.remove(this.journal.replace(/\/journal$/, ""), { recursive: true });
  }

  /** Users that have begun so far. */
  get started(): number {
    return this.target.visitsOf("/start", NODES);
  }

  /** Resolves when this many users have started. */
  async reached(users: number): Promise<void> {
    await this.target.until(() => this.started >= users, 30_000);
  }

  async kill(): Promise<void> {
    this.killedAt = Math.min(this.killedAt, performance.now());
    this.cluster.master.kill("SIGKILL");
    await this.cluster.master.finished;
  }

  /** Starts the next master; resolves with the run that it goes on with. */
  async resume(): Promise<string> {
    return await this.cluster.resume(this.journal).tells(/Resuming run (\S+):/);
  }

  /** Resolves when every worker has joined this many times. */
  async joined(times: number): Promise<void> {
    const pattern = new RegExp(`(?:Joined the master[^]*){${times - 1}}Joined (the master)`);
    await Promise.all(NODES.map((node) => this.cluster.worker(node).tells(pattern)));
  }

  /** Another master that tries to resume the run. */
  async resumeRefused(): Promise<Finished> {
    const fixture = projectPath("tests/e2e/fixtures/walks.ts");
    return await runAiotest(["-f", fixture, "--master", "--resume", this.journal]);
  }

  /** Flips one bit of the journal. */
  async flipBit(byte: number, bit: number): Promise<void> {
    const bytes = await Deno.readFile(this.journal);
    bytes[byte]! ^= 1 << bit;
    await Deno.writeFile(this.journal, bytes);
  }

  /** The run that the journal was begun for. */
  async runId(): Promise<string> {
    const text = new TextDecoder("latin1").decode(await Deno.readFile(this.journal));
    return /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(text)![0];
  }

  /** Requests in each slice from one moment to another. */
  load(fromMs: number, toMs: number): number[] {
    const slices = new Array<number>(Math.floor((toMs - fromMs) / SLICE_MS)).fill(0);
    for (const { atMs } of this.target.visits) {
      const slice = Math.floor((atMs - fromMs) / SLICE_MS);
      if (slice >= 0 && slice < slices.length) slices[slice]!++;
    }
    return slices;
  }

  /** Whether everything was counted once, and all of it is one run. */
  async assertExact(what: string, { summary, code }: ClusterResult, runId: string): Promise<void> {
    printFigure(`${what}: requests`, `${this.target.total}`, `${summary.totals.requests}`);
    assertEqualCounts(summary, this.target);
    assert.deepEqual([runId, summary.runId], [await this.runId(), runId]);
    assert.equal(summary.complete, true);
    assert.deepEqual(
      summary.workers.map(({ id, state, complete }) => [id, state, complete]).sort(),
      NODES.map((id) => [id, "finished", true]),
    );
    for (const { id, requests } of summary.workers) {
      assert.equal(requests, this.target.totalOf(id));
    }
    assert.equal(code, 0);
  }

  /** Asserts that each of this many users has started once and stopped once. */
  assertUnmoved(users: number): void {
    for (const path of ["/start", "/stop"]) {
      const visits = this.target.visits.filter((visit) => visit.path === path);
      assert.equal(visits.length, users, path);
      assert.equal(new Set(visits.map(({ user }) => user)).size, users, path);
    }
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/**
 * Compares the load since the master was killed with the load before. How even it is depends on the
 * machine; that users went on is what must hold.
 */
function assertNoGap(what: string, run: RestartedRun): void {
  const { killedAt } = run;
  const usual = median(run.load(killedAt - 2_000, killedAt));
  const lowest = Math.min(...run.load(killedAt, performance.now()));
  printFigure(
    `${what}: lowest load in ${SLICE_MS} ms`,
    "60 % of the usual",
    `${(lowest / usual * 100).toFixed(0)} % of ${usual} requests`,
  );
  assert.ok(lowest > 0);
}

Deno.test("a master that is killed and restarts within 2 s leaves no gap in the load, and loses nothing", async () => {
  await using run = await RestartedRun.start({ args: ["-u", "40", "-r", "40"] });
  await run.reached(40);
  await sleep(2_500);
  await run.kill();
  await sleep(500);
  const runId = await run.resume();
  const seconds = (performance.now() - run.killedAt) / 1000;
  printFigure("killed once: the next master is there", "2 s", `${seconds.toFixed(2)} s`);
  await run.joined(2);
  await sleep(2_000);
  assertNoGap("killed once", run);
  assert.equal(run.target.visitsOf("/stop", NODES), 0);
  const result = await run.cluster.stop();
  await run.assertExact("killed once", result, runId);
  run.assertUnmoved(40);
  assert.deepEqual(result.summary.users, { current: 0, peak: 40, final: 40 });
});

Deno.test("a master that is killed again before its workers return loses nothing", async () => {
  await using run = await RestartedRun.start({ args: ["-u", "40", "-r", "40"] });
  await run.reached(40);
  await sleep(2_500);
  const killedAt = performance.now();
  await run.kill();
  const first = await run.resume();
  await run.kill();
  const second = await run.resume();
  assert.equal(first, second);
  await Promise.all(
    NODES.map((node) => run.cluster.worker(node).says("Lost the connection to the master")),
  );
  await run.joined(2);
  const awayMs = performance.now() - killedAt;
  printFigure(
    "killed twice: time without a master",
    "under 5 s",
    `${(awayMs / 1000).toFixed(1)} s`,
  );
  await sleep(1_500);
  await run.kill();
  await run.resume();
  await sleep(2_500);
  // Workers rightly stop their users after 5 s, which two starts of a master take on a busy machine.
  if (awayMs < 4_500) {
    assertNoGap("killed three times", run);
    assert.equal(run.target.visitsOf("/stop", NODES), 0);
  }
  await run.assertExact("killed three times", await run.cluster.stop(), first);
  if (awayMs < 4_500) run.assertUnmoved(40);
});

Deno.test("a master that is killed during a ramp continues it", async () => {
  await using run = await RestartedRun.start({ args: ["-u", "60", "-r", "10"] });
  await run.reached(20);
  await run.kill();
  await sleep(500);
  const atKill = run.started;
  const runId = await run.resume();
  await run.joined(2);
  const backAt = performance.now();
  const atReturn = run.started;
  await run.reached(60);
  const rate = (60 - atReturn) / (performance.now() - backAt) * 1000;
  printFigure("killed in a ramp: users started a second", "10", rate.toFixed(1));
  await sleep(1_500);
  assert.ok(atKill >= 20 && atReturn < 60);
  assert.ok(rate > 8 && rate < 12.5);
  assert.equal(run.target.visitsOf("/stop", NODES), 0);
  const result = await run.cluster.stop();
  await run.assertExact("killed in a ramp", result, runId);
  run.assertUnmoved(60);
  assert.deepEqual(result.summary.users, { current: 0, peak: 60, final: 60 });
});

test("a master that is killed while users stop still gets their final reports", async () => {
  await using run = await RestartedRun.start({
    args: ["-u", "30", "-r", "30", "--linger", "3", "--stop-timeout", "10"],
  });
  await run.reached(30);
  await sleep(1_500);
  run.cluster.master.kill("SIGINT");
  await run.cluster.master.says("Stopping the users");
  await sleep(500);
  await run.kill();
  const runId = await run.resume();
  assert.equal(run.target.visitsOf("/stop", NODES), 0);
  const result = await run.cluster.ended();
  await run.assertExact("killed while users stop", result, runId);
  run.assertUnmoved(30);
  assert.deepEqual(result.summary.users, { current: 0, peak: 30, final: 30 });
});

test("a resumed run whose workers do not return ends after 10 s, with exit code 4", async () => {
  await using run = await RestartedRun.start({ args: ["-u", "30", "-r", "30"] });
  await run.reached(30);
  await sleep(2_500);
  for (const node of NODES) run.cluster.worker(node).kill("SIGKILL");
  await run.kill();
  const runId = await run.resume();
  const resumedAt = performance.now();
  const { summary, code, stderr } = await run.cluster.ended();
  const seconds = (performance.now() - resumedAt) / 1000;
  printFigure("no worker back: the master ends", "after 10 s", `${seconds.toFixed(1)} s`);
  assert.ok(seconds > 9.5 && seconds < 18);
  assert.match(stderr, /No worker is left to run users/);
  assert.equal(summary.runId, runId);
  assert.equal(summary.complete, false);
  assert.deepEqual(summary.workers.map(({ state }) => state), ["lost", "lost", "lost"]);
  assert.ok(summary.totals.requests > 300 && summary.totals.requests <= run.target.total);
  assert.equal(code, 4);
});

test("a master that is killed as soon as it waits for workers can be resumed, by one other", async () => {
  await using run = await RestartedRun.start({
    workers: 0,
    args: ["-u", "30", "-r", "30", "--expect-workers", String(NODES.length)],
  });
  const runId = await run.runId();
  const early = await run.resumeRefused();
  assert.equal(early.code, 2);
  assert.match(early.stderr, /--resume \S+: another aiotest is using the file\n/);
  await run.kill();

  const first = JOURNAL_HEAD.length;
  for (const [byte, bit] of [[first, 7], [first + 3, 0], [first + 20, 4]] as const) {
    await run.flipBit(byte, bit);
    const { code, stderr } = await run.resumeRefused();
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`: the journal is damaged at byte ${first}\n.*truncate -s`));
    await run.flipBit(byte, bit);
  }

  const resumed = run.cluster.resume(run.journal);
  await resumed.says(`Resuming run ${runId}, which had not started.`);
  for (const node of NODES) run.cluster.join(node);
  await run.reached(30);
  await run.assertExact("killed before its workers", await run.cluster.stop(), runId);
  run.assertUnmoved(30);
});

test(
  "a journal that can no longer be written ends neither the run nor its counts, and says so",
  async () => {
    await using target = new CountingTarget();
    const folder = await Deno.makeTempDir();
    const [journal, json] = [`${folder}/run.journal`, `${folder}/run.json`];
    const fixture = projectPath("tests/e2e/fixtures/walks.ts");
    // A file that exceeds its limit fails like a full disk, if the signal is ignored.
    const master = startAiotest([
      "-c",
      `trap '' XFSZ; exec "$0" run -A --quiet "$@"`,
      ...[Deno.execPath(), projectPath("cli.ts"), "-f", fixture, "-H", target.url],
      ...["-u", "20", "-r", "20", "--processes", "2", "--journal", journal, "--json", json],
    ], { executable: "sh", env: Deno.env.toObject() });
    const limit = async (bytes: string): Promise<void> => {
      const args = [`--pid=${master.pid}`, `--fsize=${bytes}:`];
      assert.equal((await new Deno.Command("prlimit", { args }).output()).code, 0);
    };
    try {
      await target.until(() => target.total > 100, 30_000);
      await limit("1024");
      const failed = /The journal (\S+) can no longer be written \(File too large/;
      assert.equal(await master.tells(failed), journal);
      await limit("unlimited");
      const before = target.total;
      await target.until(() => target.total > before + 100, 30_000);
      master.kill("SIGINT");
      const { code } = await master.finished;
      const summary: Summary = JSON.parse(await Deno.readTextFile(json));
      assertEqualCounts(summary, target);
      // Its counts are complete, but one of its files is not.
      assert.deepEqual([summary.complete, code], [true, 1]);
      assert.ok(summary.warnings.some((text) => failed.test(text)));
      const again = await runAiotest(["-f", fixture, "--master", "--resume", journal]);
      assert.equal(again.code, 2);
      assert.match(again.stderr, /cannot be resumed because the journal is incomplete: File too l/);
    } finally {
      kill(master, "SIGKILL");
      await master.finished;
      await Deno.remove(folder, { recursive: true });
    }
  },
  { ignore: isMissing("prlimit") },
);

test("a journal keeps everything that was written before kill -9, but for at most one record", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (let round = 0; round < 3; round++) {
      const path = `${folder}/${round}.journal`;
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", projectPath("tests/support/journal_child.ts"), path],
        stdin: "null",
        stdout: "piped",
      }).spawn();
      let said = "";
      let killed = false;
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        said += text;
        // Each round kills it at another moment of its writing.
        if (killed || said.length <= 2000 * (round + 1)) continue;
        killed = true;
        child.kill("SIGKILL");
      }
      await child.status;
      const announced = Number(said.slice(0, said.lastIndexOf("\n")).split("\n").at(-1));
      assert.ok(announced > 100);
      const file = openFile(path, { create: false });
      const { records, goodBytes } = await readJournal(file);
      const left = file.size() - goodBytes;
      file.close();
      assert.ok(records.length === announced || records.length === announced + 1);
      assert.ok(left < 2100);
      assert.deepEqual(records[0], RUN_RECORD);
      const payload = new Uint8Array(2000).fill(7);
      for (const [i, record] of records.slice(1).entries()) {
        assert.deepEqual(record, { type: "report", incarnation: `i${i + 2}`, payload });
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
