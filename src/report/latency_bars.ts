/**
 * The distribution of latencies as bars.
 *
 * @module
 */

import { Histogram } from "../stats/histogram.ts";
import type { RequestTotals } from "../stats/snapshot.ts";
import type { BucketSource } from "../stats/stats_delta.ts";
import { formatCount, formatLatency, formatShare } from "./quantity.ts";
import { span } from "./terminal.ts";
import { type TableSize, textTable } from "./text_table.ts";

/** The number of latencies between two limits. */
export interface LatencyBar {
  /** The upper limit in milliseconds. The lower limit is that of the previous bar. */
  readonly upToMs: number;
  readonly count: number;
}

/**
 * The latencies of all answers in `bars` steps on a logarithmic scale, from the lowest to the highest;
 * empty if they hardly differ.
 */
export function latencyBars(
  { histogram, lowerBounds, latencyMs }: Pick<RequestTotals, "histogram" | "lowerBounds"> & {
    readonly latencyMs: Pick<RequestTotals["latencyMs"], "min" | "max">;
  },
  bars: number,
): LatencyBar[] {
  const { min } = latencyMs;
  // The maximum may be that of a request without an answer.
  const max = lowerBounds ? highestOf(histogram) : latencyMs.max;
  if (min === null || max === null || bars < 1) return [];
  const lowest = Math.max(min, Histogram.lowerBound(1));
  const ratio = max / lowest;
  if (ratio < MIN_RATIO) return [];
  const counts = new Array<number>(bars).fill(0);
  const scale = bars / Math.log(ratio);
  histogram.addTo({
    addBucket(index, count): void {
      const middle = (Histogram.lowerBound(index) + Histogram.upperBound(index)) / 2;
      const bar = Math.floor(Math.log(middle / lowest) * scale);
      counts[Math.min(Math.max(bar, 0), bars - 1)]! += count;
    },
  });
  return counts.map((count, index) => ({
    upToMs: index === bars - 1 ? max : lowest * ratio ** ((index + 1) / bars),
    count,
  }));
}

function highestOf(histogram: BucketSource): number {
  let highest = 0;
  histogram.addTo({ addBucket: (index) => highest = Math.max(highest, index) });
  return Histogram.upperBound(highest);
}

/** If the ratio of the highest to the lowest latency is smaller, the steps would only show noise. */
const MIN_RATIO = 1.05;

/** The latencies of a run as a table with bars, in `lines` lines; empty if they hardly differ. */
export function latencyTable(totals: RequestTotals, size: TableSize, lines: number): string[] {
  const bars = latencyBars(totals, lines - TITLE_LINES);
  if (bars.length === 0) return [];
  const all = bars.reduce((sum, { count }) => sum + count, 0);
  const most = Math.max(...bars.map(({ count }) => count));
  const longest = Math.min(MAX_BAR_COLUMNS, Math.max(0, size.columns - FIGURES_COLUMNS));
  const table = textTable(
    [
      { title: "Up to ms", align: "right" },
      { title: "Reqs", align: "right" },
      { title: "Share", align: "right" },
      { title: "", align: "left" },
    ],
    bars.map(({ upToMs, count }) => [
      span(formatLatency(upToMs)),
      span(formatCount(count)),
      span(all === 0 ? "" : formatShare(count / all)),
      span(barOf(count / Math.max(1, most) * longest), "busy"),
    ]),
    size,
  );
  return [table.header.trimEnd(), ...table.rows.map((row) => row.trimEnd())];
}

const TITLE_LINES = 1;
const MAX_BAR_COLUMNS = 40;

/** The maximum width of limits, counts and shares, including the gaps after them. */
const FIGURES_COLUMNS = 8 + 2 + 9 + 2 + 6 + 2;

/** Blocks by the number of eighths that are filled. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

function barOf(length: number): string {
  if (length === 0) return "";
  // Even a tiny bar must be visible.
  const eighths = Math.max(1, Math.round(length * 8));
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}
