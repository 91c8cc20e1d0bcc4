import type { ThresholdRow } from "./snapshot.ts";
import { readThreshold } from "./threshold.ts";
import type { MetricKind } from "./threshold_metric.ts";

/**
 * What was observed of a threshold, with its unit: precise enough to be told from the bound.
 *
 * ```ts
 * import { observedText } from "./observed_text.ts";
 * import assert from "node:assert/strict";
 *
 * const text = (expression: string, observed: number | null) => observedText({ expression, observed });
 * assert.equal(text("p95<200ms", 200.0412), "200.04 ms");
 * assert.equal(text("error_rate<1%", 0.025), "2.5%");
 * assert.equal(text("rps>=1000", 987.654321), "987.65/s");
 * assert.equal(text("count>=2000", 1234), "1,234");
 * assert.equal(text("p95<200ms", null), "no sample");
 * ```
 */
export function observedText(
  { expression, observed }: Pick<ThresholdRow, "expression" | "observed">,
): string {
  if (observed === null) return "no sample";
  const reading = readThreshold(expression);
  return "problem" in reading ? digits(observed) : TEXTS[reading.metric.kind](observed);
}

const TEXTS: Readonly<Record<MetricKind, (observed: number) => string>> = {
  time: (ms) => `${digits(ms)} ms`,
  share: (share) => `${digits(share * 100)}%`,
  rate: (rate) => `${digits(rate)}/s`,
  count: digits,
};

/** Five digits, or as many as a whole number has, with commas between thousands. */
function digits(value: number): string {
  const rounded = value >= 10_000 ? Math.round(value) : Number(value.toPrecision(5));
  const [whole = "", fraction] = String(rounded).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
