import assert from "node:assert/strict";
import type { Channel } from "../../src/cluster/channel.ts";
import {
  acceptWorker,
  type JoinedMaster,
  joinMaster,
  type JoinOptions,
  masterProof,
  newNonce,
  NO_PROOF,
  workerProof,
} from "../../src/cluster/handshake.ts";
import type { Hello, Join, Welcome } from "../../src/cluster/protocol.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { channels, identity, MASTER_HASH, nextOf, refusal, terms } from "../support/joining.ts";

const UNPROVEN = "the master did not prove that it knows the token";

interface Call {
  readonly clock: FakeClock;
  readonly master: Channel;
  readonly worker: Channel;
  readonly introduced: Promise<JoinedMaster>;
}

/** A worker that introduces itself to a master which a test speaks for. */
function call(token: JoinOptions["token"] = "secret"): Call {
  const { master, worker } = channels();
  const clock = new FakeClock();
  const introduced = joinMaster(worker, identity(), { token, clock });
  // A test that looks at the master's side first must not end with a rejection that nobody awaits yet.
  introduced.catch(() => {});
  return { clock, master, worker, introduced };
}

function hello(changes: Partial<Hello> = {}): Hello {
  return {
    type: "HELLO",
    protocolMin: 1,
    protocolMax: 1,
    epoch: 4,
    nonce: newNonce(),
    ...changes,
  };
}

function welcome(token: string | null, hello: Hello, join: Join): Welcome {
  const bare: Welcome = {
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

Deno.test("a worker answers HELLO with who it is, and a proof", async () => {
  const { master } = call();
  const first = hello({ protocolMax: 9 });
  master.send(first);
  const join = await nextOf(master, "JOIN");
  assert.deepEqual({ ...join, nonce: NO_PROOF, mac: NO_PROOF }, {
    type: "JOIN",
    protocol: 1,
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

Deno.test("a master that proves itself is believed, and both of its messages come back", async () => {
  const { master, introduced, clock } = call();
  const first = hello();
  master.send(first);
  const answer = welcome("secret", first, await nextOf(master, "JOIN"));
  master.send(answer);
  assert.deepEqual(await introduced, { hello: first, welcome: answer, warnings: [] });
  assert.equal(clock.pending, 0);
});

Deno.test("a master with a token and a worker with the same find each other", async () => {
  const { master, worker } = channels();
  const clock = new FakeClock();
  const [greeting, introduction] = await Promise.all([
    acceptWorker(master, "10.0.0.1", terms(), clock),
    joinMaster(worker, identity(), { token: "secret", clock }),
  ]);
  assert.equal(greeting?.join.workerId, "worker-1");
  assert.equal(introduction.welcome.ackedSeq, 7);
});

Deno.test("what comes right behind the WELCOME may be large, and is not lost", async () => {
  const { master, worker, introduced } = call();
  const first = hello();
  master.send(first);
  master.send(welcome("secret", first, await nextOf(master, "JOIN")));
  master.send({ type: "SETUP", workerIndex: 1, options: "x".repeat(10_000) });
  await introduced;
  assert.equal((await nextOf(worker, "SETUP")).options.length, 10_000);
});

Deno.test("a HELLO that arrives twice is skipped, and the first one counts", async () => {
  const { master, introduced } = call();
  const first = hello();
  master.send(first);
  master.send(first);
  const join = await nextOf(master, "JOIN");
  master.send(hello({ epoch: 99 }));
  master.send(welcome("secret", first, join));
  assert.equal((await introduced).hello.epoch, 4);
});

Deno.test("a master that cannot prove itself is left, and told so", async () => {
  const forgeries: ((hello: Hello, join: Join) => Welcome)[] = [
    (hello, join) => welcome(null, hello, join),
    (hello, join) => welcome("wrong", hello, join),
    (hello, join) => ({ ...welcome("secret", hello, join), leaseSeconds: 3_600 }),
    // The worker's own proof, given back to it.
    (hello, join) => ({ ...welcome("secret", hello, join), mac: join.mac }),
    (hello, join) => welcome("secret", { ...hello, nonce: newNonce() }, join),
  ];
  for (const forge of forgeries) {
    const { master, worker, introduced } = call();
    const first = hello();
    master.send(first);
    master.send(forge(first, await nextOf(master, "JOIN")));
    await assert.rejects(introduced, refusal("token", UNPROVEN));
    const { code, text } = await nextOf(master, "ERROR");
    assert.deepEqual([code, text], ["token", UNPROVEN]);
    assert.equal(await master.receive(), null);
    assert.equal(worker.closed, true);
  }
});

Deno.test("without a token on either side the worker is in, with a warning", async () => {
  const { master, introduced } = call(null);
  const first = hello();
  master.send(first);
  const join = await nextOf(master, "JOIN");
  assert.equal(join.mac.length, 0);
  master.send(welcome(null, first, join));
  assert.deepEqual((await introduced).warnings, [
    "There is no token: anyone who can reach the master's port can join this run. " +
    "Set --token or AIOTEST_TOKEN on both sides.",
  ]);
});

Deno.test("no common protocol: the worker sends no JOIN, and says what both speak", async () => {
  const { master, introduced } = call();
  const text =
    "the master speaks protocols 2 to 3, the worker protocol 1: give both the same version of aiotest";
  master.send(hello({ protocolMin: 2, protocolMax: 3 }));
  const error = await nextOf(master, "ERROR");
  assert.deepEqual([error.code, error.text], ["version", text]);
  await assert.rejects(introduced, refusal("version", text));
});

Deno.test("a refusal is thrown with the master's code and text, free of what a terminal obeys", async () => {
  const before = call();
  before.master.send({ type: "ERROR", code: "busy", text: "too many" });
  await assert.rejects(before.introduced, refusal("busy", "too many"));
  assert.equal(before.worker.closed, true);

  const after = call();
  after.master.send(hello());
  await nextOf(after.master, "JOIN");
  after.master.send({ type: "ERROR", code: "testfile", text: "other\r\nhash" });
  await assert.rejects(after.introduced, refusal("testfile", "other??hash"));
  // An answer to a refusal would be noise.
  assert.equal(await after.master.receive(), null);
});

Deno.test("a master that closes without a word is one to try again", async () => {
  const { master, introduced, clock } = call();
  master.send(hello());
  await nextOf(master, "JOIN");
  master.close();
  await assert.rejects(introduced, refusal("busy", "the master closed the connection"));
  assert.equal(clock.pending, 0);
});

Deno.test("what comes out of turn is no master's", async () => {
  const early = call();
  early.master.send({ type: "PING", number: 1 });
  await assert.rejects(early.introduced, refusal("protocol", "PING before HELLO"));
  const late = call();
  late.master.send(hello());
  late.master.send({ type: "QUIT" });
  await assert.rejects(late.introduced, refusal("protocol", "QUIT before WELCOME"));
});

Deno.test("a master that is silent, before or after HELLO, is given up after 2 s", async () => {
  const silent = call();
  await silent.clock.advance(2_000);
  await assert.rejects(silent.introduced, refusal("busy", /^it does not say HELLO/));
  assert.equal(silent.worker.closed, true);

  const half = call();
  await half.clock.advance(1_500);
  half.master.send(hello());
  await nextOf(half.master, "JOIN");
  await half.clock.advance(499);
  assert.equal(half.worker.closed, false);
  await half.clock.advance(1);
  await assert.rejects(half.introduced, refusal("busy", "the handshake took longer than 2 s"));
});

Deno.test("a master that says HELLO without end does not outrun the limit", async () => {
  const { master, introduced, clock } = call();
  for (let count = 0; count < 30; count++) {
    master.send(hello());
    await clock.advance(100);
  }
  await assert.rejects(introduced, refusal("busy", "the handshake took longer than 2 s"));
});
