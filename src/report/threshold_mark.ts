import type { ThresholdRow } from "../stats/snapshot.ts";
import { type Span, span } from "./styled_line.ts";

/**
 * What a reader should see of a threshold at a glance: a tick, a cross, or a dot where there is nothing
 * to judge yet.
 *
 * ```ts
 * import { thresholdMark } from "./threshold_mark.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(thresholdMark({ observed: 12, passed: true }).text, "✓");
 * assert.equal(thresholdMark({ observed: null, passed: true }).text, "·");
 * assert.equal(thresholdMark({ observed: null, passed: false }).text, "✗");
 * ```
 */
export function thresholdMark(
  { observed, passed }: Pick<ThresholdRow, "observed" | "passed">,
): Span {
  if (!passed) return span("✗", "bad");
  return observed === null ? span("·", "quiet") : span("✓", "good");
}
