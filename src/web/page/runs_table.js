// @ts-check
/// <reference lib="dom" />
/**
 * The list of earlier runs, and how their figures have developed.
 *
 * @module
 */

import { axisMilliseconds, axisNumber } from "./chart_specs.js";
import { element } from "./dom.js";
import {
  formatAmount,
  formatBound,
  formatExact,
  formatLatency,
  formatMilliseconds,
  formatRate,
  formatShare,
  LOWER_BOUND_HINT,
  NO_NUMBER,
} from "./format.js";
import { DataTable } from "./table.js";

/** @typedef {import("../../report/history_table.ts").ListedRun} Run */

/**
 * The table of runs.
 *
 * @param {{ readonly pick: (run: Run) => Node }} options What a row begins with: the choice of the run.
 * @returns {DataTable<Run>}
 */
export function runsTable({ pick }) {
  return new DataTable({
    id: "runs-title",
    title: "Runs",
    note: "choose two to compare them; response times of successful requests in ms",
    columns: [
      {
        title: "Run",
        kind: "text",
        text: titleOf,
        node: (run) => element("span", { class: "run-cell" }, [pick(run), reportLink(run)]),
      },
      {
        title: "Verdict",
        kind: "text",
        text: ({ verdict }) => verdict,
        tone: toneOf,
        cellHint: ({ problem, exitCode }) =>
          problem ?? (exitCode === undefined || exitCode === null ? null : `exit code ${exitCode}`),
      },
      { title: "Started", kind: "text", text: startText, value: ({ id }) => id },
      {
        title: "Labels",
        kind: "text",
        text: labelText,
        isUseful: (run) => labelText(run) !== "",
      },
      {
        title: "Duration",
        kind: "number",
        text: ({ durationSeconds }) =>
          durationSeconds === undefined ? NO_NUMBER : durationText(durationSeconds),
        value: ({ durationSeconds = null }) => durationSeconds,
      },
      number("Users", ({ peakUsers }) => peakUsers, formatExact, "the most at a time"),
      number("Requests", ({ requests }) => requests, formatExact),
      { ...number("Req/s", ({ rate }) => rate, formatRate), isLead: true },
      latency("p50", "p50"),
      { ...latency("p95", "p95"), isLead: true },
      latency("p99", "p99"),
      {
        ...number("Failures", ({ errorRate }) => errorRate, formatShare),
        tone: ({ errorRate = 0 }) => errorRate > 0 ? "bad" : null,
        isLead: true,
      },
    ],
    keyOf: ({ id }) => id,
    empty: "No run has been kept yet.",
    filterLabel: "Filter runs",
    // By its start.
    order: { column: 2, descending: true },
    stackedBelow: 1000,
  });
}

/**
 * @param {string} title
 * @param {(run: Run) => number | undefined} value
 * @param {(value: number) => string} format
 * @param {string} [hint]
 * @returns {import("./table.js").Column<Run>}
 */
function number(title, value, format, hint) {
  return {
    title,
    kind: "number",
    text: (run) => {
      const found = value(run);
      return found === undefined ? NO_NUMBER : format(found);
    },
    value: (run) => value(run) ?? null,
    ...(hint === undefined ? {} : { hint }),
  };
}

/**
 * @param {"p50" | "p95" | "p99"} figure
 * @param {string} title
 * @returns {import("./table.js").Column<Run>}
 */
function latency(figure, title) {
  const isBound = (/** @type {Run} */ { lowerBounds = [] }) => lowerBounds.includes(figure);
  return {
    title,
    kind: "number",
    text: (run) => formatBound(formatLatency(run[figure] ?? null), isBound(run)),
    value: (run) => run[figure] ?? null,
    cellHint: (run) => isBound(run) ? LOWER_BOUND_HINT : null,
  };
}

/** @param {Run} run */
function reportLink(run) {
  if (run.verdict === "unreadable") return element("span", { text: titleOf(run) });
  return element("a", {
    href: `api/runs/${run.id}/report`,
    target: "_blank",
    rel: "noopener",
    title: "Open the report of this run",
    text: titleOf(run),
  });
}

/**
 * What a run is called: its name, or else its test file.
 *
 * @param {Run} run
 * @returns {string}
 */
export function titleOf({ name, test, id }) {
  if (name !== null && name !== undefined) return name;
  return test === undefined || test === "" ? id : test;
}

/**
 * A run with its start, to tell it from others of its name.
 *
 * @param {Run} run
 * @returns {string}
 */
export function fullTitle(run) {
  return `${titleOf(run)}, ${startText(run)}`;
}

/** @param {Run} run */
function labelText({ labels = {} }) {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(", ");
}

/**
 * When a run started, in the time zone of the browser.
 *
 * @param {Pick<Run, "id" | "startedAt">} run
 * @returns {string}
 */
export function startText({ id, startedAt }) {
  const at = new Date(startedAt ?? isoOf(id));
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/**
 * The time in an id.
 *
 * @param {string} id
 */
function isoOf(id) {
  return id.replace(/^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d).*/, "$1-$2-$3T$4:$5:$6Z");
}

/**
 * @param {number} seconds
 * @returns {string}
 */
export function durationText(seconds) {
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  return /** @type {const} */ ([[Math.floor(whole / 3600), "h"], [
    Math.floor(whole / 60) % 60,
    "m",
  ], [whole % 60, "s"]]).filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`)
    .join("");
}

/**
 * @param {Pick<Run, "verdict">} run
 * @returns {"good" | "bad" | "warning" | "quiet" | null}
 */
export function toneOf({ verdict }) {
  if (verdict === "passed") return "good";
  if (verdict === "failed") return "bad";
  return verdict === "running" ? null : "warning";
}

/** A trend shows at most this many runs. */
const TREND_RUNS = 50;

/**
 * The runs of one name.
 *
 * @typedef {object} Trend
 * @property {string} title
 * @property {readonly Run[]} runs The oldest first.
 */

/**
 * The names of which there are several runs that have ended, that of the newest run first. Runs without a name
 * are those of their test file.
 *
 * @param {readonly Run[]} runs The oldest first.
 * @returns {Trend[]}
 */
export function trendsOf(runs) {
  /** @type {Map<string, Run[]>} */
  const byTitle = new Map();
  for (const run of runs) {
    if (run.verdict === "running" || run.verdict === "unreadable") continue;
    const title = titleOf(run);
    const same = byTitle.get(title) ?? [];
    // A title is moved to the end, so that that of the newest run is the last one.
    byTitle.delete(title);
    byTitle.set(title, [...same, run]);
  }
  return [...byTitle].filter(([, same]) => same.length > 1)
    .map(([title, same]) => ({ title, runs: same.slice(-TREND_RUNS) })).reverse();
}

/**
 * The charts of a trend: what they are called, and what they show of each run.
 *
 * @type {readonly { readonly id: string, readonly title: string, readonly label: string, readonly color: string,
 *   readonly value: (run: Run) => number | null, readonly format: (value: number) => string,
 *   readonly axis: (value: number) => string }[]}
 */
export const TREND_CHARTS = [
  {
    id: "trend-p95",
    title: "95th percentile of response times",
    label: "p95",
    color: "--series-p95",
    value: ({ p95 }) => p95 ?? null,
    format: formatMilliseconds,
    axis: axisMilliseconds,
  },
  {
    id: "trend-rate",
    title: "Requests per second",
    label: "Requests",
    color: "--series-requests",
    value: ({ rate }) => rate ?? null,
    format: (value) => `${formatRate(value)}/s`,
    axis: axisNumber,
  },
];

/**
 * A trend in words.
 *
 * @param {Trend} trend
 * @param {typeof TREND_CHARTS[number]} chart
 * @returns {string}
 */
export function describeTrend({ title, runs }, { value, format }) {
  const shown = (/** @type {Run | undefined} */ run) => {
    const found = run === undefined ? null : value(run);
    return found === null ? "nothing" : format(found);
  };
  return `${formatAmount(runs.length, "run")} of ${title}: ${shown(runs[0])} in the first, ` +
    `${shown(runs.at(-2))} in the last but one, ${shown(runs.at(-1))} in the last.`;
}
