import assert from "node:assert/strict";
import { observedText } from "../../src/stats/thresholds.ts";

Deno.test("what was observed has its unit, and enough digits to be told from the bound", () => {
  const texts: readonly [expression: string, observed: number | null, text: string][] = [
    ["p95<200ms", 200.0412, "200.04 ms"],
    ["p95<200ms", 200, "200 ms"],
    ["p95<20s", 20_000.6, "20,001 ms"],
    ["p50<1ms", 0.123456, "0.12346 ms"],
    ["error_rate<1%", 0.0100012, "1.0001%"],
    ["error_rate<1%", 1 / 3, "33.333%"],
    ["error_rate<1%", 0.000001, "0.0001%"],
    ["rps>=1000", 999.987, "999.99/s"],
    ["rps>=100000", 123_456.7, "123,457/s"],
    ["count>=1", 1_234_567, "1,234,567"],
    ["count>=1", 0, "0"],
    ["dropped_rate<1%", 0.5, "50%"],
    ["p95<200ms", null, "no sample"],
    ["who knows", 3.14159265, "3.1416"],
  ];
  for (const [expression, observed, text] of texts) {
    assert.equal(observedText({ expression, observed }), text);
  }
});
