import assert from "node:assert/strict";
import {
  errorLines,
  generatorLine,
  iterationTimeLines,
  loadLines,
  percentileLine,
  progressBar,
  sparkline,
  statusLines,
  testLines,
  thresholdLines,
  trafficLines,
} from "../../src/report/panel_lines.ts";
import { nameTable } from "../../src/report/panel_tables.ts";
import { renderLine } from "../../src/report/terminal.ts";
import {
  type BreakingPoint,
  type IterationSummary,
  LOAD_GENERATOR,
  type Snapshot,
  type Statistics,
  type ThresholdRow,
  type WorkerRow,
} from "../../src/stats/snapshot.ts";
import {
  checkRow,
  codeRow,
  emptySnapshot,
  iterations,
  latencies,
  NO_LATENCIES,
  openSnapshot,
  requestRow,
  scriptedSnapshot,
  snapshot,
  statistics,
  timelineSecond,
  unfinishedAt,
  workerRow,
} from "../support/snapshots.ts";

Deno.test("several statuses have a line, the most frequent first", () => {
  const codes = [[0, 7], [200, 981], [503, 12]].map(([code = 0, requests = 0]) =>
    codeRow({ code, requests, failed: code === 200 ? 0 : requests })
  );
  const run = statistics({ requests: [requestRow({ codes })] });
  const lines = (columns: number, color = false): string[] =>
    statusLines(run, columns).map((line) => renderLine(line, columns, color));
  assert.deepEqual(lines(80), ["statuses    200 981  503 12  none 7"]);
  assert.deepEqual(lines(30), ["statuses    200 981  503 12"]);
  assert.ok(lines(80, true)[0]!.includes("\x1b[2m503 \x1b[0m\x1b[31m12\x1b[0m"));
  assert.deepEqual(statusLines(statistics(), 80), []);
});

function progressBarOf(changes: Partial<Snapshot>, columns = 60): string {
  return renderLine(progressBar(snapshot(changes), columns), columns, false);
}

Deno.test("the progress bar fills up with the planned time, and not beyond it", () => {
  const at = (elapsedSeconds: number): string =>
    progressBarOf({ elapsedSeconds, plannedSeconds: 20 });
  assert.equal(at(0), "running     ░░░░░░░░░░░░░░░░░░░░   0%  0s of 20s, 20s left");
  assert.equal(at(10), "running     ██████████░░░░░░░░░░  50%  10s of 20s, 10s left");
  assert.equal(at(22), "running     ████████████████████ 100%  22s of 20s");
});

Deno.test("the length of the progress bar does not change during a run", () => {
  for (const plannedSeconds of [7, 59, 60, 61, 3599, 3600, 7325]) {
    const lengths = Array.from({ length: plannedSeconds + 1 }, (_, elapsedSeconds) => {
      const line = progressBarOf({ elapsedSeconds, plannedSeconds }, 80);
      assert.ok(line.length <= 80, line);
      assert.ok(line.includes(" of "), line);
      return line.replaceAll(/[^█░]/g, "").length;
    });
    assert.equal(new Set(lengths).size, 1, String(plannedSeconds));
  }
});

Deno.test("a progress bar without room is left out, but not the time", () => {
  assert.equal(
    progressBarOf({ elapsedSeconds: 90, plannedSeconds: 600 }, 42),
    "running     15%  1m30s of 10m, 8m30s left",
  );
});

Deno.test("a stopping run has no remaining time", () => {
  const line = progressBarOf({ state: "stopping", elapsedSeconds: 5, plannedSeconds: 20 });
  assert.equal(line, "stopping    █████░░░░░░░░░░░░░░░  25%  5s of 20s");
});

Deno.test("without a planned end, only the elapsed time is shown", () => {
  assert.equal(progressBarOf({ plannedSeconds: null }), "running     10s");
});

Deno.test("a master that waits for workers says so in the first line", () => {
  const waiting = emptySnapshot({ mode: "distributed", expectedWorkers: 2, workers: [] });
  assert.equal(progressBarOf(waiting), "ready       waiting for workers: 0 of 2");
});

function loadLinesOf(run: Snapshot, columns = 80, color = false): string[] {
  return loadLines(run, 199.8, columns).map((line) => renderLine(line, columns, color));
}

Deno.test("users are shown with their target until they have reached it", () => {
  const users = { current: 3, target: 10, peak: 3, final: 0 };
  assert.deepEqual(loadLinesOf(snapshot({ users })), ["users       3 of 10"]);
  assert.deepEqual(loadLinesOf(snapshot()), ["users       10"]);
});

Deno.test("in the open model, busy users and queued and dropped iterations are shown", () => {
  assert.deepEqual(loadLinesOf(openSnapshot(30)), [
    "users       2 of 50 busy",
    "iterations  199.8 of 200/s   queued 0   dropped 0",
  ]);
  const late = openSnapshot(30, { started: 5900, completed: 5888, dropped: 30 });
  assert.deepEqual(loadLinesOf(late), [
    "users       12 of 50 busy",
    "iterations  199.8 of 200/s   queued 70   dropped 30 (0.50%)",
  ]);
  assert.equal(loadLinesOf(late, 60)[1], "iterations  199.8 of 200/s   queued 70   dropped 30");
});

Deno.test("with users and arrivals in one run, all users are shown, and the most that there may be", () => {
  const run = openSnapshot(30);
  const mixed = { ...run, closedUsers: 5, users: { ...run.users, current: 17, target: 55 } };
  assert.equal(loadLinesOf(mixed)[0], "users       17 of at most 55");
  assert.match(loadLinesOf(mixed)[1]!, /^iterations .*queued/);
});

Deno.test("unfinished iterations of a lost worker do not count as busy users", () => {
  assert.equal(loadLinesOf(openSnapshot(30, { completed: 5000 }))[0], "users       12 of 50 busy");
});

Deno.test("problems with iterations are colored by severity", () => {
  const colored = (iterations: Partial<IterationSummary>, current = 12): string =>
    loadLinesOf(
      openSnapshot(30, iterations, { users: { current, target: 50, peak: 50, final: 0 } }),
      80,
      true,
    )
      .join("\n");
  for (const tone of ["\x1b[31m", "\x1b[33m"]) assert.ok(!colored({}).includes(tone));
  const queued = colored({ started: 5990, completed: 5980, dropped: 5 });
  assert.ok(queued.includes("\x1b[33m5\x1b[0m"), queued);
  assert.ok(queued.includes("\x1b[33m5 (0.08%)\x1b[0m"), queued);
  assert.ok(colored({ started: 5900, dropped: 61 }).includes("\x1b[31m61 (1.02%)\x1b[0m"));
  assert.ok(colored({ completed: 5950 }, 50).includes("\x1b[33m50\x1b[0m of 50 busy"));
});

Deno.test("before the first iteration, only the requested rate is shown", () => {
  const { statistics: counted, ...run } = openSnapshot(1, {}, { arrivalRate: 0.5 });
  const none = { ...run, statistics: { ...counted, iterations: null } };
  assert.deepEqual(loadLines(none, null, 80).map((line) => renderLine(line, 80, false)), [
    "users       0 of 50 busy",
    "iterations  - of 0.50/s   queued 0   dropped 0",
  ]);
  assert.deepEqual(iterationTimeLines(none), []);
});

Deno.test("iterations in the closed model are neither late nor dropped", () => {
  const run = snapshot({ statistics: { ...statistics(), iterations: iterations() } });
  assert.deepEqual(loadLinesOf(run), ["users       10", "iterations  5,998 completed"]);
  assert.deepEqual(iterationTimeLines(run), []);
});

Deno.test("service times and start delays are aligned, and late starts are yellow", () => {
  const run = openSnapshot(30, { startDelayMs: latencies(10) });
  assert.deepEqual(iterationTimeLines(run).map((line) => renderLine(line, 60, false)), [
    "service     p50 40.0   p95 120    p99 320    max 1600   ms",
    "start delay p50 10.0   p95 30.0   p99 80.0   max 400    ms",
  ]);
  const [service = "", delay = ""] = iterationTimeLines(run).map((line) =>
    renderLine(line, 60, true)
  );
  assert.ok(!service.includes("\x1b[33m"));
  assert.ok(delay.includes("\x1b[33m80.0"));
  assert.ok(!delay.includes("\x1b[33m30.0"));
});

Deno.test("a search for the breaking point shows its step, and the load that passed", () => {
  const step = (point: Partial<BreakingPoint>, arrivalRate: number | null = null): string =>
    loadLinesOf(snapshot({
      arrivalRate,
      users: { current: 400, target: 400, peak: 400, final: 0 },
      breakingPoint: { className: null, passed: null, broke: null, threshold: null, ...point },
    })).at(-1)!;
  const passed = { users: 300, arrivalRate: null };
  assert.equal(step({}), "step        400 users");
  assert.equal(step({ passed }), "step        400 users   passed 300 users");
  assert.equal(
    step({
      className: null,
      passed,
      broke: { users: 400, arrivalRate: null },
      threshold: "p95<200ms",
    }),
    "step        broke at 400 users, p95<200ms   passed 300 users",
  );
  assert.equal(
    step({ passed: { users: 400, arrivalRate: 1500 } }, 2000),
    "step        2,000 iterations/s   passed 1,500 iterations/s",
  );
});

function trafficLinesOf(changes: Partial<Statistics>, columns = 60, color = false): string[] {
  return trafficLines(snapshot({ statistics: statistics(changes) }), columns)
    .map((line) => renderLine(line, columns, color));
}

const TIMELINE = [
  timelineSecond({ second: 0, requests: 50, p95: 10 }),
  timelineSecond({ second: 1, requests: 100, failures: 1, p95: 80 }),
  timelineSecond({ second: 2, requests: 0, p50: null, p95: null, p99: null }),
  timelineSecond({ second: 3, requests: 70, p95: 20, p99: 55 }),
];

Deno.test("rate and p95 share a time axis, and show the last second", () => {
  assert.deepEqual(trafficLinesOf({ timeline: TIMELINE }), [
    "rate now    70.0/s    ▅█▁▆ 0–100.0/s, 4 s",
    "p95 now     20.0 ms   ▂█▁▃ 0–80.0 ms",
    "requests    1,000   failures 0",
    "in progress 0",
    "whole run   p50 12.0   p95 36.0   p99 96.0   max 480    ms",
    "last 5 s    p50 12.0   p95 80.0   p99 96.0   ms",
  ]);
});

Deno.test("requests without an answer are shown with the highest age, and bounds are marked", () => {
  const requests = [
    requestRow({
      ...unfinishedAt(10_960, 11_040),
      inProgress: { count: 50, oldestMs: 3210 },
      latencyMs: { ...latencies(12), p99: 10_961, max: 11_040 },
    }),
  ];
  const totals = { ...statistics({ requests }).totals, latencyMs: requests[0]!.latencyMs };
  const all = statistics({ requests, totals, timeline: [] });
  const lines = trafficLines(snapshot({ statistics: all }), 60)
    .map((line) => renderLine(line, 60, false));
  assert.deepEqual(lines.slice(2, 5), [
    "requests    1,000   failures 0",
    "in progress 50   oldest 3.21 s   unfinished 2 after 11.0 s",
    "whole run   p50 12.0   p95 36.0   p99 ≥10961 max ≥11040 ms",
  ]);
  assert.deepEqual(nameTable(requests, { columns: 60, color: false }, 5), [
    "Name    Reqs  Req/s  p95 ms  Fails  Unfin",
    "GET /  1,000  100.0    36.0      0      2",
  ]);
  assert.deepEqual(nameTable(requests, { columns: 100, color: false }, 5), [
    "Name    Reqs  Req/s  p50 ms  p95 ms  p99 ms  Max ms  Fails  Fail%  In prog  Unfin",
    "GET /  1,000  100.0    12.0    36.0  ≥10961  ≥11040      0     0%       50      2",
  ]);
});

Deno.test("a request in progress that is older than all others were is yellow", () => {
  const shown = (oldestMs: number): string => {
    const requests = [requestRow({ inProgress: { count: 1, oldestMs } })];
    const lines = trafficLines(snapshot({ statistics: statistics({ requests }) }), 60);
    return renderLine(lines[3]!, 60, true);
  };
  assert.ok(!shown(470).includes("\x1b[33m"));
  // It is older than all, but not by more than a second.
  assert.ok(!shown(490).includes("\x1b[33m"));
  assert.ok(shown(1500).includes("\x1b[33m1.50 s\x1b[0m"));
});

Deno.test("a second without requests has a rate of 0 and no percentile", () => {
  const [rate, slowness] = trafficLinesOf({ timeline: TIMELINE.slice(0, 3) });
  assert.equal(rate, "rate now    0/s       ▅█▁ 0–100.0/s, 3 s");
  assert.equal(slowness, "p95 now     -         ▂█▁ 0–80.0 ms");
});

Deno.test("seconds with failures are red", () => {
  const [rate = ""] = trafficLinesOf({ timeline: TIMELINE }, 60, true);
  assert.ok(rate.includes("\x1b[36m▅\x1b[0m\x1b[31m█\x1b[0m\x1b[36m▁▆\x1b[0m\x1b[2m 0–"), rate);
});

Deno.test("sparklines cover as many seconds as fit, at most two minutes", () => {
  const timeline = Array.from({ length: 300 }, (_, second) => timelineSecond({ second }));
  const seconds = (columns: number): (number | undefined)[] =>
    trafficLinesOf({ timeline }, columns).slice(0, 2).map((line) => /█+/.exec(line)?.[0].length);
  assert.deepEqual(seconds(60), [20, 20]);
  // Without the scale, for which there is no room.
  assert.deepEqual(seconds(49), [27, 27]);
  assert.deepEqual(seconds(22), [undefined, undefined]);
  assert.deepEqual(seconds(200), [120, 120]);
});

Deno.test("failures and user errors are counted in red", () => {
  const requests = [requestRow({ failures: 25 })];
  const userErrors = [{ user: "A", error: "x", place: null, count: 2 }, {
    user: "B",
    error: "y",
    place: null,
    count: 3,
  }];
  assert.equal(
    trafficLinesOf({ requests, userErrors })[2],
    "requests    1,000   failures 25 (2.50%)   user errors 5",
  );
  const unsent = { user: LOAD_GENERATOR, error: "EMFILE: none", place: null, count: 7 };
  assert.equal(
    trafficLinesOf({ userErrors: [unsent] })[2],
    "requests    1,000   failures 0   not sent 7",
  );
  assert.ok(
    trafficLinesOf({ requests }, 60, true)[2]!.endsWith("\x1b[31m25\x1b[0m\x1b[31m (2.50%)\x1b[0m"),
  );
  assert.ok(!trafficLinesOf({}, 60, true)[2]!.includes("\x1b[31m"));
});

Deno.test("percentiles keep their positions and have the given tone", () => {
  const text = (line: ReturnType<typeof percentileLine>, color = false): string =>
    renderLine(line, 80, color);
  assert.equal(
    text(percentileLine("delay", latencies(123_456))),
    "delay       p50 123456 p95 370368 p99 987648 max 4938s  ms",
  );
  assert.equal(
    text(percentileLine("delay", NO_LATENCIES)),
    "delay       p50 -      p95 -      p99 -      max -      ms",
  );
  const late = percentileLine("delay", latencies(10), {
    tone: (ms) => ms > 50 ? "warning" : "plain",
  });
  const colored = text(late, true);
  assert.ok(colored.includes("\x1b[33m80.0"), colored);
  assert.ok(!colored.includes("\x1b[33m30.0"), colored);
});

function row(expression: string, observed: number | null, passed = true): ThresholdRow {
  return { expression, observed, passed };
}

function thresholdLinesOf(
  rows: readonly ThresholdRow[],
  columns: number,
  most = 2,
  color = false,
): string[] {
  return thresholdLines(rows, columns, most).map((line) => renderLine(line, columns, color));
}

const THREE = [
  row("p95<200ms", 36.04),
  row("error_rate<1%", 0.0251, false),
  row("p99[POST pay]<0.5s", null),
];

Deno.test("each threshold has a mark and its observed value, several per line", () => {
  assert.deepEqual(thresholdLinesOf(THREE, 120), [
    "thresholds  ✓ p95<200ms 36.04 ms   ✗ error_rate<1% 2.51%      · p99[POST pay]<0.5s -",
  ]);
  assert.deepEqual(thresholdLinesOf(THREE, 70), [
    "thresholds  ✓ p95<200ms 36.04 ms   ✗ error_rate<1% 2.51%",
    "            · p99[POST pay]<0.5s -",
  ]);
  assert.deepEqual(thresholdLinesOf([], 80), []);
});

Deno.test("if there is no room for all thresholds, crossed ones are shown first", () => {
  assert.deepEqual(thresholdLinesOf(THREE, 60, 1), [
    "thresholds  ✗ error_rate<1% 2.51%      and 2 more",
  ]);
  const many = Array.from({ length: 50 }, (_, i) => row(`p${i}<1s`, 900 + i, i !== 33));
  const shown = thresholdLinesOf(many, 80, 3);
  assert.equal(shown.length, 3);
  assert.ok(shown[0]!.startsWith("thresholds  ✗ p33<1s 933 ms"));
  const count = shown.join("\n").match(/[✓✗]/g)?.length ?? 0;
  assert.ok(shown[2]!.endsWith(`and ${50 - count} more`));
  assert.deepEqual(thresholdLinesOf(THREE, 60, 0), []);
});

Deno.test("a long threshold loses the middle of its name, not the observed value", () => {
  const name = `p95[GET /${"segment/".repeat(9)}end]<200ms`;
  assert.deepEqual(thresholdLinesOf([row(name, 250, false)], 70), [
    "thresholds  ✗ p95[GET /segment/seg…/segment/end]<200ms 250 ms",
  ]);
});

Deno.test("crossed thresholds are red", () => {
  assert.deepEqual(thresholdLinesOf(THREE.slice(1, 2), 60, 1, true), [
    "\x1b[2mthresholds  \x1b[0m\x1b[31m✗\x1b[0m error_rate<1% \x1b[31m2.51%\x1b[0m",
  ]);
});

function generatorLineOf(workers: readonly WorkerRow[], color = false): string {
  return renderLine(generatorLine(snapshot({ mode: "distributed", workers })), 80, color);
}

Deno.test("a local run shows its process", () => {
  assert.equal(
    renderLine(generatorLine(snapshot()), 80, false),
    "process     cpu 31%   loop lag 1.25 ms",
  );
});

Deno.test("of several workers, the worst values are shown", () => {
  const workers = [workerRow({ cpu: 0.2, lagMs: 3 }), workerRow({ cpu: 0.95, lagMs: 1 })];
  assert.equal(generatorLineOf(workers), "workers     2   busiest cpu 95%   loop lag 3.00 ms");
  assert.ok(generatorLineOf(workers, true).includes("\x1b[33m95%\x1b[0m"));
});

Deno.test("a single worker is not called the busiest", () => {
  assert.equal(generatorLineOf([workerRow()]), "workers     1   cpu 31%   loop lag 1.25 ms");
});

Deno.test("values of workers that are gone are not shown", () => {
  const lost = workerRow({ state: "lost", cpu: 0.99, lagMs: 500 });
  assert.equal(
    generatorLineOf([lost, workerRow()]),
    "workers     1 of 2   cpu 31%   loop lag 1.25 ms",
  );
  assert.equal(generatorLineOf([lost]), "workers     0 of 1");
  assert.equal(generatorLineOf([]), "workers     none yet");
});

const TROUBLE = statistics({
  failures: [
    { method: "POST", name: "/orders", error: "HTTP 503", count: 1204 },
    { method: "GET", name: "/", error: "TIMEOUT", count: 3 },
  ],
  userErrors: [{ user: "Shopper", error: "TypeError: no basket", place: null, count: 17 }],
});

function errorLinesOf(most: number, color = false): string[] {
  return errorLines(TROUBLE, most).map((line) => renderLine(line, 60, color));
}

Deno.test("the most frequent errors come first, of requests and users alike", () => {
  assert.deepEqual(errorLinesOf(9), [
    "errors      1,204 × HTTP 503  POST /orders",
    "               17 × TypeError: no basket  Shopper",
    "                3 × TIMEOUT  GET /",
  ]);
  assert.deepEqual(errorLinesOf(1), ["errors      1,204 × HTTP 503  POST /orders"]);
});

Deno.test("without errors, or without room, there is no line", () => {
  assert.deepEqual(errorLines(statistics(), 9), []);
  assert.deepEqual(errorLinesOf(0), []);
  assert.deepEqual(errorLinesOf(-1), []);
});

Deno.test("errors are red, but their names are not", () => {
  assert.ok(
    errorLinesOf(1, true)[0]!.endsWith(
      "\x1b[31m1,204 × HTTP 503\x1b[0m\x1b[2m  POST /orders\x1b[0m",
    ),
  );
});

Deno.test("in a sparkline, the highest value has the full bar, and only 0 the lowest", () => {
  assert.equal(sparkline([0, 1, 500, 1000]), "▁▂▅█");
});

Deno.test("equal values have full bars in a sparkline", () => {
  assert.equal(sparkline([7, 7, 7]), "███");
});

Deno.test("a sparkline of zeros is flat", () => {
  assert.equal(sparkline([0, 0, 0]), "▁▁▁");
});

Deno.test("a sparkline without values is empty", () => {
  assert.equal(sparkline([]), "");
});

Deno.test("checks, groups, metrics and classes have a line each, and two if there is room", () => {
  const { statistics: of } = scriptedSnapshot(30);
  const lines = (columns: number, most: number): string[] =>
    testLines(of, columns, most).map((line) => renderLine(line, columns, false));
  const checks = "checks      ✗ has a token 99.7%  ✓ is the right product 100%";
  const groups = "groups p95  checkout 1200 ms 7 failed  checkout / pay 450 ms";
  assert.deepEqual(lines(80, 4), [
    checks,
    groups,
    "metrics     cache_hits 92.5%  cart_size p95 12 items  logins 1,234  and 1 more",
    "classes     BuyerTest 98 users 412.0/s 7 failed  AdminTest 2 users 1.00/s",
  ]);
  assert.deepEqual(lines(80, 8).slice(2, 4), [
    "metrics     cache_hits 92.5%  cart_size p95 12 items  logins 1,234",
    "            queue length 7",
  ]);
  assert.deepEqual(lines(80, 2), [checks, groups]);
  assert.deepEqual(lines(80, 0), []);
  assert.deepEqual(testLines(statistics(), 80, 9), []);
});

Deno.test("of many checks, those that fail most are shown", () => {
  const checks = Array.from(
    { length: 1000 },
    (_, i) => checkRow({ name: `check ${i}`, passed: 1000, failed: i === 700 ? 500 : 0 }),
  );
  const [line] = testLines(statistics({ checks }), 60, 1)
    .map((spans) => renderLine(spans, 60, false));
  assert.equal(line, "checks      ✗ check 700 66.7%  ✓ check 0 100%  and 998 more");
});
