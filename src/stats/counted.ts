/**
 * What a node has counted, whichever form it is in: its own tables, or bytes that came over a wire.
 * Whatever adds counts up takes these, so that what was sent need not be unpacked first.
 *
 * @module
 */

/** Takes counts of values by bucket. */
export interface BucketSink {
  /** Counts `count` values in a bucket of `Histogram`. */
  addBucket(index: number, count: number): void;
}

/** Buckets that can be counted somewhere else. */
export interface BucketSource {
  /** How many values there are in all. */
  readonly count: number;
  /** Adds every bucket that has something in it. */
  addTo(sink: BucketSink): void;
}

/** How a number of latencies are spread; all times are milliseconds. */
export interface CountedLatencies {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  /** Sum of the squared distances from the mean. */
  readonly squaredDeviations: number;
  readonly histogram: BucketSource;
}

/** What the samples of one method and name add up to. */
export interface CountedEntry {
  readonly requests: number;
  readonly failures: number;
  readonly retries: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly latencies: CountedLatencies;
  /** How often each error was the outcome. */
  readonly errors: Iterable<readonly [error: string, count: number]>;
}

/** How one second of one node went. */
export interface CountedSecond {
  /** Whole seconds since the start: 0 is the first. */
  readonly second: number;
  /** Users that ran when the second ended. */
  readonly users: number;
  /** The most users that ran at any moment of it. */
  readonly peakUsers: number;
  readonly requests: number;
  readonly failures: number;
}

/** What one node counted in one second, or in several that were put together. */
export interface Counted {
  /** The first and the last second that it covers. */
  readonly from: number;
  readonly to: number;
  /** How each of them went; empty where another part of what was counted in them tells it. */
  readonly seconds: readonly CountedSecond[];
  readonly entries: Iterable<readonly [method: string, name: string, entry: CountedEntry]>;
  /** How often the code of a user class threw an error. */
  readonly userErrors: Iterable<readonly [user: string, error: string, count: number]>;
}
