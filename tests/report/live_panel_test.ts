import assert from "node:assert/strict";
import fc from "fast-check";
import { render } from "../../src/report/live_panel.ts";
import { columnsOf } from "../../src/report/terminal_text.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import {
  clusterSnapshot,
  emptySnapshot,
  requestRow,
  shopSnapshot,
  snapshot,
  statistics,
  workerRow,
} from "../support/snapshots.ts";
import { anyName, CONTROLS } from "../support/texts.ts";

const PANEL_60 = [
  "running   ████████░░░░░░░░░░░░░░░░░░░░░░░░░░░ 30s of 2m, 25%",
  "",
  "users     100",
  "rate      392.0/s   ▁▂▃▄▄▅▆▆▇▇▇▇▆▆▆▆▆▇▇▇████████▇▇",
  "requests  12,360   failures 7 (0.06%)   user errors 2",
  "latency   p50 12.0    p95 36.0    p99 96.0    max 480     ms",
  "last 5 s  p50 12.0    p95 36.0    p99 96.0    ms",
  "workers   6 of 8   busiest cpu 97%   loop lag 61.0 ms",
  "Worker        Users  Req/s  CPU  Lag ms  State",
  "attic-k3x9-3      -      -    -       -  lost",
  "attic-k3x9-6     20   66.0  97%    12.5  running",
  "attic-k3x9-8     16   68.0  42%    61.0  running",
  "attic-k3x9-5     16   65.0  25%    1.25  running",
  "attic-k3x9-7     16   67.0  27%    1.25  running",
  "attic-k3x9-1     16   61.0  21%    1.25  running",
  "and 2 more",
  "",
  "Name                              Reqs  Req/s  p95 ms  Fails",
  "GET /api/v2/cat…arch?category=…  9,330  311.0    36.0      0",
  "POST /api/v2/basket/items        1,560   52.0    36.0      0",
  "and 3 more",
  "! Worker attic-k3x9-3 was lost:…what it counted are missing.",
];

const PANEL_80 = [
  "running   █████████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 30s of 2m, 25%",
  "",
  "users     100",
  "rate      392.0/s   ▁▂▃▄▄▅▆▆▇▇▇▇▆▆▆▆▆▇▇▇████████▇▇",
  "requests  12,360   failures 7 (0.06%)   user errors 2",
  "latency   p50 12.0    p95 36.0    p99 96.0    max 480     ms",
  "last 5 s  p50 12.0    p95 36.0    p99 96.0    ms",
  "workers   6 of 8   busiest cpu 97%   loop lag 61.0 ms",
  "Worker        Users  Req/s  CPU  Lag ms  State",
  "attic-k3x9-3      -      -    -       -  lost",
  "attic-k3x9-6     20   66.0  97%    12.5  running",
  "attic-k3x9-8     16   68.0  42%    61.0  running",
  "attic-k3x9-5     16   65.0  25%    1.25  running",
  "attic-k3x9-7     16   67.0  27%    1.25  running",
  "attic-k3x9-1     16   61.0  21%    1.25  running",
  "and 2 more",
  "",
  "Name                                      Reqs  Req/s  p95 ms  Fails",
  "GET /api/v2/catalogue/search?category=…  9,330  311.0    36.0      0",
  "POST /api/v2/basket/items                1,560   52.0    36.0      0",
  "and 3 more",
  "! Worker attic-k3x9-3 was lost: 2 s of what it counted are missing.",
];

function lineOf(run: Snapshot, label: string): string | undefined {
  return render(run, 80, false).find((line) => line.startsWith(label));
}

Deno.test("the panel of a web shop, half a minute in, on 60 columns", () => {
  assert.deepEqual(render(shopSnapshot(30, { warnings: ["careful"] }), 60, false), [
    "running   ████████░░░░░░░░░░░░░░░░░░░░░░░░░░░ 30s of 2m, 25%",
    "",
    "users     100",
    "rate      392.0/s   ▁▂▃▄▄▅▆▆▇▇▇▇▆▆▆▆▆▇▇▇████████▇▇",
    "requests  12,360   failures 7 (0.06%)   user errors 2",
    "latency   p50 12.0    p95 36.0    p99 96.0    max 480     ms",
    "last 5 s  p50 12.0    p95 36.0    p99 96.0    ms",
    "process   cpu 31%   loop lag 1.25 ms",
    "",
    "Name                              Reqs  Req/s  p95 ms  Fails",
    "GET /api/v2/cat…arch?category=…  9,330  311.0    36.0      0",
    "POST /api/v2/basket/items        1,560   52.0    36.0      0",
    "GET /                            1,200   40.0    2.40      0",
    "POST /api/v2/orders                240   8.00     423      7",
    "TASK 検索して買う                   30   1.00    36.0      0",
    "! careful",
  ]);
});

Deno.test("a run that nobody has started yet has a panel too", () => {
  assert.deepEqual(render(emptySnapshot({ plannedSeconds: null, workers: [] }), 80, false), [
    "ready     0s",
    "",
    "users     0",
    "rate      -",
    "requests  0   failures 0",
    "latency   p50 -       p95 -       p99 -       max -       ms",
    "last 5 s  p50 -       p95 -       p99 -       ms",
    "workers   none yet",
  ]);
});

Deno.test("the bar fills up with the planned time, and not beyond it", () => {
  const at = (elapsedSeconds: number): string =>
    render(snapshot({ elapsedSeconds, plannedSeconds: 20 }), 40, false)[0]!;
  assert.equal(at(0), "running   ░░░░░░░░░░░░░░░░ 0s of 20s, 0%");
  assert.equal(at(10), "running   ███████░░░░░░░ 10s of 20s, 50%");
  assert.equal(at(22), "running   █████████████ 22s of 20s, 100%");
});

Deno.test("without a planned time there is only the time that went by", () => {
  assert.equal(render(snapshot({ plannedSeconds: null }), 80, false)[0], "running   10s");
});

Deno.test("users are shown with their target until they have reached it", () => {
  const users = { current: 3, target: 10, peak: 3, final: 0 };
  assert.equal(lineOf(snapshot({ users }), "users"), "users     3 of 10");
  assert.equal(lineOf(snapshot(), "users"), "users     10");
});

Deno.test("failures are red as soon as there is one", () => {
  const failing = statistics({ requests: [requestRow({ failures: 25 })] });
  const [good, bad] = [snapshot(), snapshot({ statistics: failing })]
    .map((run) => render(run, 80, true).find((line) => line.includes("requests"))!);
  assert.ok(!good!.includes("\x1b[31m"));
  assert.ok(bad!.endsWith("\x1b[31m25\x1b[0m\x1b[31m (2.50%)\x1b[0m"));
});

Deno.test("of many workers the one in the worst state is shown", () => {
  const workers = [workerRow({ cpu: 0.2, lagMs: 3 }), workerRow({ cpu: 0.95, lagMs: 1 })];
  const run = snapshot({ mode: "distributed", workers });
  assert.equal(lineOf(run, "workers"), "workers   2   busiest cpu 95%   loop lag 3.00 ms");
  assert.ok(render(run, 80, true).some((line) => line.includes("\x1b[33m95%\x1b[0m")));
});

Deno.test("a single worker is not the busiest of anything", () => {
  const run = snapshot({ mode: "distributed", workers: [workerRow()] });
  assert.equal(lineOf(run, "workers"), "workers   1   cpu 31%   loop lag 1.25 ms");
});

Deno.test("how busy workers were that are gone says nothing of now", () => {
  const lost = workerRow({ state: "lost", cpu: 0.99, lagMs: 500 });
  const some = snapshot({ mode: "distributed", workers: [lost, workerRow()] });
  assert.equal(lineOf(some, "workers"), "workers   1 of 2   cpu 31%   loop lag 1.25 ms");
  const none = snapshot({ mode: "distributed", workers: [lost] });
  assert.equal(lineOf(none, "workers"), "workers   0 of 1   ");
});

Deno.test("the panel of eight workers, half a minute in, on 60 columns", () => {
  assert.deepEqual(render(clusterSnapshot(30), 60, false), PANEL_60);
});

Deno.test("the panel of eight workers, half a minute in, on 80 columns", () => {
  assert.deepEqual(render(clusterSnapshot(30), 80, false), PANEL_80);
});

Deno.test("the panel of eight workers, half a minute in, on 120 columns", () => {
  const bar = `${"█".repeat(15)}${"░".repeat(45)}`;
  assert.deepEqual(render(clusterSnapshot(30), 120, false), [
    `running   ${bar} 30s of 2m, 25%`,
    ...PANEL_80.slice(1),
  ]);
});

Deno.test("what is wrong with a worker has the colour of it", () => {
  const lines = render(clusterSnapshot(30), 80, true);
  const row = (number: number): string =>
    lines.find((line) => line.startsWith(`attic-k3x9-${number}`))!;
  assert.ok(row(3).endsWith("  \x1b[31mlost\x1b[0m"));
  assert.ok(row(6).includes("  \x1b[33m97%\x1b[0m    12.5  \x1b[32mrunning\x1b[0m"));
  assert.ok(row(8).includes("  42%  \x1b[33m  61.0\x1b[0m  "));
});

Deno.test("a master that waits says how many workers are there", () => {
  const workers = [
    workerRow({ id: "a", state: "ready", users: 0, rate: 0, cpu: 0.02, lagMs: 0 }),
    workerRow({ id: "b", state: "preparing", users: 0, rate: 0, cpu: 0.4, lagMs: 0 }),
  ];
  const waiting = emptySnapshot({ mode: "distributed", expectedWorkers: 8, workers });
  assert.deepEqual(render(waiting, 60, false), [
    "ready     waiting for workers: 1 of 8",
    "",
    "users     0",
    "rate      -",
    "requests  0   failures 0",
    "latency   p50 -       p95 -       p99 -       max -       ms",
    "last 5 s  p50 -       p95 -       p99 -       ms",
    "workers   2   busiest cpu 40%   loop lag 0 ms",
    "Worker  Users  Req/s  CPU  Lag ms  State",
    "b           0      0  40%       0  preparing",
    "a           0      0   2%       0  ready",
  ]);
  assert.equal(
    lineOf({ ...waiting, workers: [] }, "ready"),
    "ready     waiting for workers: 0 of 8",
  );
  assert.equal(lineOf({ ...waiting, workers: [] }, "workers"), "workers   none yet");
});

Deno.test("the eight names with the most requests are shown, and how many are not", () => {
  const requests = Array.from(
    { length: 12 },
    (_, i) => requestRow({ name: `/${i}`, requests: i * 100 }),
  );
  const lines = render(snapshot({ statistics: statistics({ requests }) }), 80, false);
  const names = lines.filter((line) => line.startsWith("GET")).map((line) => line.split(" ")[1]);
  assert.deepEqual(names, ["/11", "/10", "/9", "/8", "/7", "/6", "/5", "/4"]);
  assert.equal(lines.at(-1), "and 4 more");
});

Deno.test("only the latest warnings are shown", () => {
  const lines = render(snapshot({ warnings: ["one", "two", "three"] }), 80, false);
  assert.deepEqual(lines.slice(-2), ["! two", "! three"]);
});

Deno.test("the fullest panel fits a terminal of 24 rows", () => {
  const requests = Array.from({ length: 50 }, (_, i) => requestRow({ name: `/${i}` }));
  const full = snapshot({ statistics: statistics({ requests }), warnings: ["a", "b", "c", "d"] });
  assert.equal(render(full, 80, false).length, 21);
});

Deno.test("no number of workers, names and warnings makes the panel higher than 22 lines", () => {
  const count = fc.nat(12);
  fc.assert(fc.property(count, count, fc.nat(3), (workers, names, warnings) => {
    const full = clusterSnapshot(30, {
      workers: Array.from({ length: workers }, (_, i) => workerRow({ id: `w${i}` })),
      statistics: statistics({
        requests: Array.from({ length: names }, (_, i) => requestRow({ name: `/${i}` })),
      }),
      warnings: Array.from({ length: warnings }, (_, i) => `careful ${i}`),
    });
    const lines = render(full, 80, false);
    assert.ok(lines.length <= 22, lines.join("\n"));
    const shown = lines.filter((line) => line.startsWith("GET /")).length;
    assert.ok(shown >= Math.min(1, names));
    assert.equal(lines.includes(`and ${names - shown} more`), shown < names);
  }));
});

Deno.test("no text makes a line wider than the terminal, or brings control characters", () => {
  const columns = fc.integer({ min: 1, max: 140 });
  fc.assert(fc.property(anyName, anyName, columns, (method, text, columns) => {
    const requests = [requestRow({ method, name: text, requests: 123_456_789 })];
    const run = snapshot({
      mode: "distributed",
      workers: [workerRow({ id: text, cpu: 123.4, users: 1e9 }), workerRow({ id: method })],
      statistics: statistics({ requests }),
      warnings: [text],
    });
    for (const line of render(run, columns, false)) {
      assert.ok(columnsOf(line) <= columns, line);
      assert.doesNotMatch(line, CONTROLS);
    }
  }));
});
