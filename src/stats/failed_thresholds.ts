import type { Snapshot, ThresholdRow } from "./snapshot.ts";

/**
 * The thresholds that a run fails by: those that are crossed.
 *
 * Where the load is raised until one is crossed, that is what the run is for. There, a threshold fails
 * the run only if it has no sample, so that nothing could have crossed it, or if not even the first
 * load has passed.
 *
 * ```ts
 * import { failedThresholds } from "./failed_thresholds.ts";
 * import assert from "node:assert/strict";
 *
 * const thresholds = [{ expression: "p95<200ms", observed: 312, passed: false }];
 * assert.equal(failedThresholds({ thresholds, breakingPoint: null }).length, 1);
 * const breakingPoint = {
 *   passed: { users: 100, arrivalRate: null },
 *   broke: { users: 200, arrivalRate: null },
 *   threshold: "p95<200ms",
 * };
 * assert.equal(failedThresholds({ thresholds, breakingPoint }).length, 0);
 * ```
 */
export function failedThresholds(
  { thresholds, breakingPoint }: Pick<Snapshot, "thresholds" | "breakingPoint">,
): ThresholdRow[] {
  return thresholds.filter(({ expression, observed, passed }) => {
    if (breakingPoint === null) return !passed;
    if (breakingPoint.passed === null) return !passed || expression === breakingPoint.threshold;
    return !passed && observed === null;
  });
}
