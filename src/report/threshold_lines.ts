import { observedText } from "../stats/observed_text.ts";
import type { ThresholdRow } from "../stats/snapshot.ts";
import { label, LABEL_COLUMNS } from "./panel_label.ts";
import { formatCount } from "./quantity.ts";
import { type Span, span } from "./styled_line.ts";
import { columnsOf, harmless, shorten } from "./terminal_text.ts";
import { thresholdMark } from "./threshold_mark.ts";

/**
 * Thresholds with what is observed now, as many in a line as it takes, in at most `most` lines; the
 * crossed ones are never left out before others. Nothing where none is asked for.
 */
export function thresholdLines(
  rows: readonly ThresholdRow[],
  columns: number,
  most: number,
): Span[][] {
  if (rows.length === 0 || most < 1) return [];
  const room = columns - LABEL_COLUMNS;
  const all = flow(rows.map(itemOf), room);
  if (all.length <= most) return labelled(all);
  // So that the end of the last line can say how many there are beside those.
  const sorted = rows.toSorted((a, b) => Number(a.passed) - Number(b.passed));
  for (let shown = rows.length - 1; shown > 0; shown--) {
    const rest = span(`and ${formatCount(rows.length - shown)} more`, "quiet");
    const lines = flow([...sorted.slice(0, shown).map(itemOf), [rest]], room);
    if (lines.length <= most) return labelled(lines);
  }
  return labelled(flow(sorted.map(itemOf), room).slice(0, most));
}

/** A longer expression has a name in it, whose ends say enough. */
const EXPRESSION_COLUMNS = 40;

const OBSERVED_COLUMNS = 9;
const GAP = "  ";

function itemOf(row: ThresholdRow): Span[] {
  const expression = shorten(harmless(row.expression), EXPRESSION_COLUMNS);
  const mark = thresholdMark(row);
  // What follows is not to move as the digits change.
  const observed = (row.observed === null ? "-" : observedText(row)).padEnd(OBSERVED_COLUMNS);
  return [mark, span(` ${expression} `), span(observed, row.passed ? "strong" : "bad")];
}

function flow(items: readonly (readonly Span[])[], room: number): Span[][] {
  const lines: Span[][] = [];
  let left = 0;
  for (const spans of items) {
    const width = spans.reduce((sum, { text }) => sum + columnsOf(text), 0);
    const line = lines.at(-1);
    if (line !== undefined && GAP.length + width <= left) {
      line.push(span(GAP), ...spans);
      left -= GAP.length + width;
    } else {
      lines.push([...spans]);
      left = room - width;
    }
  }
  return lines;
}

function labelled(lines: readonly Span[][]): Span[][] {
  return lines.map((line, index) => {
    const last = line.at(-1)!;
    const end = span(last.text.trimEnd(), last.tone);
    return [label(index === 0 ? "thresholds" : ""), ...line.slice(0, -1), end];
  });
}
