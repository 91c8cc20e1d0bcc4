/**
 * What can be said of a single test of a user class: its weight and its tags.
 *
 * @module
 */

type TestMethod = (...args: never[]) => unknown;

/** Decorates a test method. */
export type TestDecorator = (
  test: (...args: never[]) => unknown,
  context: ClassMethodDecoratorContext,
) => void;

// On the method itself, so that a class which inherits it, and a second run, see the same.
const WEIGHT = Symbol("aiotest.weight");
const TAGS = Symbol("aiotest.tags");

interface Marked extends TestMethod {
  [WEIGHT]?: number;
  [TAGS]?: readonly string[];
}

/**
 * How often a test is chosen under `static order = "random"`, beside the others; 1 where none is given.
 *
 * @throws RangeError where `share` is not a whole number of 1 or more.
 */
export function weight(share: number): TestDecorator {
  if (!Number.isInteger(share) || share < 1) {
    throw new RangeError(`@weight(${share}): a whole number of 1 or more is needed`);
  }
  return (test) => {
    (test as Marked)[WEIGHT] = share;
  };
}

/** Names by which `--tags` and `--exclude-tags` choose tests. */
export function tag(...names: string[]): TestDecorator {
  return (test) => {
    (test as Marked)[TAGS] = [...tagsOf(test), ...names];
  };
}

/** The weight of a test method. */
export function weightOf(test: TestMethod): number {
  return (test as Marked)[WEIGHT] ?? 1;
}

/** The tags of a test method. */
export function tagsOf(test: TestMethod): readonly string[] {
  return (test as Marked)[TAGS] ?? [];
}
