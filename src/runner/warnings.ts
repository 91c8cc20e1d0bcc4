/**
 * The warnings of a run, and those about iterations that did not start in time.
 *
 * @module
 */

import { LATE_START_MS, MANY_DROPPED } from "../stats/iteration_stats.ts";
import type { IterationSummary } from "../stats/snapshot.ts";

/** The warnings of a run, each once. */
export class Warnings {
  readonly #onNew: (text: string) => void;
  readonly #texts = new Set<string>();

  /** @param onNew called with each warning when it is added for the first time. */
  constructor(onNew: (text: string) => void) {
    this.#onNew = onNew;
  }

  /** All warnings, in the order in which they were added. */
  get texts(): string[] {
    return [...this.#texts];
  }

  /** Adds a warning, unless it is there already. */
  add(text: string): void {
    if (this.#texts.has(text)) return;
    this.#texts.add(text);
    this.#onNew(text);
  }

  /** Adds several warnings, each unless it is there already. */
  addAll(texts: Iterable<string>): void {
    for (const text of texts) this.add(text);
  }
}

/**
 * What is wrong with the starts of the iterations in the open model, and why; a sentence each.
 *
 * @param users how many there were, and how many there may be.
 */
export function arrivalProblems(
  { scheduled, dropped, startDelayMs }: IterationSummary,
  users: { readonly peak: number; readonly max: number },
): string[] {
  const why = users.peak >= users.max
    ? `because all ${users.max} users were busy: allow more with --max-users, or lower the rate`
    : "because this load generator was too slow: spread the load over more processes or machines, " +
      "or lower the rate";
  const problems: string[] = [];
  if (dropped > scheduled * MANY_DROPPED) {
    problems.push(`More than 1 % of the iterations were dropped, ${why}.`);
  }
  if (startDelayMs.p99 !== null && startDelayMs.p99 > LATE_START_MS) {
    problems.push(`More than 1 % of the iterations started over ${LATE_START_MS} ms late, ${why}.`);
  }
  return problems;
}
