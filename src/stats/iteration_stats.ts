import { Latencies } from "./request_stats.ts";
import type { IterationCounts } from "./stats_delta.ts";

/**
 * What became of the passes that were meant to begin.
 */
export class IterationStats implements IterationCounts {
  scheduled = 0;
  dropped = 0;
  readonly serviceTime = new Latencies();
  readonly startDelay = new Latencies();

  /** Each has a delay, so their number is counted there. */
  get started(): number {
    return this.startDelay.count;
  }

  /** Each has a service time, so their number is counted there. */
  get completed(): number {
    return this.serviceTime.count;
  }

  /** A user has begun one. @param delayMs how late. */
  begin(delayMs: number): void {
    this.startDelay.add(delayMs);
  }

  /** A user has ended one. @param serviceMs how long it has taken. */
  complete(serviceMs: number): void {
    this.serviceTime.add(serviceMs);
  }

  /** Adds all that another one has counted. */
  merge(other: IterationCounts): void {
    this.scheduled += other.scheduled;
    this.dropped += other.dropped;
    this.serviceTime.merge(other.serviceTime);
    this.startDelay.merge(other.startDelay);
  }
}

// Where so many passes are dropped, or begin so late, that a run of the open model does not say what
// it was meant to say.

/** Share of the passes that were scheduled, 0 to 1. */
export const MANY_DROPPED = 0.01;

/** How late passes begin at the 99th percentile, in milliseconds. */
export const LATE_START_MS = 50;
