import { Histogram } from "../stats/histogram.ts";
import type { RequestTotals } from "../stats/snapshot.ts";

/** The latencies between two limits. */
export interface LatencyBar {
  /** The upper limit in milliseconds; the lower one is that of the bar before. */
  readonly upToMs: number;
  readonly count: number;
}

/**
 * All latencies in at most `bars` steps from the least to the largest, each as many times as wide as
 * the one before; none where there is nothing to compare.
 *
 * ```ts
 * import { latencyBars } from "./latency_bars.ts";
 * import { Histogram } from "../stats/histogram.ts";
 * import assert from "node:assert/strict";
 *
 * const histogram = new Histogram();
 * for (const ms of [1, 2, 3, 50, 100]) histogram.record(ms);
 * const bars = latencyBars({ histogram, latencyMs: { min: 1, max: 100 } }, 2);
 * assert.deepEqual(bars, [{ upToMs: 10, count: 3 }, { upToMs: 100, count: 2 }]);
 * ```
 */
export function latencyBars(
  { histogram, latencyMs }: Pick<RequestTotals, "histogram"> & {
    readonly latencyMs: Pick<RequestTotals["latencyMs"], "min" | "max">;
  },
  bars: number,
): LatencyBar[] {
  const { min, max } = latencyMs;
  if (min === null || max === null || bars < 1) return [];
  const lowest = Math.max(min, Histogram.lowerBound(1));
  const ratio = max / lowest;
  if (ratio < LEAST_RATIO) return [];
  const counts = new Array<number>(bars).fill(0);
  const scale = bars / Math.log(ratio);
  histogram.addTo({
    addBucket(index, count): void {
      const middle = (Histogram.lowerBound(index) + Histogram.upperBound(index)) / 2;
      const bar = Math.floor(Math.log(middle / lowest) * scale);
      counts[Math.min(Math.max(bar, 0), bars - 1)]! += count;
    },
  });
  return counts.map((count, index) => ({
    upToMs: index === bars - 1 ? max : lowest * ratio ** ((index + 1) / bars),
    count,
  }));
}

/** Where the largest is less than this many times the least, the steps would be mere noise. */
const LEAST_RATIO = 1.05;
