import assert from "node:assert/strict";
import type { TestMethod } from "../../src/user/discovery.ts";
import { chooseTest } from "../../src/user/user_loop.ts";

const TESTS: TestMethod[] = [["a", 1], ["b", 2], ["c", 1]].map(([name, weight]) => ({
  name: name as string,
  weight: weight as number,
  tags: [],
  run: () => {},
}));

const CHOICES: [random: number, name: string][] = [
  [0, "a"],
  [0.2499, "a"],
  [0.25, "b"],
  [0.7499, "b"],
  [0.75, "c"],
  [0.9999, "c"],
];

for (const [random, name] of CHOICES) {
  Deno.test(`${random} falls on ${name}`, () => {
    assert.equal(chooseTest(TESTS, random).name, name);
  });
}
