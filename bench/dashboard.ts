/**
 * Measures the cost of the dashboard after an hour, with 1,000 active names, the histories of 20 of them, 200
 * workers, and one open page or more. `deno task bench dashboard [PAGES]`
 *
 * The goal is at most 20 ms of processor time per second of the run, which is 2 % of a core.
 *
 * @module
 */

import process from "node:process";
import { systemClock } from "../src/core/clock.ts";
import { serveWeb } from "../src/core/web_server.ts";
import { histogramText } from "../src/report/summary.ts";
import { Histogram } from "../src/stats/histogram.ts";
import { Latencies } from "../src/stats/latencies.ts";
import { PhaseFigures } from "../src/stats/phase_stats.ts";
import type {
  History,
  LatencyHeatMap,
  LatencySummary,
  RequestRow,
  Snapshot,
  WorkerRow,
} from "../src/stats/snapshot.ts";
import { LogTail } from "../src/web/feed.ts";
import { DashboardServer } from "../src/web/server.ts";

const NAMES = 1_000;
const WORKERS = 200;
const HOUR = 3_600;
const SECONDS = 200;
const WARM_UP = 50;

const histogram = new Histogram();
const LATENCIES: LatencySummary = {
  min: 0.123,
  mean: 12.345678,
  max: 1234.567891,
  stddev: 23.456789,
  p50: 10.123456,
  p75: 15.123456,
  p90: 20.123456,
  p95: 40.123456,
  p99: 80.123456,
  p999: 300.123456,
  p9999: 900.123456,
};

const TIMELINE = Array.from({ length: HOUR + SECONDS + WARM_UP }, (_, second) => ({
  second,
  users: 1000,
  requests: 100_000 + second,
  failures: second % 7,
  p50: 10.123456,
  p95: 40.123456,
  p99: 80.123456 + second / 1000,
  maxLagMs: 2,
  connections: { opened: 3, ttfbP50: 9.123456, ttfbP95: 38.123456 },
}));

function requestRows(seconds: number): RequestRow[] {
  return Array.from({ length: NAMES }, (_, number) => ({
    method: "GET",
    name: `/api/v2/catalogue/products/${number}/details`,
    requests: 100 * seconds + number,
    failures: 0,
    retries: 0,
    errorRate: 0,
    rate: 100.123456,
    bytesReceived: 123_456 * seconds,
    bytesSent: 0,
    latencyMs: LATENCIES,
    lowerBounds: false,
    successes: { count: 100 * seconds + number, sum: 0, max: 0 },
    histogram,
    failureLatencyMs: new Latencies().summary(),
    failureHistogram: new Latencies().histogram,
    unfinished: { count: 0, oldestMs: null },
    inProgress: { count: 0, oldestMs: null },
    waits: new Latencies(),
    phases: new PhaseFigures({ latencies: [], unanswered: [], phases: null }),
    codes: [],
    tags: [],
  }));
}

function workerRows(seconds: number): WorkerRow[] {
  return Array.from({ length: WORKERS }, (_, number) => ({
    id: `worker-${number}`,
    host: `host-${number % 10}`,
    state: "running",
    users: 5,
    peakUsers: 5,
    rate: 500 + seconds % 10,
    cpu: 0.512345,
    cpuPeak: 0.712345,
    lagMs: 1.234567,
    requests: 500 * seconds,
    complete: true,
    sockets: "epoll",
    log: [],
  }));
}

/** After an hour, each row covers four seconds. */
function histories(seconds: number): History[] {
  const stepSeconds = 4;
  const rows = Array.from({ length: Math.ceil(seconds / stepSeconds) }, (_, row) => row);
  const times = rows.map((row) => 10.123456 + row % 9);
  return Array.from({ length: 20 }, (_, number) => ({
    kind: "request",
    method: "GET",
    name: `/api/v2/catalogue/products/${number}/details`,
    stepSeconds,
    seconds: rows.map((row) => row * stepSeconds),
    // The last row is not complete yet.
    requests: rows.map((row) => 100 * Math.min(stepSeconds, seconds - row * stepSeconds)),
    failures: rows.map(() => 0),
    ...{ p50: times, p95: times, p99: times },
    users: null,
  }));
}

/** Few, so that making them leaves little garbage. */
const HEAT = Array.from({ length: 64 }, (_, column) => {
  const spread = new Histogram();
  for (let row = 0; row < 48; row++) spread.addBucket((row + 80 + column % 5) << 7, 1000 + row);
  return histogramText(spread);
});

/** After an hour, each column covers eight seconds. The newest one always changes. */
function heatMap(seconds: number): LatencyHeatMap {
  const stepSeconds = 8;
  const columns = Array.from({ length: Math.ceil(seconds / stepSeconds) }, (_, column) => column);
  return {
    stepSeconds,
    seconds: columns.map((column) => column * stepSeconds),
    histograms: columns.map((column) =>
      HEAT[(column === columns.length - 1 ? seconds : column) % HEAT.length]!
    ),
  };
}

/** The state of the run at a second. */
function snapshotAt(seconds: number): Snapshot {
  const requests = requestRows(seconds);
  return {
    runId: "bench",
    name: null,
    labels: {},
    mode: "distributed",
    state: "running",
    startedAt: 0,
    endedAt: null,
    elapsedSeconds: seconds,
    durationSeconds: seconds,
    pausedSeconds: 0,
    pauses: [],
    plannedSeconds: 2 * HOUR,
    complete: true,
    users: { current: 1000, target: 1000, peak: 1000, final: 0 },
    arrivalRate: null,
    spawnRate: 10,
    closedUsers: 1000,
    sharedLoad: { users: 1000, arrivalRate: null, spawnRate: 10 },
    thresholds: [],
    breakingPoint: null,
    expectedWorkers: WORKERS,
    workers: workerRows(seconds),
    statistics: {
      totals: requests[0]!,
      requests,
      failures: [],
      userErrors: [],
      timeline: TIMELINE.slice(0, seconds),
      iterations: null,
      network: null,
      classes: [],
      groups: [],
      metrics: [],
      failureSamples: [],
      checks: [],
      traced: [],
      histories: histories(seconds),
      heatMap: heatMap(seconds),
    },
    runEnd: null,
    annotations: [],
    warnings: [],
  };
}

/** A client that reads like a page. It runs in its own process, so that it is not measured. */
function openPage(port: number): Deno.ChildProcess {
  const code = `const { body } = await fetch("http://127.0.0.1:${port}/api/stream");
    for await (const _ of body);
    Deno.exit(0);`;
  return new Deno.Command(Deno.execPath(), { args: ["eval", code], stderr: "null" }).spawn();
}

async function measure(server: DashboardServer, snapshots: readonly Snapshot[]): Promise<number> {
  const before = process.cpuUsage();
  for (const snapshot of snapshots) {
    server.update(snapshot);
    // A second of the run, in short.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / snapshots.length;
}

const pageCount = Number(Deno.args[0] ?? 1);
const snapshots = Array.from({ length: SECONDS + WARM_UP }, (_, at) => snapshotAt(HOUR + at));
const server = new DashboardServer({
  control: {
    snapshot: () => snapshots[0]!,
    canStart: false,
    start: () => null,
    pause: () => {},
    resume: () => {},
    stop: () => {},
    stopWorker: () => {},
    changeLoad: () => ({ users: 1000, rate: 10 }),
  },
  bindHost: "127.0.0.1",
  port: 0,
  maxConnections: 256,
  hostname: "bench",
  allowedHosts: [],
  trustedProxies: [],
  basePath: "",
  tls: null,
  token: null,
  clock: systemClock,
  version: "bench",
  metadata: () => {
    throw new Error("no summary is asked for");
  },
  log: new LogTail(),
  serve: serveWeb,
  metrics: () => "",
  history: null,
  reported: () => {
    throw new Error("the benchmark downloads no report");
  },
  info: () => {},
  warn: () => {},
});
const port = await server.start();
const idle = await measure(server, snapshots);
const pages = Array.from({ length: pageCount }, () => openPage(port));
while (server.clients < pageCount) await new Promise((resolve) => setTimeout(resolve, 50));
await measure(server, snapshots.slice(0, WARM_UP));
const looked = await measure(server, snapshots.slice(WARM_UP));
for (const page of pages) page.kill("SIGKILL");
await server.close();
process.stdout.write(
  `without a page         ${idle.toFixed(2)} ms per second\n` +
    `with ${pageCount} page(s) open   ${looked.toFixed(2)} ms per second, ` +
    `${(looked / 10).toFixed(2)} % of a core\n`,
);
Deno.exit(0);
