/**
 * The part of the final report that tells of passes.
 *
 * @module
 */

import { LATE_START_MS, MANY_DROPPED } from "../stats/pass_limits.ts";
import type { IterationSummary, LatencySummary, Snapshot } from "../stats/snapshot.ts";
import { PERCENTILE_COLUMNS, percentileCells } from "./percentile_columns.ts";
import { formatExact, formatShare } from "./quantity.ts";
import { renderLine, type Span, span } from "./styled_line.ts";
import { wrap } from "./terminal_text.ts";
import { type TableSize, textTable } from "./text_table.ts";

/**
 * What became of the passes, how long they took, and in the open model how late they began, with what
 * that means for latencies. Nothing where passes are not counted.
 */
export function passSection({ arrivalRate, statistics }: Snapshot, size: TableSize): string[] {
  const { iterations } = statistics;
  if (iterations === null) return [];
  const isOpen = arrivalRate !== null;
  const { serviceTimeMs, startDelayMs } = iterations;
  const rows = [
    row("Service time", serviceTimeMs),
    ...(isOpen ? [row("Start delay", startDelayMs, (startDelayMs.p99 ?? 0) > LATE_START_MS)] : []),
  ];
  const table = textTable([{ title: "", align: "left" }, ...PERCENTILE_COLUMNS], rows, size);
  return [
    renderLine(
      [span("Passes", "strong"), span(", times in ms", "quiet")],
      size.columns,
      size.color,
    ),
    renderLine(counts(iterations, isOpen), size.columns, size.color),
    table.header,
    table.rule,
    ...table.rows,
    ...(isOpen ? wrap(PASS_NOTE, size.columns) : [])
      .map((line) => renderLine([span(line, "quiet")], size.columns, size.color)),
  ];
}

/** What latencies and service times are in the open model. */
export const PASS_NOTE =
  "The latency of a pass's first request counts from when the pass was meant to start, so " +
  "it has the start delay in it. Service time is that of a whole pass, from when it did start.";

function counts(
  { scheduled, started, completed, dropped }: IterationSummary,
  isOpen: boolean,
): Span[] {
  const done = `${formatExact(started)} started, ${formatExact(completed)} completed`;
  if (!isOpen) return [span(done)];
  const share = scheduled === 0 ? 0 : dropped / scheduled;
  const lost = dropped === 0 ? "none dropped" : `${formatExact(dropped)} dropped`;
  return [
    span(`${formatExact(scheduled)} scheduled, ${done}, `),
    span(
      dropped === 0 ? lost : `${lost} (${formatShare(share)})`,
      dropped === 0 ? "plain" : share > MANY_DROPPED ? "bad" : "warning",
    ),
  ];
}

function row(title: string, times: LatencySummary, isBad = false): Span[] {
  const cells = percentileCells(times);
  return [
    span(title),
    ...(isBad ? cells.map(({ text }) => span(text, "warning")) : cells),
  ];
}
