import assert from "node:assert/strict";
import { denoHost } from "../../src/core/host.ts";
import { Cluster } from "../support/cluster.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { lengthOf } from "../support/nightly.ts";
import { runSimulated, type SimulatedRun } from "../support/simulated_run.ts";
import { printFigure, sleep } from "../support/timing.ts";

Deno.test("the totals of 4 workers and 100,000 requests are exactly those of the target", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "counted.ts",
    workers: 4,
    args: ["-H", target.url, "-u", "40", "-r", "1000", "--quota", "25000"],
  });
  await cluster.alongside(target.reached(100_000));
  const { summary, code } = await cluster.stop();
  printFigure(
    "4 workers, no fault: requests counted",
    `${target.total}, as the target`,
    `${summary.totals.requests}`,
  );
  assertEqualCounts(summary, target);
  assert.equal(summary.totals.requests, 100_000);
  assert.equal(summary.complete, true);
  assert.equal(code, 1);
});

Deno.test("--reset-stats discards earlier counts on all workers, and nothing else", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "switched.ts",
    workers: 3,
    args: ["-H", target.url, "-u", "60", "-r", "30", "--reset-stats"],
  });
  const seen = (name: string): number => target.seen.get(name)?.requests ?? 0;
  await cluster.alongside(target.until(() => seen("GET /after") >= 1000, 30_000));
  const { summary, code } = await cluster.stop();
  const reported = (name: string): number =>
    summary.requests.find((row) => `${row.method} ${row.name}` === name)?.requests ?? 0;
  const before = reported("GET /before");
  printFigure(
    "--reset-stats on 3 workers: requests counted after the first target, and before it",
    `${seen("GET /after")} of ${seen("GET /after")}, and at most 60 under way`,
    `${reported("GET /after")}, and ${before} of ${seen("GET /before")}`,
  );
  assert.equal(reported("GET /after"), seen("GET /after"));
  assert.ok(seen("GET /before") > 200);
  // Under way when the first target was reached: they end, and count, after it.
  assert.ok(before <= 60);
  assert.equal(summary.totals.requests, before + seen("GET /after"));
  const bySecond = summary.timeline.reduce((total, { requests }) => total + requests, 0);
  assert.equal(bySecond, summary.totals.requests);
  const byWorker = summary.workers.reduce((total, { requests }) => total + requests, 0);
  assert.equal(byWorker, summary.totals.requests);
  assert.equal(summary.complete, true);
  assert.equal(code, 0);
});

Deno.test("a worker that joins late gets its share of the users within 2 s", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.visiting(target, { workers: 2, users: 90, proxied: true });
  let joinedAt = Infinity;
  cluster.proxy!.onFrame = ({ message, workerId }) => {
    if (message.type === "JOIN" && workerId === "w3") joinedAt = performance.now();
  };
  cluster.join("w3");
  await cluster.alongside(target.until(() => target.visitsOf("/start", ["w3"]) === 30, 20_000));
  const seconds = (performance.now() - joinedAt) / 1000;
  await sleep(1_500);
  const users = target.usersSince(performance.now() - 1_000);
  const { summary, code } = await cluster.stop();
  printFigure("a late worker has its share", "within 2 s", `${seconds.toFixed(2)} s`);
  assert.ok(seconds < 2);
  assert.deepEqual(
    ["w1", "w2", "w3"].map((node) => users.filter((user) => user.startsWith(node)).length),
    [30, 30, 30],
  );
  assert.equal(target.visitsOf("/start", ["w1", "w2", "w3"]), 120);
  assertEqualCounts(summary, target);
  assert.equal(code, 0);
});

Deno.test("4 workers start every user once, at 100 per second", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 4,
    args: ["-H", target.url, "-u", "400", "-r", "100"],
  });
  const nodes = ["w1", "w2", "w3", "w4"];
  await cluster.alongside(target.until(() => target.visitsOf("/start", nodes) === 400, 30_000));
  const { code } = await cluster.stop();
  const starts = target.visits.filter(({ path }) => path === "/start").map(({ atMs }) => atMs);
  // The first one may have been quick, and the next one slow: what counts is the line of them all.
  const origin = median(starts.sort((a, b) => a - b).map((atMs, index) => atMs - index * 10));
  const due = [0.5, 1, 1.5, 2, 2.5, 3, 3.5].map((seconds) => {
    const started = starts.filter((atMs) => atMs - origin < seconds * 1000).length;
    return { started, wanted: 100 * seconds };
  });
  printFigure(
    "4 workers, users started by each half second",
    `${due.map(({ wanted }) => wanted).join(" ")}, 5 % or 2 users off at most`,
    due.map(({ started }) => started).join(" "),
  );
  assert.equal(starts.length, 400);
  assert.equal(code, 0);
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/**
 * Spreads the reports over each second, as this process and the master share their cores with other tests.
 * `deno task bench cluster` sends them all at the same moment.
 */
const SPREAD_MS = 900;

/** Prints figures that depend on the machine. */
function say(line: string): void {
  denoHost().stdout.write(`${line}\n`);
}

/** Asserts that every report was counted once, and that every worker knows it. */
function assertExact(run: SimulatedRun, workers: number): void {
  const { sent, counted, drained, summary } = run;
  assert.deepEqual(counted, sent);
  assert.equal(drained, true);
  assert.equal(summary.complete, true);
  assert.deepEqual(summary.warnings, []);
  const requests = sent.reduce((sum, row) => sum + row.requests, 0);
  assert.equal(summary.totals.requests, requests);
  assert.equal(summary.timeline.reduce((sum, second) => sum + second.requests, 0), requests);
  assert.equal(summary.workers.reduce((sum, worker) => sum + worker.requests, 0), requests);
  assert.equal(summary.workers.length, workers);
}

Deno.test("200 workers that are cut off at the same moment all return within 10 s, and counts are exact", async () => {
  const workers = 200;
  let backMs = Infinity;
  const run = await runSimulated({
    workers,
    seconds: 8,
    spreadMs: SPREAD_MS,
    onBegun: async (crew) => {
      await crew.until(({ acknowledged }) => acknowledged >= 2, 10_000);
      crew.cut();
      backMs = await crew.until(({ joins, connected }) => joins > 1 && connected, 10_000);
    },
  });
  say(`200 workers were back after ${backMs.toFixed(0)} ms`);
  assertExact(run, workers);
  assert.ok(run.summary.workers.every(({ state }) => state === "finished"));
});

Deno.test("a master keeps up with the reports of many workers, and its memory does not grow", async () => {
  const workers = lengthOf({ short: 400, full: 1_000 });
  const seconds = lengthOf({ short: 9, full: 12 });
  const run = await runSimulated({ workers, seconds, spreadMs: SPREAD_MS });
  const { delayMs, masterCpu, residentBytes, waitedMs, reports } = run;
  const grown = Math.max(...residentBytes.slice(4)) - residentBytes[3]!;
  say(
    `${workers} workers: ${(masterCpu * 100).toFixed(0)} % of a core; acknowledged after ` +
      `${delayMs.p50!.toFixed(0)} ms, ${delayMs.max!.toFixed(0)} ms at most, ` +
      `${waitedMs.toFixed(0)} ms without a core; ` +
      `memory grew by ${(grown / 2 ** 20).toFixed(1)} MiB`,
  );
  assertExact(run, workers);
  // STOP may arrive before the last report or two.
  assert.ok(reports >= (seconds - 2) * workers, `${reports} reports`);
  assert.ok(delayMs.p50! < 1_000, `half of the reports were acknowledged after ${delayMs.p50} ms`);
  // Without the time in which other processes used the cores.
  assert.ok(delayMs.max! - waitedMs < 2_000, `a report was acknowledged after ${delayMs.max} ms`);
  assert.ok(grown < 64 * 2 ** 20, `memory grew by ${grown} bytes`);
});
