/**
 * The summary of a run: the file that `--json` writes and `aiotest compare` reads. Scripts depend on
 * it, so its fields stay, and an incompatible change raises {@link Summary.schema}.
 *
 * @module
 */

import type { FailureSample } from "../stats/stats_delta.ts";
import { Histogram } from "../stats/histogram.ts";
import { packBuckets, PackedBuckets } from "../stats/packed_buckets.ts";
import {
  type CheckRow,
  type ClassRow,
  type FailureRow,
  type GroupRow,
  type History,
  type IterationSummary,
  LATENCY_FIGURES,
  type LatencyFigure,
  type LatencyHeatMap,
  type LatencySummary,
  loadModel,
  type MetricRow,
  type NetworkSummary,
  type PhaseTotals,
  type RequestRow,
  type RequestTotals,
  type Snapshot,
  statusRows,
  type TagRow,
  type TimelineSecond,
  type TracedRequestRow,
  type UnansweredSummary,
  type UserErrorRow,
  type WorkerRow,
} from "../stats/snapshot.ts";
import { statusKey } from "../stats/request_stats.ts";
import type { BucketSource, Phase } from "../stats/stats_delta.ts";
import { groupLowerBounds, lowerBoundsOf, serviceTimeLowerBounds } from "../stats/unanswered.ts";
import { jsonParts } from "./json_parts.ts";

/**
 * The content of the file. Its fields are those of a snapshot, with times in ISO 8601 (UTC), latencies
 * in milliseconds to three decimals, and shares to six digits.
 */
export interface Summary extends
  Pick<
    Snapshot,
    | "runId"
    | "name"
    | "labels"
    | "mode"
    | "elapsedSeconds"
    | "durationSeconds"
    | "pausedSeconds"
    | "pauses"
    | "expectedWorkers"
    | "complete"
    | "thresholds"
    | "breakingPoint"
    | "runEnd"
    | "annotations"
    | "warnings"
  > {
  readonly schema: 4;
  /** The version of aiotest that wrote the file. */
  readonly aiotest: string;
  readonly state: SummaryState;
  /** `null` if no user started. */
  readonly startedAt: string | null;
  /** `null` if the last user has not stopped. */
  readonly endedAt: string | null;
  readonly users: Pick<Snapshot["users"], "current" | "peak" | "final">;
  readonly load: SummaryLoad;
  readonly workers: readonly SummaryWorker[];
  readonly totals: SummaryTotals;
  readonly requests: readonly SummaryRequest[];
  readonly failures: readonly FailureRow[];
  readonly userErrors: readonly UserErrorRow[];
  /** Requests of all names in progress; none once the run has ended. */
  readonly inProgress: UnansweredSummary;
  /** `null` if iterations are not counted, which is in the closed model without `--iterations`. */
  readonly iterations: SummaryIterations | null;
  /** `null` if no connection was sampled: not all systems can be asked. */
  readonly network: NetworkSummary | null;
  /** In the order of the test file. */
  readonly classes: readonly SummaryClass[];
  readonly groups: readonly SummaryGroup[];
  readonly metrics: readonly MetricRow[];
  readonly checks: readonly CheckRow[];
  readonly tracedRequests: readonly SummaryTraced[];
  readonly failureSamples: readonly SummaryFailureSample[];
  readonly histories: readonly History[];
  readonly heatMap: LatencyHeatMap;
  readonly timeline: readonly TimelineSecond[];
  /** `null` if the run was still going. */
  readonly exitCode: number | null;
  readonly metadata: RunMetadata;
}

/**
 * Whether the run had ended when the summary was written. One of a run that was killed says `running` for ever;
 * `interrupted` is a run that a signal has ended.
 */
export type SummaryState = "running" | "finished" | "interrupted";

/** A request with a trace, one of the slowest of its name. */
export interface SummaryTraced extends Omit<TracedRequestRow, "startedAt"> {
  readonly startedAt: string;
}

/** The load at this moment, or at the end of the run. */
export interface SummaryLoad {
  readonly model: "closed" | "open" | "mixed";
  /** As many users as should be running; in the open model, the maximum. */
  readonly users: number;
  /** Iterations that should start per second; `null` in the closed model. */
  readonly arrivalRate: number | null;
}

/** What a report says about a run besides its results. Must not contain secrets. */
export interface RunMetadata {
  /** Version of aiotest. */
  readonly version: string;
  /** Version and commit of aiotest, and version of Deno. */
  readonly program: string;
  /** The test file, as given on the command line. */
  readonly test: string;
  /** Options that were given or that differ from their defaults. */
  readonly options: readonly OptionValue[];
  readonly machine: MachineInfo;
}

/** One option of a run. */
export interface OptionValue {
  /** As on the command line: `--run-time`. */
  readonly flag: string;
  /** As text; empty for a switch. */
  readonly value: string;
}

/** The machine that wrote a report. In a local run, it also generated the load. */
export interface MachineInfo {
  readonly hostname: string;
  /** 0 if it is unknown. */
  readonly cores: number;
  /** Operating system with its release, and processor. */
  readonly system: string;
}

/** One process that generated load. */
export type SummaryWorker = Pick<
  WorkerRow,
  "id" | "host" | "state" | "peakUsers" | "cpuPeak" | "requests" | "complete" | "sockets"
>;

/** The counts and times of iterations. */
export interface SummaryIterations extends IterationSummary {
  /** The figures of `serviceTimeMs` that are lower bounds, because iterations were interrupted. */
  readonly lowerBounds: readonly LatencyFigure[];
}

/** Counts and latencies of one name, or of all names. */
export interface SummaryTotals extends
  Omit<
    RequestTotals,
    | "histogram"
    | "failureLatencyMs"
    | "failureHistogram"
    | "successes"
    | "lowerBounds"
    | "inProgress"
    | "waits"
    | "phases"
  > {
  /** The figures of `latencyMs` that are lower bounds, because some requests have no answer. */
  readonly lowerBounds: readonly LatencyFigure[];
  /** What makes them lower bounds; `null` if there are none. */
  readonly waits: SummaryWaits | null;
  /** The latencies of failed requests; `null` if none failed. */
  readonly failureLatencyMs: LatencySummary | null;
  /** The number of requests by HTTP status, as {@link statusKey} writes it. */
  readonly statuses: Readonly<Record<string, number>>;
  /** The number of those that failed, without the statuses of which none did. */
  readonly failedStatuses: Readonly<Record<string, number>>;
  readonly connections: SummaryConnections;
  readonly phases: SummaryPhases;
  /** The latencies of successful requests, as {@link histogramText} writes them. */
  readonly histogram: string;
  /** The latencies of failed requests, in the same form. */
  readonly failureHistogram: string;
}

/** How long requests had waited that have no answer, or failed without one. Times are in milliseconds. */
export interface SummaryWaits {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  /** The longest latency of a successful request; `null` if none succeeded. */
  readonly longestSuccess: number | null;
  /** As {@link SummaryTotals.histogram}. */
  readonly histogram: string;
}

/** The connections of requests, as {@link PhaseTotals} counts them. */
export type SummaryConnections = Pick<PhaseTotals, "opened" | "reused">;

/** Where the time of requests went; each is `null` if there was no such phase. */
export type SummaryPhases = { readonly [Name in Phase as `${Name}Ms`]: SummaryTimes | null };

/** A distribution of times in milliseconds. */
export interface SummaryTimes extends LatencySummary {
  /** The number of values. */
  readonly count: number;
}

/** Counts and latencies of one method and name. */
export interface SummaryRequest extends SummaryTotals, Pick<RequestRow, "method" | "name"> {
  /** Its requests by tags; empty if they had none. */
  readonly tags: readonly SummaryTags[];
}

/** Counts and latencies of some requests of one name. */
export interface SummaryPart extends
  Pick<
    SummaryTotals,
    | "requests"
    | "failures"
    | "unfinished"
    | "errorRate"
    | "rate"
    | "latencyMs"
    | "lowerBounds"
    | "failureLatencyMs"
  > {}

/** The requests of one name with the same tags. */
export interface SummaryTags extends SummaryPart, Pick<TagRow, "tags"> {
  /** As {@link SummaryTotals.histogram}. */
  readonly histogram: string;
}

/** What the users of one class did. */
export interface SummaryClass extends Pick<ClassRow, "name" | "peakUsers" | "load" | "completed"> {
  /** `null` if the iterations of the class are not scheduled or limited. */
  readonly iterations: SummaryIterations | null;
  readonly totals: SummaryTotals;
  /** Its requests by name. */
  readonly requests: readonly ClassRequest[];
}

/** The requests of one class with one method and name. */
export interface ClassRequest extends SummaryPart, Pick<RequestRow, "method" | "name"> {}

/** An example of a failed request. */
export interface SummaryFailureSample extends Omit<FailureSample, "at" | "traceId"> {
  /** When it failed, as ISO 8601. */
  readonly at: string;
  /** The id of its W3C trace; `null` without one. */
  readonly traceId: string | null;
}

/** The durations of one group. */
export interface SummaryGroup extends
  Pick<
    GroupRow,
    "name" | "count" | "failures" | "errorRate" | "unfinished" | "durationMs" | "requestsMs"
  > {
  /** The figures of `durationMs` that are lower bounds, because the group was cut off. */
  readonly lowerBounds: readonly LatencyFigure[];
  /** The durations of failed groups; `null` if none failed. */
  readonly failureDurationMs: LatencySummary | null;
  /** The durations of successful groups, as {@link SummaryTotals.histogram}. */
  readonly histogram: string;
}

/** The examples of failed requests of a run, as a summary has them. */
export function failureSampleRows(samples: readonly FailureSample[]): SummaryFailureSample[] {
  return samples.map(({ at, traceId, ...sample }) => ({
    ...sample,
    at: new Date(at).toISOString(),
    traceId: traceId === "" ? null : traceId,
  }));
}

/** A summary without histograms, which take long to write, and without what pages get besides. */
export interface CompactSummary extends
  Omit<
    Summary,
    | "state"
    | "elapsedSeconds"
    | "load"
    | "expectedWorkers"
    | "inProgress"
    | "users"
    | "totals"
    | "requests"
    | "classes"
    | "groups"
    | "failureSamples"
    | "metadata"
  > {
  readonly users: Pick<Snapshot["users"], "peak" | "final">;
  readonly totals: CompactTotals;
  readonly requests: readonly CompactRequest[];
  readonly classes: readonly CompactClass[];
  readonly groups: readonly CompactGroup[];
}

/** Counts and latencies without the histograms. */
export type CompactTotals = Omit<
  SummaryTotals,
  "histogram" | "failureHistogram" | "waits" | "failedStatuses"
>;

/** Counts and latencies of one method and name, without the histograms, and what is in progress. */
export interface CompactRequest
  extends CompactTotals, Pick<RequestRow, "method" | "name" | "inProgress"> {
  readonly tags: readonly CompactTags[];
}

/** The requests of one name with the same tags, without the histogram. */
export type CompactTags = Omit<SummaryTags, "histogram">;

/** A class without its names and histograms, and with the number of its users now. */
export interface CompactClass
  extends Omit<SummaryClass, "totals" | "requests">, Pick<ClassRow, "users"> {
  readonly totals: CompactTotals;
}

/** The durations of one group without the histogram. */
export type CompactGroup = Omit<SummaryGroup, "histogram">;

/** The contents of a summary in addition to the snapshot. */
export interface SummaryOptions {
  readonly metadata: RunMetadata;
  /** The exit code that the process is about to return; `null` during the run. */
  readonly exitCode: number | null;
}

/** The summary of a run without its histograms. */
export function compactSummary(snapshot: Snapshot, version: string): CompactSummary {
  const fields = Object.entries(compactRows(snapshot, version))
    .map(([name, value]) => [name, value instanceof Iterator ? [...value] : value]);
  return Object.fromEntries(fields) as CompactSummary;
}

/**
 * A summary whose lists can be read once, and whose rows are made while they are read: those of a long
 * run would take as much memory as the run itself.
 */
export type InRows<Content> = {
  readonly [Field in keyof Content]: Content[Field] extends readonly (infer Row)[] ? Iterable<Row>
    : Content[Field];
};

/** The summary of a run, to be read once, before the run continues to count unless the snapshot is frozen. */
export function summaryRows(
  snapshot: Snapshot,
  { metadata, exitCode }: SummaryOptions,
): InRows<Summary> {
  const { users, statistics: { totals, requests, classes, groups } } = snapshot;
  const { schema, aiotest, ...rest } = compactRows(snapshot, metadata.version);
  return {
    schema,
    aiotest,
    state: stateOf(snapshot),
    ...rest,
    elapsedSeconds: rounded(snapshot.elapsedSeconds),
    users: { current: users.current, peak: users.peak, final: users.final },
    load: {
      model: loadModel(snapshot),
      users: users.target,
      arrivalRate: sixDigits(snapshot.arrivalRate),
    },
    expectedWorkers: snapshot.expectedWorkers,
    inProgress: unansweredOf(totals.inProgress),
    totals: totalsOf(totals, requests),
    requests: requests.values().map((row) => ({
      method: row.method,
      name: row.name,
      ...totalsOf(row, [row]),
      tags: row.tags.map((tag) => ({ ...tagsOf(tag), histogram: histogramText(tag.histogram) })),
    })),
    classes: classes.values().map((row) => ({
      ...classOf(row),
      totals: totalsOf(row.totals, row.requests),
      requests: row.requests.map((request) => ({
        method: request.method,
        name: request.name,
        ...partOf(request),
      })),
    })),
    groups: groups.values()
      .map((row) => ({ ...groupOf(row), histogram: histogramText(row.histogram) })),
    failureSamples: failureSampleRows(snapshot.statistics.failureSamples),
    exitCode,
    metadata,
  };
}

function compactRows(snapshot: Snapshot, version: string): InRows<CompactSummary> {
  const { statistics } = snapshot;
  const { totals, requests, failures, userErrors, timeline } = statistics;
  return {
    schema: 4,
    aiotest: version,
    runId: snapshot.runId,
    name: snapshot.name,
    labels: snapshot.labels,
    mode: snapshot.mode,
    startedAt: isoTime(snapshot.startedAt),
    endedAt: isoTime(snapshot.endedAt),
    durationSeconds: rounded(snapshot.durationSeconds),
    pausedSeconds: rounded(snapshot.pausedSeconds),
    pauses: snapshot.pauses.map(({ from, to }) => ({ from: rounded(from), to: rounded(to) })),
    complete: snapshot.complete,
    users: { peak: snapshot.users.peak, final: snapshot.users.final },
    workers: snapshot.workers.map((worker) => ({
      id: worker.id,
      host: worker.host,
      state: worker.state,
      peakUsers: worker.peakUsers,
      cpuPeak: rounded(worker.cpuPeak),
      requests: worker.requests,
      complete: worker.complete,
      sockets: worker.sockets,
    })),
    totals: compactTotals(totals, requests),
    requests: requests.values().map((row) => ({
      method: row.method,
      name: row.name,
      ...compactTotals(row, [row]),
      tags: row.tags.map(tagsOf),
      inProgress: unansweredOf(row.inProgress),
    })),
    failures: failures.values()
      .map(({ method, name, error, count }) => ({ method, name, error, count })),
    userErrors: userErrors.map(({ user, error, place, count }) => ({ user, error, place, count })),
    iterations: iterationsOf(statistics.iterations),
    network: networkOf(statistics.network),
    classes: statistics.classes.values().map((row) => ({
      ...classOf(row),
      users: row.users,
      totals: compactTotals(row.totals, row.requests),
    })),
    groups: statistics.groups.values().map(groupOf),
    metrics: statistics.metrics.map(metricOf),
    checks: statistics.checks.map(({ name, passed, failed, rate }) => ({
      name,
      passed,
      failed,
      rate: sixDigits(rate),
    })),
    tracedRequests: statistics.traced.map((
      { method, name, latencyMs, startedAt, status, traceId },
    ) => ({
      method,
      name,
      latencyMs: rounded(latencyMs),
      startedAt: new Date(startedAt).toISOString(),
      status,
      traceId,
    })),
    histories: statistics.histories.values().map(historyOf),
    heatMap: statistics.heatMap,
    thresholds: snapshot.thresholds.map(({ expression, observed, passed }) => ({
      expression,
      observed: sixDigits(observed),
      passed,
    })),
    breakingPoint: snapshot.breakingPoint,
    runEnd: snapshot.runEnd,
    annotations: snapshot.annotations.map(({ kind, atSeconds, text, node }) => ({
      kind,
      atSeconds: rounded(atSeconds),
      text,
      node,
    })),
    timeline: timeline.values().map((second) => ({
      second: second.second,
      users: second.users,
      requests: second.requests,
      failures: second.failures,
      p50: rounded(second.p50),
      p95: rounded(second.p95),
      p99: rounded(second.p99),
      maxLagMs: second.maxLagMs,
      ...secondIterations(second),
      ...secondConnections(second),
    })),
    warnings: snapshot.warnings,
    exitCode: null,
  };
}

/** Whether the run has ended, and how. */
export function stateOf({ state, interrupted }: Snapshot): SummaryState {
  if (interrupted) return "interrupted";
  return state === "stopped" ? "finished" : "running";
}

function secondIterations({ iterations }: TimelineSecond): Pick<TimelineSecond, "iterations"> {
  if (iterations === undefined) return {};
  const { scheduled, started, dropped } = iterations;
  return {
    iterations: {
      ...{ scheduled, started, dropped },
      startDelayP95: rounded(iterations.startDelayP95),
      serviceTimeP50: rounded(iterations.serviceTimeP50),
      serviceTimeP95: rounded(iterations.serviceTimeP95),
    },
  };
}

function secondConnections({ connections }: TimelineSecond): Pick<TimelineSecond, "connections"> {
  if (connections === undefined) return {};
  const { opened, ttfbP50, ttfbP95 } = connections;
  return { connections: { opened, ttfbP50: rounded(ttfbP50), ttfbP95: rounded(ttfbP95) } };
}

/** The text of the file: indented JSON that ends with a newline. */
export function* summaryJson(content: InRows<Summary>): Generator<string> {
  yield* jsonParts(content, 2);
  yield "\n";
}

// Each field is named here, because the order is part of the format. The type asks for new counts.
function compactTotals(totals: RequestTotals, rows: readonly RequestRow[]): CompactTotals {
  return {
    requests: totals.requests,
    failures: totals.failures,
    unfinished: unansweredOf(totals.unfinished),
    retries: totals.retries,
    errorRate: sixDigits(totals.errorRate),
    rate: rounded(totals.rate),
    bytesReceived: totals.bytesReceived,
    bytesSent: totals.bytesSent,
    latencyMs: latencyOf(totals.latencyMs),
    lowerBounds: lowerBoundsOf(totals),
    failureLatencyMs: totals.failures === 0 ? null : latencyOf(totals.failureLatencyMs),
    statuses: statusesOf(rows),
    connections: { opened: totals.phases.opened, reused: totals.phases.reused },
    phases: phasesOf(totals.phases),
  };
}

/** The number of requests of some names by HTTP status. */
export function statusesOf(rows: readonly RequestRow[]): Record<string, number> {
  return Object.fromEntries(
    statusRows(rows).map(({ code, requests }) => [statusKey(code), requests]),
  );
}

function failedStatusesOf(rows: readonly RequestRow[]): Record<string, number> {
  const failed = statusRows(rows).filter((row) => row.failed > 0);
  return Object.fromEntries(failed.map((row) => [statusKey(row.code), row.failed]));
}

function waitsOf({ lowerBounds, successes, waits }: RequestTotals): SummaryWaits | null {
  if (!lowerBounds) return null;
  return {
    count: waits.count,
    min: rounded(waits.min),
    max: rounded(waits.max),
    longestSuccess: successes.count === 0 ? null : rounded(successes.max),
    histogram: histogramText(waits.histogram),
  };
}

function phasesOf({ times: all, figures }: PhaseTotals): SummaryPhases {
  const times = (phase: Phase): SummaryTimes | null => {
    const { count } = all[phase];
    return count === 0 ? null : { count, ...latencyOf(figures[phase]) };
  };
  return {
    dnsMs: times("dns"),
    connectMs: times("connect"),
    tlsMs: times("tls"),
    ttfbMs: times("ttfb"),
    downloadMs: times("download"),
  };
}

/** Requests without an answer, with the age rounded. */
export function unansweredOf({ count, oldestMs }: UnansweredSummary): UnansweredSummary {
  return { count, oldestMs: rounded(oldestMs) };
}

function totalsOf(totals: RequestTotals, rows: readonly RequestRow[]): SummaryTotals {
  return {
    ...compactTotals(totals, rows),
    failedStatuses: failedStatusesOf(rows),
    waits: waitsOf(totals),
    histogram: histogramText(totals.histogram),
    failureHistogram: histogramText(totals.failureHistogram),
  };
}

function partOf(totals: RequestTotals): SummaryPart {
  return {
    requests: totals.requests,
    failures: totals.failures,
    unfinished: unansweredOf(totals.unfinished),
    errorRate: sixDigits(totals.errorRate),
    rate: rounded(totals.rate),
    latencyMs: latencyOf(totals.latencyMs),
    lowerBounds: lowerBoundsOf(totals),
    failureLatencyMs: totals.failures === 0 ? null : latencyOf(totals.failureLatencyMs),
  };
}

function tagsOf(row: TagRow): CompactTags {
  return { tags: row.tags, ...partOf(row) };
}

function classOf(row: ClassRow): Omit<SummaryClass, "totals" | "requests"> {
  return {
    name: row.name,
    peakUsers: row.peakUsers,
    load: row.load,
    completed: row.completed,
    iterations: iterationsOf(row.iterations),
  };
}

function groupOf(row: GroupRow): CompactGroup {
  return {
    name: row.name,
    count: row.count,
    failures: row.failures,
    errorRate: sixDigits(row.errorRate),
    unfinished: unansweredOf(row.unfinished),
    durationMs: latencyOf(row.durationMs),
    lowerBounds: groupLowerBounds(row),
    failureDurationMs: row.failures === 0 ? null : latencyOf(row.failureDurationMs),
    requestsMs: latencyOf(row.requestsMs),
  };
}

/** Values can have any magnitude, so they are rounded to digits. */
function metricOf(row: MetricRow): MetricRow {
  switch (row.type) {
    case "counter": {
      const { type, name, value, perSecond } = row;
      return { type, name, value, perSecond: sixDigits(perSecond) };
    }
    case "gauge": {
      const { type, name, value, min, max } = row;
      return { type, name, value, min, max };
    }
    case "rate": {
      const { type, name, rate, hits, total } = row;
      return { type, name, rate: sixDigits(rate), hits, total };
    }
    case "trend": {
      const { type, name, unit, count, sum } = row;
      return { type, name, unit, count, sum, figures: figuresOf(row.figures, sixDigits) };
    }
  }
}

function historyOf(history: History): History {
  const { kind, method, name, stepSeconds, seconds, requests, failures, users } = history;
  return {
    kind,
    method,
    name,
    stepSeconds,
    seconds,
    requests,
    failures,
    p50: history.p50.map(rounded),
    p95: history.p95.map(rounded),
    p99: history.p99.map(rounded),
    users: users === null ? null : users.map((count) => rounded(count)),
  };
}

function iterationsOf(iterations: IterationSummary | null): SummaryIterations | null {
  if (iterations === null) return null;
  const { scheduled, started, completed, interrupted, dropped, ...times } = iterations;
  return {
    scheduled,
    started,
    completed,
    interrupted,
    dropped,
    serviceTimeMs: latencyOf(times.serviceTimeMs),
    lowerBounds: serviceTimeLowerBounds(iterations),
    startDelayMs: latencyOf(times.startDelayMs),
  };
}

function networkOf(network: NetworkSummary | null): NetworkSummary | null {
  if (network === null) return null;
  const { samples, retransmitting, roundTripMs } = network;
  return { samples, retransmitting, roundTripMs: latencyOf(roundTripMs) };
}

function latencyOf(latency: LatencySummary): LatencySummary {
  return figuresOf(latency, rounded);
}

function figuresOf(
  from: LatencySummary,
  round: (value: number | null) => number | null,
): LatencySummary {
  const figures: Partial<Record<keyof LatencySummary, number | null>> = {};
  for (const figure of LATENCY_FIGURES) figures[figure] = round(from[figure]);
  return figures as LatencySummary;
}

function rounded<Value extends number | null>(value: Value): Value;
function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1000) / 1000;
}

/** To six digits rather than decimals, so that one failure among millions does not become 0. */
export function sixDigits<Value extends number | null>(value: Value): Value;
export function sixDigits(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(6));
}

function isoTime(wallTime: number | null): string | null {
  return wallTime === null ? null : new Date(wallTime).toISOString();
}

/** All buckets of a histogram as Base64 of its packed form; empty if it has no values. */
export function histogramText(source: BucketSource): string {
  if (source instanceof Histogram) return packBuckets(source).toBase64();
  const histogram = new Histogram();
  histogram.merge(source);
  return packBuckets(histogram).toBase64();
}

/**
 * The histogram that {@link histogramText} wrote.
 *
 * @throws SyntaxError if the text is not Base64.
 * @throws RangeError if its bytes are not a histogram.
 */
export function histogramOf(text: string): Histogram {
  const histogram = new Histogram();
  histogram.merge(new PackedBuckets(Uint8Array.fromBase64(text)));
  return histogram;
}
