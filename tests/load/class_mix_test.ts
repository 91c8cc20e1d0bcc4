import fc from "fast-check";
import assert from "node:assert/strict";
import { ClassMix, type ClassWeight, IterationMix } from "../../src/load/class_mix.ts";

function byWeight(...weights: number[]): ClassMix {
  return new ClassMix(weights.map((weight, i) => ({ name: `C${i}`, weight, fixedCount: 0 })));
}

/** The classes of the first users, as letters. */
function order(mix: ClassMix, users: number): string {
  return Array.from({ length: users }, (_, user) => "ABCDEFGH"[mix.classOf(user)]).join("");
}

/** A naive implementation of highest averages, which gives the same order for common weights. */
function sainteLague(weights: readonly number[], users: number): string {
  const given = weights.map(() => 0);
  let text = "";
  for (let user = 0; user < users; user++) {
    const averages = weights.map((weight, i) => weight / (2 * given[i]! + 1));
    const first = averages.indexOf(Math.max(...averages));
    given[first]! += 1;
    text += "ABCDEFGH"[first];
  }
  return text;
}

const classes = fc.array(
  fc.record({
    name: fc.constant("Test"),
    weight: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 5_000 })),
    fixedCount: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 7 })),
  }),
  { minLength: 1, maxLength: 24 },
);

Deno.test("users are distributed among the classes by weight, with ties in the order of export", () => {
  assert.equal(order(byWeight(1), 3), "AAA");
  assert.equal(order(byWeight(1, 1, 1), 7), "ABCABCA");
  assert.equal(order(byWeight(4, 1), 10), "AABAAAABAA");
  assert.equal(order(byWeight(3, 2, 1), 12), "ABACBAABACBA");
});

Deno.test("common weights give the same order as highest averages", () => {
  for (const weights of [[1, 1], [2, 1], [1, 2], [4, 1], [3, 7], [3, 2, 1], [1, 1, 1, 1]]) {
    assert.equal(order(byWeight(...weights), 60), sainteLague(weights, 60), `${weights}`);
  }
});

Deno.test("a large class keeps its share next to many small ones", () => {
  const mix = byWeight(10_000, ...Array(100).fill(51));
  // Highest averages would give 98 here, two fewer than the exact 100.
  assert.equal(mix.counts(151)[0], 100);
});

Deno.test("a class of weight 0 gets no users", () => {
  assert.deepEqual(byWeight(0, 2, 0, 1).counts(9), [0, 6, 0, 3]);
});

Deno.test("fixed counts are filled first, one of each class in turn", () => {
  const mix = new ClassMix([
    { name: "A", weight: 5, fixedCount: 3 },
    { name: "B", weight: 1, fixedCount: 0 },
    { name: "C", weight: 0, fixedCount: 1 },
    { name: "D", weight: 2, fixedCount: 0 },
  ]);
  assert.equal(order(mix, 10), "ACAADBDDBD");
  assert.deepEqual(mix.counts(0), [0, 0, 0, 0]);
  assert.deepEqual(mix.counts(3), [2, 0, 1, 0]);
  assert.deepEqual(mix.counts(304), [3, 100, 1, 200]);
  assert.equal(mix.limit, Infinity);
});

Deno.test("if all classes have a fixed count, no more than their sum can run", () => {
  const mix = new ClassMix([
    { name: "A", weight: 1, fixedCount: 2 },
    { name: "B", weight: 1, fixedCount: 3 },
  ]);
  assert.equal(mix.limit, 5);
  assert.deepEqual(mix.counts(5), [2, 3]);
  assert.equal(order(mix, 5), "ABABB");
  assert.throws(
    () => mix.counts(6),
    new RangeError("counts(6): must be a whole number from 0 to 5"),
  );
  assert.throws(
    () => mix.classOf(5),
    new RangeError("classOf(5): must be a whole number from 0 to below 5"),
  );
});

Deno.test("a number of users that is not whole is rejected", () => {
  for (const users of [-1, 0.5, NaN, Infinity]) {
    assert.throws(() => byWeight(1).counts(users), RangeError);
    assert.throws(() => byWeight(1).classOf(users), RangeError);
  }
});

Deno.test("shares are plain values, and exclude classes with a fixed count", () => {
  const mix = new ClassMix([
    { name: "TestA", weight: 3, fixedCount: 0 },
    { name: "TestB", weight: 5, fixedCount: 2 },
    { name: "TestC", weight: 1, fixedCount: 0 },
    { name: "TestD", weight: 0, fixedCount: 0 },
  ]);
  assert.deepEqual(JSON.parse(JSON.stringify(mix.shares())), [
    { name: "TestA", share: 0.75, fixedCount: null },
    { name: "TestB", share: null, fixedCount: 2 },
    { name: "TestC", share: 0.25, fixedCount: null },
    { name: "TestD", share: 0, fixedCount: null },
  ]);
});

Deno.test("a share is 0 if no class goes by weight", () => {
  assert.deepEqual(byWeight(0).shares(), [{ name: "C0", share: 0, fixedCount: null }]);
  assert.equal(byWeight(0).limit, 0);
});

Deno.test("each class is within one user of its exact share, and growing takes none away", () => {
  fc.assert(
    fc.property(classes, fc.integer({ min: 0, max: 400 }), (list: ClassWeight[], most) => {
      const mix = new ClassMix(list);
      const fixed = list.reduce((sum, one) => sum + one.fixedCount, 0);
      const shares = mix.shares();
      let before = list.map(() => 0);
      for (let users = 0; users <= Math.min(most, mix.limit); users++) {
        const counts = mix.counts(users);
        assert.equal(counts.reduce((sum, count) => sum + count, 0), users);
        for (const [i, count] of counts.entries()) {
          const { share, fixedCount } = shares[i]!;
          const grown = users > 0 && mix.classOf(users - 1) === i ? 1 : 0;
          assert.equal(count, before[i]! + grown);
          if (fixedCount !== null) assert.ok(count <= fixedCount);
          if (fixedCount !== null && users >= fixed) assert.equal(count, fixedCount);
          if (share !== null) {
            const exact = Math.max(0, users - fixed) * share;
            assert.ok(Math.abs(count - exact) < 1, `${count} of ${users}, exactly ${exact}`);
          }
        }
        before = counts;
      }
    }),
  );
});

Deno.test("the class of a user does not depend on the order of the calls", () => {
  fc.assert(
    fc.property(classes, fc.array(fc.nat(300), { maxLength: 20 }), (list: ClassWeight[], asked) => {
      const mix = new ClassMix(list);
      for (const user of asked.filter((user) => user < mix.limit)) {
        assert.equal(mix.classOf(user), new ClassMix(list).classOf(user));
      }
    }),
  );
});

const weightedClasses = fc.array(
  fc.record({ weight: fc.integer({ min: 0, max: 20 }), fixedCount: fc.nat(3) }),
  { minLength: 1, maxLength: 6 },
).filter((all) => all.some(({ weight, fixedCount }) => weight > 0 || fixedCount > 0))
  .map((all) => all.map((one, index) => ({ name: `C${index}`, ...one })));

Deno.test("after any number of iterations each class is within two of its share", () => {
  fc.assert(
    fc.property(weightedClasses, fc.integer({ min: 1, max: 300 }), (classes, iterations) => {
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
    }),
  );
});

Deno.test("after a whole round each class has exactly its share", () => {
  fc.assert(fc.property(weightedClasses, (classes) => {
    const mix = new IterationMix(classes);
    const weights = classes.map(({ weight, fixedCount }) => weight || (fixedCount > 0 ? 1 : 0));
    const counts = weights.map(() => 0);
    const total = weights.reduce((sum, weight) => sum + weight);
    for (let n = 0; n < 3 * total; n++) counts[mix.next()]!++;
    assert.deepEqual(counts, weights.map((weight) => 3 * weight));
  }));
});

Deno.test("iterations that are skipped at once are divided as if they were taken one by one", () => {
  const steps = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 5_000 })), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(fc.property(weightedClasses, steps, (classes, steps) => {
    const mix = new IterationMix(classes);
    const weights = classes.map(({ weight, fixedCount }) => weight || (fixedCount > 0 ? 1 : 0));
    const total = weights.reduce((sum, weight) => sum + weight);
    const counts = weights.map(() => 0);
    let all = 0;
    for (const step of steps) {
      if (step === 1) counts[mix.next()]!++;
      else for (const [index, given] of mix.skip(step).entries()) counts[index]! += given;
      all += step;
      assert.equal(counts.reduce((sum, count) => sum + count), all);
      for (const [index, weight] of weights.entries()) {
        const share = all * weight / total;
        assert.ok(Math.abs(counts[index]! - share) < 2, `${counts[index]} of ${share}`);
      }
    }
  }));
});

Deno.test("classes of equal weight take turns in the order of export", () => {
  const mix = new IterationMix(["A", "B", "C"].map((name) => ({ name, weight: 5, fixedCount: 0 })));
  assert.deepEqual(Array.from({ length: 6 }, () => mix.next()), [0, 1, 2, 0, 1, 2]);
});
