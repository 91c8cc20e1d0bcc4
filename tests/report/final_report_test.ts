import fc from "fast-check";
import assert from "node:assert/strict";
import {
  finalReport,
  iterationSection,
  phaseSection,
  statusSection,
  thresholdSection,
  workerSection,
} from "../../src/report/final_report.ts";
import { columnsOf } from "../../src/report/terminal.ts";
import type { LatencySummary, PhaseTotals, Snapshot, WorkerRow } from "../../src/stats/snapshot.ts";
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
  scriptedSnapshot,
  shopSnapshot,
  snapshot,
  statistics,
  unfinishedAt,
  workerRow,
} from "../support/snapshots.ts";
import { anyName, CONTROLS, HOSTILE_NAME } from "../support/texts.ts";

const PLAIN = { exitCode: 0, columns: 80, color: false };

function withRows(count: number): Snapshot {
  const requests = Array.from({ length: count }, (_, i) => requestRow({ name: `/item/${i}` }));
  return snapshot({ statistics: statistics({ requests }) });
}

Deno.test("a run without problems has two tables and a verdict", () => {
  const requests = [
    requestRow({ name: "/", requests: 400, latencyMs: latencies(0.8) }),
    requestRow({ method: "POST", name: "/orders", requests: 600, bytesSent: 2500 }),
  ];
  assert.equal(
    finalReport(snapshot({ statistics: statistics({ requests }) }), PLAIN),
    `
Run 7c0e3d2a, local
10.0s, up to 10 users, received 1.23 MB, sent 2.50 KB

✓ PASSED: 1,000 requests, no failures

Requests, latency in ms
Type  Name         Reqs  Fails  Fail%   Avg    Min   Max    Med  Req/s
──────────────────────────────────────────────────────────────────────
GET   /             400      0     0%  1.00  0.100  32.0  0.800   40.0
POST  /orders       600      0     0%  15.0   1.50   480   12.0   60.0
──────────────────────────────────────────────────────────────────────
      Aggregated  1,000      0     0%  15.0   1.50   480   12.0  100.0

Percentiles, latency in ms
Type  Name          50%   75%   90%   95%   99%  99.9%  99.99%   Max
────────────────────────────────────────────────────────────────────
GET   /           0.800  1.20  1.60  2.40  6.40   16.0    25.6  32.0
POST  /orders      12.0  18.0  24.0  36.0  96.0    240     384   480
────────────────────────────────────────────────────────────────────
      Aggregated   12.0  18.0  24.0  36.0  96.0    240     384   480

Statuses, all 200

PASSED  1,000 requests, no failures
`,
  );
});

Deno.test("the final report says where the time went, if not only waiting for the first byte", () => {
  const section = (phases: PhaseTotals): string =>
    phaseSection(snapshot({ statistics: statistics({ requests: [requestRow({ phases })] }) }), {
      columns: 80,
      color: false,
    }).join("\n");
  assert.equal(section(phaseTotals({ ttfb: [10], download: [0] }, { opened: 0, reused: 1 })), "");
  assert.equal(
    section(phaseTotals({ ttfb: [10], download: [2] })),
    `Where the time went, in ms
Phase       Count   Avg   50%   90%   95%   99%   Max
─────────────────────────────────────────────────────
First byte      1  10.0  10.0  10.0  10.0  10.0  10.0
Download        1  2.00  2.00  2.00  2.00  2.00  2.00`,
  );
  const phases = phaseTotals({
    ...{ dns: [1], connect: [0.2, 0.2], tls: [3], ttfb: [12, 12], download: [0, 0] },
  }, { opened: 2, reused: 1234 });
  assert.equal(
    section(phases),
    `Where the time went, in ms
Phase          Count    Avg    50%    90%    95%    99%    Max
──────────────────────────────────────────────────────────────
DNS lookup         1   1.00   1.00   1.00   1.00   1.00   1.00
Connect            2  0.200  0.200  0.200  0.200  0.200  0.200
TLS handshake      1   3.00   3.00   3.00   3.00   3.00   3.00
First byte         2   12.0   12.0   12.0   12.0   12.0   12.0
Download           2      0      0      0      0      0      0
2 connections opened; 1,234 requests on a connection that was open already.`,
  );
  const network = { samples: 640, retransmitting: 3, roundTripMs: latencies(0.21) };
  const requests = [requestRow({ phases })];
  const run = snapshot({ statistics: statistics({ requests, network }) });
  assert.equal(
    phaseSection(run, { columns: 80, color: false }).at(-1),
    "Network: round trip 0.210 ms median; 3 of 640 sampled connections resent data.",
  );
});

Deno.test("problems have their own tables, and warnings are wrapped", () => {
  const warning = "The load generator is at 95% of its core, so what it measures starts to be " +
    "its own slowness";
  const text = finalReport(shopSnapshot(90, { warnings: [warning] }), { ...PLAIN, exitCode: 1 });
  assert.equal(
    text.slice(text.indexOf("Failures")),
    `Failures
Count  Type  Name            Error
─────────────────────────────────────
   22  POST  /api/v2/orders  HTTP 503

User errors
Count  User     Error                           Place
────────────────────────────────────────────────────────────
    2  Shopper  TypeError: basket is undefined  shop.ts:12:7

! The load generator is at 95% of its core, so what it measures starts to be its
  own slowness

FAILED  22 of 37,080 requests failed (0.06%), 2 user errors (exit code 1)
`,
  );
});

Deno.test("unfinished requests have a column and a section, and lower bounds are marked", () => {
  const stalled = requestRow({
    name: "/",
    requests: 60,
    ...unfinishedAt(10_960, ...Array<number>(39).fill(11_040)),
    latencyMs: { ...latencies(0.8), mean: 4401, ...STALLED },
  });
  const never = requestRow({
    method: "POST",
    name: "/orders",
    requests: 0,
    ...unfinishedAt(2500),
    latencyMs: { ...NO_LATENCIES, mean: 2500, max: 2500, p50: 2500, p75: 2500, p90: 2500 },
  });
  const requests = [stalled, requestRow({ name: "/health", requests: 40 }), never];
  const totals = { ...statistics({ requests }).totals, latencyMs: stalled.latencyMs };
  const text = finalReport(snapshot({ statistics: statistics({ requests, totals }) }), PLAIN);
  assert.equal(
    text.slice(text.indexOf("Requests,"), text.lastIndexOf("\n\n")),
    `Requests, latency in ms
Type  Name        Reqs  Fails  Fail%  Unfin    Avg    Min     Max    Med  Req/s
───────────────────────────────────────────────────────────────────────────────
GET   /             60      0     0%     40  ≥4401  0.100  ≥11040  0.800   6.00
GET   /health       40      0     0%      0   15.0   1.50     480   12.0   4.00
POST  /orders        0      0     0%      1  ≥2500      -   ≥2500  ≥2500      0
───────────────────────────────────────────────────────────────────────────────
      Aggregated   100      0     0%     41  ≥4401  0.100  ≥11040  0.800   10.0

Percentiles, latency in ms
Type  Name          50%     75%     90%     95%     99%   99.9%  99.99%     Max
───────────────────────────────────────────────────────────────────────────────
GET   /           0.800  ≥11040  ≥11040  ≥11040  ≥11040  ≥11040  ≥11040  ≥11040
GET   /health      12.0    18.0    24.0    36.0    96.0     240     384     480
POST  /orders     ≥2500   ≥2500   ≥2500       -       -       -       -   ≥2500
───────────────────────────────────────────────────────────────────────────────
      Aggregated  0.800  ≥11040  ≥11040  ≥11040  ≥11040  ≥11040  ≥11040  ≥11040
≥ is a lower bound: requests without an answer count with the time they had
waited.

Statuses, all 200

Unfinished, cut off without an answer
Count  Type  Name     Waited up to
──────────────────────────────────
   40  GET   /              11.0 s
    1  POST  /orders        2.50 s`,
  );
});

/** The figures of a row of whose requests 40 % have waited for about 11 s. */
const STALLED: Partial<LatencySummary> = {
  ...{ p75: 11_040, p90: 11_040, p95: 11_040, p99: 11_040, p999: 11_040, p9999: 11_040 },
  max: 11_040,
};

Deno.test("tags are rows below their name, and what the test measures follows the requests", () => {
  const text = finalReport(scriptedSnapshot(30), PLAIN);
  const rows = text.split("\n").filter((line) => /cat|cache=/.test(line)).slice(0, 3);
  assert.deepEqual(rows.map((line) => line.slice(0, 42)), [
    "GET  /api/v2/catalo…ch?category=…  9,330  ",
    "       cache=hit                   8,397  ",
    "       cache=miss, size=large        933  ",
  ]);
  const titles = text.split("\n\n").map((section) => section.trim().split(/[\n,]/)[0]);
  assert.deepEqual(titles.slice(2, 11), [
    ...["Requests", "Percentiles", "Failed requests", "Classes", "Groups", "Checks", "Metrics"],
    ...["Trends", "Statuses"],
  ]);
});

Deno.test("a run without requests has a report", () => {
  assert.equal(
    finalReport(emptySnapshot(), PLAIN),
    `
Run 7c0e3d2a, local
0.0s, up to 0 users, received 0 B, sent 0 B

! NOTHING MEASURED: no requests

Requests, latency in ms
No request has ended.

NOTHING MEASURED  no requests
`,
  );
});

Deno.test("the heading has the number of workers and of retries", () => {
  const requests = [requestRow({ retries: 1 })];
  const workers = [workerRow({ id: "a" }), workerRow({ id: "b" })];
  const text = finalReport(
    snapshot({ mode: "distributed", workers, statistics: statistics({ requests }) }),
    PLAIN,
  );
  assert.deepEqual(text.split("\n").slice(1, 3), [
    "Run 7c0e3d2a, distributed, 2 workers",
    "10.0s, up to 10 users, received 1.23 MB, sent 0 B, 1 retry",
  ]);
});

Deno.test("the heading has the name and the labels of the run", () => {
  const named = snapshot({ name: "nightly", labels: { env: "staging", team: "shop" } });
  assert.deepEqual(finalReport(named, PLAIN).split("\n").slice(1, 3), [
    "Run nightly, 7c0e3d2a, local",
    "env=staging, team=shop",
  ]);
});

Deno.test("the workers of a distributed run follow the errors, and the verdict comes last", () => {
  const text = finalReport(clusterSnapshot(30), { ...PLAIN, exitCode: 4 });
  const titles = text.split("\n\n").map((section) => section.trim().split(/[\n,]/)[0]);
  assert.deepEqual(titles.slice(1), [
    "✗ FAILED: 7 of 12",
    "Requests",
    "Percentiles",
    "Failed requests",
    "Statuses",
    "Failures",
    "User errors",
    "Workers",
    "! Worker attic-k3x9-3 was lost: 2 s of what it counted are missing.",
    "FAILED  7 of 12",
  ]);
  assert.equal(
    text.slice(text.lastIndexOf("FAILED")),
    `FAILED  7 of 12,360 requests failed (0.06%), 2 user errors, counts incomplete
        for 1 of 8 workers (exit code 4)
`,
  );
});

Deno.test("iterations, thresholds and the breaking point have their sections, and bars are optional", () => {
  const run = openSnapshot(30, {}, {
    thresholds: [{ expression: "p95<20ms", observed: 36, passed: false }],
    breakingPoint: {
      className: null,
      passed: { users: 50, arrivalRate: 100 },
      broke: { users: 50, arrivalRate: 200 },
      threshold: "p95<20ms",
    },
    warnings: ["careful"],
  });
  const titles = (bars: boolean): (string | undefined)[] =>
    finalReport(run, { ...PLAIN, bars }).trim().split("\n\n").map((text) =>
      text.split(/[\n,;]/)[0]
    );
  assert.deepEqual(titles(true).slice(1, -1), [
    "✓ PASSED: 7 of 12",
    "Breaking point: 100 iterations/s passed",
    "Thresholds",
    "Requests",
    "Percentiles",
    "Failed requests",
    "Latency",
    "Statuses",
    "Failures",
    "User errors",
    "Iterations",
    "! careful",
  ]);
  assert.deepEqual(titles(false), titles(true).filter((title) => title !== "Latency"));
});

Deno.test("the distribution of latencies is drawn in ten steps", () => {
  const text = finalReport(shopSnapshot(30), { ...PLAIN, bars: true });
  const [, section = ""] = /\n\n(Latency, successful requests\n[\s\S]*?)\n\n/.exec(text) ?? [];
  const lines = section.split("\n");
  assert.equal(lines.length, 12);
  assert.match(lines.at(-1)!, /^ +480 +[\d,]+ +\d+\.\d+% {2}[█▏▎▍▌▋▊▉]+$/);
});

Deno.test("all of a thousand names are in both tables", () => {
  const lines = finalReport(withRows(1000), PLAIN).split("\n");
  for (const name of ["/item/0", "/item/500", "/item/999"]) {
    assert.equal(lines.filter((line) => line.split(/ +/)[1] === name).length, 2, name);
  }
  assert.equal(lines.filter((line) => line.startsWith("GET ")).length, 2000);
});

Deno.test("a wider report shows more of long names", () => {
  const name = `/${"segment/".repeat(6)}end`;
  const long = snapshot({ statistics: statistics({ requests: [requestRow({ name })] }) });
  assert.ok(!finalReport(long, PLAIN).includes(name));
  assert.ok(finalReport(long, { ...PLAIN, columns: 120 }).includes(name));
});

Deno.test("a narrow report leaves out columns, says which, and wraps its sentences", () => {
  const run = openSnapshot(30, { started: 5988, completed: 5988, dropped: 12 }, {
    thresholds: [{
      expression: "error_rate[POST /api/v2/orders]<1%",
      observed: 0.02,
      passed: false,
    }],
  });
  const text = finalReport(run, { exitCode: 3, columns: 40, color: false });
  assert.equal(
    text.slice(0, text.indexOf("\n\nStatuses")),
    `
Run 7c0e3d2a, local
30.0s, up to 14 users, received 15.3 MB,
sent 123 KB

✗ FAILED: 7 of 12,360 requests failed
  (0.06%), 2 user errors, threshold
  crossed: error_rate[POST
  /api/v2/orders]<1% (2%) (exit code 3)

Thresholds
Threshold             Observed Result
────────────────────────────────────────
error_rate…orders]<1%       2% ✗ crossed

Requests, latency of successes in ms
Type Name               Reqs Fails Fail%
────────────────────────────────────────
GET  /                 1,200     0    0%
GET  /api/v2/…egory=…  9,330     0    0%
POST /api/v2/…t/items  1,560     0    0%
POST /api/v2/orders      240     7 2.92%
TASK 検索して買う         30     0    0%
────────────────────────────────────────
     Aggregated       12,360     7 0.06%
Left out at this width: Avg, Min, Max,
Med, Req/s.

Percentiles, latency of successes in ms
Type Name             50%  95%  99%  Max
────────────────────────────────────────
GET  /              0.800 2.40 6.40 32.0
GET  /api/v2…gory=…  12.0 36.0 96.0  480
POST /api/v2…/items  12.0 36.0 96.0  480
POST /api/v2/orders   141  423 1128 5640
TASK 検索して買う    12.0 36.0 96.0  480
────────────────────────────────────────
     Aggregated      12.0 36.0 96.0  480
Left out at this width: 75%, 90%, 99.9%,
99.99%.

Failed requests, latency in ms
Type Name           Fails  50%  95% Max
───────────────────────────────────────
POST /api/v2/orders     7 3.00 9.00 120
Left out at this width: Min.`,
  );
  assert.match(text, /\n6,000 scheduled, 5,988 started, 5,988\ncompleted, 12 dropped \(0\.20%\)\n/);
});

Deno.test("the latencies of failures are apart from those of successes", () => {
  const report = (...failures: readonly number[]): string => {
    const requests = failures.map((failures, i) => requestRow({ name: `/${i}`, failures }));
    return finalReport(snapshot({ statistics: statistics({ requests }) }), PLAIN);
  };
  const section = (text: string): string =>
    text.slice(text.indexOf("Failed requests"), text.indexOf("\n\nStatuses"));
  assert.equal(
    section(report(1, 0)),
    `Failed requests, latency in ms
Type  Name  Fails    Min   50%   95%  Max
─────────────────────────────────────────
GET   /0        1  0.375  3.00  9.00  120`,
  );
  assert.equal(
    section(report(1, 2)),
    `Failed requests, latency in ms
Type  Name        Fails    Min   50%   95%  Max
───────────────────────────────────────────────
GET   /0              1  0.375  3.00  9.00  120
GET   /1              2  0.375  3.00  9.00  120
───────────────────────────────────────────────
      Aggregated      3  0.375  3.00  9.00  120`,
  );
  for (const title of ["Requests", "Percentiles"]) {
    assert.ok(report(1).includes(`\n${title}, latency of successes in ms\n`));
    assert.ok(report(0).includes(`\n${title}, latency in ms\n`));
  }
});

Deno.test("statuses are counted, and errors that several names have are summed up", () => {
  const codes = [
    codeRow({ requests: 981 }),
    codeRow({ code: 503, requests: 12, failed: 12 }),
    codeRow({ code: 0, requests: 7, failed: 7 }),
  ];
  const requests = [requestRow({ name: "/a", codes }), requestRow({ name: "/b" })];
  const failures = [
    { method: "GET", name: "/a", error: "HTTP 503", count: 12 },
    { method: "GET", name: "/a", error: "TIMEOUT", count: 4 },
    { method: "GET", name: "/b", error: "TIMEOUT", count: 3 },
  ];
  const run = snapshot({ statistics: statistics({ requests, failures }) });
  const text = finalReport(run, { ...PLAIN, exitCode: 1 });
  assert.equal(
    text.slice(text.indexOf("Statuses"), text.lastIndexOf("\n\n")),
    `Statuses
Status   Reqs  Share  Fails
───────────────────────────
none        7  0.35%      7
200     1,981  99.1%      0
503        12  0.60%     12
none: without a response, or without HTTP.

Failures
Count  Type  Name  Error
───────────────────────────
   12  GET   /a    HTTP 503
    4  GET   /a    TIMEOUT
    3  GET   /b    TIMEOUT

Failures by error, all names together
Count  Error
───────────────
   12  HTTP 503
    7  TIMEOUT`,
  );
  const calls = [
    requestRow({ method: "GRPC", codes: [codeRow({ code: 0 }), codeRow({ code: 5 })] }),
  ];
  assert.equal(
    statusSection(snapshot({ statistics: statistics({ requests: calls }) }), PLAIN).slice(-2).join(
      " ",
    ),
    "none: without a response, without HTTP, or with the status OK of gRPC, whose other codes are 1 to 16.",
  );
  const steps = [requestRow({ method: "TASK", codes: [codeRow({ code: 0 })] })];
  assert.deepEqual(
    statusSection(snapshot({ statistics: statistics({ requests: steps }) }), PLAIN),
    [],
  );
});

Deno.test("colors do not change the text", () => {
  const run = shopSnapshot(90, { warnings: ["careful"] });
  const colored = finalReport(run, { ...PLAIN, exitCode: 1, color: true });
  assert.ok(colored.includes("\x1b[31mFAILED \x1b[0m"));
  // deno-lint-ignore no-control-regex -- escape sequences are what it is about
  const stripped = colored.replaceAll(/\x1b\[\d+m/g, "");
  assert.equal(stripped, finalReport(run, { ...PLAIN, exitCode: 1 }));
});

Deno.test("no names, errors or numbers make a line too wide or print control characters", () => {
  const number = fc.integer({ min: 0, max: 2 ** 40 });
  const latency = fc.oneof(
    fc.constant(null),
    fc.double({ min: 0, max: 1e9, noNaN: true }),
  );
  const row = fc.record({
    method: anyName,
    name: anyName,
    requests: number,
    failures: number,
    rate: fc.double({ min: 0, max: 1e9, noNaN: true }),
    mean: latency,
    max: latency,
  }).map(({ mean, max, ...row }) =>
    requestRow({
      ...row,
      failures: Math.min(row.failures, row.requests),
      latencyMs: { ...latencies(max ?? 1), mean, max },
    })
  );
  const run = fc.record({ requests: fc.array(row, { maxLength: 4 }), text: anyName });
  fc.assert(fc.property(run, fc.integer({ min: 0, max: 140 }), ({ requests, text }, columns) => {
    const troubled = snapshot({
      runId: text,
      mode: "distributed",
      workers: [workerRow({ id: text, host: text, peakUsers: 1e9, cpuPeak: 99, complete: false })],
      statistics: statistics({
        requests,
        failures: [{ method: text, name: text, error: text, count: 1e12 }],
        userErrors: [{ user: text, error: text, place: text, count: 1 }],
      }),
      warnings: [text],
    });
    const report = finalReport(troubled, { exitCode: 1, columns, color: false });
    for (const line of report.split("\n")) {
      assert.ok(columnsOf(line) <= Math.max(20, columns), line);
      assert.doesNotMatch(line, CONTROLS);
    }
  }));
});

Deno.test("the open model shows iterations with an explanation of latencies", () => {
  const run = openSnapshot(30, { started: 5988, completed: 5988, dropped: 12 });
  assert.deepEqual(iterationSection(run, PLAIN), [
    "Iterations, times in ms",
    "6,000 scheduled, 5,988 started, 5,988 completed, 12 dropped (0.20%)",
    "                50%    75%    90%    95%    99%  99.9%  99.99%   Max",
    "────────────────────────────────────────────────────────────────────",
    "Service time   40.0   60.0   80.0    120    320    800    1280  1600",
    "Start delay   0.100  0.150  0.200  0.300  0.800   2.00    3.20  4.00",
    "The latency of the first request of an iteration counts from the moment at which",
    "the iteration was due, so it includes the start delay. The service time counts",
    "from the actual start of the iteration to its end.",
  ]);
});

Deno.test("interrupted iterations are counted, and make service times lower bounds", () => {
  const cutOff = { started: 6000, completed: 5991, interrupted: 9 };
  const [, counts, , , service, delay, ...notes] = iterationSection(
    openSnapshot(30, cutOff),
    PLAIN,
  );
  assert.equal(
    counts,
    "6,000 scheduled, 6,000 started, 5,991 completed, 9 interrupted, none dropped",
  );
  assert.match(service!, /^Service time( +≥[\d.]+){8}$/);
  assert.doesNotMatch(delay!, /≥/);
  assert.match(notes.join(" "), /^≥ is a lower bound: interrupted iterations count/);
});

Deno.test("the closed model has no start delays", () => {
  const closed = iterations({ startDelayMs: NO_LATENCIES });
  const run = snapshot({ statistics: { ...statistics(), iterations: closed } });
  const lines = iterationSection(run, PLAIN);
  assert.equal(lines[1], "6,000 started, 5,998 completed");
  assert.deepEqual(lines.slice(4).map((line) => line.slice(0, 12)), ["Service time"]);
});

Deno.test("without iteration counts, there is no section for them", () => {
  assert.deepEqual(iterationSection(snapshot(), PLAIN), []);
});

Deno.test("many dropped iterations are red, and late starts are yellow", () => {
  const text = (dropped: number, startDelay: number): string =>
    iterationSection(openSnapshot(30, { dropped, startDelayMs: latencies(startDelay) }), {
      columns: 80,
      color: true,
    }).join("\n");
  assert.ok(text(0, 6).includes(", none dropped"));
  assert.ok(!text(0, 6).includes("\x1b[3"));
  assert.ok(text(60, 6).includes("\x1b[33m60 dropped (1.00%)\x1b[0m"));
  assert.ok(text(61, 6).includes("\x1b[31m61 dropped (1.02%)\x1b[0m"));
  assert.ok(text(0, 7).includes("\x1b[33m"));
});

function ended(): Snapshot {
  const run = clusterSnapshot(30, { state: "stopped" });
  const workers = run.workers.map((worker) =>
    worker.state === "running" ? { ...worker, state: "finished" as const } : worker
  );
  return { ...run, workers };
}

function lines(workers: readonly WorkerRow[], columns = 80): string[] {
  return workerSection(snapshot({ mode: "distributed", workers }), { columns, color: false });
}

const SECTION = [
  "Workers, users and CPU at their peak",
  "Worker        Host    Users   Reqs   CPU  State",
  "──────────────────────────────────────────────────────────",
  "attic-k3x9-3  attic      16     40   33%  lost, incomplete",
  "attic-k3x9-6  cellar     20  1,980  104%  finished",
  "attic-k3x9-8  cellar     16  2,040   38%  finished",
  "attic-k3x9-7  cellar     16  2,010   37%  finished",
  "attic-k3x9-5  attic      16  1,950   35%  finished",
  "attic-k3x9-4  attic      16    650   34%  left",
  "attic-k3x9-2  attic      16  1,860   32%  finished",
  "attic-k3x9-1  attic      16  1,830   31%  finished",
];

Deno.test("every worker has a row, those with incomplete counts first", () => {
  for (const columns of [60, 80, 120]) {
    assert.deepEqual(workerSection(ended(), { columns, color: false }), SECTION);
  }
});

Deno.test("incomplete counts are red, and a busy core is yellow", () => {
  const colored = workerSection(ended(), { columns: 80, color: true });
  assert.ok(colored[3]!.endsWith("   33%  \x1b[31mlost, incomplete\x1b[0m"));
  assert.ok(colored[4]!.endsWith("  \x1b[33m104%\x1b[0m  finished"));
});

Deno.test("a local run has no section for workers, and a master without workers says so", () => {
  assert.deepEqual(workerSection(snapshot(), { columns: 80, color: false }), []);
  assert.deepEqual(lines([]), ["Workers", "No worker took part."]);
});

Deno.test("of many workers, twenty are shown, and a line sums up the others", () => {
  const workers = Array.from(
    { length: 50 },
    (_, i) => workerRow({ id: `w${i}`, cpuPeak: i / 100, complete: i !== 7, requests: 1000 + i }),
  );
  const [, , , ...rows] = lines(workers);
  const names = rows.slice(0, -1).map((row) => row.split(" ")[0]);
  assert.deepEqual(names, ["w7", ...Array.from({ length: 19 }, (_, i) => `w${49 - i}`)]);
  assert.equal(rows.at(-1), "and 30 more, with 30,458 requests");
});

Deno.test("the line for the other workers mentions incomplete counts", () => {
  const workers = Array.from({ length: 25 }, (_, i) => workerRow({ complete: i > 21 }));
  assert.equal(lines(workers).at(-1), "and 5 more, with 5,000 requests, 2 of them incomplete");
});

Deno.test("the name of a worker cannot print control characters or break a line", () => {
  const worker = workerRow({ id: HOSTILE_NAME, host: HOSTILE_NAME, complete: false });
  for (const columns of [60, 80, 120]) {
    for (const line of lines([worker], columns)) {
      assert.ok(columnsOf(line) <= columns, line);
      assert.doesNotMatch(line, CONTROLS);
    }
  }
  assert.equal(
    lines([worker]).at(-1),
    "␛[31m␛[2J␇…aaaaaaaaaa ␛[31m␛[2J␇…aaaaaaaaaa    10 1,000 46% running, incomplete",
  );
});

const ROWS = [
  { expression: "p95<200ms", observed: 120.5, passed: true },
  { expression: "error_rate<1%", observed: 0.01004, passed: false },
  { expression: "p99[POST pay]<0.5s", observed: null, passed: false },
];

Deno.test("every threshold has a row with the observed value, in order", () => {
  assert.deepEqual(thresholdSection(ROWS, { columns: 80, color: false }, true), [
    "Thresholds",
    "Threshold            Observed  Result",
    "────────────────────────────────────────",
    "p95<200ms            120.5 ms  ✓ passed",
    "error_rate<1%          1.004%  ✗ crossed",
    "p99[POST pay]<0.5s  no sample  ✗ crossed",
  ]);
  assert.deepEqual(thresholdSection([], { columns: 80, color: false }, true), []);
  const before = [{ expression: "count>=1", observed: null, passed: true }];
  assert.equal(
    thresholdSection(before, { columns: 80, color: false }, false).at(-1),
    "count>=1   no sample  · not judged",
  );
  const cut = [{ expression: "count>=1", observed: null, passed: null }];
  assert.equal(
    thresholdSection(cut, { columns: 80, color: false }, true).at(-1),
    "count>=1   no sample  · not judged",
  );
});

Deno.test("passed thresholds are green, and crossed ones are red", () => {
  const lines = thresholdSection(ROWS, { columns: 80, color: true }, true);
  assert.ok(lines[3]!.endsWith("\x1b[32m✓ passed\x1b[0m"));
  assert.ok(lines[4]!.endsWith("\x1b[31m✗ crossed\x1b[0m"));
});
