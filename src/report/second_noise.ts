/**
 * How much a figure of a whole run is off because its seconds are not alike.
 *
 * @module
 */

/** A variance that was estimated. */
export interface EstimatedVariance {
  readonly variance: number;
  /** How many independent observations it comes from, less one; Infinity where it is known exactly. */
  readonly degrees: number;
}

/** Fewer seconds say nothing of how much seconds differ. */
export const FEWEST_SECONDS = 4;

/** Into how many blocks a run is cut: few, so that a noise of some seconds lies within one. */
const BLOCKS = 12;
const FEWEST_BLOCKS = 5;

/**
 * The variance of the difference of two sums, each of what the seconds of a run add to it, where all
 * that they add comes to 0.
 *
 * Seconds next to each other are alike, so blocks of them are compared instead: those of a twelfth of
 * the run, and those of twice the length where that leaves enough. The larger variance counts, since
 * of a noise that goes on for longer than a block, a block shows too little.
 *
 * Where both runs are subject to the same (a load that rises, a shape, a job of the target's at every full
 * minute), their seconds rise and fall together: then each second of one is set against the same
 * second of the other, so that what they share is no noise. Otherwise each run tells of its own noise,
 * and two runs tell more of it than the differences of their seconds do.
 *
 * ```ts
 * import { varianceOfDifference } from "./second_noise.ts";
 * import assert from "node:assert/strict";
 *
 * const { variance, degrees } = varianceOfDifference([1, -1, 1, -1], [0, 0, 0, 0]);
 * assert.deepEqual([variance, degrees], [32 / 3, 3]);
 * ```
 */
export function varianceOfDifference(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
): EstimatedVariance {
  return correlation(ours, theirs) > SHARED
    ? varianceOfSum(Float64Array.from(ours, (part, at) => part - theirs[at]!))
    : addVariances(varianceOfSum(ours), varianceOfSum(theirs));
}

/** Ten seconds that share nothing correlate so much in 3 of 1,000 cases. */
const SHARED = 0.8;

function correlation(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  let both = 0;
  let one = 0;
  let other = 0;
  for (let at = 0; at < ours.length; at++) {
    both += ours[at]! * theirs[at]!;
    one += ours[at]! * ours[at]!;
    other += theirs[at]! * theirs[at]!;
  }
  return one === 0 || other === 0 ? 0 : both / Math.sqrt(one * other);
}

function varianceOfSum(parts: ArrayLike<number>): EstimatedVariance {
  const length = Math.ceil(parts.length / BLOCKS);
  const short = varianceByBlocks(parts, length);
  if (parts.length / (2 * length) < FEWEST_BLOCKS) return short;
  const long = varianceByBlocks(parts, 2 * length);
  return long.variance > short.variance ? long : short;
}

function varianceByBlocks(parts: ArrayLike<number>, length: number): EstimatedVariance {
  const sums = new Array<number>(Math.ceil(parts.length / length)).fill(0);
  for (let at = 0; at < parts.length; at++) sums[Math.floor(at / length)]! += parts[at]!;
  const mean = sums.reduce((sum, one) => sum + one, 0) / sums.length;
  const squares = sums.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  const degrees = sums.length - 1;
  // Blocks that touch share the noise at their ends, which a variance of blocks apart would have as well:
  // of a noise of which some 40 % is left after a second, that is a part of one over the length.
  const touching = 1 + 1 / length;
  return { variance: touching * squares * sums.length / degrees, degrees };
}

/** The variance of two things that have nothing to do with each other, together. */
export function addVariances(
  one: EstimatedVariance,
  other: EstimatedVariance,
): EstimatedVariance {
  const variance = one.variance + other.variance;
  // Welch and Satterthwaite: what is estimated from little counts as far as it matters.
  const doubt = one.variance ** 2 / one.degrees + other.variance ** 2 / other.degrees;
  return { variance, degrees: doubt === 0 ? Infinity : variance ** 2 / doubt };
}
