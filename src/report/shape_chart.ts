/**
 * The chart of `--show-shape`.
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";
import { formatCount } from "./quantity.ts";

/** A value over time. */
export interface Series {
  /** One value per second, not negative; the last second may be incomplete. */
  readonly values: readonly number[];
  /** The seconds that the values cover. */
  readonly seconds: number;
}

/**
 * Draws a value over time as text, with both axes, in the full width. The text has no newline at its
 * end.
 *
 * @param columns the width.
 */
export function shapeChart(series: Series, columns: number): string {
  const peak = series.values.reduce((max, value) => Math.max(max, value), 0);
  const { step, ticks } = valueAxis(peak, series.values.every(Number.isInteger));
  const labels = Array.from({ length: ticks + 1 }, (_, tick) => valueLabel(tick * step));
  const gutter = Math.max(...labels.map(({ length }) => length));
  // A space and the axis are between the labels and the bars.
  const width = Math.max(MIN_WIDTH, columns - gutter - 2);
  const heights = columnValues(series, width).map((value) => value / step);
  const rowsPerTick = ticks <= 2 ? 4 : 2;
  const rows: string[] = [];
  for (let row = ticks * rowsPerTick; row > 0; row--) {
    const label = row % rowsPerTick === 0 ? labels[row / rowsPerTick]! : "";
    const bars = heights.map((height) => cell(height * rowsPerTick - (row - 1))).join("");
    rows.push(`${label.padStart(gutter)} ${label === "" ? "│" : "┤"}${bars}`.trimEnd());
  }
  const times = timeAxis(series.seconds, width);
  rows.push(`${labels[0]!.padStart(gutter)} ┼${times.line}`);
  rows.push(`${" ".repeat(gutter + 1)}${times.labels}`);
  return rows.join("\n");
}

/** A narrower chart would be unreadable. */
const MIN_WIDTH = 10;

const MAX_TICKS = 5;

const LEVELS = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** The distance between the labels of the value axis, and their number from 0 to at least the peak. */
function valueAxis(
  peak: number,
  whole: boolean,
): { readonly step: number; readonly ticks: number } {
  if (peak === 0) return { step: 1, ticks: 1 };
  const size = 10 ** Math.floor(Math.log10(peak / MAX_TICKS));
  const least = whole ? 1 : 0;
  for (const factor of [1, 2, 5, 10]) {
    const step = Math.max(least, factor * size);
    const ticks = Math.ceil(peak / step - 1e-9);
    if (ticks <= MAX_TICKS) return { step, ticks };
  }
  return { step: peak, ticks: 1 };
}

function valueLabel(value: number): string {
  const short = Number(value.toPrecision(6));
  return Number.isInteger(short) ? formatCount(short) : String(short);
}

/** The highest value in the time of each column, so that short peaks remain visible. */
function columnValues({ values, seconds }: Series, width: number): number[] {
  return Array.from({ length: width }, (_, column) => {
    const from = Math.floor(column * seconds / width);
    const to = Math.ceil((column + 1) * seconds / width - 1e-9);
    return values.slice(from, Math.max(to, from + 1)).reduce((max, one) => Math.max(max, one), 0);
  });
}

/** @param fill rows from the bottom of this cell to the end of the bar, from below 0 to above 1. */
function cell(fill: number): string {
  return LEVELS[Math.ceil(Math.min(1, Math.max(0, fill - 1e-9)) * (LEVELS.length - 1))]!;
}

/** Possible distances between the labels of the time axis, in seconds. */
const TIME_STEPS = [1, 2, 5, 10, 15, 30].flatMap((step) => [step, step * 60])
  .concat([1, 2, 3, 6, 12, 24].map((step) => step * 3600))
  .sort((a, b) => a - b);

/** The minimum columns between two labels of the time axis. */
const TIME_COLUMNS = 10;

function timeAxis(
  seconds: number,
  width: number,
): { readonly line: string; readonly labels: string } {
  const step = TIME_STEPS.find((step) => step * width / seconds >= TIME_COLUMNS) ??
    TIME_STEPS.at(-1)!;
  const line = Array<string>(width).fill("─");
  let labels = "";
  for (let time = 0; time <= seconds; time += step) {
    const column = Math.round(time * width / seconds);
    // The bar of this time starts to the right of its tick.
    if (time > 0) line[column - 1] = "┬";
    const label = formatDuration(time);
    // Below its tick; the last one may have to move to the left to fit.
    const start = Math.min(column, width + 1 - label.length);
    if (time === 0 || start > labels.length) labels = labels.padEnd(start) + label;
  }
  return { line: line.join(""), labels };
}
