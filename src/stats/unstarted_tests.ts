/**
 * Tests that never began in a run, and why: usually because an earlier test of their class ended each
 * iteration with an error.
 *
 * @module
 */

import { listed } from "../core/text.ts";

/** The order in which the tests of a class run; see `User.order`. */
export const TEST_ORDERS = ["sequential", "random", "parallel"] as const;

/** The tests of one user class that never began on a node, or in a whole run. */
export interface UnstartedTests {
  /** The name of the class. */
  readonly user: string;
  readonly order: typeof TEST_ORDERS[number];
  readonly tests: readonly UnstartedTest[];
  /** The weights of all tests of the class together. */
  readonly totalWeight: number;
  /** Users of the class that were started. */
  readonly users: number;
  /** Iterations of them that began. */
  readonly iterations: number;
  /** Times that a user has ended itself, before its first iteration or in an earlier test. */
  readonly ends: number;
  /**
   * Errors that ended an iteration before its last test, or kept a user from its first iteration: the most
   * frequent ones. The last one has no method and no text, and counts the others.
   */
  readonly errors: readonly CountedCause[];
}

/** A test that never began. */
export interface UnstartedTest {
  readonly name: string;
  readonly weight: number;
}

/** The method that threw an error, the error in few words, and how often it occurred. */
export type CountedCause = readonly [method: string, text: string, count: number];

/** What all nodes of a run have in common: tests that began on none of them. */
export function mergeUnstarted(
  nodes: readonly (readonly UnstartedTests[])[],
): UnstartedTests[] {
  const [first = [], ...others] = nodes;
  return first.flatMap((one) => {
    const same = others.map((node) => node.find(({ user }) => user === one.user));
    if (!same.every((other) => other !== undefined)) return [];
    const tests = one.tests.filter(({ name }) =>
      same.every((other) => other.tests.some((test) => test.name === name))
    );
    if (tests.length === 0) return [];
    const all = [one, ...same];
    const sum = (field: "users" | "iterations" | "ends"): number =>
      all.reduce((total, node) => total + node[field], 0);
    return [{
      ...one,
      tests,
      users: sum("users"),
      iterations: sum("iterations"),
      ends: sum("ends"),
      errors: mergedCauses(all.flatMap(({ errors }) => errors)),
    }];
  });
}

function mergedCauses(causes: readonly CountedCause[]): CountedCause[] {
  const counts = new Map<string, CountedCause>();
  for (const [method, text, count] of causes) {
    const key = `${method}\n${text}`;
    counts.set(key, [method, text, count + (counts.get(key)?.[2] ?? 0)]);
  }
  return [...counts.values()];
}

/** Classes that are named, and tests of each. */
const MAX_CLASSES = 3;
const MAX_TESTS = 3;

/**
 * One warning about all tests that never began; none if there are none.
 *
 * @param isComplete whether the counts of all nodes are known.
 */
export function unstartedWarning(
  classes: readonly UnstartedTests[],
  isComplete: boolean,
): string[] {
  if (classes.length === 0) return [];
  const known = isComplete ? "" : "As far as is known, ";
  const sentences = classes.slice(0, MAX_CLASSES).map((one) =>
    `${known}${namesOf(one)} never ran: ${reasonOf(one)}.`
  );
  const more = classes.length - MAX_CLASSES;
  if (more > 0) {
    sentences.push(`Tests of ${more} more ${more === 1 ? "class" : "classes"} never ran either.`);
  }
  return [sentences.join(" ")];
}

function namesOf({ user, tests }: UnstartedTests): string {
  const named = tests.slice(0, MAX_TESTS).map(({ name }) => name);
  const more = tests.length - named.length;
  return `${user}.${listed(more > 0 ? [...named, `${more} more`] : named)}`;
}

function reasonOf(one: UnstartedTests): string {
  const { order, tests, users, iterations, ends, errors } = one;
  if (users === 0) return `no user of ${one.user} was started`;
  if (iterations === 0) {
    if (errors.length > 0) return `no user got past its start${causeOf(errors)}`;
    return ends > 0 ? "each user ended in onStart" : "the run ended before the first iteration";
  }
  if (order === "random") {
    return iterations === 1
      ? `the only iteration chose another test${weightsOf(one)}`
      : `none of ${iterations} iterations chose ${tests.length === 1 ? "it" : "them"}${
        weightsOf(one)
      }`;
  }
  const failed = errors.reduce((sum, [, , count]) => sum + count, 0);
  if (failed > 0) {
    return `in ${share(failed, iterations)} an earlier test ended with an error${causeOf(errors)}`;
  }
  if (ends > 0) return `in ${share(ends, iterations)} an earlier test ended the user`;
  return "the run ended before an iteration got that far";
}

function weightsOf({ tests, totalWeight }: UnstartedTests): string {
  const named = tests.slice(0, MAX_TESTS).map(({ weight }) => String(weight));
  if (tests.length > named.length) return "";
  return named.length === 1
    ? ` (its weight is ${named[0]} of ${totalWeight})`
    : ` (their weights are ${listed(named)} of ${totalWeight})`;
}

function share(part: number, iterations: number): string {
  if (part < iterations) return `${part} of ${iterations} iterations`;
  if (iterations === 1) return "the only iteration";
  return iterations === 2 ? "both iterations" : `all ${iterations} iterations`;
}

/** The most frequent one, such as `, mostly ECONNREFUSED in testBrowse`; empty if it has no name. */
function causeOf(errors: readonly CountedCause[]): string {
  const named = errors.filter(([method]) => method !== "").sort((a, b) => b[2] - a[2]);
  const [top] = named;
  if (top === undefined) return "";
  const [method, text] = top;
  // Codes, such as ECONNREFUSED, are words of their own.
  const cause = `${/^\w+$/.test(text) ? text : `"${text}"`} in ${method}`;
  return errors.length === 1 ? `: ${cause}` : `, mostly ${cause}`;
}
