import assert from "node:assert/strict";
import {
  addVariances,
  type EstimatedVariance,
  varianceOfDifference,
} from "../../src/report/compare_stats.ts";
import { seeded } from "../support/cutting_target.ts";

/** Of one run, where the other has no noise. */
function varianceOfSum(parts: readonly number[]): EstimatedVariance {
  return varianceOfDifference(parts, new Array(parts.length).fill(0));
}

Deno.test("seconds that do not differ have no noise", () => {
  assert.equal(varianceOfSum(new Array(30).fill(0)).variance, 0);
});

Deno.test("a run is cut into a dozen blocks, or into half as many where those differ more", () => {
  const alternating = Array.from({ length: 60 }, (_, at) => at % 2 === 0 ? 1 : -1);
  assert.equal(varianceOfSum(alternating).degrees, 11);
  const slow = Array.from({ length: 60 }, (_, at) => at % 20 < 10 ? 1 : -1);
  const { variance, degrees } = varianceOfSum(slow);
  assert.deepEqual([Math.round(variance), degrees], [792, 5]);
});

/** Sums of so many values that each keep a part of the one before. */
function noisySums(memory: number, runs: number, seconds: number): number[][] {
  const random = seeded(5);
  return Array.from({ length: runs }, () => {
    let value = 0;
    return Array.from({ length: seconds }, () => value = memory * value + random() - 0.5);
  });
}

for (const memory of [0, 0.5, 0.8]) {
  Deno.test(`noise of which ${memory} is left after a second is not taken for much less than it is`, () => {
    const seconds = 120;
    const runs = noisySums(memory, 500, seconds);
    const sums = runs.map((run) => run.reduce((sum, part) => sum + part, 0));
    const real = sums.reduce((sum, one) => sum + one * one, 0) / sums.length;
    const estimates = runs.map((run) => varianceOfSum(run).variance);
    const mean = estimates.reduce((sum, one) => sum + one, 0) / estimates.length;
    assert.ok(mean > 0.85 * real, `${mean} of ${real}`);
    assert.ok(mean < 1.8 * real, `${mean} of ${real}`);
  });
}

Deno.test("what is known exactly adds no doubt", () => {
  const exact = { variance: 1, degrees: Infinity };
  assert.deepEqual(addVariances(exact, exact), { variance: 2, degrees: Infinity });
  assert.deepEqual(addVariances(exact, { variance: 0, degrees: 4 }), exact);
  const estimated = { variance: 1, degrees: 4 };
  assert.deepEqual(addVariances(exact, estimated), { variance: 2, degrees: 16 });
  assert.deepEqual(addVariances(estimated, estimated), { variance: 2, degrees: 8 });
});

Deno.test("what two runs share is no noise", () => {
  const [[ours], [theirs]] = [noisySums(0, 1, 60), noisySums(0, 1, 60)];
  assert.equal(varianceOfDifference(ours!, theirs!).variance, 0);
});

Deno.test("of two runs that share nothing, each tells of its own noise", () => {
  const [ours, theirs] = noisySums(0, 2, 60);
  assert.deepEqual(
    varianceOfDifference(ours!, theirs!),
    addVariances(varianceOfSum(ours!), varianceOfSum(theirs!)),
  );
});
