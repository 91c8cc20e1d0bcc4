/**
 * What has changed in a run from one moment to the next: all that a page is sent once it has seen it
 * whole.
 *
 * @module
 */

import { compactSummary } from "../report/summary.ts";
import type { RequestRow, Snapshot, TimelineSecond } from "../stats/snapshot.ts";
import type { LiveUpdate } from "./live_view.ts";

/** An update, but for what the run alone knows nothing of. */
export type Changes = Omit<LiveUpdate, "live" | "exitCode">;

/**
 * The changes from one moment to a later one; null where a page had better be sent the whole: the state
 * is another one, or something that was counted has been dropped.
 */
export function liveChanges(before: Snapshot, now: Snapshot): Changes | null {
  if (before.runId !== now.runId || before.state !== now.state) return null;
  if (before.startedAt !== now.startedAt) return null;
  const [old, fresh] = [before.statistics, now.statistics];
  const requests = changedRows(old.requests, fresh.requests);
  const timeline = changedSeconds(old.timeline, fresh.timeline);
  if (requests === null || timeline === null) return null;
  const failures = fresh.failures.length !== old.failures.length ||
    countOf(fresh.failures) !== countOf(old.failures);
  const userErrors = fresh.userErrors.length !== old.userErrors.length ||
    countOf(fresh.userErrors) !== countOf(old.userErrors);
  // Only what has changed is made into what is sent.
  const summary = compactSummary({
    ...now,
    workers: [],
    statistics: {
      ...fresh,
      requests,
      timeline,
      failures: failures ? fresh.failures : [],
      userErrors: userErrors ? fresh.userErrors : [],
    },
  }, "");
  return {
    durationSeconds: summary.durationSeconds,
    complete: summary.complete,
    users: summary.users,
    totals: summary.totals,
    requests: summary.requests,
    failures: failures ? summary.failures : null,
    userErrors: userErrors ? summary.userErrors : null,
    thresholds: sameJson(before.thresholds, now.thresholds) ? null : summary.thresholds,
    warnings: sameJson(before.warnings, now.warnings) ? null : summary.warnings,
    iterations: sameJson(old.iterations, fresh.iterations) ? null : summary.iterations,
    breakingPoint: sameJson(before.breakingPoint, now.breakingPoint) ? null : summary.breakingPoint,
    timeline: summary.timeline,
  };
}

/** Rows whose counts are not what they were, and new ones; null where one is gone or has shrunk. */
function changedRows(
  before: readonly RequestRow[],
  now: readonly RequestRow[],
): RequestRow[] | null {
  const changed: RequestRow[] = [];
  // Both are in the same order: a row that is not next among the old ones is new.
  let at = 0;
  for (const row of now) {
    const old = before[at];
    if (old === undefined || old.name !== row.name || old.method !== row.method) {
      changed.push(row);
      continue;
    }
    at++;
    if (row.requests < old.requests) return null;
    // Whatever is counted is counted with a request.
    if (row.requests > old.requests) changed.push(row);
  }
  return at === before.length ? changed : null;
}

/** Seconds that are not what they were, and new ones; null where one is gone. */
function changedSeconds(
  before: readonly TimelineSecond[],
  now: readonly TimelineSecond[],
): TimelineSecond[] | null {
  const changed: TimelineSecond[] = [];
  let at = 0;
  for (const second of now) {
    const old = before[at];
    const isKnown = old !== undefined && old.second === second.second;
    if (isKnown) at++;
    // A second that nothing was added to stays the same object.
    if (old !== second) changed.push(second);
  }
  return at === before.length ? changed : null;
}

function countOf(rows: readonly { readonly count: number }[]): number {
  let sum = 0;
  for (const { count } of rows) sum += count;
  return sum;
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
