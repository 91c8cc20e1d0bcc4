/**
 * Examples of failed requests: what was sent, and what came back.
 *
 * @module
 */

import { PairMap } from "./request_stats.ts";
import type { FailureSample } from "./stats_delta.ts";

/** How many samples of each name and error are kept. */
export const SAMPLES_PER_ERROR = 5;

/** How many samples of a run are kept. */
export const MAX_FAILURE_SAMPLES = 100;

/** The longest {@link FailureSample.sent} and {@link FailureSample.received} together, in bytes. */
export const MAX_SAMPLE_BYTES = 4096;

/** The longest {@link FailureSample.url}, in UTF-16 units. */
export const MAX_SAMPLE_URL = 500;

/** Keeps the first samples of each name and error. */
export class FailureSamples implements Iterable<FailureSample> {
  readonly #perError: number;
  readonly #most: number;
  readonly #samples: FailureSample[] = [];
  /** By method, name and error. */
  readonly #counts = new PairMap<Map<string, number>>();

  /** @param perError how many of each name and error are kept, and `most` of all. */
  constructor(perError: number = SAMPLES_PER_ERROR, most: number = MAX_FAILURE_SAMPLES) {
    this.#perError = perError;
    this.#most = most;
  }

  /** Whether a sample would be kept. */
  admits({ method, name, error }: Pick<FailureSample, "method" | "name" | "error">): boolean {
    if (this.#samples.length >= this.#most) return false;
    return (this.#counts.get(method, name)?.get(error) ?? 0) < this.#perError;
  }

  /** Adds a sample, unless there are enough of its kind. */
  add(sample: FailureSample): void {
    if (!this.admits(sample)) return;
    const { method, name, error } = sample;
    const counts = this.#counts.at(method, name, () => new Map());
    counts.set(error, (counts.get(error) ?? 0) + 1);
    this.#samples.push(sample);
  }

  [Symbol.iterator](): Iterator<FailureSample> {
    return this.#samples[Symbol.iterator]();
  }

  /** Those of the same name and error are together, in the order in which they failed. */
  rows(): FailureSample[] {
    return this.#samples.toSorted((a, b) =>
      compare(a.name, b.name) || compare(a.method, b.method) || compare(a.error, b.error) ||
      a.at - b.at
    );
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
