/**
 * Counts of iterations, and the limits above which they deserve a warning.
 *
 * @module
 */

import { Latencies } from "./latencies.ts";
import type { IterationCounts } from "./stats_delta.ts";

/** Share of dropped iterations, 0 to 1, above which an open-model run did not apply its load. */
export const MANY_DROPPED = 0.01;

/** Start delay in milliseconds, at the 99th percentile, above which the same holds. */
export const LATE_START_MS = 50;

/** Counts the iterations of the open model, or of a run with a fixed number of them. */
export class IterationStats implements IterationCounts {
  scheduled = 0;
  dropped = 0;
  readonly serviceTime = new Latencies();
  readonly startDelay = new Latencies();
  readonly interruptedTime = new Latencies();

  /** Every iteration that starts has a delay. */
  get started(): number {
    return this.startDelay.count;
  }

  /** Every iteration that ends has a service time. */
  get completed(): number {
    return this.serviceTime.count;
  }

  /** Every iteration that is cut off has lasted for some time. */
  get interrupted(): number {
    return this.interruptedTime.count;
  }

  /** Counts the start of an iteration. @param delayMs how late it started. */
  begin(delayMs: number): void {
    this.startDelay.add(delayMs);
  }

  /** Counts the end of an iteration. @param serviceMs how long it took. */
  complete(serviceMs: number): void {
    this.serviceTime.add(serviceMs);
  }

  /** Counts an iteration that was cut off. @param lastedMs how long it had lasted. */
  interrupt(lastedMs: number): void {
    this.interruptedTime.add(lastedMs);
  }

  /** Adds the counts of other iterations. */
  merge(other: IterationCounts): void {
    this.scheduled += other.scheduled;
    this.dropped += other.dropped;
    this.serviceTime.merge(other.serviceTime);
    this.startDelay.merge(other.startDelay);
    this.interruptedTime.merge(other.interruptedTime);
  }
}
