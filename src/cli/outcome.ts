import { AiotestError } from "../core/errors.ts";
import { ExitCode } from "../core/exit_code.ts";
import type { Snapshot } from "../stats/snapshot.ts";

/**
 * What a run that has ended makes the process exit with: of what holds, the highest.
 *
 * @param exitCodeOnError what it is when requests or users failed.
 * @param failure what ended the run before its time; null where nothing did.
 */
export function judge(result: Snapshot, exitCodeOnError: number, failure: unknown): number {
  const { totals, userErrors } = result.statistics;
  const failed = totals.failures > 0 || userErrors.length > 0;
  if (failure instanceof AiotestError) return failure.exitCode;
  if (!result.complete) return ExitCode.cluster;
  return failed ? exitCodeOnError : ExitCode.passed;
}
