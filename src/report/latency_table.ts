import type { RequestTotals } from "../stats/snapshot.ts";
import { latencyBars } from "./latency_bars.ts";
import { formatCount, formatLatency, formatShare } from "./quantity.ts";
import { span } from "./styled_line.ts";
import { type TableSize, textTable } from "./text_table.ts";

/**
 * The latencies of a run as a table with bars, in `lines` lines; nothing where there is too little to
 * compare.
 */
export function latencyTable(totals: RequestTotals, size: TableSize, lines: number): string[] {
  const bars = latencyBars(totals, lines - TITLE_LINES);
  if (bars.length === 0) return [];
  const all = bars.reduce((sum, { count }) => sum + count, 0);
  const most = Math.max(...bars.map(({ count }) => count));
  const longest = Math.min(LONGEST_BAR, Math.max(0, size.columns - FIGURES_COLUMNS));
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
const LONGEST_BAR = 40;

/** What limits, counts and shares take at most, with the gaps behind them. */
const FIGURES_COLUMNS = 8 + 2 + 9 + 2 + 6 + 2;

/** Blocks by the eighth part of them that is filled. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

function barOf(length: number): string {
  if (length === 0) return "";
  // A few are not none.
  const eighths = Math.max(1, Math.round(length * 8));
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}
