import type { WorkerRow } from "./snapshot.ts";

// Where a load generator is so busy or so late that what it measures begins to be its own slowness.

/** Share of one core, 0 to 1. */
export const BUSY_CPU = 0.9;

/** How late the event loop runs, in milliseconds. */
export const LATE_LOOP_MS = 50;

/** A shorter time at its limits says nothing of a load generator. */
export const WATCHED_SECONDS = 5;

/**
 * Says when a load generator is itself what limits the test: by how busy and how late it was in each
 * second. It does not matter where the generator runs, so a master watches its workers this way.
 */
export class GeneratorWatch {
  readonly #name: string;
  #seconds = 0;
  #busySeconds = 0;

  /** @param name what a sentence can begin with, such as `Worker attic`. */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Takes in how a second went; to be called once for each. Returns what there is to warn of, in
   * sentences that are the same for as long as it lasts.
   */
  note({ cpu, lagMs }: Pick<WorkerRow, "cpu" | "lagMs">): string[] {
    this.#seconds += 1;
    this.#busySeconds = cpu > BUSY_CPU ? this.#busySeconds + 1 : 0;
    const warnings: string[] = [];
    if (this.#busySeconds >= WATCHED_SECONDS) {
      warnings.push(
        `${this.#name} used over ${BUSY_CPU * 100} % of a core for ${WATCHED_SECONDS} s: ` +
          "it may be the bottleneck, and the latencies partly its own.",
      );
    }
    // The lag is that of as many seconds, and at first of fewer, in which code was still compiled.
    if (this.#seconds >= WATCHED_SECONDS && lagMs > LATE_LOOP_MS) {
      warnings.push(
        `${this.#name}'s event loop ran over ${LATE_LOOP_MS} ms late (99th percentile of ` +
          `${WATCHED_SECONDS} s): latencies may be too long by as much.`,
      );
    }
    return warnings;
  }
}
