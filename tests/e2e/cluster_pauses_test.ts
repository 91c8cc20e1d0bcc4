import assert from "node:assert/strict";
import { Cluster } from "../support/cluster.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { assertEqualCounts } from "../support/exact_counts.ts";
import { printFigure } from "../support/figure.ts";
import { lengthOf } from "../support/nightly.ts";
import { sleep } from "../support/proxy_link.ts";

const NODES = ["w1", "w2", "w3"];
const OTHERS = ["w1", "w3"];

/** 90 users on 3 workers, all of which have been started. */
async function startCluster(target: CountingTarget): Promise<Cluster> {
  const cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 3,
    args: ["-H", target.url, "-u", "90", "-r", "90"],
    proxied: true,
  });
  await cluster.alongside(target.until(() => target.visitsOf("/start", NODES) === 90, 20_000));
  await sleep(1_200);
  return cluster;
}

Deno.test("a worker that is stopped for 3 s keeps its users", async () => {
  await using target = new CountingTarget();
  await using cluster = await startCluster(target);
  const before = target.usersSince(performance.now() - 1_000);
  cluster.worker("w2").kill("SIGSTOP");
  await sleep(3_000);
  cluster.worker("w2").kill("SIGCONT");
  await sleep(1_500);
  const after = target.usersSince(performance.now() - 1_000);
  const moved = target.visitsOf("/start", NODES) - 90 + target.visitsOf("/stop", NODES);
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

Deno.test("a worker that is stopped for long loses its users until it has joined again", async () => {
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
    NODES.map((node) => users.filter((user) => user.startsWith(node)).length),
    [30, 30, 30],
  );
  printFigure("SIGSTOP for long: requests", `${target.total}`, `${summary.totals.requests}`);
  assertEqualCounts(summary, target);
  assert.equal(summary.users.final, 90);
  assert.ok(summary.workers.every(({ complete, state }) => complete && state === "finished"));
  assert.equal(summary.complete, true);
  assert.equal(code, 0);
});
