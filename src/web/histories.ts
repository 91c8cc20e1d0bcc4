/**
 * The histories of names, classes and groups and the heat map as pages receive them, and what changes in them.
 *
 * @module
 */

import type { History, LatencyHeatMap } from "../stats/snapshot.ts";

/** What identifies a history. */
export type HistoryKey = Pick<History, "kind" | "method" | "name">;

/** All histories, in numbers that are no longer than what charts show. */
export function liveHistories(histories: readonly History[]): History[] {
  return histories.map((history) => rowsOf(history, history.seconds.map((_, index) => index)));
}

/** The histories of an update. */
export interface HistoryChanges {
  /** The rows that are new or have changed. If its steps have another length, a history is replaced. */
  readonly changed: readonly History[];
  /** All histories there are now, in their order; `null` if they are the same as before. */
  readonly keys: readonly HistoryKey[] | null;
}

/** The changes between the histories of two moments; `null` if rows have disappeared. */
export function historyChanges(
  before: readonly History[],
  now: readonly History[],
): HistoryChanges | null {
  const old = new Map(before.map((history) => [historyKey(history), history]));
  const changed: History[] = [];
  for (const history of now) {
    const known = old.get(historyKey(history));
    if (known === undefined || known.stepSeconds !== history.stepSeconds) {
      changed.push(...liveHistories([history]));
      continue;
    }
    const rows = changedRows(known, history);
    if (rows === null) return null;
    if (rows.length > 0) changed.push(rowsOf(history, rows));
  }
  const isSame = before.length === now.length &&
    now.every((history, index) => historyKey(history) === historyKey(before[index]!));
  const keys = isSame
    ? null
    : now.map(({ kind, method, name }): HistoryKey => ({ kind, method, name }));
  return { changed, keys };
}

function historyKey({ kind, method, name }: HistoryKey): string {
  return JSON.stringify([kind, method, name]);
}

/** The indexes of the rows that are new or have changed; `null` if rows have disappeared. */
function changedRows(before: History, now: History): number[] | null {
  const rows: number[] = [];
  let old = 0;
  for (let index = 0; index < now.seconds.length; index++) {
    if (before.seconds[old] === now.seconds[index]) {
      // Percentiles only change with the number of requests.
      const isSame = before.requests[old] === now.requests[index] &&
        before.failures[old] === now.failures[index] && before.users?.[old] === now.users?.[index];
      old++;
      if (isSame) continue;
    }
    rows.push(index);
  }
  return old === before.seconds.length ? rows : null;
}

function rowsOf(history: History, indexes: readonly number[]): History {
  const { kind, method, name, stepSeconds, seconds, requests, failures, users } = history;
  const digits = (column: readonly (number | null)[]): (number | null)[] =>
    indexes.map((index) => threeDigits(column[index]!));
  return {
    ...{ kind, method, name, stepSeconds },
    seconds: indexes.map((index) => seconds[index]!),
    requests: indexes.map((index) => requests[index]!),
    failures: indexes.map((index) => failures[index]!),
    p50: digits(history.p50),
    p95: digits(history.p95),
    p99: digits(history.p99),
    users: users === null ? null : indexes.map((index) => Math.round(users[index]! * 10) / 10),
  };
}

/** To three significant digits and at most three decimals. */
function threeDigits(ms: number | null): number | null {
  if (ms === null) return null;
  const factor = ms >= 100 ? 1 : ms >= 10 ? 10 : ms >= 1 ? 100 : 1000;
  return Math.round(ms * factor) / factor;
}

/**
 * The columns of a heat map that are new or have changed: all of them if their length has changed, and `null`
 * if there are none, or columns have disappeared, which they do together with the seconds of the timeline.
 */
export function heatChanges(before: LatencyHeatMap, now: LatencyHeatMap): LatencyHeatMap | null {
  if (before === now) return null;
  if (before.stepSeconds !== now.stepSeconds) return now;
  const seconds: number[] = [];
  const histograms: string[] = [];
  let old = 0;
  for (const [index, second] of now.seconds.entries()) {
    const histogram = now.histograms[index]!;
    while (old < before.seconds.length && before.seconds[old]! < second) old++;
    if (before.seconds[old] === second && before.histograms[old] === histogram) continue;
    seconds.push(second);
    histograms.push(histogram);
  }
  return seconds.length === 0 ? null : { stepSeconds: now.stepSeconds, seconds, histograms };
}
