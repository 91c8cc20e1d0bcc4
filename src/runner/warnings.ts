/**
 * The warnings of a run, and those about iterations that did not start in time.
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";
import { LATE_START_MS, MANY_DROPPED } from "../stats/iteration_stats.ts";
import type { IterationSummary } from "../stats/snapshot.ts";

/** Warnings of one kind about workers that are kept, and that are counted. */
const MAX_OF_WORKERS = 20;
const MAX_COUNTED = 10_000;

/** The warnings of a run, each once. */
export class Warnings {
  readonly #onNew: (text: string) => void;
  readonly #texts = new Set<string>();
  /** Those about workers, by kind. */
  readonly #ofWorkers = new Map<string, Set<string>>();

  /** @param onNew called with each warning when it is added for the first time. */
  constructor(onNew: (text: string) => void) {
    this.#onNew = onNew;
  }

  /** All warnings, in the order in which they were added. */
  get texts(): string[] {
    const more = [...this.#ofWorkers.values()].reduce(
      (sum, { size }) => sum + Math.max(0, size - MAX_OF_WORKERS),
      0,
    );
    return [...this.#texts, ...(more > 0 ? [`${more} more warnings like these of workers.`] : [])];
  }

  /** Adds a warning, unless it is there already. */
  add(text: string): void {
    if (this.#texts.has(text)) return;
    this.#texts.add(text);
    this.#onNew(text);
  }

  /** Adds a warning about a worker. Of each kind, 20 are kept and the others counted: anyone may join. */
  addOfWorkers(kind: string, text: string): void {
    if (this.#texts.has(text)) return;
    const known = this.#ofWorkers.get(kind) ?? new Set();
    this.#ofWorkers.set(kind, known);
    if (known.size < MAX_COUNTED) known.add(text);
    if (known.size <= MAX_OF_WORKERS) this.add(text);
  }

  /** Adds several warnings, each unless it is there already. */
  addAll(texts: Iterable<string>): void {
    for (const text of texts) this.add(text);
  }
}

interface MasterPause {
  readonly atSeconds: number;
  readonly seconds: number;
}

/** When the master of a run did not run, as warnings. */
export class MasterPauses {
  readonly #leaseSeconds: number;
  #count = 0;
  #totalSeconds = 0;
  #longest: MasterPause = { atSeconds: 0, seconds: 0 };

  /** @param leaseSeconds how long workers run users without their master. */
  constructor(leaseSeconds: number) {
    this.#leaseSeconds = leaseSeconds;
  }

  /**
   * Adds a pause; returns a sentence about it.
   *
   * @param atSeconds when it began, in seconds since the start of the test.
   * @param seconds how long it lasted.
   */
  add(atSeconds: number, seconds: number): string {
    this.#count++;
    this.#totalSeconds += seconds;
    const pause = { atSeconds, seconds };
    if (seconds > this.#longest.seconds) this.#longest = pause;
    return this.#text(`for ${lengthOf(pause)}`);
  }

  /** One warning about all of them; none if there was no pause. */
  get texts(): string[] {
    if (this.#count === 0) return [];
    const longest = lengthOf(this.#longest);
    if (this.#count === 1) return [this.#text(`for ${longest}`)];
    const total = this.#totalSeconds.toFixed(1);
    return [this.#text(`${this.#count} times, for ${total} s in total (the longest: ${longest})`)];
  }

  #text(howLong: string): string {
    return `The master did not run ${howLong}: it was suspended, or code of the test file blocked ` +
      `it. Workers stop their users after ${this.#leaseSeconds} s without their master.`;
  }
}

function lengthOf({ atSeconds, seconds }: MasterPause): string {
  return `${seconds.toFixed(1)} s, from ${formatDuration(Math.floor(atSeconds))} of the test on`;
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
