/**
 * A run at one moment, as a picture for a terminal.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";
import type { Snapshot } from "../stats/snapshot.ts";
import { errorLines } from "./error_lines.ts";
import { generatorLine } from "./generator_line.ts";
import { latencyTable } from "./latency_table.ts";
import { loadLines, passTimeLines } from "./load_lines.ts";
import { nameTable } from "./name_table.ts";
import { progressBar } from "./progress_bar.ts";
import { renderLine, type Span, span } from "./styled_line.ts";
import { columnsOf } from "./terminal_text.ts";
import type { TableSize } from "./text_table.ts";
import { thresholdLines } from "./threshold_lines.ts";
import { trafficLines } from "./traffic_lines.ts";
import { workerTable } from "./worker_table.ts";

/** What a panel has to fit in. */
export interface PanelSize extends TableSize {
  /** Lines of the screen; a panel leaves some of them to what the log says above it. */
  readonly rows: number;
}

/** What a snapshot does not know, as it knows only one moment. */
export interface PanelRates {
  /** Passes that begin a second, of late; null where nobody knows. */
  readonly starts: number | null;
}

/**
 * Draws a run, no line wider than the columns. It is made for 60 columns and 24 rows: with fewer
 * columns the ends of lines are missing, with more of them there is a second column, and more rows
 * have more names, workers and errors.
 */
export function render(snapshot: Snapshot, size: PanelSize, rates: PanelRates): string[] {
  const room = panelLines(size.rows);
  const draw = (line: readonly Span[]): string => renderLine(line, size.columns, size.color);
  const figureColumns = leftColumns(size.columns);
  const figures = figuresOf(snapshot, figureColumns, rates)
    .map((line) => renderLine(line, figureColumns, size.color));
  const side = { columns: size.columns - figureColumns - GUTTER.length, color: size.color };
  const head = [
    draw(progressBar(snapshot, size.columns)),
    "",
    ...(isWide(size)
      ? beside(figures, figureColumns, sideTable(snapshot, side, figures.length))
      : figures),
    ...thresholdLines(snapshot.thresholds, size.columns, isRoomy(room) ? 4 : 2).map(draw),
  ];
  const foot = snapshot.warnings.slice(-LATEST_WARNINGS)
    .map((warning) => draw([span("! ", "warning"), span(warning)]));
  const left = room - head.length - foot.length;
  return [...head, ...tables(snapshot, size, left, isRoomy(room)), ...foot];
}

/** From here on there is room for two columns. */
const WIDE_COLUMNS = 120;
const LEAST_LEFT_COLUMNS = 60;
const MOST_LEFT_COLUMNS = 80;
const GUTTER = "   ";

const LATEST_WARNINGS = 2;
const MOST_LINES = 40;

/** What a panel of ordinary height has, on the 24 rows that a terminal has at least. */
const USUAL_LINES = 22;

/** Titles, two names, and how many more there are, below an empty line. */
const LEAST_NAME_LINES = 5;
const MOST_NAME_LINES = 22;

function isWide({ columns }: TableSize): boolean {
  return columns >= WIDE_COLUMNS;
}

/** Columns of the figures, which have all of them where nothing stands at their right. */
function leftColumns(columns: number): number {
  if (columns < WIDE_COLUMNS) return columns;
  return Math.min(MOST_LEFT_COLUMNS, LEAST_LEFT_COLUMNS + columns - WIDE_COLUMNS);
}

function panelLines(rows: number): number {
  return Math.min(rows - 2, Math.max(USUAL_LINES, Math.min(rows - 10, MOST_LINES)));
}

function isRoomy(lines: number): boolean {
  return lines > USUAL_LINES + 4;
}

function figuresOf(snapshot: Snapshot, columns: number, { starts }: PanelRates): Span[][] {
  return [
    ...loadLines(snapshot, starts, columns),
    ...trafficLines(snapshot, columns),
    ...passTimeLines(snapshot),
    generatorLine(snapshot),
  ];
}

/** What stands at the right of the figures: of many processes how each does, of one the latencies. */
function sideTable(snapshot: Snapshot, size: TableSize, lines: number): string[] {
  return snapshot.mode === "distributed"
    ? workerTable(snapshot.workers, size, lines)
    : latencyTable(snapshot.statistics.totals, size, lines);
}

/**
 * Workers, errors and names below the figures. Names are what gives way first: what they come to
 * stands above them, and all of them in the report.
 */
function tables(
  snapshot: Snapshot,
  size: TableSize,
  room: number,
  isRoomy: boolean,
): string[] {
  const { mode, workers, statistics } = snapshot;
  const names = Math.min(statistics.requests.length + 2, LEAST_NAME_LINES);
  const errors = errorLines(statistics, Math.min(isRoomy ? 4 : 2, room - names))
    .map((line) => renderLine(line, size.columns, size.color));
  const forWorkers = Math.min(isRoomy ? 14 : 8, room - names - errors.length);
  const isBelow = mode === "distributed" && !isWide(size) && forWorkers > 2;
  const above = [...errors, ...(isBelow ? workerTable(workers, size, forWorkers) : [])];
  const left = Math.min(MOST_NAME_LINES, room - above.length) - 1;
  const table = nameTable(statistics.requests, size, left);
  return [...above, ...(table.length > 0 ? ["", ...table] : [])];
}

function beside(left: readonly string[], columns: number, right: readonly string[]): string[] {
  return left.map((line, index) => {
    const other = right[index];
    if (other === undefined) return line;
    const fill = " ".repeat(columns - columnsOf(stripVTControlCharacters(line)));
    return `${line}${fill}${GUTTER}${other}`;
  });
}
