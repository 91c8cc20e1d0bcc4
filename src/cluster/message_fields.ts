import type { Spacing, WhenBusy } from "../core/arrival_terms.ts";
import type { CountedSecond } from "../stats/counted.ts";
import type { Chunk, FilesMessage, ListedFile, Need } from "./bundle_message.ts";
import { list, row, tuple } from "./compound_field.ts";
import {
  amount,
  bytes,
  clipped,
  count,
  counts,
  type Field,
  finite,
  flag,
  optional,
  text,
  word,
} from "./field.ts";
import { MAX_PATH } from "./file_path.ts";
import { MESSAGE_LIMIT } from "./frame_reader.ts";
import type {
  Ack,
  ArrivalOrder,
  Call,
  Cast,
  CastAck,
  ErrorCode,
  ErrorMessage,
  Hello,
  Join,
  Message,
  Ping,
  Pong,
  Quit,
  Recall,
  Reply,
  Resume,
  Settled,
  Setup,
  Start,
  Started,
  StateMessage,
  Stop,
  Stopped,
  TargetAck,
  TargetMessage,
  Welcome,
  WorkerPhase,
} from "./message.ts";
import type {
  Report,
  ReportEntry,
  ReportPasses,
  ReportSpread,
  ReportTimes,
} from "./report_message.ts";
import type { CallResult } from "./shared_call.ts";
import { MAX_NAME as MAX_SHARED_NAME } from "./shared_limits.ts";

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

const reportPasses = row<ReportPasses>({
  scheduled: count,
  dropped: count,
  serviceTime: reportTimes,
  startDelay: reportTimes,
});

/** Passes a second that nobody can generate. */
const MAX_ARRIVALS = 1e9;

const arrivals = row<ArrivalOrder>({
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

const countedSecond = row<CountedSecond>({
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
  TARGET: row<TargetMessage>({
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
      passes: list(reportPasses),
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
