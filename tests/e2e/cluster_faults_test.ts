import assert from "node:assert/strict";
import { Cluster, endOf } from "../support/cluster.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { assertEqualCounts } from "../support/exact_counts.ts";
import { printFigure } from "../support/figure.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest } from "../support/process.ts";
import { sleep } from "../support/proxy_link.ts";

const NODES = ["w1", "w2", "w3", "w4"];
const SURVIVORS = ["w1", "w3", "w4"];

function secondsSince(atMs: number): number {
  return (performance.now() - atMs) / 1000;
}

Deno.test("kill -9 of 1 of 4 workers: the others run all 400 users within 8 s", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 4,
    args: ["-H", target.url, "-u", "400", "-r", "400"],
  });
  await cluster.alongside(target.until(() => target.visitsOf("/start", NODES) === 400, 20_000));
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

Deno.test("SIGTERM to a worker: the others have its users at once, and nothing is lost", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 4,
    args: ["-H", target.url, "-u", "200", "-r", "200"],
  });
  await cluster.alongside(target.until(() => target.visitsOf("/start", NODES) === 200, 20_000));
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

Deno.test("the last worker killed: the master stops with exit code 4 within 8 s", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 1,
    args: ["-H", target.url, "-u", "20", "-r", "20"],
  });
  await cluster.alongside(target.until(() => target.visitsOf("/start", ["w1"]) === 20, 20_000));
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

Deno.test("too few workers: the master says how many came, and exits with 4", async () => {
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

Deno.test("Ctrl-C ends a master that waits for workers", async () => {
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 1,
    args: ["--expect-workers", "2"],
  });
  await cluster.master.says("1 of 2 workers are ready.");
  const { code, summary } = await cluster.stop();
  assert.equal(summary.totals.requests, 0);
  assert.equal(summary.startedAt, null);
  assert.equal(code, 0);
  assert.equal((await endOf(cluster.worker("w1"))).code, 0);
});

Deno.test("a worker that finds no master exits with 4 after its --reconnect-timeout", async () => {
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
