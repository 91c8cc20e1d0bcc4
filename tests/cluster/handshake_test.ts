import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import type { Channel } from "../../src/cluster/channel.ts";
import {
  acceptWorker,
  type Candidate,
  type JoinedMaster,
  joinMaster,
  type JoinOptions,
  type JoinTerms,
  masterProof,
  newNonce,
  NO_PROOF,
  sameProof,
  workerProof,
} from "../../src/cluster/handshake.ts";
import { type Message, PROTOCOL, ProtocolError } from "../../src/cluster/protocol.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  channels,
  identity,
  joinFor,
  MASTER_HASH,
  nextOf,
  OTHER_HASH,
  terms,
  workerState,
} from "../support/joining.ts";
import { refusal } from "../support/messages.ts";
import { delta, report } from "../support/reports.ts";

const WRONG_TOKEN =
  "the token is wrong or missing: set the same --token or AIOTEST_TOKEN on both sides";

interface MasterSide {
  readonly clock: FakeClock;
  readonly master: Channel;
  readonly worker: Channel;
  readonly accepted: Promise<Candidate | null>;
}

/** A master in a handshake with a worker that the test plays. */
function masterSide(changes: Partial<JoinTerms> = {}): MasterSide {
  const { master, worker } = channels();
  const clock = new FakeClock();
  const accepted = acceptWorker(master, terms(changes), clock, "");
  // A test may look at the worker's side first, before it awaits the rejection.
  accepted.catch(() => {});
  return { clock, master, worker, accepted };
}

/** The ERROR that the worker gets for such a JOIN. */
async function refused(
  { worker, accepted, master, clock }: MasterSide,
  token: string | null,
  changes: Partial<Message<"JOIN">> = {},
): Promise<[code: string, text: string]> {
  worker.send(joinFor(await nextOf(worker, "HELLO"), token, changes));
  const { code, text } = await nextOf(worker, "ERROR");
  await assert.rejects(accepted, refusal(code, text));
  assert.equal(await worker.receive(), null);
  assert.equal(master.closed, true);
  assert.equal(clock.pending, 0);
  return [code, text];
}

Deno.test("a worker with the token gets a WELCOME with a proof, and becomes a candidate", async () => {
  const { worker, master, accepted, clock } = masterSide();
  const hello = await nextOf(worker, "HELLO");
  assert.deepEqual([hello.protocolMin, hello.protocolMax, hello.epoch], [PROTOCOL, PROTOCOL, 3]);
  const join = joinFor(hello, "secret");
  worker.send(join);
  const welcome = await nextOf(worker, "WELCOME");
  assert.deepEqual({ ...welcome, mac: NO_PROOF }, {
    type: "WELCOME",
    runId: "run-1",
    epoch: 3,
    ackedSeq: 7,
    heartbeatSeconds: 1,
    leaseSeconds: 5,
    filesHash: "",
    mac: NO_PROOF,
  });
  assert.deepEqual(welcome.mac, masterProof("secret", hello, join, welcome));
  const candidate = await accepted;
  assert.equal(candidate?.channel, master);
  assert.equal(candidate?.worker?.reports.lastSeq, 7);
  assert.equal(candidate?.join.workerId, "worker-1");
  assert.equal(clock.pending, 0);
});

Deno.test("a worker that only fetches files has no state", async () => {
  const seen: string[] = [];
  const admit = ({ workerId }: Message<"JOIN">): null => {
    seen.push(workerId);
    return null;
  };
  const { worker, accepted } = masterSide({ admit });
  worker.send(joinFor(await nextOf(worker, "HELLO"), "secret"));
  assert.equal((await nextOf(worker, "WELCOME")).ackedSeq, 0);
  const candidate = await accepted;
  assert.deepEqual([candidate?.worker, candidate?.join.workerId], [null, "worker-1"]);
  assert.deepEqual(seen, ["worker-1"]);
});

Deno.test("messages after the handshake may be large", async () => {
  const { worker, master, accepted } = masterSide();
  worker.send(joinFor(await nextOf(worker, "HELLO"), "secret"));
  await accepted;
  const histograms = [new Uint8Array(100_000)];
  worker.send(report({ runId: "run-1", entries: [delta()], histograms }));
  assert.equal((await nextOf(master, "REPORT")).histograms[0]?.length, 100_000);
});

Deno.test("messages before the end of the handshake may not be large", async () => {
  const { worker, accepted } = masterSide();
  await nextOf(worker, "HELLO");
  worker.send({ type: "SETUP", workerIndex: 0, options: "x".repeat(5_000) });
  assert.equal((await nextOf(worker, "ERROR")).code, "protocol");
  await assert.rejects(accepted, { code: "protocol" });
});

Deno.test("a wrong token, no token and a proof of another length get the same refusal", async () => {
  assert.deepEqual(await refused(masterSide(), "wrong"), ["token", WRONG_TOKEN]);
  assert.deepEqual(await refused(masterSide(), null), ["token", WRONG_TOKEN]);
  const short = masterSide();
  const join = joinFor(await nextOf(short.worker, "HELLO"), "secret");
  short.worker.send({ ...join, mac: join.mac.slice(1) });
  assert.equal((await nextOf(short.worker, "ERROR")).text, WRONG_TOKEN);
});

Deno.test("a master without a token accepts only workers without one", async () => {
  const { worker, accepted } = masterSide({ token: null });
  worker.send(joinFor(await nextOf(worker, "HELLO"), null));
  assert.equal((await nextOf(worker, "WELCOME")).mac.length, 0);
  assert.equal((await accepted)?.worker?.id, "worker-1");
  assert.deepEqual(await refused(masterSide({ token: null }), "secret"), [
    "token",
    "the worker has a token, the master has none: " +
    "set the same --token or AIOTEST_TOKEN on both sides",
  ]);
});

Deno.test("a JOIN that is replayed on another connection is refused", async () => {
  const first = masterSide();
  const join = joinFor(await nextOf(first.worker, "HELLO"), "secret");
  first.worker.send(join);
  await nextOf(first.worker, "WELCOME");
  const second = masterSide();
  await nextOf(second.worker, "HELLO");
  second.worker.send(join);
  assert.deepEqual((await nextOf(second.worker, "ERROR")).code, "token");
  await assert.rejects(second.accepted, refusal("token", WRONG_TOKEN));
});

Deno.test("a JOIN that was changed on the way is refused", async () => {
  const { worker, accepted } = masterSide({ allowDifferentTestfile: true });
  const join = joinFor(await nextOf(worker, "HELLO"), "secret");
  worker.send({ ...join, workerId: "somebody-else" });
  await assert.rejects(accepted, refusal("token", WRONG_TOKEN));
});

Deno.test("an unsupported protocol is refused before anything else is checked", async () => {
  const changes = { protocol: 1, testfileHash: OTHER_HASH };
  assert.deepEqual(await refused(masterSide(), "wrong", changes), [
    "version",
    `the master speaks protocol ${PROTOCOL}, the worker protocol 1: ` +
    "give both the same version of aiotest",
  ]);
});

Deno.test("a different test file is refused with both hashes and the option, if the token is right", async () => {
  const testfileHash = OTHER_HASH;
  assert.deepEqual(await refused(masterSide(), "secret", { testfileHash }), [
    "testfile",
    `the worker has a different test file than the master: ${OTHER_HASH} is not ` +
    `${MASTER_HASH}; with --allow-different-testfile the master accepts it`,
  ]);
  assert.deepEqual(await refused(masterSide(), "wrong", { testfileHash }), ["token", WRONG_TOKEN]);
});

Deno.test("a different test file is accepted if that is allowed", async () => {
  const { worker, accepted } = masterSide({ allowDifferentTestfile: true });
  worker.send(joinFor(await nextOf(worker, "HELLO"), "secret", { testfileHash: OTHER_HASH }));
  assert.equal((await accepted)?.join.testfileHash, OTHER_HASH);
});

Deno.test("a worker without a test file is accepted if the master sends one, and gets its hash", async () => {
  const filesHash = "c3".repeat(32);
  const { worker, accepted } = masterSide({ filesHash });
  worker.send(joinFor(await nextOf(worker, "HELLO"), "secret", { testfileHash: "" }));
  assert.equal((await nextOf(worker, "WELCOME")).filesHash, filesHash);
  assert.equal((await accepted)?.join.testfileHash, "");
});

Deno.test("a worker that has downloaded the files joins with their hash", async () => {
  const testfileHash = "c3".repeat(32);
  const { worker, accepted } = masterSide({ filesHash: testfileHash });
  worker.send(joinFor(await nextOf(worker, "HELLO"), "secret", { testfileHash }));
  assert.equal((await accepted)?.join.testfileHash, testfileHash);
});

Deno.test("a worker without a test file is refused if the master sends none or the token is wrong", async () => {
  const none = { testfileHash: "" };
  const terms = { allowDifferentTestfile: true };
  assert.deepEqual(await refused(masterSide(terms), "secret", none), [
    "testfile",
    "the worker has no test file, and this master sends none: give it one with -f",
  ]);
  assert.deepEqual(await refused(masterSide({ filesHash: "c3" }), "wrong", none), [
    "token",
    WRONG_TOKEN,
  ]);
});

for (const code of ["duplicate", "run", "busy"] as const) {
  Deno.test(`admitting may fail with ${code}, and the worker gets the reason`, async () => {
    const admit = (): never => {
      throw new ProtocolError(code, `no place: ${code}`);
    };
    assert.deepEqual(await refused(masterSide({ admit }), "secret"), [code, `no place: ${code}`]);
  });
}

Deno.test("a worker without a valid proof or test file is not admitted", async () => {
  const admit = (): never => assert.fail("asked");
  assert.deepEqual(await refused(masterSide({ admit }), "wrong"), ["token", WRONG_TOKEN]);
  const testfileHash = OTHER_HASH;
  assert.equal((await refused(masterSide({ admit }), "secret", { testfileHash }))[0], "testfile");
});

Deno.test("an internal error of the master is sent as busy, so the worker tries again", async () => {
  const { worker, accepted } = masterSide({
    admit: () => {
      throw new TypeError("no such member");
    },
  });
  worker.send(joinFor(await nextOf(worker, "HELLO"), "secret"));
  const { code, text } = await nextOf(worker, "ERROR");
  assert.deepEqual([code, text], ["busy", "TypeError: no such member"]);
  await assert.rejects(accepted, TypeError);
});

Deno.test("a silent worker is disconnected after 2 s", async () => {
  const { worker, accepted, clock } = masterSide();
  await nextOf(worker, "HELLO");
  await clock.advance(1_999);
  worker.send({ type: "PING", number: 1 });
  await assert.rejects(accepted, refusal("protocol", "PING before JOIN"));

  const silent = masterSide();
  await silent.clock.advance(1_999);
  assert.equal(silent.master.closed, false);
  await silent.clock.advance(1);
  await assert.rejects(silent.accepted, refusal("busy", "the handshake took longer than 2 s"));
  await nextOf(silent.worker, "HELLO");
  assert.equal((await nextOf(silent.worker, "ERROR")).text, "the handshake took longer than 2 s");
  assert.equal(await silent.worker.receive(), null);
});

Deno.test("a JOIN after the timeout is not admitted", async () => {
  const admit = (): never => assert.fail("admitted");
  const { worker, accepted, clock } = masterSide({ admit });
  const hello = await nextOf(worker, "HELLO");
  await clock.advance(2_000);
  worker.send(joinFor(hello, "secret"));
  await clock.advance(10_000);
  await assert.rejects(accepted, refusal("busy", "the handshake took longer than 2 s"));
});

Deno.test("a worker that disconnects before JOIN is not an error", async () => {
  const { worker, accepted, clock } = masterSide();
  await nextOf(worker, "HELLO");
  worker.close();
  assert.equal(await accepted, null);
  assert.equal(clock.pending, 0);
});

Deno.test("an ERROR from the worker is the reason of the refusal", async () => {
  const { worker, accepted, master } = masterSide();
  await nextOf(worker, "HELLO");
  worker.send({ type: "ERROR", code: "version", text: "I speak\x1b[2J 2" });
  await assert.rejects(accepted, refusal("version", "I speak␛[2J 2"));
  assert.equal(master.closed, true);
});

Deno.test("a repeated JOIN is answered once, and the second one is received later", async () => {
  let admitted = 0;
  const { worker, accepted, master } = masterSide({
    admit: () => workerState(admitted++),
  });
  const join = joinFor(await nextOf(worker, "HELLO"), "secret");
  worker.send(join);
  worker.send(join);
  await nextOf(worker, "WELCOME");
  assert.equal((await accepted)?.worker?.reports.lastSeq, 0);
  assert.equal((await nextOf(master, "JOIN")).workerId, "worker-1");
  assert.equal(admitted, 1);
});

Deno.test("the worker's proof is not valid as the master's", async () => {
  const { worker } = masterSide();
  const hello = await nextOf(worker, "HELLO");
  const join = joinFor(hello, "secret");
  worker.send(join);
  assert.notDeepEqual((await nextOf(worker, "WELCOME")).mac, workerProof("secret", hello, join));
});

const UNPROVEN = "the master did not prove that it knows the token";

interface WorkerSide {
  readonly clock: FakeClock;
  readonly master: Channel;
  readonly worker: Channel;
  readonly joined: Promise<JoinedMaster>;
}

/** A worker in a handshake with a master that the test plays. */
function workerSide(token: JoinOptions["token"] = "secret"): WorkerSide {
  const { master, worker } = channels();
  const clock = new FakeClock();
  const joined = joinMaster(worker, identity(), { token, clock });
  // A test may look at the master's side first, before it awaits the rejection.
  joined.catch(() => {});
  return { clock, master, worker, joined };
}

function hello(changes: Partial<Message<"HELLO">> = {}): Message<"HELLO"> {
  return {
    type: "HELLO",
    protocolMin: PROTOCOL,
    protocolMax: PROTOCOL,
    epoch: 4,
    nonce: newNonce(),
    ...changes,
  };
}

function welcome(
  token: string | null,
  hello: Message<"HELLO">,
  join: Message<"JOIN">,
): Message<"WELCOME"> {
  const bare: Message<"WELCOME"> = {
    type: "WELCOME",
    runId: "run-1",
    epoch: 4,
    ackedSeq: 2,
    heartbeatSeconds: 1,
    leaseSeconds: 5,
    filesHash: "",
    mac: NO_PROOF,
  };
  return { ...bare, mac: masterProof(token, hello, join, bare) };
}

Deno.test("a worker answers HELLO with its identity and a proof", async () => {
  const { master } = workerSide();
  const first = hello({ protocolMax: 9 });
  master.send(first);
  const join = await nextOf(master, "JOIN");
  assert.deepEqual({ ...join, nonce: NO_PROOF, mac: NO_PROOF }, {
    type: "JOIN",
    protocol: PROTOCOL,
    version: "0.1.0",
    workerId: "worker-1",
    incarnation: "incarnation-1",
    host: "host-1",
    pid: 42,
    cpus: 8,
    testfileHash: MASTER_HASH,
    nonce: NO_PROOF,
    mac: NO_PROOF,
  });
  assert.equal(join.nonce.length, 16);
  assert.deepEqual(join.mac, workerProof("secret", first, join));
});

Deno.test("a master with a valid proof is joined", async () => {
  const { master, joined, clock } = workerSide();
  const first = hello();
  master.send(first);
  const answer = welcome("secret", first, await nextOf(master, "JOIN"));
  master.send(answer);
  assert.deepEqual(await joined, { hello: first, welcome: answer, warnings: [] });
  assert.equal(clock.pending, 0);
});

Deno.test("a master and a worker with the same token complete the handshake", async () => {
  const { master, worker } = channels();
  const clock = new FakeClock();
  const [candidate, joined] = await Promise.all([
    acceptWorker(master, terms(), clock, ""),
    joinMaster(worker, identity(), { token: "secret", clock }),
  ]);
  assert.equal(candidate?.join.workerId, "worker-1");
  assert.equal(joined.welcome.ackedSeq, 7);
});

Deno.test("a large message right after WELCOME is received", async () => {
  const { master, worker, joined } = workerSide();
  const first = hello();
  master.send(first);
  master.send(welcome("secret", first, await nextOf(master, "JOIN")));
  master.send({ type: "SETUP", workerIndex: 1, options: "x".repeat(10_000) });
  await joined;
  assert.equal((await nextOf(worker, "SETUP")).options.length, 10_000);
});

Deno.test("a repeated HELLO is skipped, and the first one counts", async () => {
  const { master, joined } = workerSide();
  const first = hello();
  master.send(first);
  master.send(first);
  const join = await nextOf(master, "JOIN");
  master.send(hello({ epoch: 99 }));
  master.send(welcome("secret", first, join));
  assert.equal((await joined).hello.epoch, 4);
});

Deno.test("a master without a valid proof is left, and is sent the reason", async () => {
  const forgeries: ((hello: Message<"HELLO">, join: Message<"JOIN">) => Message<"WELCOME">)[] = [
    (hello, join) => welcome(null, hello, join),
    (hello, join) => welcome("wrong", hello, join),
    (hello, join) => ({ ...welcome("secret", hello, join), leaseSeconds: 3_600 }),
    // The worker's own proof, sent back to it.
    (hello, join) => ({ ...welcome("secret", hello, join), mac: join.mac }),
    (hello, join) => welcome("secret", { ...hello, nonce: newNonce() }, join),
  ];
  for (const forge of forgeries) {
    const { master, worker, joined } = workerSide();
    const first = hello();
    master.send(first);
    master.send(forge(first, await nextOf(master, "JOIN")));
    await assert.rejects(joined, refusal("token", UNPROVEN));
    const { code, text } = await nextOf(master, "ERROR");
    assert.deepEqual([code, text], ["token", UNPROVEN]);
    assert.equal(await master.receive(), null);
    assert.equal(worker.closed, true);
  }
});

Deno.test("without a token on either side the worker joins with a warning", async () => {
  const { master, joined } = workerSide(null);
  const first = hello();
  master.send(first);
  const join = await nextOf(master, "JOIN");
  assert.equal(join.mac.length, 0);
  master.send(welcome(null, first, join));
  assert.deepEqual((await joined).warnings, [
    "There is no token: anyone who can reach the master's port can join this run. " +
    "Set --token or AIOTEST_TOKEN on both sides.",
  ]);
});

Deno.test("without a common protocol the worker sends an ERROR with both ranges in place of JOIN", async () => {
  const { master, joined } = workerSide();
  const [min, max] = [PROTOCOL + 1, PROTOCOL + 2];
  const text = `the master speaks protocols ${min} to ${max}, the worker protocol ${PROTOCOL}: ` +
    "give both the same version of aiotest";
  master.send(hello({ protocolMin: min, protocolMax: max }));
  const error = await nextOf(master, "ERROR");
  assert.deepEqual([error.code, error.text], ["version", text]);
  await assert.rejects(joined, refusal("version", text));
});

Deno.test("a refusal is thrown with the master's code and its text as plain text", async () => {
  const before = workerSide();
  before.master.send({ type: "ERROR", code: "busy", text: "too many" });
  await assert.rejects(before.joined, refusal("busy", "too many"));
  assert.equal(before.worker.closed, true);

  const after = workerSide();
  after.master.send(hello());
  await nextOf(after.master, "JOIN");
  after.master.send({ type: "ERROR", code: "testfile", text: "other\r\nhash" });
  await assert.rejects(after.joined, refusal("testfile", "other␍␊hash"));
  // A refusal is not answered.
  assert.equal(await after.master.receive(), null);
});

Deno.test("a master that disconnects is busy", async () => {
  const { master, joined, clock } = workerSide();
  master.send(hello());
  await nextOf(master, "JOIN");
  master.close();
  await assert.rejects(joined, refusal("busy", "the master closed the connection"));
  assert.equal(clock.pending, 0);
});

Deno.test("messages in the wrong order are refused", async () => {
  const early = workerSide();
  early.master.send({ type: "PING", number: 1 });
  await assert.rejects(early.joined, refusal("protocol", "PING before HELLO"));
  const late = workerSide();
  late.master.send(hello());
  late.master.send({ type: "QUIT", why: "", stays: false });
  await assert.rejects(late.joined, refusal("protocol", "QUIT before WELCOME"));
});

Deno.test("a master that is silent is given up after 2 s, and 5 s after JOIN", async () => {
  const silent = workerSide();
  await silent.clock.advance(2_000);
  await assert.rejects(silent.joined, refusal("busy", /^the master does not send HELLO/));
  assert.equal(silent.worker.closed, true);

  const half = workerSide();
  await half.clock.advance(1_500);
  half.master.send(hello());
  await nextOf(half.master, "JOIN");
  await half.clock.advance(4_999);
  assert.equal(half.worker.closed, false);
  await half.clock.advance(1);
  await assert.rejects(half.joined, refusal("busy", "the handshake took longer than 5 s"));
});

Deno.test("a master that repeats HELLO forever does not outrun the timeout", async () => {
  const { master, joined, clock } = workerSide();
  for (let count = 0; count < 60; count++) {
    master.send(hello());
    await clock.advance(100);
  }
  await assert.rejects(joined, refusal("busy", "the handshake took longer than 5 s"));
});

const HELLO: Message<"HELLO"> = {
  type: "HELLO",
  protocolMin: 1,
  protocolMax: 2,
  epoch: 1,
  nonce: new Uint8Array(16).fill(1),
};
const JOIN: Message<"JOIN"> = joinFor(HELLO, "secret");
const WELCOME: Message<"WELCOME"> = {
  type: "WELCOME",
  runId: "run-1",
  epoch: 1,
  ackedSeq: 5,
  heartbeatSeconds: 1,
  leaseSeconds: 5,
  filesHash: "",
  mac: NO_PROOF,
};

/** Another value for each negotiated field; a new field does not compile without one. */
const OTHER_HELLO: Omit<Message<"HELLO">, "type"> = {
  protocolMin: 0,
  protocolMax: 3,
  epoch: 2,
  nonce: new Uint8Array(16).fill(2),
};
const OTHER_JOIN: Omit<Message<"JOIN">, "type" | "mac"> = {
  protocol: PROTOCOL + 1,
  version: "0.1.1",
  workerId: "worker-2",
  incarnation: "incarnation-2",
  host: "host-2",
  pid: 43,
  cpus: 9,
  testfileHash: "c3".repeat(32),
  nonce: new Uint8Array(16).fill(3),
};
const OTHER_WELCOME: Omit<Message<"WELCOME">, "type" | "mac"> = {
  runId: "run-2",
  epoch: 2,
  ackedSeq: 6,
  heartbeatSeconds: 2,
  leaseSeconds: 6,
  filesHash: "ab",
};

/** The message with one field changed, by the name of that field. */
function tampered<M extends object>(message: M, other: Partial<M>): [field: string, message: M][] {
  return Object.entries(other).map(([field, value]) => [field, { ...message, [field]: value }]);
}

Deno.test("a proof is the HMAC of the role and the messages with their field names", () => {
  const proof = workerProof("secret", { ...HELLO }, { ...JOIN });
  assert.equal(proof.length, 32);
  // The order of the fields in the object does not matter.
  const reversed = Object.fromEntries(Object.entries(JOIN).reverse()) as unknown as Message<"JOIN">;
  assert.deepEqual(workerProof("secret", HELLO, reversed), proof);
  assert.notDeepEqual(proof, new Uint8Array(createHmac("sha256", "secret").digest()));
});

for (const [field, hello] of tampered(HELLO, OTHER_HELLO)) {
  Deno.test(`both proofs cover ${field} of HELLO`, () => {
    assert.notDeepEqual(workerProof("secret", hello, JOIN), workerProof("secret", HELLO, JOIN));
    assert.notDeepEqual(
      masterProof("secret", hello, JOIN, WELCOME),
      masterProof("secret", HELLO, JOIN, WELCOME),
    );
  });
}

for (const [field, join] of tampered(JOIN, OTHER_JOIN)) {
  Deno.test(`both proofs cover ${field} of JOIN`, () => {
    assert.notDeepEqual(workerProof("secret", HELLO, join), workerProof("secret", HELLO, JOIN));
    assert.notDeepEqual(
      masterProof("secret", HELLO, join, WELCOME),
      masterProof("secret", HELLO, JOIN, WELCOME),
    );
  });
}

for (const [field, welcome] of tampered(WELCOME, OTHER_WELCOME)) {
  Deno.test(`the master's proof covers ${field} of WELCOME`, () => {
    assert.notDeepEqual(
      masterProof("secret", HELLO, JOIN, welcome),
      masterProof("secret", HELLO, JOIN, WELCOME),
    );
  });
}

Deno.test("moving characters from one field to the next changes the proof", () => {
  const moved = { ...JOIN, workerId: "worker-1i", incarnation: "ncarnation-1" };
  assert.notDeepEqual(workerProof("secret", HELLO, moved), workerProof("secret", HELLO, JOIN));
});

Deno.test("a proof does not cover itself, so it can be checked in its message", () => {
  const proof = workerProof("secret", HELLO, { ...JOIN, mac: NO_PROOF });
  assert.deepEqual(workerProof("secret", HELLO, { ...JOIN, mac: proof }), proof);
  const answer = masterProof("secret", HELLO, JOIN, WELCOME);
  assert.deepEqual(masterProof("secret", HELLO, JOIN, { ...WELCOME, mac: answer }), answer);
});

Deno.test("another token gives another proof, and no token an empty one", () => {
  assert.notDeepEqual(workerProof("Secret", HELLO, JOIN), workerProof("secret", HELLO, JOIN));
  assert.equal(workerProof(null, HELLO, JOIN).length, 0);
  assert.equal(masterProof(null, HELLO, JOIN, WELCOME).length, 0);
});

Deno.test("proofs of different lengths differ, and comparing them does not throw", () => {
  const proof = workerProof("secret", HELLO, JOIN);
  assert.equal(sameProof(proof, proof.slice()), true);
  assert.equal(sameProof(proof, proof.slice(1)), false);
  assert.equal(sameProof(proof, NO_PROOF), false);
  assert.equal(sameProof(NO_PROOF, NO_PROOF), true);
  assert.equal(sameProof(proof, proof.with(31, proof[31]! ^ 1)), false);
});

Deno.test("nonces differ", () => {
  const nonces = new Set(Array.from({ length: 1_000 }, () => newNonce().toHex()));
  assert.equal(nonces.size, 1_000);
  assert.equal(newNonce().length, 16);
});
