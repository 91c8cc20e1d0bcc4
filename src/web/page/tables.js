// @ts-check
/// <reference lib="dom" />
/**
 * The tables of a run, from plain data: those of a dashboard, and of a report after the run.
 *
 * @module
 */

import {
  formatBytes,
  formatExact,
  formatLatency,
  formatMilliseconds,
  formatRate,
  formatShare,
} from "./format.js";
import { observedText } from "./observed_text.js";
import { DataTable } from "./table.js";

/** @typedef {import("../../report/summary.ts").CompactRequest} RequestLine */
/** @typedef {import("../../report/summary.ts").CompactTotals} TotalsLine */
/** @typedef {import("../../stats/snapshot.ts").FailureRow} FailureLine */
/** @typedef {import("../../stats/snapshot.ts").UserErrorRow} UserErrorLine */
/** @typedef {import("../../stats/snapshot.ts").ThresholdRow} ThresholdLine */
/** @typedef {import("../../report/summary.ts").SummaryWorker} SummaryWorker */
/** @typedef {import("../../stats/snapshot.ts").WorkerRow} LiveWorker */
/**
 * @template Row
 * @typedef {import("./row_order.js").Column<Row>} Column
 */

/** From this share of a core on, a worker may be too busy to measure well. */
const BUSY_CPU = 0.9;

/** From this lag in milliseconds on, a worker may see responses later than they come. */
const LATE_MS = 50;

/**
 * Requests by name. As its last line it takes {@link totalLine}.
 *
 * @returns {DataTable<RequestLine>}
 */
export function requestsTable() {
  return new DataTable({
    id: "requests-title",
    title: "Requests",
    note: "response times in ms",
    columns: [
      { title: "Name", kind: "text", text: ({ name }) => name },
      { title: "Type", kind: "label", text: ({ method }) => method },
      count("Requests", ({ requests }) => requests),
      {
        ...count("Failures", ({ failures }) => failures),
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
        title: "Req/s",
        kind: "number",
        text: ({ rate }) => formatRate(rate),
        value: ({ rate }) => rate,
        hint: "Requests a second over the whole run",
      },
      latency("Mean", "mean"),
      latency("Min", "min"),
      latency("p50", "p50"),
      latency("p90", "p90"),
      latency("p95", "p95"),
      latency("p99", "p99"),
      latency("p99.9", "p999"),
      latency("Max", "max"),
      {
        title: "Received",
        kind: "number",
        text: ({ bytesReceived }) => formatBytes(bytesReceived),
        value: ({ bytesReceived }) => bytesReceived,
        hint: "Bytes of response bodies",
      },
    ],
    keyOf: ({ method, name }) => JSON.stringify([method, name]),
    empty: "No request has ended.",
    filterLabel: "Filter requests",
  });
}

/**
 * The line of all requests together.
 *
 * @param {TotalsLine} totals
 * @returns {RequestLine}
 */
export function totalLine(totals) {
  return { method: "", name: "All requests", ...totals };
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
    empty: "No request has failed.",
    filterLabel: "Filter failures",
    order: { column: 3, descending: true },
  });
}

/**
 * What the code of users threw.
 *
 * @returns {DataTable<UserErrorLine>}
 */
export function userErrorsTable() {
  return new DataTable({
    id: "user-errors-title",
    title: "User errors",
    note: "thrown by the test's own code",
    columns: [
      { title: "Error", kind: "text", text: ({ error }) => error, tone: () => "bad" },
      { title: "User", kind: "text", text: ({ user }) => user },
      count("Count", ({ count }) => count),
    ],
    keyOf: ({ user, error }) => JSON.stringify([user, error]),
    empty: "No user's code has thrown.",
    filterLabel: "Filter user errors",
    order: { column: 2, descending: true },
  });
}

/**
 * Workers of a run under way.
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
      workerState(),
      count("Users", ({ users }) => users),
      {
        title: "Req/s",
        kind: "number",
        text: ({ rate }) => formatRate(rate),
        value: ({ rate }) => rate,
        hint: "Requests that ended in its last second",
      },
      share("CPU", ({ cpu }) => cpu, "Share of one core in the last second"),
      share("CPU peak", ({ cpuPeak }) => cpuPeak, "Share of one core at its highest"),
      {
        title: "Lag",
        kind: "number",
        text: ({ lagMs }) => formatMilliseconds(lagMs),
        value: ({ lagMs }) => lagMs,
        tone: ({ lagMs }) => lagMs >= LATE_MS ? "warning" : null,
        hint: "How late its event loop ran, at the 99th percentile",
      },
      count("Requests", ({ requests }) => requests),
    ],
    keyOf: ({ id }) => id,
    empty: "No worker has joined.",
    filterLabel: "Filter workers",
  });
}

/**
 * Workers of a run that has ended.
 *
 * @returns {DataTable<SummaryWorker>}
 */
export function finishedWorkersTable() {
  return new DataTable({
    id: "workers-title",
    title: "Workers",
    columns: [
      { title: "Worker", kind: "text", text: ({ id }) => id },
      { title: "Host", kind: "label", text: ({ host }) => host },
      workerState(),
      count("Users, peak", ({ peakUsers }) => peakUsers),
      share("CPU peak", ({ cpuPeak }) => cpuPeak, "Share of one core at its highest"),
      count("Requests", ({ requests }) => requests),
    ],
    keyOf: ({ id }) => id,
    empty: "No worker has joined.",
    filterLabel: "Filter workers",
  });
}

/**
 * What became of the thresholds. Takes no room where there is none.
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
        text: ({ passed }) => passed ? "✓ holds" : "✗ crossed",
        value: ({ passed }) => Number(passed),
        tone: ({ passed }) => passed ? "good" : "bad",
      },
      {
        title: "Observed",
        kind: "number",
        text: ({ expression, observed }) => observedText(expression, observed),
        value: ({ observed }) => observed,
      },
    ],
    // The same one may be given twice, and says the same then.
    keyOf: ({ expression }) => expression,
    empty: "",
    hiddenWhenEmpty: true,
  });
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
 * @template Row
 * @param {string} title
 * @param {(row: Row) => number} value
 * @param {string} hint
 * @returns {Column<Row>}
 */
function share(title, value, hint) {
  return {
    title,
    kind: "number",
    // A share of one core, and so more than 100% at times.
    text: (row) => `${Math.round(value(row) * 100)}%`,
    value,
    tone: (row) => value(row) >= BUSY_CPU ? "warning" : null,
    hint,
  };
}

/**
 * @param {string} title
 * @param {keyof import("../../stats/snapshot.ts").LatencySummary} field
 * @returns {Column<RequestLine>}
 */
function latency(title, field) {
  return {
    title,
    kind: "number",
    text: ({ latencyMs }) => formatLatency(latencyMs[field]),
    value: ({ latencyMs }) => latencyMs[field],
  };
}

/** @returns {Column<{ state: string, complete: boolean }>} */
function workerState() {
  // While a worker counts, something is always still to come.
  const counts = (/** @type {string} */ state) => !["finished", "left", "lost"].includes(state);
  return {
    title: "State",
    kind: "text",
    text: ({ state, complete }) =>
      complete || counts(state) ? state : `${state}, counts incomplete`,
    tone: ({ state, complete }) => state === "lost" || !(complete || counts(state)) ? "bad" : null,
  };
}
