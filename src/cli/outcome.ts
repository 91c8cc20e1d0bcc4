import { AiotestError } from "../core/errors.ts";
import { ExitCode } from "../core/exit_code.ts";
import type { Snapshot } from "../stats/snapshot.ts";

/**
 * What a run that has ended makes the process exit with.
 *
 * @param exitCodeOnError what it is when requests or users failed.
 * @param failure what ended the run before its time; null where nothing did.
 */
export function judge(result: Snapshot, exitCodeOnError: number, failure: unknown): number {
  if (failure instanceof AiotestError) return failure.exitCode;
  const { totals, userErrors } = result.statistics;
  return totals.failures > 0 || userErrors.length > 0 ? exitCodeOnError : ExitCode.passed;
}
