import assert from "node:assert/strict";
import { isOverZero, shown, targetProblem } from "../../src/load/target.ts";

Deno.test("whole users of 0 or more and any finite rate over 0 are a target", () => {
  for (const [users, rate] of [[0, 1], [1, 0.001], [100_000, 1e6], [5, 500]]) {
    assert.equal(targetProblem(users, rate), null);
  }
});

Deno.test("users that are no whole number of 0 or more are named", () => {
  const texts = [[1.5, "1.5"], [-1, "-1"], [NaN, "NaN"], [Infinity, "Infinity"], ["9", "'9'"], [
    undefined,
    "undefined",
  ]];
  for (const [users, text] of texts) {
    assert.equal(
      targetProblem(users, 1),
      `users is ${text}, a whole number of 0 or more is needed`,
    );
  }
});

Deno.test("a rate that is no finite number over 0 is named", () => {
  for (const [rate, text] of [[0, "0"], [-2, "-2"], [NaN, "NaN"], [Infinity, "Infinity"]]) {
    assert.equal(targetProblem(1, rate), `rate is ${text}, a number over 0 is needed`);
  }
  assert.equal(targetProblem(1, "5"), "rate is '5', a number over 0 is needed");
});

Deno.test("a bigint and a text are not over 0, as they are no numbers", () => {
  assert.equal(isOverZero(0.5), true);
  assert.equal(isOverZero(5n), false);
  assert.equal(isOverZero("5"), false);
});

Deno.test("a value is shown in one line, however long it is", () => {
  const long = { duration: "x".repeat(60), users: "y".repeat(60), rate: "z".repeat(60) };
  assert.equal(shown(long).includes("\n"), false);
  assert.equal(shown([1.5, null]), "[ 1.5, null ]");
});
