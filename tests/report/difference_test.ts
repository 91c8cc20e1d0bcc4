import assert from "node:assert/strict";
import { errorDifference, type Finding, ratioDifference } from "../../src/report/compare.ts";

const CASES: readonly (readonly [low: number, high: number, lower: Finding, higher: Finding])[] = [
  [1.06, 1.2, "regression", "better"],
  [1.02, 1.2, "worse", "better"],
  [0.97, 1.04, "same", "same"],
  [0.97, 1.2, "unclear", "unclear"],
  [0.8, 1.2, "unclear", "unclear"],
  [0.8, 0.98, "better", "worse"],
  [0.8, 0.94, "better", "regression"],
];

for (const [low, high, ofLatency, ofRate] of CASES) {
  Deno.test(`a ratio from ${low} to ${high}: latency ${ofLatency}, rate ${ofRate}`, () => {
    const judgement = { interval: { low, high }, maxRegression: 0.05 };
    const b = 100 * (low + high) / 2;
    assert.equal(ratioDifference(100, b, { ...judgement, better: "lower" }).finding, ofLatency);
    assert.equal(ratioDifference(100, b, { ...judgement, better: "higher" }).finding, ofRate);
  });
}

Deno.test("a change is a share, and lies within its interval", () => {
  const interval = { low: 1.1001, high: Infinity };
  const judgement = { interval, maxRegression: 0.05, better: "lower" as const };
  const { a, b, change, low, high } = ratioDifference(20, 22, judgement);
  assert.deepEqual([a, b, high], [20, 22, null]);
  assert.ok(Math.abs(change! - 0.1) < 1e-12);
  assert.equal(low, change);
});

Deno.test("where there is nothing to compare, nothing is found", () => {
  const judgement = { interval: null, maxRegression: 0.05, better: "lower" as const };
  const nothing = { change: null, low: null, high: null, finding: "unclear" };
  assert.deepEqual(ratioDifference(null, 5, judgement), { a: null, b: 5, ...nothing });
  assert.deepEqual(ratioDifference(5, null, judgement), { a: 5, b: null, ...nothing });
  assert.deepEqual(ratioDifference(0, 5, judgement), { a: 0, b: 5, ...nothing });
  assert.deepEqual(ratioDifference(4, 5, judgement), { ...nothing, a: 4, b: 5, change: 0.25 });
});

const ERRORS: readonly (readonly [a: number, b: number, low: number, high: number, Finding])[] = [
  [0, 0, -0.01, 0.01, "same"],
  [0, 0.02, 0.001, 0.04, "regression"],
  [0, 0.001, -0.001, 0.003, "unclear"],
  [0.1, 0.12, 0.006, 0.034, "regression"],
  [0.1, 0.12, 0.004, 0.036, "worse"],
  [0.1, 0.1, -0.004, 0.004, "same"],
  [0.1, 0.05, -0.06, -0.04, "better"],
];

for (const [a, b, low, high, finding] of ERRORS) {
  Deno.test(`error rates ${a} and ${b}, ${low} to ${high} apart: ${finding}`, () => {
    const difference = errorDifference(a, b, { interval: { low, high }, maxRegression: 0.05 });
    assert.deepEqual(difference, { a, b, change: b - a, low, high, finding });
  });
}

Deno.test("error rates of too few requests are unclear", () => {
  const { finding, low } = errorDifference(0, 1, { interval: null, maxRegression: 0.05 });
  assert.deepEqual([finding, low], ["unclear", null]);
});
