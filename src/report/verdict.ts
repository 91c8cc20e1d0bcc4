/**
 * The words and marks for the result of a run: its verdict, its thresholds, and the breaking point that it
 * found.
 *
 * @module
 */

import { ExitCode } from "../core/errors.ts";
import {
  type BreakingPoint,
  type CheckRow,
  errorCounts,
  type ReportedLoad,
  type RequestTotals,
  type Snapshot,
  type ThresholdRow,
} from "../stats/snapshot.ts";
import { runEndFact } from "../stats/run_end.ts";
import { failedThresholds, observedText } from "../stats/thresholds.ts";
import {
  formatAge,
  formatAmount,
  formatCount,
  formatExact,
  formatRate,
  formatShare,
} from "./quantity.ts";
import { type Span, span } from "./terminal.ts";
import { isPresent } from "./worker_counts.ts";

/** How a run ended, or how it is going. */
export interface Verdict {
  /** `PASSED`, `FAILED` or `NOTHING MEASURED`; before the end `RUNNING` or `NOT STARTED`. */
  readonly word: Span;
  /** The reasons. */
  readonly facts: string;
}

/**
 * The verdict on a run.
 *
 * @param exitCode what the process is about to return; `null` if the run is still going.
 */
export function verdict(snapshot: Snapshot, exitCode: number | null): Verdict {
  const { totals, userErrors } = snapshot.statistics;
  const { thrown, unsent } = errorCounts(userErrors);
  const isGoing = exitCode === null;
  const facts = [
    requestsFact(totals),
    ...unfinishedFacts(totals),
    ...(unsent > 0 ? [unsentFact(unsent)] : []),
    ...(thrown > 0 ? [formatAmount(thrown, "user error")] : []),
    ...checkFacts(snapshot.statistics.checks),
    ...thresholdFacts(snapshot),
    ...(snapshot.runEnd === null ? [] : [runEndFact(snapshot.runEnd)]),
    ...(snapshot.interrupted ? [INTERRUPTED_FACT] : []),
    ...(isGoing ? [GOING_FACT] : []),
    // Before the first user started, there was nothing to count.
    ...(snapshot.complete || isGoing || snapshot.startedAt === null
      ? []
      : [incompleteFact(snapshot)]),
    ...(exitCode === ExitCode.cluster ? workerFacts(snapshot) : []),
  ].join(", ");
  if (isGoing) {
    const word = snapshot.state === "ready" ? "NOT STARTED" : "RUNNING";
    return { word: span(word, "warning"), facts };
  }
  if (snapshot.startedAt === null && exitCode === ExitCode.interrupted) {
    return { word: span("NOTHING MEASURED", "warning"), facts: `${facts} (exit code ${exitCode})` };
  }
  if (exitCode !== 0) {
    return { word: span("FAILED", "bad"), facts: `${facts} (exit code ${exitCode})` };
  }
  if (totals.requests === 0) return { word: span("NOTHING MEASURED", "warning"), facts };
  return { word: span("PASSED", "good"), facts };
}

/** A signal has ended the run. */
export const INTERRUPTED_FACT = "the run was interrupted";

/** A report of a run that was killed, or goes on. */
export const GOING_FACT = "the run was still going when this was written";

/** The mark of a verdict, which tells it without colors. */
export function verdictMark({ tone }: Verdict["word"]): Span {
  return span(tone === "good" ? "✓" : tone === "bad" ? "✗" : "!", tone);
}

/** Requests that the load generator could not send. */
export function unsentFact(unsent: number): string {
  return `${formatAmount(unsent, "request")} could not be sent by the load generator`;
}

/** The most thresholds that a verdict names. Their table has all of them. */
const THRESHOLDS_NAMED = 3;

function requestsFact({ requests, failures, errorRate, unfinished }: RequestTotals): string {
  if (requests === 0) return unfinished.count > 0 ? "no request was answered" : "no requests";
  if (failures === 0) return `${formatAmount(requests, "request")}, no failures`;
  const all = formatAmount(requests, "request");
  return `${formatExact(failures)} of ${all} failed (${formatShare(errorRate)})`;
}

function unfinishedFacts({ unfinished: { count, oldestMs } }: RequestTotals): string[] {
  return oldestMs === null
    ? []
    : [`${formatExact(count)} unfinished (oldest ${formatAge(oldestMs)})`];
}

/** A failed check is not a failure: only a threshold makes it one. */
function checkFacts(checks: readonly CheckRow[]): string[] {
  const failed = checks.reduce((sum, row) => sum + row.failed, 0);
  const all = checks.reduce((sum, row) => sum + row.passed, failed);
  return failed === 0 ? [] : [`${formatExact(failed)} of ${formatAmount(all, "check")} failed`];
}

/** The thresholds that were crossed, and the breaking point. */
function thresholdFacts(snapshot: Snapshot): string[] {
  const { breakingPoint, startedAt, state, thresholds: { length: all } } = snapshot;
  const failed = failedThresholds(snapshot);
  const named = failed.slice(0, THRESHOLDS_NAMED)
    .map((row) => `${row.expression} (${observedText(row)})`);
  const more = failed.length - named.length;
  const rest = more > 0 ? `, and ${formatCount(more)} more` : "";
  // Before the end, any threshold may still be crossed.
  const isJudged = state === "stopped" && startedAt !== null;
  const held = failed.length === 0 && breakingPoint === null && all > 0 && isJudged;
  return [
    ...(held ? [`${all > 1 ? "all " : ""}${formatAmount(all, "threshold")} held`] : []),
    ...(breakingPoint === null ? [] : [breakingPointFact(breakingPoint)]),
    ...(failed.length === 0 ? [] : [
      `${failed.length === 1 ? "threshold" : "thresholds"} crossed: ${named.join(", ")}${rest}`,
    ]),
  ];
}

function incompleteFact({ mode, workers }: Snapshot): string {
  const incomplete = workers.filter(({ complete }) => !complete).length;
  if (mode === "local" || incomplete === 0) return "counts incomplete";
  const all = formatAmount(workers.length, "worker");
  return `counts incomplete for ${formatCount(incomplete)} of ${all}`;
}

/** Whether workers were missing. */
function workerFacts({ startedAt, expectedWorkers, workers }: Snapshot): string[] {
  if (expectedWorkers === null) return [];
  const present = workers.filter(isPresent).length;
  if (startedAt === null && present < expectedWorkers) {
    return [`only ${formatCount(present)} of ${formatAmount(expectedWorkers, "worker")} joined`];
  }
  return present === 0 ? ["no workers left"] : [];
}

/** The state of a threshold: a tick, a cross, or a dot if it has no sample yet or is not judged. */
export function thresholdMark(
  { observed, passed }: Pick<ThresholdRow, "observed" | "passed">,
): Span {
  if (passed === false) return span("✗", "bad");
  return observed === null ? span("·", "quiet") : span("✓", "good");
}

/** The breaking point that a run found, as a sentence. */
export function breakingPointText(point: BreakingPoint): string {
  const fact = breakingPointFact(point);
  return `${fact[0]!.toUpperCase()}${fact.slice(1)}.`;
}

/** The breaking point that a run found, as a part of a sentence. */
export function breakingPointFact(
  { className, passed, broke, threshold }: BreakingPoint,
): string {
  const of = className === null ? "" : ` of ${className}`;
  if (broke === null) {
    return passed === null
      ? `no load${of} ran long enough to be judged`
      : `every load${of} up to ${loadText(passed)} passed`;
  }
  const broken = threshold === null ? "did not pass" : `crossed ${threshold}`;
  if (passed === null) {
    return className === null
      ? `the first load of ${loadText(broke)} ${broken}`
      : `the first load${of}, ${loadText(broke)}, ${broken}`;
  }
  return `${loadText(passed)}${of} passed, ${loadText(broke)} ${broken}`;
}

/** A load: users, or iterations per second in the open model. */
export function loadText({ users, arrivalRate }: ReportedLoad): string {
  return arrivalRate === null
    ? formatAmount(users, "user")
    : `${formatAskedRate(arrivalRate)} iterations/s`;
}

/** A rate that the user gave, without its unit. Whole numbers have no decimals. */
export function formatAskedRate(rate: number): string {
  return Number.isInteger(rate) ? formatCount(rate) : formatRate(rate);
}
