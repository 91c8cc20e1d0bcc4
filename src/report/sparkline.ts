/** One character a value, from the lowest for none to the highest for the largest. */
const LEVELS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/**
 * Values as a line of bars, as wide as there are values.
 *
 * ```ts
 * import { sparkline } from "./sparkline.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(sparkline([0, 1, 50, 100]), "▁▂▅█");
 * ```
 *
 * @param values 0 or more.
 */
export function sparkline(values: readonly number[]): string {
  const largest = values.reduce((max, value) => Math.max(max, value), 0);
  // The lowest bar is kept for none at all: a trickle is not a standstill.
  return values
    .map((value) => value === 0 ? LEVELS[0] : LEVELS[Math.ceil(value / largest * 7)]!)
    .join("");
}
