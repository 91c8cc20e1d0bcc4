/**
 * Reads the summary of a run for `aiotest compare` and `aiotest report`, and checks that it has what they need.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import type { Annotation } from "../stats/annotations.ts";
import {
  type History,
  LATENCY_FIGURES,
  type LatencyFigure,
  type MetricType,
  type RunEnd,
  type Snapshot,
  type WorkerStatus,
} from "../stats/snapshot.ts";
import { histogramOf, type Summary, type SummaryLoad, type SummaryState } from "./summary.ts";

/** The longest run in seconds, about four months. It bounds the memory for a list of all seconds. */
const MAX_RUN_S = 1e7;

/** The values that are expected in a summary, by description, with their types. */
const VALUES = {
  "a string": (value: unknown): value is string => typeof value === "string",
  "a string or null": (value: unknown): value is string | null =>
    value === null || typeof value === "string",
  "local or distributed": (value: unknown): value is Snapshot["mode"] =>
    value === "local" || value === "distributed",
  "true or false": (value: unknown): value is boolean => typeof value === "boolean",
  "a number of at least 0": isAmount,
  "a number of at least 0, or null": isAmountOrNull,
  "a whole number of at least 0": isCount,
  "a second of a run": (value: unknown): value is number => isCount(value) && value < MAX_RUN_S,
  "a number": (value: unknown): value is number => typeof value === "number",
  "a number or null": (value: unknown): value is number | null =>
    value === null || typeof value === "number",
  "a type of metric": (value: unknown): value is MetricType =>
    METRIC_TYPES.includes(value as MetricType),
  "request, class or group": (value: unknown): value is History["kind"] =>
    value === "request" || value === "class" || value === "group",
  "1, 2, 3 or 4": (value: unknown): value is Schema => SCHEMAS.includes(value as Schema),
  "anything": (_value: unknown): _value is unknown => true,
  "running, finished or interrupted": (value: unknown): value is SummaryState =>
    value === "running" || value === "finished" || value === "interrupted",
  "closed, open or mixed": (value: unknown): value is SummaryLoad["model"] =>
    value === "closed" || value === "open" || value === "mixed",
  "a state of a worker": (value: unknown): value is WorkerStatus =>
    WORKER_STATES.includes(value as WorkerStatus),
  "stop or fail": (value: unknown): value is RunEnd["kind"] => value === "stop" || value === "fail",
  "note, threshold or worker": (value: unknown): value is Annotation["kind"] =>
    value === "note" || value === "threshold" || value === "worker",
  "a time": (value: unknown): value is string =>
    typeof value === "string" && Number.isFinite(Date.parse(value)),
  "counts by status": (value: unknown): value is Readonly<Record<string, number>> =>
    isRecord(value) && Object.keys(value).every((key) => /^(\d+|other)$/.test(key)) &&
    Object.values(value).every(isCount),
  "a list of latency figures": (value: unknown): value is readonly LatencyFigure[] =>
    Array.isArray(value) && value.every(isLatencyFigure),
  "texts by name": (value: unknown): value is Readonly<Record<string, string>> =>
    isRecord(value) && Object.values(value).every((text) => typeof text === "string"),
  "a histogram": (value: unknown): value is string =>
    typeof value === "string" && isHistogram(value),
  // Summaries of earlier versions do not have these.
  "a string, null or missing": (value: unknown): value is string | null | undefined =>
    value === undefined || value === null || typeof value === "string",
  "texts by name, or missing": (
    value: unknown,
  ): value is Readonly<Record<string, string>> | undefined =>
    value === undefined ||
    isRecord(value) && Object.values(value).every((text) => typeof text === "string"),
  "an object with a count, or missing": (
    value: unknown,
  ): value is { readonly count: number } | undefined =>
    value === undefined || isRecord(value) && isCount(value.count),
  "times by phase, or missing": (value: unknown): value is ReadPhases | undefined =>
    value === undefined || isRecord(value) && isPhase(value.connectMs) && isPhase(value.ttfbMs),
  "percentiles, null or missing": (
    value: unknown,
  ): value is ReadPercentiles | null | undefined =>
    value === undefined || value === null ||
    isRecord(value) && isAmountOrNull(value.p50) && isAmountOrNull(value.p95),
  "a list of figures, or missing": (
    value: unknown,
  ): value is readonly LatencyFigure[] | undefined =>
    value === undefined || Array.isArray(value) && value.every(isLatencyFigure),
} as const;

/**
 * The versions of the format. In 1, latencies were those of all requests; since 2, they are those of
 * successful ones. Since 3, there are classes, groups, metrics, checks and histories. Since 4, there is all that
 * other reports are made from.
 */
const SCHEMAS = [1, 2, 3, 4] as const;

const WORKER_STATES: readonly WorkerStatus[] = [
  ...["preparing", "ready", "spawning", "running", "stopping"] as const,
  ...["finished", "left", "lost"] as const,
];

const METRIC_TYPES: readonly MetricType[] = ["counter", "gauge", "rate", "trend"];

type Schema = typeof SCHEMAS[number];

/** What a comparison reads of the latencies of failures, in milliseconds. */
interface ReadPercentiles {
  readonly p50: number | null;
  readonly p95: number | null;
}

/** What a comparison reads of the phases of requests. */
interface ReadPhases {
  readonly connectMs: ReadTimes | null;
  readonly ttfbMs: ReadTimes | null;
}

/** Times in milliseconds. */
interface ReadTimes {
  readonly p50: number;
  readonly p95: number;
}

type ValueName = keyof typeof VALUES;

/** The expected form of a value: one of {@link VALUES}, a list, an object with some fields, or nothing. */
type Shape =
  | ValueName
  | readonly [Shape]
  | Optional<Shape>
  | Nullable<Shape>
  | { readonly [name: string]: Shape };

const OPTIONAL = Symbol("optional");
const NULLABLE = Symbol("nullable");

/** The form of a value that may be missing. */
interface Optional<Form> {
  readonly [OPTIONAL]: Form;
}

/** The form of a value that may be `null`. */
interface Nullable<Form> {
  readonly [NULLABLE]: Form;
}

/** A value that may be missing. */
export function optional<const Form extends Shape>(form: Form): Optional<Form> {
  return { [OPTIONAL]: form };
}

/** A value that may be `null`. */
export function nullable<const Form extends Shape>(form: Form): Nullable<Form> {
  return { [NULLABLE]: form };
}

/** The shapes of a type: all that exists of it may be named. */
type ShapeOf<Type> =
  | ValueName
  | Optional<ValueName | readonly [Shape]>
  | (Type extends readonly (infer Item)[] ? readonly [ShapeOf<Item>]
    : Type extends object ? { readonly [Name in keyof Type]?: ShapeOf<Type[Name]> }
    : never);

/** The type of the values of a shape. */
export type Shaped<Form> = Form extends ValueName
  ? typeof VALUES[Form] extends (value: unknown) => value is infer Type ? Type : never
  : Form extends Optional<infer Value> ? Shaped<Value> | undefined
  : Form extends Nullable<infer Value> ? Shaped<Value> | null
  : Form extends readonly [infer Item] ? readonly Shaped<Item>[]
  : { readonly [Name in keyof Form]: Shaped<Form[Name]> };

const COMPARED_LATENCIES = {
  mean: "a number of at least 0, or null",
  p50: "a number of at least 0, or null",
  p95: "a number of at least 0, or null",
  p99: "a number of at least 0, or null",
} as const;

const COMPARED_TOTALS = {
  requests: "a whole number of at least 0",
  failures: "a whole number of at least 0",
  unfinished: "an object with a count, or missing",
  errorRate: "a number of at least 0",
  rate: "a number of at least 0",
  latencyMs: COMPARED_LATENCIES,
  lowerBounds: "a list of figures, or missing",
  failureLatencyMs: "percentiles, null or missing",
  phases: "times by phase, or missing",
  histogram: "a histogram",
} as const;

const COMPARED_GROUP = {
  name: "a string",
  count: "a whole number of at least 0",
  failures: "a whole number of at least 0",
  unfinished: "an object with a count, or missing",
  errorRate: "a number of at least 0",
  durationMs: COMPARED_LATENCIES,
  lowerBounds: "a list of figures, or missing",
  failureDurationMs: "percentiles, null or missing",
  histogram: "a histogram",
} as const;

const COMPARED_CHECK = {
  name: "a string",
  passed: "a whole number of at least 0",
  failed: "a whole number of at least 0",
} as const;

/** The fields after the type and the name are those of some types. */
const COMPARED_METRIC = {
  type: "a type of metric",
  name: "a string",
  unit: optional("a string"),
  value: optional("a number"),
  perSecond: optional("a number"),
  rate: optional("a number"),
  total: optional("a whole number of at least 0"),
  count: optional("a whole number of at least 0"),
  figures: optional({
    mean: "a number or null",
    p50: "a number or null",
    p95: "a number or null",
    p99: "a number or null",
  }),
} as const;

const COMPARED_HISTORY = {
  kind: "request, class or group",
  name: "a string",
  stepSeconds: "a whole number of at least 0",
  seconds: ["a second of a run"],
  requests: ["a whole number of at least 0"],
  failures: ["a whole number of at least 0"],
  p50: ["a number of at least 0, or null"],
  p95: ["a number of at least 0, or null"],
  p99: ["a number of at least 0, or null"],
} as const;

const COMPARED_RUN = {
  schema: "1, 2, 3 or 4",
  state: optional("running, finished or interrupted"),
  runId: "a string",
  name: "a string, null or missing",
  labels: "texts by name, or missing",
  startedAt: "a string or null",
  mode: "local or distributed",
  durationSeconds: "a number of at least 0",
  complete: "true or false",
  users: { peak: "a whole number of at least 0" },
  totals: COMPARED_TOTALS,
  requests: [{ method: "a string", name: "a string", ...COMPARED_TOTALS }],
  classes: optional([{ name: "a string", totals: COMPARED_TOTALS }]),
  groups: optional([COMPARED_GROUP]),
  checks: optional([COMPARED_CHECK]),
  metrics: optional([COMPARED_METRIC]),
  histories: optional([COMPARED_HISTORY]),
  pauses: optional([{ from: "a number of at least 0", to: "a number of at least 0, or null" }]),
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

/**
 * The parsed text of a summary file, which is still to be checked.
 *
 * @param path the file, for messages.
 * @throws UsageError if it is not JSON.
 */
export function parseSummary(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser quotes the text around the error, including line breaks.
    const reason = (error as SyntaxError).message.replaceAll(/\s+/g, " ");
    throw new UsageError(`${path} is not valid JSON: ${reason}`, SUMMARY_HINT, error);
  }
}

/** How to fix a file that is not a summary. */
export const SUMMARY_HINT = "A summary is a file that aiotest has written with --json.";

/**
 * Checks the parsed content of a summary file, as far as a comparison needs it.
 *
 * @param path the file, for messages.
 * @throws UsageError if it is not a summary, or one that cannot be compared.
 */
export function readSummary(content: unknown, path: string): ComparedRun {
  return readShaped(content, COMPARED_RUN, path);
}

/**
 * Checks the parsed content of a summary file.
 *
 * @param shape what is needed of it.
 * @param path the file, for messages.
 * @throws UsageError if it is not a summary, or does not have the shape.
 */
export function readShaped<const Form extends Shape>(
  content: unknown,
  shape: Form,
  path: string,
): Shaped<Form> {
  if (!isRecord(content) || !("schema" in content) || !("aiotest" in content)) {
    throw new UsageError(`${path} is not a summary of a run`, SUMMARY_HINT);
  }
  if (!SCHEMAS.includes(content.schema as Schema)) {
    const schema = JSON.stringify(content.schema);
    throw new UsageError(
      `${path} has schema ${schema}, but this version of aiotest reads schemas ${SCHEMAS[0]} to ${
        SCHEMAS.at(-1)
      }`,
      "Use the newest version that wrote one of your summaries.",
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
  const problem = problemOf(content, shape, "");
  if (problem !== null) {
    throw new UsageError(`${path} is not a summary of a run: ${problem}`, SUMMARY_HINT);
  }
  return content as Shaped<Form>;
}

/** Whether a value has a shape. */
export function hasShape<const Form extends Shape>(
  value: unknown,
  shape: Form,
): value is Shaped<Form> {
  return problemOf(value, shape, "") === null;
}

/** The first field that does not have its shape; `null` if all have. */
function problemOf(value: unknown, shape: Shape, place: string): string | null {
  if (typeof shape === "string") return VALUES[shape](value) ? null : `${place} must be ${shape}`;
  if (isOptional(shape)) {
    return value === undefined ? null : problemOf(value, shape[OPTIONAL], place);
  }
  if (isNullable(shape)) {
    return value === null ? null : problemOf(value, shape[NULLABLE], place);
  }
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

function isOptional(shape: Exclude<Shape, ValueName>): shape is Optional<Shape> {
  return OPTIONAL in shape;
}

function isNullable(
  shape: Exclude<Shape, ValueName | Optional<Shape>>,
): shape is Nullable<Shape> {
  return NULLABLE in shape;
}

function isList(
  shape: Exclude<Shape, ValueName | Optional<Shape> | Nullable<Shape>>,
): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0;
}

function isAmountOrNull(value: unknown): value is number | null {
  return value === null || isAmount(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isLatencyFigure(value: unknown): value is LatencyFigure {
  return (LATENCY_FIGURES as readonly unknown[]).includes(value);
}

function isPhase(value: unknown): value is ReadTimes | null {
  return value === null || isRecord(value) && isAmount(value.p50) && isAmount(value.p95);
}

function isHistogram(text: string): boolean {
  try {
    histogramOf(text);
    return true;
  } catch {
    return false;
  }
}
