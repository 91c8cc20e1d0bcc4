import type { Snapshot } from "../stats/snapshot.ts";
import { formatAmount, formatExact, formatShare } from "./quantity.ts";
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
  const facts = [
    requestsFact(totals.requests, totals.failures, totals.errorRate),
    ...(thrown > 0 ? [formatAmount(thrown, "user error")] : []),
    ...(snapshot.complete ? [] : ["counts incomplete"]),
  ].join(", ");
  if (exitCode !== 0) {
    return { word: span("FAILED", "bad"), facts: `${facts} (exit code ${exitCode})` };
  }
  if (totals.requests === 0) return { word: span("NOTHING MEASURED", "warning"), facts };
  return { word: span("PASSED", "good"), facts };
}

function requestsFact(requests: number, failures: number, errorRate: number): string {
  if (requests === 0) return "no requests";
  if (failures === 0) return `${formatAmount(requests, "request")}, no failures`;
  const all = formatAmount(requests, "request");
  return `${formatExact(failures)} of ${all} failed (${formatShare(errorRate)})`;
}
