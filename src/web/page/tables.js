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
  formatRate,
  formatShare,
  LOWER_BOUND_HINT,
} from "./format.js";
import { DataTable } from "./table.js";

/** @typedef {Omit<import("../../report/summary.ts").CompactRequest, "statuses" | "retries" | "bytesSent">} RequestLine */
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
 * Requests by name. Its last row is {@link totalLine}.
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
      { ...count("Requests", ({ requests }) => requests), isLead: true },
      {
        ...count("Failures", ({ failures }) => failures),
        isLead: true,
        tone: ({ failures }) => failures > 0 ? "bad" : null,
      },
      {
        title: "Fail %",
        kind: "number",
        text: ({ errorRate }) => formatShare(errorRate),
        value: ({ errorRate }) => errorRate,
        tone: ({ failures }) => failures > 0 ? "bad" : null,
        hint: "Share of requests that failed",
      },
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
      ...latencyColumns((/** @type {RequestLine} */ { latencyMs, lowerBounds }) => ({
        times: latencyMs,
        lowerBounds,
      })),
      {
        title: "Received",
        kind: "number",
        text: ({ bytesReceived }) => formatBytes(bytesReceived),
        value: ({ bytesReceived }) => bytesReceived,
        hint: "Bytes of response bodies",
      },
      ...FAILURE_FIGURES.map(failureColumn),
    ],
    keyOf: ({ method, name }) => JSON.stringify([method, name]),
    empty: "No requests have completed.",
    filterLabel: "Filter requests",
    stackedBelow: 1160,
  });
}

/**
 * The row that sums up all requests.
 *
 * @param {Pick<LiveView, "totals" | "live">} view
 * @returns {RequestLine}
 */
export function totalLine({ totals, live }) {
  return { method: "", name: "All requests", ...totals, tags: [], inProgress: live.inProgress };
}

/** @type {readonly ("p50" | "p95" | "max")[]} */
const FAILURE_FIGURES = ["p50", "p95", "max"];

/**
 * @param {"p50" | "p95" | "max"} figure
 * @returns {Column<RequestLine>}
 */
function failureColumn(figure) {
  return {
    title: `Failed ${figure}`,
    kind: "number",
    text: ({ failureLatencyMs }) => formatLatency(failureLatencyMs?.[figure] ?? null),
    value: ({ failureLatencyMs }) => failureLatencyMs?.[figure] ?? null,
    hint: "How long failed requests took",
    isUseful: ({ failureLatencyMs }) => failureLatencyMs !== null,
  };
}

/** @type {Column<RequestLine>} */
const inProgress = {
  title: "In progress",
  kind: "number",
  text: ({ inProgress }) => unansweredText(inProgress),
  value: ({ inProgress }) => inProgress.count,
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
 * Failures by name and error.
 *
 * @returns {DataTable<FailureLine>}
 */
export function failuresTable() {
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
 * Workers of a run in progress.
 *
 * @returns {DataTable<LiveWorker>}
 */
export function workersTable() {
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
        text: ({ passed }) => passed ? "✓ passed" : "✗ crossed",
        value: ({ passed }) => Number(passed),
        tone: ({ passed }) => passed ? "good" : "bad",
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
  return live.model === "open"
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
