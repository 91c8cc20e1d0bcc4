/**
 * Student's t-distribution, by the incomplete beta function.
 *
 * @module
 */

/**
 * The probability that a value of Student's t-distribution exceeds `t`, 0 to 1.
 *
 * @param degrees degrees of freedom, over 0, may be a fraction; Infinity for the normal distribution.
 */
export function studentTail(t: number, degrees: number): number {
  if (t < 0) return 1 - studentTail(-t, degrees);
  if (t === Infinity) return 0;
  // Beyond this, it equals the normal distribution, and the series would need too many terms.
  const df = Math.min(degrees, 1e6);
  return betaShare(df / (df + t * t), df / 2, 0.5) / 2;
}

/**
 * The value of Student's t-distribution that is exceeded with a probability of `tail`.
 *
 * @param tail over 0 and at most 0.5.
 * @param degrees as for {@link studentTail}.
 */
export function studentQuantile(tail: number, degrees: number): number {
  let high = 1;
  while (studentTail(high, degrees) > tail && high < MAX_VALUE) high *= 2;
  let low = 0;
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (studentTail(middle, degrees) > tail) low = middle;
    else high = middle;
  }
  return high;
}

const MAX_VALUE = 1e9;
const HALVINGS = 50;

/** The regularized incomplete beta function I_x(a, b), by its continued fraction. */
function betaShare(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast on this side of the middle. The other side is its mirror image.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaShare(1 - x, b, a);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  return front * betaFraction(x, a, b) / a;
}

const MAX_TERMS = 1000;
const PRECISION = 1e-12;
const TINY = 1e-300;

/** Lentz's method, which evaluates the fraction term by term. */
function betaFraction(x: number, a: number, b: number): number {
  const nonzero = (value: number): number => Math.abs(value) < TINY ? TINY : value;
  let c = 1;
  let d = 1 / nonzero(1 - (a + b) * x / (a + 1));
  let fraction = d;
  for (let m = 1; m <= MAX_TERMS; m++) {
    const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    let step = 1;
    for (const term of [even, odd]) {
      d = 1 / nonzero(1 + term * d);
      c = nonzero(1 + term / c);
      step = c * d;
      fraction *= step;
    }
    if (Math.abs(step - 1) < PRECISION) break;
  }
  return fraction;
}

/** Stirling's series, which has twelve correct digits from 8; smaller values are shifted. */
function logGamma(value: number): number {
  let shift = 0;
  let x = value;
  for (; x < 8; x++) shift += Math.log(x);
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x;
  return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series - shift;
}
