import { ExitCode } from "../core/exit_code.ts";
import type { RequestTotals, Snapshot } from "../stats/snapshot.ts";
import { isPresent } from "./attendance.ts";
import { formatAmount, formatCount, formatExact, formatShare } from "./quantity.ts";
import { type Span, span } from "./styled_line.ts";

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
  const explained = totals.failures > 0 || thrown > 0;
  const facts = [
    requestsFact(totals),
    ...(thrown > 0 ? [formatAmount(thrown, "user error")] : []),
    // Requests and users that failed may exit with any code, so there it says nothing more.
    ...(exitCode === THRESHOLD_CROSSED && !explained ? ["a threshold was crossed"] : []),
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

/** What the process exits with when a threshold was crossed. */
const THRESHOLD_CROSSED = 3;

function requestsFact({ requests, failures, errorRate }: RequestTotals): string {
  if (requests === 0) return "no requests";
  if (failures === 0) return `${formatAmount(requests, "request")}, no failures`;
  const all = formatAmount(requests, "request");
  return `${formatExact(failures)} of ${all} failed (${formatShare(errorRate)})`;
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
