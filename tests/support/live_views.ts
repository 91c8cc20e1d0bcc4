import type {
  CompactRequest,
  CompactTotals,
  SummaryFailureSample,
} from "../../src/report/summary.ts";
import { thresholdLine } from "../../src/web/threshold_lines.ts";
import { cellsOf, HeatMap } from "../../src/stats/heat_map.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import type { LatencyHeatMap, TimelineSecond } from "../../src/stats/snapshot.ts";
import type { RunForm } from "../../src/web/control.ts";
import {
  type ControlState,
  type LiveState,
  type LiveUpdate,
  type LiveView,
  liveView as makeLiveView,
  liveWorker,
} from "../../src/web/live_view.ts";
import {
  latencies,
  NO_LATENCIES,
  NONE_UNANSWERED,
  scriptedSnapshot,
  workerRow,
} from "./snapshots.ts";

/** Everything is allowed. */
export const FULL_CONTROL: ControlState = {
  allowed: true,
  canStart: false,
  canStop: true,
  canChange: true,
  canPause: true,
  canResume: false,
  canStopWorkers: true,
  reason: "",
};

/** What a further run of a shop can be started with. */
export function runForm(): RunForm {
  const tests = [{ name: "testBuy", tags: ["orders"] }, { name: "testSearch", tags: ["search"] }];
  const shop = { fixedCount: 0, hasLoad: false, tests };
  const text = { kind: "text", isSecret: false, choices: null } as const;
  return {
    canStart: true,
    reason: "",
    values: {
      host: "https://shop.example",
      ...{ users: 100, rate: 10, arrivalRate: null, maxUsers: 1000, runTime: 300 },
      ...{ iterations: null, userClasses: [], tags: [], excludeTags: ["slow"] },
      ...{ name: "checkout", labels: { env: "staging", build: "1234" } },
    },
    shape: null,
    classes: [
      { ...shop, name: "BuyerTest", weight: 3 },
      { ...shop, name: "VisitorTest", weight: 1 },
      { ...shop, name: "AdminTest", weight: 1, fixedCount: 2 },
      { ...shop, name: "SupplierTest", weight: 1, hasLoad: true },
    ],
    tags: ["orders", "search", "slow"],
    flags: [
      {
        ...text,
        ...{ name: "tenant", flag: "--tenant", help: "whose data (default: nobody)" },
        ...{ default: "nobody", value: "acme" },
      },
      {
        ...text,
        ...{ name: "apiToken", flag: "--api-token", help: "how users log in" },
        ...{ default: null, value: null, isSecret: true },
      },
      {
        ...text,
        ...{ name: "parts", flag: "--parts", help: "which parts of a page to ask for" },
        ...{ kind: "list", default: null, value: ["menu", "cart"] },
      },
      {
        ...text,
        ...{ name: "size", flag: "--size", help: "size of orders (one of small, large)" },
        ...{ default: null, value: null, choices: ["small", "large"] },
      },
      {
        ...text,
        ...{ name: "cache", flag: "--no-cache", help: "ask for everything again" },
        ...{ kind: "switch", default: null, value: true },
      },
    ],
  };
}

/** A row with 1,000 successful requests. */
export function liveRequest(changes: Partial<CompactRequest> = {}): CompactRequest {
  return {
    method: "GET",
    name: "/",
    ...liveTotals(),
    tags: [],
    inProgress: NONE_UNANSWERED,
    ...changes,
  };
}

/** The totals of 1,000 successful requests. */
export function liveTotals(changes: Partial<CompactTotals> = {}): CompactTotals {
  const requests = changes.requests ?? 1000;
  const failures = changes.failures ?? 0;
  return {
    requests,
    failures,
    unfinished: NONE_UNANSWERED,
    retries: 0,
    errorRate: requests === 0 ? 0 : failures / requests,
    rate: requests / 10,
    bytesReceived: requests * 1234,
    bytesSent: 0,
    latencyMs: requests === 0 ? NO_LATENCIES : latencies(12),
    lowerBounds: [],
    failureLatencyMs: failures === 0 ? null : latencies(3),
    statuses: requests === 0 ? {} : { "200": requests },
    connections: { opened: 0, reused: 0 },
    phases: { dnsMs: null, connectMs: null, tlsMs: null, ttfbMs: null, downloadMs: null },
    ...changes,
  };
}

/** The state of a run with ten users, after ten seconds. */
export function liveState(changes: Partial<LiveState> = {}): LiveState {
  return {
    sharedUsers: changes.users?.target ?? 10,
    state: "running",
    paused: false,
    waitingFor: null,
    verdict: { text: "No failures", tone: "good" },
    ended: null,
    elapsedSeconds: 10,
    loadSeconds: changes.elapsedSeconds ?? 10,
    plannedSeconds: 20,
    model: "closed",
    users: { current: 10, target: 10 },
    spawnRate: 2,
    arrivals: null,
    rates: { requests: 100, failures: 0 },
    inProgress: NONE_UNANSWERED,
    workers: [liveWorker(workerRow())],
    expectedWorkers: null,
    control: FULL_CONTROL,
    series: null,
    log: [],
    ...changes,
  };
}

/** A second of a run whose users increase for ten seconds. Deterministic. */
export function liveSecond(second: number, changes: Partial<TimelineSecond> = {}): TimelineSecond {
  const load = Math.min(1, (second + 1) / 10);
  const wave = Math.sin(second / 7) / 8 + Math.sin(second * 1.9) / 20;
  const p50 = 11 + 2 * Math.sin(second / 11) + 3 * load;
  return {
    second,
    users: Math.round(100 * load),
    requests: Math.round(420 * load * (1 + wave)),
    failures: second % 17 === 16 ? 9 : 0,
    p50,
    p95: p50 * (2.6 + wave),
    p99: p50 * (4.2 + 4 * Math.abs(wave)),
    maxLagMs: 2,
    connections: { opened: second < 10 ? 10 : second % 3, ttfbP50: p50 * 0.9, ttfbP95: p50 * 2.2 },
    ...changes,
  };
}

/** The heat map of seconds whose latencies have their percentiles. */
export function heatMapOf(timeline: readonly TimelineSecond[]): LatencyHeatMap {
  const heat = new HeatMap();
  for (const { second, requests, failures, p50, p95, p99 } of timeline) {
    if (p50 === null || p95 === null || p99 === null) continue;
    const histogram = new Histogram();
    const points = [[0, p50 * 0.45], [0.5, p50], [0.95, p95], [0.99, p99], [1, p99 * 1.5]] as const;
    const count = requests - failures;
    for (let index = 0; index < count; index++) {
      const share = (index + 0.5) / count;
      const at = points.findIndex(([end]) => end >= share);
      const [[from, low], [to, high]] = [points[at - 1]!, points[at]!];
      histogram.record(low * (high / low) ** ((share - from) / (to - from)));
    }
    heat.replace(second, null, cellsOf(histogram));
  }
  return heat.rows();
}

/** A local run with ten users, after ten of its twenty seconds. */
export function liveView(changes: Partial<LiveView> = {}): LiveView {
  const requests = changes.requests ?? [liveRequest()];
  return {
    schema: 4,
    aiotest: "0.1.0",
    runId: "7c0e3d2a",
    name: null,
    labels: {},
    mode: "local",
    startedAt: "2026-03-05T10:29:59.900Z",
    endedAt: null,
    durationSeconds: 10,
    pausedSeconds: 0,
    pauses: [],
    complete: true,
    users: { peak: 10, final: 10 },
    workers: [],
    totals: liveTotals({
      requests: sum(requests, (row) => row.requests),
      failures: sum(requests, (row) => row.failures),
    }),
    requests,
    failures: [],
    userErrors: [],
    failureSamples: [],
    workerLogs: {},
    iterations: null,
    network: null,
    classes: [],
    groups: [],
    metrics: [],
    checks: [],
    tracedRequests: [],
    histories: [],
    heatMap: { stepSeconds: 1, seconds: [], histograms: [] },
    thresholds: [],
    breakingPoint: null,
    runEnd: null,
    annotations: [],
    timeline: Array.from({ length: 10 }, (_, second) => liveSecond(second)),
    warnings: [],
    exitCode: null,
    live: liveState(),
    ...changes,
  };
}

/** An update that contains only the given changes. */
export function liveUpdate(view: LiveView, changes: Partial<LiveUpdate> = {}): LiveUpdate {
  const { log: _, ...live } = view.live;
  return {
    live,
    durationSeconds: view.durationSeconds,
    pausedSeconds: view.pausedSeconds,
    pauses: view.pauses,
    complete: view.complete,
    users: view.users,
    exitCode: view.exitCode,
    totals: view.totals,
    ...{ requests: [], classes: [], groups: [], metrics: [], checks: [], histories: [] },
    historyKeys: null,
    heatMap: null,
    tracedRequests: null,
    failures: null,
    failureSamples: [],
    workerLogs: {},
    userErrors: null,
    thresholds: null,
    annotations: null,
    warnings: null,
    iterations: null,
    network: null,
    breakingPoint: view.breakingPoint,
    timeline: [],
    ...changes,
  };
}

/** An example of a failure of {@link shopView}. */
function orderFailure(number: number): SummaryFailureSample {
  return {
    method: "POST",
    name: "/api/v2/orders",
    error: "HTTP 503",
    status: 503,
    url: "http://127.0.0.1:8000/api/v2/orders",
    at: `2026-03-05T10:30:16.${number}20Z`,
    node: `attic-k3x9-${number}`,
    userClass: "Shopper",
    user: 40 + number,
    iteration: 7,
    traceId: number === 1 ? "4bf92f3577b34da6a3ce929d0e0e4736" : null,
    sent: "POST /api/v2/orders HTTP/1.1\nHost: 127.0.0.1:8000\nAuthorization: (hidden)\n" +
      'Content-Type: application/json\n\n{"basket":"b-1842","pay":"card"}',
    received: number === 2
      ? ""
      : 'HTTP/1.1 503 Service Unavailable\nContent-Type: application/json\nRetry-After: 1\n\n{"error":"no connection to the database"}',
  };
}

/** A test of a web shop with some failures, on eight workers, after the given number of seconds. */
export function shopView(seconds: number): LiveView {
  const row = (name: string, rate: number, p50: number, changes = {}): CompactRequest =>
    liveRequest({
      name,
      ...liveTotals({ requests: rate * seconds, rate, latencyMs: latencies(p50), ...changes }),
      ...changes,
    });
  const failures = Math.floor(seconds / 17) * 9;
  const requests = [
    row("/", 40, 3.1),
    row("/api/v2/basket/items", 52, 14.2, { method: "POST", bytesSent: 80_000 }),
    row("/api/v2/catalogue/search?category=…", 311, 9.4, {
      inProgress: { count: 5, oldestMs: 84.2 },
    }),
    row("/api/v2/orders", 8, 41, {
      method: "POST",
      failures,
      errorRate: failures / (8 * seconds),
      bytesSent: 4096 * seconds,
      inProgress: { count: 2, oldestMs: 412 },
    }),
    row("Buy something", 1, 96, { method: "TASK" }),
  ];
  const timeline = Array.from({ length: seconds }, (_, second) => liveSecond(second));
  const last = timeline.at(-1);
  return liveView({
    mode: "distributed",
    durationSeconds: seconds,
    users: { peak: 100, final: 100 },
    requests,
    totals: liveTotals({
      requests: 412 * seconds,
      failures,
      rate: 412,
      latencyMs: latencies(10.3),
    }),
    failures: failures === 0
      ? []
      : [{ method: "POST", name: "/api/v2/orders", error: "HTTP 503", count: failures }],
    failureSamples: failures === 0 ? [] : [1, 2].map(orderFailure),
    userErrors: [{
      user: "Shopper",
      error: "TypeError: basket is undefined",
      place: "shop.ts:12:7",
      count: 2,
    }],
    thresholds: [
      {
        expression: "p95<50ms",
        observed: 30.9,
        passed: true,
        observedText: "30.9 ms",
        line: thresholdLine("p95<50ms"),
      },
      {
        expression: "p99[POST /api/v2/orders]<300ms",
        observed: 328,
        passed: false,
        observedText: "328 ms",
        line: thresholdLine("p99[POST /api/v2/orders]<300ms"),
      },
      {
        expression: "error_rate<1%",
        observed: failures / (412 * seconds),
        line: thresholdLine("error_rate<1%"),
        passed: true,
        observedText: `${(failures / (412 * seconds) * 100).toFixed(2)}%`,
      },
    ],
    warnings: ["Worker attic-k3x9-3 was lost: 2 s of what it counted are missing."],
    workerLogs: {
      "attic-k3x9-1": [
        {
          at: "2026-03-05T10:29:58.100Z",
          level: "INFO",
          text: "Joined the master at 127.0.0.1:5557 as attic-k3x9-1.",
        },
        {
          at: "2026-03-05T10:30:31.100Z",
          level: "WARNING",
          text: "The event loop was late by 34 ms.",
        },
      ],
    },
    complete: false,
    timeline,
    heatMap: heatMapOf(timeline),
    live: liveState({
      verdict: { text: "1 threshold crossed", tone: "bad" },
      elapsedSeconds: seconds,
      plannedSeconds: 300,
      users: { current: last?.users ?? 0, target: 100 },
      rates: { requests: last?.requests ?? 0, failures: last?.failures ?? 0 },
      inProgress: { count: 7, oldestMs: 412 },
      expectedWorkers: 8,
      workers: [1, 2, 3, 4, 5, 6, 7, 8].map((number) =>
        liveWorker(workerRow({
          id: `attic-k3x9-${number}`,
          host: number > 5 ? "cellar" : "attic",
          users: number === 3 ? 0 : 14,
          rate: number === 3 ? 0 : 52 + number,
          cpu: number === 6 ? 0.97 : 0.2 + number / 100,
          cpuPeak: number === 6 ? 1.04 : 0.3 + number / 100,
          lagMs: number === 8 ? 61 : 1.25,
          requests: number === 3 ? 840 : 58 * seconds + number,
          state: number === 3 ? "lost" : "running",
          complete: number > 3,
        }))
      ),
      log: [
        { at: "2026-03-05T10:29:58.100Z", level: "INFO", text: "Listening on 0.0.0.0:5557." },
        { at: "2026-03-05T10:29:59.900Z", level: "INFO", text: "8 of 8 workers joined: starting." },
        {
          at: "2026-03-05T10:30:41.020Z",
          level: "WARNING",
          text: "Worker attic-k3x9-3 was lost: its users go to the others.",
        },
        {
          at: "2026-03-05T10:30:52.310Z",
          level: "ERROR",
          text: "Shopper.buy: TypeError: basket is undefined",
        },
      ],
    }),
  });
}

/** A run with a name, labels, and everything that a test file can say and measure. */
export function scriptedView(seconds: number, changes: Partial<LiveView> = {}): LiveView {
  const name = "nightly";
  const labels = { env: "staging", build: "1234" };
  const view = makeLiveView(scriptedSnapshot(seconds, { name, labels }), {
    version: "0.1.0",
    exitCode: null,
    permissions: { denial: null, canStart: false, series: null },
    log: [],
  });
  return { ...view, ...changes };
}

function sum<Row>(rows: readonly Row[], value: (row: Row) => number): number {
  return rows.reduce((total, row) => total + value(row), 0);
}
