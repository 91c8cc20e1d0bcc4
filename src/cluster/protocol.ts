/**
 * The protocol between master and workers: every message, declared once. Types, validators, encoders
 * and the generators of the tests all come from {@link MESSAGE}. To add a message, add its fields there.
 *
 * Raise {@link PROTOCOL} with every new message, and with every field that is added, removed or changed. A
 * peer that receives a message of an unknown type, or with more fields than it knows, reports a
 * {@link ProtocolError} and disconnects. A different protocol is refused in the handshake instead, with an
 * error that tells the user to install the same version everywhere. Names of fields are not sent, so they
 * can change, except in HELLO, JOIN and WELCOME: the proofs of the token cover the names of their fields.
 *
 * @module
 */

import { MAX_WORKER_NAME } from "../core/run_info.ts";
import { MAX_TAGS_TEXT } from "../core/tags.ts";
import { MAX_ANNOTATION } from "../stats/annotations.ts";
import { MAX_SAMPLE_BYTES, MAX_SAMPLE_URL } from "../stats/failure_samples.ts";
import { MAX_METRIC_NAME, MAX_METRIC_UNIT } from "../stats/metric_stats.ts";
import { MAX_METHOD, MAX_NAME, type Phase, PHASES, REQUEST_COUNTS } from "../stats/stats_delta.ts";
import { TEST_ORDERS } from "../stats/unstarted_tests.ts";
import {
  amount,
  bytes,
  clipped,
  count,
  countFrom,
  counts,
  finite,
  flag,
  json,
  label,
  list,
  optional,
  row,
  type RowOf,
  text,
  tuple,
  union,
  type ValueOf,
  word,
} from "./schema.ts";

/** The version of the protocol that this version of aiotest speaks. */
export const PROTOCOL = 7;

/** The longest message in bytes, before the handshake is complete and after it. */
export const HANDSHAKE_LIMIT = 4 * 1024;
export const MESSAGE_LIMIT = 1024 * 1024;

/** The `testfileHash` of a worker that has no test file and asks for the master's. */
export const NO_TESTFILE = "";

/** The longest path of a file, in UTF-16 units. */
export const MAX_PATH = 240;

/** The options for workers, in characters. */
export const MAX_SETUP = 256 * 1024;

/** The longest line of a log that is sent, in UTF-16 units. */
const MAX_LOG_TEXT = 500;

/** The longest name of a counter, a queue and so on, in UTF-16 units. */
export const MAX_SHARED_NAME = 256;

const id = label(256);
/** The hash of files, or {@link NO_TESTFILE}. */
const hash = text(256);
const name = clipped(MAX_NAME);
const method = clipped(MAX_METHOD);
const shortText = clipped(1000);
const nonce = bytes(16, 64);
const mac = bytes(0, 64);
const seconds = amount();
/** A heartbeat or a lease. The lower limit keeps a peer from making this node spin. */
const period = amount(0.01, 86_400);
const path = text(MAX_PATH);
const sharedName = text(MAX_SHARED_NAME);
const jsonText = json(512 * 1024);
const histogram = bytes(0, MESSAGE_LIMIT);

const errorCode = word(
  // The bytes are not a message, or not one that is allowed at this point.
  "protocol",
  // The peers have no version of the protocol in common.
  "version",
  // The token is wrong or missing.
  "token",
  // The test files differ.
  "testfile",
  // A worker of the same name is connected already.
  "duplicate",
  // Too many handshakes are in progress, or another problem that may go away.
  "busy",
  // The run is over, or it is not the run that the worker reports to.
  "run",
  // The test cannot start: a handler of `init` or `testStart` has thrown on the sender, or elsewhere.
  "unprepared",
);

/** Why a connection is refused or given up. */
export type ErrorCode = ValueOf<typeof errorCode>;

/** Ends a connection: the peer is sent an ERROR, and the connection is closed. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, text: string) {
    super(text);
    this.code = code;
  }
}

const workerState = word(
  "preparing",
  "ready",
  "spawning",
  "running",
  // All users that it was to run have ended by themselves, or no iterations are left for them.
  "exhausted",
  // It was stopped by a signal, so other workers have to run its users.
  "leaving",
  "stopping",
  "stopped",
);

/** What a worker is doing: the `state` in its STATE messages. */
export type WorkerStateName = ValueOf<typeof workerState>;

/** The schema of {@link WorkerMembership}, which the journal records. */
export const membership = word(
  // Connected, or disconnected so briefly that its lease has not expired.
  "present",
  // It left by itself, and has delivered all its reports.
  "left",
  // Its lease has expired.
  "lost",
);

/** A worker's relation to the run. */
export type WorkerMembership = ValueOf<typeof membership>;

const arrivalAssignment = row({
  /** Iterations per second that start in the whole cluster, from {@link since} on. */
  rate: amount(0, 1e9),
  /** Seconds from the start of the test until this rate applies. */
  since: seconds,
  /** Iterations that were scheduled in the whole cluster by then, including the fraction of the next. */
  position: amount(0, Number.MAX_SAFE_INTEGER),
  /** Seconds from the start of the test after which no iterations are scheduled. */
  until: seconds,
  /** From the iteration of this number on, the worker starts one of every {@link of}. */
  from: count,
  of: countFrom(1),
  /** Which of them: those whose number modulo {@link of} is this. */
  index: count,
  /** Iterations in the whole run. They are numbered from 0, so this is the first number not in it. */
  limit: count,
  /** The most users that this worker may have. */
  maxUsers: count,
  spacing: word("constant", "poisson"),
  onBusy: word("queue", "drop"),
  /** The user classes that run these iterations; empty: all. */
  classes: optional(list(name), []),
  /** Whether no more iterations are to come, although the run continues: the users of these classes stop. */
  over: optional(flag, false),
});

/** The iterations that a worker is to start in the open model. */
export type ArrivalAssignment = ValueOf<typeof arrivalAssignment>;

const spread = { sum: finite, min: finite, max: finite, squaredDeviations: amount() };

const reportSpread = row(spread);

/** The distribution of some latencies except their histogram; all times are in milliseconds. */
export type ReportSpread = ValueOf<typeof reportSpread>;

const requestCounts = Object.fromEntries(
  REQUEST_COUNTS.map((name) => [name, count]),
) as Readonly<Record<typeof REQUEST_COUNTS[number], typeof count>>;

const reportTimes = row({
  /** The histogram, packed. */
  buckets: histogram,
  /** One element; none if nothing was timed. */
  spread: list(reportSpread),
});

/** How long some requests, or some part of the iterations, took. */
export type ReportTimes = ValueOf<typeof reportTimes>;

/**
 * To which part of a report's requests a row belongs: with 0, to those of its first class, whatever tags they
 * have; otherwise to the part of this number in `parts`, from 1.
 */
const part = optional(count, 0);

const reportEntry = row({
  method,
  name,
  /** The HTTP status; 0 if there was no response. */
  code: count,
  ...requestCounts,
  /** Of the latencies of successful requests; zeros without any. */
  ...spread,
  /** Errors, and how often each occurred. */
  errors: list(tuple(shortText, count)),
  /** One element, the latencies of failed requests; none if none failed. */
  failureTimes: list(reportTimes),
  part,
});

/** The requests of one method, name and status in a report. */
export type ReportEntry = ValueOf<typeof reportEntry>;

const reportIterations = row({
  scheduled: count,
  dropped: count,
  /** One value per completed iteration. */
  serviceTime: reportTimes,
  /** One value per started iteration. */
  startDelay: reportTimes,
  /** One value per iteration that was cut off. */
  interruptedTime: optional(reportTimes, { buckets: new Uint8Array(), spread: [] }),
});

/** Counts and times of iterations in a report. */
export type ReportIterations = ValueOf<typeof reportIterations>;

const reportUnfinished = row({
  method,
  name,
  /** One value per request. */
  ages: reportTimes,
  retries: count,
  part,
});

/** The unfinished requests of one method and name in a report. */
export type ReportUnfinished = ValueOf<typeof reportUnfinished>;

const reportInProgress = row({
  method,
  name,
  count: countFrom(1),
  oldestMs: amount(),
  /** One value per request that has been in progress for over 1 s. */
  ages: reportTimes,
  part,
});

/** The requests of one method and name that are in progress at the end of a report's last second. */
export type ReportInProgress = ValueOf<typeof reportInProgress>;

const phaseTimes = Object.fromEntries(
  PHASES.map((phase) => [phase, reportTimes]),
) as Readonly<Record<Phase, typeof reportTimes>>;

const reportPhases = row({
  method,
  name,
  /** Connections that were opened. */
  opened: count,
  /** Requests with a first byte whose connection was opened for them, or is unknown. */
  notReused: count,
  /** The latencies of those that had a complete response. */
  latency: reportTimes,
  ...phaseTimes,
  part,
});

/** Where the time of the requests of one method and name went, except for plain ones, in a report. */
export type ReportPhases = ValueOf<typeof reportPhases>;

const reportGroup = row({
  /** Names of nested groups contain those of the groups around them. */
  name,
  /** One value per successful group, as in {@link requestTimes}. */
  durations: reportTimes,
  requestTimes: reportTimes,
  /** One value per failed group. */
  failureDurations: reportTimes,
  /** One value per group that was cut off. */
  unfinished: reportTimes,
});

/** The groups of one name in a report. */
export type ReportGroup = ValueOf<typeof reportGroup>;

const reportCheck = row({ name, passed: count, failed: count });

/** The results of the checks of one name in a report. */
export type ReportCheck = ValueOf<typeof reportCheck>;

const metricName = text(MAX_METRIC_NAME);

/** What was added to a metric, or a part of that; also in journals. */
export const reportMetric = union({
  counter: { name: metricName, value: amount() },
  gauge: { name: metricName, value: finite, atMs: finite, min: finite, max: finite },
  rate: { name: metricName, hits: count, total: countFrom(1) },
  trend: {
    name: metricName,
    unit: text(MAX_METRIC_UNIT),
    /** One element in the first part of a trend; none in the others, which have further buckets. */
    moments: list(row({ count: countFrom(1), ...spread })),
    /** The buckets of a `ValueHistogram`, packed. */
    buckets: histogram,
  },
});

/** The values of {@link reportMetric}. */
export type ReportMetric = ValueOf<typeof reportMetric>;
const reportTraced = row({
  method,
  name,
  latencyMs: amount(),
  /** In milliseconds since 1970. */
  startedAt: amount(),
  status: count,
  traceId: text(32),
});

/** A request with a trace in a report. */
export type ReportTraced = ValueOf<typeof reportTraced>;

const reportFailure = row({
  method,
  name,
  error: shortText,
  status: count,
  url: text(MAX_SAMPLE_URL),
  /** In milliseconds since 1970. */
  at: amount(),
  node: text(MAX_WORKER_NAME),
  userClass: name,
  user: count,
  iteration: count,
  traceId: text(32),
  sent: text(MAX_SAMPLE_BYTES),
  received: text(MAX_SAMPLE_BYTES),
});

const reportNote = row({
  /** Seconds since the start of the test. */
  atSeconds: seconds,
  text: clipped(MAX_ANNOTATION),
  node: text(MAX_WORKER_NAME),
});

/** What code of the test has said about a moment, in a report. */
export type ReportNote = ValueOf<typeof reportNote>;

/** An example of a failed request in a report. */
export type ReportFailure = ValueOf<typeof reportFailure>;

const reportClass = row({
  name,
  /** Iterations that its users completed. */
  completed: count,
  /** One element; none if it is the only class, or if its iterations are not counted. */
  iterations: list(reportIterations),
  /** Its users in each second, now and at most; empty if it is the only class. */
  seconds: list(tuple(count, count, count)),
});

/** What the users of one class have done, in a report. */
export type ReportClass = ValueOf<typeof reportClass>;

/** Shorter than other names: these have to fit into a final report, whatever else it contains. */
const testName = clipped(200);

const unstartedTests = row({
  user: testName,
  order: word(...TEST_ORDERS),
  tests: list(row({ name: testName, weight: count })),
  totalWeight: count,
  users: count,
  iterations: count,
  ends: count,
  errors: list(tuple(testName, testName, count)),
});

/** What a node asks of the state that all nodes share. */
const sharedCall = {
  /** `counter`, `queue`, `feeder`, `rendezvous`, `message` and so on. */
  service: text(32),
  /** The name of the counter, the queue and so on. */
  name: sharedName,
  operation: text(32),
  /** A JSON array. */
  args: jsonText,
};

/** A call to the state that all nodes share: plain data, the same in this process and on the wire. */
export type SharedCall = RowOf<typeof sharedCall>;

const outcome = {
  result: word(
    // The value is the answer.
    "ok",
    // The value says what is wrong.
    "error",
    // The user that has called is to stop.
    "end",
  ),
  /** For `ok`, a JSON text, or nothing for undefined; otherwise an error message. */
  value: jsonText,
};

/** The answer to a {@link SharedCall}. */
export type Outcome = RowOf<typeof outcome>;

/**
 * Every message, by its type. On the wire, a message is an array of its type and its fields, in the
 * order in which they are declared. New fields go to the end, and are {@link optional} until all
 * versions send them.
 */
export const MESSAGE = union({
  // The handshake.

  /** Master, first of all: who it is. */
  HELLO: {
    protocolMin: count,
    protocolMax: count,
    /** 1, plus one for each restart of the run's master. */
    epoch: count,
    /** Random bytes, so that proofs cannot be replayed. */
    nonce,
  },
  /** Worker: who it is, and its proof if there is a token. */
  JOIN: {
    protocol: count,
    /** The version of aiotest. */
    version: id,
    workerId: label(MAX_WORKER_NAME),
    /** Unique to the worker's process, and constant for as long as it lives. */
    incarnation: id,
    host: id,
    pid: count,
    cpus: count,
    /** The SHA-256 of the test file in hexadecimal; {@link NO_TESTFILE} if the worker has none. */
    testfileHash: hash,
    nonce,
    /** Empty without a token. */
    mac,
  },
  /** Master: the worker has joined. */
  WELCOME: {
    runId: id,
    epoch: count,
    /** The last report of the worker that was applied; 0 if none was. */
    ackedSeq: count,
    heartbeatSeconds: period,
    leaseSeconds: period,
    /** The hash of the files for workers without a test file; empty if there are none. */
    filesHash: hash,
    mac,
  },
  /** Either side, before it closes the connection. */
  ERROR: { code: errorCode, text: shortText },

  // The run.

  /** Master, right after WELCOME: what the worker needs to prepare. */
  SETUP: {
    /** The number of the worker in this run, from 0. */
    workerIndex: count,
    /** Options of the master's command line that apply to every node, as a JSON object. */
    options: json(MAX_SETUP),
  },
  /**
   * Master, before PREPARE and START: what `setup` of the test file has returned, as JSON. The worker asks for
   * what is missing with NEED.
   */
  DATA: {
    /** Bytes of the whole text. */
    size: count,
    /** Its first part. */
    first: bytes(0, 128 * 1024),
  },
  /**
   * Master, before START: the worker is to call the handlers of `testStart`, and then to send its state. A
   * worker that gets START without it calls them then.
   */
  PREPARE: {},
  /** Master: the test has started. */
  START: {
    /** Seconds since the start of the test. */
    elapsedSeconds: seconds,
    /** How often the counts have been reset; see STARTED. */
    resetCount: count,
  },
  /** Master: what the worker should run, whatever it runs now. */
  TARGET: {
    /** Increases within an epoch; older targets are ignored. */
    revision: count,
    /** Users by class; a class that is missing has none. */
    classes: counts(MAX_NAME),
    /** Users started or stopped per second on the way to the target. */
    rate: amount(),
    /** Seconds that the tests of stopping users may still run. */
    stopTimeout: seconds,
    /** One element for each load of the open model; their classes have no users above. */
    arrivals: list(arrivalAssignment),
  },
  /** Worker: it has received the target of this revision. */
  TARGET_ACK: { revision: count },
  /** Worker: its state, whenever that changes. */
  STATE: {
    users: count,
    state: workerState,
    /** Seconds since the start of the test by the worker's clock; 0 before the start. */
    elapsedSeconds: optional(seconds, 0),
    /** How its sockets are implemented; empty if it does not say so. */
    sockets: optional(text(32), ""),
    /** The classes of which all users have ended by themselves, or that have no iterations left. */
    exhausted: optional(list(name), []),
    /** Whether handlers of `testStart` are still to be called: see PREPARE. */
    unprepared: optional(flag, false),
  },
  /** Master: the first target number of users is running. */
  STARTED: {
    userCount: count,
    /** How often the counts have been reset. If it rises, everything counted before is discarded. */
    resetCount: count,
  },
  /**
   * Master, when the run is paused or goes on, and to each worker that starts or connects again after the first
   * pause. In a pause, users finish their iterations and wait.
   */
  PAUSE: {
    isPaused: flag,
    /** How long the pauses that have ended took together: by this much, the schedule of arrivals is later. */
    pausedSeconds: seconds,
  },
  /** Worker, every second and at its end: what it has counted since the last report. */
  REPORT: {
    runId: id,
    /** From 1, without gaps. */
    seq: count,
    /** The first and the last second that the report covers. */
    from: count,
    to: count,
    entries: list(reportEntry),
    /** The latencies of the successful requests of each of {@link entries}, packed. */
    histograms: list(histogram),
    /**
     * Errors thrown by the code of user classes: the class, the error, and how often it occurred. The second
     * line of the error is the place at which it was thrown.
     */
    userErrors: list(tuple(name, shortText, count)),
    /** The totals of each second; empty if another report of the same seconds has them. */
    seconds: list(row({
      second: count,
      users: count,
      peakUsers: count,
      requests: count,
      failures: count,
      maxLagMs: count,
    })),
    /** One element; none if iterations are not counted or another report of the same seconds has them. */
    iterations: list(reportIterations),
    /** CPU usage in the last second as a share of one core, 0 to 1 and above. */
    cpu: amount(),
    /** How late the event loop ran, in milliseconds. */
    lag: amount(),
    /** Whether this is the last report. */
    final: flag,
    /** How often the counts had been reset when these were made; see STARTED. */
    resetCount: count,
    /** Requests that were in progress when their users were cut off. */
    unfinished: optional(list(reportUnfinished), []),
    /** Requests in progress; they replace those of earlier seconds. */
    inProgress: optional(list(reportInProgress), []),
    /** Whether the worker could not report something that it had counted before. */
    damaged: optional(flag, false),
    /** Only in the final report: what the report of the run has to mention; a sentence each. */
    warnings: optional(list(shortText), []),
    /** Where the time went. */
    phases: optional(list(reportPhases), []),
    /** What the system said about open connections; one element, or none. */
    network: optional(
      list(row({
        /** One value per sampled connection, in milliseconds. */
        roundTrip: reportTimes,
        /** Samples of connections that had sent segments again. */
        retransmitting: count,
      })),
      [],
    ),
    /** Only in the final report: tests that never began on this worker. */
    unstartedTests: optional(list(unstartedTests), []),
    /** How long groups took. */
    groups: optional(list(reportGroup), []),
    /** What checks have found that do not fail their requests. */
    checks: optional(list(reportCheck), []),
    /** What was added to the metrics of the test file. */
    metrics: optional(list(reportMetric), []),
    /** All user classes of the worker. What they have done is in one of the reports of the same seconds. */
    classes: optional(list(reportClass), []),
    /** Parts of the requests: an index of {@link classes}, and tags, which may be empty. */
    parts: optional(list(tuple(count, text(MAX_TAGS_TEXT))), []),
    /** The slowest requests of each name that have a trace. */
    traced: optional(list(reportTraced), []),
    /** Examples of failed requests. */
    failureSamples: optional(list(reportFailure), []),
    /** What code of the test has said about moments of the run. */
    notes: optional(list(reportNote), []),
  },
  /** Master: this report and all before it are applied. */
  ACK: { seq: count },
  /** Master: send this report and all after it again, because it is missing. */
  RESUME: { seq: count },
  /** Master: stop all users and send the final report. */
  STOP: {
    /** Seconds from now after which the master stops waiting. */
    deadline: seconds,
    /** How code of the test has ended the run, as a part of a sentence; empty if it did not. */
    why: optional(shortText, ""),
  },
  /** Worker: all its users have stopped, and this is its final report. */
  STOPPED: { lastSeq: count },
  /** Master: all reports have arrived, and the worker may exit. */
  QUIT: {
    /** As in STOP, if the run was ended before it started. */
    why: optional(shortText, ""),
    /** Whether another run may follow, so that the worker joins again. */
    stays: optional(flag, false),
  },
  /**
   * Worker: code of the test has called `run.stop` or `run.fail` on it. It is sent again on each new
   * connection.
   */
  END: { kind: word("stop", "fail"), reason: shortText },
  /** Either side, every second. */
  PING: {
    /** Returned in the PONG. */
    number: optional(count, 0),
  },
  /** Worker, about every second: the last lines of its log that are new. They may be lost. */
  LOG: {
    lines: list(row({
      /** In milliseconds since 1970. */
      at: amount(),
      level: word("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
      text: clipped(MAX_LOG_TEXT),
    })),
  },
  /** Master: the worker is to hand over its users and its counts, and to leave. */
  LEAVE: {
    /** Why, as a part of a sentence. */
    why: shortText,
  },
  /** The answer to a PING. */
  PONG: { number: optional(count, 0) },

  // State that the nodes share.

  /** Worker: a call. It is sent again, unchanged, until it is answered. */
  CALL: {
    /** From 1, within the worker's incarnation. */
    id: count,
    ...sharedCall,
  },
  /** Master: the answer to a CALL. */
  REPLY: { id: count, ...outcome },
  /** Worker: it has received the answer to this CALL. */
  SETTLED: { id: count },
  /** Worker, on a new connection: the CALLs that are still open. They follow, or are being withdrawn. */
  RECALL: { ids: list(count) },
  /** Master: a message from another node's test file. */
  CAST: {
    /** From 1, without gaps, within an epoch. */
    seq: count,
    /** The node that has sent it. */
    from: id,
    kind: sharedName,
    data: jsonText,
  },
  /** Worker: it has received this CAST and all before it. */
  CAST_ACK: { seq: count },

  // The test file of the master, for workers that have none.

  /** Master, right after WELCOME: the files that there are to fetch. */
  FILES: {
    /** The path of the test file among the files. */
    entry: path,
    /** The folder that the files come from, for messages. */
    origin: shortText,
    files: list(row({
      /** Relative to the folder, with slashes. */
      path,
      /** In bytes. */
      size: count,
      sha256: bytes(32, 32),
    })),
  },
  /**
   * Worker: asks for the bytes from an offset on, of the files or of DATA. All files count as one, in the order
   * of FILES.
   */
  NEED: { offset: count },
  /** Master: the bytes from this offset on, as many as it sends at once. */
  CHUNK: { offset: count, data: bytes(1, 512 * 1024) },
});

/** The name of a message. */
export type MessageType = keyof typeof MESSAGE.variants;

/** A message of any type, or of the given one: `Message<"REPORT">`. */
export type Message<T extends MessageType = MessageType> = Extract<
  ValueOf<typeof MESSAGE>,
  { readonly type: T }
>;

/** What a worker is to run. */
export type Assignment = Message<"TARGET">;

/** The protocols that one side supports, from the oldest to the newest. */
export interface ProtocolRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Returns the newest protocol that both sides support.
 *
 * @throws ProtocolError if there is none; its text names the protocols of both sides.
 */
export function commonProtocol(master: ProtocolRange, worker: ProtocolRange): number {
  const newest = Math.min(master.max, worker.max);
  if (newest >= Math.max(master.min, worker.min)) return newest;
  throw new ProtocolError(
    "version",
    `the master speaks ${named(master)}, the worker ${named(worker)}: ` +
      "give both the same version of aiotest",
  );
}

function named({ min, max }: ProtocolRange): string {
  return min === max ? `protocol ${min}` : `protocols ${min} to ${max}`;
}
