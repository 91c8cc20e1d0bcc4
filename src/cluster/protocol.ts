/**
 * What master and workers say to each other. On the wire, each message is an array of its type and its
 * fields, in the order in which they stand here.
 *
 * @module
 */

import type { Spacing, WhenBusy } from "../core/run_info.ts";
import type { SecondCounts } from "../stats/stats_delta.ts";
import { type ErrorCode, MESSAGE_LIMIT, ProtocolError } from "./frames.ts";
import {
  amount,
  bytes,
  clipped,
  count,
  counts,
  type Field,
  finite,
  flag,
  list,
  optional,
  row,
  text,
  tuple,
  word,
} from "./schema.ts";
import {
  type CallResult,
  MAX_NAME as MAX_SHARED_NAME,
  type Outcome,
  type SharedCall,
} from "./shared_call.ts";

/** The protocol that this version speaks. */
export const PROTOCOL = 1;

/** Master, first of all: who it is. */
export interface Hello {
  readonly type: "HELLO";
  readonly protocolMin: number;
  readonly protocolMax: number;
  /** 1, and one more each time that the run's master was restarted. */
  readonly epoch: number;
  /** Random bytes, against proofs that are played back. */
  readonly nonce: Uint8Array;
}

/** Worker: who it is, and its proof where there is a token. */
export interface Join {
  readonly type: "JOIN";
  readonly protocol: number;
  /** Version of aiotest. */
  readonly version: string;
  readonly workerId: string;
  /** The same for as long as the worker's process lives, and no other's. */
  readonly incarnation: string;
  readonly host: string;
  readonly pid: number;
  readonly cpus: number;
  /** SHA-256 of the test file's text, as hexadecimal digits. */
  readonly testfileHash: string;
  readonly nonce: Uint8Array;
  /** Empty without a token. */
  readonly mac: Uint8Array;
}

/** Master: the worker is in. */
export interface Welcome {
  readonly type: "WELCOME";
  readonly runId: string;
  readonly epoch: number;
  /** The last report of the worker that was applied; 0 where none was. */
  readonly ackedSeq: number;
  readonly heartbeatSeconds: number;
  readonly leaseSeconds: number;
  /** Of the files that it hands out to workers without a test file; empty where there are none. */
  readonly filesHash: string;
  readonly mac: Uint8Array;
}

/** Either side: the last words before it closes the connection. */
export interface ErrorMessage {
  readonly type: "ERROR";
  readonly code: ErrorCode;
  readonly text: string;
}

/** Master, right behind WELCOME: what the worker needs to get ready. */
export interface Setup {
  readonly type: "SETUP";
  /** Number of the worker in this run, 0 and up; no two have the same. */
  readonly workerIndex: number;
  /** Options of the master's command line that hold on every node, as a JSON object. */
  readonly options: string;
}

/** Master: the test has begun. */
export interface Start {
  readonly type: "START";
  /** How long it has lasted. */
  readonly elapsedSeconds: number;
  /** What the worker counts from now on belongs to this part of the run; see {@link Started}. */
  readonly phase: number;
}

/** Passes of the open model that a worker is to begin. */
export interface ArrivalAssignment {
  /** Passes that begin a second in the whole cluster, from {@link since} on. */
  readonly rate: number;
  /** Seconds since the test's start at which this rate begins. */
  readonly since: number;
  /** Passes that were scheduled in the whole cluster by then, with the fraction of the next one. */
  readonly position: number;
  /** Seconds since the test's start, after which no pass is scheduled. */
  readonly until: number;
  /** Passes in the whole run. They are numbered from 0, so this is the first number without one. */
  readonly limit: number;
  /** Of the passes numbered {@link from} and up, the worker begins one in {@link of}. */
  readonly from: number;
  readonly of: number;
  /** Which of them: those whose number leaves this rest. */
  readonly index: number;
  /** The most users that this worker may have. */
  readonly maxUsers: number;
  readonly spacing: Spacing;
  readonly onBusy: WhenBusy;
}

/** Master: what the worker is to run from now on, whatever it runs at the moment. */
export interface Assignment {
  readonly type: "TARGET";
  /** Counts up within an epoch; only a newer one is obeyed. */
  readonly revision: number;
  /** Users by class; a class that is not named has none. */
  readonly classes: Readonly<Record<string, number>>;
  /** Users started or stopped a second, on the way there. */
  readonly rate: number;
  /** Seconds that a stopping user's test may still run. */
  readonly stopTimeout: number;
  /** One in the open model, which has no users by class; none in the closed one. */
  readonly arrivals: readonly ArrivalAssignment[];
}

/** Worker: it has got the target of this revision. */
export interface TargetAck {
  readonly type: "TARGET_ACK";
  readonly revision: number;
}

/** What a worker is doing. */
export type WorkerPhase =
  | "preparing"
  | "ready"
  | "spawning"
  | "running"
  /** All users that it was to run have ended by themselves, or no pass is left for them. */
  | "exhausted"
  /** Told to go by a signal: its users have to be run by others. */
  | "leaving"
  | "stopping"
  | "stopped";

/** Worker: how it is, whenever that changes. */
export interface StateMessage {
  readonly type: "STATE";
  readonly users: number;
  readonly state: WorkerPhase;
  /** How long the test has lasted, as the worker counts it; 0 before it began. */
  readonly elapsedSeconds: number;
}

/** Master: the first target number of users runs. */
export interface Started {
  readonly type: "STARTED";
  readonly userCount: number;
  /** Higher than before where what was counted until now is not to count. */
  readonly phase: number;
}

/** Master: this report, and all before it, are applied. */
export interface Ack {
  readonly type: "ACK";
  readonly seq: number;
}

/** Master: send from this report on again, one before it is missing. */
export interface Resume {
  readonly type: "RESUME";
  readonly seq: number;
}

/** Master: stop all users, and send the final report. */
export interface Stop {
  readonly type: "STOP";
  /** Seconds from now after which the master no longer waits. */
  readonly deadline: number;
}

/** Worker: all its users have stopped, and this is its final report. */
export interface Stopped {
  readonly type: "STOPPED";
  readonly lastSeq: number;
}

/** Master: everything is in, the worker may go. */
export interface Quit {
  readonly type: "QUIT";
}

/** Either side, every second. */
export interface Ping {
  readonly type: "PING";
  /** Comes back in the PONG. */
  readonly number: number;
}

/** The answer to a PING. */
export interface Pong extends Omit<Ping, "type"> {
  readonly type: "PONG";
}

/** Worker: wants something of what all nodes share. Sent again, unchanged, until it is answered. */
export interface Call extends SharedCall {
  readonly type: "CALL";
  /** 1 and up, within the worker's incarnation. */
  readonly id: number;
}

/** Master: the answer to a CALL. */
export interface Reply extends Outcome {
  readonly type: "REPLY";
  readonly id: number;
}

/** Worker: it has got the answer to this CALL. */
export interface Settled {
  readonly type: "SETTLED";
  readonly id: number;
}

/** Worker, on a new connection: of all its CALLs, only these, which follow or are withdrawn, are open. */
export interface Recall {
  readonly type: "RECALL";
  readonly ids: readonly number[];
}

/** Master: a message from another node's test file. */
export interface Cast {
  readonly type: "CAST";
  /** 1 and up, without a gap, within an epoch. */
  readonly seq: number;
  /** The node that has sent it. */
  readonly from: string;
  readonly kind: string;
  /** JSON. */
  readonly data: string;
}

/** Worker: it has got this CAST, and all before it. */
export interface CastAck {
  readonly type: "CAST_ACK";
  readonly seq: number;
}

/** Any message. */
export type Message =
  | Hello
  | Join
  | Welcome
  | ErrorMessage
  | Setup
  | Start
  | Assignment
  | TargetAck
  | StateMessage
  | Started
  | Report
  | Ack
  | Resume
  | Stop
  | Stopped
  | Quit
  | Ping
  | Pong
  | Call
  | Reply
  | Settled
  | Recall
  | Cast
  | CastAck
  | BundleMessage;

// What a worker reports to its master.

/** How some latencies are spread, but for their histogram; all times are milliseconds. */
export interface ReportSpread {
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly squaredDeviations: number;
}

/** One method, name and code in a report. */
export interface ReportEntry extends ReportSpread {
  readonly method: string;
  readonly name: string;
  /** HTTP status; 0 without one. */
  readonly code: number;
  readonly failures: number;
  readonly retries: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly errors: readonly (readonly [error: string, count: number])[];
}

/** How long something of the passes took: packed histogram, and spread where there is any. */
export interface ReportTimes {
  readonly buckets: Uint8Array;
  /** One, or none where nothing was timed. */
  readonly spread: readonly ReportSpread[];
}

/** What became of passes; those that were started and completed are as many as their times. */
export interface ReportIterations {
  readonly scheduled: number;
  readonly dropped: number;
  readonly serviceTime: ReportTimes;
  readonly startDelay: ReportTimes;
}

/** Worker, every second and at its end: what it has counted since the report before. */
export interface Report {
  readonly type: "REPORT";
  readonly runId: string;
  /** 1 and up, without a gap. */
  readonly seq: number;
  /** The first and the last second that it covers. */
  readonly from: number;
  readonly to: number;
  readonly deltas: readonly ReportEntry[];
  /** The latencies of each of {@link deltas}, packed. */
  readonly histograms: readonly Uint8Array[];
  /** What the code of user classes threw. */
  readonly errors: readonly (readonly [user: string, error: string, count: number])[];
  /** How each second went; empty where another report of the same seconds says it. */
  readonly users: readonly SecondCounts[];
  /** One, or none where passes are not counted, or another report of the same seconds has them. */
  readonly iterations: readonly ReportIterations[];
  /** Share of one core, 0 to 1 and above, in the last second. */
  readonly cpu: number;
  /** How late its event loop ran, in milliseconds. */
  readonly lag: number;
  /** Whether nothing comes behind it. */
  readonly final: boolean;
  /** The part of the run that it was counted in; see `Started`. */
  readonly phase: number;
}

// What master and workers say to each other where a worker has no test file, right behind WELCOME.

/** One file that a master hands out. */
export interface ListedFile {
  /** Where it lies among the others, its parts between slashes. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of its bytes. */
  readonly sha256: Uint8Array;
}

/** Master, to a worker without a test file: what there is to fetch. */
export interface FilesMessage {
  readonly type: "FILES";
  /** Path of the test file among the files. */
  readonly entry: string;
  /** The folder that they come from, for messages. */
  readonly origin: string;
  readonly files: readonly ListedFile[];
}

/** Worker: wants the next bytes. All files count as one, in the order of FILES. */
export interface Need {
  readonly type: "NEED";
  readonly offset: number;
}

/** Master: the bytes from this offset on, as many as it sends at once. */
export interface Chunk {
  readonly type: "CHUNK";
  readonly offset: number;
  readonly data: Uint8Array;
}

/** Any of these messages. */
export type BundleMessage = FilesMessage | Need | Chunk;

/** What a worker says in place of a hash that has no test file, and wants the master's. */
export const NO_TESTFILE = "";

/** Characters (UTF-16 units) that a path may have. */
export const MAX_PATH = 240;

/** What no system takes, or what has a meaning of its own on some. */
// deno-lint-ignore no-control-regex -- no system takes them in a name
const FORBIDDEN = /[\x00-\x1f\x7f\\:*?"<>|]/;

/** Names that are devices on Windows, whatever comes behind a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Why a path cannot be that of a file inside a folder, on whatever system; null where it can. Such a
 * path has its parts between slashes, and none of them leads anywhere but down.
 */
export function pathProblem(path: string): string | null {
  if (path.length > MAX_PATH) return `has more than ${MAX_PATH} characters`;
  if (!path.isWellFormed() || FORBIDDEN.test(path)) {
    return "has a character that some systems do not take";
  }
  const parts = path.split("/");
  if (parts.includes("..")) return "leads out of its folder";
  if (parts.includes("") || parts.includes(".")) return "is not the path of a file inside a folder";
  // Windows drops a dot or a space at the end: two names would be one.
  if (parts.some((part) => /[. ]$/.test(part) || DEVICE.test(part))) {
    return "has a name that some systems do not take";
  }
  return null;
}

const MAX_NAME = 2000;

const id = text(256);
const name = clipped(MAX_NAME);
const shortText = clipped(1000);
/** A text of options, which must not be cut. */
const options = text(256 * 1024);
const nonce = bytes(16, 64);
const mac = bytes(0, 64);
const seconds = amount();
/** How often something is done, or for how long it is waited: so that nobody is made to spin. */
const period = amount(0.01, 86_400);

/** Names of what nodes share, which must not be cut. */
const sharedName = text(MAX_SHARED_NAME);
const operation = text(32);
/** A list of values, as JSON. */
const json = text(512 * 1024);

/** Bytes of files that are sent at once. */
const chunk = bytes(1, 512 * 1024);

/** A word that is what it is because of the field's place. */
function type<T extends string>(only: T): Field<T> {
  return word({ [only]: true } as Record<T, true>);
}

const errorCode = word<ErrorCode>({
  protocol: true,
  version: true,
  token: true,
  testfile: true,
  duplicate: true,
  busy: true,
  run: true,
});

const workerPhase = word<WorkerPhase>({
  preparing: true,
  ready: true,
  spawning: true,
  running: true,
  exhausted: true,
  leaving: true,
  stopping: true,
  stopped: true,
});

const callResult = word<CallResult>({ ok: true, error: true, end: true });

const spread = { sum: finite, min: finite, max: finite, squaredDeviations: amount() };

const histogram = bytes(0, MESSAGE_LIMIT);

const reportTimes = row<ReportTimes>({
  buckets: histogram,
  spread: list(row<ReportSpread>(spread)),
});

const reportIterations = row<ReportIterations>({
  scheduled: count,
  dropped: count,
  serviceTime: reportTimes,
  startDelay: reportTimes,
});

/** Passes a second that nobody can generate. */
const MAX_ARRIVALS = 1e9;

const arrivals = row<ArrivalAssignment>({
  rate: amount(0, MAX_ARRIVALS),
  since: amount(),
  position: amount(0, Number.MAX_SAFE_INTEGER),
  until: amount(),
  from: count,
  of: count,
  index: count,
  limit: count,
  maxUsers: count,
  spacing: word<Spacing>({ constant: true, poisson: true }),
  onBusy: word<WhenBusy>({ queue: true, drop: true }),
});

const reportEntry = row<ReportEntry>({
  method: shortText,
  name,
  code: count,
  failures: count,
  retries: count,
  bytesReceived: count,
  bytesSent: count,
  ...spread,
  errors: list(tuple<readonly [error: string, count: number]>(shortText, count)),
});

const path = text(MAX_PATH);

const listedFile = row<ListedFile>({ path, size: count, sha256: bytes(32, 32) });

const countedSecond = row<SecondCounts>({
  second: count,
  users: count,
  peakUsers: count,
  requests: count,
  failures: count,
});

/** Every message's fields, in the order in which they are sent. */
export const MESSAGE_FIELDS: {
  readonly [T in Message["type"]]: Field<Extract<Message, { type: T }>>;
} = {
  HELLO: row<Hello>({
    type: type("HELLO"),
    protocolMin: count,
    protocolMax: count,
    epoch: count,
    nonce,
  }),
  JOIN: row<Join>({
    type: type("JOIN"),
    protocol: count,
    version: id,
    workerId: id,
    incarnation: id,
    host: id,
    pid: count,
    cpus: count,
    testfileHash: id,
    nonce,
    mac,
  }),
  WELCOME: row<Welcome>({
    type: type("WELCOME"),
    runId: id,
    epoch: count,
    ackedSeq: count,
    heartbeatSeconds: period,
    leaseSeconds: period,
    filesHash: id,
    mac,
  }),
  ERROR: row<ErrorMessage>({ type: type("ERROR"), code: errorCode, text: shortText }),
  SETUP: row<Setup>({ type: type("SETUP"), workerIndex: count, options }),
  START: row<Start>({ type: type("START"), elapsedSeconds: seconds, phase: count }),
  TARGET: row<Assignment>({
    type: type("TARGET"),
    revision: count,
    classes: counts(MAX_NAME),
    rate: amount(),
    stopTimeout: seconds,
    arrivals: list(arrivals),
  }),
  TARGET_ACK: row<TargetAck>({ type: type("TARGET_ACK"), revision: count }),
  STATE: row<StateMessage>({
    type: type("STATE"),
    users: count,
    state: workerPhase,
    elapsedSeconds: optional(seconds, 0),
  }),
  STARTED: row<Started>({ type: type("STARTED"), userCount: count, phase: count }),
  REPORT: row<Report>(
    {
      type: type("REPORT"),
      runId: id,
      seq: count,
      from: count,
      to: count,
      deltas: list(reportEntry),
      histograms: list(histogram),
      errors: list(
        tuple<readonly [user: string, error: string, count: number]>(name, shortText, count),
      ),
      users: list(countedSecond),
      iterations: list(reportIterations),
      cpu: amount(),
      lag: amount(),
      final: flag,
      phase: count,
    },
    ({ deltas, histograms }) =>
      deltas.length === histograms.length
        ? null
        : `has ${deltas.length} deltas, and ${histograms.length} histograms`,
  ),
  ACK: row<Ack>({ type: type("ACK"), seq: count }),
  RESUME: row<Resume>({ type: type("RESUME"), seq: count }),
  STOP: row<Stop>({ type: type("STOP"), deadline: seconds }),
  STOPPED: row<Stopped>({ type: type("STOPPED"), lastSeq: count }),
  QUIT: row<Quit>({ type: type("QUIT") }),
  PING: row<Ping>({ type: type("PING"), number: optional(count, 0) }),
  PONG: row<Pong>({ type: type("PONG"), number: optional(count, 0) }),
  CALL: row<Call>({
    type: type("CALL"),
    id: count,
    service: operation,
    name: sharedName,
    operation,
    args: json,
  }),
  REPLY: row<Reply>({ type: type("REPLY"), id: count, result: callResult, value: json }),
  SETTLED: row<Settled>({ type: type("SETTLED"), id: count }),
  RECALL: row<Recall>({ type: type("RECALL"), ids: list(count) }),
  CAST: row<Cast>({ type: type("CAST"), seq: count, from: id, kind: sharedName, data: json }),
  CAST_ACK: row<CastAck>({ type: type("CAST_ACK"), seq: count }),
  FILES: row<FilesMessage>({
    type: type("FILES"),
    entry: path,
    origin: shortText,
    files: list(listedFile),
  }),
  NEED: row<Need>({ type: type("NEED"), offset: count }),
  CHUNK: row<Chunk>({ type: type("CHUNK"), offset: count, data: chunk }),
};

/** Protocols that one side speaks, from the oldest to the newest. */
export interface ProtocolRange {
  readonly min: number;
  readonly max: number;
}

/**
 * The newest protocol that both speak.
 *
 * @throws ProtocolError where there is none; its text says which each of them speaks.
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
