/**
 * How much one figure of a run differs from that of another run, and how sure that is.
 *
 * @module
 */

import type { Distribution } from "./distribution.ts";
import type { EntryOfRun } from "./run_figures.ts";
import { addVariances, type EstimatedVariance, varianceOfDifference } from "./second_noise.ts";
import { studentQuantile, studentTail } from "./student_t.ts";

/** Where a difference lies, with the confidence that was asked for. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/**
 * Bounds of how many times as high the percentile of `b` is as that of `a`.
 *
 * `b` is taken to be at least so many times as slow as `a` as long as significantly more than its share
 * of latencies is over the percentile of `a` multiplied by that. The other bound is found in the
 * same way with the runs exchanged. So the noise of the seconds is looked at where the question is: a
 * few seconds in which the target stood still are a few observations, however slow they were.
 *
 * @param tail how likely each bound may be wrong, 0 to 1.
 */
export function quantileBounds(a: EntryOfRun, b: EntryOfRun, q: number, tail: number): Bounds {
  const inverse = leastRatio(b, a, q, tail);
  const bounds = {
    low: leastRatio(a, b, q, tail),
    high: inverse === 0 ? Infinity : 1 / inverse,
  };
  if (a.shifts === null || b.shifts === null) return bounds;
  // The seconds of all names together may not show what befell one of them: names that are much faster
  // and much slower than the middle hide it. So what all names have in common is added.
  const common = halfWidth(varianceOfDifference(b.shifts, a.shifts), tail);
  return widened(bounds, b.distribution.quantile(q) / a.distribution.quantile(q), common);
}

function widened({ low, high }: Bounds, ratio: number, width: number): Bounds {
  return {
    low: ratio / Math.exp(Math.hypot(Math.log(ratio / low), width)),
    high: ratio * Math.exp(Math.hypot(Math.log(high / ratio), width)),
  };
}

function leastRatio(a: EntryOfRun, b: EntryOfRun, q: number, tail: number): number {
  const reference = a.distribution.quantile(q);
  const overReference = a.latencies.sharesOver(reference);
  const own = exact(q * (1 - q) / a.distribution.count);
  const isSlower = (ms: number): boolean => {
    const over = 1 - b.distribution.shareUpTo(ms);
    const excess = over - (1 - q);
    if (excess <= 0) return false;
    const seconds = varianceOfDifference(b.latencies.sharesOver(ms), overReference);
    const { count } = b.distribution;
    const noise = addVariances(seconds, exact(own.variance + shareVariance(over, count)));
    return studentTail(excess / Math.sqrt(noise.variance), noise.degrees) < tail;
  };
  const [lowest] = b.distribution.range;
  let notSlower = b.distribution.quantile(q);
  let slower = notSlower / RESOLUTION;
  // Not by halves: far away from what is true, what both runs did over time is no longer alike.
  for (let step = RESOLUTION; !isSlower(slower); step **= GROWTH) {
    if (slower <= lowest) return 0;
    notSlower = slower;
    slower = Math.max(lowest, slower / step);
  }
  while (notSlower / slower > RESOLUTION) {
    const middle = Math.sqrt(slower * notSlower);
    if (isSlower(middle)) slower = middle;
    else notSlower = middle;
  }
  return slower / reference;
}

/** Histograms tell no more. */
const RESOLUTION = 1.0005;
/** By how much each step of a search is longer than the one before. */
const GROWTH = 1.5;

/** Bounds of how many times as high the mean of `b` is as that of `a`. */
export function meanBounds(a: EntryOfRun, b: EntryOfRun, tail: number): Bounds {
  const byRanges = varianceOfDifference(b.latencies.means(), a.latencies.means());
  const byLines = varianceOfDifference(b.means, a.means);
  const seconds = byLines.variance > byRanges.variance ? byLines : byRanges;
  const own = meanVariance(a.distribution) + meanVariance(b.distribution);
  const ratio = b.distribution.mean / a.distribution.mean;
  return ratioBounds(ratio, addVariances(seconds, exact(own)), tail);
}

/** Bounds of how many times as high the rate of `b` is as that of `a`. */
export function rateBounds(a: EntryOfRun, b: EntryOfRun, tail: number): Bounds {
  const seconds = varianceOfDifference(b.rates, a.rates);
  // Which name a request has is chance; how many there are in all is in the seconds.
  const own = [a, b].reduce(
    (sum, { totals, allRequests }) => sum + 1 / totals.requests - 1 / allRequests,
    0,
  );
  return ratioBounds(
    b.totals.rate / a.totals.rate,
    addVariances(seconds, exact(Math.max(0, own))),
    tail,
  );
}

/** Bounds of the error rate of `b` less that of `a`, from -1 to 1. */
export function errorBounds(a: EntryOfRun, b: EntryOfRun, tail: number): Bounds {
  const seconds = varianceOfDifference(b.errors, a.errors);
  const own = [a, b].reduce(
    (sum, { totals }) => sum + shareVariance(totals.errorRate, totals.requests),
    0,
  );
  const difference = b.totals.errorRate - a.totals.errorRate;
  const width = halfWidth(addVariances(seconds, exact(own)), tail);
  return { low: Math.max(-1, difference - width), high: Math.min(1, difference + width) };
}

function ratioBounds(ratio: number, noise: EstimatedVariance, tail: number): Bounds {
  const factor = Math.exp(halfWidth(noise, tail));
  return { low: ratio / factor, high: ratio * factor };
}

function halfWidth({ variance, degrees }: EstimatedVariance, tail: number): number {
  return variance === 0 ? 0 : Math.sqrt(variance) * studentQuantile(tail, degrees);
}

function exact(variance: number): EstimatedVariance {
  return { variance, degrees: Infinity };
}

/** Of a share among so many. Two of each kind are added: none of a few is not none of all. */
function shareVariance(share: number, count: number): number {
  const likely = (share * count + 2) / (count + 4);
  return likely * (1 - likely) / count;
}

/** Of the mean, as a share of it. */
function meanVariance({ mean, variance, count }: Distribution): number {
  return variance / (mean * mean * count);
}
