import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import type { IterationSummary } from "../../src/stats/snapshot.ts";
import { type Category, chiSquareP, poisson } from "../support/chi_square.ts";
import { Cluster, endOf } from "../support/cluster.ts";
import { CountingTarget, StallingTarget, type Visit } from "../support/counting_target.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { printFigure } from "../support/timing.ts";

interface Ended extends Finished {
  readonly summary: Summary;
}

/** Runs a fixture against a target, with all its workers on this machine. */
async function run(fixture: string, url: string, args: readonly string[]): Promise<Ended> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const file = projectPath(`tests/e2e/fixtures/${fixture}.ts`);
    const ended = await endOf(startAiotest(["-f", file, "-H", url, "--json", json, ...args]));
    const text = await Deno.readTextFile(json);
    assert.notEqual(text, "", ended.stderr);
    return { ...ended, summary: JSON.parse(text) };
  } finally {
    await Deno.remove(json);
  }
}

/** Scheduled, started, completed, dropped. */
function counts({ iterations }: Summary): number[] {
  const { scheduled, started, completed, dropped } = iterations as IterationSummary;
  return [scheduled, started, completed, dropped];
}

function seconds(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? "nothing" : `${(ms / 1000).toFixed(3)} s`;
}

function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, index) => time - times[index]!);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Of all neighbours, how many came from two nodes. */
function alternating(visits: readonly Visit[]): number {
  const changes = visits.filter(({ node }, index) => node !== visits[index + 1]?.node);
  return (changes.length - 1) / (visits.length - 1);
}

Deno.test("two workers start iterations in turn, at even intervals", async () => {
  await using target = new CountingTarget();
  const args = ["--arrival-rate", "20", "-t", "4", "--processes", "2"];
  const { summary } = await run("arrivals", target.url, args);
  const share = alternating(target.visits);
  const all = gaps(target.visits.map(({ atMs }) => atMs));
  const typical = summary.workers.map(({ id }) =>
    median(all.filter((_, index) => target.visits[index]!.node === id))
  );
  printFigure(
    "iterations of two workers that take turns",
    "over 90 %",
    `${(100 * share).toFixed(1)} %`,
  );
  printFigure(
    "median gap after an iteration of one worker, and of the other",
    "50 ms",
    typical.map((gap) => `${gap.toFixed(1)} ms`).join(", "),
  );
  assert.deepEqual(counts(summary), [80, 80, 80, 0]);
  assert.equal(target.total, 80);
  assert.deepEqual(summary.workers.map(({ requests }) => requests), [40, 40]);
  assert.ok(share > 0.9, `${share} take turns`);
  assert.ok(typical.every((gap) => gap > 40 && gap < 60), String(typical));
});

Deno.test("Poisson arrivals of two workers are Poisson-distributed at the target", async () => {
  await using target = new CountingTarget();
  const args = ["--arrival-rate", "40", "--arrivals", "poisson", "-t", "11", "--processes", "2"];
  const { summary } = await run("arrivals", target.url, args);
  const [first, ...others] = target.visits.map(({ atMs }) => atMs) as [number, ...number[]];
  // Behind an arrival, as at any time: 4 in a tenth of a second, on average.
  const bins = new Array<number>(100).fill(0);
  for (const atMs of others) {
    const bin = Math.floor((atMs - first) / 100);
    if (bin < bins.length) bins[bin]!++;
  }
  // One or none, 2, 3, 4, 5, 6, and more.
  const [none, one, ...more] = poisson(4, 8) as [number, number, ...number[]];
  const categories = [none + one, ...more].map((share, index): Category => [
    bins.filter((count) => Math.min(6, Math.max(0, count - 1)) === index).length,
    share * bins.length,
  ]);
  const p = chiSquareP(categories);
  // Even spacing has four in nearly every bin, and a p of less than 1e-40.
  printFigure("chi-square of poisson arrivals", "p over 1e-6", `p ${p.toPrecision(3)}`);
  assert.ok(p > 1e-6, `p is ${p}: ${JSON.stringify(categories)}`);
  assert.ok(Math.abs(target.total - 440) < 5 * Math.sqrt(440), String(target.total));
  const [scheduled, started, , dropped] = counts(summary);
  assert.deepEqual([started! + dropped!, started], [scheduled, target.total]);
});

/** 300 iterations per second for 8 s. In the middle, the target stalls for 1.4 s. */
async function stalled(
  fixture: string,
  args: readonly string[],
): Promise<{ readonly ended: Ended; readonly total: number }> {
  await using target = new StallingTarget(1_000, 1_400);
  const ended = await run(fixture, target.url, ["-t", "8", ...args]);
  return { ended, total: target.total };
}

const OPEN = ["--arrival-rate", "300", "--max-users"];

Deno.test("the latencies of the open model show a stall of the target, even with few users", async () => {
  const [few, many, closed] = await Promise.all([
    stalled("arrivals", [...OPEN, "10"]),
    stalled("arrivals", [...OPEN, "2000"]),
    stalled("paced_arrivals", ["-u", "10", "-r", "1000"]),
  ]);
  const latency = ({ ended: { summary } }: typeof few): number => summary.totals.latencyMs.p99!;
  const service = ({ ended: { summary } }: typeof few): number =>
    summary.iterations!.serviceTimeMs.p99!;
  printFigure("10 users, a stall of 1.4 s: p99 of latency", "over 0.9 s", seconds(latency(few)));
  printFigure("10 users: p99 of service time", "under 0.3 s", seconds(service(few)));
  printFigure("2,000 users: p99 of latency", "over 0.9 s", seconds(latency(many)));
  printFigure("2,000 users: p99 of service time", "over 0.9 s", seconds(service(many)));
  printFigure("closed model: p99 of latency", "less than half", seconds(latency(closed)));
  for (const { ended, total } of [few, many]) {
    const [scheduled, started, completed, dropped] = counts(ended.summary);
    assert.equal(scheduled, 2_400);
    assert.equal(started! + dropped!, 2_400);
    assert.equal(completed, started);
    assert.equal(total, started);
  }
  assert.ok(latency(few) > 900 && latency(many) > 900);
  assert.ok(service(few) < 300 && service(many) > 900);
  // If the machine itself stalls, everything takes longer.
  assert.ok(latency(closed) < latency(few) / 2);
  const warning =
    /More than 1 % of the iterations started over 50 ms late, because all 10 users were busy/;
  assert.ok(few.ended.summary.warnings.some((text) => warning.test(text)));
  assert.match(few.ended.stderr, warning);
});

const test = sideBySide("the open model and --iterations count exactly", 2);

for (
  const [workers, flags] of [[1, []], [2, ["--processes", "2"]], [4, ["--processes", "4"]]] as const
) {
  test(`50 arrivals per second for 3 s on ${workers} node(s) are 150 iterations at the target`, async () => {
    await using target = new CountingTarget();
    const args = ["--arrival-rate", "50", "-t", "3", ...flags];
    const { summary, code, stderr } = await run("arrivals", target.url, args);
    printFigure(`iterations on ${workers} node(s)`, "150", String(target.total));
    assert.equal(code, 0, stderr);
    assert.equal(target.total, 150);
    assert.deepEqual(counts(summary), [150, 150, 150, 0]);
    assert.equal(summary.totals.requests, 150);
    assert.ok(summary.durationSeconds >= 3, String(summary.durationSeconds));
    const gap = median(gaps(target.visits.map(({ atMs }) => atMs)));
    printFigure("median gap between two iterations", "20 ms", `${gap.toFixed(1)} ms`);
    assert.equal(new Set(target.visits.map(({ node }) => node)).size, workers);
  });
}

test("--on-busy drop starts no iteration late, and counts those that it drops", async () => {
  await using target = new CountingTarget(200);
  const args = ["--arrival-rate", "60", "--max-users", "4", "--on-busy", "drop", "-t", "5"];
  const { summary, code } = await run("arrivals", target.url, args);
  const [scheduled, started, completed, dropped] = counts(summary);
  printFigure("started and dropped of 300", "300", `${started} + ${dropped}`);
  assert.equal(scheduled, 300);
  assert.equal(started! + dropped!, 300);
  assert.deepEqual([completed, target.total], [started, started]);
  // Four users with iterations of at least 200 ms, and a last one each.
  assert.ok(started! <= 4 * 26 && dropped! >= 196, String(started));
  assert.ok(
    summary.warnings.some((text) =>
      /1 % of the iterations were dropped, because all 4 users/.test(text)
    ),
  );
  assert.equal(code, 0);
});

test("Ctrl-C in the open model loses no count, on two workers", async () => {
  await using target = new CountingTarget(30);
  await using cluster = await Cluster.start({
    fixture: "arrivals.ts",
    workers: 2,
    args: ["-H", target.url, "--arrival-rate", "100"],
  });
  await cluster.alongside(target.reached(250));
  const { summary, code } = await cluster.stop();
  const [scheduled, started, completed, dropped] = counts(summary);
  assert.deepEqual([started, completed], [target.total, target.total]);
  assert.equal(started! + dropped!, scheduled);
  assert.equal(summary.totals.requests, target.total);
  assert.equal(summary.complete, true);
  assert.equal(code, 0);
});

test("a rising rate starts its integral of iterations, and respects tags, orders and fixed counts", async () => {
  await using target = new CountingTarget();
  const { summary, code, stderr } = await run("arrival_mix", target.url, [
    ...["--tags", "read", "--exclude-tags", "slow"],
  ]);
  assert.equal(code, 0, stderr);
  const seen = (path: string): number => target.seen.get(`GET ${path}`)?.requests ?? 0;
  const [scheduled, started, completed, dropped] = counts(summary);
  assert.deepEqual([started, completed, dropped], [scheduled, scheduled, 0]);
  // 0 to 100 per second in 4 s makes 200. Each rate applies for one second.
  assert.ok(Math.abs(scheduled! - 200) <= 3, String(scheduled));
  assert.deepEqual([seen("/read"), seen("/save")], [0, 0]);
  assert.equal(seen("/left"), seen("/right"));
  const chance = seen("/often") + seen("/seldom");
  assert.equal(seen("/list") + chance + seen("/left"), scheduled);
  // Shares of 3 to 1 to 1, each within one iteration.
  assert.ok(Math.abs(seen("/list") - 0.6 * scheduled!) <= 2);
  assert.ok(Math.abs(chance - 0.2 * scheduled!) <= 2);
  // Three of four by chance: further off in less than one of a million runs.
  const deviation = Math.sqrt(chance * 0.75 * 0.25);
  assert.ok(Math.abs(seen("/often") - 0.75 * chance) < 5 * deviation);
  const both = target.visits.filter(({ path }) => path === "/left").map(({ user }) => user);
  assert.equal(new Set(both).size, 1);
});

for (const flags of [["-u", "5", "-r", "100"], ["--arrival-rate", "80"]]) {
  for (const processes of [[], ["--processes", "2"]]) {
    const what = [...flags, ...processes].join(" ");
    test(`--iterations 137 with ${what} runs exactly 137 iterations, and ends`, async () => {
      await using target = new CountingTarget();
      const args = ["--iterations", "137", ...flags, ...processes];
      const { summary, code } = await run("arrivals", target.url, args);
      assert.equal(target.total, 137);
      assert.deepEqual(counts(summary), [137, 137, 137, 0]);
      assert.equal(summary.totals.requests, 137);
      assert.equal(code, 0);
    });
  }
}

test("--iterations is exact if a worker leaves during the run", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "arrivals.ts",
    workers: 3,
    args: ["-H", target.url, "-u", "6", "-r", "100", "--iterations", "4000"],
  });
  await cluster.alongside(target.reached(800));
  cluster.worker("w2").kill("SIGTERM");
  const { summary, code } = await cluster.ended();
  assert.equal(target.total, 4_000);
  assert.deepEqual(counts(summary), [4_000, 4_000, 4_000, 0]);
  assert.equal(summary.workers.find(({ id }) => id === "w2")!.state, "left");
  assert.equal(code, 0);
});

test("--iterations is never exceeded if a worker is killed, and a warning counts the missing ones", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "arrivals.ts",
    workers: 3,
    args: ["-H", target.url, "-u", "6", "-r", "100", "--iterations", "4000"],
  });
  await cluster.alongside(target.reached(800));
  cluster.worker("w2").kill("SIGKILL");
  const { summary, code } = await cluster.ended();
  const [started] = counts(summary).slice(1);
  printFigure(
    "iterations of 4,000, with one of three workers killed",
    "4,000 at most",
    String(target.total),
  );
  assert.ok(target.total <= 4_000 && target.total > 3_000, String(target.total));
  assert.ok(started! <= target.total);
  assert.equal(summary.complete, false);
  assert.equal(
    summary.warnings.at(-1),
    `Only ${started} of 4000 iterations started, as far as is known: ` +
      "the others were lost with a worker.",
  );
  assert.equal(code, 4);
});

test("--iterations is exact if the master is killed and resumes the run", async () => {
  const journal = await Deno.makeTempFile({ suffix: ".journal" });
  await Deno.remove(journal);
  try {
    await using target = new CountingTarget();
    await using cluster = await Cluster.start({
      fixture: "arrivals.ts",
      workers: 2,
      args: ["-H", target.url, "-u", "6", "-r", "100", "--iterations", "4000"],
      journal,
    });
    await cluster.alongside(target.reached(800));
    cluster.master.kill("SIGKILL");
    await cluster.master.finished;
    cluster.resume(journal);
    const { summary, code } = await cluster.ended();
    assert.equal(target.total, 4_000);
    assert.deepEqual(counts(summary), [4_000, 4_000, 4_000, 0]);
    assert.equal(code, 0);
  } finally {
    await Deno.remove(journal).catch(() => {});
  }
});
