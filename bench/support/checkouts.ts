/**
 * Compares this checkout with another one: the same load on both, in pairs of runs.
 *
 * @module
 */

import { isDisturbed, median } from "./comparison.ts";
import { type Contender, ofCheckout } from "./contender.ts";
import { measure, type Measurement, type MeasureOptions } from "./measurement.ts";
import type { Nginx } from "./nginx.ts";
import type { Scenario } from "./scenario.ts";

/** Two runs, one after the other. */
export interface Pair {
  readonly base: Measurement;
  readonly now: Measurement;
}

/** What to compare. */
export interface CheckoutOptions extends MeasureOptions {
  /** The folder of the other checkout. */
  readonly base: string;
  readonly pairs: number;
  readonly onPair: (pair: Pair, number: number) => void;
}

/**
 * Runs pairs. Their order alternates, so that a slow drift of the machine affects both. Disturbed pairs are
 * repeated, up to as many as were planned, unless all of the planned ones were disturbed. Resolves with the
 * undisturbed pairs, or with all if most were disturbed.
 */
export async function runPairs(
  contender: Contender,
  nginx: Nginx,
  scenario: Pick<Scenario, "exchange" | "isTls" | "connections">,
  { base, pairs, onPair, ...options }: CheckoutOptions,
): Promise<Pair[]> {
  const other = await ofCheckout(contender, base);
  const all: Pair[] = [];
  const quiet: Pair[] = [];
  const run = (one: Contender): Promise<Measurement> => measure(one, nginx, scenario, options);
  const isWorthwhile = (number: number): boolean =>
    number <= pairs || (number <= 2 * pairs && quiet.length > 0 && quiet.length < pairs);
  for (let number = 1; isWorthwhile(number); number++) {
    const isBaseFirst = number % 2 === 1;
    const first = await run(isBaseFirst ? other : contender);
    const second = await run(isBaseFirst ? contender : other);
    const pair = isBaseFirst ? { base: first, now: second } : { base: second, now: first };
    all.push(pair);
    if (!isDisturbed(first) && !isDisturbed(second)) quiet.push(pair);
    onPair(pair, number);
  }
  return quiet.length > pairs / 2 ? quiet : all;
}

/** A figure now, in parts of what it was. */
export interface Ratio {
  readonly median: number;
  /** Of the pairs. */
  readonly min: number;
  readonly max: number;
}

/** How a figure has changed. */
export function ratioOf(pairs: readonly Pair[], figure: (run: Measurement) => number): Ratio {
  const ratios = pairs.map(({ base, now }) => figure(now) / figure(base));
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

/** Formats a ratio with its spread; empty if there is nothing to compare with. */
export function ratioText({ median, min, max }: Ratio): string {
  if (!Number.isFinite(median)) return "";
  return `${median.toFixed(3)} (${min.toFixed(3)} to ${max.toFixed(3)})`;
}
