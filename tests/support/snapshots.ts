import type { FailureSample } from "../../src/stats/stats_delta.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { Latencies } from "../../src/stats/latencies.ts";
import type {
  CheckRow,
  ClassRow,
  CodeRow,
  CounterRow,
  GaugeRow,
  GroupRow,
  History,
  IterationSummary,
  LatencySummary,
  PhaseTotals,
  RateRow,
  RequestRow,
  RequestTotals,
  Snapshot,
  Statistics,
  TagRow,
  TimelineSecond,
  TracedRequestRow,
  TrendRow,
  UnansweredSummary,
  WorkerRow,
} from "../../src/stats/snapshot.ts";
import { type BucketSource, type Phase, PHASES } from "../../src/stats/stats_delta.ts";

/** 2026-03-05T10:29:59.900Z. */
const STARTED_AT = Date.UTC(2026, 2, 5, 10, 29, 59, 900);

/** Latencies around a median, in the typical proportions of a web server. */
export function latencies(p50: number): LatencySummary {
  return {
    min: p50 / 8,
    mean: p50 * 1.25,
    max: p50 * 40,
    stddev: p50 * 1.5,
    p50,
    p75: p50 * 1.5,
    p90: p50 * 2,
    p95: p50 * 3,
    p99: p50 * 8,
    p999: p50 * 20,
    p9999: p50 * 32,
  };
}

/** The latencies of no samples. */
export const NO_LATENCIES: LatencySummary = {
  min: null,
  mean: null,
  max: null,
  stddev: null,
  p50: null,
  p75: null,
  p90: null,
  p95: null,
  p99: null,
  p999: null,
  p9999: null,
};

/** Of requests whose phases are unknown. */
export const NO_PHASES: PhaseTotals = phaseTotals({});

/** Where the time of some requests went: the times of each phase, and connections. */
export function phaseTotals(
  given: Partial<Record<Phase, readonly number[]>>,
  { opened, reused } = { opened: 0, reused: 0 },
): PhaseTotals {
  const times = Object.fromEntries(PHASES.map((phase) => {
    const times = new Latencies();
    for (const ms of given[phase] ?? []) times.add(ms);
    return [phase, times];
  })) as Record<Phase, Latencies>;
  const figures = Object.fromEntries(
    PHASES.map((phase) => [phase, times[phase].summary()]),
  ) as Record<Phase, LatencySummary>;
  return { opened, reused, times, figures };
}

/** A histogram of requests, roughly distributed as {@link latencies}. */
export function histogramOf(requests: number, p50 = 12): Histogram {
  const histogram = new Histogram();
  let left = requests;
  for (const [share, factor] of [[0.5, 1], [0.4, 2], [0.09, 8], [1, 20]] as const) {
    const count = Math.min(left, Math.ceil(requests * share));
    const one = new Histogram();
    one.record(p50 * factor);
    for (const [index] of one.buckets()) if (count > 0) histogram.addBucket(index, count);
    left -= count;
  }
  return histogram;
}

/** The counts of one code: 1,000 successful requests. */
export function codeRow(changes: Partial<CodeRow> = {}): CodeRow {
  const requests = changes.requests ?? 1000;
  return {
    code: 200,
    requests,
    failed: 0,
    bytesReceived: requests * 1234,
    latencies: { sum: requests * 15, histogram: histogramOf(requests) },
    failureLatencies: null,
    ...changes,
  };
}

/** The counts of one name: 1,000 successful requests in 10 s. */
export function requestRow(changes: Partial<RequestRow> = {}): RequestRow {
  const requests = changes.requests ?? 1000;
  const failures = changes.failures ?? 0;
  const { p50, mean, max } = changes.latencyMs ?? latencies(12);
  const succeeded = requests - failures;
  const successes = { sum: succeeded * (mean ?? 0), histogram: histogramOf(succeeded, p50 ?? 0) };
  const timed = { sum: failures * 3, histogram: histogramOf(failures, 3) };
  const codes = [
    ...(succeeded > 0 ? [codeRow({ requests: succeeded, latencies: successes })] : []),
    ...(failures > 0
      ? [
        codeRow({
          code: 503,
          requests: failures,
          failed: failures,
          latencies: null,
          failureLatencies: timed,
        }),
      ]
      : []),
  ];
  return {
    method: "GET",
    name: "/",
    requests,
    failures,
    retries: 0,
    errorRate: requests === 0 ? 0 : failures / requests,
    rate: requests / 10,
    bytesReceived: requests * 1234,
    bytesSent: 0,
    latencyMs: latencies(12),
    lowerBounds: false,
    successes: {
      count: succeeded,
      sum: successes.sum,
      max: succeeded > 0 ? max ?? -Infinity : -Infinity,
    },
    histogram: successes.histogram,
    failureLatencyMs: failures === 0 ? NO_LATENCIES : latencies(3),
    failureHistogram: timed.histogram,
    unfinished: NONE_UNANSWERED,
    inProgress: NONE_UNANSWERED,
    waits: new Latencies(),
    phases: NO_PHASES,
    codes,
    tags: [],
    ...changes,
  };
}

/** The sum of some rows. */
export function totalsOf(rows: readonly RequestRow[]): RequestTotals {
  const sum = (value: (row: RequestRow) => number): number =>
    rows.reduce((total, row) => total + value(row), 0);
  const requests = sum((row) => row.requests);
  const failures = sum((row) => row.failures);
  return {
    requests,
    failures,
    retries: sum((row) => row.retries),
    errorRate: requests === 0 ? 0 : failures / requests,
    rate: sum((row) => row.rate),
    bytesReceived: sum((row) => row.bytesReceived),
    bytesSent: sum((row) => row.bytesSent),
    latencyMs: requests === 0 ? NO_LATENCIES : latencies(12),
    lowerBounds: rows.some(({ lowerBounds }) => lowerBounds),
    successes: {
      count: sum(({ successes }) => successes.count),
      sum: sum(({ successes }) => successes.sum),
      max: Math.max(...rows.map(({ successes }) => successes.max)),
    },
    histogram: merged(rows.map(({ histogram }) => histogram)),
    failureLatencyMs: failures === 0 ? NO_LATENCIES : latencies(3),
    failureHistogram: merged(rows.map(({ failureHistogram }) => failureHistogram)),
    unfinished: unansweredSum(rows.map(({ unfinished }) => unfinished)),
    inProgress: unansweredSum(rows.map(({ inProgress }) => inProgress)),
    waits: mergedWaits(rows),
    phases: mergedPhases(rows),
  };
}

/** No request without an answer. */
export const NONE_UNANSWERED: UnansweredSummary = { count: 0, oldestMs: null };

/** What a row of a name has whose requests were cut off at these ages in milliseconds. */
export function unfinishedAt(
  ...ages: readonly number[]
): Pick<RequestRow, "lowerBounds" | "unfinished" | "waits"> {
  const waits = new Latencies();
  for (const ms of ages) waits.add(ms);
  return {
    lowerBounds: true,
    unfinished: { count: waits.count, oldestMs: waits.max },
    waits,
  };
}

function unansweredSum(parts: readonly UnansweredSummary[]): UnansweredSummary {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const oldestMs = Math.max(...parts.map((part) => part.oldestMs ?? 0));
  return count === 0 ? NONE_UNANSWERED : { count, oldestMs };
}

function mergedWaits(rows: readonly RequestRow[]): Latencies {
  const all = new Latencies();
  for (const { waits } of rows) all.merge(waits);
  return all;
}

function mergedPhases(rows: readonly RequestRow[]): PhaseTotals {
  const times = { ...phaseTotals({}).times } as Record<Phase, Latencies>;
  for (const { phases } of rows) {
    for (const phase of PHASES) times[phase].merge(phases.times[phase]);
  }
  const figures = Object.fromEntries(
    PHASES.map((phase) => [phase, times[phase].summary()]),
  ) as Record<Phase, LatencySummary>;
  const sum = (field: "opened" | "reused"): number =>
    rows.reduce((all, { phases }) => all + phases[field], 0);
  return { opened: sum("opened"), reused: sum("reused"), times, figures };
}

function merged(parts: readonly BucketSource[]): Histogram {
  const all = new Histogram();
  for (const part of parts) all.merge(part);
  return all;
}

/** One second of a run: 100 requests of 10 users. */
export function timelineSecond(changes: Partial<TimelineSecond> = {}): TimelineSecond {
  return {
    second: 0,
    users: 10,
    requests: 100,
    failures: 0,
    p50: 12,
    p95: 36,
    p99: 96,
    maxLagMs: 2,
    ...changes,
  };
}

/** The process of a local run. */
export function workerRow(changes: Partial<WorkerRow> = {}): WorkerRow {
  return {
    id: "local",
    host: "laptop",
    state: "running",
    users: 10,
    peakUsers: 10,
    rate: 100,
    cpu: 0.31,
    cpuPeak: 0.4567,
    lagMs: 1.25,
    requests: 1000,
    complete: true,
    sockets: "epoll",
    log: [],
    ...changes,
  };
}

/** Statistics whose totals are those of the rows. */
export function statistics(changes: Partial<Statistics> = {}): Statistics {
  const requests = changes.requests ?? [requestRow()];
  return {
    totals: totalsOf(requests),
    requests,
    failures: [],
    userErrors: [],
    timeline: Array.from({ length: 10 }, (_, second) => timelineSecond({ second })),
    iterations: null,
    network: null,
    classes: [],
    groups: [],
    metrics: [],
    failureSamples: [],
    checks: [],
    traced: [],
    histories: [],
    heatMap: { stepSeconds: 1, seconds: [], histograms: [] },
    ...changes,
  };
}

/** A local run of 10 users after 10 of 20 seconds, with 1,000 successful requests. */
export function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  const {
    users = { current: 10, target: 10, peak: 10, final: 10 },
    arrivalRate = null,
    spawnRate = arrivalRate === null ? 2 : null,
  } = changes;
  return {
    runId: "7c0e3d2a",
    name: null,
    labels: {},
    mode: "local",
    state: "running",
    startedAt: STARTED_AT,
    endedAt: null,
    elapsedSeconds: 10,
    durationSeconds: 10,
    pausedSeconds: 0,
    pauses: [],
    plannedSeconds: 20,
    complete: true,
    users,
    arrivalRate,
    spawnRate,
    closedUsers: arrivalRate === null ? users.target : null,
    sharedLoad: { users: users.target, arrivalRate, spawnRate },
    thresholds: [],
    breakingPoint: null,
    expectedWorkers: null,
    workers: [workerRow()],
    statistics: statistics(),
    runEnd: null,
    annotations: [],
    warnings: [],
    ...changes,
  };
}

/** A run before the start of its first user. */
export function emptySnapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return snapshot({
    state: "ready",
    startedAt: null,
    elapsedSeconds: 0,
    durationSeconds: 0,
    users: { current: 0, target: 0, peak: 0, final: 0 },
    statistics: statistics({ requests: [], timeline: [] }),
    ...changes,
  });
}

/** A web shop with some failures, after `seconds` of two minutes. */
export function shopSnapshot(seconds: number, changes: Partial<Snapshot> = {}): Snapshot {
  const rows = [
    requestRow({ name: "/", requests: 40 * seconds, rate: 40, latencyMs: latencies(0.8) }),
    requestRow({ name: "/api/v2/catalogue/search?category=…", requests: 311 * seconds, rate: 311 }),
    requestRow({ method: "POST", name: "/api/v2/basket/items", requests: 52 * seconds, rate: 52 }),
    requestRow({
      method: "POST",
      name: "/api/v2/orders",
      requests: 8 * seconds,
      failures: Math.floor(seconds / 4),
      rate: 8,
      bytesSent: 4096 * seconds,
      latencyMs: latencies(141),
    }),
    requestRow({ method: "TASK", name: "検索して買う", requests: seconds, rate: 1 }),
  ];
  return snapshot({
    elapsedSeconds: seconds,
    durationSeconds: seconds,
    plannedSeconds: 120,
    state: seconds < 10 ? "spawning" : "running",
    users: { current: Math.min(100, seconds * 10), target: 100, peak: 100, final: 100 },
    statistics: statistics({
      requests: rows,
      failures: [
        {
          method: "POST",
          name: "/api/v2/orders",
          error: "HTTP 503",
          count: Math.floor(seconds / 4),
        },
      ],
      userErrors: [{
        user: "Shopper",
        error: "TypeError: basket is undefined",
        place: "shop.ts:12:7",
        count: 2,
      }],
      timeline: Array.from({ length: Math.floor(seconds) }, (_, second) =>
        timelineSecond({
          second,
          users: Math.min(100, second * 10),
          requests: Math.round(412 * Math.min(1, second / 10) * (1 + Math.sin(second / 3) / 5)),
        })),
    }),
    ...changes,
  });
}

/** A worker of {@link clusterSnapshot}. */
function clusterWorker(number: number, seconds: number, changes: Partial<WorkerRow>): WorkerRow {
  return workerRow({
    id: `attic-k3x9-${number}`,
    host: "attic",
    users: 16,
    peakUsers: 16,
    rate: 60 + number,
    cpu: 0.2 + number / 100,
    cpuPeak: 0.3 + number / 100,
    requests: (60 + number) * seconds,
    ...changes,
  });
}

/**
 * The web shop under the load of eight workers on two hosts. One of them is very busy, one was lost
 * with some of its counts, and one has left.
 */
export function clusterSnapshot(seconds: number, changes: Partial<Snapshot> = {}): Snapshot {
  const special: Readonly<Record<number, Partial<WorkerRow>>> = {
    3: { state: "lost", cpu: 0.99, requests: 40, complete: false },
    4: { state: "left", users: 0, rate: 0, cpu: 0, requests: 650 },
    6: { host: "cellar", cpu: 0.97, cpuPeak: 1.04, lagMs: 12.5, users: 20, peakUsers: 20 },
    7: { host: "cellar" },
    8: { host: "cellar", cpu: 0.42, lagMs: 61 },
  };
  return shopSnapshot(seconds, {
    mode: "distributed",
    complete: false,
    expectedWorkers: 8,
    workers: [1, 2, 3, 4, 5, 6, 7, 8].map((number) =>
      clusterWorker(number, seconds, special[number] ?? {})
    ),
    warnings: ["Worker attic-k3x9-3 was lost: 2 s of what it counted are missing."],
    ...changes,
  });
}

/** Iterations of a target that keeps up: 200 per second for 30 s, two of which are running. */
export function iterations(changes: Partial<IterationSummary> = {}): IterationSummary {
  return {
    scheduled: 6000,
    started: 6000,
    completed: 5998,
    interrupted: 0,
    dropped: 0,
    serviceTimeMs: latencies(40),
    startDelayMs: latencies(0.1),
    ...changes,
  };
}

/** The web shop under 200 iterations per second with at most 50 users, after `seconds` of two minutes. */
export function openSnapshot(
  seconds: number,
  counts: Partial<IterationSummary> = {},
  changes: Partial<Snapshot> = {},
): Snapshot {
  const shop = shopSnapshot(seconds, {
    arrivalRate: 200,
    users: { current: 12, target: 50, peak: 14, final: 12 },
    ...changes,
  });
  return { ...shop, statistics: { ...shop.statistics, iterations: iterations(counts) } };
}

/** The requests of one name with one set of tags: those of {@link requestRow} without changes. */
export function tagRow(changes: Partial<TagRow> = {}): TagRow {
  const { method: _, name: __, codes: ___, tags: ____, ...totals } = requestRow(
    changes as Partial<RequestRow>,
  );
  return { ...totals, tags: changes.tags ?? "cache=hit" };
}

/** A class that shares the load of the run: 10 users and 1,000 successful requests in 10 s. */
export function classRow(changes: Partial<ClassRow> = {}): ClassRow {
  const requests = changes.requests ?? [requestRow()];
  return {
    name: "BuyerTest",
    users: 10,
    peakUsers: 10,
    load: null,
    completed: 500,
    iterations: null,
    totals: totalsOf(requests),
    requests,
    ...changes,
  };
}

/** A group that took about 400 ms, 300 ms of them in requests, 500 times. */
export function groupRow(changes: Partial<GroupRow> = {}): GroupRow {
  const count = changes.count ?? 500;
  const failures = changes.failures ?? 0;
  const durationMs = changes.durationMs ?? latencies(400);
  const succeeded = count - failures;
  return {
    name: "checkout",
    count,
    failures,
    errorRate: count === 0 ? 0 : failures / count,
    durationMs,
    lowerBounds: false,
    failureDurationMs: failures === 0 ? NO_LATENCIES : latencies(90),
    requestsMs: latencies(300),
    unfinished: NONE_UNANSWERED,
    histogram: histogramOf(succeeded, durationMs.p50 ?? 0),
    sum: succeeded * (durationMs.mean ?? 0),
    ...changes,
  };
}

/** A counter of a test file. */
export function counterRow(changes: Partial<CounterRow> = {}): CounterRow {
  return { type: "counter", name: "logins", value: 1234, perSecond: 123.4, ...changes };
}

/** A gauge of a test file. */
export function gaugeRow(changes: Partial<GaugeRow> = {}): GaugeRow {
  return { type: "gauge", name: "queue length", value: 7, min: 0, max: 42.5, ...changes };
}

/** A rate of a test file. */
export function rateRow(changes: Partial<RateRow> = {}): RateRow {
  return { type: "rate", name: "cache_hits", rate: 0.925, hits: 925, total: 1000, ...changes };
}

/** A trend of a test file. */
export function trendRow(changes: Partial<TrendRow> = {}): TrendRow {
  const count = changes.count ?? 500;
  const figures = changes.figures ?? latencies(4);
  return {
    type: "trend",
    name: "cart_size",
    unit: "items",
    count,
    sum: count * (figures.mean ?? 0),
    figures,
    ...changes,
  };
}

/** An example of a failed request. */
function failureSample(changes: Partial<FailureSample> = {}): FailureSample {
  return {
    method: "GET",
    name: "/search",
    error: "HTTP 500",
    status: 500,
    url: "http://127.0.0.1:8000/search?q=F22",
    at: Date.UTC(2026, 10, 27, 10, 30, 1),
    node: "local",
    userClass: "BuyerTest",
    user: 3,
    iteration: 2,
    traceId: "",
    sent: "GET /search?q=F22\nauthorization: Bearer …",
    received: "HTTP/1.1 500 Internal Server Error\n\n<b>out of memory</b>",
    ...changes,
  };
}

/** A check that failed 3 of 1,000 times. */
export function tracedRow(changes: Partial<TracedRequestRow> = {}): TracedRequestRow {
  return {
    method: "GET",
    name: "/search",
    latencyMs: 812.5,
    startedAt: Date.UTC(2026, 2, 5, 10, 30, 1, 234),
    status: 200,
    traceId: "ab".repeat(16),
    ...changes,
  };
}

export function checkRow(changes: Partial<CheckRow> = {}): CheckRow {
  const passed = changes.passed ?? 997;
  const failed = changes.failed ?? 3;
  const all = passed + failed;
  return {
    name: "has a token",
    passed,
    failed,
    rate: all === 0 ? 0 : passed / all,
    ...changes,
  };
}

/** The ten seconds of one name, with 100 requests each. */
export function history(changes: Partial<History> = {}): History {
  const seconds = changes.seconds ?? Array.from({ length: 10 }, (_, second) => second);
  const column = <Value>(value: Value): Value[] => seconds.map(() => value);
  return {
    kind: "request",
    method: "GET",
    name: "/",
    stepSeconds: 1,
    seconds,
    requests: column(100),
    failures: column(0),
    p50: column(12),
    p95: column(36),
    p99: column(96),
    users: null,
    ...changes,
  };
}

/**
 * The web shop with everything that a test file can say and measure, after `seconds` of two minutes: two
 * classes, one of them with a load of its own, groups, metrics, checks, tags and histories.
 */
export function scriptedSnapshot(seconds: number, changes: Partial<Snapshot> = {}): Snapshot {
  const shop = shopSnapshot(seconds, changes);
  const [first, search, ...others] = shop.statistics.requests as [RequestRow, RequestRow];
  const hits = Math.round(search.requests * 0.9);
  const tagged: RequestRow = {
    ...search,
    tags: [
      tagRow({ tags: "cache=hit", requests: hits, rate: hits / seconds, latencyMs: latencies(2) }),
      tagRow({
        tags: "cache=miss, size=large",
        requests: search.requests - hits,
        rate: (search.requests - hits) / seconds,
        latencyMs: latencies(60),
      }),
    ],
  };
  const requests = [first, tagged, ...others];
  const columns = Array.from({ length: Math.floor(seconds) }, (_, second) => second);
  return {
    ...shop,
    statistics: {
      ...shop.statistics,
      requests,
      classes: [
        classRow({ users: 98, peakUsers: 98, completed: 40 * seconds, requests }),
        classRow({
          name: "AdminTest",
          users: 2,
          peakUsers: 2,
          load: { users: 2, arrivalRate: null },
          completed: seconds,
          requests: [requestRow({ name: "/admin", requests: seconds, rate: 1 })],
        }),
      ],
      groups: [
        groupRow({ count: 20 * seconds, failures: Math.floor(seconds / 4) }),
        groupRow({ name: "checkout / pay", count: 20 * seconds, durationMs: latencies(150) }),
      ],
      metrics: [rateRow(), trendRow(), counterRow(), gaugeRow()],
      checks: [checkRow(), checkRow({ name: "is the right product", failed: 0 })],
      traced: [tracedRow(), tracedRow({ latencyMs: 7.25, status: 0, traceId: "cd".repeat(16) })],
      failureSamples: [failureSample(), failureSample({ status: 0, received: "", node: "box_1" })],
      histories: [
        history({ seconds: columns }),
        history({
          kind: "class",
          method: "",
          name: "AdminTest",
          seconds: columns,
          users: columns.map(() => 2),
        }),
        history({ kind: "group", method: "", name: "checkout", seconds: columns }),
      ],
    },
  };
}
