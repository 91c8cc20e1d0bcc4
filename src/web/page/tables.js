// @ts-check
/// <reference lib="dom" />
/**
 * The tables of a run, for the dashboard and for reports.
 *
 * @module
 */

import {
  formatAge,
  formatBound,
  formatBytes,
  formatExact,
  formatLatency,
  formatMilliseconds,
  formatNumber,
  formatRate,
  formatShare,
  LOWER_BOUND_HINT,
  NO_NUMBER,
} from "./format.js";
import { DataTable } from "./table.js";

/** @typedef {import("../../report/summary.ts").SummaryPart & { readonly inProgress?: UnansweredSummary, readonly bytesReceived?: number }} TotalsLine */
/** @typedef {TotalsLine & { readonly method: string, readonly name: string, readonly tags: import("../../report/summary.ts").CompactRequest["tags"], readonly parent?: RequestLine }} RequestLine */
/** @typedef {import("../live_view.ts").LiveClass} LiveClass */
/** @typedef {import("../live_view.ts").LiveView["groups"][number]} GroupLine */
/** @typedef {import("../../stats/snapshot.ts").MetricRow} MetricLine */
/** @typedef {import("../../stats/snapshot.ts").CheckRow} CheckLine */
/** @typedef {LiveView["tracedRequests"][number]} TracedLine */
/** @typedef {import("../../stats/snapshot.ts").FailureRow} FailureLine */
/** @typedef {import("../../stats/snapshot.ts").UserErrorRow} UserErrorLine */
/** @typedef {import("../live_view.ts").LiveThreshold} ThresholdLine */
/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {import("../live_view.ts").LiveWorker} LiveWorker */
/** @typedef {import("../../stats/snapshot.ts").LatencyFigure} LatencyFigure */
/** @typedef {import("../../stats/snapshot.ts").LatencySummary} LatencySummary */
/** @typedef {import("../../stats/snapshot.ts").UnansweredSummary} UnansweredSummary */
/**
 * @template Row
 * @typedef {import("./table.js").Column<Row>} Column
 */

/**
 * Requests by name. Its last row is {@link totalLine}. A name whose requests have tags can be opened, and then
 * shows them by their tags.
 *
 * @param {{ readonly isLive: boolean }} options Only a live table shows what is in progress.
 * @returns {DataTable<RequestLine>}
 */
export function requestsTable({ isLive }) {
  return new DataTable({
    id: "requests-title",
    title: "Requests",
    note: "response times of successful requests in ms",
    columns: [
      { title: "Name", kind: "text", text: ({ name }) => name },
      { title: "Type", kind: "label", text: ({ method }) => method },
      ...totalsColumns({ isLive }),
    ],
    keyOf: requestKey,
    partsOf: tagLines,
    partsHint: "Show the requests of this name by their tags",
    empty: "No requests have completed.",
    filterLabel: "Filter requests",
    stackedBelow: 1160,
  });
}

/**
 * The key of a row in {@link requestsTable}.
 *
 * @param {RequestLine} line
 * @returns {string}
 */
function requestKey({ method, name, parent }) {
  return parent === undefined
    ? JSON.stringify([method, name])
    : JSON.stringify([parent.method, parent.name, name]);
}

/**
 * The rows below the row of a name: its requests by their tags.
 *
 * @param {RequestLine} row
 * @returns {readonly RequestLine[]}
 */
export function tagLines(row) {
  return row.tags.map((part) => ({
    ...part,
    method: "",
    name: part.tags,
    tags: [],
    parent: row,
  }));
}

/**
 * The row that sums up all requests.
 *
 * @param {Pick<LiveView, "totals" | "live">} view
 * @returns {RequestLine}
 */
export function totalLine({ totals, live }) {
  return { method: "", name: "All requests", tags: [], ...totals, inProgress: live.inProgress };
}

/**
 * The columns of counts and latencies.
 *
 * @template {TotalsLine} Row
 * @param {{ readonly isLive: boolean }} options As in {@link requestsTable}.
 * @returns {Column<Row>[]}
 */
function totalsColumns({ isLive }) {
  return [
    { ...count("Requests", ({ requests }) => requests), isLead: true },
    ...failureColumns(),
    {
      title: "Unfinished",
      kind: "number",
      text: ({ unfinished }) => unansweredText(unfinished),
      value: ({ unfinished }) => unfinished.count,
      tone: ({ unfinished }) => unfinished.count > 0 ? "bad" : null,
      hint: "Requests that were cut off without an answer, and the longest that one had waited",
      isUseful: ({ unfinished }) => unfinished.count > 0,
    },
    ...(isLive ? [inProgress] : []),
    {
      title: "Req/s",
      kind: "number",
      text: ({ rate }) => formatRate(rate),
      value: ({ rate }) => rate,
      hint: "Requests per second over the whole run",
    },
    ...latencyColumns((/** @type {Row} */ { latencyMs, lowerBounds }) => ({
      times: latencyMs,
      lowerBounds,
    })),
    {
      title: "Received",
      kind: "number",
      text: ({ bytesReceived }) => bytesReceived === undefined ? "" : formatBytes(bytesReceived),
      value: ({ bytesReceived }) => bytesReceived ?? null,
      hint: "Bytes of response bodies",
    },
    ...failedTimes((/** @type {Row} */ { failureLatencyMs }) => failureLatencyMs, FAILED_REQUESTS),
  ];
}

/**
 * How many failed, as a number and as a share.
 *
 * @template {{ readonly failures: number, readonly errorRate: number }} Row
 * @param {string} [hint]
 * @returns {Column<Row>[]}
 */
function failureColumns(hint = "Share of requests that failed") {
  /** @type {Column<Row>["tone"]} */
  const tone = ({ failures }) => failures > 0 ? "bad" : null;
  return [
    { ...count("Failures", ({ failures }) => failures), isLead: true, tone },
    {
      title: "Fail %",
      kind: "number",
      text: ({ errorRate }) => formatShare(errorRate),
      value: ({ errorRate }) => errorRate,
      tone,
      hint,
    },
  ];
}

/** @type {readonly ("p50" | "p95" | "max")[]} */
const FAILURE_FIGURES = ["p50", "p95", "max"];

const FAILED_REQUESTS = "How long failed requests took";

/**
 * How long those took that failed, if some did.
 *
 * @template Row
 * @param {(row: Row) => LatencySummary | null} timesOf
 * @param {string} hint
 * @returns {Column<Row>[]}
 */
function failedTimes(timesOf, hint) {
  return FAILURE_FIGURES.map((figure) => ({
    title: `Failed ${figure}`,
    kind: "number",
    text: (row) => formatLatency(timesOf(row)?.[figure] ?? null),
    value: (row) => timesOf(row)?.[figure] ?? null,
    hint,
    isUseful: (row) => timesOf(row) !== null,
  }));
}

/** @type {Column<TotalsLine>} */
const inProgress = {
  title: "In progress",
  kind: "number",
  text: ({ inProgress }) => inProgress === undefined ? "" : unansweredText(inProgress),
  value: ({ inProgress }) => inProgress?.count ?? null,
  hint: "Requests in progress, and the longest that one has waited",
};

/**
 * How many requests have no answer, and the highest of their ages: `50, 11.0 s`.
 *
 * @param {UnansweredSummary} unanswered
 * @returns {string}
 */
function unansweredText({ count, oldestMs }) {
  return oldestMs === null ? formatExact(count) : `${formatExact(count)}, ${formatAge(oldestMs)}`;
}

/**
 * User classes.
 *
 * @param {{ readonly isLive: boolean }} options Whether the run is in progress.
 * @returns {DataTable<ClassLine>}
 */
export function classesTable({ isLive }) {
  return new DataTable({
    id: "classes-title",
    title: "User classes",
    note: "response times of successful requests in ms",
    columns: [
      { title: "Class", kind: "text", text: ({ name }) => name },
      {
        title: "Load",
        kind: "label",
        text: ({ loadText }) => loadText ?? "by weight",
        hint: isLive
          ? "What the load of the class says now"
          : "What the load of the class said at the end",
        isUseful: ({ loadText }) => loadText !== null,
      },
      isLive
        ? count("Users", ({ users }) => users)
        : count("Peak users", ({ peakUsers }) => peakUsers),
      { ...count("Iterations", ({ completed }) => completed), hint: "Iterations completed" },
      {
        ...count("Dropped", ({ iterations }) => iterations?.dropped ?? 0),
        hint: "Iterations that were due and did not start",
        tone: ({ iterations }) => (iterations?.dropped ?? 0) > 0 ? "bad" : null,
        isUseful: ({ iterations }) => (iterations?.dropped ?? 0) > 0,
      },
      ...totalsColumns({ isLive: false }),
    ],
    keyOf: ({ name }) => name,
    empty: "",
    filterLabel: "Filter user classes",
    hiddenWhenEmpty: true,
    stackedBelow: 1260,
  });
}

/** @typedef {Omit<LiveClass, "totals"> & TotalsLine} ClassLine */

/**
 * The rows of {@link classesTable}. None if a run has only one class, which shares the load of the run: the
 * totals say the same.
 *
 * @param {{ readonly classes: readonly LiveClass[] }} view
 * @returns {readonly ClassLine[]}
 */
export function classLines({ classes }) {
  if (classes.length < 2 && classes.every(({ loadText }) => loadText === null)) return [];
  return classes.map(({ totals, ...row }) => ({ ...totals, ...row }));
}

/**
 * Groups of steps.
 *
 * @returns {DataTable<GroupLine>}
 */
export function groupsTable() {
  return new DataTable({
    id: "groups-title",
    title: "Groups",
    note: "durations of successful groups in ms",
    columns: [
      { title: "Group", kind: "text", text: ({ name }) => name },
      { ...count("Count", ({ count }) => count), isLead: true, hint: "Groups that ended" },
      ...failureColumns("Share of groups that threw, or in which a request failed"),
      {
        title: "Unfinished",
        kind: "number",
        text: ({ unfinished }) => unansweredText(unfinished),
        value: ({ unfinished }) => unfinished.count,
        tone: ({ unfinished }) => unfinished.count > 0 ? "bad" : null,
        hint: "Groups that were cut off with their users, and the longest that one had taken",
        isUseful: ({ unfinished }) => unfinished.count > 0,
      },
      ...latencyColumns((/** @type {GroupLine} */ { durationMs, lowerBounds }) => ({
        times: durationMs,
        lowerBounds,
      })),
      ...REQUEST_FIGURES.map((figure) => requestsColumn(figure)),
      ...failedTimes(
        (/** @type {GroupLine} */ { failureDurationMs }) => failureDurationMs,
        "How long failed groups took",
      ),
    ],
    keyOf: ({ name }) => name,
    empty: "",
    filterLabel: "Filter groups",
    hiddenWhenEmpty: true,
    stackedBelow: 1260,
  });
}

/** @type {readonly ("p50" | "p95")[]} */
const REQUEST_FIGURES = ["p50", "p95"];

/**
 * @param {typeof REQUEST_FIGURES[number]} figure
 * @returns {Column<GroupLine>}
 */
function requestsColumn(figure) {
  return {
    title: `Requests ${figure}`,
    kind: "number",
    text: ({ requestsMs }) => formatLatency(requestsMs[figure]),
    value: ({ requestsMs }) => requestsMs[figure],
    hint: "The time of each successful group that was spent in requests",
    isUseful: ({ requestsMs }) => requestsMs[figure] !== null,
  };
}

/**
 * Checks that do not fail their requests.
 *
 * @returns {DataTable<CheckLine>}
 */
export function checksTable() {
  return new DataTable({
    id: "checks-title",
    title: "Checks",
    columns: [
      { title: "Check", kind: "text", text: ({ name }) => name },
      { ...count("Passed", ({ passed }) => passed), isLead: true },
      {
        ...count("Failed", ({ failed }) => failed),
        isLead: true,
        tone: ({ failed }) => failed > 0 ? "bad" : null,
      },
      {
        title: "Share",
        kind: "number",
        isLead: true,
        text: ({ passed, failed, rate }) => passed + failed === 0 ? NO_NUMBER : formatShare(rate),
        value: ({ rate }) => rate,
        share: ({ passed, failed, rate }) => passed + failed === 0 ? null : rate,
        hint: "Share of checks that passed",
      },
    ],
    keyOf: ({ name }) => name,
    empty: "",
    filterLabel: "Filter checks",
    hiddenWhenEmpty: true,
    stackedBelow: 480,
  });
}

/**
 * The slowest requests that have a trace.
 *
 * @returns {DataTable<TracedLine>}
 */
export function tracedTable() {
  return new DataTable({
    id: "traced-title",
    title: "Slowest requests with a trace",
    columns: [
      { title: "Method", kind: "text", text: ({ method }) => method },
      { title: "Name", kind: "text", text: ({ name }) => name },
      {
        title: "Latency",
        kind: "number",
        isLead: true,
        text: ({ latencyMs }) => formatLatency(latencyMs),
        value: ({ latencyMs }) => latencyMs,
      },
      {
        title: "Status",
        kind: "number",
        text: ({ status }) => status === 0 ? NO_NUMBER : String(status),
        value: ({ status }) => status,
        hint: "None without a response",
      },
      { title: "Started", kind: "text", text: ({ startedAt }) => startedAt, hint: "In UTC" },
      { title: "Trace", kind: "text", isLead: true, text: ({ traceId }) => traceId },
    ],
    keyOf: ({ method, name, traceId, latencyMs, startedAt }) =>
      [method, name, traceId, latencyMs, startedAt].join("\n"),
    empty: "",
    filterLabel: "Filter traces",
    hiddenWhenEmpty: true,
    stackedBelow: 900,
  });
}

/**
 * Metrics of the test file. Each kind has columns of its own.
 *
 * @returns {DataTable<MetricLine>}
 */
export function metricsTable() {
  return new DataTable({
    id: "metrics-title",
    title: "Metrics",
    note: "of the test file",
    columns: [
      { title: "Metric", kind: "text", text: ({ name }) => name },
      {
        title: "Kind",
        kind: "label",
        text: (row) => row.type === "trend" && row.unit !== "" ? `trend, ${row.unit}` : row.type,
      },
      {
        title: "Value",
        kind: "number",
        isLead: true,
        text: metricText,
        value: metricValue,
        hint: "The sum of a counter, the latest value of a gauge, the share of a rate",
        isUseful: (row) => row.type !== "trend",
      },
      {
        title: "Count",
        kind: "number",
        isLead: true,
        text: (row) => {
          if (row.type === "trend") return formatExact(row.count);
          return row.type === "rate" ? `${formatExact(row.hits)} of ${formatExact(row.total)}` : "";
        },
        value: (row) => row.type === "trend" ? row.count : row.type === "rate" ? row.total : null,
        hint: "How many values a trend has, and how many of a rate were so",
        isUseful: (row) => row.type === "trend" || row.type === "rate",
      },
      {
        title: "Per second",
        kind: "number",
        text: (row) => row.type === "counter" ? formatNumber(row.perSecond) : "",
        value: (row) => row.type === "counter" ? row.perSecond : null,
        hint: "Of a counter, over the whole run",
        isUseful: (row) => row.type === "counter",
      },
      ...LATENCY_COLUMNS.map(([title, figure]) => metricColumn(title, figure)),
    ],
    keyOf: ({ name }) => name,
    empty: "",
    filterLabel: "Filter metrics",
    hiddenWhenEmpty: true,
    stackedBelow: 960,
  });
}

/**
 * @param {MetricLine} row
 * @returns {string}
 */
function metricText(row) {
  if (row.type === "trend") return "";
  if (row.type !== "rate") return formatNumber(row.value);
  return row.total === 0 ? NO_NUMBER : formatShare(row.rate);
}

/**
 * @param {MetricLine} row
 * @returns {number | null}
 */
function metricValue(row) {
  if (row.type === "trend") return null;
  return row.type === "rate" ? row.rate : row.value;
}

/**
 * A column of a trend. A gauge, too, has a minimum and a maximum.
 *
 * @param {string} title
 * @param {LatencyFigure} figure
 * @returns {Column<MetricLine>}
 */
function metricColumn(title, figure) {
  const value = (/** @type {MetricLine} */ row) => {
    if (row.type === "trend") return row.figures[figure];
    return row.type === "gauge" && (figure === "min" || figure === "max") ? row[figure] : null;
  };
  return {
    title,
    kind: "number",
    isLead: LEAD_FIGURES.includes(figure),
    text: (row) => {
      const shown = value(row);
      return shown === null ? "" : formatNumber(shown);
    },
    value,
    isUseful: (row) => value(row) !== null,
  };
}

/**
 * Failures by name and error. One with examples can be opened.
 *
 * @param {import("./failure_samples.js").FailureSamples} samples
 * @returns {DataTable<FailureLine>}
 */
export function failuresTable(samples) {
  return new DataTable({
    id: "failures-title",
    title: "Failures",
    columns: [
      { title: "Error", kind: "text", text: ({ error }) => error, tone: () => "bad" },
      { title: "Type", kind: "label", text: ({ method }) => method },
      { title: "Name", kind: "text", text: ({ name }) => name },
      count("Count", ({ count }) => count),
    ],
    keyOf: ({ method, name, error }) => JSON.stringify([method, name, error]),
    details: { has: (row) => samples.has(row), of: (row) => samples.listOf(row) },
    partsHint: "Show what was sent and what came back",
    empty: "No requests have failed.",
    filterLabel: "Filter failures",
    stackedBelow: 480,
    order: { column: 3, descending: true },
  });
}

/**
 * Errors thrown by user code.
 *
 * @returns {DataTable<UserErrorLine>}
 */
export function userErrorsTable() {
  return new DataTable({
    id: "user-errors-title",
    title: "User errors",
    note: "thrown by the test code",
    columns: [
      { title: "Error", kind: "text", text: ({ error }) => error, tone: () => "bad" },
      { title: "User", kind: "text", text: ({ user }) => user },
      { title: "Place", kind: "text", text: ({ place }) => place ?? "" },
      count("Count", ({ count }) => count),
    ],
    keyOf: ({ user, error, place }) => JSON.stringify([user, error, place]),
    empty: "No errors have been thrown.",
    filterLabel: "Filter user errors",
    stackedBelow: 480,
    order: { column: 3, descending: true },
  });
}

/**
 * Workers of a run in progress. Each can be opened.
 *
 * @param {import("./worker_details.js").WorkerDetails} details
 * @returns {DataTable<LiveWorker>}
 */
export function workersTable(details) {
  return new DataTable({
    id: "workers-title",
    title: "Workers",
    columns: [
      { title: "Worker", kind: "text", text: ({ id }) => id },
      { title: "Host", kind: "label", text: ({ host }) => host },
      workerState,
      count("Users", ({ users }) => users),
      {
        title: "Req/s",
        kind: "number",
        text: ({ rate }) => formatRate(rate),
        value: ({ rate }) => rate,
        hint: "Requests completed in the last second",
      },
      cpuShare("CPU", "cpu", "Share of one core in the last second"),
      cpuShare("CPU peak", "cpuPeak", "Peak share of one core"),
      {
        title: "Lag",
        kind: "number",
        text: ({ lagMs }) => formatMilliseconds(lagMs),
        value: ({ lagMs }) => lagMs,
        tone: ({ strained }) => strained.includes("lagMs") ? "warning" : null,
        hint: "Delay of the event loop, 99th percentile",
      },
      sockets,
      count("Requests", ({ requests }) => requests),
    ],
    keyOf: ({ id }) => id,
    details: { has: ({ id }) => details.has(id), of: (worker) => details.of(worker) },
    partsHint: "Show the log of this worker, and stop it",
    empty: "No workers have joined.",
    filterLabel: "Filter workers",
    stackedBelow: 800,
  });
}

/**
 * Workers of a run that has ended.
 *
 * @returns {DataTable<LiveWorker>}
 */
export function finishedWorkersTable() {
  return new DataTable({
    id: "workers-title",
    title: "Workers",
    columns: [
      { title: "Worker", kind: "text", text: ({ id }) => id },
      { title: "Host", kind: "label", text: ({ host }) => host },
      workerState,
      count("Peak users", ({ peakUsers }) => peakUsers),
      cpuShare("CPU peak", "cpuPeak", "Peak share of one core"),
      sockets,
      count("Requests", ({ requests }) => requests),
    ],
    keyOf: ({ id }) => id,
    empty: "No workers have joined.",
    filterLabel: "Filter workers",
    stackedBelow: 800,
  });
}

/**
 * Thresholds and their results. Hidden if there are none.
 *
 * @returns {DataTable<ThresholdLine>}
 */
export function thresholdsTable() {
  return new DataTable({
    id: "thresholds-title",
    title: "Thresholds",
    columns: [
      { title: "Threshold", kind: "text", text: ({ expression }) => expression },
      {
        title: "Result",
        kind: "label",
        text: ({ passed }) => passed === null ? "· not judged" : passed ? "✓ passed" : "✗ crossed",
        value: ({ passed }) => Number(passed),
        tone: ({ passed }) => passed === null ? "quiet" : passed ? "good" : "bad",
      },
      {
        title: "Observed",
        kind: "number",
        text: ({ observedText }) => observedText,
        value: ({ observed }) => observed,
      },
    ],
    keyOf: ({ expression }) => expression,
    empty: "",
    hiddenWhenEmpty: true,
  });
}

/**
 * Service times or start delays of iterations.
 *
 * @typedef {BoundedTimes & { readonly title: string }} IterationTimes
 */

/**
 * Times, and which of them are lower bounds.
 *
 * @typedef {object} BoundedTimes
 * @property {LatencySummary} times
 * @property {readonly LatencyFigure[]} lowerBounds
 */

/**
 * How long iterations took, and how late they started. Hidden if iterations are not counted.
 *
 * @returns {DataTable<IterationTimes>}
 */
export function iterationsTable() {
  return new DataTable({
    id: "iterations-title",
    title: "Iterations",
    note: "times in ms",
    columns: [
      { title: "Time", kind: "label", text: ({ title }) => title },
      ...latencyColumns((/** @type {IterationTimes} */ row) => row),
    ],
    keyOf: ({ title }) => title,
    empty: "",
    hiddenWhenEmpty: true,
    stackedBelow: 640,
  });
}

/**
 * The rows of {@link iterationsTable}.
 *
 * @param {Pick<LiveView, "iterations" | "live">} view
 * @returns {readonly IterationTimes[]}
 */
export function iterationRows({ iterations, live }) {
  if (iterations === null) return [];
  const { serviceTimeMs, startDelayMs, lowerBounds } = iterations;
  const rows = [{ title: "Service time", times: serviceTimeMs, lowerBounds }];
  // Only the open model schedules iterations, so only there can they be late.
  return live.model !== "closed"
    ? [...rows, { title: "Start delay", times: startDelayMs, lowerBounds: [] }]
    : rows;
}

/**
 * @template Row
 * @param {string} title
 * @param {(row: Row) => number} value
 * @returns {Column<Row>}
 */
function count(title, value) {
  return { title, kind: "number", text: (row) => formatExact(value(row)), value };
}

/**
 * @param {string} title
 * @param {"cpu" | "cpuPeak"} field
 * @param {string} hint
 * @returns {Column<LiveWorker>}
 */
function cpuShare(title, field, hint) {
  return {
    title,
    kind: "number",
    // May exceed 100%, since other threads of the process count too.
    text: (worker) => `${Math.round(worker[field] * 100)}%`,
    value: (worker) => worker[field],
    tone: ({ strained }) => strained.includes(field) ? "warning" : null,
    hint,
  };
}

/** @type {Column<LiveWorker>} */
const sockets = {
  title: "Sockets",
  // Aligned like the numbers beside it.
  kind: "number",
  text: ({ sockets }) => sockets ?? "",
  value: ({ sockets }) => sockets,
  hint: "How plain connections are implemented",
  isUseful: ({ sockets }) => sockets !== null,
};

/** @type {Column<LiveWorker>} */
const workerState = {
  title: "State",
  kind: "text",
  text: ({ state, incomplete }) => incomplete ? `${state}, counts incomplete` : state,
  tone: ({ state, incomplete }) => state === "lost" || incomplete ? "bad" : null,
};

/**
 * @template Row
 * @param {(row: Row) => BoundedTimes} timesOf
 * @returns {Column<Row>[]}
 */
function latencyColumns(timesOf) {
  return LATENCY_COLUMNS.map(([title, figure]) => {
    const isBound = (/** @type {Row} */ row) => timesOf(row).lowerBounds.includes(figure);
    return {
      title,
      kind: "number",
      isLead: LEAD_FIGURES.includes(figure),
      text: (row) => formatBound(formatLatency(timesOf(row).times[figure]), isBound(row)),
      value: (row) => timesOf(row).times[figure],
      cellHint: (row) => isBound(row) ? LOWER_BOUND_HINT : null,
    };
  });
}

/** @type {readonly LatencyFigure[]} */
const LEAD_FIGURES = ["p50", "p95", "p99"];

/** @type {readonly (readonly [title: string, figure: LatencyFigure])[]} */
const LATENCY_COLUMNS = [
  ["Mean", "mean"],
  ["Min", "min"],
  ["p50", "p50"],
  ["p90", "p90"],
  ["p95", "p95"],
  ["p99", "p99"],
  ["p99.9", "p999"],
  ["Max", "max"],
];
