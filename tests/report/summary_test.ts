import { Ajv } from "ajv";
import assert from "node:assert/strict";
import {
  compactSummary,
  histogramOf,
  histogramText,
  summaryJson,
  summaryRows,
} from "../../src/report/summary.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import type { CodeRow, Snapshot } from "../../src/stats/snapshot.ts";
import { packBuckets, PackedBuckets } from "../../src/stats/packed_buckets.ts";
import {
  checkRow,
  classRow,
  clusterSnapshot,
  codeRow,
  counterRow,
  emptySnapshot,
  gaugeRow,
  groupRow,
  history,
  iterations,
  latencies,
  NO_LATENCIES,
  NONE_UNANSWERED,
  phaseTotals,
  rateRow,
  requestRow,
  scriptedSnapshot,
  snapshot,
  statistics,
  tagRow,
  timelineSecond,
  trendRow,
  unfinishedAt,
  workerRow,
} from "../support/snapshots.ts";
import { onlyBlock } from "../support/fenced_blocks.ts";
import { projectPath } from "../support/paths.ts";
import { runMetadata } from "../support/run_metadata.ts";
import { joined, writtenSummary } from "../support/texts.ts";

const OPTIONS = { metadata: runMetadata(), exitCode: 1 };

/** 300 values in the first bucket, and one in the sixth. */
const HISTOGRAM = new Histogram();
HISTOGRAM.addBucket(0, 300);
HISTOGRAM.addBucket(5, 1);

const ENDED = snapshot({
  name: "nightly",
  labels: { env: "staging" },
  state: "stopped",
  endedAt: Date.UTC(2026, 2, 5, 10, 30, 10, 5),
  durationSeconds: 10.1049,
  users: { current: 0, target: 10, peak: 10, final: 9 },
  workers: [workerRow({ state: "finished" })],
  statistics: statistics({
    requests: [
      requestRow({
        name: "search",
        failures: 1,
        retries: 2,
        rate: 98.96189,
        bytesSent: 7,
        histogram: HISTOGRAM,
        phases: phaseTotals(
          { connect: [0.25], ttfb: [12, 12], download: [0] },
          { opened: 3, reused: 997 },
        ),
      }),
    ],
    failures: [{ method: "GET", name: "search", error: "HTTP 500", count: 1 }],
    userErrors: [{ user: "Shopper", error: "no basket", place: "shop.ts:12:7", count: 3 }],
    timeline: [timelineSecond({ p50: 1.23456, failures: 1 })],
  }),
  warnings: ["the network is slow"],
});

Deno.test("the summary has exactly these fields, in this order", () => {
  const times = (count: number, ms: number): string =>
    `{
        "count": ${count},
        "min": ${ms},
        "mean": ${ms},
        "max": ${ms},
        "stddev": 0,
        "p50": ${ms},
        "p75": ${ms},
        "p90": ${ms},
        "p95": ${ms},
        "p99": ${ms},
        "p999": ${ms},
        "p9999": ${ms}
      }`;
  const totals = `"requests": 1000,
    "failures": 1,
    "unfinished": {
      "count": 0,
      "oldestMs": null
    },
    "retries": 2,
    "errorRate": 0.001,
    "rate": 98.962,
    "bytesReceived": 1234000,
    "bytesSent": 7,
    "latencyMs": {
      "min": 1.5,
      "mean": 15,
      "max": 480,
      "stddev": 18,
      "p50": 12,
      "p75": 18,
      "p90": 24,
      "p95": 36,
      "p99": 96,
      "p999": 240,
      "p9999": 384
    },
    "lowerBounds": [],
    "failureLatencyMs": {
      "min": 0.375,
      "mean": 3.75,
      "max": 120,
      "stddev": 4.5,
      "p50": 3,
      "p75": 4.5,
      "p90": 6,
      "p95": 9,
      "p99": 24,
      "p999": 60,
      "p9999": 96
    },
    "statuses": {
      "200": 999,
      "503": 1
    },
    "connections": {
      "opened": 3,
      "reused": 997
    },
    "phases": {
      "dnsMs": null,
      "connectMs": ${times(1, 0.25)},
      "tlsMs": null,
      "ttfbMs": ${times(2, 12)},
      "downloadMs": ${times(1, 0)}
    },
    "failedStatuses": {
      "503": 1
    },
    "waits": null,
    "histogram": "AawCBQE=",
    "failureHistogram": "gVwB"`;
  const inRequests = totals.replaceAll("\n", "\n  ");
  assert.equal(
    joined(summaryJson(summaryRows(ENDED, OPTIONS))),
    `{
  "schema": 4,
  "aiotest": "0.1.0",
  "state": "finished",
  "runId": "7c0e3d2a",
  "name": "nightly",
  "labels": {
    "env": "staging"
  },
  "mode": "local",
  "startedAt": "2026-03-05T10:29:59.900Z",
  "endedAt": "2026-03-05T10:30:10.005Z",
  "durationSeconds": 10.105,
  "pausedSeconds": 0,
  "pauses": [],
  "complete": true,
  "users": {
    "current": 0,
    "peak": 10,
    "final": 9
  },
  "workers": [
    {
      "id": "local",
      "host": "laptop",
      "state": "finished",
      "peakUsers": 10,
      "cpuPeak": 0.457,
      "requests": 1000,
      "complete": true,
      "sockets": "epoll"
    }
  ],
  "totals": {
    ${totals}
  },
  "requests": [
    {
      "method": "GET",
      "name": "search",
      ${inRequests},
      "tags": []
    }
  ],
  "failures": [
    {
      "method": "GET",
      "name": "search",
      "error": "HTTP 500",
      "count": 1
    }
  ],
  "userErrors": [
    {
      "user": "Shopper",
      "error": "no basket",
      "place": "shop.ts:12:7",
      "count": 3
    }
  ],
  "iterations": null,
  "network": null,
  "classes": [],
  "groups": [],
  "metrics": [],
  "checks": [],
  "tracedRequests": [],
  "histories": [],
  "heatMap": {
    "stepSeconds": 1,
    "seconds": [],
    "histograms": []
  },
  "thresholds": [],
  "breakingPoint": null,
  "runEnd": null,
  "annotations": [],
  "timeline": [
    {
      "second": 0,
      "users": 10,
      "requests": 100,
      "failures": 1,
      "p50": 1.235,
      "p95": 36,
      "p99": 96,
      "maxLagMs": 2
    }
  ],
  "warnings": [
    "the network is slow"
  ],
  "exitCode": 1,
  "elapsedSeconds": 10,
  "load": {
    "model": "closed",
    "users": 10,
    "arrivalRate": null
  },
  "expectedWorkers": null,
  "inProgress": {
    "count": 0,
    "oldestMs": null
  },
  "failureSamples": [],
  "metadata": {
    "version": "0.1.0",
    "program": "aiotest 0.1.0 (deno 2.9.6)",
    "test": "shop.ts",
    "options": [
      {
        "flag": "--users",
        "value": "10"
      },
      {
        "flag": "--run-time",
        "value": "20 s"
      },
      {
        "flag": "--insecure",
        "value": ""
      }
    ],
    "machine": {
      "hostname": "attic",
      "cores": 8,
      "system": "linux 6.1.0, x86_64"
    }
  }
}
`,
  );
});

Deno.test("a histogram is Base64 of its packed buckets, and empty without latencies", () => {
  const { totals, requests: [row] } = writtenSummary(ENDED, OPTIONS);
  for (const text of [totals.histogram, row!.histogram]) {
    assert.deepEqual([...Uint8Array.fromBase64(text)], [1, 172, 2, 5, 1]);
  }
  assert.equal(writtenSummary(emptySnapshot(), OPTIONS).totals.histogram, "");
});

Deno.test("iterations, thresholds and the breaking point are in the summary", () => {
  const iterations = {
    scheduled: 120,
    started: 100,
    completed: 99,
    interrupted: 1,
    dropped: 20,
    serviceTimeMs: { ...latencies(1), p99: 1.23456 },
    startDelayMs: NO_LATENCIES,
  };
  const breakingPoint = {
    className: null,
    passed: { users: 20, arrivalRate: null },
    broke: { users: 40, arrivalRate: null },
    threshold: "p95<200ms",
  };
  const result = writtenSummary(
    snapshot({
      thresholds: [
        { expression: "p95<200ms", observed: 120.51234567, passed: true },
        { expression: "error_rate<1%", observed: 1.23456789e-7, passed: true },
        { expression: "p99[GET pay]<1s", observed: null, passed: false },
      ],
      breakingPoint,
      statistics: statistics({ iterations }),
    }),
    OPTIONS,
  );
  assert.deepEqual(result.iterations, {
    ...iterations,
    serviceTimeMs: { ...latencies(1), p99: 1.235 },
    lowerBounds: ["mean", "max", "p50", "p75", "p90", "p95", "p99", "p999", "p9999"],
  });
  assert.deepEqual(result.breakingPoint, breakingPoint);
  assert.deepEqual(result.thresholds, [
    { expression: "p95<200ms", observed: 120.512, passed: true },
    { expression: "error_rate<1%", observed: 1.23457e-7, passed: true },
    { expression: "p99[GET pay]<1s", observed: null, passed: false },
  ]);
});

Deno.test("unfinished requests are counted apart, with the figures that they make lower bounds", () => {
  const row = requestRow({ ...unfinishedAt(300.00049, 11_000), inProgress: NONE_UNANSWERED });
  const of = snapshot({ statistics: statistics({ requests: [row] }) });
  const { totals, requests } = writtenSummary(of, OPTIONS);
  for (const { requests: count, unfinished, lowerBounds } of [totals, requests[0]!]) {
    assert.equal(count, 1000);
    assert.deepEqual(unfinished, { count: 2, oldestMs: 11_000 });
    // Both have waited for longer than the 99th percentile, which is therefore exact.
    assert.deepEqual(lowerBounds, ["mean", "max", "p9999"]);
  }
  assert.equal("inProgress" in requests[0]!, false);
});

Deno.test("a summary during the run has the requests in progress of each name", () => {
  const row = requestRow({ inProgress: { count: 3, oldestMs: 1.23456 } });
  const { requests } = compactSummary(
    snapshot({ statistics: statistics({ requests: [row] }) }),
    "0.1.0",
  );
  assert.deepEqual(requests[0]!.inProgress, { count: 3, oldestMs: 1.235 });
});

Deno.test("without latencies, every figure is null rather than 0", () => {
  const { totals, startedAt, endedAt } = writtenSummary(emptySnapshot(), OPTIONS);
  assert.deepEqual(totals.latencyMs, NO_LATENCIES);
  assert.equal(startedAt, null);
  assert.equal(endedAt, null);
});

Deno.test("latencies are rounded to microseconds", () => {
  const row = requestRow({ latencyMs: { ...latencies(1), min: 0.00049, p99: 1.0005, max: 2 / 3 } });
  const { requests } = writtenSummary(
    snapshot({ statistics: statistics({ requests: [row] }) }),
    OPTIONS,
  );
  assert.equal(requests[0]?.latencyMs.min, 0);
  assert.equal(requests[0]?.latencyMs.p99, 1.001);
  assert.equal(requests[0]?.latencyMs.max, 0.667);
});

Deno.test("one failure among millions is not rounded away", () => {
  const row = requestRow({ requests: 30_000_000, failures: 1 });
  const { totals } = writtenSummary(
    snapshot({ statistics: statistics({ requests: [row] }) }),
    OPTIONS,
  );
  assert.equal(totals.errorRate, 3.33333e-8);
});

Deno.test("workers of a distributed run have the same fields as the one of a local run", () => {
  const { mode, complete, workers } = writtenSummary(clusterSnapshot(30), OPTIONS);
  assert.deepEqual([mode, complete, workers.length], ["distributed", false, 8]);
  assert.equal(
    JSON.stringify(workers[2]),
    '{"id":"attic-k3x9-3","host":"attic","state":"lost","peakUsers":16,"cpuPeak":0.33,' +
      '"requests":40,"complete":false,"sockets":"epoll"}',
  );
});

Deno.test("a histogram is restored from its text", () => {
  const histogram = new Histogram();
  for (let n = 0; n < 5000; n++) histogram.record(0.001 * 1.004 ** n);
  histogram.addBucket(7, 2 ** 40);
  const read = histogramOf(histogramText(histogram));
  assert.deepEqual([...read.buckets()], [...histogram.buckets()]);
  assert.equal(read.count, histogram.count);
});

Deno.test("packed buckets have the same text", () => {
  const histogram = new Histogram();
  for (const ms of [1, 2, 2, 300]) histogram.record(ms);
  const packed = new PackedBuckets(packBuckets(histogram));
  assert.equal(histogramText(packed), histogramText(histogram));
});

Deno.test("the text of an empty histogram is empty", () => {
  assert.equal(histogramText(new Histogram()), "");
  assert.equal(histogramOf("").count, 0);
});

Deno.test("the text of a typical histogram takes a few kilobytes", () => {
  const histogram = new Histogram();
  for (let n = 0; n < 100_000; n++) histogram.record(20 + 60 * (n / 100_000) ** 8);
  const { length } = histogramText(histogram);
  assert.ok(length < 6000, `${length} characters`);
});

Deno.test("text that is not a histogram is rejected", () => {
  assert.throws(() => histogramOf("no base64!"), SyntaxError);
  assert.throws(() => histogramOf("gA=="), RangeError);
});

Deno.test("statuses count requests by status, those of all names together in the totals", () => {
  const codes = (...counts: readonly (readonly [code: number, requests: number])[]): CodeRow[] =>
    counts.map(([code, requests]) => codeRow({ code, requests }));
  const { totals, requests } = compactSummary(
    snapshot({
      statistics: statistics({
        requests: [
          requestRow({ name: "a", codes: codes([0, 7], [200, 981], [503, 12]) }),
          requestRow({ name: "b", codes: codes([200, 9], [1000, 1]) }),
          requestRow({ name: "c", requests: 0, codes: [] }),
        ],
      }),
    }),
    "0.1.0",
  );
  assert.deepEqual(totals.statuses, { "0": 7, "200": 990, "503": 12, "other": 1 });
  assert.deepEqual(requests.map(({ statuses }) => statuses), [
    { "0": 7, "200": 981, "503": 12 },
    { "200": 9, "other": 1 },
    {},
  ]);
});

Deno.test("a summary with all that a test file can say and measure matches the schema", async () => {
  const schema = JSON.parse(await Deno.readTextFile(projectPath("docs/summary.schema.json")));
  const validate = new Ajv({ allowUnionTypes: true }).compile(schema);
  const failed = scriptedSnapshot(30, {
    runEnd: { kind: "fail", reason: "no stock", node: "attic-1" },
  });
  const [buyers, admins] = failed.statistics.classes;
  const scheduled = { ...admins!, load: { users: 5, arrivalRate: 2.5 }, iterations: iterations() };
  const run = { ...failed, statistics: { ...failed.statistics, classes: [buyers!, scheduled] } };
  const summary = writtenSummary(run, OPTIONS);
  assert.ok(validate(summary), JSON.stringify(validate.errors));
  const wrong = [
    { ...summary, checks: [{ name: "a", passed: -1, failed: 0, rate: 1 }] },
    { ...summary, metrics: [{ ...summary.metrics[0], type: "trend" }] },
    { ...summary, groups: undefined },
    { ...summary, histories: [{ ...summary.histories[0], p50: ["1"] }] },
  ];
  for (const content of wrong) assert.equal(validate(content), false);
});

Deno.test("docs/summary.md shows the fields of a summary, in their order", async () => {
  const shown = JSON.parse(await onlyBlock("docs/summary.md", "jsonc"));
  const summary = writtenSummary(scriptedSnapshot(30), { ...OPTIONS, exitCode: 0 });
  assert.deepEqual(Object.keys(shown), Object.keys(summary));
  for (const [name, part] of Object.entries(shown)) {
    const written: unknown = Object.entries(summary).find(([key]) => key === name)![1];
    const fields = [part].flat()[0];
    if (typeof fields !== "object" || fields === null || name === "labels") continue;
    const sample = [written].flat()[0];
    if (sample === undefined) continue;
    const known = Object.keys(sample as object);
    assert.deepEqual(
      Object.keys(fields).filter((key) => key !== "…" && !known.includes(key)),
      [],
      name,
    );
  }
});

Deno.test("classes have their users, load, iterations and totals, and short rows by name", () => {
  const rows = [requestRow({ name: "/a", failures: 10 }), requestRow({ name: "/b" })];
  const run = snapshot({
    statistics: statistics({
      classes: [
        classRow({ requests: rows }),
        classRow({
          name: "AdminTest",
          load: { users: 2, arrivalRate: 0.5 },
          iterations: iterations(),
          requests: [],
        }),
      ],
    }),
  });
  const [buyer, admin] = writtenSummary(run, OPTIONS).classes;
  const { totals, requests, ...own } = buyer!;
  assert.deepEqual(own, {
    ...{ name: "BuyerTest", peakUsers: 10, load: null, completed: 500, iterations: null },
  });
  assert.deepEqual([totals.requests, totals.failures], [2000, 10]);
  assert.equal(histogramOf(totals.histogram).count, 1990);
  assert.deepEqual(requests.map(({ name, requests, failures }) => [name, requests, failures]), [
    ["/a", 1000, 10],
    ["/b", 1000, 0],
  ]);
  assert.equal("histogram" in requests[0]!, false);
  assert.deepEqual(admin!.load, { users: 2, arrivalRate: 0.5 });
  assert.equal(admin!.iterations!.scheduled, 6000);
  const [compact] = compactSummary(run, "0.1.0").classes;
  assert.equal(compact!.users, 10);
  assert.equal("requests" in compact!, false);
});

Deno.test("groups have durations with lower bounds, and a histogram", () => {
  const run = snapshot({
    statistics: statistics({
      groups: [
        groupRow({ failures: 1, lowerBounds: true, unfinished: { count: 2, oldestMs: 9.87654 } }),
        groupRow({ name: "idle", count: 0, durationMs: NO_LATENCIES, requestsMs: NO_LATENCIES }),
      ],
    }),
  });
  const [cut, idle] = writtenSummary(run, OPTIONS).groups;
  assert.deepEqual([cut!.count, cut!.failures, cut!.errorRate], [500, 1, 0.002]);
  assert.deepEqual(cut!.unfinished, { count: 2, oldestMs: 9.877 });
  assert.ok(cut!.lowerBounds.includes("p99") && !cut!.lowerBounds.includes("min"));
  assert.deepEqual([cut!.durationMs.p50, cut!.requestsMs.p50], [400, 300]);
  assert.notEqual(cut!.failureDurationMs, null);
  assert.equal(histogramOf(cut!.histogram).count, 499);
  assert.deepEqual([idle!.failureDurationMs, idle!.histogram, idle!.lowerBounds], [null, "", []]);
});

Deno.test("metrics keep their values, and computed ones have six digits", () => {
  const metrics = [
    rateRow({ rate: 1 / 3, hits: 1, total: 3 }),
    trendRow({ figures: { ...latencies(1), p50: -0.000123456789 } }),
    counterRow({ value: 0.1234567891, perSecond: 1 / 7 }),
    gaugeRow(),
  ];
  const written =
    writtenSummary(snapshot({ statistics: statistics({ metrics }) }), OPTIONS).metrics;
  assert.deepEqual(written, [
    { type: "rate", name: "cache_hits", rate: 0.333333, hits: 1, total: 3 },
    {
      ...{ type: "trend", name: "cart_size", unit: "items", count: 500, sum: 625 },
      figures: { ...latencies(1), p50: -0.000123457 },
    },
    { type: "counter", name: "logins", value: 0.1234567891, perSecond: 0.142857 },
    { type: "gauge", name: "queue length", value: 7, min: 0, max: 42.5 },
  ]);
});

Deno.test("checks and tags are in the summary, tags in the rows of their names", () => {
  const tags = [tagRow({ requests: 900 }), tagRow({ tags: "cache=miss", requests: 100 })];
  const { checks, requests } = writtenSummary(
    snapshot({
      statistics: statistics({ requests: [requestRow({ tags })], checks: [checkRow()] }),
    }),
    OPTIONS,
  );
  assert.deepEqual(checks, [{ name: "has a token", passed: 997, failed: 3, rate: 0.997 }]);
  assert.deepEqual(requests[0]!.tags.map((row) => [row.tags, row.requests]), [
    ["cache=hit", 900],
    ["cache=miss", 100],
  ]);
  assert.equal(histogramOf(requests[0]!.tags[1]!.histogram).count, 100);
});

Deno.test("a history is columns, each on one line", () => {
  const histories = [history({ seconds: [0, 1, 3], p50: [1.23456, null, 2] })];
  const text = joined(
    summaryJson(summaryRows(snapshot({ statistics: statistics({ histories }) }), OPTIONS)),
  );
  assert.ok(
    text.includes(`
      "stepSeconds": 1,
      "seconds": [0, 1, 3],
      "requests": [100, 100, 100],
      "failures": [0, 0, 0],
      "p50": [1.235, null, 2],
      "p95": [36, 36, 36],
      "p99": [96, 96, 96],
      "users": null
`),
    text,
  );
});

Deno.test("the state says whether the run has ended, and whether a signal has ended it", () => {
  const stateOf = (of: Partial<Snapshot>): string => writtenSummary(snapshot(of), OPTIONS).state;
  assert.equal(stateOf({ state: "spawning" }), "running");
  assert.equal(stateOf({ state: "stopped" }), "finished");
  assert.equal(stateOf({ state: "stopped", interrupted: true }), "interrupted");
});

Deno.test("the summary has what figures are lower bounds of, and how many requests of a status failed", () => {
  const row = requestRow({ ...unfinishedAt(300.00049, 11_000), failures: 7 });
  const { totals, requests } = writtenSummary(
    snapshot({ statistics: statistics({ requests: [row] }) }),
    OPTIONS,
  );
  assert.deepEqual(requests[0]!.failedStatuses, { "503": 7 });
  const { histogram, ...times } = totals.waits!;
  assert.deepEqual(times, { count: 2, min: 300, max: 11_000, longestSuccess: 480 });
  assert.equal(histogramOf(histogram).count, 2);
});
