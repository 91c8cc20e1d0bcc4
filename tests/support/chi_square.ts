/** Counts of a kind, and how many were to be expected. */
export type Category = readonly [observed: number, expected: number];

/**
 * How likely it is that observed counts are at least so far from what was to be expected, by Pearson's
 * test.
 *
 * @param categories an odd number of them, so that their degrees of freedom are even: then the
 * distribution has a closed form.
 */
export function chiSquareP(categories: readonly Category[]): number {
  if (categories.length % 2 === 0) throw new RangeError("an odd number of categories is needed");
  const half = categories.reduce((sum, [seen, due]) => sum + (seen - due) ** 2 / due, 0) / 2;
  let term = Math.exp(-half);
  let p = 0;
  for (let i = 0; i < (categories.length - 1) / 2; i++) {
    p += term;
    term *= half / (i + 1);
  }
  return p;
}

/** How likely each count from 0 to below `kinds - 1` is, and any higher one, of a Poisson variable. */
export function poisson(mean: number, kinds: number): number[] {
  const all: number[] = [];
  let p = Math.exp(-mean);
  for (let k = 0; k < kinds - 1; k++) {
    all.push(p);
    p *= mean / (k + 1);
  }
  return [...all, 1 - all.reduce((sum, one) => sum + one, 0)];
}
