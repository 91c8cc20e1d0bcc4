import assert from "node:assert/strict";
import { IterationCounter } from "../../src/runner/shared_iterations_executor.ts";

Deno.test("as many passes are taken as there are, and one more for each that is put back", () => {
  const iterations = new IterationCounter(3);
  const taken = (): number => {
    let count = 0;
    while (iterations.take()) count++;
    return count;
  };
  assert.equal(taken(), 3);
  assert.equal(taken(), 0);
  iterations.putBack();
  iterations.putBack();
  iterations.begun();
  assert.equal(taken(), 2);
});
