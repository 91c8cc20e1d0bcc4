import assert from "node:assert/strict";
import { fairnessOf, littleDeviation, percentile } from "../../bench/support/user_figures.ts";

Deno.test("users that are served alike have a fairness of 1", () => {
  assert.equal(fairnessOf([80, 80, 80]), 1);
  assert.equal(fairnessOf([7]), 1);
});

Deno.test("the tenth of the users that is served least is compared with the tenth served most", () => {
  // 10 users: p10 is the first, p90 the ninth.
  assert.equal(fairnessOf([100, 90, 50, 60, 70, 80, 65, 75, 85, 45]), 45 / 90);
  assert.equal(fairnessOf([...new Array(89).fill(100), ...new Array(11).fill(1)]), 0.01);
});

Deno.test("users that starve make it 0, even if all do", () => {
  assert.equal(fairnessOf([0, 0, 900]), 0);
  assert.equal(fairnessOf([0, 0]), 0);
});

Deno.test("no users have no fairness", () => {
  assert.equal(fairnessOf([]), null);
});

Deno.test("5,000 users at 40,000 requests per second wait 125 ms each", () => {
  assert.equal(littleDeviation(125, 5000, 40_000), 0);
  assert.ok(Math.abs(littleDeviation(137.5, 5000, 40_000) - 0.1) < 1e-9);
  assert.ok(Math.abs(littleDeviation(2.6, 5000, 40_000) + 0.9792) < 1e-9);
});

Deno.test("a percentile is a value that occurs", () => {
  assert.equal(percentile([1, 2, 3, 4], 0.5), 2);
  assert.equal(percentile([1, 2, 3, 4], 0.51), 3);
  assert.equal(percentile([1, 2, 3, 4], 0), 1);
  assert.equal(percentile([1, 2, 3, 4], 1), 4);
});
