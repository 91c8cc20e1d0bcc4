/**
 * What a list of runs shows of each: its name, when it ran, its verdict, and the figures of all requests.
 *
 * @module
 */

import { ExitCode } from "../core/errors.ts";
import type { LatencyFigure } from "../stats/snapshot.ts";
import type { SummaryState } from "./summary.ts";
import { hasShape, nullable, optional, readShaped } from "./summary_reader.ts";

/** The facts of a run, as its summary has them. Latencies are in milliseconds. */
export interface RunHead {
  readonly runId: string;
  /** `null` if the run was given none. */
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** The test file, as given on the command line; empty if an earlier version wrote the summary. */
  readonly test: string;
  /** In ISO 8601. */
  readonly startedAt: string | null;
  readonly durationSeconds: number;
  readonly mode: "local" | "distributed";
  readonly state: SummaryState;
  /** `null` if the run was still going when the summary was written. */
  readonly exitCode: number | null;
  readonly peakUsers: number;
  readonly requests: number;
  readonly failures: number;
  readonly errorRate: number;
  /** Requests per second. */
  readonly rate: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** The latencies that are lower bounds, because of requests without an answer. */
  readonly lowerBounds: readonly LatencyFigure[];
}

const AMOUNT_OR_NULL = "a number of at least 0, or null";
const COUNT = "a whole number of at least 0";

// What is optional is missing in summaries of earlier versions.
const HEAD = {
  state: optional("running, finished or interrupted"),
  runId: "a string",
  name: optional("a string or null"),
  labels: optional("texts by name"),
  startedAt: nullable("a time"),
  durationSeconds: "a number of at least 0",
  mode: "local or distributed",
  users: { peak: COUNT },
  totals: {
    requests: COUNT,
    failures: COUNT,
    errorRate: "a number of at least 0",
    rate: "a number of at least 0",
    latencyMs: { p50: AMOUNT_OR_NULL, p95: AMOUNT_OR_NULL, p99: AMOUNT_OR_NULL },
    lowerBounds: optional("a list of latency figures"),
  },
  exitCode: nullable(COUNT),
  metadata: optional({ test: "a string" }),
} as const;

/**
 * The facts of a run, from the parsed content of its summary.
 *
 * @param path the file, for messages.
 * @throws UsageError if it is not a summary, or of a version that cannot be read.
 */
export function runHead(content: unknown, path: string): RunHead {
  const { users, totals, metadata, ...run } = readShaped(content, HEAD, path);
  const { p50, p95, p99 } = totals.latencyMs;
  return {
    runId: run.runId,
    name: run.name ?? null,
    labels: run.labels ?? {},
    test: metadata?.test ?? "",
    startedAt: run.startedAt,
    durationSeconds: run.durationSeconds,
    mode: run.mode,
    state: run.state ?? "finished",
    exitCode: run.exitCode,
    peakUsers: users.peak,
    requests: totals.requests,
    failures: totals.failures,
    errorRate: totals.errorRate,
    rate: totals.rate,
    ...{ p50, p95, p99 },
    lowerBounds: totals.lowerBounds ?? [],
  };
}

const KEPT_HEAD = {
  runId: "a string",
  name: "a string or null",
  labels: "texts by name",
  test: "a string",
  startedAt: nullable("a time"),
  durationSeconds: "a number of at least 0",
  mode: "local or distributed",
  state: "running, finished or interrupted",
  exitCode: nullable(COUNT),
  peakUsers: COUNT,
  requests: COUNT,
  failures: COUNT,
  errorRate: "a number of at least 0",
  rate: "a number of at least 0",
  p50: AMOUNT_OR_NULL,
  p95: AMOUNT_OR_NULL,
  p99: AMOUNT_OR_NULL,
  lowerBounds: "a list of latency figures",
} as const;

/** Whether a value is the facts of a run, as {@link runHead} returns them. */
export function isRunHead(value: unknown): value is RunHead {
  return hasShape(value, KEPT_HEAD);
}

/**
 * The verdict on a run of a list. `interrupted`: it ended without a result, because its process was killed;
 * `unreadable`: its summary cannot be read.
 */
export type RunVerdict =
  | "passed"
  | "failed"
  | "nothing measured"
  | "running"
  | "interrupted"
  | "unreadable";

/**
 * The verdict on a run.
 *
 * @param isGoing whether the process that runs it still does.
 */
export function verdictOf(
  { state, exitCode, requests }: Pick<RunHead, "state" | "exitCode" | "requests">,
  isGoing: boolean,
): RunVerdict {
  if (state === "running" || exitCode === null) return isGoing ? "running" : "interrupted";
  if (exitCode !== ExitCode.passed) return "failed";
  return requests === 0 ? "nothing measured" : "passed";
}
