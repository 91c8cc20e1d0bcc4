/**
 * Summarises measurements to one row per contender, and formats the rows as a table.
 *
 * @module
 */

import type { Measurement } from "./measurement.ts";
import type { ContenderName, Goal } from "./scenario.ts";

/** The medians of a contender's runs. */
export interface Row {
  readonly name: ContenderName;
  readonly rate: number;
  /** The rate that the contender itself reports. */
  readonly ownRate: number;
  readonly cpuMicroseconds: number;
  /** The share of its core that nginx used. */
  readonly targetCore: number;
  readonly residentBytes: number;
  /** The maximum over all runs. */
  readonly peakBytes: number;
  /** Requests that nginx served and the contender did not count; the maximum over all runs. */
  readonly uncounted: number;
  readonly runs: readonly Measurement[];
}

/** A contender compared with another one and with its goal. */
export interface Verdict extends Goal {
  /** Its rate divided by the other's. */
  readonly measured: number;
  /** The other's processor time per request divided by its own: the ratio of rates on a full core. */
  readonly byCpu: number;
  readonly peakMegabytes: number;
}

/** The median of at least one number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** The row of a contender that ran at least once. */
export function toRow(name: ContenderName, runs: readonly Measurement[]): Row {
  const medianOf = (value: (run: Measurement) => number): number => median(runs.map(value));
  return {
    name,
    rate: medianOf(({ rate }) => rate),
    ownRate: medianOf(({ own }) => own.rate),
    cpuMicroseconds: medianOf((run) => run.cpuMicroseconds),
    targetCore: medianOf((run) => run.targetCore),
    residentBytes: medianOf(({ memory }) => memory.resident),
    peakBytes: Math.max(...runs.map(({ memory }) => memory.peak)),
    uncounted: Math.max(...runs.map(({ served, own }) => served - own.requests)),
    runs,
  };
}

/** Compares the goals whose contenders have both run with the measurements. */
export function judge(rows: readonly Row[], goals: readonly Goal[]): Verdict[] {
  return goals.flatMap((goal) => {
    const one = rows.find(({ name }) => name === goal.contender);
    const other = rows.find(({ name }) => name === goal.of);
    if (one === undefined || other === undefined) return [];
    return [{
      ...goal,
      measured: one.rate / other.rate,
      byCpu: other.cpuMicroseconds / one.cpuMicroseconds,
      peakMegabytes: one.peakBytes / 1e6,
    }];
  });
}

/** Formats a verdict as a line. */
export function verdictText(verdict: Verdict): string {
  const { contender, of, share, memory, measured, byCpu, peakMegabytes } = verdict;
  const rate =
    `${contender} has ${measured.toFixed(3)} of ${of}'s rate (goal ${share.toFixed(2)}: ` +
    `${measured >= share ? "met" : "MISSED"}; by processor time ${byCpu.toFixed(3)})`;
  if (memory === null) return rate;
  return `${rate}, ${peakMegabytes.toFixed(0)} MB at most ` +
    `(goal ${memory}: ${peakMegabytes <= memory ? "met" : "MISSED"})`;
}

/** Formats the rows as lines, with rates relative to the first row. */
export function tableOf(rows: readonly Row[]): string {
  const reference = rows[0]!;
  const head = ["", "req/s", "own", `of ${reference.name}`, "CPU µs/req", "core", "nginx", "MB"]
    .concat("peak MB", "uncounted");
  const lines = rows.map((row) => [
    row.name,
    row.rate.toFixed(0),
    row.ownRate.toFixed(0),
    (row.rate / reference.rate).toFixed(3),
    row.cpuMicroseconds.toFixed(1),
    `${(row.rate * row.cpuMicroseconds / 1e4).toFixed(0)} %`,
    `${(row.targetCore * 100).toFixed(0)} %`,
    (row.residentBytes / 1e6).toFixed(0),
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
