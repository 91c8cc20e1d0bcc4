import fc from "fast-check";
import assert from "node:assert/strict";
import { IterationMix } from "../../src/load/class_mix.ts";

const classes = fc.array(
  fc.record({ weight: fc.integer({ min: 0, max: 20 }), fixedCount: fc.nat(3) }),
  { minLength: 1, maxLength: 6 },
).filter((all) => all.some(({ weight, fixedCount }) => weight > 0 || fixedCount > 0))
  .map((all) => all.map((one, index) => ({ name: `C${index}`, ...one })));

Deno.test("after any number of passes each class is within two of its share", () => {
  fc.assert(fc.property(classes, fc.integer({ min: 1, max: 300 }), (classes, iterations) => {
    const mix = new IterationMix(classes);
    const weights = classes.map(({ weight, fixedCount }) => weight || (fixedCount > 0 ? 1 : 0));
    const total = weights.reduce((sum, weight) => sum + weight);
    const counts = weights.map(() => 0);
    for (let n = 1; n <= iterations; n++) {
      counts[mix.next()]!++;
      for (const [index, weight] of weights.entries()) {
        const share = n * weight / total;
        assert.ok(Math.abs(counts[index]! - share) < 2, `${counts[index]} of ${share}`);
      }
    }
  }));
});

Deno.test("after a whole round each class has exactly what its weight says", () => {
  fc.assert(fc.property(classes, (classes) => {
    const mix = new IterationMix(classes);
    const weights = classes.map(({ weight, fixedCount }) => weight || (fixedCount > 0 ? 1 : 0));
    const counts = weights.map(() => 0);
    const total = weights.reduce((sum, weight) => sum + weight);
    for (let n = 0; n < 3 * total; n++) counts[mix.next()]!++;
    assert.deepEqual(counts, weights.map((weight) => 3 * weight));
  }));
});

Deno.test("classes of the same weight take turns, in the order of their export", () => {
  const mix = new IterationMix(["A", "B", "C"].map((name) => ({ name, weight: 5, fixedCount: 0 })));
  assert.deepEqual(Array.from({ length: 6 }, () => mix.next()), [0, 1, 2, 0, 1, 2]);
});
