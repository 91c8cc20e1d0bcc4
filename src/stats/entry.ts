import { countText } from "./cap.ts";
import type { CountedEntry } from "./counted.ts";
import { Latencies } from "./latencies.ts";
import type { Sample } from "./sample.ts";

/**
 * What the samples of one method, name and code add up to.
 *
 * The fields are plain values so that they can be sent and put together again; elsewhere, only
 * {@link add} and {@link merge} write them.
 *
 * ```ts
 * import { Entry } from "./entry.ts";
 * import assert from "node:assert/strict";
 *
 * const entry = new Entry();
 * entry.add({
 *   method: "GET", name: "search", status: 500, latencyMs: 12, endedAt: 0,
 *   bytesReceived: 80, bytesSent: 0, retries: 0, error: "HTTP 500",
 * });
 * assert.equal(entry.requests, 1);
 * assert.deepEqual([...entry.errors], [["HTTP 500", 1]]);
 * ```
 */
export class Entry implements CountedEntry {
  failures = 0;
  retries = 0;
  bytesReceived = 0;
  bytesSent = 0;
  readonly latencies = new Latencies();
  /** How often each error was the outcome; of 1,000 distinct ones, the rest under `(other)`. */
  readonly errors = new Map<string, number>();

  /** How many samples there are; each has a latency, so their number is counted there. */
  get requests(): number {
    return this.latencies.count;
  }

  /** Counts one sample. */
  add(sample: Sample): void {
    this.retries += sample.retries;
    this.bytesReceived += sample.bytesReceived;
    this.bytesSent += sample.bytesSent;
    this.latencies.add(sample.latencyMs);
    if (sample.error === null) return;
    this.failures++;
    countText(this.errors, sample.error, 1);
  }

  /** Adds all that another one has counted. */
  merge(other: CountedEntry): void {
    this.failures += other.failures;
    this.retries += other.retries;
    this.bytesReceived += other.bytesReceived;
    this.bytesSent += other.bytesSent;
    this.latencies.merge(other.latencies);
    for (const [error, count] of other.errors) countText(this.errors, error, count);
  }
}
