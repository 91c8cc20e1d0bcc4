import type { TestMethod } from "./discovery.ts";

/**
 * The test that a random number falls on, each test having as much room as its weight.
 *
 * @param tests at least one.
 * @param random in [0, 1).
 */
export function chooseTest(tests: readonly TestMethod[], random: number): TestMethod {
  let rest = random * tests.reduce((sum, test) => sum + test.weight, 0);
  for (const test of tests) {
    rest -= test.weight;
    if (rest < 0) return test;
  }
  return tests[tests.length - 1]!;
}
