import assert from "node:assert/strict";
import type { Channel } from "../../src/cluster/channel.ts";
import { ProtocolError } from "../../src/cluster/frames.ts";
import {
  type AcceptedPlace,
  type AcceptedWorker,
  acceptWorker,
  type JoinTerms,
  masterProof,
  NO_PROOF,
  workerProof,
} from "../../src/cluster/handshake.ts";
import type { Join } from "../../src/cluster/protocol.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  channels,
  joinFor,
  MASTER_HASH,
  nextOf,
  OTHER_HASH,
  refusal,
  terms,
} from "../support/joining.ts";
import { delta, report } from "../support/reports.ts";

const WRONG_TOKEN =
  "the token is wrong or missing: set the same --token or AIOTEST_TOKEN on both sides";

interface Call {
  readonly clock: FakeClock;
  readonly master: Channel;
  readonly worker: Channel;
  readonly greeted: Promise<AcceptedWorker<AcceptedPlace> | null>;
}

/** A master that greets a worker which a test speaks for. */
function call(changes: Partial<JoinTerms<AcceptedPlace>> = {}): Call {
  const { master, worker } = channels();
  const clock = new FakeClock();
  const greeted = acceptWorker(master, "10.0.0.1", terms(changes), clock);
  // A test that looks at the worker's side first must not end with a rejection that nobody awaits yet.
  greeted.catch(() => {});
  return { clock, master, worker, greeted };
}

/** What the worker is told, when it joins so. */
async function refused(
  { worker, greeted, master, clock }: Call,
  token: string | null,
  changes: Partial<Join> = {},
): Promise<[code: string, text: string]> {
  worker.send(joinFor(await nextOf(worker, "HELLO"), token, changes));
  const { code, text } = await nextOf(worker, "ERROR");
  await assert.rejects(greeted, refusal(code, text));
  assert.equal(await worker.receive(), null);
  assert.equal(master.closed, true);
  assert.equal(clock.pending, 0);
  return [code, text];
}

Deno.test("a worker that knows the token is welcomed with a proof, and the master says what it gave", async () => {
  const { worker, greeted, clock } = call();
  const hello = await nextOf(worker, "HELLO");
  assert.deepEqual([hello.protocolMin, hello.protocolMax, hello.epoch], [1, 1, 3]);
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
  const greeting = await greeted;
  assert.deepEqual(greeting?.place, { runId: "run-1", ackedSeq: 7 });
  assert.equal(greeting?.join.workerId, "worker-1");
  assert.equal(clock.pending, 0);
});

Deno.test("who admits gets the worker's JOIN and its address, and its place comes back", async () => {
  const seen: [workerId: string, address: string][] = [];
  const place = { runId: "run-1", ackedSeq: 0, seat: 12 };
  const admit = ({ workerId }: Join, address: string): AcceptedPlace => {
    seen.push([workerId, address]);
    return place;
  };
  const { worker, greeted } = call({ admit });
  worker.send(joinFor(await nextOf(worker, "HELLO"), "secret", { workerId: "w9" }));
  assert.equal((await greeted)?.place, place);
  assert.deepEqual(seen, [["w9", "10.0.0.1"]]);
});

Deno.test("after the handshake a message may be large", async () => {
  const { worker, master, greeted } = call();
  worker.send(joinFor(await nextOf(worker, "HELLO"), "secret"));
  await greeted;
  const histograms = [new Uint8Array(100_000)];
  worker.send(report({ runId: "run-1", deltas: [delta()], histograms }));
  assert.equal((await nextOf(master, "REPORT")).histograms[0]?.length, 100_000);
});

Deno.test("before the handshake a message may not be large", async () => {
  const { worker, greeted } = call();
  await nextOf(worker, "HELLO");
  worker.send({ type: "SETUP", workerIndex: 0, options: "x".repeat(5_000) });
  assert.equal((await nextOf(worker, "ERROR")).code, "protocol");
  await assert.rejects(greeted, { code: "protocol" });
});

Deno.test("a wrong token, none, and a proof of another length are refused in the same words", async () => {
  assert.deepEqual(await refused(call(), "wrong"), ["token", WRONG_TOKEN]);
  assert.deepEqual(await refused(call(), null), ["token", WRONG_TOKEN]);
  const short = call();
  const join = joinFor(await nextOf(short.worker, "HELLO"), "secret");
  short.worker.send({ ...join, mac: join.mac.slice(1) });
  assert.equal((await nextOf(short.worker, "ERROR")).text, WRONG_TOKEN);
});

Deno.test("a master without a token takes a worker without one, and no other", async () => {
  const { worker, greeted } = call({ token: null });
  worker.send(joinFor(await nextOf(worker, "HELLO"), null));
  assert.equal((await nextOf(worker, "WELCOME")).mac.length, 0);
  assert.equal((await greeted)?.place.runId, "run-1");
  assert.deepEqual(await refused(call({ token: null }), "secret"), [
    "token",
    "the worker has a token, the master has none: " +
    "set the same --token or AIOTEST_TOKEN on both sides",
  ]);
});

Deno.test("a JOIN that was heard on another connection is worth nothing", async () => {
  const first = call();
  const join = joinFor(await nextOf(first.worker, "HELLO"), "secret");
  first.worker.send(join);
  await nextOf(first.worker, "WELCOME");
  const second = call();
  await nextOf(second.worker, "HELLO");
  second.worker.send(join);
  assert.deepEqual((await nextOf(second.worker, "ERROR")).code, "token");
  await assert.rejects(second.greeted, refusal("token", WRONG_TOKEN));
});

Deno.test("a JOIN that was changed on its way is refused", async () => {
  const { worker, greeted } = call({ allowDifferentTestfile: true });
  const join = joinFor(await nextOf(worker, "HELLO"), "secret");
  worker.send({ ...join, workerId: "somebody-else" });
  await assert.rejects(greeted, refusal("token", WRONG_TOKEN));
});

Deno.test("a protocol that the master does not speak comes before all other reasons", async () => {
  const changes = { protocol: 2, testfileHash: OTHER_HASH };
  assert.deepEqual(await refused(call(), "wrong", changes), [
    "version",
    "the master speaks protocol 1, the worker protocol 2: give both the same version of aiotest",
  ]);
});

Deno.test("another test file is refused with both hashes and the flag, once the token is right", async () => {
  const testfileHash = OTHER_HASH;
  assert.deepEqual(await refused(call(), "secret", { testfileHash }), [
    "testfile",
    `the worker has another test file than the master: ${OTHER_HASH} is not ${MASTER_HASH}; ` +
    "with --allow-different-testfile the master takes it all the same",
  ]);
  assert.deepEqual(await refused(call(), "wrong", { testfileHash }), ["token", WRONG_TOKEN]);
});

Deno.test("another test file is taken where that is allowed", async () => {
  const { worker, greeted } = call({ allowDifferentTestfile: true });
  worker.send(joinFor(await nextOf(worker, "HELLO"), "secret", { testfileHash: OTHER_HASH }));
  assert.equal((await greeted)?.join.testfileHash, OTHER_HASH);
});

Deno.test("a worker without a test file is let in where there is one for it, and hears its hash", async () => {
  const filesHash = "c3".repeat(32);
  const { worker, greeted } = call({ filesHash });
  worker.send(joinFor(await nextOf(worker, "HELLO"), "secret", { testfileHash: "" }));
  assert.equal((await nextOf(worker, "WELCOME")).filesHash, filesHash);
  assert.equal((await greeted)?.join.testfileHash, "");
});

Deno.test("who has fetched the files joins with their hash", async () => {
  const testfileHash = "c3".repeat(32);
  const { worker, greeted } = call({ filesHash: testfileHash });
  worker.send(joinFor(await nextOf(worker, "HELLO"), "secret", { testfileHash }));
  assert.equal((await greeted)?.join.testfileHash, testfileHash);
});

Deno.test("a worker without a test file is refused where there is none for it, or with a wrong token", async () => {
  const none = { testfileHash: "" };
  const terms = { allowDifferentTestfile: true };
  assert.deepEqual(await refused(call(terms), "secret", none), [
    "testfile",
    "it has no test file, and this master sends none: name it with -f",
  ]);
  assert.deepEqual(await refused(call({ filesHash: "c3" }), "wrong", none), ["token", WRONG_TOKEN]);
});

for (const code of ["duplicate", "run", "busy"] as const) {
  Deno.test(`who admits may refuse with ${code}, and the worker gets to know why`, async () => {
    const admit = (): never => {
      throw new ProtocolError(code, `no place: ${code}`);
    };
    assert.deepEqual(await refused(call({ admit }), "secret"), [code, `no place: ${code}`]);
  });
}

Deno.test("nobody is asked to admit a worker that has not proved itself", async () => {
  const admit = (): never => assert.fail("asked");
  assert.deepEqual(await refused(call({ admit }), "wrong"), ["token", WRONG_TOKEN]);
  const testfileHash = OTHER_HASH;
  assert.equal((await refused(call({ admit }), "secret", { testfileHash }))[0], "testfile");
});

Deno.test("a mistake of the master's own is not the end of the worker, which may come again", async () => {
  const { worker, greeted } = call({
    admit: () => {
      throw new TypeError("no such member");
    },
  });
  worker.send(joinFor(await nextOf(worker, "HELLO"), "secret"));
  const { code, text } = await nextOf(worker, "ERROR");
  assert.deepEqual([code, text], ["busy", "TypeError: no such member"]);
  await assert.rejects(greeted, TypeError);
});

Deno.test("a worker that says nothing is cut off after 2 s", async () => {
  const { worker, greeted, clock } = call();
  await nextOf(worker, "HELLO");
  await clock.advance(1_999);
  worker.send({ type: "PING", number: 1 });
  await assert.rejects(greeted, refusal("protocol", "PING before JOIN"));

  const silent = call();
  await silent.clock.advance(1_999);
  assert.equal(silent.master.closed, false);
  await silent.clock.advance(1);
  await assert.rejects(silent.greeted, refusal("busy", "the handshake took longer than 2 s"));
  await nextOf(silent.worker, "HELLO");
  assert.equal((await nextOf(silent.worker, "ERROR")).text, "the handshake took longer than 2 s");
  assert.equal(await silent.worker.receive(), null);
});

Deno.test("a JOIN that comes after the limit is not admitted", async () => {
  const admit = (): never => assert.fail("admitted");
  const { worker, greeted, clock } = call({ admit });
  const hello = await nextOf(worker, "HELLO");
  await clock.advance(2_000);
  worker.send(joinFor(hello, "secret"));
  await clock.advance(10_000);
  await assert.rejects(greeted, refusal("busy", "the handshake took longer than 2 s"));
});

Deno.test("a worker that goes without a word is no refusal", async () => {
  const { worker, greeted, clock } = call();
  await nextOf(worker, "HELLO");
  worker.close();
  assert.equal(await greeted, null);
  assert.equal(clock.pending, 0);
});

Deno.test("a worker that finds no common protocol says so itself", async () => {
  const { worker, greeted, master } = call();
  await nextOf(worker, "HELLO");
  worker.send({ type: "ERROR", code: "version", text: "I speak\x1b[2J 2" });
  await assert.rejects(greeted, refusal("version", "I speak?[2J 2"));
  assert.equal(master.closed, true);
});

Deno.test("a JOIN that arrives twice is answered once, and the second is left for later", async () => {
  let admitted = 0;
  const { worker, greeted, master } = call({
    admit: () => ({ runId: "run-1", ackedSeq: admitted++ }),
  });
  const join = joinFor(await nextOf(worker, "HELLO"), "secret");
  worker.send(join);
  worker.send(join);
  await nextOf(worker, "WELCOME");
  assert.equal((await greeted)?.place.ackedSeq, 0);
  assert.equal((await nextOf(master, "JOIN")).workerId, "worker-1");
  assert.equal(admitted, 1);
});

Deno.test("the proof that a worker gives is of no use as the master's", async () => {
  const { worker } = call();
  const hello = await nextOf(worker, "HELLO");
  const join = joinFor(hello, "secret");
  worker.send(join);
  assert.notDeepEqual((await nextOf(worker, "WELCOME")).mac, workerProof("secret", hello, join));
});
