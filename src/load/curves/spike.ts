import { UsageError } from "../../core/errors.ts";
import type { Curve } from "../curve.ts";
import { shown } from "../target.ts";
import { hold } from "./hold.ts";
import { inSequence } from "./in_sequence.ts";
import { checkSeconds, readSizes, type SpanOptions } from "./span.ts";

/** A spike's time, its loads, and how much of the time it is at its height. */
export type SpikeOptions = SpanOptions & {
  /** Seconds in the middle at the higher load: less than all; default: a third of them. */
  readonly peakSeconds?: number;
};

/**
 * A load that jumps to another one in the middle of its time, stays there, and falls back.
 *
 * ```ts
 * import { spike } from "./spike.ts";
 * import assert from "node:assert/strict";
 *
 * const rush = spike({ seconds: 60, peakSeconds: 10, users: { from: 50, to: 500 } });
 * assert.deepEqual([24, 25, 34, 35].map((t) => rush.at(t)), [
 *   { users: 50 },
 *   { users: 500 },
 *   { users: 500 },
 *   { users: 50 },
 * ]);
 * ```
 *
 * @throws UsageError where the options are none.
 */
export function spike(options: SpikeOptions): Curve {
  const { seconds } = options;
  checkSeconds("spike", seconds);
  const { peakSeconds = seconds / 3 } = options;
  checkSeconds("spike", peakSeconds, "peakSeconds");
  if (peakSeconds >= seconds) {
    throw new UsageError(
      `spike: peakSeconds is ${shown(peakSeconds)}, less than the ${seconds} s of all is needed`,
    );
  }
  const { sizes: { from, to }, load } = readSizes("spike", options, ["from", "to"]);
  const around = hold({ ...load(from), seconds: (seconds - peakSeconds) / 2 });
  return inSequence(around, hold({ ...load(to), seconds: peakSeconds }), around);
}
