/**
 * The counts of a node as interfaces, for its own tables and for the bytes of a report alike. Code
 * that adds up counts takes these, so a received report need not be unpacked first.
 *
 * @module
 */

import type { Note } from "./annotations.ts";

/** Receives counts of values by bucket. */
export interface BucketSink {
  /** Adds `count` values to a bucket of `Histogram`. */
  addBucket(index: number, count: number): void;
}

/** Buckets that can be added to a sink. */
export interface BucketSource {
  /** The number of all values. */
  readonly count: number;
  /** Adds every bucket that is not empty. */
  addTo(sink: BucketSink): void;
}

/** The distribution of some latencies. All times are milliseconds. */
export interface LatencyCounts {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  /** Sum of the squared distances from the mean. */
  readonly squaredDeviations: number;
  readonly histogram: BucketSource;
}

/**
 * The plain numbers that are counted for each request name, in addition to its latencies and errors. Types,
 * messages and reports are derived from this list: a new count is added here, to `Sample` and
 * `Entry`, and to the summary, where the compiler asks for it. Their order is that of the fields of a
 * REPORT message: a change of it needs a new version of the protocol.
 */
export const REQUEST_COUNTS = ["retries", "bytesReceived", "bytesSent"] as const;

/** The longest name of a request or of a user class, in UTF-16 units. */
export const MAX_NAME = 2000;

/** The longest method of a request, in UTF-16 units. */
export const MAX_METHOD = 1000;

/** The counts of {@link REQUEST_COUNTS}. Bytes are those of bodies. */
export type RequestCounts = Readonly<Record<typeof REQUEST_COUNTS[number], number>>;

/** Only the counts of something that has more. */
export function requestCounts(from: RequestCounts): RequestCounts {
  const counts: Partial<Record<keyof RequestCounts, number>> = {};
  for (const name of REQUEST_COUNTS) counts[name] = from[name];
  return counts as RequestCounts;
}

/** The sum of the samples of one method, name and code. */
export interface EntryCounts extends RequestCounts {
  /** The number of all latencies. */
  readonly requests: number;
  /** The number of failed requests. */
  readonly failures: number;
  /** The latencies of successful requests. */
  readonly latencies: LatencyCounts;
  /** The latencies of failed requests; `null` if there are none. */
  readonly failureLatencies: LatencyCounts | null;
  /** The number of occurrences of each error. */
  readonly errors: Iterable<readonly [error: string, count: number]>;
}

/**
 * Which requests of a method and name were counted together: the user class, and the tags as `tagsText` writes
 * them. Without tags, all requests of the name are meant, whatever tags they had. Those with tags are a part of
 * them, so sums of requests leave the parts out: see {@link isPart}.
 */
type PartOf = [className?: string, tags?: string];

/** Whether a row has only those requests of its name that had some tags. They are in another row as well. */
export function isPart(tags: string | undefined): tags is string {
  return tags !== undefined && tags !== "";
}

/** The counts of one entry with its key. The code is the HTTP status, or 0 without one. */
export type KeyedEntry = readonly [
  method: string,
  name: string,
  code: number,
  entry: EntryCounts,
  ...part: PartOf,
];

/** The unfinished requests of one method and name. */
export interface UnfinishedCounts {
  /** How long each had taken when it was cut off, in milliseconds. */
  readonly ages: LatencyCounts;
  /** How often they were sent again. */
  readonly retries: number;
}

/** Unfinished requests with their key; at least one. */
export type KeyedUnfinished = readonly [
  method: string,
  name: string,
  counts: UnfinishedCounts,
  ...part: PartOf,
];

/** The requests of one method and name that are in progress at a moment. All times are milliseconds. */
export interface InProgressCounts {
  readonly count: number;
  /** The highest of their ages. */
  readonly oldestMs: number;
  /** The ages of those that have been in progress for over 1 s; `null` if there are none. */
  readonly ages: LatencyCounts | null;
}

/** The requests in progress with their key. */
export type KeyedInProgress = readonly [
  method: string,
  name: string,
  counts: InProgressCounts,
  ...part: PartOf,
];

/**
 * The parts of a request whose times are measured, in the order in which they happen: looking up the
 * address, opening the connection, the TLS handshake, waiting for the first byte of the response, and
 * receiving the rest of it. Their order is that of the fields of a REPORT message.
 */
export const PHASES = ["dns", "connect", "tls", "ttfb", "download"] as const;

/** One of {@link PHASES}. */
export type Phase = typeof PHASES[number];

/**
 * Where the time of some requests of one method and name went: those that were not plain, which means that
 * they opened a connection, or that their time was not only spent waiting for the first byte. Each phase has
 * a value for each request in which it happened. All times are milliseconds.
 */
export interface PhaseCounts extends Readonly<Record<Phase, LatencyCounts>> {
  /** Connections that were opened. */
  readonly opened: number;
  /** Requests with a first byte whose connection was opened for them, or is unknown. */
  readonly notReused: number;
  /** The latencies of those that had a complete response. */
  readonly latency: LatencyCounts;
}

/** Phases with their key. */
export type KeyedPhases = readonly [
  method: string,
  name: string,
  counts: PhaseCounts,
  ...part: PartOf,
];

/** What the system said about open connections, some of which are sampled once a second. */
export interface NetworkCounts {
  /** The smoothed round-trip time of each sample, in milliseconds. */
  readonly roundTrip: LatencyCounts;
  /** Samples of connections that had sent segments again since they were opened. */
  readonly retransmitting: number;
}

/** The counts and times of iterations. All times are milliseconds. */
export interface IterationCounts {
  /** Iterations that were due. */
  readonly scheduled: number;
  /** Iterations that a user started, on time or late. */
  readonly started: number;
  /** Iterations that ended, successfully or not. */
  readonly completed: number;
  /** Iterations that were cut off with their users. */
  readonly interrupted: number;
  /** Iterations that no user started, because all were busy or the test was over. */
  readonly dropped: number;
  /** From the actual start of an iteration to its end. */
  readonly serviceTime: LatencyCounts;
  /** From the moment at which an iteration was due to its actual start. */
  readonly startDelay: LatencyCounts;
  /** From the actual start of an iteration to the moment at which it was cut off. */
  readonly interruptedTime: LatencyCounts;
}

/** The groups of one name. All times are milliseconds. */
export interface GroupCounts {
  /** How long successful groups took. */
  readonly durations: LatencyCounts;
  /** The part of each of {@link durations} in which at least one request was under way. */
  readonly requestTimes: LatencyCounts;
  /** How long failed groups took. */
  readonly failureDurations: LatencyCounts;
  /** How long the groups had taken that were cut off. */
  readonly unfinished: LatencyCounts;
}

/** Groups with their name: see `GroupRow.name`. */
export type KeyedGroup = readonly [name: string, counts: GroupCounts];

/** The results of checks of one name; at least one. */
export interface CheckCounts {
  readonly passed: number;
  readonly failed: number;
}

/** Results of checks with their name. */
export type KeyedCheck = readonly [name: string, counts: CheckCounts];

/** The sum of what a counter was given. */
export interface CounterCounts {
  readonly type: "counter";
  readonly value: number;
}

/** The values of a gauge; at least one. */
export interface GaugeCounts {
  readonly type: "gauge";
  /** The last one. */
  readonly value: number;
  /** When it was set, in milliseconds since the start of the test; negative before that. */
  readonly atMs: number;
  readonly min: number;
  readonly max: number;
}

/** How often something was so; at least one case. */
export interface RateCounts {
  readonly type: "rate";
  readonly hits: number;
  readonly total: number;
}

/** The values of a trend except their buckets; at least one value. */
export interface TrendMoments {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Sum of the squared distances from the mean. */
  readonly squaredDeviations: number;
}

/** The distribution of the values of a trend. Moments and buckets can be in different parts of a report. */
export interface TrendCounts {
  readonly type: "trend";
  readonly unit: string;
  readonly moments: TrendMoments | null;
  /** The buckets of a `ValueHistogram`. */
  readonly histogram: BucketSource;
}

/** What was added to one metric of a test file. */
export type MetricCounts = CounterCounts | GaugeCounts | RateCounts | TrendCounts;

/** What was added to a metric, with its name. */
export type KeyedMetric = readonly [name: string, counts: MetricCounts];

/** A request that has a trace. */
export interface TracedRequest {
  readonly latencyMs: number;
  /** When it started, in milliseconds since 1970. */
  readonly startedAt: number;
  /** 0 without a response. */
  readonly status: number;
  /** 32 hexadecimal digits. */
  readonly traceId: string;
}

/** A request with a trace and its key. */
export type KeyedTraced = readonly [method: string, name: string, request: TracedRequest];

/** A failed request as an example of others. Secrets are hidden. */
export interface FailureSample {
  readonly method: string;
  readonly name: string;
  /** The error under which it is counted. */
  readonly error: string;
  /** 0 without a response. */
  readonly status: number;
  /** The URL of its last exchange. */
  readonly url: string;
  /** When it failed, in milliseconds since 1970. */
  readonly at: number;
  /** The name of the node. */
  readonly node: string;
  readonly userClass: string;
  /** The id of the user. */
  readonly user: number;
  readonly iteration: number;
  /** The id of its W3C trace; empty without one. */
  readonly traceId: string;
  /** The request line, the headers that are known, and the body. */
  readonly sent: string;
  /** The same of the response; empty without one. */
  readonly received: string;
}

/** The users and the number of requests of one node in one second, without names and latencies. */
export interface SecondCounts {
  /** Whole seconds since the start; the first is 0. */
  readonly second: number;
  /** Users that were running when the second ended. */
  readonly users: number;
  /** The most users that were running at any moment of the second. */
  readonly peakUsers: number;
  readonly requests: number;
  readonly failures: number;
  /**
   * The longest time for which the event loop of the node was late, of those that ended in this second;
   * whole milliseconds.
   */
  readonly maxLagMs: number;
}

/** The users of one class on one node in one second. */
export type ClassSecond = Pick<SecondCounts, "second" | "users" | "peakUsers">;

/** What the users of one class have done, besides their requests. */
export interface ClassCounts {
  readonly name: string;
  /** Iterations that its users completed, in either model. */
  readonly completed: number;
  /** `null` if its iterations are not scheduled or limited, or there were none. */
  readonly iterations: IterationCounts | null;
  /** Empty if it is the only class, or if another part of the same report has them. */
  readonly seconds: readonly ClassSecond[];
}

/** The counts of requests, each with its class. A request with tags is in two rows: see {@link isPart}. */
export interface RequestDelta {
  readonly entries: Iterable<KeyedEntry>;
  /** Where the time went, for those samples of the entries that were not plain. */
  readonly phases: Iterable<KeyedPhases>;
  /** Requests that were in progress when their users were cut off. They are in no entry. */
  readonly unfinished: Iterable<KeyedUnfinished>;
}

/**
 * Everything that one node has counted in one second, or in several that were merged: what workers
 * report and `Totals` adds up.
 */
export interface StatsDelta extends RequestDelta {
  /** The first second that it covers. */
  readonly from: number;
  /** The last second that it covers. */
  readonly to: number;
  /** Each of these seconds; empty if another part of the same report has them. */
  readonly seconds: readonly SecondCounts[];
  /** All user classes of the node; none if that is unknown. */
  readonly classes: readonly ClassCounts[];
  /** The number of errors that the code of each user class threw; the error as `withPlace` returns it. */
  readonly userErrors: Iterable<readonly [user: string, error: string, count: number]>;
  /** Those of all classes; `null` if iterations are not counted, or there were none. */
  readonly iterations: IterationCounts | null;
  /** Requests in progress at the end of the last second. Unlike everything else, they do not add up. */
  readonly inProgress: Iterable<KeyedInProgress>;
  /** `null` if no connection was sampled, or the system cannot be asked. */
  readonly network: NetworkCounts | null;
  readonly groups: Iterable<KeyedGroup>;
  readonly checks: Iterable<KeyedCheck>;
  readonly metrics: Iterable<KeyedMetric>;
  /** The slowest requests of each name that have a trace. */
  readonly traced: Iterable<KeyedTraced>;
  /** Examples of failed requests. */
  readonly failureSamples: Iterable<FailureSample>;
  /** What code of the test has said about moments of the run. */
  readonly notes: Iterable<Note>;
}

/** A second in which nothing was counted. */
export function emptyDelta(second: number): StatsDelta {
  return {
    from: second,
    to: second,
    seconds: [],
    classes: [],
    entries: [],
    phases: [],
    userErrors: [],
    iterations: null,
    unfinished: [],
    inProgress: [],
    network: null,
    groups: [],
    checks: [],
    metrics: [],
    traced: [],
    failureSamples: [],
    notes: [],
  };
}
