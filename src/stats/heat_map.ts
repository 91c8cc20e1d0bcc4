/**
 * The latencies of a run over time: not some percentiles of each second, but all of them.
 *
 * @module
 */

import { Histogram } from "./histogram.ts";
import { packedBuckets } from "./packed_buckets.ts";
import type { LatencyHeatMap } from "./snapshot.ts";
import type { BucketSource } from "./stats_delta.ts";

/** The most columns. A longer run has columns of twice the length, four times, and so on. */
const MAX_COLUMNS = 450;

/** A histogram has 1,024 buckets for each power of two; here, 128 of them are one cell. */
const MERGED_BITS = 7;
const CELLS = Histogram.BUCKETS >>> MERGED_BITS;

/** Counts by latency: an element for each eighth of a power of two. */
export type HeatCells = Float64Array;

/** The cells of a histogram. */
export function cellsOf(source: BucketSource): HeatCells {
  const cells = new Float64Array(CELLS);
  source.addTo({
    addBucket: (index, count) => {
      const at = index >>> MERGED_BITS;
      cells[at] = cells[at]! + count;
    },
  });
  return cells;
}

/**
 * The part of some counts that belongs to one of several seconds. All parts together are the whole.
 *
 * @param index which of them, from 0.
 */
export function shareOfCells(cells: HeatCells, index: number, seconds: number): HeatCells {
  const until = (count: number, end: number): number => Math.round(count * end / seconds);
  return cells.map((count) => until(count, index + 1) - until(count, index));
}

/** The difference of counts, as new ones. */
export function cellsWithout(cells: HeatCells, others: HeatCells): HeatCells {
  return cells.map((count, index) => count - others[index]!);
}

interface Column {
  readonly cells: HeatCells;
  /** `null` if something was added since. */
  text: string | null;
}

/** Sums up the cells of seconds in columns. Counts are exact, however late they arrive. */
export class HeatMap {
  /** By their first second. */
  #columns = new Map<number, Column>();
  #step = 1;
  #first = Infinity;
  #newest = -Infinity;

  /** Sets what a second counts. @param before what it has counted until now; `null` for nothing. */
  replace(second: number, before: HeatCells | null, now: HeatCells): void {
    this.#extend(second);
    const column = this.#columnAt(second);
    column.text = null;
    for (let index = 0; index < CELLS; index++) {
      column.cells[index] = column.cells[index]! + now[index]! - (before?.[index] ?? 0);
    }
  }

  /** The columns with counts, in order. They are not changed later. */
  rows(): LatencyHeatMap {
    const columns = [...this.#columns].sort(([a], [b]) => a - b)
      .map(([second, column]) => ({ second, text: column.text ??= textOf(column.cells) }))
      .filter(({ text }) => text !== "");
    return {
      stepSeconds: this.#step,
      seconds: columns.map(({ second }) => second),
      histograms: columns.map(({ text }) => text),
    };
  }

  #extend(second: number): void {
    this.#first = Math.min(this.#first, second);
    this.#newest = Math.max(this.#newest, second);
    const count = (): number =>
      Math.floor(this.#newest / this.#step) - Math.floor(this.#first / this.#step) + 1;
    if (count() <= MAX_COLUMNS) return;
    while (count() > MAX_COLUMNS) this.#step *= 2;
    const before = this.#columns;
    this.#columns = new Map();
    for (const [start, { cells }] of before) {
      const column = this.#columnAt(start);
      for (let index = 0; index < CELLS; index++) {
        column.cells[index] = column.cells[index]! + cells[index]!;
      }
    }
  }

  #columnAt(second: number): Column {
    const start = second - second % this.#step;
    const known = this.#columns.get(start);
    if (known !== undefined) return known;
    const created: Column = { cells: new Float64Array(CELLS), text: null };
    this.#columns.set(start, created);
    return created;
  }
}

function textOf(cells: HeatCells): string {
  return packedBuckets(bucketsOf(cells), { first: 0, last: Histogram.BUCKETS - 1 }).toBase64();
}

function* bucketsOf(cells: HeatCells): Generator<readonly [index: number, count: number]> {
  for (let index = 0; index < CELLS; index++) {
    if (cells[index]! > 0) yield [index << MERGED_BITS, cells[index]!];
  }
}
