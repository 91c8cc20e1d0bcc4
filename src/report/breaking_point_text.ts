import type { BreakingPoint } from "../stats/snapshot.ts";
import { loadText } from "./load_text.ts";

/**
 * What a run that raised its load until something broke has found, as a sentence.
 *
 * ```ts
 * import { breakingPointText } from "./breaking_point_text.ts";
 * import assert from "node:assert/strict";
 *
 * const passed = { users: 300, arrivalRate: null };
 * const broke = { users: 400, arrivalRate: null };
 * assert.equal(
 *   breakingPointText({ passed, broke, threshold: "p95<200ms" }),
 *   "The highest load that passed: 300 users; 400 users crossed p95<200ms.",
 * );
 * assert.equal(
 *   breakingPointText({ passed, broke: null, threshold: null }),
 *   "Every load passed, the highest with 300 users.",
 * );
 * ```
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
