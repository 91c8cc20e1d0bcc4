/**
 * Summarises measurements to one row per contender, and formats the rows as a table.
 *
 * @module
 */

import { TOLERATED } from "./disturbance.ts";
import type { Measurement } from "./measurement.ts";
import type { ContenderName } from "./scenario.ts";
import { littleDeviation } from "./user_figures.ts";

/** The medians of a contender's runs. */
export interface Row {
  readonly name: ContenderName;
  readonly rate: number;
  /** The rate that the contender itself reports. */
  readonly ownRate: number;
  readonly cpuMicroseconds: number;
  readonly instructions: number | null;
  /** The share of its core that nginx used. */
  readonly targetCore: number;
  readonly residentBytes: number;
  /** The maximum over all runs. */
  readonly peakBytes: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** How far the reported mean is from users ÷ the reported rate. */
  readonly meanDeviation: number | null;
  /** How far the reported median is from users ÷ the rate that nginx served. */
  readonly p50Deviation: number | null;
  readonly fairness: number | null;
  /** By error, the maximum over all runs. */
  readonly failures: Readonly<Record<string, number>>;
  /** Requests that nginx served and the contender did not count; the maximum over all runs. */
  readonly uncounted: number;
  /** How many of the runs were disturbed. Unless most were, the medians leave them out. */
  readonly disturbed: number;
  readonly runs: readonly Measurement[];
}

/** The median of at least one number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** Whether other programs used more of the cores than is tolerated. */
export function isDisturbed({ disturbed }: Measurement): boolean {
  return disturbed > TOLERATED;
}

/** The runs that count: those that were not disturbed, or all if fewer than `enough` were not. */
export function countedRuns(runs: readonly Measurement[], enough: number): readonly Measurement[] {
  const quiet = runs.filter((run) => !isDisturbed(run));
  return quiet.length >= enough ? quiet : runs;
}

/**
 * The row of a contender that ran at least once.
 *
 * @param users how many users each run had.
 * @param planned how many runs there should have been; more than half of them must be undisturbed.
 */
export function toRow(
  name: ContenderName,
  runs: readonly Measurement[],
  { users, planned }: { readonly users: number; readonly planned: number },
): Row {
  const counted = countedRuns(runs, Math.floor(planned / 2) + 1);
  const medianOf = (value: (run: Measurement) => number): number => median(counted.map(value));
  const knownMedian = (value: (run: Measurement) => number | null): number | null => {
    const known = counted.map(value).filter((figure) => figure !== null);
    return known.length === 0 ? null : median(known);
  };
  const failures: Record<string, number> = {};
  for (const { own } of runs) {
    for (const [error, count] of Object.entries(own.failures)) {
      failures[error] = Math.max(failures[error] ?? 0, count);
    }
  }
  return {
    name,
    rate: medianOf(({ rate }) => rate),
    ownRate: medianOf(({ own }) => own.rate),
    cpuMicroseconds: medianOf((run) => run.cpuMicroseconds),
    instructions: knownMedian((run) => run.instructions),
    targetCore: medianOf((run) => run.targetCore),
    residentBytes: medianOf(({ memory }) => memory.resident),
    peakBytes: Math.max(...runs.map(({ memory }) => memory.peak)),
    p50Ms: knownMedian(({ own }) => own.p50Ms),
    p99Ms: knownMedian(({ own }) => own.p99Ms),
    meanDeviation: knownMedian(({ own }) =>
      own.meanMs === null ? null : littleDeviation(own.meanMs, users, own.rate)
    ),
    p50Deviation: knownMedian(({ own, rate }) =>
      own.p50Ms === null ? null : littleDeviation(own.p50Ms, users, rate)
    ),
    fairness: knownMedian(({ own }) => own.fairness),
    failures,
    uncounted: Math.max(...runs.map(({ served, own }) => served - own.requests)),
    disturbed: runs.filter(isDisturbed).length,
    runs,
  };
}

const COLUMNS: Readonly<Record<string, (row: Row, reference: Row) => string>> = {
  "": ({ name }) => name,
  "req/s": ({ rate }) => rate.toFixed(0),
  "own": ({ ownRate }) => ownRate.toFixed(0),
  "share": ({ rate }, reference) => (rate / reference.rate).toFixed(3),
  "CPU µs/req": ({ cpuMicroseconds }) => cpuMicroseconds.toFixed(2),
  "instr/req": ({ instructions }) => instructions?.toFixed(0) ?? "",
  "core": ({ rate, cpuMicroseconds }) => percent(rate * cpuMicroseconds / 1e6),
  "nginx": ({ targetCore }) => percent(targetCore),
  "peak MB": ({ peakBytes }) => (peakBytes / 1e6).toFixed(0),
  "p50 ms": ({ p50Ms }) => p50Ms?.toFixed(2) ?? "",
  "p99 ms": ({ p99Ms }) => p99Ms?.toFixed(2) ?? "",
  "mean±": ({ meanDeviation }) => deviationText(meanDeviation),
  "p50±": ({ p50Deviation }) => deviationText(p50Deviation),
  "fair": ({ fairness }) => fairness?.toFixed(2) ?? "",
  "fails": ({ failures }) => failureText(failures),
  "uncounted": ({ uncounted }) => String(uncounted),
  "disturbed": ({ disturbed, runs }) => disturbed === 0 ? "" : `${disturbed} of ${runs.length}`,
};

/** Formats the rows as lines, with rates relative to the first row. Columns without figures are left out. */
export function tableOf(rows: readonly Row[]): string {
  const columns = Object.entries(COLUMNS)
    .map(([head, cell]) => [head, ...rows.map((row) => cell(row, rows[0]!))])
    .filter(([, ...cells]) => cells.some((cell) => cell !== ""));
  return textTable(columns[0]!.map((_, line) => columns.map((column) => column[line]!)));
}

/** Aligns cells. @param left how many columns are aligned to the left; the others are to the right. */
export function textTable(lines: readonly (readonly string[])[], left = 1): string {
  const widths = lines[0]!.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  return lines.map((line) =>
    line.map((cell, at) => at < left ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))
      .join("  ").trimEnd()
  ).join("\n");
}

/** Formats failures by error: "0", or "3 CONNECT_TIMEOUT, 1 ECONNRESET". */
export function failureText(failures: Readonly<Record<string, number>>): string {
  const parts = Object.entries(failures).map(([error, count]) => `${count} ${error}`);
  return parts.length === 0 ? "0" : parts.join(", ");
}

/** Formats a deviation in percent, with its sign. */
export function deviationText(deviation: number | null): string {
  if (deviation === null) return "";
  return `${deviation < 0 ? "−" : "+"}${Math.abs(deviation * 100).toFixed(1)} %`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
