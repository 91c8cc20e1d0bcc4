import { UsageError } from "../core/errors.ts";
import type { DiscoveredClass, TestMethod } from "./discovery.ts";

/** Which tests run, by their tags. */
export interface TagChoice {
  /** A test needs at least one of these; empty: every test will do. */
  readonly tags: readonly string[];
  /** A test must have none of these. */
  readonly excludeTags: readonly string[];
}

/**
 * The classes with those of their tests that are chosen; a class that is left without tests is left
 * out as well.
 *
 * @throws UsageError where no test is left, naming the tags that there are.
 */
export function selectTests(
  classes: readonly DiscoveredClass[],
  choice: TagChoice,
): readonly DiscoveredClass[] {
  const { tags, excludeTags } = choice;
  const isChosen = (test: TestMethod): boolean =>
    (tags.length === 0 || tags.some((tag) => test.tags.includes(tag))) &&
    !excludeTags.some((tag) => test.tags.includes(tag));
  const selected = classes
    .map((one) => ({ ...one, tests: one.tests.filter(isChosen) }))
    .filter(({ tests }) => tests.length > 0);
  if (selected.length > 0) return selected;
  throw new UsageError(`${describeChoice(choice)}: no test is left to run`, describeTags(classes));
}

function describeChoice({ tags, excludeTags }: TagChoice): string {
  return [
    tags.length > 0 ? `--tags ${tags.join(",")}` : "",
    excludeTags.length > 0 ? `--exclude-tags ${excludeTags.join(",")}` : "",
  ].filter((part) => part !== "").join(" and ");
}

function describeTags(classes: readonly DiscoveredClass[]): string {
  const tags = new Set(classes.flatMap(({ tests }) => tests.flatMap((test) => test.tags)));
  return tags.size === 0
    ? "No test of the test file has a tag."
    : `The tags of the test file: ${[...tags].sort().join(", ")}.`;
}
