import assert from "node:assert/strict";
import { Channel } from "../../src/cluster/channel.ts";
import { acceptWorker } from "../../src/cluster/handshake.ts";
import {
  MasterConnection,
  type MasterConnectionOptions,
  openingProblem,
} from "../../src/cluster/master_connection.ts";
import { type ErrorCode, type Message, ProtocolError } from "../../src/cluster/protocol.ts";
import { AiotestError } from "../../src/core/errors.ts";
import { connect, listen } from "../../src/core/network.ts";
import { identity as certificate, testAuthority } from "../support/certificates.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import type { WorkerState } from "../../src/cluster/run_state.ts";
import { identity, OTHER_HASH, terms, workerState } from "../support/joining.ts";
import { type MemoryLine, MemoryNetwork } from "../support/memory_network.ts";

interface Scene {
  readonly clock: FakeClock;
  readonly connection: MasterConnection;
  readonly line: MemoryLine;
  readonly network: MemoryNetwork;
  /** The calls of the hooks. */
  readonly log: string[];
  readonly infos: string[];
  readonly warnings: string[];
  /** The times of the attempts to connect. */
  readonly attempts: number[];
  /** The master's ends of the connections that have joined. */
  readonly masters: Channel[];
  ended: boolean;
  error: unknown;
}

interface SceneOptions extends Partial<MasterConnectionOptions> {
  /** Why the master refuses workers; null if it accepts them. */
  readonly refusal?: ErrorCode | null;
  /** Whether there is a master. */
  readonly listening?: boolean;
}

function scene({ refusal = null, listening = true, ...changes }: SceneOptions = {}): Scene {
  const clock = new FakeClock();
  const network = new MemoryNetwork();
  const line = network.line("10.0.0.1");
  const [log, infos, warnings]: [string[], string[], string[]] = [[], [], []];
  const attempts: number[] = [];
  const connection = new MasterConnection({
    master: "here:5557",
    connect: () => {
      attempts.push(clock.now());
      return line.connect();
    },
    identity: identity(),
    token: "secret",
    timeoutMs: 20_000,
    clock,
    random: () => 0.5,
    info: (text) => infos.push(text),
    warn: (text) => warnings.push(text),
    ...changes,
  }, {
    onJoined: ({ welcome }, heardAt) => void log.push(`joined ${welcome.runId} at ${heardAt}`),
    onHeard: (atMs) => void log.push(`heard ${atMs}`),
    onMessage: (message) => {
      if (message.type === "RESUME") throw new ProtocolError("protocol", "never sent");
      log.push(`told ${message.type}`);
    },
    onLost: () => void log.push("lost"),
  });
  const all: Scene = {
    clock,
    connection,
    line,
    network,
    log,
    infos,
    warnings,
    attempts,
    masters: [],
    ended: false,
    error: null,
  };
  if (listening) void serve(all, refusal);
  connection.run().then(() => all.ended = true, (error: unknown) => {
    all.ended = true;
    all.error = error;
  });
  return all;
}

/** A master that accepts all workers, or refuses all of them. */
async function serve({ network, clock, masters }: Scene, refusal: ErrorCode | null): Promise<void> {
  const listener = network.listen();
  const admit = (): WorkerState => {
    if (refusal !== null) throw new ProtocolError(refusal, "not today");
    return workerState();
  };
  for (;;) {
    const accepted = await listener.accept();
    if (accepted === null) return;
    const channel = new Channel(accepted.stream);
    const candidate = await acceptWorker(channel, terms({ admit }), clock, "").catch(() => null);
    if (candidate !== null) masters.push(channel);
  }
}

/** Answers every PING, and records other messages. */
async function answer(channel: Channel, heard: Message[] = []): Promise<void> {
  for (;;) {
    const message = await channel.receive();
    if (message === null) return;
    if (message.type === "PING") channel.send({ type: "PONG", number: message.number });
    else heard.push(message);
  }
}

Deno.test("a worker that has joined receives and sends messages", async () => {
  const all = scene();
  await settle();
  assert.equal(all.connection.connected, true);
  assert.deepEqual(all.log, ["joined run-1 at 0"]);
  const heard: Message[] = [];
  void answer(all.masters[0]!, heard);
  all.masters[0]!.send({ type: "STOP", deadline: 1, why: "" });
  all.connection.send({ type: "TARGET_ACK", revision: 4 });
  await all.clock.advance(2_000);
  assert.deepEqual(all.log, [
    "joined run-1 at 0",
    "told STOP",
    "heard 0",
    "heard 1000",
    "heard 2000",
  ]);
  assert.deepEqual(heard, [{ type: "TARGET_ACK", revision: 4 }]);
  await all.connection.close();
  await settle();
  assert.deepEqual([all.ended, all.error], [true, null]);
  assert.equal(all.clock.pending, 0);
});

Deno.test("the master has heard from the worker when the PING was sent, not when its PONG arrived", async () => {
  const all = scene();
  await settle();
  const master = all.masters[0]!;
  await all.clock.advance(2_500);
  // Three are in flight, and the answer to the second also covers the first.
  for (const number of [2, 1, 2, 99]) master.send({ type: "PONG", number });
  await settle();
  assert.deepEqual(all.log.slice(1), ["heard 1000"]);
  await all.connection.close();
});

Deno.test("a PING from the master is answered", async () => {
  const all = scene();
  await settle();
  all.masters[0]!.send({ type: "PING", number: 7 });
  await settle();
  const [first, second] = [await all.masters[0]!.receive(), await all.masters[0]!.receive()];
  assert.deepEqual([first, second], [{ type: "PING", number: 1 }, { type: "PONG", number: 7 }]);
  await all.connection.close();
});

Deno.test("a lost connection is opened again, sooner after one that lasted long", async () => {
  const all = scene();
  await settle();
  void answer(all.masters[0]!);
  await all.clock.advance(1_500);
  all.line.cut();
  await settle();
  assert.equal(all.connection.connected, false);
  assert.equal(all.log.at(-1), "lost");
  // 0.5 of the first 50 ms.
  await all.clock.advance(25);
  assert.equal(all.log.at(-1), "joined run-1 at 1525");
  assert.deepEqual(all.warnings.length, 1);
  assert.match(all.warnings[0]!, /^Lost the connection to the master at here:5557/);
  await all.connection.close();
});

Deno.test("pauses are random, up to a limit that doubles to 2 s", async () => {
  const all = scene({ listening: false });
  await all.clock.advance(6_000);
  const pauses = all.attempts.slice(1).map((at, i) => at - all.attempts[i]!);
  assert.deepEqual(pauses, [25, 50, 100, 200, 400, 800, 1000, 1000, 1000, 1000]);
  assert.equal(all.infos.length, 1);
  await all.connection.close();
});

Deno.test("a master that cannot be reached in time ends it with exit code 4", async () => {
  const all = scene({ listening: false });
  await all.clock.advance(19_900);
  assert.equal(all.ended, false);
  await all.clock.advance(200);
  assert.ok(all.error instanceof AiotestError);
  assert.equal(all.error.exitCode, 4);
  assert.match(all.error.message, /^Cannot reach the master at here:5557 for 20 s: /);
  assert.match(all.error.hint, /--reconnect-timeout/);
  assert.equal(all.clock.pending, 0);
});

Deno.test("the timeout starts again when a connection is lost", async () => {
  const all = scene();
  await settle();
  void answer(all.masters[0]!);
  await all.clock.advance(60_000);
  all.line.break();
  await all.clock.advance(19_000);
  assert.equal(all.ended, false);
  await all.clock.advance(3_000);
  assert.equal(all.ended, true);
});

Deno.test("a connection that is silent for 5 s is given up", async () => {
  const all = scene();
  await settle();
  await all.clock.advance(4_999);
  assert.equal(all.connection.connected, true);
  await all.clock.advance(1_100);
  assert.deepEqual(all.log.slice(1), ["lost", "joined run-1 at 5025"]);
  await all.connection.close();
});

Deno.test("a connection that takes more than 5 s to open is given up, and closed if it opens later", async () => {
  let closed = 0;
  const stream = {
    read: () => new Promise<never>(() => {}),
    write: () => new Promise<never>(() => {}),
  };
  const late = Promise.withResolvers<void>();
  const all = scene({
    connect: async () => {
      await late.promise;
      return { ...stream, close: () => void closed++ };
    },
    timeoutMs: 4_000,
  });
  await all.clock.advance(5_100);
  assert.equal(all.ended, true);
  assert.match(String(all.error), /opening the connection takes too long/);
  late.resolve();
  await settle();
  assert.equal(closed, 1);
});

for (const code of ["busy", "duplicate", "protocol"] as const) {
  Deno.test(`after a refusal with ${code}, it tries again`, async () => {
    const all = scene({ refusal: code });
    await all.clock.advance(3_000);
    assert.equal(all.ended, false);
    assert.ok(all.attempts.length >= 4);
    await all.connection.close();
  });
}

for (
  const [code, exitCode] of [["run", 4], ["token", 2], ["testfile", 2], ["version", 2]] as const
) {
  Deno.test(`a refusal with ${code} ends it with exit code ${exitCode}`, async () => {
    const all = scene({ refusal: code });
    await all.clock.advance(100);
    assert.ok(all.error instanceof AiotestError);
    assert.equal(all.error.exitCode, exitCode);
    assert.match(all.error.message, /not today/);
    assert.equal(all.attempts.length, 1);
  });
}

Deno.test("a different test file than the master's ends it with exit code 2", async () => {
  const all = scene({ identity: identity({ testfileHash: OTHER_HASH }) });
  await all.clock.advance(100);
  assert.ok(all.error instanceof AiotestError);
  assert.equal(all.error.exitCode, 2);
});

Deno.test("an error in a handler ends the connection, which is then opened again", async () => {
  const all = scene();
  await settle();
  void answer(all.masters[0]!);
  await all.clock.advance(1_100);
  all.masters[0]!.send({ type: "RESUME", seq: 1 });
  await all.clock.advance(100);
  assert.equal(all.masters.length, 2);
  assert.match(all.warnings[0]!, /never sent/);
  await all.connection.close();
});

Deno.test("renew replaces the connection", async () => {
  const all = scene();
  await settle();
  all.connection.renew();
  await all.clock.advance(100);
  assert.deepEqual(all.log, ["joined run-1 at 0", "lost", "joined run-1 at 25"]);
  await all.connection.close();
});

Deno.test("messages sent before the end are written", async () => {
  const all = scene();
  await settle();
  const heard: Message[] = [];
  void answer(all.masters[0]!, heard);
  all.connection.send({ type: "STOPPED", lastSeq: 3 });
  await all.connection.close();
  await settle();
  assert.deepEqual(heard, [{ type: "STOPPED", lastSeq: 3 }]);
});

Deno.test("closing it while it tries to connect ends it immediately", async () => {
  const all = scene({ listening: false });
  await all.clock.advance(5_000);
  await all.connection.close();
  await settle();
  assert.deepEqual([all.ended, all.error], [true, null]);
  assert.equal(all.clock.pending, 0);
});

Deno.test("sending without a connection does nothing", async () => {
  const all = scene({ listening: false });
  assert.equal(all.connection.connected, false);
  all.connection.send({ type: "QUIT", why: "", stays: false });
  all.connection.renew();
  await all.connection.close();
});

/** The problem when a worker that trusts `ca` connects to `tls`; null if there is none. */
async function problemOf(
  tls: { readonly cert: string; readonly key: string } | null,
  ca: string,
): Promise<string | null> {
  const listener = listen({ hostname: "127.0.0.1", port: 0, tls });
  const served = (async (): Promise<void> => {
    const accepted = await listener.accept();
    try {
      await accepted?.stream.write(new Uint8Array([0, 0, 0, 1, 0]));
      await accepted?.stream.read(new Uint8Array(100));
    } catch {
      // The peer has refused the certificate.
    }
    accepted?.stream.close();
  })();
  try {
    const { port } = listener;
    const stream = await connect({ hostname: "127.0.0.1", port, tls: { caCerts: [ca] } });
    stream.close();
    return null;
  } catch (error) {
    return openingProblem(error);
  } finally {
    await served;
    listener.close();
  }
}

Deno.test("an invalid certificate fails before any data is exchanged", async () => {
  assert.equal(await problemOf(certificate("good"), testAuthority()), null);
  assert.equal(
    await problemOf(certificate("good"), certificate("self_signed").cert),
    "its certificate is not signed by the authority in --tls-ca",
  );
  assert.match(await problemOf(certificate("expired"), testAuthority()) ?? "", /expired/);
  assert.match(await problemOf(certificate("wrong_host"), testAuthority()) ?? "", /other\.test/);
});

Deno.test("a master without TLS is distinguished from an invalid certificate", async () => {
  assert.match(
    await problemOf(null, testAuthority()) ?? "",
    /^it does not use TLS; .*--tls-cert/,
  );
});

Deno.test("refused connections and unknown names are explained", async () => {
  const listener = listen({ hostname: "127.0.0.1", port: 0, tls: null });
  const { port } = listener;
  listener.close();
  const refused = connect({ hostname: "127.0.0.1", port, tls: null });
  assert.equal(await refused.then(() => null, openingProblem), "the connection was refused");
  assert.equal(openingProblem(new Error("no such name")), "no such name");
});
