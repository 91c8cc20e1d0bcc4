import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { Cluster, endOf } from "../support/cluster.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { seeded } from "../support/cutting_target.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { sleep } from "../support/timing.ts";
import { lengthOf } from "../support/nightly.ts";
import { projectPath } from "../support/paths.ts";
import { startAiotest } from "../support/process.ts";

const test = sideBySide("what nodes share", 2);

const WORKERS = ["w1", "w2", "w3"];

/** A test under way, on three workers or in one process. */
interface Run extends AsyncDisposable {
  readonly nodes: readonly string[];
  stop(): Promise<{ readonly code: number; readonly stderr: string; readonly summary: Summary }>;
}

function flags(target: CountingTarget, scenario: string, nodes: readonly string[]): string[] {
  return ["-H", target.url, "-u", "30", "-r", "1000"]
    .concat("--scenario", scenario, "--nodes", nodes.join(","));
}

async function onWorkers(target: CountingTarget, scenario: string): Promise<Run> {
  const cluster = await Cluster.start({
    fixture: "sharing.ts",
    workers: WORKERS.length,
    args: flags(target, scenario, WORKERS),
  });
  return {
    nodes: WORKERS,
    stop: () => cluster.stop(),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

async function inOneProcess(target: CountingTarget, scenario: string): Promise<Run> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const file = projectPath("tests/e2e/fixtures/sharing.ts");
  const args = flags(target, scenario, ["local"]);
  const run = startAiotest(["-f", file, "--json", json, ...args]);
  let ended = false;
  return {
    nodes: ["local"],
    async stop(): ReturnType<Run["stop"]> {
      run.kill("SIGINT");
      const end = await endOf(run);
      ended = true;
      return { ...end, summary: JSON.parse(await Deno.readTextFile(json)) };
    },
    async [Symbol.asyncDispose](): Promise<void> {
      // A test that has failed has not waited for its end.
      if (!ended) run.kill("SIGKILL");
      await run.finished;
      await Deno.remove(json);
    },
  };
}

/** Visits of paths with this prefix. */
function visits(target: CountingTarget, prefix: string): CountingTarget["visits"] {
  return target.visits.filter(({ path }) => path.startsWith(prefix));
}

function pathsOf(target: CountingTarget, prefix: string): string[] {
  return visits(target, prefix).map(({ path }) => path).sort();
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`).sort();
}

for (
  const [where, start] of Object.entries({ "3 workers": onWorkers, "one process": inOneProcess })
) {
  test(`${where}: each of 3,000 unique rows goes to one user, and users that get none stop`, async () => {
    await using target = new CountingTarget();
    await using run = await start(target, "unique");
    await target.reached(3_000 + 30);
    const { code, stderr, summary } = await run.stop();
    assert.deepEqual(pathsOf(target, "/row/"), numbered("/row/", 3_000));
    assert.deepEqual(
      [...new Set(visits(target, "/row/").map(({ node }) => node))].sort(),
      run.nodes,
    );
    // No other user replaces a user that has stopped.
    assert.equal(visits(target, "/stop").length, 30);
    assert.equal(new Set(visits(target, "/stop").map(({ user }) => user)).size, 30);
    assert.deepEqual([summary.userErrors, code], [[], 0], stderr);
    const warning =
      /^Feeder \w+ has no more rows: all 3,000 were handed out within \w+; 30 of 30 users have stopped since\.$/;
    assert.ok(summary.warnings.some((text) => warning.test(text)), summary.warnings.join("\n"));
    assert.match(stderr, /WARNING +Feeder \w+ has no more rows: /);
  });

  test(`${where}: a circular feeder starts again with its first row`, async () => {
    await using target = new CountingTarget();
    await using run = await start(target, "circular");
    await target.reached(400);
    await run.stop();
    const paths = pathsOf(target, "/row/");
    const counts = numbered("/row/", 4).map((row) => paths.filter((path) => path === row).length);
    assert.deepEqual(counts, [100, 100, 100, 100]);
  });

  test(`${where}: next() throws when no rows are left, if so configured`, async () => {
    await using target = new CountingTarget();
    await using run = await start(target, "scarce");
    await target.reached(5);
    await sleep(500);
    const { code, summary } = await run.stop();
    assert.deepEqual(pathsOf(target, "/row/"), numbered("/row/", 5));
    const errors = summary.userErrors.map(({ user, error }) => `${user}: ${error}`);
    assert.deepEqual(errors, ["SharingTest: feeder scarce: all 5 rows have been used"]);
    assert.equal(code, 1);
  });

  test(`${where}: 30 users meet, all continue at once, and meet again`, async () => {
    await using target = new CountingTarget();
    await using run = await start(target, "rendezvous");
    await target.reached(120);
    const { code, stderr } = await run.stop();
    for (const round of [0, 1]) {
      const before = visits(target, `/before/${round}`);
      const after = visits(target, `/after/${round}/30/true`);
      assert.deepEqual([before.length, after.length], [30, 30]);
      const [lastBefore, firstAfter, lastAfter] = [
        Math.max(...before.map(({ atMs }) => atMs)),
        Math.min(...after.map(({ atMs }) => atMs)),
        Math.max(...after.map(({ atMs }) => atMs)),
      ];
      assert.ok(lastBefore < firstAfter, "a user continued before all had arrived");
      assert.ok(lastAfter - firstAfter < 300, `all went within ${lastAfter - firstAfter} ms`);
    }
    assert.equal(code, 0, stderr);
  });

  test(`${where}: users at an incomplete rendezvous continue after its timeout`, async () => {
    await using target = new CountingTarget();
    await using run = await start(target, "late");
    await target.reached(30);
    await run.stop();
    assert.deepEqual(pathsOf(target, "/late"), Array(30).fill("/late/30/false"));
  });

  test(`${where}: every value in a queue is popped once`, async () => {
    await using target = new CountingTarget();
    await using run = await start(target, "queue");
    await target.reached(300);
    const { code, stderr } = await run.stop();
    assert.deepEqual(pathsOf(target, "/popped/"), numbered("/popped/", 300));
    assert.equal(code, 0, stderr);
  });
}

test("messages to the master, to all, to workers and to one node arrive once and in order", async () => {
  await using target = new CountingTarget();
  await using run = await onWorkers(target, "messages");
  // 20 users send; for each that is 20 times to 1, 4, 3 nodes and an answer, and then to 3 nodes.
  const heard = 20 * (20 * (1 + 4 + 3 + 1) + 3);
  await target.reached(heard);
  await sleep(300);
  const { code, stderr } = await run.stop();
  assert.equal(visits(target, "/heard/").length, heard);
  const count = (kind: string, node: string, from: string): number =>
    visits(target, `/heard/${kind}/`).filter((one) =>
      one.node === node && one.path.endsWith(`/${from}`)
    ).length;
  for (const node of WORKERS) {
    for (const from of ["w1", "w2"]) {
      assert.equal(count("toAll", node, from), 200);
      assert.equal(count("toWorkers", node, from), 200);
      assert.equal(count("toOne", node, from), 10);
    }
    assert.equal(count("toOne", node, "master"), node === "w3" ? 0 : 200);
  }
  for (const from of ["w1", "w2"]) {
    assert.equal(count("toMaster", "master", from), 200);
    assert.equal(count("toAll", "master", from), 200);
  }
  assert.equal(code, 0, stderr);
});

const ADDS = lengthOf({ short: 2_000, full: 10_000 });

test("counters are exact, even if connections are cut and frames sent twice", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "sharing.ts",
    workers: WORKERS.length,
    proxied: true,
    args: [...flags(target, "counter", WORKERS), "--adds", String(ADDS)],
  });
  const { proxy } = cluster;
  assert.ok(proxy !== null);
  proxy.duplicating = true;
  const cut = proxy.cutAtRandom(seeded(7), { cuts: 60, meanMs: 60 });
  await cluster.alongside(target.reached(1));
  await cut;
  await cluster.stop();
  assert.deepEqual(pathsOf(target, "/value/"), [`/value/${2 * ADDS}`]);
});

test("a master that resumes a run hands out no row twice, and skips none", async () => {
  await using target = new CountingTarget();
  const folder = await Deno.makeTempDir();
  const journal = `${folder}/journal`;
  await using cluster = await Cluster.start({
    fixture: "sharing.ts",
    workers: WORKERS.length,
    journal,
    args: flags(target, "unique", WORKERS),
  });
  await cluster.alongside(target.reached(1_000));
  cluster.master.kill("SIGKILL");
  await cluster.master.finished;
  await cluster.resume(journal).says("Resuming run");
  await cluster.alongside(target.reached(3_000 + 30));
  await cluster.stop();
  assert.deepEqual(pathsOf(target, "/row/"), numbered("/row/", 3_000));
  await Deno.remove(folder, { recursive: true });
});

test("a missing or invalid file of rows is reported, with its line, before the run starts", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/rows_test.ts`;
  await Deno.writeTextFile(
    file,
    `import { cluster, csv, User } from "aiotest";
     cluster.feeder("accounts", csv("accounts.csv"));
     export class RowTest extends User { test(): void {} }`,
  );
  const config = projectPath("deno.json");
  await Deno.copyFile(config, `${folder}/deno.json`);
  const end = async (): Promise<[number, string]> => {
    const { code, stderr } = await endOf(startAiotest(["-f", file, "-t", "1"], { cwd: folder }));
    return [code, stderr.split("\n").find((line) => line.startsWith("aiotest:")) ?? stderr];
  };
  assert.deepEqual(await end(), [
    2,
    `aiotest: feeder accounts: accounts.csv: there is no such file: ${folder}/accounts.csv`,
  ]);
  await Deno.writeTextFile(`${folder}/accounts.csv`, "name,password\nann,1\nben\n");
  assert.deepEqual(await end(), [
    2,
    "aiotest: feeder accounts: accounts.csv, line 3: " +
    "Invalid Record Length: columns length is 2, got 1",
  ]);
  await Deno.remove(folder, { recursive: true });
});
