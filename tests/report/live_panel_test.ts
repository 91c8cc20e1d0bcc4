import fc from "fast-check";
import assert from "node:assert/strict";
import {
  errorLines,
  generatorLine,
  iterationTimeLines,
  loadLines,
  nameTable,
  percentileLine,
  progressBar,
  render,
  sparkline,
  statusLines,
  thresholdLines,
  trafficLines,
  workerTable,
} from "../../src/report/live_panel.ts";
import { columnsOf, renderLine } from "../../src/report/terminal.ts";
import type {
  BreakingPoint,
  IterationSummary,
  PhaseTotals,
  RequestRow,
  Snapshot,
  Statistics,
  ThresholdRow,
  WorkerRow,
} from "../../src/stats/snapshot.ts";
import {
  clusterSnapshot,
  codeRow,
  emptySnapshot,
  iterations,
  latencies,
  NO_LATENCIES,
  openSnapshot,
  phaseTotals,
  requestRow,
  shopSnapshot,
  snapshot,
  statistics,
  timelineSecond,
  unfinishedAt,
  workerRow,
} from "../support/snapshots.ts";
import { anyName, CONTROLS, HOSTILE_NAME } from "../support/texts.ts";

function panel(run: Snapshot, columns: number, rows = 24): string[] {
  return render(run, { columns, rows, color: false }, { starts: 199.8 });
}

const CROSSED = {
  thresholds: [
    { expression: "p95<200ms", observed: 36, passed: true },
    { expression: "error_rate<0.01%", observed: 0.0006, passed: false },
  ],
  breakingPoint: { passed: { users: 50, arrivalRate: 100 }, broke: null, threshold: null },
};

Deno.test("a line shows the connections that were opened, and how long that took", () => {
  const lineOf = (phases: PhaseTotals): string | undefined => {
    const requests = [requestRow({ phases })];
    return panel(snapshot({ statistics: statistics({ requests }) }), 80)
      .find((line) => line.startsWith("connections"));
  };
  const plain = { ttfb: [12], download: [0] };
  assert.equal(lineOf(phaseTotals(plain, { opened: 0, reused: 5 })), undefined);
  assert.equal(
    lineOf(phaseTotals({ ...plain, connect: [0.2] }, { opened: 50, reused: 12_345 })),
    "connections 50   reused 12,345   connect p95 0.200 ms",
  );
  assert.equal(
    lineOf(phaseTotals({ ...plain, connect: [0.2], tls: [3] }, { opened: 50, reused: 12_345 })),
    "connections 50   reused 12,345   connect p95 0.200, TLS 3.00 ms",
  );
});

/** A run on a screen, and the lines of its panel. */
interface Panel {
  readonly title: string;
  readonly run: Snapshot;
  readonly columns: number;
  readonly rows?: number;
  readonly lines: readonly string[];
}

const PANELS: readonly Panel[] = [
  {
    title: "a web shop on 60 columns",
    run: shopSnapshot(30, { warnings: ["careful"] }),
    columns: 60,
    lines: [
      "running     ████░░░░░░░░░░░░░  25%  30s of 2m, 1m30s left",
      "",
      "users       100",
      "rate now    392.0/s   ▇▇▆▆▆▆▆▇▇▇████████▇▇ 0–494.0/s, 20 s",
      "p95 now     36.0 ms   ████████████████████ 0–36.0 ms",
      "requests    12,360   failures 7 (0.06%)   user errors 2",
      "in progress 0",
      "whole run   p50 12.0   p95 36.0   p99 96.0   max 480    ms",
      "last 5 s    p50 12.0   p95 36.0   p99 96.0   ms",
      "process     cpu 31%   loop lag 1.25 ms",
      "errors      7 × HTTP 503  POST /api/v2/orders",
      "            2 × TypeError: basket is undefined  Shopper",
      "",
      "Name                              Reqs  Req/s  p95 ms  Fails",
      "GET /api/v2/cat…arch?category=…  9,330  311.0    36.0      0",
      "POST /api/v2/basket/items        1,560   52.0    36.0      0",
      "GET /                            1,200   40.0    2.40      0",
      "POST /api/v2/orders                240   8.00     423      7",
      "TASK 検索して買う                   30   1.00    36.0      0",
      "! careful",
    ],
  },
  {
    title: "eight workers on 60 columns",
    run: clusterSnapshot(30),
    columns: 60,
    lines: [
      "running     ████░░░░░░░░░░░░░  25%  30s of 2m, 1m30s left",
      "",
      "users       100",
      "rate now    392.0/s   ▇▇▆▆▆▆▆▇▇▇████████▇▇ 0–494.0/s, 20 s",
      "p95 now     36.0 ms   ████████████████████ 0–36.0 ms",
      "requests    12,360   failures 7 (0.06%)   user errors 2",
      "in progress 0",
      "whole run   p50 12.0   p95 36.0   p99 96.0   max 480    ms",
      "last 5 s    p50 12.0   p95 36.0   p99 96.0   ms",
      "workers     6 of 8   busiest cpu 97%   loop lag 61.0 ms",
      "errors      7 × HTTP 503  POST /api/v2/orders",
      "            2 × TypeError: basket is undefined  Shopper",
      "Worker        Users  Req/s  CPU  Lag ms  State",
      "attic-k3x9-3      -      -    -       -  lost",
      "attic-k3x9-6     20   66.0  97%    12.5  running",
      "and 6 more",
      "",
      "Name                              Reqs  Req/s  p95 ms  Fails",
      "GET /api/v2/cat…arch?category=…  9,330  311.0    36.0      0",
      "POST /api/v2/basket/items        1,560   52.0    36.0      0",
      "and 3 more",
      "! Worker attic-k3x9-3 was lost:…what it counted are missing.",
    ],
  },
  {
    title: "eight workers on 80 columns and 40 rows, with more workers and names",
    run: clusterSnapshot(30),
    columns: 80,
    rows: 40,
    lines: [
      "running     █████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░  25%  30s of 2m, 1m30s left",
      "",
      "users       100",
      "rate now    392.0/s   ▁▂▃▄▄▅▆▆▇▇▇▇▆▆▆▆▆▇▇▇████████▇▇ 0–494.0/s, 30 s",
      "p95 now     36.0 ms   ██████████████████████████████ 0–36.0 ms",
      "requests    12,360   failures 7 (0.06%)   user errors 2",
      "in progress 0",
      "whole run   p50 12.0   p95 36.0   p99 96.0   max 480    ms",
      "last 5 s    p50 12.0   p95 36.0   p99 96.0   ms",
      "statuses    200 12,353  503 7",
      "workers     6 of 8   busiest cpu 97%   loop lag 61.0 ms",
      "errors      7 × HTTP 503  POST /api/v2/orders",
      "            2 × TypeError: basket is undefined  Shopper",
      "Worker        Users  Req/s  CPU  Lag ms  State",
      "attic-k3x9-3      -      -    -       -  lost",
      "attic-k3x9-6     20   66.0  97%    12.5  running",
      "attic-k3x9-8     16   68.0  42%    61.0  running",
      "attic-k3x9-5     16   65.0  25%    1.25  running",
      "attic-k3x9-7     16   67.0  27%    1.25  running",
      "attic-k3x9-1     16   61.0  21%    1.25  running",
      "attic-k3x9-2     16   62.0  22%    1.25  running",
      "attic-k3x9-4      -      -    -       -  left",
      "",
      "Name                                  Reqs  Req/s  p50 ms  p95 ms  p99 ms  Fails",
      "GET /api/v2/catal…search?category=…  9,330  311.0    12.0    36.0    96.0      0",
      "POST /api/v2/basket/items            1,560   52.0    12.0    36.0    96.0      0",
      "GET /                                1,200   40.0   0.800    2.40    6.40      0",
      "POST /api/v2/orders                    240   8.00     141     423    1128      7",
      "TASK 検索して買う                       30   1.00    12.0    36.0    96.0      0",
      "! Worker attic-k3x9-3 was lost: 2 s of what it counted are missing.",
    ],
  },
  {
    title: "eight workers on 120 columns, beside the figures",
    run: clusterSnapshot(30),
    columns: 120,
    lines: [
      "running     ███████████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  25%  30s of 2m, 1m30s left",
      "",
      "users       100                                                Worker        Users  Req/s  CPU  Lag ms  State",
      "rate now    392.0/s   ▇▇▆▆▆▆▆▇▇▇████████▇▇ 0–494.0/s, 20 s     attic-k3x9-3      -      -    -       -  lost",
      "p95 now     36.0 ms   ████████████████████ 0–36.0 ms           attic-k3x9-6     20   66.0  97%    12.5  running",
      "requests    12,360   failures 7 (0.06%)   user errors 2        attic-k3x9-8     16   68.0  42%    61.0  running",
      "in progress 0                                                  attic-k3x9-5     16   65.0  25%    1.25  running",
      "whole run   p50 12.0   p95 36.0   p99 96.0   max 480    ms     attic-k3x9-7     16   67.0  27%    1.25  running",
      "last 5 s    p50 12.0   p95 36.0   p99 96.0   ms                attic-k3x9-1     16   61.0  21%    1.25  running",
      "workers     6 of 8   busiest cpu 97%   loop lag 61.0 ms        and 2 more",
      "errors      7 × HTTP 503  POST /api/v2/orders",
      "            2 × TypeError: basket is undefined  Shopper",
      "",
      "Name                                      Reqs  Req/s  p50 ms  p95 ms  p99 ms  Max ms  Fails  Fail%",
      "GET /api/v2/catalogue/search?category=…  9,330  311.0    12.0    36.0    96.0     480      0     0%",
      "POST /api/v2/basket/items                1,560   52.0    12.0    36.0    96.0     480      0     0%",
      "GET /                                    1,200   40.0   0.800    2.40    6.40    32.0      0     0%",
      "POST /api/v2/orders                        240   8.00     141     423    1128    5640      7  2.92%",
      "TASK 検索して買う                           30   1.00    12.0    36.0    96.0     480      0     0%",
      "! Worker attic-k3x9-3 was lost: 2 s of what it counted are missing.",
    ],
  },
  {
    title: "the open model on 80 columns",
    run: openSnapshot(30, { started: 5950, completed: 5940, dropped: 12 }, CROSSED),
    columns: 80,
    lines: [
      "running     █████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░  25%  30s of 2m, 1m30s left",
      "",
      "users       10 of 50 busy",
      "iterations  199.8 of 200/s   queued 38   dropped 12 (0.20%)",
      "step        200 iterations/s   passed 100 iterations/s",
      "rate now    392.0/s   ▁▂▃▄▄▅▆▆▇▇▇▇▆▆▆▆▆▇▇▇████████▇▇ 0–494.0/s, 30 s",
      "p95 now     36.0 ms   ██████████████████████████████ 0–36.0 ms",
      "requests    12,360   failures 7 (0.06%)   user errors 2",
      "in progress 0",
      "whole run   p50 12.0   p95 36.0   p99 96.0   max 480    ms",
      "last 5 s    p50 12.0   p95 36.0   p99 96.0   ms",
      "service     p50 40.0   p95 120    p99 320    max 1600   ms",
      "start delay p50 0.100  p95 0.300  p99 0.800  max 4.00   ms",
      "process     cpu 31%   loop lag 1.25 ms",
      "thresholds  ✓ p95<200ms 36 ms      ✗ error_rate<0.01% 0.06%",
      "errors      7 × HTTP 503  POST /api/v2/orders",
      "            2 × TypeError: basket is undefined  Shopper",
      "",
      "Name                                  Reqs  Req/s  p50 ms  p95 ms  p99 ms  Fails",
      "GET /api/v2/catal…search?category=…  9,330  311.0    12.0    36.0    96.0      0",
      "POST /api/v2/basket/items            1,560   52.0    12.0    36.0    96.0      0",
      "and 3 more",
    ],
  },
  {
    title: "one process on 160 columns, with latencies beside the figures",
    run: openSnapshot(30),
    columns: 160,
    lines: [
      "running     ███████████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  25%  30s of 2m, 1m30s left",
      "",
      "users       2 of 50 busy                                                           Up to ms   Reqs  Share",
      "iterations  199.8 of 200/s   queued 0   dropped 0                                      2.67  1,080  8.74%  ███████▉",
      "rate now    392.0/s   ▁▂▃▄▄▅▆▆▇▇▇▇▆▆▆▆▆▇▇▇████████▇▇ 0–494.0/s, 30 s                   4.75      0     0%",
      "p95 now     36.0 ms   ██████████████████████████████ 0–36.0 ms                         8.47    108  0.87%  ▊",
      "requests    12,360   failures 7 (0.06%)   user errors 2                                15.1  5,460  44.2%  ████████████████████████████████████████",
      "in progress 0                                                                          26.8  4,380  35.4%  ████████████████████████████████▏",
      "whole run   p50 12.0   p95 36.0   p99 96.0   max 480    ms                             47.8      0     0%",
      "last 5 s    p50 12.0   p95 36.0   p99 96.0   ms                                        85.1      0     0%",
      "service     p50 40.0   p95 120    p99 320    max 1600   ms                              151  1,105  8.94%  ████████▏",
      "start delay p50 0.100  p95 0.300  p99 0.800  max 4.00   ms                              270    108  0.87%  ▊",
      "process     cpu 31%   loop lag 1.25 ms                                                  480    119  0.96%  ▉",
      "errors      7 × HTTP 503  POST /api/v2/orders",
      "            2 × TypeError: basket is undefined  Shopper",
      "",
      "Name                                      Reqs  Req/s  p50 ms  p95 ms  p99 ms  Max ms  Fails  Fail%",
      "GET /api/v2/catalogue/search?category=…  9,330  311.0    12.0    36.0    96.0     480      0     0%",
      "POST /api/v2/basket/items                1,560   52.0    12.0    36.0    96.0     480      0     0%",
      "GET /                                    1,200   40.0   0.800    2.40    6.40    32.0      0     0%",
      "POST /api/v2/orders                        240   8.00     141     423    1128    5640      7  2.92%",
      "TASK 検索して買う                           30   1.00    12.0    36.0    96.0     480      0     0%",
    ],
  },
];

for (const { title, run, columns, rows, lines } of PANELS) {
  Deno.test(`the panel shows ${title}`, () => {
    assert.deepEqual(panel(run, columns, rows), lines);
  });
}

Deno.test("a run that has not been started yet has a panel too", () => {
  assert.deepEqual(panel(emptySnapshot({ plannedSeconds: null, workers: [] }), 80), [
    "ready       0s",
    "",
    "users       0",
    "rate now    -",
    "p95 now     -",
    "requests    0   failures 0",
    "in progress 0",
    "whole run   p50 -      p95 -      p99 -      max -      ms",
    "last 5 s    p50 -      p95 -      p99 -      ms",
    "workers     none yet",
  ]);
});

Deno.test("a low terminal shows what matters most", () => {
  const run = shopSnapshot(90, CROSSED);
  assert.deepEqual(panel(run, 20, 5), [
    "running 75% 1m30…eft",
    "requests 37,080 f…s ",
    "rate now 331.0/s ",
  ]);
  assert.deepEqual(panel(run, 60, 12), [
    "running     ████████████░░░░░  75%  1m30s of 2m, 30s left",
    "requests    37,080   failures 22 (0.06%)   user errors 2",
    "rate now    331.0/s   ▆▆▆▇▇▇█████████▇▇▇▆▆ 0–494.0/s, 20 s",
    "p95 now     36.0 ms   ████████████████████ 0–36.0 ms",
    "users       100",
    "thresholds  ✗ error_rate<0.01% 0.06%",
    "errors      22 × HTTP 503  POST /api/v2/orders",
    "step        100 users   passed 100 iterations/s",
    "in progress 0",
    "whole run   p50 12.0   p95 36.0   p99 96.0   max 480    ms",
  ]);
});

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

Deno.test("a master that waits says how many workers are there", () => {
  const workers = [
    workerRow({ id: "a", state: "ready", users: 0, rate: 0, cpu: 0.02, lagMs: 0 }),
    workerRow({ id: "b", state: "preparing", users: 0, rate: 0, cpu: 0.4, lagMs: 0 }),
  ];
  const waiting = emptySnapshot({ mode: "distributed", expectedWorkers: 8, workers });
  const lines = panel(waiting, 60);
  assert.equal(lines[0], "ready       waiting for workers: 1 of 8");
  assert.deepEqual(lines.slice(-4), [
    "workers     2   busiest cpu 40%   loop lag 0 ms",
    "Worker  Users  Req/s  CPU  Lag ms  State",
    "b           0      0  40%       0  preparing",
    "a           0      0   2%       0  ready",
  ]);
});

Deno.test("only the latest warnings are shown", () => {
  assert.deepEqual(panel(snapshot({ warnings: ["one", "two", "three"] }), 80).slice(-2), [
    "! two",
    "! three",
  ]);
});

Deno.test("failures, errors, crossed thresholds and lost workers are red", () => {
  const run = clusterSnapshot(30, CROSSED);
  const size = { columns: 80, rows: 40, color: true };
  const lines = render(run, size, { starts: null });
  for (
    const red of [
      "\x1b[31m7\x1b[0m\x1b[31m (0.06%)\x1b[0m",
      "\x1b[31m7 × HTTP 503\x1b[0m",
      "\x1b[31m✗\x1b[0m error_rate<0.01% \x1b[31m0.06%\x1b[0m",
      "\x1b[31mlost\x1b[0m",
    ]
  ) assert.equal(lines.filter((line) => line.includes(red)).length, 1, red);
  // deno-lint-ignore no-control-regex -- escape sequences are what it is about
  const stripped = lines.map((line) => line.replaceAll(/\x1b\[\d+m/g, ""));
  assert.deepEqual(stripped, panel(run, 80, 40));
  assert.ok(!panel(run, 80, 40).join().includes("\x1b"));
});

const count = fc.nat(30);

const ANY_LOAD = fc.record({
  workers: count,
  names: count,
  failures: count,
  warnings: fc.nat(3),
  thresholds: fc.nat(9),
  isOpen: fc.boolean(),
  isBreaking: fc.boolean(),
});

Deno.test("the panel always fits the height of the screen", () => {
  const screen = fc.record({
    columns: fc.integer({ min: 60, max: 220 }),
    rows: fc.integer({ min: 24, max: 80 }),
  });
  fc.assert(fc.property(ANY_LOAD, screen, (many, { columns, rows }) => {
    const of = <Row>(length: number, row: (i: number) => Row): Row[] =>
      Array.from({ length }, (_, i) => row(i));
    const full = clusterSnapshot(30, {
      arrivalRate: many.isOpen ? 200 : null,
      workers: of(many.workers, (i) => workerRow({ id: `w${i}` })),
      statistics: {
        ...statistics({ requests: of(many.names, (i) => requestRow({ name: `/${i}` })) }),
        failures: of(
          many.failures,
          (i) => ({ method: "GET", name: `/${i}`, error: "E", count: 1 }),
        ),
        iterations: many.isOpen ? iterations() : null,
      },
      thresholds: of(
        many.thresholds,
        (i) => ({ expression: `p9${i}<1ms`, observed: 2, passed: false }),
      ),
      breakingPoint: many.isBreaking ? CROSSED.breakingPoint : null,
      warnings: of(many.warnings, (i) => `careful ${i}`),
    });
    const lines = panel(full, columns, rows);
    assert.ok(lines.length <= Math.max(22, Math.min(40, rows - 10)), lines.join("\n"));
    const shown = lines.filter((line) => line.startsWith("GET /")).length;
    assert.ok(shown >= Math.min(1, many.names), lines.join("\n"));
    const rest = lines.slice(lines.findLastIndex((line) => line.startsWith("Name")) + 1);
    assert.equal(rest.includes(`and ${many.names - shown} more`), shown < many.names);
  }));
});

Deno.test("no text makes a line wider than the terminal, or prints control characters", () => {
  const columns = fc.integer({ min: 1, max: 220 });
  fc.assert(fc.property(anyName, anyName, columns, (method, text, columns) => {
    const requests = [requestRow({ method, name: text, requests: 123_456_789, failures: 3 })];
    const run = snapshot({
      mode: "distributed",
      arrivalRate: 1e9,
      workers: [workerRow({ id: text, cpu: 123.4, users: 1e9 }), workerRow({ id: method })],
      statistics: {
        ...statistics({ requests }),
        failures: [{ method, name: text, error: text, count: 3 }],
        userErrors: [{ user: text, error: method, count: 1e9 }],
        iterations: iterations({ scheduled: 1e12, dropped: 1e9 }),
      },
      thresholds: [{ expression: text, observed: 1e9, passed: false }],
      breakingPoint: {
        passed: { users: 1e9, arrivalRate: 1e9 },
        broke: { users: 1e9, arrivalRate: 1e9 },
        threshold: text,
      },
      warnings: [text],
    });
    for (const line of panel(run, columns, 60)) {
      assert.ok(columnsOf(line) <= columns, line);
      assert.doesNotMatch(line, CONTROLS);
    }
  }));
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
      breakingPoint: { passed: null, broke: null, threshold: null, ...point },
    })).at(-1)!;
  const passed = { users: 300, arrivalRate: null };
  assert.equal(step({}), "step        400 users");
  assert.equal(step({ passed }), "step        400 users   passed 300 users");
  assert.equal(
    step({ passed, broke: { users: 400, arrivalRate: null }, threshold: "p95<200ms" }),
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
  const userErrors = [{ user: "A", error: "x", count: 2 }, { user: "B", error: "y", count: 3 }];
  assert.equal(
    trafficLinesOf({ requests, userErrors })[2],
    "requests    1,000   failures 25 (2.50%)   user errors 5",
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
  userErrors: [{ user: "Shopper", error: "TypeError: no basket", count: 17 }],
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

function workerNames(workers: readonly WorkerRow[]): (string | undefined)[] {
  return workerTable(workers, { columns: 80, color: false }, 8).slice(1).map((row) =>
    row.split(" ")[0]
  );
}

Deno.test("without workers there is no table", () => {
  assert.deepEqual(workerTable([], { columns: 80, color: false }, 8), []);
});

Deno.test("lost workers come first, then strained, busy and idle ones, and those that left", () => {
  const workers = [
    workerRow({ id: "gone", state: "left", cpu: 0.99 }),
    workerRow({ id: "idle", cpu: 0.1 }),
    workerRow({ id: "working", cpu: 0.5 }),
    workerRow({ id: "late", cpu: 0.1, lagMs: 50 }),
    workerRow({ id: "full", cpu: 0.9 }),
    workerRow({ id: "lost", state: "lost", cpu: 0 }),
  ];
  assert.deepEqual(workerNames(workers), ["lost", "full", "late", "working", "idle", "gone"]);
});

Deno.test("similarly busy workers keep their positions", () => {
  const workers = [0.31, 0.33, 0.3, 0.34].map((cpu, i) => workerRow({ id: `w${i}`, cpu }));
  assert.deepEqual(workerNames(workers), ["w0", "w1", "w2", "w3"]);
});

Deno.test("six workers are shown, with the number of the others", () => {
  const workers = Array.from({ length: 1006 }, (_, i) => workerRow({ id: `w${i}`, users: i }));
  const lines = workerTable(workers, { columns: 60, color: false }, 8);
  assert.deepEqual(lines, [
    "Worker  Users  Req/s  CPU  Lag ms  State",
    "w0          0  100.0  31%    1.25  running",
    "w1          1  100.0  31%    1.25  running",
    "w2          2  100.0  31%    1.25  running",
    "w3          3  100.0  31%    1.25  running",
    "w4          4  100.0  31%    1.25  running",
    "w5          5  100.0  31%    1.25  running",
    "and 1,000 more",
  ]);
  assert.equal(workerTable(workers.slice(0, 6), { columns: 60, color: false }, 8).length, 7);
});

Deno.test("the name of a worker cannot print control characters or break a line", () => {
  for (const columns of [60, 80, 120]) {
    const lines = workerTable([workerRow({ id: HOSTILE_NAME })], { columns, color: false }, 8);
    for (const line of lines) {
      assert.ok(columnsOf(line) <= columns, line);
      assert.doesNotMatch(line, CONTROLS);
    }
  }
  const [, row] = workerTable([workerRow({ id: HOSTILE_NAME })], { columns: 60, color: false }, 8);
  assert.equal(row, "␛[31m␛[2J␇aa…aaaaaaaaaaa     10  100.0  31%    1.25  running");
});

function namesOf(count: number): RequestRow[] {
  return Array.from({ length: count }, (_, i) => requestRow({ name: `/${i}`, requests: i * 100 }));
}

function nameTableOf(count: number, most: number, columns = 60): string[] {
  return nameTable(namesOf(count), { columns, color: false }, most);
}

Deno.test("the names with the most requests are shown, with the number of the others", () => {
  const [header, ...lines] = nameTableOf(12, 10);
  assert.equal(header, "Name      Reqs  Req/s  p95 ms  Fails");
  const names = lines.slice(0, -1).map((line) => line.split(" ")[1]);
  assert.deepEqual(names, ["/11", "/10", "/9", "/8", "/7", "/6", "/5", "/4"]);
  assert.equal(lines.at(-1), "and 4 more");
});

Deno.test("all names are shown if they fit, and none if not a single one does", () => {
  assert.equal(nameTableOf(9, 10).length, 10);
  assert.equal(nameTableOf(9, 10).at(-1)!.split(" ")[1], "/0");
  assert.deepEqual(nameTableOf(9, 2).slice(1), ["and 9 more"]);
  assert.deepEqual(nameTableOf(9, 1), []);
  assert.deepEqual(nameTableOf(9, -3), []);
  assert.deepEqual(nameTableOf(0, 10), []);
});

Deno.test("a wider table of names has more columns", () => {
  const titles = (columns: number): string =>
    nameTableOf(1, 9, columns)[0]!.replaceAll(/ {2,}/g, "|");
  assert.equal(titles(49), "Name|Reqs|p95 ms|Fails");
  assert.equal(titles(50), "Name|Reqs|Req/s|p95 ms|Fails");
  assert.equal(titles(80), "Name|Reqs|Req/s|p50 ms|p95 ms|p99 ms|Fails");
  assert.equal(titles(100), "Name|Reqs|Req/s|p50 ms|p95 ms|p99 ms|Max ms|Fails|Fail%");
});

Deno.test("failures of a name are red", () => {
  const size = { columns: 100, color: true };
  const [, line = ""] = nameTable([requestRow({ failures: 25 })], size, 9);
  assert.ok(line.includes("\x1b[31m   25\x1b[0m"), line);
  assert.ok(line.includes("\x1b[31m2.50%\x1b[0m"), line);
  assert.ok(!nameTable([requestRow()], size, 9)[1]!.includes("\x1b[31m"));
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
