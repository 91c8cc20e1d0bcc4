/**
 * Which tests have begun on a node, and what ended iterations before their last test.
 *
 * @module
 */

import { errorText, isInstance } from "../core/errors.ts";
import { UserEnd } from "../core/user_lifetime.ts";
import { RequestError } from "../http/request_error.ts";
import { PairMap } from "../stats/request_stats.ts";
import type { CountedCause, UnstartedTest, UnstartedTests } from "../stats/unstarted_tests.ts";

/** Different causes that are counted of each class, and those of them that are reported. */
const MAX_CAUSES = 100;
const MAX_REPORTED_CAUSES = 5;

/** The longest text of a cause, in UTF-16 units. */
const MAX_CAUSE_TEXT = 60;

/** Classes that are reported, and tests of all of them: a message has little room for them. */
const MAX_CLASSES = 20;
const MAX_TESTS = 50;

/** A user class: the part of `DiscoveredClass` that is needed here. */
interface CountedClass {
  readonly name: string;
  readonly userClass: Pick<UnstartedTests, "order">;
  readonly tests: readonly (UnstartedTest & { readonly id: number })[];
}

/** What is counted of one class. */
interface ClassStarts {
  users: number;
  ends: number;
  /** Errors that have no place in {@link causes}. */
  otherErrors: number;
  readonly causes: PairMap<{ count: number }>;
}

/** Counts the starts of tests on one node. */
export class TestStarts {
  /** How often each test has started, by its id: users count here themselves, because it is all they do. */
  readonly counts: Float64Array;
  readonly #classes: readonly CountedClass[];
  readonly #byClass = new Map<CountedClass, ClassStarts>();

  constructor(classes: readonly CountedClass[]) {
    this.#classes = classes;
    const ids = classes.flatMap(({ tests }) => tests.map(({ id }) => id));
    this.counts = new Float64Array(Math.max(-1, ...ids) + 1);
  }

  /** A user has started. */
  userStarted(userClass: CountedClass): void {
    this.#of(userClass).users++;
  }

  /** What a method has thrown ended an iteration before its last test, or kept a user from its first one. */
  cutShort(userClass: CountedClass, method: string, thrown: unknown): void {
    const starts = this.#of(userClass);
    if (isInstance(thrown, UserEnd)) {
      starts.ends++;
      return;
    }
    const text = isInstance(thrown, RequestError) ? thrown.code : errorText(thrown);
    const known = starts.causes.get(method, text);
    if (known !== undefined) known.count++;
    else if (starts.causes.size >= MAX_CAUSES) starts.otherErrors++;
    else starts.causes.set(method, text, { count: 1 });
  }

  /** The tests that never began, by class. Only the first of very many are listed. */
  get unstarted(): UnstartedTests[] {
    let room = MAX_TESTS;
    return this.#classes.flatMap((one) => {
      const tests = one.tests.filter(({ id }) => this.counts[id] === 0).slice(0, room);
      room -= tests.length;
      return tests.length === 0 ? [] : [{
        user: one.name,
        order: one.userClass.order,
        tests: tests.map(({ name, weight }) => ({ name, weight })),
        totalWeight: one.tests.reduce((sum, { weight }) => sum + weight, 0),
        iterations: this.#iterationsOf(one),
        ...this.#causesOf(one),
      }];
    }).slice(0, MAX_CLASSES);
  }

  #iterationsOf({ tests, userClass }: CountedClass): number {
    const counts = tests.map(({ id }) => this.counts[id]!);
    return userClass.order === "random" ? counts.reduce((sum, count) => sum + count) : counts[0]!;
  }

  #causesOf(userClass: CountedClass): Pick<UnstartedTests, "users" | "ends" | "errors"> {
    const { users, ends, otherErrors, causes } = this.#of(userClass);
    const all = Array.from(
      causes,
      ([method, text, { count }]): CountedCause => [method, clipped(text), count],
    ).sort((a, b) => b[2] - a[2]);
    const rest = all.slice(MAX_REPORTED_CAUSES).reduce((sum, one) => sum + one[2], otherErrors);
    const errors = all.slice(0, MAX_REPORTED_CAUSES);
    if (rest > 0) errors.push(["", "", rest]);
    return { users, ends, errors };
  }

  #of(userClass: CountedClass): ClassStarts {
    let starts = this.#byClass.get(userClass);
    if (starts === undefined) {
      starts = { users: 0, ends: 0, otherErrors: 0, causes: new PairMap() };
      this.#byClass.set(userClass, starts);
    }
    return starts;
  }
}

function clipped(text: string): string {
  return text.length > MAX_CAUSE_TEXT
    ? `${text.slice(0, MAX_CAUSE_TEXT - 1).toWellFormed()}…`
    : text;
}
