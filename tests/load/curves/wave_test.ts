import assert from "node:assert/strict";
import { wave } from "../../../src/load/curves.ts";

/** The users of each second. */
function usersOf(seconds: number, from: number, to: number): number[] {
  const curve = wave({ seconds, users: { from, to } });
  return Array.from({ length: seconds }, (_, t) => {
    const load = curve.at(t);
    assert.ok(load !== null && "users" in load);
    return load.users;
  });
}

Deno.test("a wave is a bell: up to the middle, and down the same way", () => {
  // Each is a second ahead: the cosine of 1/8, 2/8 … of a turn.
  assert.deepEqual(usersOf(8, 0, 100), [15, 50, 85, 100, 85, 50, 15, 0]);
});

Deno.test("a wave may hang down", () => {
  assert.deepEqual(usersOf(4, 100, 20), [60, 20, 60, 100]);
});

Deno.test("the passes of a wave are as many as on half of its height", () => {
  const curve = wave({ seconds: 60, arrivalRate: { from: 10, to: 90 } });
  let iterations = 0;
  for (let t = 0; t < 60; t++) {
    const load = curve.at(t)!;
    iterations += "arrivalRate" in load ? load.arrivalRate : NaN;
  }
  assert.ok(Math.abs(iterations - 3000) < 1e-9, String(iterations));
});
