import assert from "node:assert/strict";
import { studentQuantile, studentTail } from "../../src/report/student_t.ts";

/** From printed tables: the value that is exceeded with a probability of `tail`. */
const TABLE: readonly (readonly [degrees: number, tail: number, t: number])[] = [
  [1, 0.05, 6.314],
  [1, 0.01, 31.821],
  [3, 0.025, 3.182],
  [4, 0.0025, 5.598],
  [10, 0.005, 3.169],
  [10, 0.0005, 4.587],
  [30, 0.05, 1.697],
  [120, 0.005, 2.617],
  [Infinity, 0.025, 1.96],
  [Infinity, 0.0005, 3.291],
];

for (const [degrees, tail, t] of TABLE) {
  Deno.test(`with ${degrees} degrees of freedom, ${t} is exceeded with a probability of ${tail}`, () => {
    assert.ok(Math.abs(studentTail(t, degrees) / tail - 1) < 0.002);
    assert.ok(Math.abs(studentQuantile(tail, degrees) - t) < 0.0006);
  });
}

Deno.test("the distribution is symmetric, and its tail vanishes at infinity", () => {
  assert.equal(studentTail(-2, 5), 1 - studentTail(2, 5));
  assert.ok(Math.abs(studentTail(0, 5) - 0.5) < 1e-9);
  assert.equal(studentTail(Infinity, 5), 0);
});

Deno.test("degrees of freedom may be fractions", () => {
  const [low, middle, high] = [4, 4.5, 5].map((degrees) => studentTail(3, degrees));
  assert.ok(low! > middle! && middle! > high!);
});
