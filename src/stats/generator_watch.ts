/**
 * Limits above which a load generator affects its own measurements, and warnings about them.
 *
 * @module
 */

import type { WorkerRow } from "./snapshot.ts";

/** CPU usage, as a share of one core, above which a load generator affects its own measurements. */
export const BUSY_CPU = 0.9;

/** Event loop lag in milliseconds above which it also does so. */
export const LATE_LOOP_MS = 50;

/** A load generator that does not run for this long is worth a warning of its own, in milliseconds. */
export const STANDSTILL_MS = 1_000;

/** Seconds that a load generator has to be at its limits before it is worth a warning. */
export const WATCHED_SECONDS = 5;

/**
 * Warns when a load generator is the bottleneck of the test, from its CPU usage and event loop lag in
 * each second. A master watches its workers in the same way.
 */
export class GeneratorWatch {
  readonly #name: string;
  #seconds = 0;
  #busySeconds = 0;

  /** @param name the start of a sentence, such as `Worker attic`. */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Takes the measurements of one second; call it once per second. Returns the warnings, whose texts
   * do not change as long as the condition lasts.
   */
  update({ cpu, lagMs }: Pick<WorkerRow, "cpu" | "lagMs">): string[] {
    this.#seconds += 1;
    this.#busySeconds = cpu > BUSY_CPU ? this.#busySeconds + 1 : 0;
    const warnings: string[] = [];
    if (this.#busySeconds >= WATCHED_SECONDS) {
      warnings.push(
        `${this.#name} used over ${BUSY_CPU * 100} % of a core for ${WATCHED_SECONDS} s: ` +
          "it may be the bottleneck, and latencies may include its own delays.",
      );
    }
    // The lag covers the same number of seconds. The first ones include compilation.
    if (this.#seconds >= WATCHED_SECONDS && lagMs > LATE_LOOP_MS) {
      warnings.push(
        `${this.#name}'s event loop ran over ${LATE_LOOP_MS} ms late (99th percentile of ` +
          `${WATCHED_SECONDS} s): latencies may be too high by as much.`,
      );
    }
    return warnings;
  }
}
