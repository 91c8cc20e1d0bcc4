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
export interface LatencyCounts {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  /** Sum of the squared distances from the mean. */
  readonly squaredDeviations: number;
  readonly histogram: BucketSource;
}

/** What the samples of one method, name and code add up to. */
export interface EntryCounts {
  readonly requests: number;
  readonly failures: number;
  readonly retries: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly latencies: LatencyCounts;
  /** How often each error was the outcome. */
  readonly errors: Iterable<readonly [error: string, count: number]>;
}

/** One of what was counted: its code is the HTTP status, 0 without one. */
export type CodedEntry = readonly [method: string, name: string, code: number, entry: EntryCounts];

/** What became of the passes that were meant to begin; all times are milliseconds. */
export interface IterationCounts {
  /** Those whose time had come. */
  readonly scheduled: number;
  /** Those of them that a user began, at once or late. */
  readonly started: number;
  /** Those that a user has ended, well or not. */
  readonly completed: number;
  /** Those that no user will begin any more. */
  readonly dropped: number;
  /** From the moment that a user began a pass until it ended it. */
  readonly serviceTime: LatencyCounts;
  /** From the moment that a pass was meant to begin until a user did. */
  readonly startDelay: LatencyCounts;
}

/** How one second of one node went. */
export interface SecondCounts {
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
export interface StatsDelta {
  /** The first and the last second that it covers. */
  readonly from: number;
  readonly to: number;
  /** How each of them went; empty where another part of what was counted in them tells it. */
  readonly seconds: readonly SecondCounts[];
  readonly entries: Iterable<CodedEntry>;
  /** How often the code of a user class threw an error. */
  readonly userErrors: Iterable<readonly [user: string, error: string, count: number]>;
  /** Null where passes are not counted, or none was. */
  readonly iterations: IterationCounts | null;
}
