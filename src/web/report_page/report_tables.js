// @ts-check
/// <reference lib="dom" />
/**
 * Tables that only a report has.
 *
 * @module
 */

import { formatLatency } from "../page/format.js";
import { DataTable } from "../page/table.js";

/** @typedef {import("../../stats/snapshot.ts").LatencySummary} LatencySummary */
/**
 * Times of passes, under the name of what they are.
 *
 * @typedef {{ readonly title: string, readonly times: LatencySummary }} PassTimes
 */
/**
 * @template Row
 * @typedef {import("../page/row_order.js").Column<Row>} Column
 */

/**
 * How long passes took, and how late they began. Takes no room where passes are not counted.
 *
 * @returns {DataTable<PassTimes>}
 */
export function iterationsTable() {
  return new DataTable({
    id: "passes-title",
    title: "Passes",
    note: "times in ms",
    columns: [
      { title: "Time", kind: "label", text: ({ title }) => title },
      time("Mean", "mean"),
      time("Min", "min"),
      time("p50", "p50"),
      time("p90", "p90"),
      time("p95", "p95"),
      time("p99", "p99"),
      time("p99.9", "p999"),
      time("Max", "max"),
    ],
    keyOf: ({ title }) => title,
    empty: "",
    hiddenWhenEmpty: true,
  });
}

/**
 * The rows of {@link iterationsTable}.
 *
 * @param {import("../report_content.ts").ReportContent["view"]} view
 * @returns {readonly PassTimes[]}
 */
export function iterationRows({ iterations, live }) {
  if (iterations === null) return [];
  const rows = [{ title: "Service time", times: iterations.serviceTimeMs }];
  // Only where a schedule says when passes are to start can they be late.
  return live.model === "open"
    ? [...rows, { title: "Start delay", times: iterations.startDelayMs }]
    : rows;
}

/**
 * @param {string} title
 * @param {keyof LatencySummary} field
 * @returns {Column<PassTimes>}
 */
function time(title, field) {
  return {
    title,
    kind: "number",
    text: ({ times }) => formatLatency(times[field]),
    value: ({ times }) => times[field],
  };
}
