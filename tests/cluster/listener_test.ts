import assert from "node:assert/strict";
import { Channel } from "../../src/cluster/channel.ts";
import { type Candidate, joinMaster, type JoinTerms } from "../../src/cluster/handshake.ts";
import { Inbox } from "../../src/cluster/inbox.ts";
import { RejectionLog, WorkerListener } from "../../src/cluster/listener.ts";
import { ProtocolError } from "../../src/cluster/protocol.ts";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { type ByteStream, connect, listen, type StreamListener } from "../../src/core/network.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { identity, joinFor, nextOf, OTHER_HASH, terms, workerState } from "../support/joining.ts";
import { refusal } from "../support/messages.ts";
import { MemoryListener } from "../support/memory_network.ts";

const BUSY = "too many handshakes in progress from this address";

interface OpenListener {
  readonly workerListener: WorkerListener;
  readonly ended: Promise<void>;
  readonly candidates: Candidate[];
  readonly lines: string[];
}

/** An open listener that records its candidates. */
function open(
  listener: StreamListener,
  clock: Clock,
  changes: Partial<JoinTerms> = {},
): OpenListener {
  const [candidates, lines]: [Candidate[], string[]] = [[], []];
  const workerListener = new WorkerListener(listener, {
    inbox: new Inbox(clock),
    terms: terms(changes),
    where: "10.0.0.1:5557",
    onJoined: (candidate) => void candidates.push(candidate),
    warn: (line) => void lines.push(line),
    clock,
  });
  return { workerListener, ended: workerListener.run(), candidates, lines };
}

interface MemorySetup extends OpenListener {
  readonly clock: FakeClock;
  dial(address: string): Channel;
}

function openInMemory(changes: Partial<JoinTerms> = {}): MemorySetup {
  const listener = new MemoryListener();
  const clock = new FakeClock();
  const dial = (address: string): Channel => new Channel(listener.dial(address)!);
  return { ...open(listener, clock, changes), clock, dial };
}

Deno.test("a candidate has its connection and its state", async () => {
  const { dial, candidates, lines, clock, workerListener, ended } = openInMemory();
  const worker = dial("10.0.0.2");
  const { welcome } = await joinMaster(worker, identity(), { token: "secret", clock });
  await settle();
  assert.equal(welcome.runId, "run-1");
  assert.equal(candidates[0]?.join.workerId, "worker-1");
  assert.equal(candidates[0]?.worker?.reports.lastSeq, 7);
  candidates[0]?.channel.send({ type: "SETUP", workerIndex: 0, options: "{}" });
  assert.equal((await nextOf(worker, "SETUP")).options, "{}");
  workerListener.close();
  await ended;
  // The listener no longer owns a connection that was taken over.
  assert.equal(candidates[0]?.channel.closed, false);
  assert.deepEqual(lines, []);
});

Deno.test("a refusal is logged with the peer's address and the reason", async () => {
  const { dial, candidates, lines, clock } = openInMemory();
  const testfileHash = OTHER_HASH;
  for (const [address, token] of [["10.0.0.2", "wrong"], ["10.0.0.3", "secret"]] as const) {
    const joining = joinMaster(dial(address), identity({ testfileHash }), { token, clock });
    await assert.rejects(joining, ProtocolError);
  }
  await settle();
  assert.equal(lines.length, 2);
  assert.match(lines[0]!, /^Refused a connection from 10\.0\.0\.2: the token is wrong or missing/);
  assert.match(
    lines[1]!,
    /^Refused a connection from 10\.0\.0\.3: .*b2b2.* is not a1a1.*--allow-diff/,
  );
  assert.deepEqual(candidates, []);
});

Deno.test("a silent connection is closed after 2 s, and no longer counts as a handshake", async () => {
  const { dial, lines, clock } = openInMemory();
  const silent = Array.from({ length: 10 }, () => dial("10.0.0.2"));
  await clock.advance(1_999);
  assert.deepEqual(lines, []);
  const early = joinMaster(dial("10.0.0.2"), identity(), { token: "secret", clock });
  await assert.rejects(early, refusal("busy", BUSY));
  await clock.advance(1);
  for (const worker of silent) {
    await nextOf(worker, "HELLO");
    assert.equal((await nextOf(worker, "ERROR")).text, "the handshake took longer than 2 s");
    assert.equal(await worker.receive(), null);
  }
  const late = await joinMaster(dial("10.0.0.2"), identity(), { token: "secret", clock });
  assert.equal(late.welcome.runId, "run-1");
});

Deno.test("the 11th handshake in progress of an address is refused, but not that of another address", async () => {
  const { dial, lines, clock, candidates } = openInMemory();
  for (let count = 0; count < 10; count++) await nextOf(dial("10.0.0.2"), "HELLO");
  const eleventh = dial("10.0.0.2");
  const { code, text } = await nextOf(eleventh, "ERROR");
  assert.deepEqual([code, text], ["busy", BUSY]);
  assert.equal(await eleventh.receive(), null);
  await joinMaster(dial("10.0.0.3"), identity(), { token: "secret", clock });
  await settle();
  assert.equal(candidates.length, 1);
  assert.deepEqual(lines, [`Refused a connection from 10.0.0.2: ${BUSY}`]);
});

Deno.test("workers that have joined do not count as handshakes", async () => {
  const { dial, clock, candidates, lines } = openInMemory();
  for (let count = 0; count < 30; count++) {
    await joinMaster(dial("10.0.0.2"), identity(), { token: "secret", clock });
  }
  await settle();
  assert.equal(candidates.length, 30);
  assert.deepEqual(lines, []);
});

Deno.test("hundreds of connections that do not read their refusal are closed without one", async () => {
  const listener = new MemoryListener();
  const clock = new FakeClock();
  const { lines } = open(
    {
      ...listener,
      port: 1,
      close: () => listener.close(),
      accept: async () => {
        const accepted = await listener.accept();
        // A stream whose writes never finish.
        return accepted && { ...accepted, stream: stuck(accepted.stream) };
      },
    },
    clock,
  );
  const ends = Array.from({ length: 300 }, () => listener.dial("10.0.0.2")!);
  await clock.advance(0);
  // 10 handshakes in progress, 100 that are being refused, and 190 that are closed immediately.
  const gone = await Promise.all(ends.map(isAtItsEnd));
  assert.equal(gone.filter((end) => end).length, 190);
  await clock.advance(3_000);
  assert.equal((await Promise.all(ends.map(isAtItsEnd))).filter((end) => end).length, 300);
  assert.equal(lines[0], `Refused a connection from 10.0.0.2: ${BUSY}`);
});

Deno.test("garbage, closed connections and errors in hooks do not affect other connections", async () => {
  const { dial, clock, lines, candidates } = openInMemory({
    admit: ({ workerId }) => {
      if (workerId === "cursed") throw new TypeError("no seat");
      return workerState();
    },
  });
  dial("10.0.0.2").close();
  dial("10.0.0.3").sendFrame(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  dial("10.0.0.4").sendFrame(new Uint8Array([0, 0, 0, 1, 0xc1]));
  const cursed = identity({ workerId: "cursed" });
  await assert.rejects(joinMaster(dial("10.0.0.5"), cursed, { token: "secret", clock }));
  await joinMaster(dial("10.0.0.6"), identity(), { token: "secret", clock });
  await settle();
  assert.equal(candidates.length, 1);
  assert.deepEqual(
    lines.map((line) => line.slice(0, "Refused a connection from 10.0.0.3".length)),
    [3, 4, 5].map((last) => `Refused a connection from 10.0.0.${last}`),
  );
});

Deno.test("closing also ends handshakes in progress, and leaves no timer behind", async () => {
  const { dial, clock, workerListener, ended, lines, candidates } = openInMemory();
  const waiting = dial("10.0.0.2");
  const hello = await nextOf(waiting, "HELLO");
  workerListener.close();
  workerListener.close();
  await ended;
  assert.equal(await waiting.receive(), null);
  waiting.send(joinFor(hello, "secret"));
  await clock.advance(5_000);
  assert.equal(clock.pending, 0);
  assert.deepEqual(candidates, []);
  assert.deepEqual(lines, []);
});

Deno.test("without a token the master warns once, and accepts workers without one", async () => {
  const { dial, clock, lines, candidates } = openInMemory({ token: null });
  for (let count = 0; count < 3; count++) {
    await joinMaster(dial("10.0.0.2"), identity(), { token: null, clock });
  }
  await settle();
  assert.equal(candidates.length, 3);
  assert.deepEqual(lines, [
    "There is no token: anyone who can reach 10.0.0.1:5557 can join this run. " +
    "Set --token or AIOTEST_TOKEN on both sides.",
  ]);
});

Deno.test("another version of aiotest is accepted with one warning that names both", async () => {
  const { dial, lines, candidates } = openInMemory();
  for (let count = 0; count < 3; count++) {
    const worker = dial("10.0.0.2");
    worker.send(joinFor(await nextOf(worker, "HELLO"), "secret", { version: "9.9.9" }));
    await nextOf(worker, "WELCOME");
  }
  await settle();
  assert.equal(candidates.length, 3);
  assert.deepEqual(lines, ["Worker worker-1 runs aiotest 9.9.9, the master 0.1.0."]);
});

Deno.test("on real sockets, 300 simultaneous wrong tokens are refused, and a right one is accepted after that", async () => {
  const listener = listen({ hostname: "127.0.0.1", port: 0, tls: null });
  const { workerListener, ended, candidates, lines } = open(listener, systemClock);
  const join = async (token: string): Promise<string> => {
    const stream = await connect({ hostname: "127.0.0.1", port: listener.port, tls: null });
    const channel = new Channel(stream);
    try {
      await joinMaster(channel, identity(), { token, clock: systemClock });
      return "in";
    } catch (error) {
      return error instanceof ProtocolError ? error.code : String(error);
    } finally {
      channel.close();
    }
  };
  try {
    const outcomes = await Promise.all(Array.from({ length: 300 }, () => join("wrong")));
    const others = outcomes.filter((outcome) => outcome !== "token" && outcome !== "busy");
    assert.deepEqual(others, []);
    assert.ok(outcomes.includes("token"));
    assert.deepEqual(candidates, []);
    assert.equal(await join("secret"), "in");
    // The worker may have joined a moment before the candidate is passed on.
    for (let turn = 0; turn < 100 && candidates.length === 0; turn++) await settle();
    assert.equal(candidates.length, 1);
    assert.match(lines[0]!, /^Refused a connection from 127\.0\.0\.1: /);
  } finally {
    for (const { channel } of candidates) channel.close();
    workerListener.close();
    await ended;
  }
  // One line immediately, and one at the end or per second for all others.
  const told = lines.slice(1).map((line) => Number(/^Refused (\d+) more/.exec(line)?.[1]));
  assert.equal(told.reduce((sum, count) => sum + count, 1), 300);
  assert.ok(lines.length < 10, `${lines.length} lines`);
});

/** The stream, with writes that never finish until it is closed. */
function stuck(stream: ByteStream): ByteStream {
  const end = Promise.withResolvers<never>();
  end.promise.catch(() => {});
  return {
    read: (into) => stream.read(into),
    write: () => end.promise,
    close: () => {
      end.reject(new Error("closed"));
      stream.close();
    },
  };
}

/** Whether the other side has closed a stream. */
async function isAtItsEnd(stream: ByteStream): Promise<boolean> {
  const end = await Promise.race([stream.read(new Uint8Array(1)), settle().then(() => "open")]);
  return end === null;
}

function rejectionLog(): { lines: string[]; clock: FakeClock; rejectionLog: RejectionLog } {
  const lines: string[] = [];
  const clock = new FakeClock();
  return { lines, clock, rejectionLog: new RejectionLog((line) => lines.push(line), clock) };
}

Deno.test("the first rejection of an address is logged immediately, further ones a second later with their number", async () => {
  const { lines, clock, rejectionLog: book } = rejectionLog();
  book.record("10.0.0.1", "wrong token");
  assert.deepEqual(lines.splice(0), ["Refused a connection from 10.0.0.1: wrong token"]);
  for (let count = 0; count < 10_000; count++) book.record("10.0.0.1", "another wrong token");
  await clock.advance(999);
  assert.deepEqual(lines, []);
  await clock.advance(1);
  assert.deepEqual(lines, [
    "Refused 10000 more from 10.0.0.1, the last one: another wrong token",
  ]);
});

Deno.test("a continued attack is logged as one line per second", async () => {
  const { lines, clock, rejectionLog: book } = rejectionLog();
  for (let ms = 0; ms < 10_000; ms += 10) {
    book.record("10.0.0.1", "wrong token");
    await clock.advance(10);
  }
  assert.equal(lines.length, 11);
  assert.equal(lines[1], "Refused 99 more from 10.0.0.1, the last one: wrong token");
  assert.equal(lines[10], "Refused 100 more from 10.0.0.1, the last one: wrong token");
});

Deno.test("after a quiet second, an address is logged immediately again", async () => {
  const { lines, clock, rejectionLog: book } = rejectionLog();
  book.record("10.0.0.1", "wrong token");
  await clock.advance(1_000);
  assert.equal(clock.pending, 0);
  book.record("10.0.0.1", "wrong token");
  assert.equal(lines.length, 2);
  assert.equal(lines[1], lines[0]);
});

Deno.test("addresses are logged independently", () => {
  const { lines, rejectionLog: book } = rejectionLog();
  book.record("10.0.0.1", "wrong token");
  book.record("10.0.0.2", "no token");
  assert.deepEqual(lines, [
    "Refused a connection from 10.0.0.1: wrong token",
    "Refused a connection from 10.0.0.2: no token",
  ]);
});

Deno.test("closing logs what is left, and leaves no timer behind", async () => {
  const { lines, clock, rejectionLog: book } = rejectionLog();
  book.record("10.0.0.1", "first");
  book.record("10.0.0.1", "second");
  book.record("10.0.0.2", "only one");
  book.close();
  book.record("10.0.0.3", "too late");
  assert.equal(clock.pending, 0);
  await clock.advance(5_000);
  assert.deepEqual(lines, [
    "Refused a connection from 10.0.0.1: first",
    "Refused a connection from 10.0.0.2: only one",
    "Refused 1 more from 10.0.0.1, the last one: second",
  ]);
});

Deno.test("a peer cannot write its own lines into the log", () => {
  const { lines, rejectionLog: book } = rejectionLog();
  book.record("10.0.0.1", "oh\nINFO all is well\x1b[2J");
  assert.deepEqual(lines, ["Refused a connection from 10.0.0.1: oh␊INFO all is well␛[2J"]);
});
