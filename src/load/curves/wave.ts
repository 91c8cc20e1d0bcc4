import type { Curve } from "../curve.ts";
import { spanCurve, type SpanOptions } from "./span.ts";

/**
 * A bell: from one load slowly, then faster to another, which it has reached in the middle of its time,
 * and back the same way.
 *
 * ```ts
 * import { wave } from "./wave.ts";
 * import assert from "node:assert/strict";
 *
 * const day = wave({ seconds: 600, users: { from: 20, to: 100 } });
 * assert.deepEqual(day.at(0), { users: 20 });
 * assert.deepEqual(day.at(299), { users: 100 });
 * assert.deepEqual(day.at(599), { users: 20 });
 * ```
 *
 * @throws UsageError where the options are none.
 */
export function wave(options: SpanOptions): Curve {
  return spanCurve("wave", options, (part) => (1 - Math.cos(2 * Math.PI * part)) / 2);
}
