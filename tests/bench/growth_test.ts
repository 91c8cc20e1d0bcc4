import assert from "node:assert/strict";
import { growthOf } from "../../bench/support/growth.ts";

Deno.test("what stays the same does not grow", () => {
  const { early, late, perMinute } = growthOf(new Array(600).fill(100));
  assert.deepEqual({ early, late, perMinute }, { early: 100, late: 100, perMinute: 0 });
});

Deno.test("a leak shows in the last tenth, and in what is added per minute", () => {
  const { early, late, perMinute } = growthOf(Array.from({ length: 600 }, (_, second) => second));
  assert.equal(late - early, 480);
  assert.ok(Math.abs(perMinute - 60) < 1e-9);
});

Deno.test("the start does not count", () => {
  const samples = [...new Array(60).fill(1), ...new Array(540).fill(100)];
  const { early, late, perMinute } = growthOf(samples);
  assert.deepEqual({ early, late, perMinute }, { early: 100, late: 100, perMinute: 0 });
});

Deno.test("three samples are enough", () => {
  assert.deepEqual(growthOf([5, 1, 2]), { early: 1, late: 2, perMinute: 60 });
});
