/**
 * The summary of a run: the file that `--json` writes and `aiotest compare` reads. Scripts depend on
 * it, so its fields stay, and an incompatible change raises {@link Summary.schema}.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { Histogram } from "../stats/histogram.ts";
import { packBuckets, PackedBuckets } from "../stats/packed_buckets.ts";
import {
  type FailureRow,
  type IterationSummary,
  LATENCY_FIGURES,
  type LatencySummary,
  type RequestRow,
  type RequestTotals,
  type Snapshot,
  type TimelineSecond,
  type UserErrorRow,
  type WorkerRow,
} from "../stats/snapshot.ts";
import type { BucketSource } from "../stats/stats_delta.ts";

/**
 * The content of the file. Its fields are those of a snapshot, with times in ISO 8601 (UTC), latencies
 * in milliseconds to three decimals, and shares to six digits.
 */
export interface Summary extends
  Pick<
    Snapshot,
    "runId" | "mode" | "durationSeconds" | "complete" | "thresholds" | "breakingPoint" | "warnings"
  > {
  readonly schema: 1;
  /** The version of aiotest that wrote the file. */
  readonly aiotest: string;
  /** `null` if no user started. */
  readonly startedAt: string | null;
  /** `null` if the last user has not stopped. */
  readonly endedAt: string | null;
  readonly users: Pick<Snapshot["users"], "peak" | "final">;
  readonly workers: readonly SummaryWorker[];
  readonly totals: SummaryTotals;
  readonly requests: readonly SummaryRequest[];
  readonly failures: readonly FailureRow[];
  readonly userErrors: readonly UserErrorRow[];
  /** `null` if iterations are not counted, which is in the closed model without `--iterations`. */
  readonly iterations: IterationSummary | null;
  readonly timeline: readonly TimelineSecond[];
  readonly exitCode: number;
}

/** One process that generated load. */
export type SummaryWorker = Pick<
  WorkerRow,
  "id" | "host" | "state" | "peakUsers" | "cpuPeak" | "requests" | "complete"
>;

/** Counts and latencies of one name, or of all names. */
export interface SummaryTotals extends Omit<RequestTotals, "histogram"> {
  /** All latencies, as {@link histogramText} writes them. */
  readonly histogram: string;
}

/** Counts and latencies of one method and name. */
export interface SummaryRequest extends SummaryTotals, Pick<RequestRow, "method" | "name"> {}

/** A summary without histograms, which take long to write, and before the run has ended. */
export interface CompactSummary extends Omit<Summary, "totals" | "requests" | "exitCode"> {
  readonly totals: CompactTotals;
  readonly requests: readonly CompactRequest[];
  /** `null` during the run. */
  readonly exitCode: number | null;
}

/** Counts and latencies without the histogram. */
export type CompactTotals = Omit<SummaryTotals, "histogram">;

/** Counts and latencies of one method and name, without the histogram. */
export type CompactRequest = Omit<SummaryRequest, "histogram">;

/** The contents of a summary beside those of the snapshot. */
export interface SummaryOptions {
  /** Version of aiotest. */
  readonly version: string;
  /** The exit code that the process is about to return. */
  readonly exitCode: number;
}

/** The summary of a run that has ended. */
export function summary(snapshot: Snapshot, options: SummaryOptions): Summary {
  const { totals, requests } = snapshot.statistics;
  return {
    ...compactSummary(snapshot, options.version),
    totals: totalsOf(totals),
    requests: requests.map((row) => ({ method: row.method, name: row.name, ...totalsOf(row) })),
    exitCode: options.exitCode,
  };
}

/** The summary of a run without its histograms. */
export function compactSummary(snapshot: Snapshot, version: string): CompactSummary {
  const { totals, requests, failures, userErrors, timeline } = snapshot.statistics;
  return {
    schema: 1,
    aiotest: version,
    runId: snapshot.runId,
    mode: snapshot.mode,
    startedAt: isoTime(snapshot.startedAt),
    endedAt: isoTime(snapshot.endedAt),
    durationSeconds: rounded(snapshot.durationSeconds),
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
    })),
    totals: compactTotals(totals),
    requests: requests.map((row) => ({
      method: row.method,
      name: row.name,
      ...compactTotals(row),
    })),
    failures: failures.map(({ method, name, error, count }) => ({ method, name, error, count })),
    userErrors: userErrors.map(({ user, error, count }) => ({ user, error, count })),
    iterations: iterationsOf(snapshot.statistics.iterations),
    thresholds: snapshot.thresholds.map(({ expression, observed, passed }) => ({
      expression,
      observed: sixDigits(observed),
      passed,
    })),
    breakingPoint: snapshot.breakingPoint,
    timeline: timeline.map((second) => ({
      second: second.second,
      users: second.users,
      requests: second.requests,
      failures: second.failures,
      p50: rounded(second.p50),
      p95: rounded(second.p95),
      p99: rounded(second.p99),
    })),
    warnings: snapshot.warnings,
    exitCode: null,
  };
}

/** The text of the file: indented JSON that ends with a newline. */
export function summaryJson(content: Summary): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

// Each field is named here, because the order is part of the format. The type asks for new counts.
function compactTotals(totals: RequestTotals): CompactTotals {
  return {
    requests: totals.requests,
    failures: totals.failures,
    retries: totals.retries,
    errorRate: sixDigits(totals.errorRate),
    rate: rounded(totals.rate),
    bytesReceived: totals.bytesReceived,
    bytesSent: totals.bytesSent,
    latencyMs: latencyOf(totals.latencyMs),
  };
}

function totalsOf(totals: RequestTotals): SummaryTotals {
  return { ...compactTotals(totals), histogram: histogramText(totals.histogram) };
}

function iterationsOf(iterations: IterationSummary | null): IterationSummary | null {
  if (iterations === null) return null;
  const { scheduled, started, completed, dropped, serviceTimeMs, startDelayMs } = iterations;
  return {
    scheduled,
    started,
    completed,
    dropped,
    serviceTimeMs: latencyOf(serviceTimeMs),
    startDelayMs: latencyOf(startDelayMs),
  };
}

function latencyOf(latency: LatencySummary): LatencySummary {
  const figures: Partial<Record<keyof LatencySummary, number | null>> = {};
  for (const figure of LATENCY_FIGURES) figures[figure] = rounded(latency[figure]);
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

/** The longest run in seconds, about four months. It bounds the memory for a list of all seconds. */
const LONGEST_RUN_S = 1e7;

/** The values that a comparison expects in a summary, by description, with their types. */
const VALUES = {
  "a text": (value: unknown): value is string => typeof value === "string",
  "a text or null": (value: unknown): value is string | null =>
    value === null || typeof value === "string",
  "local or distributed": (value: unknown): value is Snapshot["mode"] =>
    value === "local" || value === "distributed",
  "true or false": (value: unknown): value is boolean => typeof value === "boolean",
  "a number of at least 0": isAmount,
  "a number of at least 0, or null": (value: unknown): value is number | null =>
    value === null || isAmount(value),
  "a whole number of at least 0": isCount,
  "a second of a run": (value: unknown): value is number => isCount(value) && value < LONGEST_RUN_S,
  "a histogram": (value: unknown): value is string =>
    typeof value === "string" && isHistogram(value),
} as const;

type ValueName = keyof typeof VALUES;

/** The expected form of a value: one of {@link VALUES}, a list, or an object with some fields. */
type Shape = ValueName | readonly [Shape] | { readonly [name: string]: Shape };

/** The shapes of a type: all that exists of it may be named. */
type ShapeOf<Type> = Type extends readonly (infer Item)[] ? readonly [ShapeOf<Item>]
  : Type extends object ? { readonly [Name in keyof Type]?: ShapeOf<Type[Name]> }
  : ValueName;

/** The type of the values of a shape. */
type Shaped<Form> = Form extends ValueName
  ? typeof VALUES[Form] extends (value: unknown) => value is infer Type ? Type : never
  : Form extends readonly [infer Item] ? readonly Shaped<Item>[]
  : { readonly [Name in keyof Form]: Shaped<Form[Name]> };

const COMPARED_TOTALS = {
  requests: "a whole number of at least 0",
  failures: "a whole number of at least 0",
  errorRate: "a number of at least 0",
  rate: "a number of at least 0",
  latencyMs: {
    mean: "a number of at least 0, or null",
    p50: "a number of at least 0, or null",
    p95: "a number of at least 0, or null",
    p99: "a number of at least 0, or null",
  },
  histogram: "a histogram",
} as const;

const COMPARED_RUN = {
  runId: "a text",
  startedAt: "a text or null",
  mode: "local or distributed",
  durationSeconds: "a number of at least 0",
  complete: "true or false",
  users: { peak: "a whole number of at least 0" },
  totals: COMPARED_TOTALS,
  requests: [{ method: "a text", name: "a text", ...COMPARED_TOTALS }],
  timeline: [{
    second: "a second of a run",
    requests: "a whole number of at least 0",
    failures: "a whole number of at least 0",
    p50: "a number of at least 0, or null",
    p95: "a number of at least 0, or null",
    p99: "a number of at least 0, or null",
  }],
} as const satisfies ShapeOf<Summary>;

/** The part of a summary that a comparison reads. */
export type ComparedRun = Shaped<typeof COMPARED_RUN>;

/** Counts and latencies of one name, or of all names. */
export type ComparedTotals = ComparedRun["totals"];

/** Counts and latencies of one method and name. */
export type ComparedRequest = ComparedRun["requests"][number];

/** How to fix a file that is not a summary. */
export const SUMMARY_HINT = "Compare files that aiotest has written with --json.";

const SCHEMA = 1;

/**
 * Checks the parsed content of a summary file, as far as a comparison needs it.
 *
 * @param path the file, for messages.
 * @throws UsageError if it is not a summary, or one that cannot be compared.
 */
export function readSummary(content: unknown, path: string): ComparedRun {
  if (!isRecord(content) || !("schema" in content) || !("aiotest" in content)) {
    throw new UsageError(`${path} is not a summary of a run`, SUMMARY_HINT);
  }
  if (content.schema !== SCHEMA) {
    const schema = JSON.stringify(content.schema);
    throw new UsageError(
      `${path} has schema ${schema}, but this version of aiotest reads schema ${SCHEMA}`,
      "Compare runs of versions that write the same schema.",
    );
  }
  if ("maxRegression" in content) {
    throw new UsageError(`${path} is a comparison, not a summary of a run`, SUMMARY_HINT);
  }
  if (isRecord(content.totals) && !("histogram" in content.totals)) {
    throw new UsageError(
      `${path} was written by aiotest ${content.aiotest}, which did not write histograms`,
      "Repeat the run with a newer version.",
    );
  }
  const problem = problemOf(content, COMPARED_RUN, "");
  if (problem !== null) {
    throw new UsageError(`${path} is not a summary of a run: ${problem}`, SUMMARY_HINT);
  }
  return content as unknown as ComparedRun;
}

/** The first field that does not have its shape; `null` if all have. */
function problemOf(value: unknown, shape: Shape, place: string): string | null {
  if (typeof shape === "string") return VALUES[shape](value) ? null : `${place} must be ${shape}`;
  if (isList(shape)) {
    if (!Array.isArray(value)) return `${place} must be a list`;
    return firstProblem(
      value.entries(),
      ([at, item]) => problemOf(item, shape[0], `${place}[${at}]`),
    );
  }
  if (!isRecord(value)) return `${place} must be an object`;
  const prefix = place === "" ? "" : `${place}.`;
  return firstProblem(
    Object.entries(shape),
    ([name, part]) => problemOf(value[name], part, `${prefix}${name}`),
  );
}

function firstProblem<Item>(
  items: Iterable<Item>,
  find: (item: Item) => string | null,
): string | null {
  for (const item of items) {
    const problem = find(item);
    if (problem !== null) return problem;
  }
  return null;
}

function isList(shape: Exclude<Shape, ValueName>): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isHistogram(text: string): boolean {
  try {
    histogramOf(text);
    return true;
  } catch {
    return false;
  }
}
