// @ts-check
/**
 * How the response times are spread, as rows. Pure.
 *
 * @module
 */

import { formatExact, formatMilliseconds, formatShare } from "../page/format.js";

/** @typedef {import("../../report/latency_bars.ts").LatencyBar} LatencyBar */

/**
 * One row.
 *
 * @typedef {object} LatencyStep
 * @property {string} upTo
 * @property {string} count
 * @property {string} share
 * @property {string} upToHere Share of all requests that took no longer.
 * @property {number} length Of its bar, 0 to 1; the longest is 1.
 */

/**
 * The rows, one a bar.
 *
 * @param {readonly LatencyBar[]} bars
 * @returns {readonly LatencyStep[]}
 */
export function latencySteps(bars) {
  const all = bars.reduce((sum, { count }) => sum + count, 0);
  const most = bars.reduce((high, { count }) => Math.max(high, count), 0);
  let below = 0;
  return bars.map(({ upToMs, count }) => {
    below += count;
    return {
      upTo: formatMilliseconds(upToMs),
      count: formatExact(count),
      share: formatShare(count / all),
      upToHere: formatShare(below / all),
      length: count / most,
    };
  });
}
