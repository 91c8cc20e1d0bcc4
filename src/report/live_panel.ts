/**
 * The live panel: a run at one moment, as lines for a terminal.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";
import type { Snapshot } from "../stats/snapshot.ts";
import { latencyTable } from "./latency_bars.ts";
import { columnsOf, renderLine, type Span, span, wrappedText } from "./terminal.ts";
import type { TableSize } from "./text_table.ts";
import {
  errorLines,
  failureTimeLines,
  generatorLine,
  iterationTimeLines,
  loadLines,
  progressBar,
  runEndLines,
  statusLines,
  testLines,
  thresholdLines,
  trafficLines,
} from "./panel_lines.ts";
import { nameTable, workerTable } from "./panel_tables.ts";

/** The space for a panel. */
export interface PanelSize extends TableSize {
  /** Lines of the screen. A panel leaves some of them for the log above it. */
  readonly rows: number;
}

/** Rates that need more than one snapshot. */
export interface PanelRates {
  /** Iterations that started per second recently; `null` if that is not known yet. */
  readonly starts: number | null;
}

/**
 * Renders a run; no line is wider than the terminal. The layout is designed for at least 60 columns
 * and 24 rows: narrower terminals shorten lines, and lower ones show only the first. Wide ones have a
 * second column of tables, and more rows show more names, workers and errors.
 */
export function render(snapshot: Snapshot, size: PanelSize, rates: PanelRates): string[] {
  const room = panelLines(size.rows);
  if (room < MIN_LINES) return fewLines(snapshot, size, room);
  const draw = (line: readonly Span[]): string => renderLine(line, size.columns, size.color);
  const figureColumns = leftColumns(size.columns);
  const figures = figuresOf(snapshot, figureColumns, { rates, isRoomy: isRoomy(room) })
    .map((line) => renderLine(withoutEnd(line, figureColumns), figureColumns, size.color));
  const side = { columns: size.columns - figureColumns - GUTTER.length, color: size.color };
  const head = [
    draw(progressBar(snapshot, size.columns)),
    ...(snapshot.runEnd === null ? [""] : runEndLines(snapshot).map(draw)),
    ...(isWide(size)
      ? beside(figures, figureColumns, sideTable(snapshot, side, figures.length))
      : figures),
    ...thresholdLines(snapshot.thresholds, size.columns, isRoomy(room) ? 4 : 2).map(draw),
  ];
  const foot = snapshot.warnings.slice(-LATEST_WARNINGS).flatMap((warning) =>
    isRoomy(room)
      ? wrappedText(span("!", "warning"), warning, size)
      : [draw([span("! ", "warning"), span(warning)])]
  );
  const left = room - head.length - foot.length;
  return [...head, ...tables(snapshot, size, left, isRoomy(room)), ...foot];
}

/** The lines of a terminal that is too low for the full panel: what matters most comes first. */
function fewLines(snapshot: Snapshot, size: PanelSize, room: number): string[] {
  const { statistics, thresholds } = snapshot;
  const [rate = [], p95 = [], requests = [], ...rest] = trafficLines(snapshot, size.columns);
  const [users = [], ...load] = loadLines(snapshot, null, size.columns);
  return [
    progressBar(snapshot, size.columns),
    ...runEndLines(snapshot),
    requests,
    rate,
    p95,
    users,
    ...thresholdLines(thresholds.filter(({ passed }) => passed === false), size.columns, 1),
    ...errorLines(statistics, 1),
    ...load,
    ...rest,
  ].slice(0, room).map((line) => {
    const spans = size.columns < NARROW_COLUMNS ? withoutPadding(line) : line;
    return renderLine(spans, size.columns, size.color);
  });
}

const NARROW_COLUMNS = 40;

function withoutPadding(line: readonly Span[]): Span[] {
  return line.map(({ text, tone }) => span(text.replaceAll(/ {2,}/g, " "), tone));
}

/** A line of figures without those at its end for which there is no room. */
function withoutEnd(line: readonly Span[], columns: number): readonly Span[] {
  let left = columns;
  const end = line.findIndex(({ text }) => {
    const isTooLong = columnsOf(text.trimEnd()) > left;
    left -= columnsOf(text);
    return isTooLong;
  });
  // Without its value, the name of a figure says nothing.
  return end < 0 ? line : line.slice(0, line.slice(0, end).findLastIndex(isValue) + 1);
}

function isValue({ tone }: Span): boolean {
  return tone !== "quiet";
}

/** With fewer lines, there is no table. */
const MIN_LINES = 14;

/** The width from which there is room for two columns. */
const WIDE_COLUMNS = 120;
const MIN_LEFT_COLUMNS = 60;
const MAX_LEFT_COLUMNS = 80;
const GUTTER = "   ";

const LATEST_WARNINGS = 2;
const MAX_LINES = 40;

/** The height of a panel on a terminal of 24 rows. */
const USUAL_LINES = 22;

/** An empty line, the titles, two names, and a line for the others. */
const MIN_NAME_LINES = 5;
const MAX_NAME_LINES = 22;

function isWide({ columns }: TableSize): boolean {
  return columns >= WIDE_COLUMNS;
}

/** The width of the figures, which is the full width without a second column. */
function leftColumns(columns: number): number {
  if (columns < WIDE_COLUMNS) return columns;
  return Math.min(MAX_LEFT_COLUMNS, MIN_LEFT_COLUMNS + columns - WIDE_COLUMNS);
}

function panelLines(rows: number): number {
  return Math.min(rows - 2, Math.max(USUAL_LINES, Math.min(rows - 10, MAX_LINES)));
}

function isRoomy(lines: number): boolean {
  return lines > USUAL_LINES + 4;
}

function figuresOf(
  snapshot: Snapshot,
  columns: number,
  { rates, isRoomy }: { readonly rates: PanelRates; readonly isRoomy: boolean },
): Span[][] {
  return [
    ...loadLines(snapshot, rates.starts, columns),
    ...trafficLines(snapshot, columns),
    ...(isRoomy
      ? [...failureTimeLines(snapshot.statistics), ...statusLines(snapshot.statistics, columns)]
      : []),
    ...iterationTimeLines(snapshot),
    generatorLine(snapshot),
  ];
}

/** The second column: a table of workers in a distributed run, the latencies in a local one. */
function sideTable(snapshot: Snapshot, size: TableSize, lines: number): string[] {
  return snapshot.mode === "distributed"
    ? workerTable(snapshot.workers, size, lines)
    : latencyTable(snapshot.statistics.totals, size, lines);
}

/**
 * Errors, workers, what the test measures itself, and names below the figures. If space is short, names are left
 * out first, because the figures sum them up and the final report has all of them. A few of them are kept in
 * place of checks, groups, metrics and classes.
 */
function tables(
  snapshot: Snapshot,
  size: TableSize,
  room: number,
  isRoomy: boolean,
): string[] {
  const { mode, workers, statistics } = snapshot;
  const names = Math.min(statistics.requests.length + 2, MIN_NAME_LINES);
  const errors = errorLines(statistics, Math.min(isRoomy ? 4 : 2, room - names))
    .map((line) => renderLine(line, size.columns, size.color));
  const forWorkers = Math.min(isRoomy ? 14 : 8, room - names - errors.length);
  const isBelow = mode === "distributed" && !isWide(size) && forWorkers > 2;
  const listed = [...errors, ...(isBelow ? workerTable(workers, size, forWorkers) : [])];
  const own = testLines(statistics, size.columns, room - names - listed.length)
    .map((line) => renderLine(line, size.columns, size.color));
  const above = [...listed, ...own];
  const left = Math.min(MAX_NAME_LINES, room - above.length) - 1;
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
