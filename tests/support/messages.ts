import fc from "fast-check";
import type {
  ArrivalAssignment,
  Message,
  Report,
  ReportEntry,
  ReportIterations,
  ReportSpread,
  ReportTimes,
} from "../../src/cluster/protocol.ts";

/** Objects such as those that come out of a decoder. */
function record<T>(model: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true });
}

const count = fc.oneof(fc.nat(300), fc.maxSafeNat());
const amount = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
// A zero below zero is sent as one above it.
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const period = fc.double({ min: 0.01, max: 86_400, noNaN: true });
const id = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: "grapheme", maxLength: 40 }))
  .filter((text) => text.length <= 256);
// Some of them long enough to be decoded another way.
const text = fc.oneof(
  { arbitrary: id, weight: 9 },
  { arbitrary: fc.string({ unit: "grapheme", minLength: 250, maxLength: 300 }), weight: 1 },
).filter((text) => text.length <= 1000 && !text.startsWith("\ufeff"));
const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });
const path = id.filter((text) => text.length <= 240);
const nonce = bytes(16, 64);
const mac = bytes(0, 64);

const spread = { sum: finite, min: finite, max: finite, squaredDeviations: amount };
const times: fc.Arbitrary<ReportTimes> = record({
  buckets: bytes(0, 300),
  spread: fc.array(record<ReportSpread>(spread), { maxLength: 2 }),
});
const iterations: fc.Arbitrary<ReportIterations> = record({
  scheduled: count,
  dropped: count,
  serviceTime: times,
  startDelay: times,
});

const arrivals: fc.Arbitrary<ArrivalAssignment> = record({
  rate: fc.double({ min: 0, max: 1e9, noNaN: true }),
  since: amount,
  position: fc.double({ min: 0, max: Number.MAX_SAFE_INTEGER, noNaN: true }),
  until: amount,
  limit: count,
  from: count,
  of: count,
  index: count,
  maxUsers: count,
  spacing: fc.constantFrom("constant", "poisson"),
  onBusy: fc.constantFrom("queue", "drop"),
});

const entry: fc.Arbitrary<ReportEntry> = record({
  method: id,
  name: text,
  code: count,
  failures: count,
  retries: count,
  bytesReceived: count,
  bytesSent: count,
  ...spread,
  errors: fc.array(fc.tuple(text, count), { maxLength: 3 }),
});

const counted = fc.array(fc.tuple(entry, bytes(0, 300)), { maxLength: 4 });
const report: fc.Arbitrary<Report> = record({
  type: fc.constant("REPORT"),
  runId: id,
  seq: count,
  from: count,
  to: count,
  counted,
  errors: fc.array(fc.tuple(id, text, count), { maxLength: 3 }),
  users: fc.array(
    record({ second: count, users: count, peakUsers: count, requests: count, failures: count }),
    { maxLength: 3 },
  ),
  iterations: fc.array(iterations, { maxLength: 2 }),
  cpu: amount,
  lag: amount,
  final: fc.boolean(),
  phase: count,
}).map(({ counted, ...rest }) => ({
  ...rest,
  deltas: counted.map(([delta]) => delta),
  histograms: counted.map(([, histogram]) => histogram),
}));

/** Every type of message, with any content that is allowed. */
export const messages: {
  readonly [T in Message["type"]]: fc.Arbitrary<Extract<Message, { type: T }>>;
} = {
  HELLO: record({
    type: fc.constant("HELLO"),
    protocolMin: count,
    protocolMax: count,
    epoch: count,
    nonce,
  }),
  JOIN: record({
    type: fc.constant("JOIN"),
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
  WELCOME: record({
    type: fc.constant("WELCOME"),
    runId: id,
    epoch: count,
    ackedSeq: count,
    heartbeatSeconds: period,
    leaseSeconds: period,
    filesHash: id,
    mac,
  }),
  ERROR: record({
    type: fc.constant("ERROR"),
    code: fc.constantFrom(
      "protocol",
      "version",
      "token",
      "testfile",
      "duplicate",
      "busy",
      "run",
    ),
    text,
  }),
  SETUP: record({ type: fc.constant("SETUP"), workerIndex: count, options: fc.json() }),
  START: record({ type: fc.constant("START"), elapsedSeconds: amount, phase: count }),
  TARGET: record({
    type: fc.constant("TARGET"),
    revision: count,
    classes: fc.dictionary(id.filter((name) => name !== "__proto__"), count, {
      noNullPrototype: true,
    }),
    rate: amount,
    stopTimeout: amount,
    arrivals: fc.array(arrivals, { maxLength: 3 }),
  }),
  TARGET_ACK: record({ type: fc.constant("TARGET_ACK"), revision: count }),
  STATE: record({
    type: fc.constant("STATE"),
    users: count,
    state: fc.constantFrom(
      "preparing",
      "ready",
      "spawning",
      "running",
      "exhausted",
      "leaving",
      "stopping",
      "stopped",
    ),
    elapsedSeconds: amount,
  }),
  STARTED: record({ type: fc.constant("STARTED"), userCount: count, phase: count }),
  REPORT: report,
  ACK: record({ type: fc.constant("ACK"), seq: count }),
  RESUME: record({ type: fc.constant("RESUME"), seq: count }),
  STOP: record({ type: fc.constant("STOP"), deadline: amount }),
  STOPPED: record({ type: fc.constant("STOPPED"), lastSeq: count }),
  QUIT: record({ type: fc.constant("QUIT") }),
  PING: record({ type: fc.constant("PING"), number: count }),
  PONG: record({ type: fc.constant("PONG"), number: count }),
  CALL: record({
    type: fc.constant("CALL"),
    id: count,
    service: fc.constantFrom("counter", "queue", "feeder", "rendezvous", "message", "call"),
    name: id,
    operation: fc.string({ maxLength: 32 }),
    args: fc.json(),
  }),
  REPLY: record({
    type: fc.constant("REPLY"),
    id: count,
    result: fc.constantFrom("ok", "error", "end"),
    value: fc.json(),
  }),
  SETTLED: record({ type: fc.constant("SETTLED"), id: count }),
  RECALL: record({ type: fc.constant("RECALL"), ids: fc.array(count, { maxLength: 20 }) }),
  CAST: record({ type: fc.constant("CAST"), seq: count, from: id, kind: id, data: fc.json() }),
  CAST_ACK: record({ type: fc.constant("CAST_ACK"), seq: count }),
  FILES: record({
    type: fc.constant("FILES"),
    entry: path,
    origin: text,
    files: fc.array(record({ path, size: count, sha256: bytes(32, 32) }), { maxLength: 4 }),
  }),
  NEED: record({ type: fc.constant("NEED"), offset: count }),
  CHUNK: record({ type: fc.constant("CHUNK"), offset: count, data: bytes(1, 300) }),
};

/** Any message; as many reports as all others together, since there is the most in them. */
export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  ...Object.values(messages),
  { arbitrary: report, weight: Object.keys(messages).length },
);
