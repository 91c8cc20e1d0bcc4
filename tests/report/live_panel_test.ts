import fc from "fast-check";
import assert from "node:assert/strict";
import { render } from "../../src/report/live_panel.ts";
import { columnsOf } from "../../src/report/terminal.ts";
import type { PhaseTotals, Snapshot } from "../../src/stats/snapshot.ts";
import {
  clusterSnapshot,
  emptySnapshot,
  iterations,
  openSnapshot,
  phaseTotals,
  requestRow,
  scriptedSnapshot,
  shopSnapshot,
  snapshot,
  statistics,
  workerRow,
} from "../support/snapshots.ts";
import { anyName, CONTROLS } from "../support/texts.ts";

function panel(run: Snapshot, columns: number, rows = 24): string[] {
  return render(run, { columns, rows, color: false }, { starts: 199.8 });
}

const CROSSED = {
  thresholds: [
    { expression: "p95<200ms", observed: 36, passed: true },
    { expression: "error_rate<0.01%", observed: 0.0006, passed: false },
  ],
  breakingPoint: {
    className: null,
    passed: { users: 50, arrivalRate: 100 },
    broke: null,
    threshold: null,
  },
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
      "            2 × TypeError: basket is undefined  Shopp…s:12:7",
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
      "            2 × TypeError: basket is undefined  Shopp…s:12:7",
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
      "failures    p50 3.00   p95 9.00   p99 24.0   max 120    ms",
      "statuses    200 12,353  503 7",
      "workers     6 of 8   busiest cpu 97%   loop lag 61.0 ms",
      "errors      7 × HTTP 503  POST /api/v2/orders",
      "            2 × TypeError: basket is undefined  Shopper  shop.ts:12:7",
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
      "and 2 more",
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
      "            2 × TypeError: basket is undefined  Shopper  shop.ts:12:7",
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
    title: "all that a test file measures on 80 columns",
    run: scriptedSnapshot(30),
    columns: 80,
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
      "process     cpu 31%   loop lag 1.25 ms",
      "errors      7 × HTTP 503  POST /api/v2/orders",
      "            2 × TypeError: basket is undefined  Shopper  shop.ts:12:7",
      "checks      ✗ has a token 99.7%  ✓ is the right product 100%",
      "groups p95  checkout 1200 ms 7 failed  checkout / pay 450 ms",
      "metrics     cache_hits 92.5%  cart_size p95 12 items  logins 1,234  and 1 more",
      "classes     BuyerTest 98 users 412.0/s 7 failed  AdminTest 2 users 1.00/s",
      "",
      "Name                                  Reqs  Req/s  p50 ms  p95 ms  p99 ms  Fails",
      "GET /api/v2/catal…search?category=…  9,330  311.0    12.0    36.0    96.0      0",
      "POST /api/v2/basket/items            1,560   52.0    12.0    36.0    96.0      0",
      "GET /                                1,200   40.0   0.800    2.40    6.40      0",
      "and 2 more",
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
      "            2 × TypeError: basket is undefined  Shopper  shop.ts:12:7",
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
      "in progress 0                                                                          26.8  4,380  35.5%  ████████████████████████████████▏",
      "whole run   p50 12.0   p95 36.0   p99 96.0   max 480    ms                             47.8      0     0%",
      "last 5 s    p50 12.0   p95 36.0   p99 96.0   ms                                        85.1      0     0%",
      "service     p50 40.0   p95 120    p99 320    max 1600   ms                              151  1,101  8.91%  ████████▏",
      "start delay p50 0.100  p95 0.300  p99 0.800  max 4.00   ms                              270    108  0.87%  ▊",
      "process     cpu 31%   loop lag 1.25 ms                                                  480    116  0.94%  ▉",
      "errors      7 × HTTP 503  POST /api/v2/orders",
      "            2 × TypeError: basket is undefined  Shopper  shop.ts:12:7",
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

Deno.test("a narrow panel leaves out figures rather than parts of them", () => {
  assert.deepEqual(panel(openSnapshot(30, {}, CROSSED), 40).slice(0, 14), [
    "running     25%  30s of 2m, 1m30s left",
    "",
    "users       2 of 50 busy",
    "iterations  199.8 of 200/s   queued 0",
    "step        200 iterations/s",
    "rate now    392.0/s   ▆▆▆▆▆▇▇▇████████▇▇",
    "p95 now     36.0 ms   ██████████████████",
    "requests    12,360   failures 7 (0.06%)",
    "in progress 0",
    "whole run   p50 12.0   p95 36.0   ",
    "last 5 s    p50 12.0   p95 36.0   ",
    "service     p50 40.0   p95 120    ",
    "start delay p50 0.100  p95 0.300  ",
    "process     cpu 31%   loop lag 1.25 ms",
  ]);
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
        userErrors: [{ user: text, error: method, place: text, count: 1e9 }],
        iterations: iterations({ scheduled: 1e12, dropped: 1e9 }),
      },
      thresholds: [{ expression: text, observed: 1e9, passed: false }],
      breakingPoint: {
        className: null,
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
