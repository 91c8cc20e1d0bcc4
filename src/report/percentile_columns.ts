/**
 * Percentiles as columns of a table.
 *
 * @module
 */

import type { LatencySummary } from "../stats/snapshot.ts";
import { formatLatency } from "./quantity.ts";
import { type Span, span } from "./styled_line.ts";
import type { TableColumn } from "./text_table.ts";

/** The columns, without the unit, which is milliseconds. */
export const PERCENTILE_COLUMNS: readonly TableColumn[] = [
  { title: "50%", align: "right" },
  { title: "75%", align: "right" },
  { title: "90%", align: "right" },
  { title: "95%", align: "right" },
  { title: "99%", align: "right" },
  { title: "99.9%", align: "right" },
  { title: "99.99%", align: "right" },
  { title: "Max", align: "right" },
];

/** A cell for each of {@link PERCENTILE_COLUMNS}. */
export function percentileCells(latency: LatencySummary): Span[] {
  const { p50, p75, p90, p95, p99, p999, p9999, max } = latency;
  return [p50, p75, p90, p95, p99, p999, p9999, max].map((ms) => span(formatLatency(ms)));
}
