import assert from "node:assert/strict";
import type { BreakingPoint, ThresholdRow } from "../../src/stats/snapshot.ts";
import { failedThresholds } from "../../src/stats/thresholds.ts";

const HELD: ThresholdRow = { expression: "count>=1", observed: 9, passed: true };
const CROSSED: ThresholdRow = { expression: "p95<200ms", observed: 312, passed: false };
const NO_SAMPLE: ThresholdRow = { expression: "p95[x]<1s", observed: null, passed: false };

function failed(breakingPoint: BreakingPoint | null, ...thresholds: ThresholdRow[]): string[] {
  return failedThresholds({ thresholds, breakingPoint }).map(({ expression }) => expression);
}

const users = (users: number): { users: number; arrivalRate: null } => ({
  users,
  arrivalRate: null,
});

Deno.test("a run fails by what is crossed", () => {
  assert.deepEqual(failed(null, HELD, CROSSED, NO_SAMPLE), ["p95<200ms", "p95[x]<1s"]);
});

Deno.test("a load that is raised until it breaks may break, but not at once", () => {
  const late = { passed: users(10), broke: users(20), threshold: "p95<200ms" };
  assert.deepEqual(failed(late, HELD, CROSSED), []);
  const atOnce = { passed: null, broke: users(10), threshold: "p95<200ms" };
  assert.deepEqual(failed(atOnce, HELD, CROSSED), ["p95<200ms"]);
  // Over the whole run it may have held again.
  assert.deepEqual(failed(atOnce, HELD, { ...CROSSED, passed: true }), ["p95<200ms"]);
});

Deno.test("what could not break anything, as it has no sample, fails such a run as well", () => {
  const never = { passed: users(10), broke: null, threshold: null };
  assert.deepEqual(failed(never, HELD, NO_SAMPLE), ["p95[x]<1s"]);
});
