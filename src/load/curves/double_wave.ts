import type { Curve } from "../curve.ts";
import { inSequence } from "./in_sequence.ts";
import { checkSeconds, readSizes, type Span, type SpanOptions } from "./span.ts";
import { wave } from "./wave.ts";

/** The loads of a curve with two peaks. */
export interface DoubleSpan extends Span {
  /** The second peak; default: as high as the first. */
  readonly thenTo?: number;
}

/**
 * Two bells, one after the other, each in half of the time: a morning and an evening.
 *
 * ```ts
 * import { doubleWave } from "./double_wave.ts";
 * import assert from "node:assert/strict";
 *
 * const day = doubleWave({ seconds: 1200, users: { from: 20, to: 100, thenTo: 60 } });
 * assert.deepEqual([0, 299, 600, 899].map((t) => day.at(t)), [
 *   { users: 20 },
 *   { users: 100 },
 *   { users: 20 },
 *   { users: 60 },
 * ]);
 * ```
 *
 * @throws UsageError where the options are none.
 */
export function doubleWave(options: SpanOptions<DoubleSpan>): Curve {
  checkSeconds("doubleWave", options.seconds);
  const { from, to, thenTo = to } = readSizes("doubleWave", options, ["from", "to"]).sizes;
  if (thenTo !== to) readSizes("doubleWave", options, ["thenTo"]);
  const half = (span: Span): Curve => {
    const seconds = options.seconds / 2;
    return wave(
      "users" in options ? { seconds, users: span } : { ...options, seconds, arrivalRate: span },
    );
  };
  return inSequence(half({ from, to }), half({ from, to: thenTo }));
}
