/**
 * The snapshot that a summary describes, so that every other report can be made from it. Those that a run
 * writes at its end are made in the same way, so their numbers are those of reports that are made later.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { OTHER_CODE } from "../stats/request_stats.ts";
import { Histogram } from "../stats/histogram.ts";
import { NO_FIGURES } from "../stats/latencies.ts";
import {
  type ClassRow,
  type CodeRow,
  type GroupRow,
  type LatencyFigure,
  type LatencySummary,
  type MetricRow,
  type PhaseTotals,
  type RequestRow,
  type RequestTotals,
  type Snapshot,
  type TagRow,
  type WorkerRow,
} from "../stats/snapshot.ts";
import { type LatencyCounts, type Phase, PHASES } from "../stats/stats_delta.ts";
import { histogramOf, type RunMetadata, summaryRows, type SummaryState } from "./summary.ts";
import { nullable, optional, readShaped, type Shaped } from "./summary_reader.ts";

const AMOUNT = "a number of at least 0";
const AMOUNT_OR_NULL = "a number of at least 0, or null";
const COUNT = "a whole number of at least 0";

const LATENCIES = {
  min: AMOUNT_OR_NULL,
  mean: AMOUNT_OR_NULL,
  max: AMOUNT_OR_NULL,
  stddev: AMOUNT_OR_NULL,
  p50: AMOUNT_OR_NULL,
  p75: AMOUNT_OR_NULL,
  p90: AMOUNT_OR_NULL,
  p95: AMOUNT_OR_NULL,
  p99: AMOUNT_OR_NULL,
  p999: AMOUNT_OR_NULL,
  p9999: AMOUNT_OR_NULL,
} as const;

const UNANSWERED = { count: COUNT, oldestMs: AMOUNT_OR_NULL } as const;

// What is optional is missing in summaries of earlier versions.
const PART = {
  requests: COUNT,
  failures: COUNT,
  unfinished: optional(UNANSWERED),
  errorRate: AMOUNT,
  rate: AMOUNT,
  latencyMs: LATENCIES,
  lowerBounds: optional("a list of latency figures"),
  failureLatencyMs: optional(nullable(LATENCIES)),
} as const;

const PHASE = nullable({ count: COUNT, ...LATENCIES });

const TOTALS = {
  ...PART,
  retries: COUNT,
  bytesReceived: AMOUNT,
  bytesSent: AMOUNT,
  waits: optional(nullable({
    count: COUNT,
    min: AMOUNT,
    max: AMOUNT,
    longestSuccess: AMOUNT_OR_NULL,
    histogram: "a histogram",
  })),
  statuses: optional("counts by status"),
  failedStatuses: optional("counts by status"),
  connections: optional({ opened: COUNT, reused: COUNT }),
  phases: optional({
    dnsMs: PHASE,
    connectMs: PHASE,
    tlsMs: PHASE,
    ttfbMs: PHASE,
    downloadMs: PHASE,
  }),
  histogram: "a histogram",
  failureHistogram: optional("a histogram"),
} as const;

const ITERATIONS = optional(nullable({
  scheduled: COUNT,
  started: COUNT,
  completed: COUNT,
  interrupted: optional(COUNT),
  dropped: COUNT,
  serviceTimeMs: LATENCIES,
  startDelayMs: LATENCIES,
}));

const NAMED = { method: "a string", name: "a string" } as const;
const LOAD = { users: COUNT, arrivalRate: AMOUNT_OR_NULL } as const;

const REPORTED_RUN = {
  schema: "1, 2, 3 or 4",
  aiotest: "a string",
  state: optional("running, finished or interrupted"),
  runId: "a string",
  name: optional("a string or null"),
  labels: optional("texts by name"),
  mode: "local or distributed",
  startedAt: nullable("a time"),
  endedAt: nullable("a time"),
  elapsedSeconds: optional(AMOUNT),
  durationSeconds: AMOUNT,
  pausedSeconds: optional(AMOUNT),
  pauses: optional([{ from: AMOUNT, to: AMOUNT_OR_NULL }]),
  complete: "true or false",
  users: { current: optional(COUNT), peak: COUNT, final: COUNT },
  load: optional({ model: "closed, open or mixed", ...LOAD }),
  expectedWorkers: optional(nullable(COUNT)),
  workers: [{
    id: "a string",
    host: "a string",
    state: "a state of a worker",
    peakUsers: COUNT,
    cpuPeak: AMOUNT,
    requests: COUNT,
    complete: "true or false",
    sockets: optional("a string or null"),
  }],
  totals: TOTALS,
  requests: [{
    ...NAMED,
    ...TOTALS,
    tags: optional([{ ...PART, tags: "a string", histogram: "a histogram" }]),
  }],
  failures: [{ ...NAMED, error: "a string", count: COUNT }],
  userErrors: [{
    user: "a string",
    error: "a string",
    place: optional("a string or null"),
    count: COUNT,
  }],
  inProgress: optional(UNANSWERED),
  iterations: ITERATIONS,
  network: optional(nullable({
    samples: COUNT,
    retransmitting: COUNT,
    roundTripMs: LATENCIES,
  })),
  classes: optional([{
    name: "a string",
    peakUsers: COUNT,
    load: nullable(LOAD),
    completed: COUNT,
    iterations: ITERATIONS,
    totals: TOTALS,
    requests: [{ ...NAMED, ...PART }],
  }]),
  groups: optional([{
    name: "a string",
    count: COUNT,
    failures: COUNT,
    errorRate: AMOUNT,
    unfinished: UNANSWERED,
    durationMs: LATENCIES,
    lowerBounds: "a list of latency figures",
    failureDurationMs: nullable(LATENCIES),
    requestsMs: LATENCIES,
    histogram: "a histogram",
  }]),
  metrics: optional([{
    type: "a type of metric",
    name: "a string",
    unit: optional("a string"),
    value: optional("a number"),
    perSecond: optional("a number"),
    min: optional("a number"),
    max: optional("a number"),
    rate: optional("a number"),
    hits: optional(COUNT),
    total: optional(COUNT),
    count: optional(COUNT),
    sum: optional("a number"),
    figures: optional({
      min: "a number or null",
      mean: "a number or null",
      max: "a number or null",
      stddev: "a number or null",
      p50: "a number or null",
      p75: "a number or null",
      p90: "a number or null",
      p95: "a number or null",
      p99: "a number or null",
      p999: "a number or null",
      p9999: "a number or null",
    }),
  }]),
  checks: optional([{ name: "a string", passed: COUNT, failed: COUNT, rate: AMOUNT }]),
  tracedRequests: optional([{
    ...NAMED,
    latencyMs: AMOUNT,
    startedAt: "a time",
    status: COUNT,
    traceId: "a string",
  }]),
  failureSamples: optional([{
    ...NAMED,
    error: "a string",
    status: COUNT,
    url: "a string",
    at: "a time",
    node: "a string",
    userClass: "a string",
    user: COUNT,
    iteration: COUNT,
    traceId: "a string or null",
    sent: "a string",
    received: "a string",
  }]),
  histories: optional([{
    kind: "request, class or group",
    ...NAMED,
    stepSeconds: COUNT,
    seconds: ["a second of a run"],
    requests: [COUNT],
    failures: [COUNT],
    p50: [AMOUNT_OR_NULL],
    p95: [AMOUNT_OR_NULL],
    p99: [AMOUNT_OR_NULL],
    users: nullable([AMOUNT]),
  }]),
  heatMap: optional({
    stepSeconds: COUNT,
    seconds: ["a second of a run"],
    histograms: ["a histogram"],
  }),
  thresholds: [{
    expression: "a string",
    observed: "a number or null",
    passed: nullable("true or false"),
  }],
  breakingPoint: optional(nullable({
    className: optional("a string or null"),
    passed: nullable(LOAD),
    broke: nullable(LOAD),
    threshold: "a string or null",
  })),
  annotations: optional([{
    kind: "note, threshold or worker",
    atSeconds: AMOUNT,
    text: "a string",
    node: "a string or null",
  }]),
  runEnd: optional(nullable({ kind: "stop or fail", reason: "a string", node: "a string" })),
  timeline: [{
    second: "a second of a run",
    users: COUNT,
    requests: COUNT,
    failures: COUNT,
    p50: AMOUNT_OR_NULL,
    p95: AMOUNT_OR_NULL,
    p99: AMOUNT_OR_NULL,
    maxLagMs: optional(AMOUNT),
    iterations: optional({
      scheduled: COUNT,
      started: COUNT,
      dropped: COUNT,
      startDelayP95: AMOUNT_OR_NULL,
      serviceTimeP50: optional(AMOUNT_OR_NULL),
      serviceTimeP95: optional(AMOUNT_OR_NULL),
    }),
    connections: optional({
      opened: COUNT,
      ttfbP50: AMOUNT_OR_NULL,
      ttfbP95: AMOUNT_OR_NULL,
    }),
  }],
  warnings: ["a string"],
  exitCode: nullable(COUNT),
  metadata: optional({
    version: "a string",
    program: "a string",
    test: "a string",
    options: [{ flag: "a string", value: "a string" }],
    machine: { hostname: "a string", cores: COUNT, system: "a string" },
  }),
} as const;

/** The part of a summary that reports are made from. That of a run which has just ended is one as well. */
type ReadRun = Shaped<typeof REPORTED_RUN>;
type ReadPart = Shaped<typeof PART>;
type ReadTotals = Shaped<typeof TOTALS>;
type ReadIterations = Shaped<typeof ITERATIONS>;

/** A run as its summary describes it. */
export interface SummarizedRun {
  readonly snapshot: Snapshot;
  /** `null` if it was still going. */
  readonly exitCode: number | null;
  readonly metadata: RunMetadata;
  /** Whether percentiles that are not in the summary can be computed from it. */
  readonly hasWaits: boolean;
}

/**
 * The run that the parsed content of a summary file describes.
 *
 * @param path the file, for messages.
 * @throws UsageError if it is not a summary.
 */
export function readRun(content: unknown, path: string): SummarizedRun {
  const run = readShaped(content, REPORTED_RUN, path);
  // A file that was edited by hand may have columns of different lengths.
  const isWhole = (run.histories ?? []).every(({ seconds, ...columns }) =>
    [columns.requests, columns.failures, columns.p50, columns.p95, columns.p99, columns.users]
      .every((column) => column === null || column.length === seconds.length)
  );
  const { heatMap } = run;
  if (!isWhole || heatMap?.seconds.length !== heatMap?.histograms.length) {
    throw new UsageError(`${path} is not a summary of a run: the columns of a history differ`);
  }
  const bounded = [run.totals, ...run.requests].filter(({ lowerBounds = [] }) =>
    lowerBounds.length > 0
  );
  return {
    snapshot: { ...snapshotOf(run), warnings: [...run.warnings, ...lackingOf(run)] },
    exitCode: stateOf(run) === "running" ? null : run.exitCode ?? 0,
    metadata: run.metadata ?? {
      version: run.aiotest,
      program: `aiotest ${run.aiotest}`,
      test: "unknown",
      options: [],
      machine: { hostname: run.workers[0]?.host ?? "unknown", cores: 0, system: "unknown" },
    },
    hasWaits: bounded.every(({ waits }) => waits !== undefined),
  };
}

/** A run as its summary describes it: with rounded numbers, and without what only a run in progress has. */
export function summarized(snapshot: Snapshot, metadata: RunMetadata): Snapshot {
  const rows = Object.entries(summaryRows(snapshot, { metadata, exitCode: null }))
    .map(([name, value]) => [name, value instanceof Iterator ? [...value] : value]);
  return snapshotOf(Object.fromEntries(rows) as ReadRun);
}

/** What the summaries of earlier versions do not have, as sentences. */
function lackingOf({ schema, totals }: ReadRun): string[] {
  if (schema === 4) return [];
  return [
    `This report was made from a summary of an earlier version (schema ${schema}), which has neither the options ` +
    "and the machine of the run nor the failures of each status" +
    (schema < 3 ? ", and no classes, groups, metrics, checks and histories." : "."),
    ...(schema === 1 && totals.failures > 0
      ? ["Latencies include those of failed requests: the earlier version did not keep them apart."]
      : []),
  ];
}

function stateOf({ state = "finished" }: ReadRun): SummaryState {
  return state;
}

function snapshotOf(run: ReadRun): Snapshot {
  const state = stateOf(run);
  const startedAt = run.startedAt === null ? null : Date.parse(run.startedAt);
  const endedAt = run.endedAt === null ? null : Date.parse(run.endedAt);
  const elapsedSeconds = run.elapsedSeconds ??
    (startedAt === null || endedAt === null ? run.durationSeconds : (endedAt - startedAt) / 1000);
  const scheduled = run.iterations?.scheduled ?? 0;
  const { load = { model: scheduled > 0 ? "open" : "closed", users: 0, arrivalRate: null } } = run;
  const isGoing = state === "running";
  return {
    runId: run.runId,
    name: run.name ?? null,
    labels: run.labels ?? {},
    mode: run.mode,
    state: !isGoing ? "stopped" : startedAt === null ? "ready" : "running",
    interrupted: state === "interrupted",
    startedAt,
    endedAt,
    elapsedSeconds,
    durationSeconds: run.durationSeconds,
    pausedSeconds: run.pausedSeconds ?? 0,
    pauses: run.pauses ?? [],
    plannedSeconds: null,
    complete: run.complete,
    users: {
      current: run.users.current ?? 0,
      target: load.users,
      peak: run.users.peak,
      final: run.users.final,
    },
    arrivalRate: load.model === "closed" ? null : load.arrivalRate ?? 0,
    spawnRate: null,
    closedUsers: load.model === "open" ? null : load.users,
    sharedLoad: null,
    thresholds: run.thresholds,
    breakingPoint: run.breakingPoint === undefined || run.breakingPoint === null ? null : {
      ...run.breakingPoint,
      className: run.breakingPoint.className ?? null,
    },
    expectedWorkers: run.expectedWorkers ?? null,
    workers: run.workers.map((worker): WorkerRow => ({
      ...worker,
      ...{ users: 0, rate: 0, cpu: 0, lagMs: 0, log: [] },
      sockets: worker.sockets ?? null,
    })),
    statistics: {
      totals: {
        ...totalsOf(run.totals),
        inProgress: run.inProgress ?? NONE,
      },
      requests: run.requests.map((row): RequestRow => ({
        method: row.method,
        name: row.name,
        ...totalsOf(row),
        codes: codesOf(row),
        tags: (row.tags ?? []).map(tagOf),
      })),
      failures: run.failures,
      userErrors: run.userErrors.map((row) => ({ ...row, place: row.place ?? null })),
      timeline: run.timeline.map(({ iterations, connections, ...second }) => ({
        ...second,
        maxLagMs: second.maxLagMs ?? 0,
        ...(iterations === undefined ? {} : {
          iterations: {
            ...iterations,
            serviceTimeP50: iterations.serviceTimeP50 ?? null,
            serviceTimeP95: iterations.serviceTimeP95 ?? null,
          },
        }),
        ...(connections === undefined ? {} : { connections }),
      })),
      iterations: iterationsOf(run.iterations),
      network: run.network ?? null,
      classes: (run.classes ?? []).map((row): ClassRow => ({
        name: row.name,
        users: isGoing ? row.peakUsers : 0,
        peakUsers: row.peakUsers,
        load: row.load,
        completed: row.completed,
        iterations: iterationsOf(row.iterations),
        totals: totalsOf(row.totals),
        requests: row.requests.map((part) => ({
          method: part.method,
          name: part.name,
          ...partOf(part),
          ...{ codes: [], tags: [] },
        })),
      })),
      groups: (run.groups ?? []).map(groupOf),
      metrics: (run.metrics ?? []) as readonly MetricRow[],
      checks: run.checks ?? [],
      traced: (run.tracedRequests ?? []).map((row) => ({
        ...row,
        startedAt: Date.parse(row.startedAt),
      })),
      failureSamples: (run.failureSamples ?? []).map(({ at, traceId, ...sample }) => ({
        ...sample,
        at: Date.parse(at),
        traceId: traceId ?? "",
      })),
      histories: run.histories ?? [],
      heatMap: run.heatMap ?? { stepSeconds: 1, seconds: [], histograms: [] },
    },
    runEnd: run.runEnd ?? null,
    annotations: run.annotations ?? [],
    warnings: run.warnings,
  };
}

const NONE = { count: 0, oldestMs: null } as const;

/** The figures of requests, of which only a part is in the summary. */
function partOf(part: ReadPart, histogram = ""): RequestTotals {
  const { latencyMs, lowerBounds = [], requests, failures } = part;
  const succeeded = requests - failures;
  const failed = part.failureLatencyMs ?? NO_FIGURES;
  return {
    requests,
    failures,
    retries: 0,
    bytesReceived: 0,
    bytesSent: 0,
    errorRate: part.errorRate,
    rate: part.rate,
    latencyMs,
    lowerBounds: lowerBounds.length > 0,
    successes: {
      count: succeeded,
      sum: succeeded * (latencyMs.mean ?? 0),
      max: latencyMs.max ?? -Infinity,
    },
    histogram: histogramOf(histogram),
    failureLatencyMs: failed,
    failureHistogram: new Histogram(),
    unfinished: part.unfinished ?? NONE,
    inProgress: NONE,
    waits: { ...NO_TIMES, min: shortestWait(latencyMs, lowerBounds) },
    phases: phasesOf(undefined, undefined),
  };
}

function totalsOf(totals: ReadTotals): RequestTotals {
  const part = partOf(totals, totals.histogram);
  const { waits } = totals;
  const hasWaits = waits !== undefined && waits !== null;
  return {
    ...part,
    retries: totals.retries,
    bytesReceived: totals.bytesReceived,
    bytesSent: totals.bytesSent,
    successes: hasWaits
      ? { ...part.successes, max: waits.longestSuccess ?? -Infinity }
      : part.successes,
    failureHistogram: histogramOf(totals.failureHistogram ?? ""),
    waits: hasWaits
      ? { ...NO_TIMES, ...waits, histogram: histogramOf(waits.histogram) }
      : part.waits,
    phases: phasesOf(totals.phases, totals.connections),
  };
}

const NO_TIMES: LatencyCounts = {
  count: 0,
  min: Infinity,
  max: -Infinity,
  sum: 0,
  squaredDeviations: 0,
  histogram: new Histogram(),
};

/** A wait of which exactly these figures are lower bounds: see `lowerBoundsOf`. */
function shortestWait(latency: LatencySummary, lowerBounds: readonly LatencyFigure[]): number {
  const bounded = lowerBounds.filter((figure) => figure !== "mean" && figure !== "max")
    .map((figure) => latency[figure] ?? 0);
  return Math.min(...bounded);
}

function phasesOf(
  phases: ReadTotals["phases"],
  connections: ReadTotals["connections"],
): PhaseTotals {
  const of = (phase: Phase): Shaped<typeof PHASE> => phases?.[`${phase}Ms`] ?? null;
  const entries = <Value>(value: (phase: Phase) => Value): Record<Phase, Value> =>
    Object.fromEntries(PHASES.map((phase) => [phase, value(phase)])) as Record<Phase, Value>;
  return {
    opened: connections?.opened ?? 0,
    reused: connections?.reused ?? 0,
    // Reports read only how many there were, and the longest one.
    times: entries((phase) => ({
      ...NO_TIMES,
      count: of(phase)?.count ?? 0,
      max: of(phase)?.max ?? -Infinity,
    })),
    figures: entries((phase) => {
      const times = of(phase);
      if (times === null) return NO_FIGURES;
      const { count: _, ...figures } = times;
      return figures;
    }),
  };
}

/** None if it is not known how many failed. */
function codesOf({ statuses, failedStatuses }: ReadTotals): CodeRow[] {
  if (statuses === undefined || failedStatuses === undefined) return [];
  return Object.entries(statuses).map(([status, requests]) => ({
    code: status === "other" ? OTHER_CODE : Number(status),
    requests,
    failed: failedStatuses[status] ?? 0,
    bytesReceived: 0,
    latencies: null,
    failureLatencies: null,
  }));
}

function tagOf(row: NonNullable<ReadRun["requests"][number]["tags"]>[number]): TagRow {
  return { ...partOf(row, row.histogram), tags: row.tags };
}

function iterationsOf(iterations: ReadIterations): ClassRow["iterations"] {
  if (iterations === undefined || iterations === null) return null;
  return { ...iterations, interrupted: iterations.interrupted ?? 0 };
}

function groupOf(row: NonNullable<ReadRun["groups"]>[number]): GroupRow {
  return {
    ...row,
    lowerBounds: row.lowerBounds.length > 0,
    failureDurationMs: row.failureDurationMs ?? NO_FIGURES,
    histogram: histogramOf(row.histogram),
    sum: (row.count - row.failures) * (row.durationMs.mean ?? 0),
  };
}
