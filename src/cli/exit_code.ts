/**
 * The exit code of a run.
 *
 * @module
 */

import { AiotestError, atLeastFailed, ExitCode } from "../core/errors.ts";
import { TEARDOWN } from "../core/events.ts";
import { errorCounts, EXIT_CALLS, type Snapshot } from "../stats/snapshot.ts";
import { failedThresholds } from "../stats/thresholds.ts";
import { answeredRequests } from "../stats/unanswered.ts";

/**
 * The exit code for a run. The first of these decides: an error that ended the run early, incomplete
 * counts, crossed thresholds, `run.fail`, requests that could not be sent, requests of which none was
 * answered, failures. An error of `teardown` decides nothing.
 *
 * @param exitCodeOnError the exit code if requests or users failed.
 * @param failure the error that ended the run early; `null` if there is none.
 */
export function exitCodeOf(result: Snapshot, exitCodeOnError: number, failure: unknown): number {
  const { totals } = result.statistics;
  const userErrors = result.statistics.userErrors.filter(({ user }) => user !== TEARDOWN);
  if (failure instanceof AiotestError) return failure.exitCode;
  if (!result.complete) return ExitCode.cluster;
  if (failedThresholds(result).length > 0) return ExitCode.threshold;
  if (result.runEnd?.kind === "fail") return ExitCode.failures;
  // The option is about failures that were measured. Here, load that was due is missing.
  const hasExited = userErrors.some(({ user }) => user === EXIT_CALLS);
  if (hasExited || errorCounts(userErrors).unsent > 0) return atLeastFailed(exitCodeOnError);
  // Nothing is known about the target then, whatever a failure may count for.
  if (totals.unfinished.count > 0 && answeredRequests(result.statistics) === 0) {
    return ExitCode.failures;
  }
  return totals.failures > 0 || userErrors.length > 0 ? exitCodeOnError : ExitCode.passed;
}
