import type { Snapshot } from "../stats/snapshot.ts";
import { formatElapsed, formatExact, formatShare } from "./quantity.ts";
import { type Span, span } from "./styled_line.ts";

/** How a run ended, in a line: passed or failed, and what speaks for it. */
export function verdict(snapshot: Snapshot, exitCode: number): Span[] {
  const { totals, userErrors } = snapshot.statistics;
  const thrown = userErrors.reduce((sum, { count }) => sum + count, 0);
  const facts = [
    requestsFact(totals.requests, totals.failures, totals.errorRate),
    ...(thrown > 0 ? [counted(thrown, "user error")] : []),
    ...(snapshot.complete ? [] : ["counts are incomplete"]),
  ];
  const text = `${facts.join(", ")} in ${formatElapsed(snapshot.durationSeconds)}`;
  if (exitCode !== 0) return [span("FAILED", "bad"), span(`  ${text} (exit code ${exitCode})`)];
  if (totals.requests === 0) return [span("NOTHING MEASURED", "warning"), span(`  ${text}`)];
  return [span("PASSED", "good"), span(`  ${text}`)];
}

function requestsFact(requests: number, failures: number, errorRate: number): string {
  if (requests === 0) return "no requests";
  if (failures === 0) return `${counted(requests, "request")}, no failures`;
  const share = formatShare(errorRate);
  return `${formatExact(failures)} of ${counted(requests, "request")} failed (${share})`;
}

function counted(count: number, noun: string): string {
  return `${formatExact(count)} ${noun}${count === 1 ? "" : "s"}`;
}
