/**
 * The handshake between master and worker. The master sends HELLO, the worker JOIN, the master WELCOME;
 * with a token, both prove that they know it.
 *
 * @module
 */

import { encode } from "@msgpack/msgpack";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock, Timer } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import { peerText } from "../core/text.ts";
import { VERSION } from "../core/version.ts";
import type { Channel } from "./channel.ts";
import { Inbox } from "./inbox.ts";
import { commonProtocol, type Message, NO_TESTFILE, PROTOCOL, ProtocolError } from "./protocol.ts";
import type { WorkerState } from "./run_state.ts";

type Hello = Message<"HELLO">;
type Join = Message<"JOIN">;
type Welcome = Message<"WELCOME">;

/**
 * Returns the peer's next message; null if it has closed the connection. Throws a ProtocolError if the
 * peer sends an ERROR or an invalid message, or takes too long; `ifLate` is the text for the latter.
 */
type NextMessage = (ifLate?: string) => Promise<Message | null>;

/** How long a peer may take to send HELLO or JOIN. */
const HANDSHAKE_SECONDS = 2;

/** How long a master may take to answer JOIN: many workers may have sent it at the same time. */
const WELCOME_SECONDS = 5;

const tooLate = (seconds: number): string => `the handshake took longer than ${seconds} s`;

/** The peer has given up the handshake, for this reason. */
class PeerError extends ProtocolError {}

/**
 * Runs `talk` with a peer that is not trusted yet. Its first message must arrive within 2 s, and the others
 * within the seconds that `allow` is called with. If that fails, the peer is sent an ERROR, the channel is
 * closed, and then this rejects.
 */
async function handshake<Result>(
  channel: Channel,
  clock: Clock,
  talk: (next: NextMessage, allow: (seconds: number) => void) => Promise<Result>,
): Promise<Result> {
  const late = Promise.withResolvers<"late">();
  const start = (seconds: number): Timer =>
    clock.setTimer(() => late.resolve("late"), seconds * 1000);
  let limit = HANDSHAKE_SECONDS;
  let timer = start(limit);
  const allow = (seconds: number): void => {
    clock.clearTimer(timer);
    limit = seconds;
    timer = start(limit);
  };
  let refused = false;
  const next = async (ifLate = tooLate(limit)): Promise<Message | null> => {
    // The timeout goes first: a peer that never stops sending must not outrun it.
    const message = await Promise.race([late.promise, channel.receive()]);
    if (message === "late") throw new ProtocolError("busy", ifLate);
    if (message?.type !== "ERROR") return message;
    refused = true;
    throw new PeerError(message.code, peerText(message.text));
  };
  try {
    return await talk(next, allow);
  } catch (error) {
    if (refused) channel.close();
    else channel.refuse(asProtocolError(error), clock);
    await channel.flushed();
    throw error;
  } finally {
    clock.clearTimer(timer);
  }
}

function asProtocolError(error: unknown): ProtocolError {
  return error instanceof ProtocolError ? error : new ProtocolError("busy", errorText(error));
}

/** The proof if there is no token. */
export const NO_PROOF: Uint8Array<ArrayBuffer> = new Uint8Array(0);

const NONCE_BYTES = 16;

/** Cryptographically random bytes; deliberately not from the random source that tests can replace. */
export function newNonce(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
}

/**
 * The worker's proof that it knows the token, without revealing it. It covers HELLO and all of JOIN but
 * the proof itself, so that no one on the way can change them, and both nonces, so that it cannot be
 * replayed. Empty without a token.
 */
export function workerProof(
  token: string | null,
  hello: Hello,
  join: Join,
): Uint8Array {
  return proofOf(token, ["worker", hello, { ...join, mac: NO_PROOF }]);
}

/** The master's proof, over HELLO, JOIN and WELCOME without their proofs. Empty without a token. */
export function masterProof(
  token: string | null,
  hello: Hello,
  join: Join,
  welcome: Welcome,
): Uint8Array {
  return proofOf(token, [
    "master",
    hello,
    { ...join, mac: NO_PROOF },
    { ...welcome, mac: NO_PROOF },
  ]);
}

/** Compares two proofs in a time that does not depend on where they differ. */
export function sameProof(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * Covers whole messages with the names of their fields, so that no field is missed or confused. To rename
 * a field of these messages is therefore an incompatible change.
 */
function proofOf(
  token: string | null,
  agreed: readonly (string | Hello | Join | Welcome)[],
): Uint8Array {
  if (token === null) return NO_PROOF;
  const bytes = encode(agreed, { sortKeys: true });
  return new Uint8Array(createHmac("sha256", token).update(bytes).digest());
}

/** The conditions under which a master accepts workers. */
export interface JoinTerms {
  readonly runId: string;
  /** Null if any worker may join. */
  readonly token: string | null;
  /** SHA-256 of the test file in hexadecimal. */
  readonly testfileHash: string;
  readonly allowDifferentTestfile: boolean;
  /** The hash of the files for workers without a test file, who may join with it; empty if there are none. */
  readonly filesHash: string;
  /** 1, plus one for each restart of the run's master. */
  readonly epoch: number;
  readonly heartbeatSeconds: number;
  readonly leaseSeconds: number;
  /**
   * Admits a worker that has proved that it knows the token. Returns its state, or null if it only
   * fetches files and takes no part in the run yet.
   *
   * @param address where it connects from.
   * @throws ProtocolError with `duplicate`, `run` or `busy` if it is refused.
   */
  admit(join: Join, address: string): WorkerState | null;
}

/** A connection whose worker has completed the handshake and has not been taken over yet. */
export interface Candidate {
  readonly channel: Channel;
  readonly join: Join;
  /** Null if it only fetches files. */
  readonly worker: WorkerState | null;
}

/**
 * The master's side of the handshake. Returns null if the peer closes the connection before JOIN, also
 * because it has waited for too long.
 *
 * @param address where the worker connects from.
 * @param inbox what else has arrived, and is handled before JOIN.
 *
 * Rejects with the ProtocolError that says why the worker is refused. The worker has been sent it, and
 * the channel is closed.
 */
export function acceptWorker(
  channel: Channel,
  terms: JoinTerms,
  clock: Clock,
  address: string,
  inbox: Inbox = new Inbox(clock),
): Promise<Candidate | null> {
  return handshake(channel, clock, async (next) => {
    const hello: Hello = {
      type: "HELLO",
      protocolMin: PROTOCOL,
      protocolMax: PROTOCOL,
      epoch: terms.epoch,
      nonce: newNonce(),
    };
    channel.send(hello);
    const join = await receiveJoin(next);
    if (join === null) return null;
    return await inbox.run(() => {
      // It has given up meanwhile.
      if (channel.closed) return null;
      check(hello, join, terms);
      const worker = terms.admit(join, address);
      channel.send(welcomeTo(hello, join, worker?.reports.lastSeq ?? 0, terms));
      channel.admit();
      return { channel, join, worker };
    });
  });
}

async function receiveJoin(next: NextMessage): Promise<Join | null> {
  const message = await next().catch((error) => {
    // It has waited for too long, as all workers have after a pause of this process, and comes back.
    if (error instanceof PeerError && error.code === "busy") return null;
    throw error;
  });
  if (message === null || message.type === "JOIN") return message;
  throw new ProtocolError("protocol", `${message.type} before JOIN`);
}

/** The token is checked first: a peer that does not know it must learn nothing about the test. */
function check(hello: Hello, join: Join, terms: JoinTerms): void {
  const { token, testfileHash, filesHash, allowDifferentTestfile } = terms;
  commonProtocol({ min: PROTOCOL, max: PROTOCOL }, { min: join.protocol, max: join.protocol });
  if (!sameProof(workerProof(token, hello, join), join.mac)) {
    throw new ProtocolError("token", token === null ? TOKEN_UNKNOWN : TOKEN_WRONG);
  }
  if (join.testfileHash === NO_TESTFILE) {
    if (filesHash === "") throw new ProtocolError("testfile", NO_FILES);
  } else if (![testfileHash, filesHash].includes(join.testfileHash) && !allowDifferentTestfile) {
    throw new ProtocolError(
      "testfile",
      `the worker has a different test file than the master: ${join.testfileHash} is not ` +
        `${testfileHash}; with --allow-different-testfile the master accepts it`,
    );
  }
}

/** A master whose port is open to everyone does not send its files. */
const NO_FILES = "the worker has no test file, and this master sends none: give it one with -f";

/** The same text for a wrong and for a missing token. */
const TOKEN_WRONG =
  "the token is wrong or missing: set the same --token or AIOTEST_TOKEN on both sides";

/** Such a worker would leave immediately, because the master cannot prove anything to it. */
const TOKEN_UNKNOWN =
  "the worker has a token, the master has none: set the same --token or AIOTEST_TOKEN on both sides";

function welcomeTo(
  hello: Hello,
  join: Join,
  ackedSeq: number,
  { token, runId, epoch, heartbeatSeconds, leaseSeconds, filesHash }: JoinTerms,
): Welcome {
  const welcome: Welcome = {
    type: "WELCOME",
    runId,
    epoch,
    ackedSeq,
    heartbeatSeconds,
    leaseSeconds,
    filesHash,
    mac: NO_PROOF,
  };
  return { ...welcome, mac: masterProof(token, hello, join, welcome) };
}

/** The warning if there is no token. */
export function openPortWarning(where: string): string {
  return `There is no token: anyone who can reach ${where} can join this run. ` +
    "Set --token or AIOTEST_TOKEN on both sides.";
}

/** How a worker identifies itself. */
export type WorkerIdentity = Pick<
  Join,
  "workerId" | "incarnation" | "host" | "pid" | "cpus" | "testfileHash"
>;

/** What {@link joinMaster} needs besides the worker's identity. */
export interface JoinOptions {
  /** Null: none. */
  readonly token: string | null;
  readonly clock: Clock;
}

/** A master that the worker has joined. */
export interface JoinedMaster {
  readonly hello: Hello;
  readonly welcome: Welcome;
  /** Warnings for the log; they are the same for each connection, so log them once. */
  readonly warnings: readonly string[];
}

/**
 * The worker's side of the handshake.
 *
 * Rejects with a ProtocolError, and with the channel closed: with the master's own error if it refuses,
 * with `token` if it does not prove that it knows the token, with `busy` if it closes the connection or
 * takes too long.
 */
export function joinMaster(
  channel: Channel,
  identity: WorkerIdentity,
  { token, clock }: JoinOptions,
): Promise<JoinedMaster> {
  return handshake(channel, clock, async (next, allow) => {
    const hello = await helloOf(next);
    const join = joinOf(hello, identity, token);
    channel.send(join);
    allow(WELCOME_SECONDS);
    const welcome = await welcomeOf(next);
    if (!sameProof(masterProof(token, hello, join, welcome), welcome.mac)) {
      throw new ProtocolError("token", "the master did not prove that it knows the token");
    }
    channel.admit();
    const warnings = token === null ? [openPortWarning("the master's port")] : [];
    return { hello, welcome, warnings };
  });
}

/** A master with TLS stays silent until the worker starts the TLS handshake. */
const SILENT = "the master does not send HELLO; if it has --tls-cert, workers need --tls-ca";

async function helloOf(next: NextMessage): Promise<Hello> {
  const message = await required(() => next(SILENT));
  if (message.type === "HELLO") return message;
  throw new ProtocolError("protocol", `${message.type} before HELLO`);
}

async function welcomeOf(next: NextMessage): Promise<Welcome> {
  for (;;) {
    const message = await required(next);
    if (message.type === "WELCOME") return message;
    // Some networks deliver data twice; the first HELLO counts.
    if (message.type === "HELLO") continue;
    throw new ProtocolError("protocol", `${message.type} before WELCOME`);
  }
}

async function required(next: NextMessage): Promise<Message> {
  const message = await next();
  if (message !== null) return message;
  throw new ProtocolError("busy", "the master closed the connection");
}

function joinOf(
  hello: Hello,
  identity: WorkerIdentity,
  token: string | null,
): Join {
  const { workerId, incarnation, host, pid, cpus, testfileHash } = identity;
  const join: Join = {
    type: "JOIN",
    protocol: commonProtocol(
      { min: hello.protocolMin, max: hello.protocolMax },
      { min: PROTOCOL, max: PROTOCOL },
    ),
    version: VERSION,
    workerId,
    incarnation,
    host,
    pid,
    cpus,
    testfileHash,
    nonce: newNonce(),
    mac: NO_PROOF,
  };
  return { ...join, mac: workerProof(token, hello, join) };
}
