import assert from "node:assert/strict";
import { Cluster } from "../support/cluster.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { seeded } from "../support/cutting_target.ts";
import { memoryOf } from "../support/machine.ts";
import { lengthOf } from "../support/nightly.ts";
import { printFigure, sleep } from "../support/timing.ts";

const MIB = 2 ** 20;

const CUTS = lengthOf({ short: 60, full: 200 });

Deno.test("nothing is lost or counted twice if connections are cut at random and every frame is sent twice", async () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "walks.ts",
    workers: 8,
    args: ["-H", target.url, "-u", "42", "-r", "42", "--wait", "0.2"],
    proxied: true,
  });
  const proxy = cluster.proxy!;
  proxy.duplicating = true;
  await target.reached(100);
  const from = performance.now();
  await proxy.cutAtRandom(seeded(seed), { cuts: CUTS, meanMs: 60 });
  const seconds = (performance.now() - from) / 1000;
  const { summary, code } = await cluster.stop();
  printFigure(
    `${CUTS} cuts in ${seconds.toFixed(0)} s, seed ${seed}: requests`,
    `${target.total}`,
    `${summary.totals.requests}`,
  );
  assertEqualCounts(summary, target);
  for (const { id, requests, complete } of summary.workers) {
    assert.equal(requests, target.totalOf(id));
    assert.equal(complete, true);
  }
  assert.equal(summary.complete, true);
  assert.equal(code, 0);
});

/** Bytes per second that reach the master: fewer than the reports need. */
const SLOW = 10_000;

/** Requests per second of all users, each measured from its first to its last request since then. */
function rateSince(target: CountingTarget, fromMs: number): number {
  const byUser = Map.groupBy(
    target.visits.filter(({ atMs }) => atMs >= fromMs),
    ({ node, user }) => `${node} ${user}`,
  );
  return [...byUser.values()].reduce((sum, visits) => {
    const seconds = (visits.at(-1)!.atMs - visits[0]!.atMs) / 1000;
    return sum + (visits.length - 1) / seconds;
  }, 0);
}

/** The median resident memory of a process over a time. */
async function usualMemory(pid: number, forMs: number): Promise<number> {
  const residents: number[] = [];
  for (const until = performance.now() + forMs; performance.now() < until; await sleep(250)) {
    residents.push((await memoryOf(pid)).resident);
  }
  return residents.toSorted((a, b) => a - b)[Math.floor(residents.length / 2)]!;
}

/** A run whose reports may be slowed down. */
async function reportedRun(bytesPerSecond: number | null): Promise<
  { readonly rate: number; readonly memory: number; readonly reportBytes: number }
> {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "walks.ts",
    workers: 1,
    args: [
      ...["-H", target.url, "-u", "50", "-r", "50"],
      ...["--wait", "0.5", "--pages", "30", "--path-length", "400"],
    ],
    proxied: true,
  });
  const proxy = cluster.proxy!;
  proxy.limit("toMaster", bytesPerSecond);
  let bytes = 0;
  proxy.onFrame = ({ message, bytes: size }) => {
    if (message.type === "REPORT") bytes += size;
  };
  await target.until(() => target.visitsOf("/start", ["w1"]) === 50, 20_000);
  await sleep(1_000);
  const [from, before] = [performance.now(), bytes];
  await sleep(lengthOf({ short: 4_000, full: 8_000 }));
  const memory = await usualMemory(cluster.worker("w1").pid, 2_000);
  const seconds = (performance.now() - from) / 1000;
  const rate = rateSince(target, from);
  const reportBytes = (bytes - before) / seconds;
  // No user was stopped or restarted.
  assert.equal(target.visitsOf("/start", ["w1"]), 50);
  assert.equal(target.visitsOf("/stop", ["w1"]), 0);
  const { summary, code } = await cluster.stop();
  assertEqualCounts(summary, target);
  assert.equal(summary.complete, true);
  // On a busy machine, the event loop may be late.
  assert.deepEqual(summary.warnings.filter((text) => !text.includes("event loop")), []);
  assert.equal(code, 0);
  return { rate, memory, reportBytes };
}

Deno.test("a master that reads 10 kB per second costs no request, and does not fill the worker's memory", async () => {
  const [slow, quick] = await Promise.all([reportedRun(SLOW), reportedRun(null)]);
  printFigure(
    "reports of the quick one",
    `over ${SLOW} bytes a second`,
    `${quick.reportBytes.toFixed(0)}, and ${slow.reportBytes.toFixed(0)} of the slow one`,
  );
  assert.ok(quick.reportBytes > SLOW);
  assert.ok(slow.reportBytes < quick.reportBytes);
  printFigure(
    "a slow master: load",
    `within 1 % of ${quick.rate.toFixed(2)}`,
    slow.rate.toFixed(2),
  );
  const grown = (slow.memory - quick.memory) / MIB;
  printFigure("a slow master: memory of the worker", "under +32 MiB", `${grown.toFixed(1)} MiB`);
  assert.ok(grown < 32);
});

/** How late a worker may stop a user. */
const LATE_MS = 250;

/** The maximum number of users that sent requests at the same time, without those that are stopping. */
function mostAtOnce({ visits }: CountingTarget): number {
  const lives = Map.groupBy(visits, ({ node, user }) => `${node} ${user}`);
  const changes = [...lives.values()].flatMap((life) => {
    const last = life.at(-1)!;
    return [
      { atMs: life[0]!.atMs, change: 1 },
      { atMs: last.path === "/stop" ? last.atMs - LATE_MS : last.atMs, change: -1 },
    ];
  });
  let [users, most] = [0, 0];
  for (const { change } of changes.toSorted((a, b) => a.atMs - b.atMs)) {
    users += change;
    most = Math.max(most, users);
  }
  return most;
}

Deno.test("users move to another worker only if the network is dead for long", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "walks.ts",
    workers: 2,
    args: ["-H", target.url, "-u", "45", "-r", "45", "--wait", "0.2", "--expect-workers", "3"],
    proxied: true,
  });
  const proxy = cluster.proxy!;
  cluster.join("w3", ["--master-port", String(proxy.masterPort)]);
  const started = (...nodes: string[]): number => target.visitsOf("/start", nodes);
  await target.until(() => started("w1", "w2", "w3") === 45, 20_000);
  const assertUnmoved = (what: string): void => {
    const moved = started("w1", "w2", "w3") - 45 + target.visitsOf("/stop", ["w1", "w2", "w3"]);
    printFigure(`${what}: users moved`, "0", `${moved}`);
    assert.equal(moved, 0);
  };

  proxy.limit("toWorker", SLOW);
  await sleep(lengthOf({ short: 2_000, full: 4_000 }));
  proxy.limit("toWorker", null);
  assertUnmoved("a master that is heard at 10 kB a second");

  proxy.delayMs = 1_000;
  await sleep(lengthOf({ short: 4_000, full: 8_000 }));
  proxy.delayMs = 0;
  await sleep(1_500);
  assertUnmoved("a delay of 1 s in both directions");

  proxy.hold();
  await sleep(4_000);
  proxy.release();
  await sleep(2_000);
  assertUnmoved("nothing heard for 4 s");

  proxy.hold();
  const heldAt = performance.now();
  await sleep(8_000);
  assert.equal(started("w3"), 45);
  const lastAt = target.visits.findLast(({ node }) => node !== "w3")!.atMs;
  const movedAt =
    target.visits.find(({ node, path, atMs }) =>
      node === "w3" && path === "/start" && atMs > heldAt
    )!.atMs;
  const since = (atMs: number): string => `${((atMs - heldAt) / 1000).toFixed(2)} s`;
  printFigure(
    "nothing heard for 8 s: users begin elsewhere",
    `after the last request of those before, at ${since(lastAt)}`,
    since(movedAt),
  );
  assert.ok(movedAt > lastAt);
  proxy.release();
  const releasedAt = performance.now();
  await target.until(() => started("w1", "w2") === 60, 20_000);
  const seconds = (performance.now() - releasedAt) / 1000;
  printFigure("heard again: the workers have users again", "soon", `${seconds.toFixed(2)} s`);
  await sleep(1_500);
  const users = target.usersSince(performance.now() - 1_000);
  const { summary, code } = await cluster.stop();

  assert.deepEqual(
    ["w1", "w2", "w3"].map((node) => users.filter((user) => user.startsWith(node)).length),
    [15, 15, 15],
  );
  printFigure("a bad network: users at once, at most", "45", `${mostAtOnce(target)}`);
  assert.ok(mostAtOnce(target) <= 45);
  printFigure("a bad network: requests", `${target.total}`, `${summary.totals.requests}`);
  assertEqualCounts(summary, target);
  assert.ok(summary.workers.every(({ complete }) => complete));
  assert.equal(summary.complete, true);
  assert.equal(code, 0);
});
