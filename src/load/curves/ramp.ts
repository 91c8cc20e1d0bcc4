import type { Curve } from "../curve.ts";
import { spanCurve, type SpanOptions } from "./span.ts";

/**
 * A straight line from one load to another, up or down.
 *
 * ```ts
 * import { ramp } from "./ramp.ts";
 * import assert from "node:assert/strict";
 *
 * const curve = ramp({ seconds: 60, users: { from: 0, to: 120 } });
 * // Users are told where to be a second later, so the last of them has started when the ramp is over.
 * assert.deepEqual(curve.at(0), { users: 2 });
 * assert.deepEqual(curve.at(59), { users: 120 });
 * assert.equal(curve.at(60), null);
 * ```
 *
 * @throws UsageError where the options are none.
 */
export function ramp(options: SpanOptions): Curve {
  return spanCurve("ramp", options, (part) => part);
}
