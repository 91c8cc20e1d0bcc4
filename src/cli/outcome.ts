import { AiotestError } from "../core/errors.ts";
import { ExitCode } from "../core/exit_code.ts";
import { failedThresholds } from "../stats/failed_thresholds.ts";
import type { Snapshot } from "../stats/snapshot.ts";

/**
 * What a run that has ended makes the process exit with: of what holds, the first of what ended it
 * before its time, counts that are missing, thresholds, failures.
 *
 * @param exitCodeOnError what it is when requests or users failed.
 * @param failure what ended the run before its time; null where nothing did.
 */
export function judge(result: Snapshot, exitCodeOnError: number, failure: unknown): number {
  const { totals, userErrors } = result.statistics;
  if (failure instanceof AiotestError) return failure.exitCode;
  if (!result.complete) return ExitCode.cluster;
  if (failedThresholds(result).length > 0) return ExitCode.threshold;
  return totals.failures > 0 || userErrors.length > 0 ? exitCodeOnError : ExitCode.passed;
}
