// @ts-check
/**
 * The heat map of a run: how many requests took how long in each second, or in each few seconds.
 *
 * @module
 */

import { formatAmount, formatClock, formatExact, formatMilliseconds } from "./format.js";

/** @typedef {import("../../stats/snapshot.ts").LatencyHeatMap} LatencyHeatMap */

/**
 * The requests of some seconds.
 *
 * @typedef {object} HeatColumn
 * @property {number} from In seconds of the run.
 * @property {number} to
 * @property {readonly HeatCell[]} cells From the fastest to the slowest.
 */

/**
 * Requests that took about the same time.
 *
 * @typedef {object} HeatCell
 * @property {number} row Its place on the axis: a power of two has eight of them.
 * @property {number} count
 */

/** The lowest latency of row 0, in milliseconds. */
const LOWEST_MS = 2 ** -10;
const ROWS_PER_OCTAVE = 8;

/** A histogram has this many buckets in the place of a row. */
const BUCKETS_PER_ROW = 128;

/**
 * The lowest latency of a row in milliseconds; between rows, in proportion.
 *
 * @param {number} row
 * @returns {number}
 */
export function rowMs(row) {
  const octave = Math.floor(row / ROWS_PER_OCTAVE);
  return LOWEST_MS * 2 ** octave * (1 + (row / ROWS_PER_OCTAVE - octave));
}

/**
 * The reverse of {@link rowMs}.
 *
 * @param {number} ms
 * @returns {number}
 */
export function rowOf(ms) {
  if (ms <= LOWEST_MS) return 0;
  const octave = Math.floor(Math.log2(ms / LOWEST_MS));
  return ROWS_PER_OCTAVE * (octave + ms / LOWEST_MS / 2 ** octave - 1);
}

/**
 * Reads a histogram of a heat map: pairs of the distance of a bucket from the one before and its count, with
 * seven bits per byte, the lowest first.
 *
 * @param {string} text
 * @returns {readonly HeatCell[]}
 */
export function heatCells(text) {
  const bytes = atob(text);
  /** @type {HeatCell[]} */
  const cells = [];
  let at = 0;
  const number = () => {
    let value = 0;
    for (let place = 1; at < bytes.length; place *= 128) {
      const byte = bytes.charCodeAt(at);
      at += 1;
      value += (byte & 127) * place;
      if (byte < 128) break;
    }
    return value;
  };
  let bucket = -1;
  while (at < bytes.length) {
    bucket += number();
    cells.push({ row: bucket / BUCKETS_PER_ROW, count: number() });
  }
  return cells;
}

/** The columns of a heat map, which are read only once. */
export class HeatColumns {
  /** @type {readonly HeatColumn[]} */
  columns = [];
  /** The most requests of a cell per second. */
  mostPerSecond = 0;
  #stepSeconds = 1;
  /** @type {Map<number, { text: string, cells: readonly HeatCell[] }>} */
  #read = new Map();

  /**
   * Takes a heat map as it is now.
   *
   * @param {LatencyHeatMap} heatMap
   * @param {number} end Seconds from then on are left out: not all workers have reported them.
   * @returns {void}
   */
  update({ stepSeconds, seconds, histograms }, end) {
    const before = this.#read;
    this.#read = new Map();
    this.#stepSeconds = stepSeconds;
    this.mostPerSecond = 0;
    this.columns = seconds.flatMap((from, index) => {
      if (from >= end) return [];
      const text = histograms[index] ?? "";
      const known = before.get(from);
      const read = known?.text === text ? known : { text, cells: heatCells(text) };
      this.#read.set(from, read);
      const to = Math.min(from + stepSeconds, end);
      for (const { count } of read.cells) {
        this.mostPerSecond = Math.max(this.mostPerSecond, count / (to - from));
      }
      return [{ from, to, cells: read.cells }];
    });
  }

  /**
   * The cells of a second, or of the few seconds that it belongs to; none if no request ended then.
   *
   * @param {number} second
   * @returns {readonly HeatCell[]}
   */
  cellsAt(second) {
    return this.#read.get(second - second % this.#stepSeconds)?.cells ?? [];
  }

  /**
   * The rows that an axis has to show for some columns, as `[first, end]`: at least two powers of two.
   *
   * @param {number} min In seconds of the run.
   * @param {number} max
   * @returns {[number, number]}
   */
  rowsBetween(min, max) {
    let [first, end] = [Infinity, -Infinity];
    for (const { from, to, cells } of this.columns) {
      if (to <= min || from >= max) continue;
      first = Math.min(first, cells[0]?.row ?? Infinity);
      end = Math.max(end, (cells.at(-1)?.row ?? -Infinity) + 1);
    }
    if (first > end) return [rowOf(1), rowOf(1000)];
    const missing = Math.max(0, 2 * ROWS_PER_OCTAVE - (end - first));
    return [Math.max(0, first - Math.floor(missing / 2)), end + Math.ceil(missing / 2)];
  }
}

/**
 * The row with the most requests; null if there are none.
 *
 * @param {readonly HeatCell[]} cells
 * @returns {number | null}
 */
export function busiestRow(cells) {
  /** @type {HeatCell | null} */
  let busiest = null;
  for (const cell of cells) if (busiest === null || cell.count > busiest.count) busiest = cell;
  return busiest?.row ?? null;
}

/**
 * The latencies of a row: `9.00 – 10.0 ms`.
 *
 * @param {number} row
 * @returns {string}
 */
export function rowText(row) {
  const [low, high] = [formatMilliseconds(rowMs(row)), formatMilliseconds(rowMs(row + 1))];
  return `${low.replace(/ ms$/, "")} – ${high}`;
}

/**
 * The ticks of an axis of rows: 1, 2, 5, 10 and so on in milliseconds, at least some pixels apart.
 *
 * @param {number} min
 * @param {number} max
 * @param {number} most How many there may be.
 * @returns {number[]} Rows.
 */
export function rowTicks(min, max, most) {
  const all = [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6].flatMap((power) =>
    [1, 2, 5].map((digit) => digit * 10 ** power)
  );
  for (const digits of [[1, 2, 5], [1, 5], [1]]) {
    const ticks = all.filter((ms) => digits.includes(leadingDigit(ms)))
      .map(rowOf).filter((row) => row >= min && row <= max);
    if (ticks.length <= most || digits.length === 1) return ticks;
  }
  return [];
}

/** @param {number} ms */
function leadingDigit(ms) {
  return Number(ms.toExponential().charAt(0));
}

/**
 * Which of some colours a cell has: the more requests, the later one. The scale is logarithmic, so that a few
 * slow requests are seen beside thousands of fast ones.
 *
 * @param {number} perSecond
 * @param {number} mostPerSecond
 * @param {number} colors
 * @returns {number}
 */
export function heatLevel(perSecond, mostPerSecond, colors) {
  const share = Math.log1p(perSecond) / Math.log1p(mostPerSecond);
  return Math.min(colors, Math.max(1, Math.ceil(share * colors))) - 1;
}

/**
 * Draws the cells.
 *
 * @param {import("uplot")} plot Its vertical scale is that of rows.
 * @param {HeatColumns} heat
 * @param {readonly string[]} colors From few requests to many.
 * @returns {void}
 */
export function drawHeat(plot, heat, colors) {
  const { ctx, bbox } = plot;
  const { min = 0, max = 0 } = plot.scales.x ?? {};
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  const position = (/** @type {number} */ value, /** @type {string} */ scale) =>
    Math.round(plot.valToPos(value, scale, true));
  for (const { from, to, cells } of heat.columns) {
    if (to <= (min ?? 0) || from >= (max ?? 0)) continue;
    const left = position(from, "x");
    const width = Math.max(1, position(to, "x") - left);
    for (const { row, count } of cells) {
      const bottom = position(row, "y");
      const top = position(row + 1, "y");
      const level = heatLevel(count / (to - from), heat.mostPerSecond, colors.length);
      ctx.fillStyle = colors[level] ?? "";
      ctx.fillRect(left, top, width, Math.max(1, bottom - top));
    }
  }
  ctx.restore();
}

/**
 * Describes a heat map in a few sentences.
 *
 * @param {HeatColumns} heat
 * @returns {string}
 */
export function describeHeat({ columns }) {
  const last = columns.at(-1);
  if (last === undefined) return "No response times yet.";
  const slowest = columns.reduce((most, one) => slowestRow(one) > slowestRow(most) ? one : most);
  const seconds = last.to - last.from;
  const requests = last.cells.reduce((sum, { count }) => sum + count, 0);
  const when = seconds === 1 ? "last second" : `last ${formatExact(Math.round(seconds))} seconds`;
  return `Of the ${formatAmount(requests, "request")} of the ${when}, most took ` +
    `${rowText(busiestRow(last.cells) ?? 0)}, and the slowest up to ` +
    `${formatMilliseconds(rowMs(slowestRow(last) + 1))}. The slowest of the run ended by ` +
    `${formatClock(slowest.to)} and took up to ${
      formatMilliseconds(rowMs(slowestRow(slowest) + 1))
    }.`;
}

/** @param {HeatColumn} column */
function slowestRow({ cells }) {
  return cells.at(-1)?.row ?? -1;
}
