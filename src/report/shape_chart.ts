import { formatDuration } from "../core/duration.ts";
import { formatCount } from "./quantity.ts";

/** A number that changes over time. */
export interface Series {
  /** One a second, 0 or more; the last second may be a part of one. */
  readonly values: readonly number[];
  /** Seconds that the values cover. */
  readonly seconds: number;
}

/**
 * Draws a number over time as text, with an axis of values and one of times. It is as wide as it is
 * allowed to be, and has no line break at its end.
 *
 * @param columns the most that a line may have.
 */
export function shapeChart(series: Series, columns: number): string {
  const peak = series.values.reduce((max, value) => Math.max(max, value), 0);
  const { step, ticks } = valueAxis(peak, series.values.every(Number.isInteger));
  const labels = Array.from({ length: ticks + 1 }, (_, tick) => valueLabel(tick * step));
  const gutter = Math.max(...labels.map(({ length }) => length));
  // Between the labels and the bars there are a space and the axis.
  const width = Math.max(LEAST_WIDTH, columns - gutter - 2);
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

/** Narrower, and nothing could be seen. */
const LEAST_WIDTH = 10;

const MOST_TICKS = 5;

const LEVELS = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** How far apart the values are that are named, and how many of them reach from 0 to over the peak. */
function valueAxis(
  peak: number,
  whole: boolean,
): { readonly step: number; readonly ticks: number } {
  if (peak === 0) return { step: 1, ticks: 1 };
  const size = 10 ** Math.floor(Math.log10(peak / MOST_TICKS));
  const least = whole ? 1 : 0;
  for (const factor of [1, 2, 5, 10]) {
    const step = Math.max(least, factor * size);
    const ticks = Math.ceil(peak / step - 1e-9);
    if (ticks <= MOST_TICKS) return { step, ticks };
  }
  return { step: peak, ticks: 1 };
}

function valueLabel(value: number): string {
  const short = Number(value.toPrecision(6));
  return Number.isInteger(short) ? formatCount(short) : String(short);
}

/** The largest value of each column's time, so that nothing is too short to be seen. */
function columnValues({ values, seconds }: Series, width: number): number[] {
  return Array.from({ length: width }, (_, column) => {
    const from = Math.floor(column * seconds / width);
    const to = Math.ceil((column + 1) * seconds / width - 1e-9);
    return values.slice(from, Math.max(to, from + 1)).reduce((max, one) => Math.max(max, one), 0);
  });
}

/** @param fill rows from this one's bottom to the bar's end; may be below it or above its top. */
function cell(fill: number): string {
  return LEVELS[Math.ceil(Math.min(1, Math.max(0, fill - 1e-9)) * (LEVELS.length - 1))]!;
}

/** Seconds between two times that are named. */
const TIME_STEPS = [1, 2, 5, 10, 15, 30].flatMap((step) => [step, step * 60])
  .concat([1, 2, 3, 6, 12, 24].map((step) => step * 3600))
  .sort((a, b) => a - b);

/** Columns from one time to the next, at least. */
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
    // The bar of the time begins on the right of its tick.
    if (time > 0) line[column - 1] = "┬";
    const label = formatDuration(time);
    // Under its tick; the last one may have to move to the left to stay within the columns.
    const start = Math.min(column, width + 1 - label.length);
    if (time === 0 || start > labels.length) labels = labels.padEnd(start) + label;
  }
  return { line: line.join(""), labels };
}
