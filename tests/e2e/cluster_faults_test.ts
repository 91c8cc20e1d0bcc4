import assert from "node:assert/strict";
import { Cluster, endOf } from "../support/cluster.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { lengthOf } from "../support/nightly.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { printFigure, sleep } from "../support/timing.ts";

const test = sideBySide("a cluster survives faults", 2);

const NODES = ["w1", "w2", "w3", "w4"];
const SURVIVORS = ["w1", "w3", "w4"];

function secondsSince(atMs: number): number {
  return (performance.now() - atMs) / 1000;
}

Deno.test("if 1 of 4 workers is killed, the others run all 400 users within 8 s", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.visiting(target, { workers: 4, users: 400 });
  await sleep(1_500);
  assert.equal(target.visitsOf("/start", ["w2"]), 100);
  cluster.worker("w2").kill("SIGKILL");
  const killedAt = performance.now();
  await cluster.alongside(target.until(() => target.visitsOf("/start", SURVIVORS) === 400, 20_000));
  const seconds = secondsSince(killedAt);
  await sleep(1_500);
  const users = target.usersSince(performance.now() - 1_000);
  const { summary, code, stdout, stderr } = await cluster.stop();

  printFigure("kill -9: the others run all 400", "within 8 s", `${seconds.toFixed(2)} s`);
  assert.ok(seconds < 8);
  assert.equal(users.length, 400);
  assert.ok(users.every((user) => !user.startsWith("w2")));

  const rows = new Map(summary.workers.map((row) => [row.id, row]));
  const counted = (node: string): number => rows.get(node)!.requests;
  printFigure(
    "kill -9: requests of w1, w3 and w4",
    SURVIVORS.map((node) => target.totalOf(node)).join(" "),
    SURVIVORS.map(counted).join(" "),
  );
  for (const node of SURVIVORS) {
    assert.equal(counted(node), target.totalOf(node));
    assert.equal(rows.get(node)!.complete, true);
    assert.equal(rows.get(node)!.state, "finished");
  }
  assert.ok(counted("w2") > 0 && counted("w2") <= target.totalOf("w2"));
  assert.equal(rows.get("w2")!.state, "lost");
  assert.equal(rows.get("w2")!.complete, false);
  const all = NODES.reduce((sum, node) => sum + counted(node), 0);
  assert.equal(summary.totals.requests, all);
  assert.equal(summary.users.final, 400);
  assert.equal(summary.complete, false);
  const warning = summary.warnings.find((text) => text.includes("w2"));
  printFigure("kill -9: the summary names the loss", "w2 and its seconds", String(warning));
  const [, missing] = /^Worker w2 has not sent its final report: up to (\d+) s/.exec(warning!)!;
  // Its last second that was not reported, and those until the others had its users.
  assert.ok(Number(missing) >= 1 && Number(missing) <= 8);
  assert.match(stdout, /counts incomplete for 1 of 4 workers/);
  assert.match(stderr, /Worker w2 has been silent for 6 s/);
  assert.equal(summary.exitCode, 4);
  assert.equal(code, 4);
});

Deno.test("after SIGTERM to a worker, the others take over its users at once, and nothing is lost", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.visiting(target, { workers: 4, users: 200 });
  await sleep(1_000);
  cluster.worker("w2").kill("SIGTERM");
  const toldAt = performance.now();
  await cluster.alongside(target.until(() => target.visitsOf("/start", SURVIVORS) === 200, 20_000));
  const seconds = secondsSince(toldAt);
  const left = await endOf(cluster.worker("w2"));
  await sleep(1_200);
  const users = target.usersSince(performance.now() - 1_000);
  const { summary, code } = await cluster.stop();

  printFigure("SIGTERM: the others have its users", "within 2 s", `${seconds.toFixed(2)} s`);
  assert.ok(seconds < 2);
  assert.equal(users.length, 200);
  assert.ok(users.every((user) => !user.startsWith("w2")));
  printFigure("SIGTERM: requests", `${target.total}`, `${summary.totals.requests}`);
  assertEqualCounts(summary, target);
  for (const { id, state, complete, requests } of summary.workers) {
    assert.equal(state, id === "w2" ? "left" : "finished");
    assert.equal(complete, true);
    assert.equal(requests, target.totalOf(id));
  }
  assert.equal(summary.complete, true);
  assert.deepEqual(summary.warnings, []);
  assert.equal(code, 0);
  assert.equal(left.code, 0);
});

test("if the last worker is killed, the master stops with exit code 4 within 8 s", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.visiting(target, { workers: 1, users: 20 });
  await sleep(1_500);
  cluster.worker("w1").kill("SIGKILL");
  const killedAt = performance.now();
  const { summary, code, stderr } = await cluster.ended();
  const seconds = secondsSince(killedAt);
  printFigure("the last worker killed: the master stops", "within 8 s", `${seconds.toFixed(2)} s`);
  assert.ok(seconds < 8);
  assert.match(stderr, /No worker is left to run users/);
  assert.equal(summary.complete, false);
  assert.equal(summary.workers[0]!.state, "lost");
  assert.equal(code, 4);
});

test("if too few workers join, the master says how many, and exits with 4", async () => {
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 1,
    args: ["--expect-workers", "2", "--expect-workers-max-wait", "5"],
  });
  const { code, stderr } = await endOf(cluster.master);
  assert.match(stderr, /1 of 2 workers joined within 5 s/);
  assert.match(stderr, /--expect-workers-max-wait/);
  assert.equal(code, 4);
  assert.equal((await endOf(cluster.worker("w1"))).code, 0);
});

test("Ctrl-C ends a master that waits for workers", async () => {
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 1,
    args: ["--expect-workers", "2"],
  });
  await cluster.master.says("1 of 2 workers are ready.");
  const { code, summary } = await cluster.stop();
  assert.equal(summary.totals.requests, 0);
  assert.equal(summary.startedAt, null);
  // A run that was stopped before its start is no success.
  assert.equal(code, 130);
  assert.equal((await endOf(cluster.worker("w1"))).code, 0);
});

test("a worker that finds no master exits with 4 after its --reconnect-timeout", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { code, stderr } = await runAiotest([
    ...["-f", projectPath("tests/e2e/fixtures/visits.ts"), "--worker"],
    ...["--master-port", String(port), "--reconnect-timeout", "2"],
  ]);
  assert.match(stderr, new RegExp(`Cannot reach the master at 127.0.0.1:${port} for 2 s`));
  assert.equal(code, 4);
});

const WORKERS = ["w1", "w2", "w3"];
const OTHERS = ["w1", "w3"];

/** 90 users on 3 workers, all of which have been started. */
async function startCluster(target: CountingTarget): Promise<Cluster> {
  const cluster = await Cluster.visiting(target, { workers: 3, users: 90, proxied: true });
  await sleep(1_200);
  return cluster;
}

test("a worker that is suspended for 3 s keeps its users", async () => {
  await using target = new CountingTarget();
  await using cluster = await startCluster(target);
  const before = target.usersSince(performance.now() - 1_000);
  cluster.worker("w2").kill("SIGSTOP");
  await sleep(3_000);
  cluster.worker("w2").kill("SIGCONT");
  await sleep(1_500);
  const after = target.usersSince(performance.now() - 1_000);
  const moved = target.visitsOf("/start", WORKERS) - 90 + target.visitsOf("/stop", WORKERS);
  const { summary, code } = await cluster.stop();

  printFigure("SIGSTOP for 3 s: users moved", "0", `${moved}`);
  assert.equal(moved, 0);
  assert.equal(before.length, 90);
  assert.deepEqual(after, before);
  printFigure("SIGSTOP for 3 s: requests", `${target.total}`, `${summary.totals.requests}`);
  assertEqualCounts(summary, target);
  assert.equal(summary.complete, true);
  assert.equal(code, 0);
});

/** Longer than it takes a master to give up a worker. */
const LONG_MS = lengthOf({ short: 9_000, full: 20_000 });

test("a worker that is suspended for long loses its users until it joins again", async () => {
  await using target = new CountingTarget();
  await using cluster = await startCluster(target);
  let joinedAt = Infinity;
  cluster.proxy!.onFrame = ({ message, workerId }) => {
    if (message.type === "JOIN" && workerId === "w2") joinedAt = performance.now();
  };
  cluster.worker("w2").kill("SIGSTOP");
  const stoppedAt = performance.now();
  await cluster.alongside(target.until(() => target.visitsOf("/start", OTHERS) === 90, 20_000));
  const movedIn = (performance.now() - stoppedAt) / 1000;
  await sleep(LONG_MS - (performance.now() - stoppedAt));
  const continuedAt = performance.now();
  cluster.worker("w2").kill("SIGCONT");
  await cluster.alongside(target.until(() => target.visitsOf("/start", ["w2"]) === 60, 10_000));
  const backIn = (performance.now() - joinedAt) / 1000;
  await sleep(1_500);
  const users = target.usersSince(performance.now() - 1_000);
  const { summary, code } = await cluster.stop();

  printFigure("SIGSTOP for long: its users run elsewhere", "within 8 s", `${movedIn.toFixed(2)} s`);
  assert.ok(movedIn < 8);
  const early = target.visits.filter(({ node, atMs }) =>
    node === "w2" && atMs >= continuedAt && atMs < joinedAt
  );
  printFigure("SIGSTOP for long: its requests before it has joined again", "0", `${early.length}`);
  assert.deepEqual(early, []);
  printFigure("SIGSTOP for long: it has users again", "within 2 s", `${backIn.toFixed(2)} s`);
  assert.ok(backIn < 2);
  assert.deepEqual(
    WORKERS.map((node) => users.filter((user) => user.startsWith(node)).length),
    [30, 30, 30],
  );
  printFigure("SIGSTOP for long: requests", `${target.total}`, `${summary.totals.requests}`);
  assertEqualCounts(summary, target);
  assert.equal(summary.users.final, 90);
  assert.ok(summary.workers.every(({ complete, state }) => complete && state === "finished"));
  assert.equal(summary.complete, true);
  assert.equal(code, 0);
});

/** Longer than workers run users without their master, and than it takes a master to give up a worker. */
const MASTER_PAUSE_MS = 8_000;

test("a master that is suspended for 8 s loses neither workers nor counts", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.visiting(target, { workers: 2, users: 40 });
  const workers = ["w1", "w2"];
  await sleep(1_500);
  cluster.master.kill("SIGSTOP");
  await sleep(MASTER_PAUSE_MS);
  const idle = target.usersSince(performance.now() - 1_500);
  cluster.master.kill("SIGCONT");
  await cluster.alongside(target.until(() => target.visitsOf("/start", workers) === 80, 20_000));
  await sleep(1_500);
  const users = target.usersSince(performance.now() - 1_000);
  const { summary, code, stderr } = await cluster.stop();

  printFigure("master suspended: users while it cannot be heard", "0", `${idle.length}`);
  assert.deepEqual(idle, []);
  assert.equal(users.length, 40);
  printFigure("master suspended: requests", `${target.total}`, `${summary.totals.requests}`);
  assertEqualCounts(summary, target);
  for (const { id, state, complete, requests } of summary.workers) {
    assert.deepEqual([state, complete, requests], ["finished", true, target.totalOf(id)]);
  }
  const text = /The master did not run for [89]\.\d s, from \d+s of the test on/;
  // On a busy machine, workers may warn of their own event loops.
  const warnings = summary.warnings.filter((warning) =>
    !/event loop|Worker w\d did not/.test(warning)
  );
  assert.equal(warnings.length, 1, warnings.join("\n"));
  assert.match(warnings[0]!, text);
  assert.match(stderr, text);
  assert.doesNotMatch(stderr, /has been silent|Refused/);
  assert.deepEqual([summary.complete, code], [true, 0]);
});
