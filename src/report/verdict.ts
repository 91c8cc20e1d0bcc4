import { ExitCode } from "../core/errors.ts";
import type { BreakingPoint, ReportedLoad, RequestTotals, Snapshot } from "../stats/snapshot.ts";
import { failedThresholds, observedText } from "../stats/thresholds.ts";
import { formatAmount, formatCount, formatExact, formatRate, formatShare } from "./quantity.ts";
import { type Span, span } from "./terminal.ts";
import { isPresent } from "./worker_counts.ts";

/**
 * A load in words; of the open model, passes that start a second.
 */
export function loadText({ users, arrivalRate }: ReportedLoad): string {
  return arrivalRate === null
    ? formatAmount(users, "user")
    : `${formatAskedRate(arrivalRate)} passes/s`;
}

/** A rate that somebody has asked for, without its unit: a whole number stays one. */
export function formatAskedRate(rate: number): string {
  return Number.isInteger(rate) ? formatCount(rate) : formatRate(rate);
}

/** How a run ended. */
export interface Verdict {
  /** Passed or failed. */
  readonly word: Span;
  /** What speaks for it. */
  readonly facts: string;
}

/** Judges a run by what the process is about to exit with. */
export function verdict(snapshot: Snapshot, exitCode: number): Verdict {
  const { totals, userErrors } = snapshot.statistics;
  const thrown = userErrors.reduce((sum, { count }) => sum + count, 0);
  const facts = [
    requestsFact(totals),
    ...(thrown > 0 ? [formatAmount(thrown, "user error")] : []),
    ...thresholdFacts(snapshot),
    // Before the first user started there was nothing to count.
    ...(snapshot.complete || snapshot.startedAt === null ? [] : [incompleteFact(snapshot)]),
    ...(exitCode === ExitCode.cluster ? workerFacts(snapshot) : []),
  ].join(", ");
  if (exitCode !== 0) {
    return { word: span("FAILED", "bad"), facts: `${facts} (exit code ${exitCode})` };
  }
  if (totals.requests === 0) return { word: span("NOTHING MEASURED", "warning"), facts };
  return { word: span("PASSED", "good"), facts };
}

/** A verdict is a sentence; the table of thresholds has all of them. */
const THRESHOLDS_NAMED = 3;

function requestsFact({ requests, failures, errorRate }: RequestTotals): string {
  if (requests === 0) return "no requests";
  if (failures === 0) return `${formatAmount(requests, "request")}, no failures`;
  const all = formatAmount(requests, "request");
  return `${formatExact(failures)} of ${all} failed (${formatShare(errorRate)})`;
}

/** Which thresholds were crossed, and what a load has shown that was raised until one was. */
function thresholdFacts(snapshot: Snapshot): string[] {
  const { breakingPoint, state, thresholds: { length: all } } = snapshot;
  const failed = failedThresholds(snapshot);
  const named = failed.slice(0, THRESHOLDS_NAMED)
    .map((row) => `${row.expression} (${observedText(row)})`);
  const more = failed.length - named.length;
  const rest = more > 0 ? `, and ${formatCount(more)} more` : "";
  // Before the end, none is held for good.
  const held = failed.length === 0 && breakingPoint === null && all > 0 && state === "stopped";
  return [
    ...(held ? [`${all > 1 ? "all " : ""}${formatAmount(all, "threshold")} held`] : []),
    ...(breakingPoint === null ? [] : [breakingFact(breakingPoint)]),
    ...(failed.length === 0 ? [] : [
      `${failed.length === 1 ? "threshold" : "thresholds"} crossed: ${named.join(", ")}${rest}`,
    ]),
  ];
}

function breakingFact({ passed, broke, threshold }: BreakingPoint): string {
  const cause = threshold === null ? "" : ` ${threshold}`;
  if (broke === null) {
    return passed === null ? "no load was judged" : `nothing broke up to ${loadText(passed)}`;
  }
  const broken = `${loadText(broke)} broke${cause}`;
  return passed === null
    ? `the first load of ${broken}`
    : `${loadText(passed)} passed and ${broken}`;
}

function incompleteFact({ mode, workers }: Snapshot): string {
  const incomplete = workers.filter(({ complete }) => !complete).length;
  if (mode === "local" || incomplete === 0) return "counts incomplete";
  const all = formatAmount(workers.length, "worker");
  return `counts incomplete for ${formatCount(incomplete)} of ${all}`;
}

/** Which workers a run would have needed, and did not have. */
function workerFacts({ startedAt, expectedWorkers, workers }: Snapshot): string[] {
  if (expectedWorkers === null) return [];
  const present = workers.filter(isPresent).length;
  if (startedAt === null && present < expectedWorkers) {
    return [`only ${formatCount(present)} of ${formatAmount(expectedWorkers, "worker")} came`];
  }
  return present === 0 ? ["no worker was left"] : [];
}

/**
 * What a run that raised its load until something broke has found, as a sentence.
 */
export function breakingPointText({ passed, broke, threshold }: BreakingPoint): string {
  if (broke === null) {
    return passed === null
      ? "No load was held for long enough to be judged."
      : `Every load passed, the highest with ${loadText(passed)}.`;
  }
  const crossed = `${loadText(broke)} ${threshold === null ? "did not" : `crossed ${threshold}`}`;
  return passed === null
    ? `Not even the first load passed: ${crossed}.`
    : `The highest load that passed: ${loadText(passed)}; ${crossed}.`;
}
