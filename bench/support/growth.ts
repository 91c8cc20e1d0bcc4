/**
 * Whether figures grow that are sampled once per second.
 *
 * @module
 */

/** A figure at the start of a run and at its end. */
export interface Growth {
  /** The mean in the second tenth: the first includes the start. */
  readonly early: number;
  /** The mean in the last tenth. */
  readonly late: number;
  /** How much is added per minute, as a straight line through all samples after the first tenth. */
  readonly perMinute: number;
}

/** The share of a run that is compared at its start and at its end. */
const PART = 0.1;

/** Compares start and end of at least three samples. */
export function growthOf(samples: readonly number[]): Growth {
  const part = Math.ceil(samples.length * PART);
  return {
    early: mean(samples.slice(part, 2 * part)),
    late: mean(samples.slice(-part)),
    perMinute: slope(samples.slice(part)) * 60,
  };
}

/** The slope of the straight line with the least squares of distances, per sample. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const average = mean(values);
  let products = 0;
  let squares = 0;
  for (const [at, value] of values.entries()) {
    products += (at - middle) * (value - average);
    squares += (at - middle) ** 2;
  }
  return squares === 0 ? 0 : products / squares;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
