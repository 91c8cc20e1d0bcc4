/**
 * Tests whether counts are those of a Poisson process.
 *
 * @module
 */

/** The result of a test. */
export interface ChiSquare {
  readonly statistic: number;
  readonly degrees: number;
  /** The probability of a statistic at least this high if the hypothesis is true. */
  readonly p: number;
}

/** Cells with fewer expected counts are merged, as the statistic would not be chi-square distributed. */
const LEAST_EXPECTED = 5;

/**
 * Pearson's test of the hypothesis that the counts have a Poisson distribution with this mean. The mean is
 * known in advance, not estimated from the counts.
 *
 * ```ts
 * import { poissonTest } from "./chi_square.ts";
 * import assert from "node:assert/strict";
 *
 * // Even counts are not random.
 * const even = Array.from({ length: 100 }, () => 10);
 * assert.ok(poissonTest(even, 10).p < 0.001);
 * ```
 */
export function poissonTest(counts: readonly number[], mean: number): ChiSquare {
  const seen = new Map<number, number>();
  for (const count of counts) seen.set(count, (seen.get(count) ?? 0) + 1);
  const highest = Math.max(...counts);
  const cells: { expected: number; observed: number }[] = [{ expected: 0, observed: 0 }];
  let left = counts.length;
  let observedLeft = counts.length;
  let logP = -mean;
  for (let value = 0; value <= highest && left >= LEAST_EXPECTED; value++) {
    if (cells.at(-1)!.expected >= LEAST_EXPECTED) cells.push({ expected: 0, observed: 0 });
    const cell = cells.at(-1)!;
    const expected = counts.length * Math.exp(logP);
    const observed = seen.get(value) ?? 0;
    cell.expected += expected;
    cell.observed += observed;
    left -= expected;
    observedLeft -= observed;
    logP += Math.log(mean / (value + 1));
  }
  // The last cell includes all higher counts.
  cells.at(-1)!.expected += left;
  cells.at(-1)!.observed += observedLeft;
  const statistic = cells.reduce(
    (sum, { expected, observed }) => sum + (observed - expected) ** 2 / expected,
    0,
  );
  const degrees = cells.length - 1;
  return { statistic, degrees, p: upperGamma(degrees / 2, statistic / 2) };
}

/** The probability of more than `limit` successes in `tries`, each with this probability. */
export function moreThan(limit: number, tries: number, probability: number): number {
  let at = (1 - probability) ** tries;
  let upTo = at;
  for (let k = 1; k <= limit; k++) {
    at *= (tries - k + 1) / k * probability / (1 - probability);
    upTo += at;
  }
  return Math.max(0, 1 - upTo);
}

/** The regularised upper incomplete gamma function, by its series or by its continued fraction. */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  const scale = Math.exp(-x + a * Math.log(x) - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; term > sum * 1e-15; n++) sum += term *= x / (a + n);
    return 1 - scale * sum;
  }
  // Lentz's algorithm.
  let b = x + 1 - a;
  let c = Infinity;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1, change = 0; Math.abs(change - 1) > 1e-15 && n < 1000; n++) {
    const factor = -n * (n - a);
    b += 2;
    d = 1 / (factor * d + b);
    c = b + factor / c;
    change = c * d;
    fraction *= change;
  }
  return scale * fraction;
}

/** The logarithm of the gamma function, by Stirling's series for a large enough argument. */
function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < 12; at++) shift -= Math.log(at);
  const inverse = 1 / at;
  const series = inverse / 12 - inverse ** 3 / 360 + inverse ** 5 / 1260 - inverse ** 7 / 1680;
  return shift + (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series;
}
