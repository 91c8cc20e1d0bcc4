import { decode } from "@msgpack/msgpack";
import assert from "node:assert/strict";
import { decodeMessage, encodeMessage } from "../../src/cluster/codec.ts";
import {
  type ArrivalAssignment,
  commonProtocol,
  MESSAGE,
  type Message,
  type MessageType,
  type ReportEntry,
  type ReportIterations,
} from "../../src/cluster/protocol.ts";
import { refusal } from "../support/messages.ts";

const nonce = new Uint8Array(16).fill(1);
const mac = new Uint8Array(32).fill(2);
const sha256 = new Uint8Array(32).fill(5);
const histogram = new Uint8Array([3, 4]);

const SPREAD = { sum: 5.5, min: 0.5, max: 4.5, squaredDeviations: 6.5 };

const ENTRY: ReportEntry = {
  method: "GET",
  name: "search",
  code: 500,
  retries: 2,
  bytesReceived: 3,
  bytesSent: 4,
  sum: 5.5,
  min: 0.5,
  max: 4.5,
  squaredDeviations: 6.5,
  errors: [["HTTP 500", 1]],
  failureTimes: [{ buckets: histogram, spread: [SPREAD] }],
  part: 2,
};

const ITERATIONS: ReportIterations = {
  scheduled: 9,
  dropped: 2,
  serviceTime: { buckets: histogram, spread: [SPREAD] },
  startDelay: { buckets: new Uint8Array(0), spread: [] },
  interruptedTime: { buckets: histogram, spread: [SPREAD] },
};

const ARRIVALS: ArrivalAssignment = {
  rate: 2.5,
  since: 10.5,
  position: 20.25,
  until: 60.5,
  limit: 1000,
  from: 21,
  of: 3,
  index: 2,
  maxUsers: 50,
  spacing: "poisson",
  onBusy: "drop",
  classes: ["ATest"],
  over: false,
};

const REPORT: Message<"REPORT"> = {
  type: "REPORT",
  runId: "run",
  seq: 1,
  from: 2,
  to: 3,
  entries: [ENTRY],
  histograms: [histogram],
  userErrors: [["Buyer", "TypeError", 1]],
  seconds: [{ second: 2, users: 5, peakUsers: 6, requests: 7, failures: 1, maxLagMs: 8 }],
  iterations: [ITERATIONS],
  cpu: 0.25,
  lag: 1.5,
  final: true,
  resetCount: 1,
  unfinished: [
    {
      method: "GET",
      name: "pay",
      ages: { buckets: histogram, spread: [SPREAD] },
      retries: 3,
      part: 0,
    },
  ],
  inProgress: [{
    method: "POST",
    name: "pay",
    count: 8,
    oldestMs: 1234.5,
    ages: { buckets: histogram, spread: [SPREAD] },
    part: 1,
  }],
  damaged: true,
  warnings: ["It was slow."],
  phases: [{
    method: "GET",
    name: "search",
    opened: 4,
    notReused: 1,
    latency: { buckets: histogram, spread: [SPREAD] },
    dns: { buckets: new Uint8Array(0), spread: [] },
    connect: { buckets: histogram, spread: [SPREAD] },
    tls: { buckets: new Uint8Array(0), spread: [] },
    ttfb: { buckets: histogram, spread: [SPREAD] },
    download: { buckets: histogram, spread: [SPREAD] },
    part: 1,
  }],
  network: [{ roundTrip: { buckets: histogram, spread: [SPREAD] }, retransmitting: 1 }],
  traced: [{
    method: "GET",
    name: "search",
    latencyMs: 12.5,
    startedAt: 1_700_000_000_000,
    status: 200,
    traceId: "ab".repeat(16),
  }],
  unstartedTests: [{
    user: "Buyer",
    order: "sequential",
    tests: [{ name: "testPay", weight: 1 }],
    totalWeight: 3,
    users: 2,
    iterations: 9,
    ends: 1,
    errors: [["testSearch", "TIMEOUT", 8]],
  }],
  classes: [
    { name: "Buyer", completed: 0, iterations: [], seconds: [] },
    { name: "Admin", completed: 5, iterations: [ITERATIONS], seconds: [[2, 3, 4]] },
  ],
  parts: [[0, "cache=hit"], [1, ""]],
  groups: [{
    name: "buy / pay",
    durations: { buckets: histogram, spread: [SPREAD] },
    requestTimes: { buckets: histogram, spread: [SPREAD] },
    failureDurations: { buckets: new Uint8Array(0), spread: [] },
    unfinished: { buckets: histogram, spread: [SPREAD] },
  }],
  checks: [{ name: "has a token", passed: 9, failed: 1 }],
  notes: [{ atSeconds: 4.5, text: "deploy", node: "w1" }],
  failureSamples: [{
    method: "GET",
    name: "/x",
    error: "HTTP 500",
    status: 500,
    url: "http://shop/x",
    at: 1_780_000_000_000,
    node: "box_1",
    userClass: "ShopTest",
    user: 3,
    iteration: 2,
    traceId: "",
    sent: "GET /x",
    received: "HTTP/1.1 500 Oops",
  }],
  metrics: [
    { type: "counter", name: "logins", value: 12.5 },
    { type: "gauge", name: "queue", value: -1, atMs: 2000.5, min: -3, max: 4 },
    { type: "rate", name: "cache.hits", hits: 3, total: 4 },
    {
      type: "trend",
      name: "size",
      unit: "MB",
      moments: [{ count: 2, ...SPREAD }],
      buckets: histogram,
    },
  ],
};

const TIMES_SENT: readonly unknown[] = [histogram, [[5.5, 0.5, 4.5, 6.5]]];

const ENTRY_SENT: readonly unknown[] = [
  ...["GET", "search", 500, 2, 3, 4, 5.5, 0.5, 4.5, 6.5],
  [["HTTP 500", 1]],
  [TIMES_SENT],
  2,
];

const NO_TIMES: readonly unknown[] = [new Uint8Array(0), []];

const ITERATIONS_SENT: readonly unknown[] = [
  9,
  2,
  TIMES_SENT,
  NO_TIMES,
  TIMES_SENT,
];

// deno-fmt-ignore
const ARRIVALS_SENT: readonly unknown[] = [
  ...[2.5, 10.5, 20.25, 60.5, 21, 3, 2, 1000, 50, "poisson", "drop"],
  ...[["ATest"], false],
];

/** Each message, and the list that is sent for it, on which other versions rely. */
const WIRE: {
  readonly [T in Message["type"]]: readonly [Extract<Message, { type: T }>, unknown[]];
} = {
  HELLO: [
    { type: "HELLO", protocolMin: 1, protocolMax: 2, epoch: 3, nonce },
    ["HELLO", 1, 2, 3, nonce],
  ],
  JOIN: [
    {
      type: "JOIN",
      protocol: 1,
      version: "0.1.0",
      workerId: "w1",
      incarnation: "i1",
      host: "h1",
      pid: 7,
      cpus: 8,
      testfileHash: "ab",
      nonce,
      mac,
    },
    ["JOIN", 1, "0.1.0", "w1", "i1", "h1", 7, 8, "ab", nonce, mac],
  ],
  WELCOME: [
    {
      type: "WELCOME",
      runId: "run",
      epoch: 1,
      ackedSeq: 4,
      heartbeatSeconds: 1,
      leaseSeconds: 5,
      filesHash: "ef",
      mac,
    },
    ["WELCOME", "run", 1, 4, 1, 5, "ef", mac],
  ],
  ERROR: [{ type: "ERROR", code: "token", text: "no" }, ["ERROR", "token", "no"]],
  SETUP: [{ type: "SETUP", workerIndex: 2, options: "{}" }, ["SETUP", 2, "{}"]],
  DATA: [
    { type: "DATA", size: 5, first: new Uint8Array([1, 2]) },
    ["DATA", 5, new Uint8Array([1, 2])],
  ],
  PREPARE: [{ type: "PREPARE" }, ["PREPARE"]],
  START: [{ type: "START", elapsedSeconds: 1.5, resetCount: 2 }, ["START", 1.5, 2]],
  TARGET: [
    {
      type: "TARGET",
      revision: 1,
      classes: { Buyer: 3 },
      rate: 0.5,
      stopTimeout: 10,
      arrivals: [ARRIVALS],
    },
    ["TARGET", 1, { Buyer: 3 }, 0.5, 10, [ARRIVALS_SENT]],
  ],
  TARGET_ACK: [{ type: "TARGET_ACK", revision: 3 }, ["TARGET_ACK", 3]],
  STATE: [
    {
      type: "STATE",
      users: 3,
      state: "running",
      elapsedSeconds: 2.5,
      sockets: "epoll",
      exhausted: ["ATest"],
      unprepared: true,
    },
    ["STATE", 3, "running", 2.5, "epoll", ["ATest"], true],
  ],
  STARTED: [{ type: "STARTED", userCount: 100, resetCount: 1 }, ["STARTED", 100, 1]],
  PAUSE: [{ type: "PAUSE", isPaused: true, pausedSeconds: 1.5 }, ["PAUSE", true, 1.5]],
  REPORT: [
    REPORT,
    [
      ...["REPORT", "run", 1, 2, 3, [ENTRY_SENT], [histogram]],
      ...[[["Buyer", "TypeError", 1]], [[2, 5, 6, 7, 1, 8]], [ITERATIONS_SENT], 0.25, 1.5, true, 1],
      [["GET", "pay", TIMES_SENT, 3, 0]],
      [["POST", "pay", 8, 1234.5, TIMES_SENT, 1]],
      true,
      ["It was slow."],
      [[
        ...["GET", "search", 4, 1, TIMES_SENT],
        ...[NO_TIMES, TIMES_SENT, NO_TIMES, TIMES_SENT, TIMES_SENT],
        1,
      ]],
      [[TIMES_SENT, 1]],
      [["Buyer", "sequential", [["testPay", 1]], 3, 2, 9, 1, [["testSearch", "TIMEOUT", 8]]]],
      [["buy / pay", TIMES_SENT, TIMES_SENT, NO_TIMES, TIMES_SENT]],
      [["has a token", 9, 1]],
      [
        ["counter", "logins", 12.5],
        ["gauge", "queue", -1, 2000.5, -3, 4],
        ["rate", "cache.hits", 3, 4],
        ["trend", "size", "MB", [[2, ...Object.values(SPREAD)]], histogram],
      ],
      [["Buyer", 0, [], []], ["Admin", 5, [ITERATIONS_SENT], [[2, 3, 4]]]],
      [[0, "cache=hit"], [1, ""]],
      [["GET", "search", 12.5, 1_700_000_000_000, 200, "ab".repeat(16)]],
      [[
        ...["GET", "/x", "HTTP 500", 500, "http://shop/x", 1_780_000_000_000, "box_1"],
        ...["ShopTest", 3, 2, "", "GET /x", "HTTP/1.1 500 Oops"],
      ]],
      [[4.5, "deploy", "w1"]],
    ],
  ],
  ACK: [{ type: "ACK", seq: 3 }, ["ACK", 3]],
  RESUME: [{ type: "RESUME", seq: 4 }, ["RESUME", 4]],
  STOP: [{ type: "STOP", deadline: 12.5, why: "ended by run.fail: no stock" }, [
    "STOP",
    12.5,
    "ended by run.fail: no stock",
  ]],
  STOPPED: [{ type: "STOPPED", lastSeq: 9 }, ["STOPPED", 9]],
  QUIT: [{ type: "QUIT", why: "", stays: true }, ["QUIT", "", true]],
  END: [{ type: "END", kind: "fail", reason: "no stock" }, ["END", "fail", "no stock"]],
  PING: [{ type: "PING", number: 5 }, ["PING", 5]],
  PONG: [{ type: "PONG", number: 5 }, ["PONG", 5]],
  CALL: [
    { type: "CALL", id: 1, service: "counter", name: "n", operation: "add", args: "[1]" },
    ["CALL", 1, "counter", "n", "add", "[1]"],
  ],
  REPLY: [{ type: "REPLY", id: 1, result: "ok", value: "1" }, ["REPLY", 1, "ok", "1"]],
  SETTLED: [{ type: "SETTLED", id: 1 }, ["SETTLED", 1]],
  RECALL: [{ type: "RECALL", ids: [1, 3] }, ["RECALL", [1, 3]]],
  CAST: [
    { type: "CAST", seq: 1, from: "w1", kind: "flush", data: "{}" },
    ["CAST", 1, "w1", "flush", "{}"],
  ],
  CAST_ACK: [{ type: "CAST_ACK", seq: 2 }, ["CAST_ACK", 2]],
  FILES: [
    {
      type: "FILES",
      entry: "shop.ts",
      origin: "/home/me",
      files: [{ path: "shop.ts", size: 7, sha256 }],
    },
    ["FILES", "shop.ts", "/home/me", [["shop.ts", 7, sha256]]],
  ],
  LOG: [
    { type: "LOG", lines: [{ at: 1_700_000_000_000, level: "INFO", text: "hello" }] },
    ["LOG", [[1_700_000_000_000, "INFO", "hello"]]],
  ],
  LEAVE: [{ type: "LEAVE", why: "stopped" }, ["LEAVE", "stopped"]],
  NEED: [{ type: "NEED", offset: 5 }, ["NEED", 5]],
  CHUNK: [{ type: "CHUNK", offset: 5, data: histogram }, ["CHUNK", 5, histogram]],
};

for (const [message, sent] of Object.values<readonly [Message, unknown[]]>(WIRE)) {
  Deno.test(`${message.type} is sent with its fields in order`, () => {
    const payload = encodeMessage(message).subarray(4);
    assert.deepEqual(decode(payload), sent);
    assert.deepEqual(decodeMessage(payload), message);
  });
}

/** The fault of a message with some of its values changed. */
function faultOf(type: Message["type"], changes: Readonly<Record<number, unknown>>): string {
  const sent = Object.assign([...WIRE[type][1]], changes);
  assert.equal(MESSAGE.variants[type].read(sent), undefined, "it was read");
  return MESSAGE.variants[type].fault(sent, type);
}

const COUNT = "must be a whole number of 0 or more";
const AMOUNT = "must be a finite number of 0 or more";
const PERIOD = "must be a number from 0.01 to 86400";
const ID = "must be a name of at most 256 visible characters";
const WORKER = "must be a name of at most 100 visible characters";
const HASH = "must be a string of at most 256 characters";
const SHORT = "must be a string of at most 1000 characters";
const NAME = "must be a string of at most 2000 characters";

const entry = (at: number, value: unknown): unknown => [ENTRY_SENT.with(at, value)];
const iterations = (at: number, value: unknown): unknown => [ITERATIONS_SENT.with(at, value)];
const arrivals = (at: number, value: unknown): unknown => [ARRIVALS_SENT.with(at, value)];

const FAULTS: readonly (readonly [
  type: Message["type"],
  changes: Readonly<Record<number, unknown>>,
  fault: string,
])[] = [
  ["HELLO", { 1: -1 }, `HELLO.protocolMin ${COUNT}`],
  ["HELLO", { 2: 2 ** 53 }, `HELLO.protocolMax ${COUNT}`],
  ["HELLO", { 4: new Uint8Array(15) }, "HELLO.nonce must be 16 to 64 bytes"],
  ["HELLO", { 4: new Uint8Array(65) }, "HELLO.nonce must be 16 to 64 bytes"],
  ["HELLO", { 4: "0123456789abcdef" }, "HELLO.nonce must be 16 to 64 bytes"],
  ["JOIN", { 2: "1.0\u202e" }, `JOIN.version ${ID}`],
  ["JOIN", { 3: "w".repeat(101) }, `JOIN.workerId ${WORKER}`],
  ["JOIN", { 3: "w1\n2026-01-01 00:00:00.000 ERROR forged" }, `JOIN.workerId ${WORKER}`],
  ["JOIN", { 3: " " }, `JOIN.workerId ${WORKER}`],
  ["JOIN", { 5: "box\x1b[2J" }, `JOIN.host ${ID}`],
  ["JOIN", { 4: new Uint8Array(5) }, `JOIN.incarnation ${ID}`],
  ["JOIN", { 5: null }, `JOIN.host ${ID}`],
  ["JOIN", { 6: 1.5 }, `JOIN.pid ${COUNT}`],
  ["JOIN", { 8: "f".repeat(257) }, `JOIN.testfileHash ${HASH}`],
  ["JOIN", { 10: new Uint8Array(65) }, "JOIN.mac must be 0 to 64 bytes"],
  ["WELCOME", { 4: 0 }, `WELCOME.heartbeatSeconds ${PERIOD}`],
  ["WELCOME", { 5: Infinity }, `WELCOME.leaseSeconds ${PERIOD}`],
  [
    "ERROR",
    { 1: "toString" },
    "ERROR.code must be one of: protocol, version, token, testfile, duplicate, busy, run, unprepared",
  ],
  ["ERROR", { 2: "x".repeat(1001) }, `ERROR.text ${SHORT}`],
  ["SETUP", { 2: { users: 1 } }, "SETUP.options must be a string of at most 262144 characters"],
  ["START", { 1: NaN }, `START.elapsedSeconds ${AMOUNT}`],
  [
    "TARGET",
    { 2: { Buyer: -1 } },
    "TARGET.classes must be a map of whole numbers by names of at most 2000 characters",
  ],
  ["TARGET", { 3: Infinity }, `TARGET.rate ${AMOUNT}`],
  ["TARGET", { 4: -1 }, `TARGET.stopTimeout ${AMOUNT}`],
  ["TARGET", { 5: null }, "TARGET.arrivals must be a list"],
  ["TARGET", { 5: [[]] }, "TARGET.arrivals[0] must be a list of 13 values, not 0"],
  [
    "TARGET",
    { 5: arrivals(0, -1) },
    "TARGET.arrivals[0].rate must be a number from 0 to 1000000000",
  ],
  ["TARGET", { 5: arrivals(1, NaN) }, `TARGET.arrivals[0].since ${AMOUNT}`],
  [
    "TARGET",
    { 5: arrivals(2, -0.5) },
    "TARGET.arrivals[0].position must be a number from 0 to 9007199254740991",
  ],
  ["TARGET", { 5: arrivals(3, Infinity) }, `TARGET.arrivals[0].until ${AMOUNT}`],
  ["TARGET", { 5: arrivals(4, 0.5) }, `TARGET.arrivals[0].from ${COUNT}`],
  ["TARGET", { 5: arrivals(5, 0) }, "TARGET.arrivals[0].of must be a whole number of 1 or more"],
  ["TARGET", { 5: arrivals(6, -1) }, `TARGET.arrivals[0].index ${COUNT}`],
  ["TARGET", { 5: arrivals(7, 2 ** 53) }, `TARGET.arrivals[0].limit ${COUNT}`],
  ["TARGET", { 5: arrivals(8, "1") }, `TARGET.arrivals[0].maxUsers ${COUNT}`],
  [
    "TARGET",
    { 5: arrivals(9, "even") },
    "TARGET.arrivals[0].spacing must be one of: constant, poisson",
  ],
  ["TARGET", { 5: arrivals(10, "wait") }, "TARGET.arrivals[0].onBusy must be one of: queue, drop"],
  [
    "STATE",
    { 2: "asleep" },
    "STATE.state must be one of: preparing, ready, spawning, running, exhausted, leaving, " +
    "stopping, stopped",
  ],
  ["STATE", { 3: null }, `STATE.elapsedSeconds ${AMOUNT}`],
  ["REPORT", { 2: "1" }, `REPORT.seq ${COUNT}`],
  ["REPORT", { 5: {} }, "REPORT.entries must be a list"],
  ["REPORT", { 5: [[]] }, "REPORT.entries[0] must be a list of 13 values, not 0"],
  ["REPORT", { 5: entry(0, "x".repeat(1001)) }, `REPORT.entries[0].method ${SHORT}`],
  ["REPORT", { 5: entry(1, "x".repeat(2001)) }, `REPORT.entries[0].name ${NAME}`],
  ["REPORT", { 5: entry(2, -1) }, `REPORT.entries[0].code ${COUNT}`],
  ["REPORT", { 5: entry(3, -1) }, `REPORT.entries[0].retries ${COUNT}`],
  ["REPORT", { 5: entry(6, NaN) }, "REPORT.entries[0].sum must be a finite number"],
  ["REPORT", { 5: entry(7, -Infinity) }, "REPORT.entries[0].min must be a finite number"],
  ["REPORT", { 5: entry(8, Infinity) }, "REPORT.entries[0].max must be a finite number"],
  ["REPORT", { 5: entry(9, -1) }, `REPORT.entries[0].squaredDeviations ${AMOUNT}`],
  ["REPORT", { 5: entry(10, [["HTTP 500", -1]]) }, `REPORT.entries[0].errors[0][1] ${COUNT}`],
  [
    "REPORT",
    { 5: entry(11, [[]]) },
    "REPORT.entries[0].failureTimes[0] must be a list of 2 values, not 0",
  ],
  ["REPORT", { 6: ["abc"] }, "REPORT.histograms[0] must be 0 to 1048576 bytes"],
  [
    "REPORT",
    { 7: [["Buyer", "TypeError"]] },
    "REPORT.userErrors[0] must be a list of 3 values, not 2",
  ],
  ["REPORT", { 8: [[2, 5, 6, 7, null, 8]] }, `REPORT.seconds[0].failures ${COUNT}`],
  ["REPORT", { 9: [[]] }, "REPORT.iterations[0] must be a list of 5 values, not 0"],
  ["REPORT", { 9: iterations(0, -1) }, `REPORT.iterations[0].scheduled ${COUNT}`],
  ["REPORT", { 9: iterations(1, 0.5) }, `REPORT.iterations[0].dropped ${COUNT}`],
  [
    "REPORT",
    { 9: iterations(2, ["abc", []]) },
    "REPORT.iterations[0].serviceTime.buckets must be 0 to 1048576 bytes",
  ],
  [
    "REPORT",
    { 9: iterations(3, [histogram, [[NaN, 0, 0, 0]]]) },
    "REPORT.iterations[0].startDelay.spread[0].sum must be a finite number",
  ],
  ["REPORT", { 10: -0.1 }, `REPORT.cpu ${AMOUNT}`],
  ["REPORT", { 11: NaN }, `REPORT.lag ${AMOUNT}`],
  ["REPORT", { 12: 1 }, "REPORT.final must be true or false"],
  ["STOP", { 1: Infinity }, `STOP.deadline ${AMOUNT}`],
  ["PREPARE", { 1: 0 }, "PREPARE must be a list of 1 values, not 2"],
  ["FILES", { 1: "x".repeat(241) }, "FILES.entry must be a string of at most 240 characters"],
  ["FILES", { 3: [["a", -1, sha256]] }, `FILES.files[0].size ${COUNT}`],
  [
    "FILES",
    { 3: [["a", 1, new Uint8Array(31)]] },
    "FILES.files[0].sha256 must be 32 to 32 bytes",
  ],
  ["NEED", { 1: -1 }, `NEED.offset ${COUNT}`],
  ["CHUNK", { 2: new Uint8Array(0) }, "CHUNK.data must be 1 to 524288 bytes"],
  ["PING", { 1: null }, `PING.number ${COUNT}`],
];

Deno.test("a fault names the message and the field", () => {
  for (const [type, changes, fault] of FAULTS) assert.equal(faultOf(type, changes), fault);
});

Deno.test("no message may have an extra value, and only some may lack their last ones", () => {
  const optional: Partial<Record<MessageType, number>> = {
    ...{ STATE: 4, PING: 1, PONG: 1, REPORT: 3 },
    ...{ STOP: 1, QUIT: 2 },
  };
  for (const [{ type }, sent] of Object.values<readonly [Message, unknown[]]>(WIRE)) {
    const { read } = MESSAGE.variants[type];
    assert.equal(read([...sent, 0]), undefined, `${type} and one more`);
    for (const missing of [1, 2, 3]) {
      const isRead = read(sent.slice(0, -missing)) !== undefined;
      assert.equal(isRead, missing <= (optional[type] ?? 0), `${type} without ${missing}`);
    }
  }
});

Deno.test("a missing number in PING and PONG, and a missing time in STATE, are 0", () => {
  assert.deepEqual(MESSAGE.variants.PING.read(["PING"]), { type: "PING", number: 0 });
  assert.deepEqual(MESSAGE.variants.PONG.read(["PONG"]), { type: "PONG", number: 0 });
  assert.deepEqual(MESSAGE.variants.STATE.read(["STATE", 3, "ready"]), {
    type: "STATE",
    users: 3,
    state: "ready",
    elapsedSeconds: 0,
    sockets: "",
    exhausted: [],
    unprepared: false,
  });
});

const ONE = { min: 1, max: 1 };

Deno.test("the newest common protocol is used", () => {
  assert.equal(commonProtocol(ONE, ONE), 1);
  assert.equal(commonProtocol({ min: 1, max: 4 }, { min: 2, max: 3 }), 3);
  assert.equal(commonProtocol({ min: 2, max: 3 }, { min: 1, max: 2 }), 2);
});

Deno.test("without a common protocol, the error names those of both sides", () => {
  const hint = "give both the same version of aiotest";
  assert.throws(
    () => commonProtocol({ min: 2, max: 3 }, ONE),
    refusal("version", `the master speaks protocols 2 to 3, the worker protocol 1: ${hint}`),
  );
  assert.throws(
    () => commonProtocol(ONE, { min: 2, max: 2 }),
    refusal("version", `the master speaks protocol 1, the worker protocol 2: ${hint}`),
  );
});

Deno.test("a range that ends before it starts has nothing in common with any", () => {
  assert.throws(() => commonProtocol({ min: 3, max: 1 }, { min: 1, max: 3 }), { code: "version" });
  assert.throws(() => commonProtocol({ min: 0, max: 0 }, ONE), { code: "version" });
});
