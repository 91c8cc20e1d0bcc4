/**
 * What checks have found that do not fail their requests, by name.
 *
 * @module
 */

import type { CheckRow } from "./snapshot.ts";
import type { CheckCounts, KeyedCheck } from "./stats_delta.ts";

/** The results of checks by name. The caller limits the number of names. */
export class CheckTable implements Iterable<KeyedCheck> {
  readonly #checks = new Map<string, { passed: number; failed: number }>();

  /** The number of names. */
  get size(): number {
    return this.#checks.size;
  }

  /** Adds results of a name. */
  add(name: string, { passed, failed }: CheckCounts): void {
    const counts = this.#at(name);
    counts.passed += passed;
    counts.failed += failed;
  }

  /** Counts one result. */
  count(name: string, passed: boolean): void {
    const counts = this.#at(name);
    if (passed) counts.passed++;
    else counts.failed++;
  }

  /** A row for each name. */
  rows(): CheckRow[] {
    return Array.from(this.#checks, ([name, { passed, failed }]) => ({
      name,
      passed,
      failed,
      rate: passed / (passed + failed),
    }));
  }

  /** Every name with its results; at least one each. */
  [Symbol.iterator](): IterableIterator<KeyedCheck> {
    return this.#checks[Symbol.iterator]();
  }

  #at(name: string): { passed: number; failed: number } {
    let counts = this.#checks.get(name);
    if (counts === undefined) this.#checks.set(name, counts = { passed: 0, failed: 0 });
    return counts;
  }
}
