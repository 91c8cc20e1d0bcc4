/**
 * Many measurements made into one row a contender, and the rows into a table.
 *
 * @module
 */

import type { Measurement } from "./measurement.ts";

/** Medians over a contender's runs. */
export interface Row {
  readonly name: string;
  readonly rate: number;
  /** Its own number; null where it prints none. */
  readonly ownRate: number | null;
  readonly cpuMicroseconds: number;
  readonly peakBytes: number;
  /** Requests that nginx served and the contender did not count, most of all runs. */
  readonly uncounted: number;
  readonly runs: readonly Measurement[];
}

/** The middle of some numbers, at least one; of an even count, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** The row of a contender that ran at least once. */
export function toRow(name: string, runs: readonly Measurement[]): Row {
  const ownRates = runs.map(({ own }) => own.rate).filter((rate) => rate !== null);
  return {
    name,
    rate: median(runs.map(({ rate }) => rate)),
    ownRate: ownRates.length > 0 ? median(ownRates) : null,
    cpuMicroseconds: median(runs.map((run) => run.cpuMicroseconds)),
    peakBytes: Math.max(...runs.map((run) => run.peakBytes)),
    uncounted: Math.max(...runs.map(({ served, own }) => served - own.requests)),
    runs,
  };
}

/** How one contender does beside another. */
export interface Share {
  /** Its rate over the other's. */
  readonly rate: number;
  /** The other's processor time for a request over its own: the rate's share, were the core all theirs. */
  readonly cpu: number;
}

/** One contender beside another, or null where one of them did not run. */
export function share(rows: readonly Row[], name: string, of: string): Share | null {
  const rowOf = (wanted: string): Row | undefined => rows.find((row) => row.name === wanted);
  const [one, other] = [rowOf(name), rowOf(of)];
  if (one === undefined || other === undefined) return null;
  return { rate: one.rate / other.rate, cpu: other.cpuMicroseconds / one.cpuMicroseconds };
}

/** The rows as lines of text. */
export function tableOf(rows: readonly Row[], of: string): string {
  const head = ["", "req/s", "own", `of ${of}`, "CPU µs/req", "core", "peak MB", "uncounted"];
  const lines = rows.map((row) => [
    row.name,
    row.rate.toFixed(0),
    row.ownRate?.toFixed(0) ?? "-",
    share(rows, row.name, of)?.rate.toFixed(3) ?? "-",
    row.cpuMicroseconds.toFixed(1),
    `${(row.rate * row.cpuMicroseconds / 1e4).toFixed(0)} %`,
    (row.peakBytes / 1e6).toFixed(0),
    String(row.uncounted),
  ]);
  const [first, ...others] = head.map((_, at) =>
    Math.max(...[head, ...lines].map((line) => line[at]!.length))
  );
  return [head, ...lines].map((line) =>
    [line[0]!.padEnd(first!), ...line.slice(1).map((cell, at) => cell.padStart(others[at]!))]
      .join("  ")
  ).join("\n");
}
